//! Tests of the walk: every place where bytes may begin, end, or be bad.

use super::*;
use crate::event::Event;
use crate::order::journal::block::{Head, Id};

fn block(sequence: u64) -> Vec<u8> {
    let head = Head {
        id: Id { epoch: 5, sequence },
        channel: "news",
        time: 1_764_314_275_123,
        synced: None,
        batch: None,
        key: None,
    };
    let mut out = Vec::new();
    // An id in the data is none.
    head.encode(&Event::new(format!("id: 5-9\nid: {sequence}")), &mut out);
    out
}

/// What is found in bytes: the sequence numbers of blocks, and `None` for each bad region.
fn found(mut scan: Scan<'_>) -> (Vec<Option<u64>>, Option<usize>) {
    let mut all = Vec::new();
    while let Some(found) = scan.step() {
        match found {
            Found::Block(_, block) => all.push(Some(block.head.id.sequence)),
            Found::Bad(..) if all.last() == Some(&None) => {}
            Found::Bad(..) => all.push(None),
            Found::More(at) => return (all, Some(at)),
        }
    }
    (all, None)
}

#[test]
fn a_segment_begins_with_its_format_and_the_newest_id_before_it() {
    let id = |epoch, sequence| Id { epoch, sequence };
    for (after, first, line) in [
        (id(0, 0), id(5, 1), ": tidings journal 1, after 0-0\n"),
        (id(4, 17), id(5, 1), ": tidings journal 1, after 4-17\n"),
        (id(5, 8), id(5, 9), ": tidings journal 1, after 5-8\n"),
    ] {
        assert_eq!(Header::line(after), line);
        let len = line.len() as u64;
        let more = format!("{line}id: 5-1\n");
        assert_eq!(Header::parse(more.as_bytes(), first), Ok(Header { after, len }));
        for cut in 0..line.len() {
            let damaged = Header { after: id(5, first.sequence - 1), len: 0 };
            assert_eq!(Header::parse(&line.as_bytes()[..cut], first), Ok(damaged), "{cut}");
        }
    }
    let longest = Header::line(id(u64::MAX, u64::MAX));
    assert!(longest.len() < Header::LONGEST, "{}", longest.len());
}

#[test]
fn a_first_line_that_is_damaged_says_nothing_and_that_of_another_format_its_number() {
    let parse = |line: &str| Header::parse(line.as_bytes(), Id { epoch: 5, sequence: 9 });
    for damaged in [
        "",
        "data: hi\n",
        "\0\0\0",
        ": tidings journal \n",
        ": tidings journal 1\n",
        ": tidings journal 1x\n",
        ": tidings journal 2",
        ": tidings journal 2x\n",
        ": tidings journal 1, after \n",
        ": tidings journal 1, after 5-08\n",
        ": tidings journal 1, after 5-8 \n",
        ": tidings journal 1, after 5-8",
        ": tidings jourmal 1, after 5-8\n",
    ] {
        let unknown = Header { after: Id { epoch: 5, sequence: 8 }, len: 0 };
        assert_eq!(parse(damaged), Ok(unknown), "{damaged:?}");
    }
    for other in ["5-7", "5-9", "4-8", "6-8"] {
        let line = Header::line(Id::parse(other).unwrap());
        let expected = Header::new(Id { epoch: 5, sequence: 8 });
        assert_eq!(parse(&line), Ok(expected), "it is a line, and what it says can't be");
    }
    for (line, number) in [
        (": tidings journal 2\n", "2"),
        (": tidings journal 10\n", "10"),
        (": tidings journal 2, whatever", "2"),
    ] {
        assert_eq!(parse(line), Err(OtherFormat(number.into())));
    }
}

#[test]
fn blocks_are_found_one_after_the_other_and_more_is_asked_for_within_one() {
    let bytes = [block(1), block(2), block(3)].concat();
    let second = block(1).len();
    assert_eq!(found(Scan::new(&bytes, 0, true)), (vec![Some(1), Some(2), Some(3)], None));
    for end in second + 1..second + block(2).len() {
        assert_eq!(found(Scan::new(&bytes[..end], 0, false)), (vec![Some(1)], Some(second)));
        assert_eq!(found(Scan::new(&bytes[..end], 0, true)), (vec![Some(1), None], None));
    }
    assert_eq!(found(Scan::new(&bytes[..second], 0, false)), (vec![Some(1)], None));
}

#[test]
fn a_walk_that_begins_anywhere_finds_the_first_block_after() {
    let bytes = [block(1), block(2), block(3)].concat();
    let second = block(1).len();
    for at in 1..=second {
        let scan = Scan::within(&bytes, at, true);
        assert_eq!(scan.at(), second);
        assert_eq!(found(scan), (vec![Some(2), Some(3)], None));
    }
    let last = second + block(2).len() + 1;
    assert_eq!(found(Scan::within(&bytes, last, true)), (vec![], None));
    assert_eq!(found(Scan::within(&bytes, bytes.len() + 9, true)), (vec![], None));
}

#[test]
fn whatever_is_bad_the_next_block_is_found() {
    let [one, two, three] = [1, 2, 3].map(block);
    for at in 0..two.len() {
        for byte in [0, b'\n', b':', b'z'] {
            let mut bad = two.clone();
            if bad[at] == byte {
                continue;
            }
            bad[at] = byte;
            let bytes = [&one[..], &bad, &three].concat();
            let (found, more) = found(Scan::new(&bytes, 0, true));
            let expected = [vec![Some(1), None, Some(3)], vec![Some(1), None]];
            // Where the last LF is another byte, nothing shows where the third begins.
            assert_eq!(found, expected[usize::from(at + 1 == two.len())], "{at} {byte}");
            assert_eq!(more, None);
        }
    }
}

#[test]
fn bytes_that_were_never_written_are_bad_however_they_are_cut() {
    for rubbish in
        ["\0\0\0\0", "\n\n\n", "id", "id: \n", "x\nid", "id: 5-1\nchannel: news\n", "\nid:"]
    {
        let bytes = [&block(1)[..], rubbish.as_bytes(), b"\n", &block(2)].concat();
        let (all, _) = found(Scan::new(&bytes, 0, true));
        assert_eq!(all, [Some(1), None, Some(2)], "{rubbish:?}");
        // In pieces of every size, each beginning where the last asked for more.
        for size in 1..bytes.len() {
            assert_eq!(in_pieces(&bytes, size), all, "{rubbish:?} by {size}");
        }
    }
}

/// Walks through bytes that come so many at a time.
fn in_pieces(bytes: &[u8], size: usize) -> Vec<Option<u64>> {
    let (mut all, mut start, mut end) = (Vec::new(), 0, 0);
    while start < bytes.len() {
        end = (end + size).min(bytes.len());
        let mut scan = Scan::new(&bytes[start..end], 0, end == bytes.len());
        loop {
            match scan.step() {
                Some(Found::Block(_, block)) => all.push(Some(block.head.id.sequence)),
                Some(Found::Bad(..)) if all.last() == Some(&None) => {}
                Some(Found::Bad(..)) => all.push(None),
                Some(Found::More(_)) | None => break,
            }
        }
        start += scan.at();
    }
    all
}

#[test]
fn a_walk_ends_whatever_the_bytes_are() {
    let mut state = 0x9e37_79b9_u32;
    for _ in 0..20_000 {
        let mut bytes = Vec::new();
        while bytes.len() < 120 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let piece = ["id: ", "5-1", "\n", "channel: ", "crc: ", "data: ", "time: 1\n", "\0"];
            bytes.extend_from_slice(piece[(state >> 24) as usize % piece.len()].as_bytes());
        }
        for is_all in [true, false] {
            let mut scan = Scan::new(&bytes, 0, is_all);
            let mut before = 0;
            while let Some(found) = scan.step() {
                if matches!(found, Found::More(_)) {
                    break;
                }
                assert!(scan.at() > before && scan.at() <= bytes.len());
                before = scan.at();
            }
        }
    }
}

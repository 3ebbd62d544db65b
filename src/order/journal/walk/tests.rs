//! Tests of the walk through a file, and what others need to make one.

use std::io;

use super::*;
use crate::event::Event;
use crate::order::journal::block::Id;
use crate::order::journal::scan::Header;

/// A file in memory. It gives no more than so many bytes at a time, and can't read some.
pub(crate) struct Bytes {
    pub(crate) bytes: Vec<u8>,
    pub(crate) most: usize,
    pub(crate) unread: Range<u64>,
}

impl Bytes {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, most: usize::MAX, unread: 0..0 }
    }
}

impl ReadFile for Bytes {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if self.unread.contains(&offset) {
            return Err(io::Error::other("on purpose"));
        }
        let from = (offset as usize).min(self.bytes.len());
        let mut len = buffer.len().min(self.bytes.len() - from).min(self.most);
        if offset < self.unread.start {
            len = len.min((self.unread.start - offset) as usize);
        }
        buffer[..len].copy_from_slice(&self.bytes[from..from + len]);
        Ok(len)
    }
}

/// Appends the block of an event of a channel, whose data has so many bytes.
pub(crate) fn block(id: Id, channel: &str, len: usize, out: &mut Vec<u8>) {
    let head = Head { id, channel, time: 7, synced: None, batch: None, key: None };
    // Lines that look like the first of a block, and longer ones; no event has those of another.
    let lines = format!("id: {}-{}\n{}\n", id.epoch, id.sequence, "x".repeat(100));
    let mut data = lines.repeat(len.div_ceil(lines.len()));
    data.truncate(len);
    head.encode(&Event::new(data), out);
}

/// How many bytes the first line of that has.
fn header() -> u64 {
    Header::new(Id::default()).len
}

/// A segment of the epoch 5, of events with so many bytes.
fn segment(lens: &[usize]) -> Vec<u8> {
    let mut out = Header::line(Id::default()).into_bytes();
    for (sequence, len) in (1..).zip(lens) {
        block(Id { epoch: 5, sequence }, "news", *len, &mut out);
    }
    out
}

/// What a walk finds: the numbers of blocks, and whether each is large; `None` for bad bytes.
fn walked(walk: &mut Walk<'_>) -> Vec<Option<(u64, bool)>> {
    let mut all = Vec::new();
    let mut ends = walk.at();
    while walk
        .step(|step| match step {
            Step::Block(at, block) => {
                assert_eq!(at, ends);
                ends += block.len as u64;
                all.push(Some((block.head.id.sequence, false)));
            }
            Step::Large(large) => {
                assert_eq!(large.at, ends);
                ends += large.len;
                all.push(Some((large.head.id.sequence, true)));
            }
            Step::Bad(bad, _) => {
                assert!(bad.start == ends && bad.end > bad.start);
                ends = bad.end;
                if all.last() != Some(&None) {
                    all.push(None);
                }
            }
        })
        .is_some()
    {}
    all
}

fn walk_through(file: &Bytes) -> Vec<Option<(u64, bool)>> {
    walked(&mut Walk::new(file, header(), PEEK, Vec::new()))
}

#[test]
fn blocks_of_every_size_are_found_however_they_come() {
    let lens = [0, 10, 5_000, 100_000, 400_000, 1, 1_000_000, WINDOW, WINDOW / 2, 2];
    let large = [4, 6, 7].map(|at| at + 1);
    let expected: Vec<_> =
        (1..=lens.len() as u64).map(|number| Some((number, large.contains(&number)))).collect();
    for most in [usize::MAX, 100_001, 4096, 777] {
        let file = Bytes { most, ..Bytes::new(segment(&lens)) };
        assert_eq!(walk_through(&file), expected, "{most}");
    }
}

#[test]
fn a_large_block_says_where_its_event_is() {
    let bytes = segment(&[400_000]);
    let whole = Block::parse(&bytes[header() as usize..]).unwrap();
    let (event, id_line, len) = (whole.event.to_vec(), whole.id_line.to_vec(), whole.len);
    let file = Bytes::new(bytes.clone());
    let mut walk = Walk::new(&file, header(), READ, Vec::new());
    let same = walk.step(|step| {
        let Step::Large(large) = step else { panic!("{step:?}") };
        assert_eq!((large.id_line, large.len), (&id_line[..], len as u64));
        let range = large.event.start as usize..large.event.end as usize;
        bytes[range] == event
    });
    assert_eq!(same, Some(true));
    assert!(walk.into_buffer().len() <= WINDOW + READ);
}

#[test]
fn a_large_block_that_is_bad_is_skipped_and_no_other() {
    let good = segment(&[10, 1_000_000, 10, 400_000]);
    let second = segment(&[10]).len();
    let third = segment(&[10, 1_000_000]).len();
    for at in [second + 30, second + 70, second + 500_000, third - 3, third - 10] {
        let mut file = Bytes::new(good.clone());
        file.bytes[at] ^= 1;
        let expected = [Some((1, false)), None, Some((3, false)), Some((4, true))];
        assert_eq!(walk_through(&file), expected, "{at}");
    }
    // One that is cut off, where another begins or the file ends.
    let cut = [&good[..third - 200_000], b"\n", &good[third..]].concat();
    let expected = [Some((1, false)), None, Some((3, false)), Some((4, true))];
    assert_eq!(walk_through(&Bytes::new(cut)), expected);
    let cut = good[..good.len() - 1].to_vec();
    let expected = [Some((1, false)), Some((2, true)), Some((3, false)), None];
    assert_eq!(walk_through(&Bytes::new(cut)), expected);
}

#[test]
fn what_the_disk_can_not_read_is_bad_and_all_else_is_found() {
    let lens = [2_000; 100];
    let bytes = segment(&lens);
    let mut file = Bytes::new(bytes);
    file.unread = 50_000..70_000;
    let found = walk_through(&file);
    let bad = found.iter().position(Option::is_none).unwrap();
    assert_eq!(found.iter().flatten().count() + 1, found.len(), "one place is bad");
    let (before, after) = (found[bad - 1].unwrap().0, found[bad + 1].unwrap().0);
    let each = (file.bytes.len() as u64 - header()) / 100;
    assert!(before >= 50_000 / each - 1, "{before}");
    // It skips a little more than it has to, as it doesn't try each place.
    assert!(after <= 90_000 / each + 2, "{after}");
    assert_eq!(found.last(), Some(&Some((100, false))));
    // A disk that reads nothing at all ends too.
    file.unread = 0..u64::MAX;
    assert_eq!(walk_through(&file), [None]);
}

#[test]
fn a_walk_begins_within_a_block_with_the_next() {
    let lens = [10, 300_000, 10, 10];
    let file = Bytes::new(segment(&lens));
    let starts: Vec<u64> = (0..=4).map(|count| segment(&lens[..count]).len() as u64).collect();
    let from = |from| {
        let walk = Walk::within(&file, from, u64::MAX, Vec::new());
        walk.ok().map(|mut walk| (walk.at(), walked(&mut walk).len()))
    };
    assert_eq!(from(0), Some((starts[0], 4)));
    for (number, start) in starts[..4].iter().enumerate() {
        assert_eq!(from(*start), Some((*start, 4 - number)));
    }
    for at in [starts[1] + 1, starts[1] + 4095, starts[1] + 200_000, starts[2] - 1] {
        assert_eq!(from(at), Some((starts[2], 2)));
    }
    assert_eq!(from(starts[3] + 1), None);
    assert!(Walk::within(&file, starts[1] + 1, starts[2], Vec::new()).is_err());
}

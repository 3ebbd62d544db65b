//! Segments of a journal: the bytes of a file that a power cut, a bad disk or a hand may have
//! changed anywhere.
//!
//! What the journal reads in them is held against a second reader, `plain`, which looks at every
//! line for itself. A block that is read is whole: its sum is right, it is written no otherwise,
//! and a stream is sent exactly that one event.

mod file;
mod plain;

use self::plain::Plain;
use super::random::Random;
use crate::event::Event;
use crate::event::parser::Parser;
use crate::order::journal::block::{Block, Fault, Head, Id};
use crate::order::journal::scan::{ANY_FORMAT, Found, Header, Scan};

/// Gives how many whole blocks there are.
pub fn segments(bytes: &[u8]) -> usize {
    let summed = plain::summed(bytes);
    if summed != bytes {
        check(&summed);
    }
    check(bytes)
}

/// Gives how many of the searches in a large segment led anywhere. Bytes that come by themselves
/// are short; so these are what a large segment is made from.
pub fn places(bytes: &[u8]) -> usize {
    let mut random = Random::of(bytes);
    let mut segment = Header::line(Id::default()).into_bytes();
    let mut id = Id { epoch: 5, sequence: 1 };
    for _ in 0..random.below(60) {
        let len = [10, 100, 3000, 9000][random.below(4)];
        let channel = random.pick(&["news", "a", "b"]);
        let head = Head { id, channel, time: 1, synced: None, batch: None, key: None };
        head.encode(&Event::new("x".repeat(random.below(len))), &mut segment);
        id.sequence += 1;
    }
    for _ in 0..random.below(4) {
        let at = random.below(segment.len());
        let end = segment.len().min(at + [1, 64, 4096, 20_000][random.below(4)]);
        let other = random.below(segment.len() + 1 - (end - at));
        match random.below(3) {
            0 => segment[at..end].fill(0),
            1 => segment.copy_within(other..other + end - at, at),
            _ => segment[at] ^= 1 << random.below(8),
        }
    }
    file::check_places(&segment, &mut random)
}

fn check(bytes: &[u8]) -> usize {
    let expected = plain::blocks(bytes);
    check_header(bytes);
    check_walk(bytes, &expected);
    check_pieces(bytes, &expected);
    check_any_place(bytes, &expected);
    file::check_walk(bytes, &expected);
    for plain in &expected {
        check_block(&bytes[plain.at..plain.at + plain.len], plain);
    }
    expected.len()
}

/// A first line is one, and tells of something earlier.
fn check_header(bytes: &[u8]) {
    for first in [Id { epoch: 5, sequence: 1 }, Id { epoch: u64::MAX, sequence: 1 }] {
        let Ok(header) = Header::parse(bytes, first) else { continue };
        assert!(header.after < first);
        let line = &bytes[..header.len as usize];
        assert!(line.is_empty() || line.ends_with(b"\n") && line.starts_with(ANY_FORMAT));
    }
}

/// A block, as the second reader gives one.
fn to_plain(at: usize, block: &Block<'_>) -> Plain {
    let pair = |id: Id| (id.epoch, id.sequence);
    let Head { id, channel, time, synced, batch, key } = block.head;
    Plain {
        at,
        len: block.len,
        id: pair(id),
        channel: channel.into(),
        time,
        synced: synced.map(pair),
        batch,
        key: key.map(|(key, digest)| (key.into(), digest)),
        event: block.event.into(),
    }
}

/// The walk finds all of them, and what it calls bad is all else.
fn check_walk(bytes: &[u8], expected: &[Plain]) {
    let mut scan = Scan::new(bytes, 0, true);
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(next) = scan.step() {
        match next {
            Found::Block(start, block) => {
                assert_eq!(start, at);
                found.push(to_plain(start, &block));
            }
            Found::Bad(range, _) => assert_eq!((range.start, range.end), (at, scan.at())),
            Found::More(_) => panic!("these are all"),
        }
        assert!(scan.at() > at, "it goes on");
        at = scan.at();
    }
    assert_eq!((found.as_slice(), at), (expected, bytes.len()));
}

/// However the bytes come, and however few are kept at a time, the same blocks are found.
fn check_pieces(bytes: &[u8], expected: &[Plain]) {
    let mut random = Random::of(bytes);
    let longest = [20, 60, 300][random.below(3)];
    let pieces = random.cut(bytes, longest);
    let (mut found, mut start, mut end) = (Vec::new(), 0, 0);
    for (number, piece) in (1..).zip(&pieces) {
        end += piece.len();
        let mut scan = Scan::new(&bytes[start..end], 0, number == pieces.len());
        while let Some(next) = scan.step() {
            match next {
                Found::Block(at, block) => found.push(to_plain(start + at, &block)),
                Found::Bad(..) => {}
                Found::More(at) => {
                    assert_eq!(at, scan.at());
                    break;
                }
            }
        }
        start += scan.at();
    }
    assert_eq!((found.as_slice(), start), (expected, bytes.len()), "cut to {pieces:?}");
}

/// A walk that begins anywhere finds the first that begins there or after.
fn check_any_place(bytes: &[u8], expected: &[Plain]) {
    let mut random = Random::of(bytes);
    for _ in 0..8 {
        let place = random.below(bytes.len() + 2);
        let mut scan = Scan::within(bytes, place, true);
        let found = std::iter::from_fn(|| scan.step()).find_map(|found| match found {
            Found::Block(at, _) => Some(at),
            _ => None,
        });
        let first = expected.iter().map(|plain| plain.at).find(|at| *at >= place);
        assert_eq!(found, first, "from {place}");
    }
}

fn check_block(bytes: &[u8], plain: &Plain) {
    let block = Block::parse(bytes).expect("it is whole");
    for end in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert_eq!(Block::parse(&bytes[..end]), Err(Fault::Cut), "it is whole at its last byte");
    }
    let content = [block.id_line, block.event, b"\n"].concat();
    assert_eq!((&content, block.content_len()), (&plain.content(), content.len()));
    // Whoever knows how to write a sum can write what we do not.
    let Some(event) = written(&content) else { return };
    let mut again = Vec::new();
    block.head.encode(&event, &mut again);
    assert_eq!(again.escape_ascii().to_string(), bytes.escape_ascii().to_string());
}

/// The one event of these bytes, if it is one that we write so.
fn written(content: &[u8]) -> Option<Event> {
    let mut parser = Parser::new();
    parser.feed(content).ok()?;
    let message = parser.next_event()?;
    let mut event = Event::new(message.data);
    if content.windows(8).any(|line| line == b"\nevent: ") {
        event = event.with_type(crate::EventType::new(message.event_type).ok()?);
    }
    if let Some(time) = message.retry {
        event = event.with_retry(time);
    }
    let mut again = Vec::new();
    event.encode_with(Some(&message.last_event_id), &mut again);
    (again == content).then_some(event)
}

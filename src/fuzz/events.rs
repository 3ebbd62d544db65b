//! Event streams: the bytes that a client gets, against the HTML standard written down as it says.

mod standard;

use self::standard::{Bounds, Standard};
use super::random::{Random, cuts};
use crate::event::parser::{MessageEvent, Parser};

/// Gives how many events there are.
pub fn events(bytes: &[u8]) -> usize {
    let none = Bounds { line: usize::MAX, event: usize::MAX };
    let whole = read_in_any_pieces(none, bytes);
    assert_eq!(whole.failed, None);

    let mut random = Random::of(bytes);
    let bounds = Bounds { line: random.below(60), event: random.below(60) };
    let bounded = read_in_any_pieces(bounds, bytes);
    assert!(whole.events.starts_with(&bounded.events), "{bounds:?}");
    assert!(bounded.failed.is_some() || bounded == whole, "{bounds:?}");

    check_two_connections(bytes.split_at(random.below(bytes.len() + 1)));
    whole.events.len()
}

/// What came of the bytes of a stream.
#[derive(Debug, PartialEq)]
struct Read {
    events: Vec<MessageEvent>,
    last_event_id: String,
    reconnection_time: Option<u64>,
    /// Which bound was passed.
    failed: Option<&'static str>,
}

/// Reads a stream in all its cuts, and as the standard says.
fn read_in_any_pieces(bounds: Bounds, bytes: &[u8]) -> Read {
    let whole = read(bounds, [bytes]);
    for pieces in cuts(bytes) {
        assert_eq!(read(bounds, pieces.iter().copied()), whole, "cut to {pieces:?}");
    }
    let mut standard = Standard::default();
    let failed = standard.read(bytes, bounds).err();
    let expected = Read {
        events: standard.dispatched,
        last_event_id: standard.last_event_id,
        reconnection_time: standard.reconnection_time,
        failed,
    };
    assert_eq!(whole, expected, "{bounds:?}");
    whole
}

fn read<'a>(bounds: Bounds, pieces: impl IntoIterator<Item = &'a [u8]>) -> Read {
    let mut parser = Parser::new().max_line(bounds.line).max_event(bounds.event);
    let mut events = Vec::new();
    let mut failed = None;
    for piece in pieces {
        let error = parser.feed(piece).err().map(|error| error.to_string());
        events.extend(parser.drain());
        let of_line = error.map(|error| error.starts_with("a line "));
        failed = of_line.map(|of_line| if of_line { "line" } else { "event" });
    }
    Read {
        events,
        last_event_id: parser.last_event_id().into(),
        reconnection_time: milliseconds(&parser),
        failed,
    }
}

fn milliseconds(parser: &Parser) -> Option<u64> {
    let time = parser.reconnection_time()?;
    Some(u64::try_from(time.as_millis()).expect("it was read from a u64"))
}

/// A connection that ends anywhere leaves to the next what outlives it, and nothing else.
fn check_two_connections((first, second): (&[u8], &[u8])) {
    let none = Bounds { line: usize::MAX, event: usize::MAX };
    let mut parser = Parser::new();
    let mut standard = Standard::default();
    for stream in [first, second] {
        parser.start_over();
        parser.feed(stream).expect("it is within the bounds");
        standard.read(stream, none).expect("there is no bound");
    }
    assert!(parser.drain().eq(standard.dispatched));
    assert_eq!(parser.last_event_id(), standard.last_event_id);
    assert_eq!(milliseconds(&parser), standard.reconnection_time);
}

//! Event streams and what must come of them, through the whole client and through the parser.
//!
//! The facts are those of three public collections, told here in cases and words of our own: the
//! examples of the HTML standard (section 9.2.6), the cases of web-platform-tests that are called
//! `eventsource/format-*`, and the 36 vectors of the crate `sse-parse` 0.1.0, which are chunked.
//! Each case runs as it is cut here, byte by byte and in one piece, and over HTTP in chunks.

mod bytes;
mod fields;

use tidings::{EventId, Parser};

use super::*;
use crate::support::Notes;
use crate::support::memory::Memory;
use crate::support::script::{CHUNKED, NO_MORE, field};

/// What one stream must give.
#[derive(Default)]
struct Case<'a> {
    pieces: &'a [&'a [u8]],
    /// Event type, data, last event ID.
    events: Vec<(&'a str, &'a str, &'a str)>,
    /// The reconnection time that each of them tells of, in milliseconds, where any does.
    told: Vec<Option<u64>>,
    /// With what the client comes back.
    id: &'a str,
    /// The reconnection time that the stream has set, in milliseconds.
    retry: Option<u64>,
}

/// These pieces give messages with this data, and set nothing else.
#[track_caller]
fn plain(pieces: &[&[u8]], data: &[&str]) {
    let events = data.iter().map(|data| ("message", *data, "")).collect();
    Case { pieces, events, ..Case::default() }.check();
}

/// This stream gives events of these types with this data.
#[track_caller]
fn typed(stream: &str, events: &[(&str, &str)]) {
    let events = events.iter().map(|(event_type, data)| (*event_type, *data, "")).collect();
    Case { pieces: &[stream.as_bytes()], events, ..Case::default() }.check();
}

/// This stream gives messages with this data and last event ID, and leaves an id.
#[track_caller]
fn identified(stream: &str, events: &[(&str, &str)], id: &str) {
    let events = events.iter().map(|(data, id)| ("message", *data, *id)).collect();
    Case { pieces: &[stream.as_bytes()], events, id, ..Case::default() }.check();
}

/// This stream gives messages with this data and reconnection time, and leaves one.
#[track_caller]
fn timed(stream: &str, events: &[(&str, Option<u64>)], retry: u64) {
    let told = events.iter().map(|(_, told)| *told).collect();
    let events = events.iter().map(|(data, _)| ("message", *data, "")).collect();
    let retry = Some(retry);
    Case { pieces: &[stream.as_bytes()], events, told, retry, ..Case::default() }.check();
}

/// Event type, data, last event ID, reconnection time.
type Told = (String, String, String, Option<Duration>);

fn told(event: MessageEvent) -> Told {
    (event.event_type, event.data, event.last_event_id, event.retry)
}

impl Case<'_> {
    #[track_caller]
    fn check(&self) {
        let whole = self.pieces.concat();
        self.parse(self.pieces.iter().copied());
        self.parse([&*whole]);
        self.parse(whole.chunks(1));
        self.fetch();
    }

    fn expected(&self) -> Vec<Told> {
        let told = self.told.iter().map(|told| told.map(Duration::from_millis));
        let events = self.events.iter().zip(told.chain(std::iter::repeat(None)));
        events.map(|(&(a, b, c), told)| (a.into(), b.into(), c.into(), told)).collect()
    }

    #[track_caller]
    fn parse<'a>(&self, pieces: impl IntoIterator<Item = &'a [u8]>) {
        let mut parser = Parser::new();
        let mut events = Vec::new();
        for piece in pieces {
            parser.feed(piece).unwrap();
            events.extend(parser.drain().map(told));
        }
        assert_eq!(events, self.expected());
        assert_eq!(parser.last_event_id(), self.id);
        assert_eq!(parser.reconnection_time(), self.retry.map(Duration::from_millis));
    }

    /// Each piece is a chunk, and a read of its own.
    #[track_caller]
    fn fetch(&self) {
        let chunk =
            |piece: &&[u8]| [format!("{:x}\r\n", piece.len()).as_bytes(), *piece, b"\r\n"].concat();
        let last = [b"0\r\n\r\n".to_vec()];
        let chunks = self.pieces.iter().map(chunk).chain(last);
        let reads = [CHUNKED.into()].into_iter().chain(chunks).collect();
        let memory = Memory::new([reads, vec![NO_MORE.into()]]);
        let sent: Notes<String> = memory.sent();
        // With a bound of nothing it comes back soon; to a reconnection time it would wait.
        let source = at("http://h/").transport(memory).longest_backoff(Duration::ZERO);
        let comes_back = self.retry.is_none();
        let events = source.reconnects(comes_back).map(|event| told(event.unwrap()));
        assert_eq!(events.collect::<Vec<_>>(), self.expected());
        if comes_back {
            let id = field(&sent.all()[1], "last-event-id");
            assert_eq!(id.unwrap_or_default(), self.id);
        }
    }
}

#[test]
fn two_thousand_events_come_byte_by_byte() {
    let stream = "data: 0123456789ab\n\n".repeat(2000);
    let mut parser = Parser::new();
    let mut count = 0;
    for byte in stream.as_bytes().chunks(1) {
        parser.feed(byte).unwrap();
        count += parser.drain().inspect(|event| assert_eq!(event.data, "0123456789ab")).count();
    }
    assert_eq!(count, 2000);
}

#[test]
fn a_line_of_64_kib_comes_byte_by_byte() {
    let data = "a".repeat(64 * 1024);
    let mut parser = Parser::new();
    for byte in format!("data: {data}\n\n").as_bytes().chunks(1) {
        parser.feed(byte).unwrap();
    }
    assert_eq!(parser.next_event().expect("the event").data, data);
}

#[test]
fn an_id_that_was_kept_is_that_of_the_next_events() {
    let memory = Memory::new([vec![[CHUNKED, "9\r\ndata: a\n\n\r\n"].concat().into_bytes()]]);
    let mut source = at("http://h/").transport(memory);
    source = source.with_last_event_id(EventId::new("5").unwrap());
    assert_eq!(source.next().expect("an event").unwrap().last_event_id, "5");
}

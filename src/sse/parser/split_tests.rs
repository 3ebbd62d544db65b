//! Row 25 of ROBUSTNESS.md: what was encoded comes back, under any split of the bytes.

use std::time::Duration;

use super::tests::{parse, parse_pieces};
use super::*;
use crate::sse::encode::encode_comment;
use crate::sse::event::{Event, EventId, EventType};

/// Streams in which every rule of the parser has its turn.
const CORPUS: [&[u8]; 12] = [
    b"",
    b"data: a\n\n",
    b"data: a\r\n\r\ndata: b\r\rdata: c\n\n",
    b"\xef\xbb\xbfdata: a\n\n",
    b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n",
    b"\xef\xbb\xbf\r\ndata:\xef\xbb\xbf\r\n\r\n",
    b"\xef\xbbdata: a\n\ndata: b\n\n",
    b"id: 1\r\nevent: x\r\nretry: 20\r\ndata: a\r\ndata:b\r\n\r\n: c\r\nid\r\ndata\r\n\r\n",
    b"id: 1\r\r\n\r\ndata: a\n\r\n\r\rdata\n\rid: \0\rdata: 2\r\r",
    "data: größe 数 🦀\nevent: é\nid: ü\n\ndata: 🦀\r\r".as_bytes(),
    b"data: \xf0\x9f\xa6\ndata:\xe2\x82\rid:\xff\r\n\r\ndata\xc3\ndata\xc3:\n\n",
    b"data: a\nunknown\n:\n data: b\nretry: x\nretry: 7\n\ndata: unfinished\nid: 9",
];

#[test]
fn row_25_byte_by_byte_and_every_split_in_two_give_what_the_whole_gives() {
    for stream in CORPUS {
        let whole = parse(stream);
        assert_eq!(parse_pieces(stream.chunks(1)), whole, "{:?}", stream.escape_ascii());
        for at in 0..=stream.len() {
            let (first, second) = stream.split_at(at);
            assert_eq!(parse_pieces([first, second]), whole, "{:?} at {at}", stream.escape_ascii());
        }
    }
}

/// Marsaglia's xorshift: random enough to mix tests, and the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn text(&mut self, alphabet: &[&str]) -> String {
        let length = [0, 1, 3, 12, 60][self.below(5)];
        (0..length).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }

    fn event(&mut self) -> Event {
        let mut event = Event::new(self.text(&DATA));
        if self.below(2) == 0 {
            event = event.with_type(EventType::new(self.text(&DATA[BREAKS..])).unwrap());
        }
        if self.below(2) == 0 {
            event = event.with_id(EventId::new(self.text(&DATA[BREAKS..])).unwrap());
        }
        if self.below(4) == 0 {
            event = event.with_retry(Duration::from_millis(self.below(usize::MAX) as u64));
        }
        event
    }
}

const DATA: [&str; 20] = [
    "\r", "\n", "\r\n", "\n\n", "\0", " ", ":", ": ", "\u{feff}", "data", "id: ", "event:", "\t",
    "a", "0", "é", "数", "🦀", "\u{2028}", "\u{85}",
];
/// Line breaks and NUL come first, and an id or an event type may not hold them.
const BREAKS: usize = 5;

#[test]
fn row_25_a_thousand_random_events_in_random_pieces_come_back_as_they_were() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut stream = Vec::new();
    let mut expected = Vec::new();
    let mut last_event_id = String::new();
    for _ in 0..1000 {
        let event = random.event();
        event.encode_into(&mut stream);
        if random.below(3) == 0 {
            encode_comment(&random.text(&DATA), &mut stream);
        }
        last_event_id = event.id().map_or(last_event_id, String::from);
        expected.push(MessageEvent {
            event_type: event.event_type().unwrap_or("message").into(),
            data: event.data().into(),
            last_event_id: last_event_id.clone(),
            retry: event.retry(),
        });
    }
    assert_eq!(parse(&stream), expected);

    for longest in [1, 2, 7, 64, 4096] {
        let mut pieces = Vec::new();
        let mut rest = stream.as_slice();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.len().min(random.below(longest + 1)));
            pieces.push(piece);
            rest = behind;
        }
        assert_eq!(parse_pieces(pieces), expected, "pieces of up to {longest} bytes");
    }
}

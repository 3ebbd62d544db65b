//! Row 25: events, comments and reconnection times come back as they were sent, through chunks and
//! all.

use std::time::Duration;

use super::random::{Random, cuts};
use crate::event::encode::{encode_comment, encode_retry};
use crate::event::parser::{MessageEvent, Parser};
use crate::event::{Event, EventId, EventType};
use crate::http::chunk;
use crate::http::{BodyDecoder, Framing};
use crate::{IntoEvent, Limits};

/// Gives how many events the script has.
pub fn encoded(script: &[u8]) -> usize {
    let mut sent = Sent::default();
    let mut script = Script(script);
    while !script.0.is_empty() {
        sent.take_step(&mut script);
    }
    assert!(!sent.stream.contains(&b'\r'), "lines end in LF alone");
    sent.check(&sent.stream);
    sent.check(&through_chunks(&sent.stream));
    sent.expected.len()
}

/// Bytes, read as what to send: a byte that says what comes, and then its parts.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    /// Zeros after the end.
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        let (taken, rest) = self.0.split_at(N.min(self.0.len()));
        bytes[..taken.len()].copy_from_slice(taken);
        self.0 = rest;
        bytes
    }

    /// Its length in one byte, then any text.
    fn text(&mut self) -> String {
        let [length] = self.bytes();
        let (taken, rest) = self.0.split_at(usize::from(length).min(self.0.len()));
        self.0 = rest;
        String::from_utf8_lossy(taken).into()
    }

    /// Any time there is.
    fn time(&mut self) -> Duration {
        let seconds = u64::from_be_bytes(self.bytes());
        Duration::new(seconds, u32::from_be_bytes(self.bytes()) % 1_000_000_000)
    }
}

/// Everything that was sent, and what a client should have of it.
#[derive(Default)]
struct Sent {
    stream: Vec<u8>,
    expected: Vec<MessageEvent>,
    last_event_id: String,
    reconnection_time: Option<Duration>,
    /// Which no event has carried yet.
    pending: Option<Duration>,
}

impl Sent {
    fn take_step(&mut self, script: &mut Script<'_>) {
        let [what] = script.bytes();
        match what % 8 {
            0 => encode_comment(&script.text(), &mut self.stream),
            1 => {
                let time = script.time();
                encode_retry(time, &mut self.stream);
                self.set_reconnection_time(time);
            }
            _ => self.send(what, script),
        }
    }

    fn send(&mut self, what: u8, script: &mut Script<'_>) {
        let data = script.text();
        let mut event = Event::new(&*data);
        let mut expected = MessageEvent {
            event_type: "message".into(),
            data: data.replace("\r\n", "\n").replace('\r', "\n"),
            last_event_id: String::new(),
            retry: None,
        };
        if what & 0x80 != 0 {
            let name = script.text();
            assert_eq!(("", &*name, &*data).into_event().is_ok(), fits_a_line(&name));
            if let Ok(event_type) = EventType::new(name.clone()) {
                event = event.with_type(event_type);
                expected.event_type = if name.is_empty() { "message".into() } else { name };
            }
        }
        if what & 0x40 != 0 {
            let id = script.text();
            assert_eq!((&*id, "", &*data).into_event().is_ok(), fits_a_line(&id));
            if let Ok(named) = EventId::new(&*id) {
                event = event.with_id(named);
                self.last_event_id = id;
            }
        }
        if what & 0x20 != 0 {
            let time = script.time();
            event = event.with_retry(time);
            self.set_reconnection_time(time);
        }
        expected.retry = self.pending.take();
        expected.last_event_id.clone_from(&self.last_event_id);
        event.encode_into(&mut self.stream);
        self.expected.push(expected);
    }

    fn set_reconnection_time(&mut self, time: Duration) {
        self.reconnection_time = Some(whole_milliseconds(time));
        self.pending = self.reconnection_time;
    }

    /// Panics if a client has anything else of these bytes, however they arrive.
    fn check(&self, stream: &[u8]) {
        for pieces in cuts(stream) {
            let mut parser = Parser::new();
            let mut events = Vec::new();
            for piece in pieces {
                parser.feed(piece).expect("it is within the bounds");
                events.extend(parser.drain());
            }
            assert_eq!(events, self.expected, "{}", stream.escape_ascii());
            assert_eq!(parser.last_event_id(), self.last_event_id);
            assert_eq!(parser.reconnection_time(), self.reconnection_time);
        }
    }
}

fn fits_a_line(text: &str) -> bool {
    !text.contains(['\r', '\n', '\0'])
}

fn whole_milliseconds(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// The stream after it went over HTTP/1.1.
fn through_chunks(stream: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for piece in Random::of(stream).cut(stream, 300) {
        chunk::encode(piece, &mut body);
    }
    body.extend_from_slice(chunk::LAST);
    let limits = Limits::default().body(usize::MAX);
    let mut decoder = BodyDecoder::new(Framing::Chunked, &limits);
    let mut content = Vec::new();
    let taken = decoder.decode(&body, &mut content);
    assert_eq!((taken, decoder.is_done()), (Ok(body.len()), true));
    content
}

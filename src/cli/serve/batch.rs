//! A batch: a body that is an event stream, and is published as a whole or not at all.
//!
//! ```text
//! POST /events/NAME
//! Content-Type: text/event-stream
//!
//! event: score                              the first event
//! data: 1:0
//!
//! id: 17                                    the second: the hub gives it an id of its own
//! data: half-time
//!
//! ```
//!
//! It is read as every client reads an event stream: lines end in LF, CR LF or CR, and comments,
//! unknown fields and blocks without data are no events. So a recording, and a segment of a
//! journal, is a batch. It must be whole: where a client would wait for the rest of an event, the
//! hub refuses the batch. Refusals name the event by its number, and the line where it begins.

use tidings::{Event, MessageEvent, Parser, Status};

use super::channels::Bounds;
use super::fields::{bounded_retry, event_type};

/// The status of a refusal, and why.
type Refusal = (Status, String);

/// The events of a batch.
pub(super) fn read(text: &str, bounds: Bounds) -> Result<Vec<Event>, Refusal> {
    // The server has bounded the body already.
    let mut parser = Parser::new().max_line(usize::MAX).max_event(usize::MAX);
    let mut events = Vec::new();
    let mut lines = Lines::default();
    let mut encoded = Vec::new();
    for piece in text.as_bytes().split_inclusive(|byte| matches!(byte, b'\r' | b'\n')) {
        let begun = lines.pass(piece);
        parser.feed(piece).map_err(|error| bad(error.to_string()))?;
        let Some(message) = parser.next_event() else { continue };
        if events.len() == bounds.events {
            return Err(too_many(bounds.events));
        }
        let place = place(events.len() + 1, begun);
        let event =
            event(message).map_err(|why| bad(format!("{place} can't be published: {why}")))?;
        encoded.clear();
        event.encode_into(&mut encoded);
        if encoded.len() > bounds.event {
            return Err(too_large(&place, encoded.len(), bounds.event));
        }
        events.push(event);
    }
    match lines.begun {
        Some(line) => Err(unfinished(&place(events.len() + 1, line), text)),
        None if events.is_empty() => {
            Err(bad("the body has no event: give each one a data line, and a blank line after it"))
        }
        None => Ok(events),
    }
}

fn place(number: usize, line: usize) -> String {
    format!("event {number} (line {line})")
}

fn bad(why: impl Into<String>) -> Refusal {
    (Status::BAD_REQUEST, why.into())
}

fn too_many(most: usize) -> Refusal {
    let why = format!(
        "a batch may have {most} events, as many as a channel keeps: publish it in parts, or start \
         the hub with a larger --history"
    );
    (Status::CONTENT_TOO_LARGE, why)
}

fn too_large(place: &str, size: usize, most: usize) -> Refusal {
    let why = format!(
        "{place} takes {size} bytes as it is sent, and may take {most}: split it, or start the hub \
         with a larger --max-event"
    );
    (Status::CONTENT_TOO_LARGE, why)
}

fn unfinished(place: &str, text: &str) -> Refusal {
    let remedy = match text.contains(['\r', '\n']) {
        true => ": end the body with a blank line, if this is all of it",
        false => ", and the body has no line end: with curl, send it as --data-binary, not as -d",
    };
    bad(format!("{place} has no blank line after it{remedy}"))
}

/// An event to publish, or why it can't be.
fn event(message: MessageEvent) -> Result<Event, String> {
    let mut event = Event::new(message.data);
    // What a client takes an event without a type for.
    if message.event_type != "message" {
        event = event.with_type(event_type(message.event_type)?);
    }
    match message.retry {
        Some(time) => Ok(event.with_retry(bounded_retry(time)?)),
        None => Ok(event),
    }
}

/// Counts the lines, and knows where the block that is not finished yet began.
#[derive(Default)]
struct Lines {
    number: usize,
    /// The line of its first field.
    begun: Option<usize>,
    after_cr: bool,
}

impl Lines {
    /// Takes what comes up to the next CR or LF, and that. Returns the line of the first field of
    /// the block that it belongs to or ends.
    fn pass(&mut self, piece: &[u8]) -> usize {
        let rest_of_end = self.after_cr && piece == b"\n";
        self.after_cr = piece.ends_with(b"\r");
        if rest_of_end {
            return self.number;
        }
        let is_first = self.number == 0;
        self.number += 1;
        let bom = "\u{feff}".as_bytes();
        match piece.strip_prefix(bom).filter(|_| is_first).unwrap_or(piece) {
            b"\r" | b"\n" => self.begun.take(),
            [] | [b':', ..] => self.begun,
            _ => Some(*self.begun.get_or_insert(self.number)),
        }
        .unwrap_or(self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { events: 100, event: 1_000 };

    /// The events as they would be sent without ids.
    fn sent(text: &str) -> String {
        let events = read(text, BOUNDS).expect("a batch");
        events.iter().map(|event| String::from_utf8(event.to_bytes()).expect("text")).collect()
    }

    #[track_caller]
    fn refused(text: &str, said: &str) {
        assert_eq!(read(text, BOUNDS), Err((Status::BAD_REQUEST, said.into())), "{text:?}");
    }

    #[test]
    fn a_batch_is_read_as_clients_read_an_event_stream() {
        let expected = "event: score\ndata: 1:0\n\ndata: half\ndata: time\n\n";
        let text = "event: score\ndata: 1:0\n\ndata:half\ndata: time\n\n";
        for end in ["\n", "\r\n", "\r"] {
            let text = text.replace('\n', end);
            assert_eq!(sent(&text), expected, "{text:?}");
            assert_eq!(sent(&format!("\u{feff}{text}")), expected, "a byte order mark");
        }
    }

    #[test]
    fn what_is_no_event_is_left_out_and_so_are_ids() {
        let text = ": a comment\nid: 1\n\nid: 2\nchannel: a\ndata: x\ncrc: 1\n\n: the end";
        assert_eq!(sent(text), "data: x\n\n");
        assert_eq!(sent("event: ping\n\ndata\n\n\n\n"), "data: \n\n");
        assert_eq!(sent("data: x\n\n: no line end"), "data: x\n\n");
    }

    #[test]
    fn a_time_to_retry_goes_with_its_event_or_the_next_one() {
        assert_eq!(sent("retry: 30\n\ndata: x\n\n"), "retry: 30\ndata: x\n\n");
        assert_eq!(sent("data: x\nretry: 30\n\n"), "retry: 30\ndata: x\n\n");
        assert_eq!(sent("retry: 1s\ndata: x\n\nretry: 9\n\n"), "data: x\n\n");
        assert_eq!(sent("retry:86400000\ndata\n\n"), "retry: 86400000\ndata: \n\n");
        refused(
            "data: x\n\nretry: 86400001\ndata: y\n\n",
            "event 2 (line 3) can't be published: retry is a number of milliseconds from 0 to \
             86400000, and not 86400001",
        );
    }

    #[test]
    fn an_event_of_the_usual_type_has_none() {
        assert_eq!(sent("event: message\ndata: x\n\n"), "data: x\n\n");
    }

    #[test]
    fn a_type_that_nobody_may_publish_is_named_with_its_event_and_line() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ": c\ndata: 1\n\n: c\ndata: 2\nevent: tidings.gap\n\ndata: 3\n\n";
            refused(
                &text.replace('\n', end),
                "event 2 (line 5) can't be published: event types that begin with tidings. are the \
                 hub's own",
            );
        }
        refused(
            "event: a\0b\ndata: 1\n\n",
            "event 1 (line 1) can't be published: an event type must not contain CR, LF or NUL, as \
             they end a field: \"a\\0b\"",
        );
    }

    #[test]
    fn a_batch_that_ends_within_an_event_is_refused() {
        let said = "event 2 (line 3) has no blank line after it: end the body with a blank line, \
                    if this is all of it";
        for text in ["data: 1\n\ndata: 2", "data: 1\n\ndata: 2\n", "data: 1\n\nevent: a\n: c"] {
            refused(text, said);
            refused(&text.replace('\n', "\r\n"), said);
            refused(&text.replace('\n', "\r"), said);
        }
        refused(
            "data: 1data: 2",
            "event 1 (line 1) has no blank line after it, and the body has no line end: with curl, \
             send it as --data-binary, not as -d",
        );
    }

    #[test]
    fn a_batch_without_an_event_is_refused() {
        let said = "the body has no event: give each one a data line, and a blank line after it";
        for text in
            ["", "\n", "\r\n\r\n", ": a comment", ": a comment\n\n", "id: 7\n\n", "\u{feff}"]
        {
            refused(text, said);
        }
    }

    #[test]
    fn a_batch_of_more_events_than_a_channel_keeps_is_too_large() {
        let read = |text| read(text, Bounds { events: 2, event: 10 });
        assert_eq!(read("data\n\ndata\n\n").map(|events| events.len()), Ok(2));
        let said = "a batch may have 2 events, as many as a channel keeps: publish it in parts, or \
                    start the hub with a larger --history";
        let refusal = Err((Status::CONTENT_TOO_LARGE, said.into()));
        assert_eq!(read("data\n\ndata\n\ndata\n\nevent: tidings.a\ndata\n\n"), refusal);
    }

    #[test]
    fn an_event_that_is_too_large_is_named() {
        let read = |text| read(text, Bounds { events: 2, event: 10 });
        assert_eq!(read("data: 12\n\n").map(|events| events.len()), Ok(1));
        let said = "event 2 (line 3) takes 11 bytes as it is sent, and may take 10: split it, or \
                    start the hub with a larger --max-event";
        let refusal = Err((Status::CONTENT_TOO_LARGE, said.into()));
        assert_eq!(read("data: 1\n\ndata: 123\n\n"), refusal);
    }

    /// A text made of pieces in an order that a seed gives.
    fn text(seed: u64) -> String {
        const PIECES: [&str; 14] = [
            "\n", "\n", "\r\n", "\r", "\n\n", "data: x", "data", "data:", "event: a", ": c",
            "id: 7", "retry: 5", "\u{feff}", "é",
        ];
        let mut state = seed;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        (0..next() % 12).map(|_| PIECES[next() % PIECES.len()]).collect()
    }

    /// The line where the last block of a text begins, if it is not finished: read in another way.
    fn unfinished_at(text: &str) -> Option<usize> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let lines: Vec<&str> = text.lines().collect();
        let after_blank = lines.iter().rposition(|line| line.is_empty()).map_or(0, |at| at + 1);
        let field = lines[after_blank..].iter().position(|line| !line.starts_with(':'))?;
        Some(after_blank + field + 1)
    }

    #[test]
    fn whatever_a_batch_is_it_is_what_a_client_gets_of_it_or_refused() {
        let mut published = 0;
        for text in (0..20_000).map(text) {
            let mut parser = Parser::new();
            parser.feed(text.as_bytes()).expect("short lines");
            let got: Vec<String> = parser.drain().map(|event| event.data).collect();
            match (read(&text, BOUNDS), unfinished_at(&text)) {
                (Ok(events), None) => {
                    assert!(events.iter().map(Event::data).eq(&got), "{text:?}");
                    published += 1;
                }
                (Err((_, why)), None) => assert!(got.is_empty(), "{text:?}: {why}"),
                (Err((_, why)), Some(line)) => {
                    let place = place(got.len() + 1, line);
                    assert!(why.starts_with(&place), "{text:?}: {why}, and not {place}");
                }
                (Ok(_), Some(line)) => panic!("{text:?} is not finished from line {line} on"),
            }
        }
        assert!(published > 1_000, "{published}");
    }
}

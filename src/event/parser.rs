//! Bytes to events, as the HTML standard's section 9.2.6 says, from bytes in any pieces.
//!
//! ```text
//!             ┌ ":"...            comment: dropped
//! line ───────┤ name ":" value    one space after the colon is not part of the value
//!             ├ name              a field whose value is empty
//!             └ (blank)           dispatch, if there was a `data` field
//! ```
//!
//! Lines end at CR LF, LF or CR. A CR ends its line at once, and an LF that follows it, in this
//! piece or the next, is dropped: a parser that waited for the byte after a CR would hold back the
//! event until there is another. One byte order mark at the very start is dropped. What no blank
//! line has ended when the stream ends is no event. What the fields mean is in [`block`].

mod block;

use std::collections::VecDeque;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use self::block::Block;
use super::EventId;
use super::line;
use crate::error::{self, Error};

/// A line that never ends would fill the memory. One this long can carry four times the data that
/// a `tidings` server takes from a publisher by default, as a single line.
const MAX_LINE: usize = 4 * 1024 * 1024;
/// Lines that never become an event would fill it as well. This is still small beside the memory of
/// a machine that would ask for such events, and a device that would not can lower it.
const MAX_EVENT: usize = 16 * 1024 * 1024;
/// What a buffer keeps for the next line or event. A stream of small events never allocates it
/// anew, and one huge event does not hold its memory for as long as the stream lives.
const KEPT: usize = 64 * 1024;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// An event as a client gets it: what the standard calls a `MessageEvent`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageEvent {
    /// The event type; `message` where the stream named none.
    pub event_type: String,
    /// The data, its lines joined by LF.
    pub data: String,
    /// The last id that the stream had named by then, perhaps with an earlier event; empty if none.
    pub last_event_id: String,
    /// The reconnection time, if one was set since the event before: with this event, or alone.
    pub retry: Option<Duration>,
}

/// Reads an event stream, piece by piece.
///
/// ```
/// use tidings::Parser;
///
/// let mut parser = Parser::new();
/// parser.feed(b"id: 17\nevent: number\nda")?;
/// assert_eq!(parser.next_event(), None);
///
/// parser.feed(b"ta: 7\n\n: a comment\n")?;
/// let event = parser.next_event().unwrap();
/// assert_eq!((&*event.event_type, &*event.data), ("number", "7"));
/// assert_eq!(parser.last_event_id(), "17");
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Debug)]
pub struct Parser {
    max_line: usize,
    max_event: usize,
    /// Once set, the stream can't be understood any more, and nothing of it is taken.
    failed: Option<TooLong>,
    /// No line has been taken yet, so that a byte order mark may stand before the next.
    at_start: bool,
    /// The last byte was CR: an LF at the start of the next piece belongs to it.
    after_cr: bool,
    /// The start of a line whose end has not come.
    line: Vec<u8>,
    /// The event so far.
    block: Block,
    /// Events not yet taken.
    events: VecDeque<Waiting>,
    /// That of the event that was taken last, or with which it began.
    taken_id: Arc<str>,
}

#[derive(Debug)]
struct Waiting {
    event: MessageEvent,
    /// Copied into its place when the event is taken.
    last_event_id: Arc<str>,
    channel: String,
}

#[derive(Clone, Copy, Debug)]
enum TooLong {
    Line,
    Event,
}

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}

impl Parser {
    /// A parser at the start of a stream.
    pub fn new() -> Self {
        Self {
            max_line: MAX_LINE,
            max_event: MAX_EVENT,
            failed: None,
            at_start: true,
            after_cr: false,
            line: Vec::new(),
            block: Block::default(),
            events: VecDeque::new(),
            taken_id: Arc::default(),
        }
    }

    /// Bounds a line, in bytes without its end. Past it the parser fails. Defaults to 4 MiB.
    #[must_use]
    pub fn max_line(mut self, max_line: usize) -> Self {
        self.max_line = max_line;
        self
    }

    /// Bounds the data of one event, in bytes. Past it the parser fails. Defaults to 16 MiB.
    #[must_use]
    pub fn max_event(mut self, max_event: usize) -> Self {
        self.max_event = max_event;
        self
    }

    /// Begins with this last event ID, as if the stream before had named it. Defaults to none.
    #[must_use]
    pub fn with_last_event_id(mut self, id: EventId) -> Self {
        self.block.resume(id.as_str());
        self.taken_id = Arc::clone(&self.block.last_event_id);
        self
    }

    /// Takes the next bytes of the stream. The events that they complete wait to be taken with
    /// [`next_event`](Self::next_event) or [`drain`](Self::drain): take them before the next piece,
    /// as their number is not bounded.
    ///
    /// # Errors
    ///
    /// If a line or the data of an event is longer than its bound. From then on every call fails;
    /// events that were complete before can still be taken.
    pub fn feed(&mut self, bytes: &[u8]) -> error::Result<()> {
        if self.failed.is_none() {
            self.failed = self.take(bytes).err();
        }
        let (what, max) = match self.failed {
            None => return Ok(()),
            Some(TooLong::Line) => ("a line of the event stream", self.max_line),
            Some(TooLong::Event) => ("the data of an event", self.max_event),
        };
        Err(Error::invalid(format!("{what} is longer than {max} bytes")))
    }

    /// The next event that is complete, in the order of the stream.
    pub fn next_event(&mut self) -> Option<MessageEvent> {
        self.next_with_channel().map(|(event, _)| event)
    }

    /// The same with the value of its field `channel`, which the feed of a hub and its journal have
    /// in each event; empty if there is none.
    pub(crate) fn next_with_channel(&mut self) -> Option<(MessageEvent, String)> {
        let Waiting { mut event, last_event_id, channel } = self.events.pop_front()?;
        event.last_event_id = last_event_id.as_ref().into();
        self.taken_id = last_event_id;
        Some((event, channel))
    }

    /// Whether an event is complete.
    pub(crate) fn has_event(&self) -> bool {
        !self.events.is_empty()
    }

    /// All events that are complete.
    pub fn drain(&mut self) -> impl Iterator<Item = MessageEvent> {
        iter::from_fn(|| self.next_event())
    }

    /// With what to ask for the rest of the stream after it has ended; empty where there is none.
    ///
    /// It is that of the last blank line fed, whether the events before it have been taken or not,
    /// and whether there was an event at all: an `id` field alone sets it too.
    pub fn last_event_id(&self) -> &str {
        &self.block.last_event_id
    }

    /// The same if no further event is taken: those that wait would come again.
    pub(crate) fn taken_last_event_id(&self) -> &str {
        if self.events.is_empty() { self.last_event_id() } else { &self.taken_id }
    }

    /// The id that the unfinished event has named, or the last event ID: once that event has proved
    /// to be too long, with what to ask for those after it.
    #[cfg(feature = "follow")]
    pub(crate) fn unfinished_id(&self) -> &str {
        &self.block.id
    }

    /// How long to wait before connecting again, if the stream has said so.
    pub fn reconnection_time(&self) -> Option<Duration> {
        self.block.reconnection_time
    }

    /// Makes ready for another connection's stream. What was unfinished is dropped, and a failure
    /// is forgotten. The last event ID and the reconnection time outlive the connection, and so do
    /// events that have not been taken.
    pub fn start_over(&mut self) {
        self.failed = None;
        self.at_start = true;
        self.after_cr = false;
        self.line = Vec::new();
        self.block.start_over();
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        let mut rest = bytes;
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = line::end(rest) {
            let (line, end) = rest.split_at(end);
            self.take_end_of_line(line)?;
            self.after_cr = end == b"\r";
            rest = end.strip_prefix(b"\r\n").unwrap_or(&end[1..]);
        }
        self.keep_start_of_line(rest)
    }

    fn keep_start_of_line(&mut self, start: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + start.len() > self.max_line {
            return Err(TooLong::Line);
        }
        self.line.extend_from_slice(start);
        Ok(())
    }

    fn take_end_of_line(&mut self, end: &[u8]) -> Result<(), TooLong> {
        if self.line.is_empty() {
            // The usual case: all of the line is in this piece, and nothing is copied.
            if end.len() > self.max_line {
                return Err(TooLong::Line);
            }
            return self.take_line(end);
        }
        self.keep_start_of_line(end)?;
        let mut line = std::mem::take(&mut self.line);
        let taken = self.take_line(&line);
        line.clear();
        line.shrink_to(KEPT);
        self.line = line;
        taken
    }

    fn take_line(&mut self, line: &[u8]) -> Result<(), TooLong> {
        let mut line = line;
        if self.at_start {
            self.at_start = false;
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if let Some((event, channel)) = self.block.take_line(line, self.max_event)? {
            let last_event_id = Arc::clone(&self.block.last_event_id);
            self.events.push_back(Waiting { event, last_event_id, channel });
        }
        Ok(())
    }
}

#[cfg(test)]
mod split_tests;
#[cfg(test)]
mod tests;

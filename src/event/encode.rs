//! Values to bytes: fields, comments and the blank line, as an event stream carries them.
//!
//! ```text
//! event   = [ "id: " id LF ] [ "event: " type LF ] [ "retry: " milliseconds LF ]
//!           1*( "data: " line LF ) LF
//! comment = 1*( ": " line LF )
//! ```
//!
//! This is narrower than what the standard lets us write. Lines end in LF alone, since some clients
//! find no other end. One space always follows the colon: a reader strips one, so a value that
//! itself starts with a space keeps it. And an event always has a `data` line, because an event
//! without one is never dispatched, while one with empty data is. Two blocks are no events: a lone
//! `id` line sets the last event ID, and [`NOTHING`] is a comment for a heartbeat.
//!
//! Nothing is checked here and nothing can fail: what would break a line was refused or split when
//! the [`Event`] was built. Nothing is allocated either but by `out`, when it has to grow.

use std::time::Duration;

use super::Event;
use super::line;
use crate::digits::Digits;
use crate::error::{Error, Result};

/// The names of the longest set of fields, their separators and line ends, and the digits of the
/// longest reconnection time.
const AROUND_VALUES: usize = "id: \nevent: \nretry: 18446744073709551615\ndata: \n\n".len();

impl Event {
    /// Appends the event to `out`, as an event stream carries it: its fields and a blank line.
    ///
    /// ```
    /// # use tidings::Event;
    /// let mut out = b": before\n".to_vec();
    /// Event::new("one\ntwo").encode_into(&mut out);
    /// assert_eq!(out, b": before\ndata: one\ndata: two\n\n");
    /// ```
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.reserve(self.room());
        match self.id() {
            Some(id) => self.encode_with_id(id, out),
            None => self.encode_without_id(out),
        }
    }

    /// The event as an event stream carries it: its fields and a blank line.
    ///
    /// ```
    /// # use tidings::Event;
    /// assert_eq!(Event::new("hi").to_bytes(), b"data: hi\n\n");
    /// ```
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.room());
        self.encode_into(&mut out);
        out
    }

    /// Appends the event with another id than its own: for a channel, which numbers events itself.
    /// The id must be free of CR, LF and NUL.
    pub(crate) fn encode_with_id(&self, id: &str, out: &mut Vec<u8>) {
        field("id: ", id, out);
        self.encode_without_id(out);
    }

    /// How many bytes [`encode_with_id`](Self::encode_with_id) appends for an id of this length.
    pub(crate) fn len_with_id(&self, id: usize) -> usize {
        "id: \n".len() + id + self.len_without_id()
    }

    /// How many bytes the event takes without the line of its id.
    pub(crate) fn len_without_id(&self) -> usize {
        let event_type = self.event_type().map_or(0, |name| "event: \n".len() + name.len());
        let retry = self.retry().map_or(0, |time| {
            let digits = time.as_millis().checked_ilog10().unwrap_or(0) as usize + 1;
            "retry: \n".len() + digits
        });
        let data: usize = line::all(self.data()).map(|line| "data: \n".len() + line.len()).sum();
        event_type + retry + data + "\n".len()
    }

    /// Fails if the event takes more than this, with the line of its id or without it.
    pub(crate) fn check_len(&self, with_id: bool, most: usize) -> Result<()> {
        // No byte of data becomes more than seven: nearly always there is nothing to count.
        if self.room() + self.data().len() * "data: ".len() <= most {
            return Ok(());
        }
        let size = match self.id().filter(|_| with_id) {
            Some(id) => self.len_with_id(id.len()),
            None => self.len_without_id(),
        };
        if size <= most { Ok(()) } else { Err(Error::too_large(size, most)) }
    }

    fn encode_without_id(&self, out: &mut Vec<u8>) {
        if let Some(event_type) = self.event_type() {
            field("event: ", event_type, out);
        }
        if let Some(time) = self.retry() {
            retry_field(time, out);
        }
        for line in line::all(self.data()) {
            field("data: ", line, out);
        }
        out.push(b'\n');
    }

    /// As many bytes as the event takes with one line of data. With more lines `out` may grow on
    /// the way: to count them first costs more.
    fn room(&self) -> usize {
        let values = [self.id(), self.event_type(), Some(self.data())];
        AROUND_VALUES + values.into_iter().flatten().map(str::len).sum::<usize>()
    }
}

/// A comment without text: bytes that are nothing to a client, and a sign of life to whatever
/// stands between. No blank line comes after it, as some clients dispatch an event at each.
pub(crate) const NOTHING: &[u8] = b":\n";

/// Appends an id that belongs to no event. The blank line makes it the client's last event ID, and
/// dispatches nothing, as there is no data (HTML standard, section 9.2.6).
pub(crate) fn encode_id(id: &str, out: &mut Vec<u8>) {
    out.reserve("id: \n\n".len() + id.len());
    field("id: ", id, out);
    out.push(b'\n');
}

/// Appends a comment, one line for each of the text's. It needs no blank line after it, and may
/// stand between two events without becoming part of either.
pub(crate) fn encode_comment(text: &str, out: &mut Vec<u8>) {
    for line in line::all(text) {
        field(": ", line, out);
    }
}

/// Appends a reconnection time that belongs to no event. The blank line dispatches nothing, as
/// there is no data.
pub(crate) fn encode_retry(time: Duration, out: &mut Vec<u8>) {
    retry_field(time, out);
    out.push(b'\n');
}

fn retry_field(time: Duration, out: &mut Vec<u8>) {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    field("retry: ", Digits::decimal(milliseconds).as_str(), out);
}

fn field(name: &str, value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}

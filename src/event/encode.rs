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

use super::{Event, line, milliseconds};
use crate::digits::Digits;
use crate::error::{Error, Result};

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
        out.reserve(self.len_with(self.id()));
        self.encode_with(self.id(), out);
    }

    /// The event as an event stream carries it: its fields and a blank line.
    ///
    /// ```
    /// # use tidings::Event;
    /// assert_eq!(Event::new("hi").to_bytes(), b"data: hi\n\n");
    /// ```
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    /// Appends the event with this id in place of its own, or without one: a channel numbers its
    /// events itself. The id must be free of CR, LF and NUL.
    pub(crate) fn encode_with(&self, id: Option<&str>, out: &mut Vec<u8>) {
        for (name, value) in [("id: ", id), ("event: ", self.event_type())] {
            value.into_iter().for_each(|value| field(name, value, out));
        }
        if let Some(time) = self.retry() {
            retry_field(time, out);
        }
        for line in self.data().splitn(self.lines, '\n') {
            field("data: ", line, out);
        }
        out.push(b'\n');
    }

    /// How many bytes [`encode_with`](Self::encode_with) appends.
    pub(crate) fn len_with(&self, id: Option<&str>) -> usize {
        let of =
            |name: &str, value: Option<&str>| value.map_or(0, |value| name.len() + value.len());
        let retry = self.retry().map(|time| Digits::decimal(milliseconds(time)));
        of("id: \n", id)
            + of("event: \n", self.event_type())
            + of("retry: \n", retry.as_ref().map(Digits::as_str))
            // Its line breaks are the ends of all lines but the last.
            + "data: ".len() * self.lines
            + self.data().len()
            + "\n\n".len()
    }

    /// How many bytes it appends where the event without an id takes so many.
    pub(crate) fn len_with_id(id: &str, without: usize) -> usize {
        "id: \n".len() + id.len() + without
    }

    /// Returns how many bytes the event takes with this id, or without one; fails if those are more
    /// than it may.
    pub(crate) fn check_len(&self, id: Option<&str>, most: usize) -> Result<usize> {
        let size = self.len_with(id);
        if size <= most { Ok(size) } else { Err(Error::too_large(size, most)) }
    }
}

/// A comment without text: bytes that are nothing to a client, and a sign of life to whatever
/// stands between. No blank line comes after it, as some clients dispatch an event at each.
/// `stream::delivery` sends it as a heartbeat, where there are chunks as its `HEARTBEAT`.
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
    field("retry: ", Digits::decimal(milliseconds(time)).as_str(), out);
}

fn field(name: &str, value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}

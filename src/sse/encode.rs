//! Values to bytes: fields, comments and the blank line, as an event stream carries them.
//!
//! ```text
//! event   = [ "id: " id LF ] [ "event: " type LF ] [ "retry: " milliseconds LF ]
//!           1*( "data: " line LF ) LF
//! comment = 1*( ": " line LF )
//! ```
//!
//! This is narrower than what the standard lets us write. Lines end in LF alone, since some clients
//! find no other end. One space always stands behind the colon: a reader strips one, so a value
//! that itself starts with a space keeps it. And there is always a `data` line, because an event
//! without one is never dispatched, while one with empty data is.
//!
//! Nothing is checked here and nothing can fail: what would break a line was refused or split when
//! the [`Event`] was built. Nothing is allocated either but by `out`, when it has to grow.

use std::io::Write;
use std::time::Duration;

use super::event::Event;
use super::line;

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
        match self.id() {
            Some(id) => self.encode_with_id(|out| out.extend_from_slice(id.as_bytes()), out),
            None => {
                out.reserve(self.room());
                self.encode_without_id(out);
            }
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
    /// What `id` appends must be free of CR, LF and NUL.
    pub(crate) fn encode_with_id(&self, id: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
        out.reserve(self.room());
        id_field(id, out);
        self.encode_without_id(out);
    }

    fn encode_without_id(&self, out: &mut Vec<u8>) {
        if let Some(event_type) = self.event_type() {
            field("event: ", event_type, out);
        }
        if let Some(time) = self.retry() {
            retry_field(time, out);
        }
        for line in self.data().split('\n') {
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
pub(crate) fn encode_id(id: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
    id_field(id, out);
    out.push(b'\n');
}

/// Appends a comment, one line for each of the text's. It needs no blank line behind it, and may
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

fn id_field(id: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
    out.extend_from_slice(b"id: ");
    id(out);
    out.push(b'\n');
}

fn retry_field(time: Duration, out: &mut Vec<u8>) {
    writeln!(out, "retry: {}", time.as_millis()).expect("writing to a Vec never fails");
}

fn field(name: &str, value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}

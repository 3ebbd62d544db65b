//! Places in the order of a hub's events: what names them, and what is known of a stream there.
//!
//! All channels of a hub draw from one sequence, so one number is a place in each of them, and one
//! last event ID resumes a stream that follows many.

use crate::digits::Digits;

/// A place in the sequence of a hub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The number of the newest event that was sent.
    pub(crate) sequence: u64,
    /// How many events of the followed channels were sent, or reported as missed, or came before
    /// the stream. The same for all streams that follow the same channels and stand here.
    pub(crate) seen: u64,
}

/// What happens to a stream that reads so slowly that its next event has left the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lag {
    /// It is told what it missed by an event of type `tidings.gap`, and goes on with what is
    /// still there. The default.
    #[default]
    Skip,
    /// It is closed. Its client comes back with its last event ID and is told then.
    Close,
}

/// The stream's next event has left the log, and its channel closes such streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lagged;

/// Where a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start<'a> {
    /// With the next event that is published.
    Live,
    /// After the event of this id: a resume.
    After(&'a str),
    /// With the newest events that are kept, so many of them. Where one of several channels has let
    /// go of an event that comes after the first of these, the stream is told so.
    Newest(usize),
}

/// One start of a hub, as the ids of its events begin: a number in hexadecimal, and a hyphen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Epoch(String);

impl Epoch {
    pub(crate) fn new(number: u64) -> Self {
        Self(format!("{number:x}-"))
    }

    /// An event's id: `<epoch>-<sequence>`. It has room for the line feed that goes
    /// with it to a publisher.
    pub(crate) fn id(&self, sequence: u64) -> String {
        let sequence = Digits::decimal(sequence);
        let mut id = String::with_capacity(self.0.len() + sequence.as_bytes().len() + 1);
        id.push_str(&self.0);
        id.push_str(sequence.as_str());
        id
    }

    /// What comes after the hyphen, if this is an id of this start.
    pub(crate) fn strip<'a>(&self, id: &'a str) -> Option<&'a str> {
        id.strip_prefix(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_id_has_room() {
        let longest = "ffffffffffffffff-18446744073709551615";
        assert_eq!(Epoch::new(u64::MAX).id(u64::MAX), longest);
        assert_eq!(Epoch::new(0xab).id(7), "ab-7");
    }
}

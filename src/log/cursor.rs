//! Places in the order of a hub's events: what names them, and what is known of a stream there.
//!
//! All channels of a hub draw from one sequence, so one number is a place in each of them, and one
//! last event ID resumes a stream that follows many.

use crate::digits::Digits;
use crate::event::EventId;

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

/// An event's id: `<epoch>-<sequence>`, the epoch in hexadecimal.
pub(crate) fn id(epoch: u64, sequence: u64) -> String {
    let (epoch, sequence) = (Digits::hexadecimal(epoch), Digits::decimal(sequence));
    let [epoch, sequence] = [epoch.as_bytes(), sequence.as_bytes()];
    let mut id = Vec::with_capacity(epoch.len() + 1 + sequence.len());
    id.extend_from_slice(epoch);
    id.push(b'-');
    id.extend_from_slice(sequence);
    String::from_utf8(id).expect("digits are ASCII")
}

/// The same as a value.
pub(crate) fn event_id(epoch: u64, sequence: u64) -> EventId {
    EventId::of_channel(id(epoch, sequence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_id_has_room() {
        let longest = "ffffffffffffffff-18446744073709551615";
        assert_eq!(event_id(u64::MAX, u64::MAX).as_str(), longest);
        assert_eq!(id(u64::MAX, u64::MAX), longest);
        assert_eq!(event_id(0xab, 7).as_str(), "ab-7");
    }
}

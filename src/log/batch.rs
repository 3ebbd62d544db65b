//! What one `send` carries: consecutive events, and how far a cursor comes with each of them.
//!
//! Streams that stand at the same place share one batch. A stream whose socket took only a part of
//! it finds here which event was cut, and how much of that one is still to be sent.

use std::ops::{AddAssign, Range};

use super::cursor::Cursor;
use super::gap::Gap;
use super::large::{LARGE, Part, PastPart};
use super::{Chunk, Kept};
use crate::http::chunk;

#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Empty where the batch is one large event of a log.
    bytes: Vec<u8>,
    large: Option<Part>,
    /// Where the batch is one large event of the past: all of it. `bytes` has only its beginning.
    past: Option<PastPart>,
    /// One for each event, in their order.
    ends: Vec<End>,
    /// Where a cursor stands once the whole batch is written.
    pub(crate) cursor: Cursor,
    /// Whether there was more to be sent than it took.
    pub(crate) full: bool,
    /// Whether the stream has no chunk framing (HTTP/1.0).
    plain: bool,
}

#[derive(Clone, Copy, Debug)]
struct End {
    at: usize,
    cursor: Cursor,
}

/// So many events, in so many bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

impl Amount {
    /// One event of so many bytes, or none.
    pub(crate) fn of(is_event: bool, bytes: usize) -> Self {
        if is_event { Self { events: 1, bytes } } else { Self::default() }
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, more: Self) {
        self.events += more.events;
        self.bytes += more.bytes;
    }
}

/// What was cut off a batch, and is still to be sent.
#[derive(Debug)]
pub(crate) enum Rest<'a> {
    /// To be copied by whoever keeps it.
    Bytes(&'a [u8]),
    /// Of a large event, to be shared.
    Part(Part),
    /// Of a large event of the past, to be read, and as many of its first bytes as were read.
    Past(PastPart, &'a [u8]),
}

impl Batch {
    /// Empties the batch and begins a new one after `cursor`.
    pub(crate) fn begin(&mut self, cursor: Cursor, plain: bool) {
        self.give_back();
        self.ends.clear();
        self.cursor = cursor;
        self.full = false;
        self.plain = plain;
    }

    /// Lets go of a large event, and empties the batch.
    pub(crate) fn give_back(&mut self) {
        self.bytes.clear();
        self.large = None;
        self.past = None;
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.large {
            Some(large) => large.bytes(),
            None => &self.bytes,
        }
    }

    /// How many bytes its events have. There are no more to be sent at once than `bytes`.
    pub(crate) fn len(&self) -> usize {
        self.ends.last().map_or(0, |end| end.at)
    }

    pub(crate) fn rest(&self, range: Range<usize>) -> Rest<'_> {
        match (&self.large, &self.past) {
            _ if range.is_empty() => Rest::Bytes(&[]),
            (Some(large), _) => Rest::Part(large.part(range)),
            (None, Some(past)) => {
                let start = past.range.start;
                let rest = start + range.start..start + range.end;
                let at_hand = self.bytes.get(range.start..).unwrap_or_default();
                Rest::Past(PastPart { range: rest, ..*past }, at_hand)
            }
            (None, None) => Rest::Bytes(&self.bytes[range]),
        }
    }

    pub(crate) fn events(&self) -> usize {
        self.ends.len()
    }

    /// Appends an event if there is room for it, as there always is for the first; a large one is
    /// shared and not copied. Returns whether it did.
    pub(crate) fn push(&mut self, event: &Kept<'_>) -> bool {
        let len = event.chunk.len();
        self.full = !self.ends.is_empty() && self.bytes().len() + len > LARGE;
        if self.full {
            return false;
        }
        // What a stream without chunk framing is sent of the chunk.
        let content = event.size_line..len - chunk::CRLF.len();
        match event.chunk {
            Chunk::Large(large) => {
                let range = if self.plain { content } else { 0..len };
                self.large = Some(large.part(event.place, range));
            }
            Chunk::Pieces(pieces) => {
                let start = self.bytes.len();
                pieces.iter().for_each(|piece| self.bytes.extend_from_slice(piece));
                if self.plain {
                    self.bytes.truncate(start + content.end);
                    self.bytes.drain(start..start + content.start);
                }
            }
        }
        self.end(Cursor { place: event.place, seen: self.cursor.seen + 1 });
        true
    }

    /// Appends an event of the past whose content lies in these parts, if there is room for it, as
    /// there never is for a large one. Returns whether it did.
    #[cfg_attr(not(feature = "journal"), allow(dead_code))]
    pub(crate) fn push_past(&mut self, place: u64, content: [&[u8]; 3]) -> bool {
        let len = content.iter().map(|part| part.len()).sum();
        let chunk_len = chunk::size_line_len(len) + len + chunk::CRLF.len();
        self.full = self.bytes.len() + chunk_len > LARGE;
        if self.full {
            return false;
        }
        if self.bytes.is_empty() {
            // Once, and not for each event.
            self.bytes.reserve(LARGE);
        }
        let write = |out: &mut Vec<u8>| content.iter().for_each(|part| out.extend(*part));
        if self.plain {
            write(&mut self.bytes);
        } else {
            chunk::encode_with(len, write, &mut self.bytes);
        }
        self.end(Cursor { place, seen: 0 });
        true
    }

    /// Makes a large event of the past the only one, whose content has so many bytes; there is none
    /// yet. `read` appends the first of so many bytes of its chunk.
    #[cfg_attr(not(feature = "journal"), allow(dead_code))]
    pub(crate) fn push_large<E>(
        &mut self,
        place: u64,
        content: usize,
        read: impl FnOnce(&PastPart, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let size_line = chunk::size_line_len(content);
        let chunk = size_line + content + chunk::CRLF.len();
        let range = if self.plain { size_line..size_line + content } else { 0..chunk };
        let past = PastPart { place, chunk, range };
        read(&past, &mut self.bytes)?;
        let cursor = Cursor { place, seen: 0 };
        self.ends.push(End { at: past.range.len(), cursor });
        (self.cursor, self.past) = (cursor, Some(past));
        Ok(())
    }

    /// There is nothing more up to this place, in the channels that the batch is for.
    #[cfg_attr(not(feature = "journal"), allow(dead_code))]
    pub(crate) fn reach(&mut self, place: u64) {
        self.cursor.place = place;
    }

    /// Appends an event that tells of others that were missed, and goes on after them.
    pub(crate) fn push_gap(&mut self, gap: &Gap) {
        if self.plain {
            self.bytes.extend_from_slice(&gap.content());
        } else {
            chunk::encode(&gap.content(), &mut self.bytes);
        }
        self.end(gap.resume);
    }

    /// The last event stands in another of the logs as well, and counts for that one too.
    pub(super) fn see_another(&mut self) {
        self.cursor.seen += 1;
        self.ends.last_mut().into_iter().for_each(|end| end.cursor.seen += 1);
    }

    fn end(&mut self, cursor: Cursor) {
        self.cursor = cursor;
        self.ends.push(End { at: self.bytes().len(), cursor });
    }

    /// Where a cursor stands once the first `sent` bytes are written: after the last event that
    /// went out or was begun. The rest of one that was cut is `bytes()[sent..end]`.
    pub(crate) fn cursor_at(&self, sent: usize) -> Option<(Cursor, usize)> {
        let cut = self.ends.partition_point(|end| end.at < sent);
        // Nothing was sent: no event was begun.
        let end = self.ends.get(cut).filter(|_| sent > 0)?;
        Some((end.cursor, end.at))
    }

    /// How many whole events are within the first `sent` bytes, and how many bytes they have.
    pub(crate) fn whole_at(&self, sent: usize) -> Amount {
        let events = self.ends.partition_point(|end| end.at <= sent);
        let bytes = events.checked_sub(1).map_or(0, |newest| self.ends[newest].at);
        Amount { events, bytes }
    }
}

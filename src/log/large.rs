//! A large event: one whose chunk is longer than one batch.
//!
//! ```text
//!                      ┌── log, while it keeps the event, and a little longer
//!   Vec<u8> of a chunk ┼── batch, while it is being sent        [LargeEvent, Part]: strong
//!                      └── stream that was cut within it        [Cut]:              weak
//! ```
//!
//! It is copied nowhere. A stream whose socket took only a part of it keeps the place, and no more:
//! 1,000 streams that read nothing of an event of 1 MiB cost one MiB and not 1,000. They don't keep
//! the event alive either, since each might stand within another. Where it is gone before a stream
//! has come to its end, the rest is read from the hub's past, piece by piece; where there is none,
//! the stream is cut off, and its client comes back and is told.

use std::ops::Range;
use std::sync::{Arc, Weak};

/// An event is large if its chunk has more bytes; then it is a batch of its own. A pass over
/// thousands of streams should stay short, and the kernel's socket buffer seldom takes more.
pub(crate) const LARGE: usize = 64 * 1024;

/// The chunk of a large event.
///
/// The bytes are in a `Vec` of their own, and not in the `Arc`: a [`Cut`] keeps the memory of the
/// `Arc`.
#[derive(Clone, Debug)]
pub(crate) struct LargeEvent(Arc<Vec<u8>>);

/// Some of the bytes of a large event.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    event: Arc<Vec<u8>>,
    /// Its place in the order.
    place: u64,
    range: Range<usize>,
}

/// A part of a large event, by where that is in the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PastPart {
    /// Its place in the order.
    pub(crate) place: u64,
    /// How many bytes its chunk has.
    pub(crate) chunk: usize,
    /// Of the chunk.
    pub(crate) range: Range<usize>,
}

/// What is still to be sent of a large event. Its bytes are a log's, if that still has them; else
/// they have to be read from the past.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    event: Weak<Vec<u8>>,
    /// The first bytes of it, if it is of the past: so many as were read, and not sent. So whoever
    /// retries has something to send, and reads nothing for a peer who takes nothing.
    piece: Vec<u8>,
    of: PastPart,
}

impl LargeEvent {
    pub(crate) fn new(chunk: Vec<u8>) -> Self {
        Self(Arc::new(chunk))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether a stream stands within it, or may be about to: a pass has it.
    pub(crate) fn is_in_use(&self) -> bool {
        Arc::weak_count(&self.0) > 0 || Arc::strong_count(&self.0) > 1
    }

    /// A part of it; it has this place in the order.
    pub(crate) fn part(&self, place: u64, range: Range<usize>) -> Part {
        Part { event: Arc::clone(&self.0), place, range }
    }
}

impl Part {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.event[self.range.clone()]
    }

    /// A part of the part.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        let start = self.range.start;
        let range = start + range.start..start + range.end;
        Self { event: Arc::clone(&self.event), range, ..*self }
    }

    pub(crate) fn cut(&self) -> Cut {
        let of = PastPart { place: self.place, chunk: self.event.len(), range: self.range.clone() };
        Cut { event: Arc::downgrade(&self.event), piece: Vec::new(), of }
    }
}

impl Cut {
    /// What is to be sent of an event of the past, and the first bytes of that.
    pub(crate) fn of_past(of: PastPart, piece: &[u8]) -> Self {
        Self { event: Weak::new(), piece: piece.to_vec(), of }
    }

    /// The bytes, if a log still has the event.
    pub(crate) fn part(&self) -> Option<Part> {
        let event = self.event.upgrade()?;
        Some(Part { event, place: self.of.place, range: self.of.range.clone() })
    }

    /// Gives the bytes that are at hand; `None` if there are none.
    pub(crate) fn first<T>(&self, send: impl FnOnce(&[u8]) -> T) -> Option<T> {
        match self.part() {
            Some(part) => Some(send(part.bytes())),
            None if self.piece.is_empty() => None,
            None => Some(send(&self.piece)),
        }
    }

    /// What has to be read from the past before anything can be sent, if there is anything.
    pub(crate) fn missing(&self) -> Option<&PastPart> {
        let is_missing = self.piece.is_empty() && self.event.strong_count() == 0;
        is_missing.then_some(&self.of)
    }

    /// Takes bytes that were read: the first of those that are missing.
    pub(crate) fn give(&mut self, piece: &[u8]) {
        self.piece = piece.to_vec();
    }

    /// How many bytes it keeps itself.
    pub(crate) fn kept(&self) -> usize {
        self.piece.len()
    }

    /// So many bytes more have gone out. Returns whether these were the last.
    pub(crate) fn advance(&mut self, sent: usize) -> bool {
        self.of.range.start += sent;
        self.piece.drain(..sent.min(self.piece.len()));
        self.of.range.is_empty()
    }
}

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
//! has come to its end, the stream is cut off; its client comes back and is told.

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
    range: Range<usize>,
}

/// What is still to be sent of a large event, if that is still there.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    event: Weak<Vec<u8>>,
    range: Range<usize>,
}

impl LargeEvent {
    pub(crate) fn new(chunk: Vec<u8>) -> Self {
        Self(Arc::new(chunk))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether a stream stands within it, or may be about to: a pass has it.
    pub(crate) fn is_in_use(&self) -> bool {
        Arc::weak_count(&self.0) > 0 || Arc::strong_count(&self.0) > 1
    }

    pub(crate) fn part(&self, range: Range<usize>) -> Part {
        Part { event: Arc::clone(&self.0), range }
    }
}

impl Part {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.event[self.range.clone()]
    }

    /// A part of the part.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        let start = self.range.start;
        Self { event: Arc::clone(&self.event), range: start + range.start..start + range.end }
    }

    pub(crate) fn cut(&self) -> Cut {
        Cut { event: Arc::downgrade(&self.event), range: self.range.clone() }
    }
}

impl Cut {
    /// The bytes, if the event is still there.
    pub(crate) fn part(&self) -> Option<Part> {
        Some(Part { event: self.event.upgrade()?, range: self.range.clone() })
    }

    /// So many bytes more have gone out. Returns whether these were the last.
    pub(crate) fn advance(&mut self, sent: usize) -> bool {
        self.range.start += sent;
        self.range.is_empty()
    }
}

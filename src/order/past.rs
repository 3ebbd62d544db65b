//! What an order remembers beyond the logs, so that a stream can be sent it.

use crate::log::batch::Batch;
use crate::log::id::Id;

/// A hub's past, as far as it is kept. Reading it may take as long as a disk does: nobody holds a
/// lock meanwhile.
pub(crate) trait Past: Send + Sync {
    /// Whether the id is one of this hub's, be it of an event that is no longer kept: its epoch is
    /// known, and its sequence number is not above the newest of that epoch.
    fn knows(&self, id: Id) -> bool;

    /// The place before the oldest event that is kept.
    fn beginning(&self) -> u64;

    /// The place after which the newest `count` events of these channels come.
    fn before_newest(&self, names: &[&str], count: usize) -> u64;

    /// Fills the batch with the next events of these channels, as many as one batch takes or a
    /// part of a large one, and moves `from` after them; never past the newest place of the hub's
    /// [`Sequence`](super::sequence::Sequence). Where events are gone, a gap event comes first.
    fn read(&self, names: &[&str], from: &mut PastCursor, plain: bool, batch: &mut Batch);
}

/// How far a stream has been sent the past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PastCursor {
    /// The place of the newest event that was sent.
    pub(crate) place: u64,
    /// How many bytes of the next event were sent already, if that is a large one.
    pub(crate) within: u64,
}

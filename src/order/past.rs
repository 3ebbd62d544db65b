//! What an order remembers beyond the logs, so that a stream can be sent it.

use std::io;

use crate::log::batch::Batch;
use crate::log::cursor::Cursor;
use crate::log::gap::Reason;
use crate::log::id::Id;
use crate::log::large::PastPart;

/// Whether any order of this build has a past. Where none has, the compiler leaves out all that is
/// for it.
pub(crate) const IS_BUILT_IN: bool = cfg!(feature = "journal");

/// Channels, by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of<'a> {
    Name(&'a str),
    /// All whose names begin with this.
    Below(&'a str),
    /// All, and each event has the line of its channel: the feed
    /// ([`view`](super::shared_log::view)).
    Feed,
}

impl Of<'_> {
    pub(crate) fn has(&self, name: &str) -> bool {
        match self {
            Self::Name(this) => *this == name,
            Self::Below(prefix) => name.starts_with(prefix),
            Self::Feed => true,
        }
    }
}

/// A hub's past, as far as it is kept. Reading it may take as long as a disk does: nobody holds a
/// lock meanwhile.
///
/// `of` says which channels a stream follows.
pub(crate) trait Past: Send + Sync {
    /// The place of an id after which everything is kept.
    ///
    /// # Errors
    ///
    /// [`Evicted`](Reason::Evicted) for one that lies before events that are no longer kept,
    /// [`Restarted`](Reason::Restarted) for any other that is none of this hub's.
    fn resume(&self, id: Id) -> Result<u64, Reason>;

    /// The place before the oldest event that is kept.
    fn beginning(&self) -> u64;

    /// Whether events after this place are no longer kept, as they were too old or too many.
    fn has_lost(&self, after: u64) -> bool;

    /// The place after which the newest `count` events of these channels up to `until` come, as far
    /// as they are among the newest of all channels. `None` where there are none of them, or too
    /// many others ask for theirs.
    fn before_newest(&self, of: &[Of<'_>], count: usize, until: u64) -> Option<u64>;

    /// Fills the batch with the next events of these channels after the cursor, as many as one
    /// batch takes or a part of a large one. The batch's cursor says how far it came, and the next
    /// read goes on there: it may have come past events of other channels alone, or past what is
    /// damaged. That is never past the newest place of the hub's
    /// [`Sequence`](super::sequence::Sequence). Where events are gone, a gap event comes first.
    ///
    /// # Errors
    ///
    /// When the system can't read now what it may read later.
    fn read(&self, of: &[Of<'_>], from: Cursor, plain: bool, batch: &mut Batch) -> io::Result<()>;

    /// Appends the first bytes of a part of a large event, no more than one batch takes, and at
    /// least one.
    ///
    /// # Errors
    ///
    /// When they can't be read, or the event is gone.
    fn read_part(&self, of: &[Of<'_>], part: &PastPart, out: &mut Vec<u8>) -> io::Result<()>;
}

//! A stream, as its channels know it.
//!
//! Streams know channels and never the reverse: a group holds its streams as [`Reader`]s, and a
//! pass makes one indirect call for each. What else a stream is, its socket, its request and its
//! hooks, is no channel's business.

use std::sync::Arc;

use super::batches::Batches;
use super::fanout::Shard;
use crate::error::CloseReason;
use crate::net::moment::Moment;

/// Something that follows channels. It joins them by
/// [`Followed::enter`](super::subscription::Followed::enter).
pub(crate) trait Reader: Send + Sync {
    /// The shard whose passes come to it: always the same.
    fn shard(&self) -> &Arc<Shard>;

    /// Sends it the next batch of its channels' logs, unless it has been sent everything up to the
    /// sequence number `newest`. Where there is no more and all channels are closed, that is its
    /// end: [`Advance::Over`]. Called by passes, and by whoever makes it catch up: several
    /// threads may call it at once, and one of them sends. Never blocks. The caller passes on what
    /// this returns to [`settle`](Self::settle).
    fn advance(&self, newest: u64, batches: &mut Batches, now: Moment) -> Advance;

    /// Does what follows from an advance. Called without a lock.
    fn settle(self: Arc<Self>, advance: Advance);

    /// Has it find whether all its channels are closed, now that one is: then it ends once it has
    /// been sent everything. Called without a lock.
    fn channel_closed(self: Arc<Self>);

    /// Ends it, if it has not ended. Called without a lock.
    fn end(&self, reason: CloseReason);
}

/// What an advance found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advance {
    /// There was nothing to do, or another thread does it.
    Idle,
    /// It was sent a batch; `more` is there already. Only hooks, if there are any, are `told`.
    Sent { more: bool, told: bool },
    /// The socket took less than there was.
    Blocked,
    /// What comes next has to be read from the past of its hub, which takes longer than a pass may.
    Past,
    /// The stream has to end.
    Over(CloseReason),
}

impl Advance {
    pub(crate) fn has_more(self) -> bool {
        matches!(self, Self::Sent { more: true, .. })
    }

    /// Whether [`Reader::settle`] would do anything.
    pub(crate) fn needs_settling(self) -> bool {
        match self {
            Self::Idle => false,
            Self::Sent { told, .. } => told,
            Self::Blocked | Self::Past | Self::Over(_) => true,
        }
    }
}

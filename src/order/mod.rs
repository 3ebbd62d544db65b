//! Where a hub's events get their ids, and what of them outlives the hub.
//!
//! ```text
//! Channel::send ─► Order::append: number, and write or sync as the order promises ─► logs
//!              └─► passes, by whoever published, once that returns
//! ```
//!
//! All channels of a hub share one order, so one last event ID resumes a stream that follows many
//! of them. An order has one contract: append events to a channel, return their ids once they are
//! in the order, and deliver every event to the logs in order, exactly once.
//!
//! | file | what it is |
//! | --- | --- |
//! | [`sequence`] | how far the order has come: epochs, the newest place, the clock of logs |
//! | [`shared_log`] | a channel's log, which orders append to and streams read |
//! | [`memory`] | the order of a hub that remembers nothing |
//! | [`past`] | what an order remembers beyond the logs |
//! | [`keys`] | idempotency keys, which make a publish that is sent again harmless |
//! | `remote` | what orders that lie elsewhere have in common |
//! | `redis` | the order of many hubs over one Redis |
//! | `follow` | the order of another hub, which this one follows |
#![cfg_attr(
    not(all(feature = "journal", feature = "redis", feature = "follow")),
    allow(dead_code, reason = "it is for orders that remember, or lie elsewhere")
)]

use std::sync::Arc;

use crate::error::Result;
use crate::event::Event;
use crate::log::id::Id;
use crate::net::moment::Moment;
use keys::Keys;
use past::Past;
use sequence::Sequence;
use shared_log::SharedLog;

#[cfg(any(feature = "journal", feature = "redis"))]
pub(crate) mod commit;
#[cfg(feature = "follow")]
pub(crate) mod follow;
#[cfg(feature = "journal")]
#[allow(dead_code, reason = "tests and fuzzing alone use some of it")]
pub(crate) mod journal;
pub(crate) mod keys;
pub(crate) mod memory;
pub(crate) mod past;
#[cfg(feature = "redis")]
pub(crate) mod redis;
#[cfg(any(feature = "redis", feature = "follow"))]
pub(crate) mod remote;
pub(crate) mod sequence;
pub(crate) mod shared_log;

/// Where the ids of a hub's events come from.
pub(crate) trait Order: Send + Sync {
    fn sequence(&self) -> &Arc<Sequence>;

    /// The idempotency keys of the hub.
    fn keys(&self) -> &Keys;

    /// Appends the events of a post to the log, adjacent in the order, all or none, and returns
    /// once they are in the order and in the log: published, as far as the order promises. The
    /// caller then makes its passes. It may wait for a disk or for another publisher; no lock may
    /// be held.
    ///
    /// # Errors
    ///
    /// When the log does not [admit](SharedLog::admit) the post, or the order can't take it. Then
    /// no stream sees any of it, and no number is used up.
    fn append(&self, to: &Arc<SharedLog>, post: &Post<'_>) -> Result<Appended>;

    /// What it remembers beyond the logs, if it does.
    fn past(&self) -> Option<&dyn Past> {
        None
    }

    /// Whether it may deliver to a log after that was closed.
    fn delivers_later(&self) -> bool {
        #[cfg(any(feature = "redis", feature = "follow"))]
        if self.remote().is_some() {
            return true;
        }
        self.past().is_some()
    }

    #[cfg(feature = "journal")]
    fn journal(&self) -> Option<&journal::order::JournalOrder> {
        None
    }

    /// The hubs that follow one another from here on, if it follows one.
    #[cfg(feature = "follow")]
    fn chain(&self) -> Option<&Arc<follow::chain::Chain>> {
        None
    }

    /// What is known of an order that lies elsewhere.
    #[cfg(any(feature = "redis", feature = "follow"))]
    fn remote(&self) -> Option<&remote::Remote> {
        None
    }
}

/// What is published in one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Post<'a> {
    /// At least one. Their own ids count for nothing.
    pub(crate) events: &'a [Event],
    /// To be kept with the events, if the order keeps them.
    pub(crate) key: Option<PostKey<'a>>,
}

/// An idempotency key: a client that publishes once more under it gets the first response again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PostKey<'a> {
    pub(crate) key: &'a str,
    /// Of channel and events: another one under the same key is another request, and refused.
    pub(crate) digest: u64,
}

/// What became of a post.
#[derive(Clone, Debug)]
pub(crate) struct Appended {
    /// The id of its first event. Those of the others have the next sequence numbers.
    pub(crate) first: Id,
    /// That id as text, which the order has had to write already.
    pub(crate) text: String,
    pub(crate) count: usize,
    /// When that was, so that nobody has to ask again.
    pub(crate) at: Moment,
}

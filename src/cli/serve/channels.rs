//! Channels: which names they may have ([`names`](crate::cli::names)), how many channels there may
//! be, and what one of them takes at once.

use tidings::{Channel, Hub, Peer};

use crate::cli::names::is_pattern;
pub(super) use crate::cli::names::{ALL, check_followed, check_name};

/// The hub, and what it may have.
#[derive(Clone, Debug)]
pub(super) struct Channels {
    pub(super) hub: Hub,
    /// How many channels at once.
    pub(super) most: usize,
    /// What one of them takes at once.
    pub(super) batch: Bounds,
}

impl Channels {
    /// What a stream of this peer follows under this name or pattern, unless there is no room.
    pub(super) fn followed(&self, name: &str, peer: Peer) -> tidings::Result<Option<Channel>> {
        match is_pattern(name) {
            true => self.hub.matching_followed(name, peer, self.most),
            false => Ok(self.hub.channel_followed(name, peer, self.most)),
        }
    }
}

/// What a channel takes at once: a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    /// As many events as a channel keeps.
    pub(super) events: usize,
    /// The most bytes of one of them, as it is sent without an id.
    pub(super) event: usize,
}

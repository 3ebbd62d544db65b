//! The hub's order: where its events get their ids, and what of them outlives the hub.
//!
//! ```text
//! (nothing)        in memory: a restart is a gap
//! --journal DIR    in files of this machine
//! --redis URL      in Redis, which many hubs share
//! --follow URL     in another hub, which this one follows
//! ```
#![cfg_attr(
    not(all(feature = "journal", feature = "redis", feature = "follow")),
    allow(dead_code, reason = "some of it is for one of these")
)]

use std::time::Duration;

use tidings::Hub;

#[cfg(any(feature = "redis", feature = "follow"))]
use crate::cli::plural;

/// Which order the hub has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    /// Its series in the metrics.
    pub(super) series: &'static str,
    /// Its name, for people.
    pub(super) name: &'static str,
}

pub(super) const MEMORY: Order =
    Order { series: "order_info{order=\"memory\"}", name: "the memory" };
pub(super) const JOURNAL: Order =
    Order { series: "order_info{order=\"journal\"}", name: "the journal" };
pub(super) const REDIS: Order = Order { series: "order_info{order=\"redis\"}", name: "Redis" };
pub(super) const FOLLOW: Order =
    Order { series: "order_info{order=\"hub\"}", name: "the hub that this one follows" };

impl Order {
    /// Whether what is published here goes to another hub.
    pub(super) fn follows(self) -> bool {
        self.series == FOLLOW.series
    }
}

/// What an order elsewhere has, at the start.
#[cfg(any(feature = "redis", feature = "follow"))]
pub(super) fn found(hub: &Hub) -> String {
    match (hub.published(), hub.newest()) {
        (_, newest) if newest.as_str() == "0-0" => "no events".into(),
        (events, newest) => format!("{}, up to the event {newest}", plural(events, "event")),
    }
}

/// How the hub's order is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is this process's own.
    Own,
    /// It is a journal, and nobody knows what of that is on the disk.
    SyncFailed,
    /// It lies elsewhere, and can be reached.
    Reachable,
    /// It lies elsewhere, can't be reached, and was heard from so long ago.
    Away(Duration),
    /// The same for a hub that refuses this one.
    Denied(Duration),
}

impl State {
    #[allow(unused_variables, reason = "a hub without features has but one")]
    pub(super) fn of(hub: &Hub) -> Self {
        #[cfg(feature = "journal")]
        if hub.journal_stats().is_some_and(|stats| stats.failed) {
            return Self::SyncFailed;
        }
        #[cfg(any(feature = "redis", feature = "follow"))]
        if let Some(stats) = hub.order_stats() {
            return match stats {
                _ if stats.reachable => Self::Reachable,
                _ if stats.denied => Self::Denied(stats.silence),
                _ => Self::Away(stats.silence),
            };
        }
        Self::Own
    }
}

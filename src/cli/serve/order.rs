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

use super::options::Options;
use crate::cli::{Failure, Outcome};

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
const JOURNAL: Order = Order { series: "order_info{order=\"journal\"}", name: "the journal" };
const REDIS: Order = Order { series: "order_info{order=\"redis\"}", name: "Redis" };
const FOLLOW: Order =
    Order { series: "order_info{order=\"hub\"}", name: "the hub that this one follows" };

/// A place that the command line may name.
struct Asked {
    flag: &'static str,
    is_given: bool,
    /// The flags that say how it is used, and whether each was given.
    ways: Vec<(&'static str, bool)>,
    /// What is wrong if one of these is given without it.
    without: &'static str,
}

/// Checks that one place is named at most, and that there is one if the command line says how.
pub(super) fn check(options: &Options) -> Outcome {
    let asked = asked(options);
    let mut given = asked.iter().filter(|asked| asked.is_given).map(|asked| asked.flag);
    if let (Some(one), Some(other)) = (given.next(), given.next()) {
        return Err(Failure::Usage(format!(
            "{one} and {other} both say where the hub's events get their ids: give one of them"
        )));
    }
    for Asked { ways, without, .. } in asked.iter().filter(|asked| !asked.is_given) {
        if let Some((flag, _)) = ways.iter().find(|(_, is_given)| *is_given) {
            return Err(Failure::Usage(format!("{flag} {without}")));
        }
    }
    Ok(())
}

#[allow(unused_variables, reason = "a hub without features has no choice")]
fn asked(options: &Options) -> Vec<Asked> {
    vec![
        #[cfg(feature = "journal")]
        Asked {
            flag: "--journal",
            is_given: options.journal.is_given(),
            ways: options.journal.ways(),
            without: "says how a journal is kept, and there is none: name its folder with \
                      --journal DIR",
        },
        #[cfg(feature = "redis")]
        Asked {
            flag: "--redis",
            is_given: options.redis.is_given(),
            ways: options.redis.ways(),
            without: "says how Redis is used, and none is: name its address with --redis URL",
        },
        #[cfg(feature = "follow")]
        Asked {
            flag: "--follow",
            is_given: options.follow.is_given(),
            ways: options.follow.ways(),
            without: "says how another hub is followed, and none is: name it with --follow URL",
        },
    ]
}

/// The hub, with what its order remembers: before the sockets are open, so that nobody connects to
/// a hub that can't begin, or that doesn't know yet what it has.
pub(super) fn open(options: &Options) -> Result<(Hub, Order), Failure> {
    let (history, lag) = (options.history, options.lag);
    #[cfg(feature = "journal")]
    if let Some(hub) = options.journal.open(history, lag)? {
        return Ok((hub, JOURNAL));
    }
    #[cfg(feature = "redis")]
    if let Some(hub) = options.redis.open(history, lag)? {
        return Ok((hub, REDIS));
    }
    #[cfg(feature = "follow")]
    if let Some(hub) = options.follow.open(history, lag)? {
        return Ok((hub, FOLLOW));
    }
    Ok((Hub::with(history, lag), MEMORY))
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
    /// It lies elsewhere, can't be reached, and was heard of so long ago.
    Away(Duration),
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
            return if stats.reachable { Self::Reachable } else { Self::Away(stats.silence) };
        }
        Self::Own
    }
}

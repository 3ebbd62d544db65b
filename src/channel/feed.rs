//! The feed of a hub: a channel without a name that has the events of all others.
//!
//! ```text
//! log of news  ─┐
//! log of sport ─┼─ merged when first asked for ─► log of the feed ◄─ each event since, as it is
//! log of …     ─┘                                                    appended to its channel's log
//! ```
//!
//! As it is a channel, all that streams have works here too: resume, gaps, batches, fan-out. Only
//! that an event's block begins with the line of its channel
//! ([`feed`](crate::order::shared_log::feed)).
//!
//! Where the hub has a past, nothing is merged: streams are sent from there what was published
//! before, with the same lines.

use std::collections::BinaryHeap;
use std::ops::Deref;
use std::sync::Arc;

use super::Channel;
use crate::error::{Error, Result};
use crate::log::cursor::Lag;
use crate::log::{History, Log};
use crate::order::keys::Keys;
use crate::order::past::Past;
use crate::order::sequence::Sequence;
use crate::order::shared_log::SharedLog;
use crate::order::shared_log::feed::{FeedSlot, LONGEST_LINE, push};
use crate::order::{Appended, Order, Post};

/// How many times as much as a channel the feed keeps: 16,000 events in 16 MiB by default. So it
/// costs what sixteen channels may cost, however many there are; and a follower that was away for a
/// while still finds what was published on all of them.
const TIMES: usize = 16;

/// Makes the feed of a hub with these channels, whose names are locked, and has all logs of the hub
/// find it in their slot. Events up to the place `forgotten_through` may have been in other logs.
pub(super) fn make<'a>(
    order: &Arc<dyn Order>,
    history: History,
    lag: Lag,
    slot: &FeedSlot,
    channels: impl Iterator<Item = (&'a str, &'a Channel)>,
    forgotten_through: u64,
) -> Channel {
    let history = history.of_all(TIMES, LONGEST_LINE);
    let _delivery = slot.deliveries();
    let mut channels: Vec<(&str, &Channel)> = channels.collect();
    channels.sort_unstable_by_key(|(_, channel)| channel.0.number);
    // Held until the slot is filled, so whoever publishes has copied nothing and appended nothing,
    // or finds the feed.
    let logs: Vec<_> = channels.iter().map(|(name, channel)| (*name, channel.log())).collect();
    let log = match order.past() {
        Some(_) => Log::of_feed(history, order.sequence().newest()),
        None => merge(&logs, order.sequence(), history, forgotten_through),
    };
    let order = Arc::new(ReadOnly(Arc::clone(order)));
    let feed = Channel::build(order, lag, SharedLog::of_feed(log));
    let streams = Arc::downgrade(&feed.0);
    slot.set(Arc::clone(&feed.0.log), move |at| {
        if let Some(feed) = streams.upgrade() {
            Channel(feed).pass_alone(at);
        }
    });
    feed
}

/// An event of one of the logs that are merged.
struct Found {
    place: u64,
    /// Which log, and where in that.
    of: usize,
    at: usize,
}

/// The log of a feed, with the newest events that these have, as far as it may keep them.
fn merge(
    logs: &[(&str, impl Deref<Target = Log>)],
    sequence: &Sequence,
    history: History,
    forgotten_through: u64,
) -> Log {
    let (newest, left_out) = newest(logs, history);
    let gone = logs.iter().map(|(_, log)| log.evicted_through());
    let gone = gone.chain([left_out]).fold(forgotten_through, u64::max);
    let mut feed = Log::of_feed(history, gone);
    for Found { place, of, at } in newest.into_iter().rev() {
        let (name, log) = &logs[of];
        // What tells of a loss is of all channels.
        let name = (!sequence.is_loss(place)).then_some(*name);
        if let (Some(event), Some(came)) = (log.event_at(at), log.pushed_at(at)) {
            push(&mut feed, name, place, event.content(), came);
        }
    }
    feed
}

/// The newest events of these logs, falling, and the place of the first that is too many.
fn newest(logs: &[(&str, impl Deref<Target = Log>)], history: History) -> (Vec<Found>, u64) {
    let head = |of: usize, len: usize| {
        let at = len.checked_sub(1)?;
        Some((logs[of].1.place_at(at)?, of, at))
    };
    // The newest is on top.
    let mut heads: BinaryHeap<_> =
        (0..logs.len()).filter_map(|of| head(of, logs[of].1.len())).collect();
    let (mut found, mut bytes): (Vec<Found>, _) = (Vec::new(), 0);
    while let Some((place, of, at)) = heads.pop() {
        heads.extend(head(of, at));
        if found.last().is_some_and(|newer| newer.place == place) {
            // All logs have what tells of a loss.
            continue;
        }
        bytes += logs[of].1.event_at(at).map_or(0, |event| event.chunk.len());
        if found.len() >= history.events || bytes > history.bytes {
            return (found, place);
        }
        found.push(Found { place, of, at });
    }
    (found, 0)
}

/// The order of a hub, for a channel that takes no events of its own.
struct ReadOnly(Arc<dyn Order>);

impl Order for ReadOnly {
    fn sequence(&self) -> &Arc<Sequence> {
        self.0.sequence()
    }

    fn keys(&self) -> &Keys {
        self.0.keys()
    }

    fn append(&self, _to: &Arc<SharedLog>, _post: &Post<'_>) -> Result<Appended> {
        Err(Error::invalid(
            "nothing can be published on the feed of a hub, which has the events of all channels: \
             publish on one of these",
        ))
    }

    fn past(&self) -> Option<&dyn Past> {
        self.0.past()
    }

    #[cfg(feature = "journal")]
    fn journal(&self) -> Option<&crate::order::journal::order::JournalOrder> {
        self.0.journal()
    }

    fn remote(&self) -> Option<&crate::order::remote::Remote> {
        self.0.remote()
    }
}

#[cfg(test)]
mod tests;

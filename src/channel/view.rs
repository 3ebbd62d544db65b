//! Views: channels without a name that have the events of many others.
//!
//! ```text
//! log of room.1 ─┐
//! log of room.2 ─┼─ merged when first asked for ─► log of room.* ◄─ each event since, as it is
//! log of room.… ─┘                                                  appended to its channel's log
//! ```
//!
//! As a view is a channel, all that streams have works here too: resume, gaps, batches, fan-out.
//! All streams that follow the same names share one, so a publish makes one copy and one pass
//! however many they are. See [`order`](crate::order::shared_log::view) for how it is fed.
//!
//! Where the hub has a past, nothing is merged: streams are sent from there what was published
//! before, unless they are told nothing of what is gone.
//!
//! A view that no stream follows and nobody holds is forgotten as channels are, although it has
//! events: its channels have them too.

use std::collections::BinaryHeap;
use std::ops::Deref;
use std::sync::Arc;

use super::hub::{self, Hub};
use super::names::Names;
use super::{Channel, Inner};
use crate::error::{Error, Result};
use crate::log::cursor::Lag;
use crate::log::{History, Log};
use crate::net::moment::Moment;
use crate::order::keys::Keys;
use crate::order::past::{Of, Past};
use crate::order::sequence::Sequence;
use crate::order::shared_log::SharedLog;
use crate::order::shared_log::view::{self, View, push};
use crate::order::{Appended, Order, Post};
use crate::peer::{Peer, Place};
use crate::random::random;

/// How many times as much as a channel a view keeps: 16,000 events in 16 MiB by default. So it
/// costs what sixteen channels may cost, however many there are; and a follower that was away for a
/// while still finds what was published on all of them.
const TIMES: usize = 16;

/// With [`Lag::Conflate`], a pattern keeps at least so many events, as far as their bytes go. Its
/// channels may keep one each, and a burst on all of them must not make every reader skip events.
const BURST: usize = 1_000;

impl Hub {
    /// The events of all channels whose names match a pattern, in their order: a channel without a
    /// name that streams follow as any other, alone or with others of the hub. The pattern is `*`
    /// for all channels, or `NAME.*` for those whose names begin with `NAME.`.
    ///
    /// Channels that are made later are in it from their first event on. All who follow the same
    /// pattern follow the same channel, so what a publish costs depends on the streams, and not on
    /// how many channels there are. Of channels and patterns that overlap, a stream is sent each
    /// event once.
    ///
    /// It begins with what its channels keep when the pattern is first asked for, and keeps sixteen
    /// times as many events and bytes as a channel does; with [`Lag::Conflate`] at least 1,000
    /// events, as far as their bytes go. A stream that lags by more skips to what the channels
    /// keep. It is forgotten as a channel is that has no events, though it has some. Nothing can be
    /// published on it.
    ///
    /// ```
    /// use tidings::Hub;
    ///
    /// let hub = Hub::new();
    /// hub.channel("room.1").send("here before")?;
    /// let rooms = hub.matching("room.*")?;
    /// hub.channel("room.2").send("made later")?;
    /// hub.channel("weather").send("rain")?;
    /// assert_eq!((rooms.kept(), hub.matching("*")?.kept()), (2, 3));
    /// assert!(hub.matching("room.?").unwrap_err().is_invalid());
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the pattern is neither.
    pub fn matching(&self, pattern: &str) -> Result<Channel> {
        let prefix = prefix_of(pattern)?;
        Ok(self.find_or_make_view(prefix, None, |_| true).expect("there is always room"))
    }

    /// The same for a stream of this peer, if there is room: for patterns that come from strangers.
    /// A pattern counts as a channel of that name would that was asked for with
    /// [`channel_followed`](Self::channel_followed): while it is followed it takes the place of one
    /// of the `most` channels, also for publishers. `None` if there is no room.
    ///
    /// ```
    /// # use {std::net::SocketAddr, tidings::Peer};
    /// # let peer = Peer::from(SocketAddr::from(([192, 0, 2, 1], 50412)));
    /// let hub = tidings::Hub::new();
    /// let held = hub.matching_followed("room.*", peer, 4)?.expect("one of two");
    /// assert!(hub.matching_followed("room.1.*", peer, 4)?.is_none());
    /// assert!(hub.channel_followed("room.1", peer, 4).is_none());
    /// # drop(held);
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is no pattern.
    pub fn matching_followed(
        &self,
        pattern: &str,
        peer: Peer,
        most: usize,
    ) -> Result<Option<Channel>> {
        let (prefix, peer) = (prefix_of(pattern)?, peer.place());
        let room = |names: &Names| names.have_room_for_follower(peer, most);
        Ok(self.find_or_make_view(prefix, Some(peer), room))
    }

    fn find_or_make_view(
        &self,
        prefix: &str,
        by: Option<Place>,
        room: impl Fn(&Names) -> bool,
    ) -> Option<Channel> {
        let mut names = self.names();
        if let Some(found) = names.find_view(prefix, by) {
            return Some(found);
        }
        if !names.make_room(self.sequence(), room) {
            return None;
        }
        let prefix: Arc<str> = prefix.into();
        let of = view::Names::Below(Arc::clone(&prefix));
        let mut history = history(self.0.history, 0);
        if self.0.lag == Lag::Conflate {
            history = history.events(history.events.max(BURST));
        }
        let view = make(&self.0, &names, of, history);
        names.add_view(prefix, view.clone(), by);
        Some(view)
    }
}

impl Channel {
    /// Whether it is a view, without labels, that has all events of another channel of its hub.
    pub(super) fn covers(&self, other: &Channel) -> bool {
        let Some(Of::Below(prefix)) = self.0.log.of() else { return false };
        let has_it = match other.0.log.of() {
            Some(Of::Name(name)) => name.starts_with(prefix),
            Some(Of::Below(longer)) => longer != prefix && longer.starts_with(prefix),
            Some(Of::Feed) | None => false,
        };
        has_it && !self.is_closed() && Arc::ptr_eq(&self.0.sequence, &other.0.sequence)
    }
}

/// What the names begin with that match a pattern.
fn prefix_of(pattern: &str) -> Result<&str> {
    let prefix = pattern.strip_suffix('*').filter(|prefix| {
        // The name may be any but an empty one, and has no star, which would promise more.
        prefix.is_empty() || prefix.len() > 1 && prefix.ends_with('.') && !prefix.contains('*')
    });
    prefix.ok_or_else(|| {
        Error::invalid_value(format!(
            "{pattern:?} is not a pattern of names: one is * for all channels, or NAME.* for \
             those whose names begin with NAME and a dot"
        ))
    })
}

/// Makes a view of a hub with these names, and has all logs that it has the events of feed it.
pub(super) fn make(hub: &hub::Inner, names: &Names, of: view::Names, history: History) -> Channel {
    let hub::Inner { order, lag, .. } = hub;
    // Other hubs have to know what they lack, and no log of a channel has the line of its name.
    let lag = if of.are_labelled() && *lag == Lag::Conflate { Lag::Skip } else { *lag };
    let mut channels: Vec<(&str, &Channel)> =
        names.iter().filter(|(name, _)| of.has(name)).collect();
    channels.sort_unstable_by_key(|(_, channel)| channel.0.number);
    // Held until they feed the view, so whoever publishes has copied nothing and appended nothing,
    // or finds it.
    let logs: Vec<_> = channels.iter().map(|(name, channel)| (*name, channel.log())).collect();
    let log = match order.past().filter(|_| lag != Lag::Conflate) {
        Some(_) => Log::of_view(history, order.sequence().newest(), random() as u32),
        None => merge(&logs, order.sequence(), &of, history, names.forgotten_through),
    };
    let members = channels.iter().map(|(_, channel)| Arc::clone(&channel.0.log)).collect();
    let order = Arc::new(ReadOnly(Arc::clone(order)));
    let view = Channel::build(order, lag, SharedLog::of_view(log, of, members));
    let fed = Arc::clone(&view.0) as _;
    channels.iter().for_each(|(_, channel)| channel.0.log.feed(&fed));
    view
}

/// How much a view keeps in a hub whose channels keep so much, where events are so much longer.
pub(super) fn history(of_channels: History, longer: usize) -> History {
    of_channels.of_many(TIMES, longer)
}

impl View for Inner {
    fn number(&self) -> u64 {
        self.number
    }

    fn log(&self) -> &SharedLog {
        &self.log
    }

    fn pass(&self, at: Moment) -> Moment {
        self.pass_alone(at)
    }
}

/// An event of one of the logs that are merged.
struct Found {
    place: u64,
    /// Which log, and where in that.
    of: usize,
    at: usize,
}

/// The log of a view, with the newest events that these have, as far as it may keep them. Events up
/// to the place `forgotten_through` may have been in other logs.
fn merge(
    logs: &[(&str, impl Deref<Target = Log>)],
    sequence: &Sequence,
    of: &view::Names,
    history: History,
    forgotten_through: u64,
) -> Log {
    let (newest, left_out) = newest(logs, history);
    let gone = logs.iter().map(|(_, log)| log.evicted_through());
    let gone = gone.chain([left_out]).fold(forgotten_through, u64::max);
    let mut view = Log::of_view(history, gone, random() as u32);
    for Found { place, of: from, at } in newest.into_iter().rev() {
        let (name, log) = &logs[from];
        // What tells of a loss is of all channels.
        let label = of.are_labelled() && !sequence.is_loss(place);
        if let (Some(event), Some(came)) = (log.event_at(at), log.pushed_at(at)) {
            push(&mut view, label.then_some(*name), place, event.content(), came);
        }
    }
    view
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
            "nothing can be published on a pattern of names or on a hub's feed, which have the \
             events of many channels: publish on one of these",
        ))
    }

    fn past(&self) -> Option<&dyn Past> {
        self.0.past()
    }

    #[cfg(feature = "journal")]
    fn journal(&self) -> Option<&crate::order::journal::order::JournalOrder> {
        self.0.journal()
    }

    #[cfg(any(feature = "redis", feature = "follow"))]
    fn remote(&self) -> Option<&crate::order::remote::Remote> {
        self.0.remote()
    }
}

#[cfg(test)]
pub(super) mod tests;

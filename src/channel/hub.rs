//! Channels by name, in one order.
//!
//! All channels of a hub have their events in one [`Order`], so one last event ID is a place in
//! every one of them.

use std::collections::BinaryHeap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
#[cfg(feature = "journal")]
use std::time::Duration;

use super::Channel;
use super::names::Names;
#[cfg(any(feature = "redis", feature = "follow"))]
use crate::event::EventId;
use crate::log::History;
use crate::log::cursor::Lag;
use crate::order::Order;
#[cfg(feature = "follow")]
use crate::order::follow::chain::Chain;
use crate::order::memory::Memory;
#[cfg(any(feature = "redis", feature = "follow"))]
use crate::order::remote::{OrderStats, Remote};
use crate::order::sequence::Sequence;
use crate::order::shared_log::SharedLog;
use crate::peer::{Peer, Place};

/// Named channels that share one order of events.
///
/// A stream may follow several channels of one hub ([`SseWriter::follow`]), and one last event ID
/// resumes it in all of them. A clone is the same hub. It remembers its events for as long as it
/// lives and its [`History`] says.
///
/// A channel is made when it is first asked for. One that keeps no events, that no stream follows
/// and that nobody holds is forgotten; a closed one that had none only after the age that events
/// are kept for. That is done when the channels have become twice as many as were left
/// the last time, and about once in the age that events are kept for, by whoever then asks for a
/// channel or for how many there are. So names that strangers make up do not add up.
///
/// ```
/// use tidings::Hub;
///
/// let hub = Hub::new();
/// let first = hub.channel("weather").send("rain")?;
/// let second = hub.channel("traffic").send("slow")?;
/// assert_eq!(first.as_str().replace("-1", "-2"), second.as_str());
/// # Ok::<(), tidings::Error>(())
/// ```
///
/// [`SseWriter::follow`]: crate::SseWriter::follow
#[derive(Clone)]
pub struct Hub(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) order: Arc<dyn Order>,
    /// The order's own.
    pub(super) sequence: Arc<Sequence>,
    pub(super) history: History,
    pub(super) lag: Lag,
    /// Taken before any lock of a channel.
    names: Mutex<Names>,
    /// This hub, and those that it follows; the order's own, if that has one.
    #[cfg(feature = "follow")]
    pub(super) chain: Arc<Chain>,
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether they are the same hub.
impl PartialEq for Hub {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Hub {}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("history", &self.0.history).finish_non_exhaustive()
    }
}

impl Hub {
    /// A hub whose channels have the default [`History`] and [`Lag::Skip`].
    pub fn new() -> Self {
        Self::with(History::default(), Lag::default())
    }

    /// A hub whose channels keep so much of their past, and do this to streams whose next event has
    /// left it.
    pub fn with(history: History, lag: Lag) -> Self {
        Self::with_order(Arc::new(Memory::new()), history, lag, 0)
    }

    /// A hub whose events have this order. Events up to the place `forgotten_through` may have been
    /// published before, on any channel, that no log will have.
    pub(crate) fn with_order(
        order: Arc<dyn Order>,
        history: History,
        lag: Lag,
        forgotten_through: u64,
    ) -> Self {
        let sequence = Arc::clone(order.sequence());
        let names = Mutex::new(Names::new(history.age, sequence.now(), forgotten_through));
        Self(Arc::new(Inner {
            #[cfg(feature = "follow")]
            chain: order.chain().map_or_else(|| Arc::new(Chain::new()), Arc::clone),
            order,
            sequence,
            history,
            lag,
            names,
        }))
    }

    /// Gives a channel an event from before the hub's start, whose chunk `encode` writes in `len`
    /// bytes: [`SharedLog::preload`]. To be called before anybody else has the hub, with rising
    /// places, all greater than `forgotten_through`.
    #[cfg(feature = "journal")]
    pub(crate) fn preload(
        &self,
        name: &str,
        place: u64,
        came: Duration,
        len: usize,
        encode: impl FnOnce(&mut Vec<u8>),
    ) {
        self.channel(name).0.log.preload(place, came, len, encode);
    }

    /// The channel of that name; made if there is none. One that was [closed](Channel::close) keeps
    /// its name until its events are too old, or an event of its end would be. Until then nothing
    /// can be published under that name, unless the closed one is [forgotten](Self::forget).
    pub fn channel(&self, name: &str) -> Channel {
        self.find_or_make(name, None, |_| true).expect("there is always room")
    }

    /// The channel of that name, which from now on keeps so much of its past; if that is less than
    /// it has, its oldest events go. Once the channel is forgotten a new one has the history of the
    /// hub, so say this each time, or hold the channel. Views of several channels
    /// ([`matching`](Self::matching)) go by the hub's history.
    ///
    /// With a history that keeps events for ever ([`History::latest`]), the channel is never
    /// forgotten once it has one. So names that strangers make up would fill the memory: bound
    /// them ([`channel_within`](Self::channel_within)) first.
    ///
    /// ```
    /// use tidings::{History, Hub};
    ///
    /// let hub = Hub::new();
    /// let state = hub.channel_with("state", History::default().events(1));
    /// state.send("on")?;
    /// state.send("off")?;
    /// assert_eq!((state.kept(), hub.channel("state").kept()), (1, 1));
    /// # Ok::<(), tidings::Error>(())
    /// ```
    pub fn channel_with(&self, name: &str, history: History) -> Channel {
        let channel = self.channel(name);
        channel.log().set_history(history, self.sequence().now());
        channel
    }

    /// The channel of that name, or a new one if there are fewer than `most`: for names that come
    /// from whoever publishes. `None` if there is no room. Each pattern that is followed
    /// ([`matching`](Self::matching)) counts as a channel.
    ///
    /// ```
    /// let hub = tidings::Hub::new();
    /// let held = hub.channel_within("weather", 1).expect("the first");
    /// assert!(hub.channel_within("traffic", 1).is_none());
    /// assert!(hub.channel_within("weather", 1).is_some());
    /// # drop(held);
    /// ```
    pub fn channel_within(&self, name: &str, most: usize) -> Option<Channel> {
        self.find_or_make(name, None, |names| names.count() < most)
    }

    /// The channel of that name for a stream of this peer, or a new one if there is room: for names
    /// that come from strangers: they could make up as many as there is memory. `None` if there is
    /// no room.
    ///
    /// A name counts as made up by the peer that first asked for it here, until somebody asks for
    /// it with [`channel`](Self::channel) or [`channel_within`](Self::channel_within), which are
    /// for publishers, or it is forgotten. There is room if there are fewer than `most` channels,
    /// fewer than half of `most` of them (rounded up) are made up, and the peer has made up fewer
    /// than it leaves to others in that half. In IPv6 the network of 64 bits is the peer; and the
    /// clients of all unix sockets are one.
    ///
    /// ```
    /// let hub = tidings::Hub::new();
    /// # use {std::net::SocketAddr, tidings::Peer};
    /// let [one, other] = [1, 2].map(|n| Peer::from(SocketAddr::from(([192, 0, 2, n], 50412))));
    /// let held = hub.channel_followed("weather", one, 4).expect("one of two");
    /// assert!(hub.channel_followed("traffic", one, 4).is_none());
    /// assert!(hub.channel_followed("traffic", other, 4).is_some());
    /// assert!(hub.channel_followed("weather", other, 4).is_some());
    /// # drop(held);
    /// ```
    pub fn channel_followed(&self, name: &str, peer: Peer, most: usize) -> Option<Channel> {
        let peer = peer.place();
        self.find_or_make(name, Some(peer), |names| names.have_room_for_follower(peer, most))
    }

    /// The channel of that name, or a new one where there is `room`, if need be after those are
    /// forgotten that nobody needs.
    fn find_or_make(
        &self,
        name: &str,
        by: Option<Place>,
        room: impl Fn(&Names) -> bool,
    ) -> Option<Channel> {
        let mut names = self.names();
        if let Some(found) = names.find(name, by) {
            return Some(found);
        }
        if !names.make_room(self.sequence(), room) {
            return None;
        }
        Some(self.make(&mut names, name, by))
    }

    /// Makes a channel of a name that is not there.
    fn make(&self, names: &mut Names, name: &str, by: Option<Place>) -> Channel {
        let Inner { order, history, lag, .. } = &*self.0;
        let name: Arc<str> = name.into();
        let log = SharedLog::new(Some(Arc::clone(&name)), *history, names.forgotten_through);
        let channel = Channel::build(Arc::clone(order), *lag, log);
        names.add(name, channel.clone(), by);
        channel
    }

    /// The channel of that name, if there is one; it may be closed.
    pub fn get(&self, name: &str) -> Option<Channel> {
        self.names().get(name).cloned()
    }

    /// Closes the channel of that name and forgets it, so that whoever asks for the name next gets
    /// a new one without events. A client that comes back with an id of the old one is told that
    /// events are gone; or is sent them, where the hub has a journal, which keeps its own. Returns
    /// whether there was such a channel.
    ///
    /// ```
    /// let hub = tidings::Hub::new();
    /// hub.channel("job").send("done")?;
    /// hub.channel("job").close();
    /// assert!(hub.channel("job").send("again").is_err());
    /// assert!(hub.forget("job") && !hub.forget("job"));
    /// hub.channel("job").send("again")?;
    /// assert_eq!(hub.channel("job").kept(), 1);
    /// # Ok::<(), tidings::Error>(())
    /// ```
    pub fn forget(&self, name: &str) -> bool {
        let Some(old) = self.get(name) else { return false };
        // First, so that nothing is published on it that the next one doesn't know of.
        old.close();
        let mut names = self.names();
        if !names.remove(name, &old, self.sequence()) {
            return false;
        }
        if self.0.order.delivers_later() {
            // That may be to the old one, and then a new one has to know of it.
            let new = self.make(&mut names, name, None);
            old.0.log.replace_with(&new.0.log, self.sequence());
        }
        true
    }

    /// The names and channels at the moment, in no order. While a channel is held, it is not
    /// forgotten.
    pub fn channels(&self) -> Vec<(String, Channel)> {
        let names = self.names();
        names.iter().map(|(name, channel)| (name.to_owned(), channel.clone())).collect()
    }

    /// The first `most` of them whose names come after this one, sorted by their names as bytes.
    /// All come after the empty name. However many channels there are, so few are held.
    ///
    /// ```
    /// let hub = tidings::Hub::new();
    /// let _held = ["b", "c", "a"].map(|name| hub.channel(name));
    /// let names = |after, most| -> Vec<String> {
    ///     hub.channels_after(after, most).into_iter().map(|(name, _)| name).collect()
    /// };
    /// assert_eq!(names("", 2), ["a", "b"]);
    /// assert_eq!(names("b", 2), ["c"]);
    /// ```
    pub fn channels_after(&self, name: &str, most: usize) -> Vec<(String, Channel)> {
        let names = self.names();
        // The last of them is on top. A heap is far less code than a sort.
        let mut first = BinaryHeap::new();
        for (other, _) in names.iter().filter(|(other, _)| *other > name) {
            first.push(other);
            if first.len() > most {
                first.pop();
            }
        }
        let found = first.into_sorted_vec().into_iter();
        found.filter_map(|name| Some((name.to_owned(), names.get(name)?.clone()))).collect()
    }

    /// How many events were published on its channels since the hub was made, those forgotten
    /// included.
    pub fn published(&self) -> u64 {
        self.sequence().published()
    }

    /// How many events its channels keep at the moment, all together.
    pub fn kept(&self) -> usize {
        self.names().iter().map(|(_, channel)| channel.kept()).sum()
    }

    /// How many channels there are.
    pub fn len(&self) -> usize {
        self.names().len()
    }

    /// Whether there is no channel yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn sequence(&self) -> &Sequence {
        &self.0.sequence
    }

    /// What the hub knows of its order, if that is Redis or another hub. Waits for neither.
    #[cfg(any(feature = "redis", feature = "follow"))]
    pub fn order_stats(&self) -> Option<OrderStats> {
        self.order().remote().map(Remote::stats)
    }

    /// The id of the newest event that the hub has, or that was before its first one; `0-0` if it
    /// knows of none.
    #[cfg(any(feature = "redis", feature = "follow"))]
    pub fn newest(&self) -> EventId {
        let sequence = self.sequence();
        EventId::of_channel(sequence.id(sequence.newest()).text().into_string())
    }

    #[cfg(any(feature = "journal", feature = "redis", feature = "follow"))]
    pub(super) fn order(&self) -> &Arc<dyn Order> {
        &self.0.order
    }

    #[cfg(test)]
    pub(super) fn hold(&self) -> impl Drop + '_ {
        self.names()
    }

    /// The names, without those of channels whose time is over.
    pub(super) fn names(&self) -> MutexGuard<'_, Names> {
        let mut names = self.0.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(now) = names.due(|| self.sequence().now()) {
            names.forget_unused(self.sequence());
            self.0.order.keys().forget_old(now);
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn names_that_strangers_make_up_do_not_add_up() {
        let hub = Hub::new();
        hub.channel("kept").send("an event").unwrap();
        let held = hub.channel("held");
        for n in 0..10_000 {
            hub.channel(&format!("made up {n}"));
            assert!(hub.len() <= 64, "{}", hub.len());
        }
        assert_eq!(hub.channel("kept").kept(), 1);
        assert!(Arc::ptr_eq(&hub.channel("held").0, &held.0));
    }

    #[test]
    fn names_of_strangers_find_room_only_up_to_a_bound() {
        let hub = Hub::new();
        let held: Vec<Channel> =
            (0..3).map(|n| hub.channel_within(&n.to_string(), 3).unwrap()).collect();
        assert!(hub.channel_within("3", 3).is_none());
        assert!(hub.channel_within("2", 3).is_some(), "it is there already");
        held[1].close();
        assert!(hub.channel_within("3", 3).is_none(), "a closed one takes its place");
        assert!(hub.forget("1"));
        assert!(hub.channel_within("3", 3).is_some());
        assert_eq!(hub.len(), 3);
    }

    #[test]
    fn a_closed_channel_keeps_its_name_until_it_is_forgotten() {
        let hub = Hub::with(History::default().age(Duration::from_secs(1)), Lag::default());
        assert_eq!(hub.get("job"), None);
        hub.channel("job").send("done").unwrap();
        hub.channel("job").close();
        assert!(hub.get("job").is_some_and(|job| job.is_closed() && job.kept() == 1));
        assert!(hub.channel("job").send("more").unwrap_err().is_channel_closed());
        let begun = Instant::now();
        while hub.len() == 1 && begun.elapsed() < Duration::from_secs(20) {
            std::thread::yield_now();
        }
        assert_eq!(hub.get("job"), None, "its events are too old");
        let job = hub.channel("job");
        assert!(!job.is_closed() && job == hub.channel("job") && job != hub.channel("other"));
        assert!(hub.forget("job") && job.is_closed());
        assert_eq!(hub.channel("job").kept(), 0);
    }

    #[test]
    fn room_is_made_by_forgetting_what_nobody_uses() {
        let hub = Hub::new();
        drop(hub.channel_within("unused", 1));
        let begun = Instant::now();
        while hub.channel_within("new", 1).is_none() {
            assert!(begun.elapsed() < Duration::from_secs(20));
            std::thread::yield_now();
        }
        assert_eq!(hub.channels()[0].0, "new");
    }

    #[test]
    fn a_channel_whose_events_are_too_old_is_forgotten() {
        let hub = Hub::with(History::default().age(Duration::from_secs(1)), Lag::default());
        hub.channel("old").send("an event").unwrap();
        let _held = hub.channel("held");
        assert_eq!(hub.len(), 2);
        let begun = Instant::now();
        while hub.len() == 2 && begun.elapsed() < Duration::from_secs(20) {
            std::thread::yield_now();
        }
        assert_eq!(hub.channels()[0].0, "held");
        assert_eq!(hub.channel("old").kept(), 0);
    }

    fn followed(hub: &Hub, name: &str, peer: u8, most: usize) -> Option<Channel> {
        hub.channel_followed(name, Peer::Tcp(([192, 0, 2, peer], 4000).into()), most)
    }

    #[test]
    fn limit_max_channels_counts_what_followers_made_up_apart_from_what_was_published() {
        let hub = Hub::new();
        for n in 0..5 {
            hub.channel_within(&format!("published {n}"), 10).unwrap().send("x").unwrap();
        }
        let sixth = followed(&hub, "sixth", 1, 10);
        assert!(sixth.is_some());
        // Of the five that followers may make up, the first peer leaves as many as it has.
        let more: Vec<_> =
            ["7", "8"].iter().filter_map(|name| followed(&hub, name, 1, 10)).collect();
        assert_eq!(more.len(), 2);
        assert!(followed(&hub, "9", 1, 10).is_none());
        let [ninth, tenth] = ["9", "10"].map(|name| followed(&hub, name, name.len() as u8 + 1, 10));
        assert!(ninth.is_some() && tenth.is_some());
        assert_eq!(hub.len(), 10);
        assert!(followed(&hub, "11", 4, 10).is_none() && hub.channel_within("11", 10).is_none());
        assert!(followed(&hub, "published 4", 1, 10).is_some(), "it is there already");
    }

    #[test]
    fn a_name_that_is_published_on_is_not_made_up_any_more() {
        let asked: [fn(&Hub); 2] =
            [|hub| drop(hub.channel("first")), |hub| drop(hub.channel_within("first", 2))];
        for ask in asked {
            let hub = Hub::new();
            let first = followed(&hub, "first", 1, 2);
            assert!(first.is_some() && followed(&hub, "second", 2, 2).is_none());
            ask(&hub);
            assert!(followed(&hub, "second", 2, 2).is_some(), "the followers' half is free again");
        }
    }

    #[test]
    fn strangers_leave_room_for_others_and_for_publishers() {
        let hub = Hub::new();
        let mut held = Vec::new();
        let names = (0..157 * 64).map(|n| format!("made up {n}"));
        held.extend(names.filter_map(|name| followed(&hub, &name, 1, 20_000)));
        assert_eq!(held.len(), 5_000);
        held.extend(followed(&hub, "another peer's", 2, 20_000));
        assert_eq!(held.len(), 5_001);
        let published = (0..).map(|n| hub.channel_within(&format!("published {n}"), 20_000));
        let published = published.take_while(|channel| {
            channel.as_ref().is_some_and(|channel| channel.send("x").is_ok())
        });
        assert_eq!(published.count(), 14_999);
    }

    #[test]
    fn all_channels_draw_from_one_sequence() {
        let hub = Hub::new();
        let ids: Vec<String> = ["a", "b", "a"]
            .iter()
            .map(|name| hub.channel(name).send("").unwrap().as_str().to_owned())
            .collect();
        assert_eq!(ids, [1, 2, 3].map(|n| hub.sequence().id(n).to_string()));
    }
}

//! Channels by name, in one order.
//!
//! All channels of a hub number their events from one [`Sequence`], so that one last event ID is a
//! place in every one of them.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Channel;
use super::cursor::Lag;
use super::log::History;

/// Where event ids come from: `<epoch>-<sequence>`.
#[derive(Debug)]
pub(crate) struct Sequence {
    /// Tells this start of the hub from every other. It is random and not the time, since small
    /// devices often start with their clock at zero.
    pub(crate) epoch: u64,
    newest: AtomicU64,
    started: Instant,
}

/// At most ten hexadecimal digits: short on the wire, and two starts share one once in 10^12 times.
const EPOCH_BITS: u32 = 40;

impl Sequence {
    pub(crate) fn new() -> Self {
        Self {
            // std's hasher keys are random for each process, and differ for each call.
            epoch: RandomState::new().build_hasher().finish() >> (u64::BITS - EPOCH_BITS),
            newest: AtomicU64::new(0),
            started: Instant::now(),
        }
    }

    pub(crate) fn draw(&self) -> u64 {
        self.newest.fetch_add(1, Ordering::AcqRel) + 1
    }

    pub(crate) fn newest(&self) -> u64 {
        self.newest.load(Ordering::Acquire)
    }

    /// The time as logs know it: since the start of the hub.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Named channels that share one order of events.
///
/// A stream may follow several channels of one hub ([`SseWriter::follow`]), and one last event ID
/// resumes it in all of them. A clone is the same hub.
///
/// A channel is made when it is first asked for. One that keeps no events, that no stream follows
/// and that nobody holds is forgotten: when the channels have become twice as many as were left
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
pub struct Hub(Arc<Inner>);

struct Inner {
    sequence: Arc<Sequence>,
    history: History,
    lag: Lag,
    /// Taken before any lock of a channel.
    names: Mutex<Names>,
}

struct Names {
    channels: HashMap<Box<str>, Channel>,
    /// At how many channels, or when, it is next looked for ones to forget.
    forget_at: usize,
    forget_after: Duration,
    /// When it was last looked for ones to forget.
    looked: Duration,
    /// The newest number that a forgotten channel may have had.
    forgotten_through: u64,
}

/// Below so many channels it is not worth looking for ones to forget.
const FEW: usize = 64;

/// Where there is no room for another channel, it is not looked for ones to forget more often.
const PATIENCE: Duration = Duration::from_secs(1);

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("channels", &self.len()).finish_non_exhaustive()
    }
}

impl Hub {
    /// A hub whose channels have the default [`History`] and [`Lag::Skip`].
    pub fn new() -> Self {
        Self::with(History::default(), Lag::default())
    }

    /// A hub whose channels keep so much of their past, and do this to streams that fall behind.
    pub fn with(history: History, lag: Lag) -> Self {
        let names = Names {
            channels: HashMap::new(),
            forget_at: FEW,
            forget_after: history.longest(),
            looked: Duration::ZERO,
            forgotten_through: 0,
        };
        Self(Arc::new(Inner {
            sequence: Arc::new(Sequence::new()),
            history,
            lag,
            names: Mutex::new(names),
        }))
    }

    /// The channel of that name; made if there is none, or if it was closed.
    pub fn channel(&self, name: &str) -> Channel {
        let mut names = self.names();
        Self::known(&names, name).unwrap_or_else(|| self.make(&mut names, name))
    }

    /// The channel of that name, or a new one if there are fewer than `most`: for names that come
    /// from strangers, who could make up as many as there is memory. `None` if there is no room.
    ///
    /// ```
    /// let hub = tidings::Hub::new();
    /// let held = hub.channel_within("weather", 1).expect("the first");
    /// assert!(hub.channel_within("traffic", 1).is_none());
    /// assert!(hub.channel_within("weather", 1).is_some());
    /// # drop(held);
    /// ```
    pub fn channel_within(&self, name: &str, most: usize) -> Option<Channel> {
        let mut names = self.names();
        if let Some(channel) = Self::known(&names, name) {
            return Some(channel);
        }
        let room = |names: &Names| names.channels.len() < most || names.channels.contains_key(name);
        if !room(&names) && self.0.sequence.now() >= names.looked + PATIENCE {
            self.forget_unused(&mut names);
        }
        room(&names).then(|| self.make(&mut names, name))
    }

    /// The channel of that name, if there is one that is open.
    fn known(names: &Names, name: &str) -> Option<Channel> {
        names.channels.get(name).filter(|channel| !channel.is_closed()).cloned()
    }

    /// Makes a channel where there is none, or only a closed one.
    fn make(&self, names: &mut Names, name: &str) -> Channel {
        if names.channels.remove(name).is_some_and(|closed| closed.published() > 0) {
            names.forgotten_through = self.0.sequence.newest();
        }
        if names.channels.len() >= names.forget_at {
            self.forget_unused(names);
        }
        let Inner { sequence, history, lag, .. } = &*self.0;
        let channel = Channel::build(Arc::clone(sequence), *history, *lag, names.forgotten_through);
        names.channels.insert(name.into(), channel.clone());
        channel
    }

    /// Looks at every channel, which is done so seldom that it costs little for each.
    fn forget_unused(&self, names: &mut Names) {
        let mut had_events = false;
        names.channels.retain(|_, channel| {
            let keep = channel.is_in_use();
            had_events |= !keep && channel.published() > 0;
            keep
        });
        names.forget_at = FEW.max(names.channels.len() * 2);
        names.looked = self.0.sequence.now();
        names.forget_after = names.looked.saturating_add(self.0.history.longest());
        if had_events {
            // A client may come back with the id of an event that a forgotten channel had. It gets
            // a new channel, which can't know what there was between; so it has to say so.
            names.forgotten_through = self.0.sequence.newest();
        }
    }

    /// The names and channels at the moment, in no order.
    pub fn channels(&self) -> Vec<(String, Channel)> {
        let names = self.names();
        names.channels.iter().map(|(name, channel)| (name.to_string(), channel.clone())).collect()
    }

    /// How many events were ever published on its channels, those forgotten included.
    pub fn published(&self) -> u64 {
        self.0.sequence.newest()
    }

    /// How many channels there are.
    pub fn len(&self) -> usize {
        self.names().channels.len()
    }

    /// Whether there is no channel yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names, without those of channels whose time is over.
    fn names(&self) -> MutexGuard<'_, Names> {
        let mut names = self.0.names.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.sequence.now() >= names.forget_after {
            self.forget_unused(&mut names);
        }
        names
    }
}

impl Channel {
    /// Whether it has to be kept by its hub: it has events, streams or other holders.
    fn is_in_use(&self) -> bool {
        let mut log = self.log();
        log.evict(self.0.sequence.now());
        (log.len() > 0 && !self.is_closed()) || Arc::strong_count(&self.0) > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_strangers_make_up_do_not_add_up() {
        let hub = Hub::new();
        hub.channel("kept").send("an event").unwrap();
        let held = hub.channel("held");
        for n in 0..10_000 {
            hub.channel(&format!("made up {n}"));
            assert!(hub.len() <= FEW, "{}", hub.len());
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
        assert!(hub.channel_within("1", 3).is_some(), "it takes the place of the closed one");
        assert_eq!(hub.len(), 3);
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

    #[test]
    fn all_channels_draw_from_one_sequence() {
        let hub = Hub::new();
        let ids: Vec<String> = ["a", "b", "a"]
            .iter()
            .map(|name| hub.channel(name).send("").unwrap().as_str().to_owned())
            .collect();
        let epoch = hub.0.sequence.epoch;
        assert_eq!(ids, [1, 2, 3].map(|n| format!("{epoch:x}-{n}")));
    }

    #[test]
    fn two_starts_have_two_epochs() {
        assert_ne!(Sequence::new().epoch, Sequence::new().epoch);
    }
}

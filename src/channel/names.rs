//! The names of a hub: which channels there are, who made their names up, and which are forgotten.
//!
//! A name that was asked for in order to publish is *established*. One that only a stream asked for
//! is *made up*, and counts for the peer of that stream:
//!
//! ```text
//!        follow                      publish
//! none ─────────► made up by a peer ─────────► established ◄── publish ── none
//!
//! forgotten, from either: no events, no streams, no other holder
//! ```
//!
//! A peer is counted only while a name that it made up is there, so the counts are bounded as the
//! names are.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::Channel;
use crate::order::sequence::Sequence;
use crate::order::shared_log::SharedLog;
#[cfg(any(feature = "redis", feature = "follow"))]
use crate::order::shared_log::view::{View, Views};
use crate::peer::Place;

/// Below so many channels it is not worth checking for ones to forget.
const FEW: usize = 64;

/// Where there is no room for another channel, the check is not made more often.
const PATIENCE: Duration = Duration::from_secs(1);

/// A reading of the clock costs as much as finding a name.
const CLOCK_EVERY: u32 = 16;

pub(super) struct Names {
    known: HashMap<Arc<str>, Named>,
    /// By what the names of their channels begin with.
    views: HashMap<Arc<str>, Named>,
    /// Once somebody has asked for it. It is not forgotten.
    #[cfg(feature = "follow")]
    pub(super) feed: Option<Channel>,
    made_up: MadeUp,
    /// How long an event is kept at most.
    longest: Duration,
    /// At how many channels, or when, the next check for ones to forget is due.
    forget_at: usize,
    forget_after: Duration,
    /// How often the names were used since the clock was read.
    uses: u32,
    /// When the last check was made.
    checked: Duration,
    /// The newest place up to which a channel of a new name may have had events: one that was
    /// forgotten, or one from before the hub's start.
    pub(super) forgotten_through: u64,
}

struct Named {
    channel: Channel,
    /// The peer that made the name up; `None` once it is established.
    by: Option<Place>,
}

/// How many names are made up.
#[derive(Default)]
struct MadeUp {
    all: usize,
    /// By each peer: at least one.
    by: HashMap<Place, usize>,
}

impl MadeUp {
    fn add(&mut self, peer: Place) {
        *self.by.entry(peer).or_default() += 1;
        self.all += 1;
    }

    fn remove(&mut self, peer: Place) {
        if let Some(count) = self.by.get_mut(&peer) {
            *count -= 1;
            self.all -= 1;
            if *count == 0 {
                self.by.remove(&peer);
            }
        }
    }
}

impl Names {
    /// No names yet, at this time.
    pub(super) fn new(longest: Duration, now: Duration, forgotten_through: u64) -> Self {
        Self {
            known: HashMap::new(),
            views: HashMap::new(),
            #[cfg(feature = "follow")]
            feed: None,
            made_up: MadeUp::default(),
            longest,
            forget_at: FEW,
            forget_after: now.saturating_add(longest),
            uses: 0,
            checked: now,
            forgotten_through,
        }
    }

    /// How many channels there are.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// How many channels and views there are.
    pub(super) fn count(&self) -> usize {
        self.known.len() + self.views.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Channel)> {
        self.known.iter().map(|(name, named)| (&**name, &named.channel))
    }

    /// The channel of that name, for a stream of this peer, or for a publisher. One for a publisher
    /// counts for no peer from now on.
    pub(super) fn find(&mut self, name: &str, by: Option<Place>) -> Option<Channel> {
        let Named { channel, by: maker } = self.known.get_mut(name)?;
        if let Some(peer) = maker.take_if(|_| by.is_none()) {
            self.made_up.remove(peer);
        }
        Some(channel.clone())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Channel> {
        self.known.get(name).map(|named| &named.channel)
    }

    /// Forgets this channel, if it is the one of that name.
    pub(super) fn remove(&mut self, name: &str, channel: &Channel, sequence: &Sequence) -> bool {
        if self.get(name) != Some(channel) {
            return false;
        }
        let by = self.known.remove(name).and_then(|named| named.by);
        by.into_iter().for_each(|peer| self.made_up.remove(peer));
        if channel.published() > 0 {
            self.forgotten_through = sequence.newest();
        }
        self.each_view_of(name, |view| {
            view.0.log.change_members(|logs| {
                logs.retain(|log| !Arc::ptr_eq(log, &channel.0.log));
            });
        });
        true
    }

    /// The same for the view of the names that begin with this. One that is closed is forgotten.
    pub(super) fn find_view(&mut self, prefix: &str, by: Option<Place>) -> Option<Channel> {
        let Named { channel, by: maker } = self.views.get_mut(prefix)?;
        let closed = channel.is_closed();
        if let Some(peer) = maker.take_if(|_| by.is_none() || closed) {
            self.made_up.remove(peer);
        }
        if !closed {
            return Some(channel.clone());
        }
        self.views.remove(prefix);
        None
    }

    /// Adds a channel under a name that is not there, made up by this peer or established. Its
    /// views have its events from the first on, as nobody else has it yet.
    pub(super) fn add(&mut self, name: Arc<str>, channel: Channel, by: Option<Place>) {
        by.into_iter().for_each(|peer| self.made_up.add(peer));
        self.each_view_of(&name, |view| {
            view.0.log.change_members(|logs| logs.push(Arc::clone(&channel.0.log)));
            channel.0.log.feed(&(Arc::clone(&view.0) as _));
        });
        self.known.insert(name, Named { channel, by });
    }

    /// Adds a view that is not there.
    pub(super) fn add_view(&mut self, prefix: Arc<str>, view: Channel, by: Option<Place>) {
        by.into_iter().for_each(|peer| self.made_up.add(peer));
        self.views.insert(prefix, Named { channel: view, by });
    }

    /// Visits the views that a channel of this name feeds. They are found by what it begins with,
    /// so it costs as much as the name has dots, however many there are.
    fn each_view_of(&self, name: &str, mut visit: impl FnMut(&Channel)) {
        if !self.views.is_empty() {
            let dots = name.match_indices('.').map(|(at, _)| at + 1);
            let views = [0].into_iter().chain(dots).filter_map(|len| self.views.get(&name[..len]));
            views.for_each(|view| visit(&view.channel));
        }
        #[cfg(feature = "follow")]
        self.feed.iter().for_each(visit);
    }

    /// The views that a channel of this name would feed.
    #[cfg(any(feature = "redis", feature = "follow"))]
    pub(super) fn views_of(&self, name: &str) -> Views {
        let mut views: Vec<Arc<dyn View>> = Vec::new();
        self.each_view_of(name, |view| views.push(Arc::clone(&view.0) as _));
        Views::sorted(views)
    }

    #[cfg(any(feature = "redis", feature = "follow"))]
    pub(super) fn all_views(&self) -> Views {
        let views = self.views.values().map(|named| &named.channel);
        #[cfg(feature = "follow")]
        let views = views.chain(&self.feed);
        Views::sorted(views.map(|view| Arc::clone(&view.0) as _).collect())
    }

    /// Whether there is room for another channel or view, as `is_room` says: if need be, after
    /// those are forgotten that nobody needs.
    pub(super) fn make_room(
        &mut self,
        sequence: &Sequence,
        is_room: impl Fn(&Self) -> bool,
    ) -> bool {
        if self.is_crowded() || !is_room(self) && self.has_rested(sequence.now()) {
            self.forget_unused(sequence);
        }
        is_room(self)
    }

    /// Whether this peer may make up another name where `most` may be there in all, half of them
    /// made up.
    pub(super) fn have_room_for_follower(&self, peer: Place, most: usize) -> bool {
        self.count() < most && self.leaves_room(peer, most.div_ceil(2))
    }

    /// Whether this peer may make up a name, where all peers together may make up `most`: a peer
    /// has no more of them than it leaves to others.
    fn leaves_room(&self, peer: Place, most: usize) -> bool {
        let of_peer = self.made_up.by.get(&peer).copied().unwrap_or(0);
        of_peer < most.saturating_sub(self.made_up.all)
    }

    /// The time, if events may have become too old since the last check. To be asked with each
    /// use of the names; reads the clock at each [`CLOCK_EVERY`]th.
    #[inline]
    pub(super) fn due(&mut self, now: impl FnOnce() -> Duration) -> Option<Duration> {
        self.uses = (self.uses + 1) % CLOCK_EVERY;
        (self.uses == 0).then(now).filter(|now| *now >= self.forget_after)
    }

    /// Whether there are twice as many channels and views as the last check left.
    fn is_crowded(&self) -> bool {
        self.count() >= self.forget_at
    }

    /// Whether the last check is long enough ago for another to make room.
    fn has_rested(&self, now: Duration) -> bool {
        now >= self.checked + PATIENCE
    }

    /// Forgets the channels that nobody needs. This checks every channel, and is done so seldom
    /// that it costs little for each.
    pub(super) fn forget_unused(&mut self, sequence: &Sequence) {
        let now = sequence.now();
        let (before, mut had_events, mut through) = (self.len(), false, self.forgotten_through);
        let made_up = &mut self.made_up;
        self.views.retain(|_, Named { channel, by }| {
            // Its channels have its events.
            let keep = channel.has_holders();
            if !keep {
                by.iter().for_each(|peer| made_up.remove(*peer));
            }
            keep
        });
        self.known.retain(|_, Named { channel, by }| {
            let keep = channel.is_in_use(now);
            if !keep {
                had_events |= channel.published() > 0;
                // One that was forgotten before may have had events since.
                through = through.max(channel.log().evicted_through());
                by.iter().for_each(|peer| made_up.remove(*peer));
            }
            keep
        });
        if self.len() < before {
            self.forget_members();
        }
        self.forget_at = FEW.max(self.count() * 2);
        self.known.shrink_to(self.forget_at);
        self.views.shrink_to(self.forget_at);
        self.checked = now;
        self.forget_after = now.saturating_add(self.longest);
        // A client may come back with the id of an event that a forgotten channel had. It gets a
        // new channel, which can't know what there was between; so it has to say so.
        self.forgotten_through = if had_events { sequence.newest() } else { through };
    }

    /// Takes the logs of channels that were forgotten from the views.
    fn forget_members(&self) {
        let is_known = |log: &Arc<SharedLog>| {
            let named = log.name().and_then(|name| self.known.get(name));
            named.is_some_and(|named| Arc::ptr_eq(&named.channel.0.log, log))
        };
        let views = self.views.values().map(|named| &named.channel);
        #[cfg(feature = "follow")]
        let views = views.chain(&self.feed);
        views.for_each(|view| view.0.log.change_members(|logs| logs.retain(is_known)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::History;
    use crate::peer::Peer;

    const LONGEST: Duration = Duration::from_secs(3600);

    fn new() -> Names {
        Names::new(LONGEST, Duration::ZERO, 0)
    }

    fn channel() -> Channel {
        Channel::with_history(History::default())
    }

    fn peer(last: u8) -> Place {
        Peer::Tcp(([192, 0, 2, last], 4000).into()).place()
    }

    /// Makes up as many names as the peer may, and says how many.
    fn make_up(names: &mut Names, by: u8, most: usize) -> usize {
        let made = (0..).take_while(|n| {
            let room = names.leaves_room(peer(by), most);
            if room {
                names.add(format!("{by} {n}").into(), channel(), Some(peer(by)));
            }
            room
        });
        made.count()
    }

    #[test]
    fn each_peer_leaves_as_many_names_to_others_as_it_makes_up() {
        let mut names = new();
        let made = [1, 2, 3, 4, 5].map(|by| make_up(&mut names, by, 10_000));
        assert_eq!(made, [5_000, 2_500, 1_250, 625, 313]);
        assert_eq!([1, 2, 3].map(|by| make_up(&mut names, by, 10_000)), [0, 0, 0]);
        assert_eq!(make_up(&mut new(), 1, 0), 0);
        assert_eq!(make_up(&mut new(), 1, 1), 1);
    }

    #[test]
    fn what_is_forgotten_or_established_counts_for_nobody() {
        let sequence = Sequence::new();
        let mut names = new();
        let held = channel();
        names.add("held".into(), held.clone(), Some(peer(1)));
        names.add("unused".into(), channel(), Some(peer(1)));
        names.add("unused too".into(), channel(), Some(peer(2)));
        names.forget_unused(&sequence);
        assert_eq!((names.len(), names.made_up.all), (1, 1));
        assert_eq!(names.made_up.by, HashMap::from([(peer(1), 1)]));
        assert!(names.find("held", Some(peer(1))).is_some());
        assert_eq!(names.made_up.all, 1);
        assert!(names.find("held", None).is_some());
        assert!(names.find("held", None).is_some());
        assert!(names.find("nobody's", None).is_none());
        assert_eq!((names.len(), names.made_up.all), (1, 0));
        assert!(names.made_up.by.is_empty());
    }

    #[test]
    fn a_channel_is_removed_once_and_counts_for_nobody_then() {
        let (mut names, sequence) = (new(), Sequence::new());
        let removed = channel();
        names.add("name".into(), removed.clone(), Some(peer(1)));
        assert!(names.remove("name", &removed, &sequence));
        assert_eq!((names.len(), names.made_up.all), (0, 0));
        assert!(!names.remove("name", &removed, &sequence));
        names.add("name".into(), channel(), None);
        assert!(!names.remove("name", &removed, &sequence), "another has its name");
    }

    #[test]
    fn a_closed_channel_is_kept_until_its_age_is_past_or_its_events_are() {
        let minute = Duration::from_secs(60);
        for age in [minute, Duration::MAX] {
            let closed = Channel::with_history(History::default().age(age));
            closed.close();
            let before = minute.saturating_sub(Duration::from_millis(1));
            assert!(closed.is_in_use(before));
            assert_eq!(closed.is_in_use(2 * minute), age > minute);
        }
    }

    #[test]
    fn only_what_had_events_is_told_of_once_it_is_forgotten() {
        let sequence = Sequence::new();
        sequence.draw(1);
        for (events, told) in [(0, 0), (1, 1)] {
            for closed in [true, false] {
                let mut names = new();
                let history = History::default().age(Duration::from_secs(1));
                let channel = Channel::with_history(history);
                (0..events).for_each(|_| drop(channel.send("x").unwrap()));
                names.add("name".into(), channel.clone(), None);
                if closed {
                    channel.close();
                }
                drop(channel);
                while names.len() == 1 {
                    names.forget_unused(&sequence);
                    std::thread::yield_now();
                }
                assert_eq!(names.forgotten_through, told, "{events} events, closed: {closed}");
            }
            let (mut names, channel) = (new(), channel());
            (0..events).for_each(|_| drop(channel.send("x").unwrap()));
            names.add("name".into(), channel.clone(), None);
            assert!(names.remove("name", &channel, &sequence));
            assert_eq!(names.forgotten_through, told, "{events} events, removed");
        }
    }

    #[test]
    fn a_check_for_the_sake_of_room_is_made_once_a_second() {
        let mut names = new();
        names.forget_unused(&Sequence::new());
        let after = |milliseconds| names.checked + Duration::from_millis(milliseconds);
        assert_eq!([999, 1000].map(|time| names.has_rested(after(time))), [false, true]);
    }

    #[test]
    fn a_check_is_due_once_events_may_be_too_old_as_each_sixteenth_use_finds() {
        let mut names = new();
        let mut due = |now| (0..32).filter_map(|_| names.due(|| now)).collect::<Vec<_>>();
        let before = LONGEST.saturating_sub(Duration::from_nanos(1));
        assert_eq!((due(before), due(LONGEST)), (vec![], vec![LONGEST; 2]));
    }

    #[test]
    fn a_check_is_due_at_twice_as_many_channels_as_the_last_one_left() {
        let mut names = new();
        let held: Vec<Channel> = (0..100).map(|_| channel()).collect();
        for (n, channel) in held.iter().enumerate() {
            assert_eq!(names.is_crowded(), n >= 64, "{n}");
            names.add(n.to_string().into(), channel.clone(), None);
        }
        names.forget_unused(&Sequence::new());
        for n in 100..=200 {
            assert_eq!(names.is_crowded(), n == 200, "{n}");
            names.add(n.to_string().into(), channel(), None);
        }
    }
}

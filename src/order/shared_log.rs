//! A channel's log, as an order and the channel share it.

pub(crate) mod view;

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use super::Post;
use super::past::Of;
use super::sequence::Sequence;
use crate::error::{Error, Result};
use crate::log::{History, Log};
use crate::net::moment::Moment;
use crate::net::sync::{AtomicBool, AtomicU64, Mutex, MutexGuard, Ordering, PoisonError};
use view::{Feeds, View, Viewed, Views};

/// The log of one channel. Orders append to it, whoever's thread they are on; streams read it.
pub(crate) struct SharedLog {
    /// Its channel's in a hub; a channel of its own has none.
    name: Option<Arc<str>>,
    log: Mutex<Log>,
    /// The newest place up to which the channel may have events. Written while the log is locked,
    /// read without it. A stream whose cursor is no smaller has been sent everything.
    newest: Arc<AtomicU64>,
    /// Set while the log is locked.
    closed: AtomicBool,
    /// That of the channel which has the name since this one was closed: an order may still deliver
    /// here what it had taken before.
    successor: OnceLock<Weak<SharedLog>>,
    /// The views that have its events too.
    feeds: Feeds,
    /// For the log of a view.
    viewed: Option<Box<Viewed>>,
}

impl fmt::Debug for SharedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedLog").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SharedLog {
    pub(crate) fn new(name: Option<Arc<str>>, history: History, forgotten_through: u64) -> Self {
        Self {
            name,
            log: Mutex::new(Log::new(history, forgotten_through)),
            newest: Arc::new(AtomicU64::new(forgotten_through)),
            closed: AtomicBool::new(false),
            successor: OnceLock::new(),
            feeds: Feeds::default(),
            viewed: None,
        }
    }

    /// The log of a view, with the events that it begins with, and the logs that it has them from.
    pub(crate) fn of_view(log: Log, of: view::Names, members: Vec<Arc<Self>>) -> Self {
        let newest = log.len().checked_sub(1).and_then(|at| log.place_at(at)).unwrap_or_default();
        let newest = newest.max(log.evicted_through());
        Self {
            log: Mutex::new(log),
            viewed: Some(Box::new(Viewed::new(of, members))),
            ..Self::new(None, History::default(), newest)
        }
    }

    /// From the next event on, this view has its events too. To be called where it is locked, or
    /// nobody else has it.
    pub(crate) fn feed(&self, view: &Arc<dyn View>) {
        self.feeds.add(view);
    }

    /// Whether views have its events too. To be asked where it is locked, or by whoever has just
    /// appended to it.
    #[inline]
    pub(crate) fn feeds_views(&self) -> bool {
        self.feeds.any()
    }

    /// The views that have its events too.
    pub(crate) fn views(&self) -> Views {
        self.feeds.open()
    }

    /// Copies the newest `count` events of the locked log, up to this place, to its views, and
    /// makes them visible.
    #[inline]
    fn reach(&self, sequence: &Sequence, place: u64, log: &Log, count: usize, now: Duration) {
        match self.feeds_views() {
            false => sequence.reach(place),
            true => self.copy_and_reach(sequence, place, log, count, now),
        }
    }

    #[cold]
    fn copy_and_reach(
        &self,
        sequence: &Sequence,
        place: u64,
        log: &Log,
        count: usize,
        now: Duration,
    ) {
        let views = self.views();
        let mut feeding = views.lock();
        feeding.copy_newest(self.name(), log, count, now);
        // Before they are let go: no client may know a place that the order doesn't.
        sequence.reach(place);
    }

    /// How many views it has on its list, those that were forgotten included.
    #[cfg(test)]
    pub(crate) fn listed_views(&self) -> usize {
        self.feeds.listed()
    }

    /// What it is a view of, if it is the log of one.
    pub(crate) fn viewed(&self) -> Option<&view::Names> {
        self.viewed.as_ref().map(|viewed| viewed.names())
    }

    /// Whether its events have the line of their channel.
    pub(crate) fn is_labelled(&self) -> bool {
        self.viewed().is_some_and(view::Names::are_labelled)
    }

    /// Which channels of its hub it has the events of.
    pub(crate) fn of(&self) -> Option<Of<'_>> {
        match &self.viewed {
            Some(viewed) => Some(viewed.of()),
            None => self.name().map(Of::Name),
        }
    }

    /// Changes the list of the logs that a view has its events from. The names of its hub must be
    /// locked.
    pub(crate) fn change_members(&self, change: impl FnOnce(&mut Vec<Arc<Self>>)) {
        if let Some(viewed) = &self.viewed {
            change(&mut viewed.members());
        }
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn newest(&self) -> &Arc<AtomicU64> {
        &self.newest
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn close(&self) {
        let _log = self.lock();
        self.closed.store(true, Ordering::Release);
    }

    /// Calls a closure with the logs that this one has its events from: itself, if it is that of a
    /// channel, or of a feed, whose events are others. They may be locked in it, one at a time.
    ///
    /// While the log of a view is locked, these have all events up to the newest place of the hub.
    pub(crate) fn with_members<T>(self: &Arc<Self>, run: impl FnOnce(&[Arc<Self>]) -> T) -> T {
        match &self.viewed {
            Some(viewed) if !self.is_labelled() => run(&viewed.members()),
            _ => run(std::slice::from_ref(self)),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many bytes these events take without ids. Fails if the channel is closed, or
    /// keeps too little for them. To be asked before they are numbered: a number that no event has
    /// would be taken for one that was lost.
    pub(crate) fn admit(&self, log: &Log, post: &Post<'_>) -> Result<usize> {
        if self.is_closed() {
            return Err(Error::channel_closed());
        }
        log.history.check(post.events)
    }

    /// Appends adjacent events that the order has, the first of them at this place, and makes
    /// everything up to the last of them visible. Each is written by a closure, in so many bytes,
    /// with its id. For an order that numbers events on one thread at a time: it calls this once
    /// for each post, in their order.
    pub(crate) fn deliver<E: FnOnce(&mut Vec<u8>)>(
        &self,
        sequence: &Sequence,
        first: u64,
        at: Moment,
        events: impl IntoIterator<Item = (usize, E)>,
    ) {
        let (mut log, now) = (self.lock(), sequence.time(at));
        let mut next = first;
        for (len, encode) in events {
            self.append(&mut log, next, now, len, encode);
            next += 1;
        }
        self.reach(sequence, next - 1, &log, (next - first) as usize, now);
        drop(log);
        self.pass_on(next - 1);
    }

    /// Another log takes over the name of this one, which is closed. What this one is given from
    /// before that, the streams of the other are sent from the past, or told of.
    pub(crate) fn replace_with(&self, other: &Arc<Self>, sequence: &Sequence) {
        let through = {
            // An event is counted in here, or finds the successor.
            let log = self.lock();
            let _ = self.successor.set(Arc::downgrade(other));
            if log.pushed > 0 { sequence.newest() } else { log.evicted_through() }
        };
        // The views of this one, which have all of it, are the other's.
        other.forget_through(through, &self.views());
    }

    /// Events of this name up to this place may be in another log, and in these views.
    fn forget_through(&self, place: u64, had: &Views) {
        let mut log = self.lock();
        log.forget_through(place);
        let newest = self.newest.load(Ordering::Acquire).max(place);
        self.newest.store(newest, Ordering::Release);
        drop(log);
        // A view may be younger than the log that was given the event.
        let views = self.views();
        let younger = views.iter().filter(|view| !had.has(view));
        younger.for_each(|view| view.log().forget_through(place, had));
        if let Some(successor) = self.successor() {
            successor.forget_through(place, had);
        }
    }

    /// Tells the log that has the name now of an event that came to this one.
    fn pass_on(&self, place: u64) {
        if let Some(successor) = self.successor() {
            successor.forget_through(place, &self.views());
        }
    }

    fn successor(&self) -> Option<Arc<Self>> {
        self.successor.get()?.upgrade()
    }

    /// Appends an event from before the hub's start, which came when the clock of logs stood so:
    /// [`Sequence::aged`]. To be called before anybody has the hub.
    pub(crate) fn preload(
        &self,
        place: u64,
        came: Duration,
        len: usize,
        encode: impl FnOnce(&mut Vec<u8>),
    ) {
        self.append(&mut self.lock(), place, came, len, encode);
    }

    /// Appends an event from elsewhere, which came when the clock of logs stood so, and makes
    /// everything up to it visible. For the one thread that delivers them.
    pub(crate) fn arrive(
        &self,
        sequence: &Sequence,
        place: u64,
        came: Duration,
        len: usize,
        encode: impl FnOnce(&mut Vec<u8>),
    ) {
        let mut log = self.lock();
        self.append(&mut log, place, came, len, encode);
        self.reach(sequence, place, &log, 1, came);
        drop(log);
        self.pass_on(place);
    }

    /// Appends an event to the locked log.
    pub(crate) fn append(
        &self,
        log: &mut Log,
        place: u64,
        now: Duration,
        len: usize,
        encode: impl FnOnce(&mut Vec<u8>),
    ) {
        log.push(place, now, len, encode);
        self.newest.store(place, Ordering::Release);
    }

    /// The same for an event that tells of a loss.
    #[cfg(any(feature = "redis", feature = "follow"))]
    pub(crate) fn lose(
        &self,
        log: &mut Log,
        place: u64,
        now: Duration,
        len: usize,
        encode: impl FnOnce(&mut Vec<u8>),
    ) {
        log.lose(place, now, len, encode);
        self.newest.store(place, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::cursor::{Cursor, OnLag};
    use crate::log::id::{Epochs, Id};
    use crate::log::{batch::Batch, read};

    fn event(text: &str) -> (usize, impl FnOnce(&mut Vec<u8>)) {
        (text.len(), move |out: &mut Vec<u8>| out.extend_from_slice(text.as_bytes()))
    }

    #[test]
    fn events_from_before_the_start_and_events_of_an_order_lie_in_one_log() {
        let minute = Duration::from_secs(60);
        let epochs = Epochs::rising(vec![0, 100], 200);
        let last = epochs.place(Id { epoch: 100, sequence: 8 }).unwrap();
        let sequence = Sequence::resumed(epochs, last, 2 * minute);
        let log = SharedLog::new(Some("a".into()), History::default().age(minute), last - 2);
        assert_eq!(log.newest().load(Ordering::Acquire), last - 2, "it may have had that one");

        for (place, age, text) in [(last - 1, 2 * minute, "7"), (last, minute / 2, "8")] {
            let (len, encode) = event(text);
            log.preload(place, sequence.aged(age), len, encode);
        }
        let (len, encode) = event("9");
        log.deliver(&sequence, sequence.place(1), Moment::now(), [(len, encode)]);
        assert_eq!(
            (sequence.published(), sequence.id(sequence.newest()).to_string()),
            (1, "200-1".into())
        );
        assert_eq!(log.newest().load(Ordering::Acquire), sequence.newest());

        let (mut batch, kept) = (Batch::default(), log.lock());
        let cursor = Cursor { place: last - 1, seen: 1 };
        read::read(&[kept], &sequence, cursor, OnLag::Close, true, &mut batch).unwrap();
        assert_eq!(batch.bytes(), b"89", "the one that is too old has gone");
    }
}

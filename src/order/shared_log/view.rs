//! Views: logs that have the events of many channels, each copied as it is appended to its
//! channel's log.
//!
//! ```text
//! log of room.1 ─┬─► log of the view room.*
//! log of room.2 ─┤
//!                ├─► log of the view *
//! log of sport  ─┘
//! ```
//!
//! A block is copied as the channel's own streams are sent it. In the *feed* of a hub, a view of
//! all channels for other hubs, the line of the channel comes first:
//!
//! ```text
//! channel: news
//! id: 171-7
//! data: rain
//! ```
//!
//! Clients ignore a field that they don't know.
//!
//! A log that feeds no view has a flag that says so, and that is all that a publish looks at.
//!
//! **Order.** The log of a view has its events in the order of their places. Where several threads
//! number events, each locks the views of its channel before it draws a place, and keeps them until
//! the event is copied; where one thread at a time delivers, its order is the order.
//!
//! **Lock order**: names of the hub, members of a view, logs of channels by their number, logs of
//! views by their number.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::SharedLog;
use crate::log::Log;
use crate::net::moment::Moment;
use crate::net::sync::{AtomicBool, Mutex, MutexGuard, Ordering, PoisonError};
use crate::order::past::Of;

/// Whether any hub of this build has a feed. Where none has, the compiler leaves out all that is
/// for it.
pub(crate) const HAS_FEED: bool = cfg!(feature = "follow");

/// The longest name that a line of the feed has, as a line of a journal.
pub(crate) const LONGEST_NAME: usize = 1024;

/// What the line of a channel begins with.
const FIELD: &[u8] = b"channel: ";

/// How many bytes that line has at most.
#[cfg_attr(not(feature = "follow"), allow(dead_code))]
pub(crate) const LONGEST_LINE: usize = FIELD.len() + LONGEST_NAME + 1;

/// The channel of a view, as the logs know it that feed it. They don't hold it.
pub(crate) trait View: Send + Sync {
    /// Its place in the lock order: after all channels.
    fn number(&self) -> u64;

    fn log(&self) -> &SharedLog;

    /// Brings what was appended to its log at this time to its streams. Returns what is `now` after
    /// it.
    fn pass(&self, at: Moment) -> Moment;
}

/// What the log of a view is a view of.
pub(super) struct Viewed {
    of: Names,
    /// The logs of the channels that there are, in no order. Changed while the hub's names are
    /// locked.
    members: Mutex<Vec<Arc<SharedLog>>>,
}

/// Which channels of its hub a view has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// Those whose names begin with this.
    Below(Arc<str>),
    /// All, each event with the line of its channel.
    Feed,
}

impl Names {
    pub(crate) fn are_labelled(&self) -> bool {
        HAS_FEED && *self == Self::Feed
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.as_of().has(name)
    }

    fn as_of(&self) -> Of<'_> {
        match self {
            Self::Below(prefix) => Of::Below(prefix),
            Self::Feed => Of::Feed,
        }
    }
}

impl Viewed {
    pub(super) fn new(of: Names, members: Vec<Arc<SharedLog>>) -> Self {
        Self { of, members: Mutex::new(members) }
    }

    pub(super) fn names(&self) -> &Names {
        &self.of
    }

    pub(super) fn members(&self) -> MutexGuard<'_, Vec<Arc<SharedLog>>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of(&self) -> Of<'_> {
        self.of.as_of()
    }
}

/// The views that a log feeds.
#[derive(Default)]
pub(super) struct Feeds {
    /// Whether there are any. Set while the log is locked.
    any: AtomicBool,
    /// By their number. No other lock is taken while this one is held.
    list: Mutex<Vec<Weak<dyn View>>>,
}

impl Feeds {
    /// Adds a view. To be called where the log is locked, or nobody else has it.
    pub(super) fn add(&self, view: &Arc<dyn View>) {
        let mut list = self.lock();
        // So those that were forgotten don't add up, though nothing may be published here.
        list.retain(|other| other.strong_count() > 0);
        let is_before = |other: &Weak<dyn View>| {
            other.upgrade().is_none_or(|other| other.number() < view.number())
        };
        let at = list.partition_point(is_before);
        list.insert(at, Arc::downgrade(view));
        self.any.store(true, Ordering::Release);
    }

    #[inline]
    pub(super) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Those that are neither forgotten nor closed.
    #[cold]
    pub(super) fn open(&self) -> Views {
        let mut views = Vec::new();
        let mut list = self.lock();
        list.retain(|view| {
            let view = view.upgrade();
            views.extend(view.clone());
            view.is_some()
        });
        self.any.store(!list.is_empty(), Ordering::Release);
        drop(list);
        views.retain(|view| !view.log().is_closed());
        Views(views)
    }

    #[cfg(test)]
    pub(super) fn listed(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<dyn View>>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The views of a channel, by their number; nearly always none.
pub(crate) struct Views(Vec<Arc<dyn View>>);

impl Views {
    /// Those in any order, some of them perhaps twice.
    #[cfg_attr(not(any(feature = "redis", feature = "follow")), allow(dead_code))]
    pub(crate) fn sorted(mut views: Vec<Arc<dyn View>>) -> Self {
        views.sort_unstable_by_key(|view| view.number());
        views.dedup_by_key(|view| view.number());
        Self(views)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<dyn View>> {
        self.0.iter()
    }

    pub(crate) fn has(&self, view: &Arc<dyn View>) -> bool {
        self.0.iter().any(|other| other.number() == view.number())
    }

    /// Brings what was appended at this time to their streams.
    pub(crate) fn pass(&self, at: Moment) -> Moment {
        self.0.iter().fold(at, |now, view| view.pass(now))
    }

    #[cold]
    pub(crate) fn lock(&self) -> Feeding<'_> {
        Feeding(self.0.iter().map(|view| (view.log(), view.log().lock())).collect())
    }
}

/// The locked logs of views, for the events that are about to be appended to a channel's.
pub(crate) struct Feeding<'a>(Vec<(&'a SharedLog, MutexGuard<'a, Log>)>);

impl Feeding<'_> {
    /// Copies the newest `count` events of the locked log of the channel of this name.
    #[cold]
    pub(crate) fn copy_newest(
        &mut self,
        name: Option<&str>,
        log: &Log,
        count: usize,
        now: Duration,
    ) {
        let newest = log.len().saturating_sub(count)..log.len();
        for event in newest.filter_map(|at| log.event_at(at)) {
            self.push(name, event.place, event.content(), now);
        }
    }

    /// Appends an event whose block lies in these pieces, of the channel of this name, or of no
    /// name if it is one of all channels.
    pub(crate) fn push(
        &mut self,
        name: Option<&str>,
        place: u64,
        block: [&[u8]; 2],
        now: Duration,
    ) {
        for (to, log) in &mut self.0 {
            push(log, name.filter(|_| to.is_labelled()), place, block, now);
            to.newest.store(place, Ordering::Release);
        }
    }
}

/// Appends an event to the log of a view, with the line of the channel of this name, if there is
/// one. Its block lies in these pieces. One whose channel has a name that can't stand in a line is
/// counted as missed.
pub(crate) fn push(
    view: &mut Log,
    label: Option<&str>,
    place: u64,
    block: [&[u8]; 2],
    now: Duration,
) {
    let line = match label.filter(|_| HAS_FEED) {
        Some(name) if !is_line(name) => return view.miss(place),
        Some(name) => channel_line(name),
        None => [&[][..]; 3],
    };
    let parts = line.iter().chain(&block);
    let len = parts.clone().map(|part| part.len()).sum();
    let write = |out: &mut Vec<u8>| parts.for_each(|part| out.extend_from_slice(part));
    view.push(place, now, len, write);
}

/// The line of a channel, with its LF.
pub(crate) fn channel_line(name: &str) -> [&[u8]; 3] {
    [FIELD, name.as_bytes(), b"\n"]
}

fn is_line(name: &str) -> bool {
    let breaks = |byte: u8| matches!(byte, b'\r' | b'\n' | b'\0');
    name.len() <= LONGEST_NAME && !name.bytes().any(breaks)
}

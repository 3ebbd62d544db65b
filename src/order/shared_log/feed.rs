//! The feed of a hub as its channels' logs know it: one more log, to which each event is copied
//! that is appended to theirs.
//!
//! ```text
//! channel: news
//! id: 171-7
//! data: rain
//! ```
//!
//! The line of the channel comes first, and then the block as the channel's own streams are sent
//! it. Clients ignore a field that they don't know.
//!
//! Until somebody asks for the feed there is none: then a publish finds an empty slot, and that is
//! all that it costs.
//!
//! **Order.** The feed's log has the events of all channels in the order of their places. Where
//! several threads number events, each locks the feed's log before it draws a place, and keeps it
//! until the event is copied; where one thread at a time delivers, its order is the order.
//!
//! **Lock order**: names of the hub, `deliveries`, logs of channels, log of the feed.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::SharedLog;
use crate::log::Log;
use crate::net::moment::Moment;
use crate::net::sync::{Mutex, MutexGuard, Ordering, PoisonError};

/// Whether any hub of this build has a feed. Where none has, the compiler leaves out all that is
/// for it.
pub(crate) const IS_BUILT_IN: bool = cfg!(feature = "follow");

/// The longest name that a line of the feed has, as a line of a journal.
pub(crate) const LONGEST_NAME: usize = 1024;

/// What the line of a channel begins with.
const FIELD: &[u8] = b"channel: ";

/// How many bytes that line has at most.
pub(crate) const LONGEST_LINE: usize = FIELD.len() + LONGEST_NAME + 1;

/// Where the channels of a hub find its feed. They share it, and so does the hub.
#[derive(Default)]
pub(crate) struct FeedSlot {
    /// Set once, while all logs of the hub are locked, or `deliveries` is.
    feed: OnceLock<Feed>,
    /// Held by whoever delivers what an order has numbered before, so that no event falls between
    /// what the feed begins with and what it is given. Nobody else waits for it for long: one
    /// thread at a time delivers.
    deliveries: Mutex<()>,
}

/// A feed that somebody has asked for.
pub(crate) struct Feed {
    log: Arc<SharedLog>,
    /// Sends its streams what has come, if it still has any.
    pass: Box<dyn Fn(Moment) + Send + Sync>,
}

/// The feed's log, locked, for the events that are about to be appended to a channel's.
pub(crate) struct Feeding<'a> {
    to: &'a SharedLog,
    log: MutexGuard<'a, Log>,
}

impl FeedSlot {
    /// The feed, unless it is closed.
    #[inline]
    pub(crate) fn get(&self) -> Option<&Feed> {
        if IS_BUILT_IN { self.feed.get().filter(|feed| !feed.log.is_closed()) } else { None }
    }

    /// To be called where all of the hub's logs are locked, or where the hub has a past from which
    /// what is missing comes; `deliveries` too is held.
    pub(crate) fn set(&self, log: Arc<SharedLog>, pass: impl Fn(Moment) + Send + Sync + 'static) {
        // The hub's names are locked, so nobody else is here.
        let _ = self.feed.set(Feed { log, pass: Box::new(pass) });
    }

    pub(crate) fn deliveries(&self) -> MutexGuard<'_, ()> {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed {
    /// Brings what was appended to its log at this time to its streams.
    pub(crate) fn pass(&self, at: Moment) {
        (self.pass)(at);
    }

    pub(crate) fn lock(&self) -> Feeding<'_> {
        Feeding { to: &self.log, log: self.log.lock() }
    }
}

impl Feeding<'_> {
    /// Copies the newest `count` events of the locked log of the channel of this name.
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

    /// Appends an event whose block lies in these pieces, as [`push`] does.
    pub(crate) fn push(
        &mut self,
        name: Option<&str>,
        place: u64,
        block: [&[u8]; 2],
        now: Duration,
    ) {
        push(&mut self.log, name, place, block, now);
        self.to.newest.store(place, Ordering::Release);
    }
}

/// Appends an event of the channel of this name to the log of a feed; of no name if it is one of
/// all channels. Its block lies in these pieces. One whose channel has a name that can't stand in a
/// line is counted as missed.
pub(crate) fn push(
    feed: &mut Log,
    name: Option<&str>,
    place: u64,
    block: [&[u8]; 2],
    now: Duration,
) {
    let line = match name {
        Some(name) if !is_line(name) => return feed.miss(place),
        Some(name) => channel_line(name),
        None => [&[][..]; 3],
    };
    let parts = line.iter().chain(&block);
    let len = parts.clone().map(|part| part.len()).sum();
    let write = |out: &mut Vec<u8>| parts.for_each(|part| out.extend_from_slice(part));
    feed.push(place, now, len, write);
}

/// The line of a channel, with its LF.
pub(crate) fn channel_line(name: &str) -> [&[u8]; 3] {
    [FIELD, name.as_bytes(), b"\n"]
}

fn is_line(name: &str) -> bool {
    let breaks = |byte: u8| matches!(byte, b'\r' | b'\n' | b'\0');
    name.len() <= LONGEST_NAME && !name.bytes().any(breaks)
}

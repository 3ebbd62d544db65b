//! Orders that lie elsewhere: in Redis, or with another hub.
//!
//! ```text
//! publisher ─► append ─► elsewhere ─► reader thread ─► Sink: logs ─► Sink: passes
//! ```
//!
//! One reader thread fills the logs, and nobody else does: so all hubs of one order have the same
//! events in the same order, whoever published them. What is gone elsewhere is told by an event of
//! its own in every log ([`Sink::loss`]), so that each stream is sent it in its place, and resumes
//! before or after it as with any event.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::event::Event;
use crate::log::gap::Reason;
use crate::log::id::Id;
use crate::net::atomic::AtomicU64;
use crate::net::moment::Moment;

/// Where the events of such an order go: the channels of its hub. Its reader thread alone calls it.
pub(crate) trait Sink: Send {
    /// Appends an event to its channel's log, and makes the channel if there is none. No event with
    /// this id came before.
    fn event(&mut self, arrival: &Arrival<'_>);

    /// Tells every stream of the hub, and those that come later with an older id, that events are
    /// gone.
    fn loss(&mut self, loss: &Loss);

    /// Brings what was appended since the last call to the streams.
    fn pass(&mut self);
}

/// An event as it comes from elsewhere.
#[derive(Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) id: Id,
    pub(crate) channel: &'a str,
    /// Its own id counts for nothing.
    pub(crate) event: &'a Event,
    /// How long ago it was published, as far as that is known.
    pub(crate) age: Duration,
}

/// Events that the hub was not given, and will not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    /// The newest of them; the next event has a greater id. They come after the newest event that
    /// the hub has. Where nobody knows what is gone, this is the id of that event.
    pub(crate) through: Id,
    pub(crate) missed: Option<u64>,
    pub(crate) reason: Reason,
}

/// How many requests wait at once for events that another hub has already sent.
const MOST_WAITING: usize = 8;

/// How long each of them waits: longer than a reader that works is behind its order.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a hub knows of its order elsewhere. The reader thread and publishers write it.
pub(crate) struct Remote {
    reachable: AtomicBool,
    /// When the order was heard of last, in milliseconds since `began`.
    heard: AtomicU64,
    began: Moment,
    /// Counters alone: `reachable` and `silence` count for nothing here.
    counts: Mutex<OrderStats>,
    /// How many wait for the reader. No other lock is taken while this one is held.
    waiting: Mutex<usize>,
    arrived: Condvar,
}

/// What a hub knows of its order elsewhere, which is Redis or another hub
/// ([`Hub::order_stats`](crate::Hub::order_stats)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrderStats {
    /// Whether the hub is connected to its order, and reads from it.
    pub reachable: bool,
    /// How long ago the hub last heard of its order. An order without events is heard of every five
    /// seconds or so.
    pub silence: Duration,
    /// How often the hub has connected again.
    pub reconnects: u64,
    /// How many epochs the hub has begun.
    pub epochs: u64,
    /// How many gaps its streams were told of: events that had left the order before the hub read
    /// them.
    pub gaps_evicted: u64,
    /// Those whose events the order has lost: Redis was emptied, rolled back or failed over.
    pub gaps_failover: u64,
    /// Those that the followed hub told of, for a reason of its own.
    pub gaps_passed_on: u64,
    /// How many publishes failed, and were certainly not published.
    pub refused: u64,
    /// How many publishes failed of which nobody knows whether they were published.
    pub unknown: u64,
    /// How many entries of the order were no events, and were left out.
    pub ignored: u64,
}

impl Remote {
    pub(crate) fn new() -> Self {
        Self {
            reachable: AtomicBool::new(false),
            heard: AtomicU64::new(0),
            began: Moment::now(),
            counts: Mutex::default(),
            waiting: Mutex::new(0),
            arrived: Condvar::new(),
        }
    }

    /// The reader is connected, and has caught up as far as it can tell.
    pub(crate) fn set_reachable(&self, is: bool) {
        self.reachable.store(is, Ordering::Relaxed);
    }

    pub(crate) fn is_reachable(&self) -> bool {
        self.reachable.load(Ordering::Relaxed)
    }

    /// The order has said something.
    pub(crate) fn hear(&self) {
        let since = Moment::now().since(self.began).as_millis();
        self.heard.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Counts something that happens seldom.
    pub(crate) fn count(&self, count: impl FnOnce(&mut OrderStats)) {
        count(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn stats(&self) -> OrderStats {
        let heard = Duration::from_millis(self.heard.load(Ordering::Relaxed));
        OrderStats {
            reachable: self.is_reachable(),
            silence: Moment::now().since(self.began).saturating_sub(heard),
            ..*self.counts.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// Waits until the reader has come so far, as `is_reached` says; false if it hasn't within two
    /// seconds, or if too many others wait already. No lock may be held.
    pub(crate) fn wait(&self, is_reached: impl Fn() -> bool) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if *waiting >= MOST_WAITING {
            return is_reached();
        }
        *waiting += 1;
        let waited = self.arrived.wait_timeout_while(waiting, PATIENCE, |_| !is_reached());
        *waited.unwrap_or_else(PoisonError::into_inner).0 -= 1;
        is_reached()
    }

    /// Wakes those who wait. Called by the sink after each pass.
    pub(crate) fn arrived(&self) {
        if *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) > 0 {
            self.arrived.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn whoever_waits_is_woken_when_events_arrive() {
        let (remote, reached) = (Remote::new(), AtomicBool::new(false));
        thread::scope(|scope| {
            let waits = scope.spawn(|| remote.wait(|| reached.load(Ordering::Relaxed)));
            while *remote.waiting.lock().unwrap() == 0 {
                thread::yield_now();
            }
            reached.store(true, Ordering::Relaxed);
            remote.arrived();
            assert!(waits.join().unwrap());
        });
        assert_eq!(*remote.waiting.lock().unwrap(), 0);
    }

    #[test]
    fn too_many_do_not_wait() {
        let remote = Remote::new();
        *remote.waiting.lock().unwrap() = MOST_WAITING;
        assert!(!remote.wait(|| false));
        assert!(remote.wait(|| true));
    }
}

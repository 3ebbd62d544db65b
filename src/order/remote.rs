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

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::event::Event;
use crate::log::gap::Reason;
use crate::log::id::Id;
use crate::net::atomic::AtomicU64;
use crate::net::moment::Moment;

/// Where the events of such an order go: the channels of its hub. Its reader thread alone calls it.
pub(crate) trait Sink: Send {
    /// Nothing is known of what came before the event after this id. Called before all others, and
    /// only where something did.
    fn begin_after(&mut self, id: Id);

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

/// Whoever runs the hub is told of an order that can't be read once in so long.
pub(crate) const TELL: Duration = Duration::from_secs(60);

/// Says what whoever runs the hub has to see to.
pub(crate) fn say(what: &str) {
    // Nobody may read standard error, and that is no reason to panic.
    let _ = writeln!(io::stderr(), "tidings: {what}");
}

/// How many requests wait at once for events that another hub has already sent.
const MOST_WAITING: usize = 8;

/// How long each of them waits: longer than a reader that works is behind its order.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a hub knows of its order elsewhere. The reader thread and publishers write it.
pub(crate) struct Remote {
    reachable: AtomicBool,
    denied: AtomicBool,
    /// When the order was last heard from, in milliseconds since `began`.
    heard: AtomicU64,
    began: Moment,
    /// How often it was heard from.
    words: AtomicU64,
    /// Counters alone: `reachable` and `silence` count for nothing here.
    counts: Mutex<OrderStats>,
    /// No other lock is taken while this one is held.
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

/// How long an id that had not come is remembered: longer than an idle order takes to be heard of
/// twice.
const MEMORY: Duration = Duration::from_secs(60);

/// How many of them are remembered. Those who wait bring four a second at most.
const MOST_WANTED: usize = 256;

/// Who waits for the reader.
#[derive(Default)]
struct Waiting {
    count: usize,
    /// What was asked for and had not come. The oldest comes first.
    wanted: VecDeque<Wanted>,
}

struct Wanted {
    id: Id,
    asked: Moment,
    /// How often the order had been heard of by then.
    words: u64,
}

/// What a hub knows of its order elsewhere, which is Redis or another hub
/// ([`Hub::order_stats`](crate::Hub::order_stats)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrderStats {
    /// Whether the hub is connected to its order, and reads from it.
    pub reachable: bool,
    /// Whether the followed hub refuses this one, with 401 or 403, so that another token may do.
    /// Then it is not reachable.
    pub denied: bool,
    /// How long ago the hub last heard from its order. An order without events is heard from every
    /// five seconds or so.
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

impl Wanted {
    fn is_fresh(&self) -> bool {
        Moment::now().since(self.asked) < MEMORY
    }
}

impl Waiting {
    /// Remembers what was asked for and has not come, unless it was asked for before.
    fn want(&mut self, wanted: Wanted) {
        self.wanted.retain(Wanted::is_fresh);
        if self.wanted.iter().all(|other| other.id != wanted.id) {
            if self.wanted.len() >= MOST_WANTED {
                self.wanted.pop_front();
            }
            self.wanted.push_back(wanted);
        }
    }
}

impl Remote {
    pub(crate) fn new() -> Self {
        Self {
            reachable: AtomicBool::new(false),
            denied: AtomicBool::new(false),
            heard: AtomicU64::new(0),
            began: Moment::now(),
            words: AtomicU64::new(0),
            counts: Mutex::default(),
            waiting: Mutex::default(),
            arrived: Condvar::new(),
        }
    }

    /// The reader is connected, and has caught up as far as it can tell.
    pub(crate) fn set_reachable(&self, is: bool) {
        self.reachable.store(is, Ordering::Relaxed);
    }

    /// The order refuses the hub, which needs another token.
    #[cfg(feature = "follow")]
    pub(crate) fn set_denied(&self, is: bool) {
        self.denied.store(is, Ordering::Relaxed);
    }

    pub(crate) fn is_reachable(&self) -> bool {
        self.reachable.load(Ordering::Relaxed)
    }

    /// The order has said something.
    pub(crate) fn hear(&self) {
        let since = Moment::now().since(self.began).as_millis();
        self.heard.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The order has given all that it had when it was asked last.
    pub(crate) fn hear_all(&self) {
        self.words.fetch_add(1, Ordering::Relaxed);
        self.hear();
    }

    /// Counts something that happens seldom.
    pub(crate) fn count(&self, count: impl FnOnce(&mut OrderStats)) {
        count(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn stats(&self) -> OrderStats {
        let heard = Duration::from_millis(self.heard.load(Ordering::Relaxed));
        let reachable = self.is_reachable();
        OrderStats {
            reachable,
            denied: !reachable && self.denied.load(Ordering::Relaxed),
            silence: Moment::now().since(self.began).saturating_sub(heard),
            ..*self.counts.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// Waits until the hub knows what is asked for, as `is_known` says, or knows that it doesn't
    /// come; no longer than two seconds, and not at all if too many others wait. No lock may be
    /// held. Returns false if nobody knows by then.
    pub(crate) fn wait(&self, asked: Id, is_known: impl Fn() -> bool) -> bool {
        let mut waiting = self.waiting();
        if is_known() || self.is_vain(asked, &waiting) {
            return true;
        }
        if waiting.count >= MOST_WAITING {
            return false;
        }
        waiting.count += 1;
        let wanted = self.wanted(asked);
        let waited = self.arrived.wait_timeout_while(waiting, PATIENCE, |_| !is_known());
        let mut waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        waiting.count -= 1;
        if is_known() {
            return true;
        }
        waiting.want(wanted);
        self.is_vain(asked, &waiting)
    }

    /// Whether what the hub doesn't know is none that it will: since it was first asked for, the
    /// order has twice given all that it had. The second time it was asked after that, and the
    /// event was in the order before, if there was one.
    ///
    /// That says nothing of any other id: a stranger may ask for one that is far ahead. And it
    /// holds only for a while, as an id that somebody made up may be that of an event later.
    fn is_vain(&self, asked: Id, waiting: &Waiting) -> bool {
        let wanted = waiting.wanted.iter().find(|wanted| wanted.id == asked);
        wanted.is_some_and(|wanted| wanted.is_fresh() && self.words() >= wanted.words + 2)
    }

    fn wanted(&self, id: Id) -> Wanted {
        Wanted { id, asked: Moment::now(), words: self.words() }
    }

    fn words(&self) -> u64 {
        self.words.load(Ordering::Relaxed)
    }

    /// Wakes those who wait. Called by the sink after each pass.
    pub(crate) fn arrived(&self) {
        if self.waiting().count > 0 {
            self.arrived.notify_all();
        }
    }

    #[cfg(test)]
    pub(crate) fn has_waiting(&self) -> bool {
        self.waiting().count > 0
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const ID: Id = Id { epoch: 7, sequence: 1 };

    #[test]
    fn whoever_waits_is_woken_when_events_arrive() {
        let (remote, reached) = (Remote::new(), AtomicBool::new(false));
        thread::scope(|scope| {
            let waits = scope.spawn(|| remote.wait(ID, || reached.load(Ordering::Relaxed)));
            while remote.waiting().count == 0 {
                thread::yield_now();
            }
            reached.store(true, Ordering::Relaxed);
            remote.arrived();
            assert!(waits.join().unwrap());
        });
        assert_eq!(remote.waiting().count, 0);
    }

    #[test]
    fn too_many_do_not_wait() {
        let remote = Remote::new();
        remote.waiting().count = MOST_WAITING;
        assert!(!remote.wait(ID, || false));
        assert!(remote.wait(ID, || true));
    }

    /// Whether somebody who asks for this, and waits until it has not come, is told that it never
    /// does.
    fn is_told(remote: &Remote, asked: Id) -> bool {
        let wanted = remote.wanted(asked);
        let mut waiting = remote.waiting();
        let is_vain = remote.is_vain(asked, &waiting);
        waiting.want(wanted);
        is_vain
    }

    fn hear_twice(remote: &Remote) {
        remote.hear_all();
        remote.hear_all();
    }

    #[test]
    fn an_id_that_two_responses_did_not_bring_is_waited_for_in_vain() {
        let remote = Remote::new();
        for is_vain in [false, false, true, true] {
            assert_eq!(is_told(&remote, ID), is_vain);
            remote.hear();
            remote.hear_all();
        }
    }

    #[test]
    fn an_id_that_a_stranger_made_up_says_nothing_of_any_other() {
        let (remote, bogus) = (Remote::new(), Id { epoch: u64::MAX, sequence: 1 });
        assert!(!is_told(&remote, bogus));
        hear_twice(&remote);
        assert!(is_told(&remote, bogus));
        for other in [ID, Id { sequence: 0, ..bogus }] {
            assert!(!is_told(&remote, other), "it may have come since");
        }
        for sequence in 2..10 {
            assert!(!is_told(&remote, Id { sequence, ..bogus }));
            hear_twice(&remote);
        }
        assert!(is_told(&remote, ID), "greater ones do not keep anybody from being told");
    }

    #[test]
    fn a_bounded_number_of_ids_is_remembered() {
        let remote = Remote::new();
        for sequence in 0..2 * MOST_WANTED as u64 {
            assert!(!is_told(&remote, Id { sequence, ..ID }));
        }
        assert_eq!(remote.waiting().wanted.len(), MOST_WANTED);
    }
}

//! The watch thread: whatever has to be noticed while nothing happens.
//!
//! The standard library can't ask the system which sockets are ready, so what has to be noticed is
//! noticed by trying. One thread does that for all, and knows of each no more than that:
//!
//! - it retries each [`Pending`] value until that is over: a *parked* connection, whose request is
//!   not whole and for which no worker may wait, is read again; a stream whose socket took no more
//!   is written again; a connection that is being closed is drained until its peer has closed too;
//! - it calls one *check*, a closure that goes over all open streams: has the peer closed, is a
//!   heartbeat due?
//!
//! Where there is nothing to retry and no stream to check, the thread sleeps until there is,
//! without a time limit: a machine at rest must not be woken for nobody.
//!
//! A retry that fails is repeated after a pause, which doubles each time ([`retry_queue`]). And the
//! thread measures what its work costs and then rests for [`REST`] times as long, which keeps it
//! within a few per cent of a core; but never for more than half of [`CHECK`], so that nobody waits
//! long if a hook took its time here. During a rest, only what has just come is retried.

mod retry_queue;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::net::lifecycle::{Lifecycle, Stage};
use crate::net::panics::Panics;
use crate::net::pool::join_by;
use crate::net::threads::{self as thread, JoinHandle};
use retry_queue::RetryQueue;

/// One part of work, so many parts of rest: four per cent of a core.
const REST: u32 = 24;
/// How often all streams are checked: well within the second in which an end must be noticed, and
/// less than 2.5 times in it.
const CHECK: Duration = Duration::from_millis(420);
/// How often where that costs much, which thousands of streams do: still within the second.
const LATEST_CHECK: Duration = Duration::from_millis(920);
/// A check may take one part in so many of the time to the next, which keeps it, with as much again
/// for heartbeats, within one and a half per cent of a core.
const CHECK_REST: u32 = 150;
const STACK: usize = 256 * 1024;

/// Something that has to be retried, as nobody says when it could succeed.
pub(crate) trait Pending: Send {
    /// Tries once, and never blocks. Gives itself back, and how that went, if it is to be retried;
    /// `None` if it is over, or has been handed to another thread. Called without a lock. A panic
    /// in it is counted, and drops it.
    fn retry(self: Box<Self>, now: Instant) -> Option<(Box<dyn Pending>, Progress)>;
}

/// How a retry went that did not finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It went on a little: the next retry is soon.
    Moved,
    /// Nothing has changed: the pause grows.
    Stuck,
}

/// Shared by a server and its watch thread, which [`stop`](Self::stop) ends.
pub(crate) struct Watch {
    /// Taken last: no other lock is taken while this one is held.
    inbox: Mutex<Inbox>,
    /// Notified when there is something new, when checks begin, and at the end.
    wake: Condvar,
    /// Whether there may be something to check. The thread clears it before a check; whoever makes
    /// something to check sets it after that can be found.
    checks: AtomicBool,
    panics: Arc<Panics>,
    lifecycle: Arc<Lifecycle>,
}

/// What other threads leave for the watch thread.
#[derive(Default)]
struct Inbox {
    new: Vec<Box<dyn Pending>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(crate) fn new(panics: &Arc<Panics>, lifecycle: &Arc<Lifecycle>) -> Arc<Self> {
        Arc::new(Self {
            inbox: Mutex::default(),
            wake: Condvar::new(),
            checks: AtomicBool::new(false),
            panics: Arc::clone(panics),
            lifecycle: Arc::clone(lifecycle),
        })
    }

    /// Starts the thread, which calls `check` now and then, from the first
    /// [`begin_checks`](Self::begin_checks) on until that returns that there is nothing to check.
    pub(crate) fn start(
        self: &Arc<Self>,
        check: impl FnMut() -> bool + Send + 'static,
    ) -> Result<()> {
        let watch = Arc::clone(self);
        let thread = thread::Builder::new()
            .name("tidings-watch".into())
            .stack_size(STACK)
            .spawn(move || watch.run(check))
            .map_err(|error| Error::io("can't start the watch thread", error))?;
        self.lock().thread = Some(thread);
        Ok(())
    }

    /// Has the thread call its check, as there is something new that it can find.
    pub(crate) fn begin_checks(&self) {
        if !self.checks.swap(true, Ordering::AcqRel) {
            // The thread has read that there is something to check, or waits by now.
            drop(self.lock());
            self.wake.notify_one();
        }
    }

    /// Has the thread retry this until it is over.
    pub(crate) fn add(&self, pending: Box<dyn Pending>) {
        let mut inbox = self.lock();
        if self.is_over() {
            // Nobody will retry it. Dropped without the lock, as a drop may come back here.
            drop(inbox);
            return drop(pending);
        }
        inbox.new.push(pending);
        drop(inbox);
        self.wake.notify_one();
    }

    /// Ends the thread; what it still had is closed. Returns how many threads would not end by the
    /// deadline, as a hook holds them.
    pub(crate) fn stop(&self, deadline: Instant) -> usize {
        self.lifecycle.raise(Stage::Closing);
        let thread = self.lock().thread.take();
        self.wake.notify_one();
        let stuck = thread.is_some_and(|thread| join_by(thread, deadline).is_err());
        let left = std::mem::take(&mut self.lock().new);
        // Dropped without the lock, as a drop may come back here.
        drop(left);
        usize::from(stuck)
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the server waits for what is pending to end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.lifecycle.has_reached(Stage::Ending)
    }

    fn is_over(&self) -> bool {
        self.lifecycle.has_reached(Stage::Closing)
    }

    /// Waits until something is new or `until` has come, and takes what is new; `None` at the end.
    /// Without such a time it waits for something new, or until checks begin.
    fn wait(&self, until: Option<Instant>) -> Option<Vec<Box<dyn Pending>>> {
        let mut inbox = self.lock();
        loop {
            if self.is_over() {
                return None;
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let begins = until.is_none() && self.checks.load(Ordering::Acquire);
            if !inbox.new.is_empty() || left == Some(Duration::ZERO) || begins {
                return Some(std::mem::take(&mut inbox.new));
            }
            inbox = match left {
                Some(left) => {
                    let waited = self.wake.wait_timeout(inbox, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.wake.wait(inbox).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// The life of the watch thread.
    fn run(&self, mut check: impl FnMut() -> bool) {
        let mut queue = RetryQueue::<Box<dyn Pending>>::new();
        let mut rested_at = Instant::now();
        let mut next_check = None;
        loop {
            let check_at = next_check.map(|check: Instant| check.max(rested_at));
            let next = queue.next(rested_at).into_iter().chain(check_at).min();
            let Some(new) = self.wait(next) else { return };
            let began = Instant::now();
            if next_check.is_none() && self.checks.load(Ordering::Acquire) {
                next_check = Some(began + CHECK);
            }
            new.into_iter().for_each(|pending| queue.add(pending, began));
            let rested = began >= rested_at;
            while let Some((pending, waited)) = queue.take(began, rested) {
                let retried = self.panics.catch(|| pending.retry(began)).flatten();
                if let Some((pending, progress)) = retried {
                    queue.put_back(pending, waited, progress, began);
                }
            }
            if !rested {
                continue;
            }
            if next_check.is_some_and(|check| began >= check) {
                self.checks.store(false, Ordering::Release);
                if self.panics.catch(&mut check).unwrap_or(true) {
                    self.checks.store(true, Ordering::Release);
                }
                let again = self.checks.load(Ordering::Acquire);
                next_check = again.then(|| began + check_interval(began.elapsed()));
            }
            rested_at = rest(began, Instant::now(), next_check);
        }
    }
}

/// Until when the thread rests, which has worked from `began` until `now`.
fn rest(began: Instant, now: Instant, next_check: Option<Instant>) -> Instant {
    // A hook may have taken its time here, which must not be paid for in rest.
    let rested_at = now + ((now - began) * REST).min(CHECK / 2);
    // A rest must not delay the check for closed peers.
    next_check.map_or(rested_at, |check| rested_at.min(check.max(now)))
}

/// How long after the beginning of a check that took so long the next one begins.
fn check_interval(took: Duration) -> Duration {
    (took * CHECK_REST).clamp(CHECK, LATEST_CHECK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_rest_is_many_times_as_long_as_the_work_and_ends_with_the_next_check() {
        let began = Instant::now();
        let now = began + MS * 2;
        for far in [None, Some(began + MS * 10_000)] {
            assert_eq!(rest(began, now, far), now + MS * 48);
            let most = "half of a check at most";
            assert_eq!(rest(began, began + MS * 50, far), began + MS * 260, "{most}");
        }
        assert_eq!(rest(began, now, Some(began + MS * 20)), began + MS * 20);
        assert_eq!(rest(began, now, Some(began)), now, "the check is due already");
    }

    #[test]
    fn checks_come_less_often_where_they_cost_much() {
        let millis = [0, 2, 4, 6, 7, 100];
        let after = millis.map(|took| check_interval(MS * took).as_millis());
        assert_eq!(after, [420, 420, 600, 900, 920, 920]);
    }

    struct Panic;

    impl Pending for Panic {
        fn retry(self: Box<Self>, _now: Instant) -> Option<(Box<dyn Pending>, Progress)> {
            panic!("on purpose");
        }
    }

    struct Stuck {
        _held: Arc<()>,
    }

    impl Pending for Stuck {
        fn retry(self: Box<Self>, _now: Instant) -> Option<(Box<dyn Pending>, Progress)> {
            Some((self, Progress::Stuck))
        }
    }

    #[test]
    fn what_the_thread_has_at_its_end_is_dropped_and_so_is_what_comes_later() {
        let watch = Watch::new(&Arc::default(), &Arc::default());
        watch.start(|| false).unwrap();
        let held = Arc::new(());
        watch.add(Box::new(Stuck { _held: Arc::clone(&held) }));
        assert_eq!(watch.stop(Instant::now() + Duration::from_secs(20)), 0);
        assert_eq!(Arc::strong_count(&held), 1);
        watch.add(Box::new(Stuck { _held: Arc::clone(&held) }));
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn checks_begin_when_there_is_something_to_check_and_end_when_there_is_not() {
        let (watch, (say, said)) = (Watch::new(&Arc::default(), &Arc::default()), mpsc::channel());
        let mut left = 0;
        let check = move || {
            left = if left == 0 { 1 } else { left - 1 };
            let _ = say.send(left);
            left > 0
        };
        watch.start(check).unwrap();
        for _ in 0..2 {
            watch.begin_checks();
            for left in [1, 0] {
                assert_eq!(said.recv_timeout(Duration::from_secs(20)), Ok(left));
            }
        }
        assert_eq!(watch.stop(Instant::now() + Duration::from_secs(20)), 0);
        assert_eq!(said.try_iter().count(), 0, "nobody began checks");
    }

    #[test]
    fn row_53_a_retry_that_panics_is_counted_and_the_watch_thread_goes_on() {
        let panics = Arc::default();
        let watch = Watch::new(&panics, &Arc::default());
        watch.start(|| false).unwrap();
        for count in 1..=2 {
            watch.add(Box::new(Panic));
            let begun = Instant::now();
            while panics.count() < count {
                assert!(begun.elapsed() < Duration::from_secs(20), "the condition did not come");
                thread::yield_now();
            }
        }
        assert_eq!(watch.stop(Instant::now() + Duration::from_secs(20)), 0);
    }
}

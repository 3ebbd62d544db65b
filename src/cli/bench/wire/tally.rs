//! What all threads of a run share: its clock, its counts, its histograms, and whether it is over.
//!
//! The main thread sets from when on events are timed, and when publishing ends. A thread that
//! can't go on ends the run and says why; a thread that panics ends it too.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tidings::Error;

use crate::cli::atomic::AtomicU64;
use crate::cli::bench::books::counts::{Counts, Times, nanoseconds};
use crate::cli::bench::books::histogram::Histogram;
use crate::cli::visible;

/// Counts nanoseconds since the bench began, the unit of all times of a run.
#[derive(Debug)]
pub(crate) struct Clock(Instant);

impl Default for Clock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock {
    pub(crate) fn now(&self) -> u64 {
        nanoseconds(self.0.elapsed())
    }
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) clock: Clock,
    /// Tells this run's events from those of others.
    pub(crate) run: u64,
    /// An event that is due before this is not timed.
    pub(crate) timed_from: AtomicU64,
    /// Publishing is over, and slow readers read on at full speed.
    pub(crate) draining: AtomicBool,
    /// An event with an id has come.
    pub(crate) ids: AtomicBool,
    /// Why streams are not resumed. The progress shows it.
    pub(crate) note: OnceLock<String>,
    /// The signal that ended publishing early.
    cut_short_by: OnceLock<&'static str>,
    /// How the run ended. Each event reads it, so that takes no lock.
    over: OnceLock<Result<(), String>>,
    /// A thread that waits for the end holds it, and the one that sets the end.
    end: Mutex<()>,
    ended: Condvar,
    /// Streams that are open now.
    pub(crate) open: AtomicU64,
    /// Streams that have been open.
    pub(crate) ready: AtomicU64,
    /// When the last of them was open for the first time.
    pub(crate) ready_at: AtomicU64,
    /// When the last event came, whoever published it.
    pub(crate) last_at: AtomicU64,
    /// Events that were new to their stream.
    pub(crate) fresh: AtomicU64,
    pub(crate) counts: Counts<AtomicU64>,
    pub(crate) times: Times<Histogram>,
}

impl Tally {
    pub(crate) fn new(run: u64) -> Self {
        Self { run, ..Self::default() }
    }

    /// Ends the run, well or not. The first call counts.
    pub(crate) fn end(&self, how: Result<(), String>) {
        let end = lock(&self.end);
        let _ = self.over.set(how);
        drop(end);
        self.ended.notify_all();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.get().is_some()
    }

    /// Ends publishing, as this signal says; what is on its way is waited for.
    pub(crate) fn cut_short(&self, signal: &'static str) {
        let end = lock(&self.end);
        let _ = self.cut_short_by.set(signal);
        drop(end);
        self.ended.notify_all();
    }

    pub(crate) fn cut_short_by(&self) -> Option<&'static str> {
        self.cut_short_by.get().copied()
    }

    pub(crate) fn note(&self, error: &Error) {
        let _ = self.note.set(visible::line(&error.to_string()));
    }

    pub(crate) fn failure(&self) -> Result<(), String> {
        self.over.get().cloned().unwrap_or(Ok(()))
    }

    /// Waits for this time, or until the run is over. Returns whether it goes on.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        self.wait_while(time, || !self.is_over())
    }

    /// Waits until a time, or until the run is over or cut short. Returns whether publishing goes
    /// on.
    pub(crate) fn wait_until(&self, then: u64) -> bool {
        let left = Duration::from_nanos(then.saturating_sub(self.clock.now()));
        self.wait_while(left, || !self.is_over() && self.cut_short_by().is_none())
    }

    fn wait_while(&self, time: Duration, goes_on: impl Fn() -> bool) -> bool {
        if !time.is_zero() {
            let waits = |(): &mut ()| goes_on();
            drop(self.ended.wait_timeout_while(lock(&self.end), time, waits));
        }
        goes_on()
    }

    /// Ends the run if this thread panics, so that no other thread waits for it.
    pub(crate) fn alarm(self: &Arc<Self>) -> Alarm {
        Alarm(Arc::clone(self))
    }
}

/// A thread on which others rely holds it.
pub(crate) struct Alarm(Arc<Tally>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.end(Err("a thread of the bench has panicked, which is a mistake in it".into()));
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_panics_ends_the_run() {
        let tally = Arc::new(Tally::new(0));
        let ends = |panics: bool| {
            let tally = Arc::clone(&tally);
            let thread = thread::spawn(move || {
                let _alarm = tally.alarm();
                assert!(!panics, "on purpose");
            });
            thread.join().is_err()
        };
        assert!(!ends(false) && !tally.is_over());
        assert!(ends(true) && tally.failure().is_err());
    }

    #[test]
    fn a_run_that_is_cut_short_publishes_no_more_and_waits_for_what_is_on_its_way() {
        let tally = Arc::new(Tally::new(0));
        let waiting = Arc::clone(&tally);
        let waits = thread::spawn(move || waiting.wait_until(u64::MAX));
        tally.cut_short("SIGINT");
        assert!(!waits.join().unwrap() && !tally.wait_until(0));
        assert!(tally.wait(Duration::ZERO) && tally.failure().is_ok());
    }

    #[test]
    fn the_end_of_the_run_wakes_a_thread_that_waits_for_a_time() {
        let tally = Arc::new(Tally::new(0));
        assert!(tally.wait_until(0), "it has passed");
        let waiting = Arc::clone(&tally);
        let waits = thread::spawn(move || waiting.wait_until(u64::MAX));
        tally.end(Err("the first call".into()));
        tally.end(Ok(()));
        assert!(!waits.join().unwrap() && !tally.wait_until(0));
        assert_eq!(tally.failure(), Err("the first call".into()));
    }
}

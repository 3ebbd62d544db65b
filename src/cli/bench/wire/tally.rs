//! What all threads of a run share: its clock, its counts, its histograms, and whether it is over.
//!
//! The main thread says when what is published is timed, and when nothing is published any more.
//! Whoever can't go on says why, and the run is over: also a thread that panics.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tidings::Error;

use crate::cli::bench::books::counts::{Counts, Times, nanoseconds};
use crate::cli::bench::books::histogram::Histogram;
use crate::cli::visible;

/// Nanoseconds since the bench began: what all times of a run are in.
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
    /// What is due before this is not timed.
    pub(crate) timed_from: AtomicU64,
    /// Publishing is over: who reads slowly need not any more.
    pub(crate) draining: AtomicBool,
    /// An event with an id has come.
    pub(crate) ids: AtomicBool,
    /// Why the streams are not resumed. Whoever shows the progress says it.
    pub(crate) note: OnceLock<String>,
    /// How the run ended. It is looked at for each event, so that takes no lock.
    over: OnceLock<Result<(), String>>,
    /// Held by who waits for the end, and by who sets it.
    end: Mutex<()>,
    ended: Condvar,
    /// Streams that are open now.
    pub(crate) open: AtomicU64,
    /// Streams that have been open.
    pub(crate) ready: AtomicU64,
    /// When the last of them was for the first time.
    pub(crate) ready_at: AtomicU64,
    /// When the last event of whatever origin came.
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

    /// Ends the run, well or not; the first word counts.
    pub(crate) fn end(&self, how: Result<(), String>) {
        let end = lock(&self.end);
        let _ = self.over.set(how);
        drop(end);
        self.ended.notify_all();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.get().is_some()
    }

    /// Notes why streams are not resumed, of the first of them.
    pub(crate) fn note(&self, error: &Error) {
        let _ = self.note.set(visible::line(&error.to_string()));
    }

    /// Why the run could not go on.
    pub(crate) fn failure(&self) -> Result<(), String> {
        self.over.get().cloned().unwrap_or(Ok(()))
    }

    /// Waits for so long, or until the run is over; whether it is not.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let goes_on = |(): &mut ()| !self.is_over();
        drop(self.ended.wait_timeout_while(lock(&self.end), time, goes_on));
        !self.is_over()
    }

    /// The same until then; returns at once if that has passed.
    pub(crate) fn wait_until(&self, then: u64) -> bool {
        match then.saturating_sub(self.clock.now()) {
            0 => !self.is_over(),
            left => self.wait(Duration::from_nanos(left)),
        }
    }

    /// Ends the run if this thread panics: nobody need wait for it then.
    pub(crate) fn alarm(self: &Arc<Self>) -> Alarm {
        Alarm(Arc::clone(self))
    }
}

/// Held by a thread that others rely on.
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
    fn who_waits_for_a_time_is_woken_by_the_end_of_the_run() {
        let tally = Arc::new(Tally::new(0));
        assert!(tally.wait_until(0), "it has passed");
        let waiting = Arc::clone(&tally);
        let waits = thread::spawn(move || waiting.wait_until(u64::MAX));
        tally.end(Err("the first word".into()));
        tally.end(Ok(()));
        assert!(!waits.join().unwrap() && !tally.wait_until(0));
        assert_eq!(tally.failure(), Err("the first word".into()));
    }
}

//! What all threads of a run share: its clock, its counts, its histograms, and whether it is over.
//!
//! The main thread says when what is published is timed, and when nothing is published any more.
//! Whoever can't go on says why, and the run is over: also a thread that panics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use tidings::Error;

use super::histogram::Histogram;
use super::stream::lock;
use crate::cli::visible;

/// Nanoseconds since the bench began: what all times of a run are in.
#[derive(Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn now(&self) -> u64 {
        nanoseconds(self.0.elapsed())
    }
}

pub(super) fn nanoseconds(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}

#[derive(Debug)]
pub(super) struct Tally {
    pub(super) clock: Clock,
    /// Tells this run's events from those of others.
    pub(super) run: u64,
    /// What is due before this is not timed.
    pub(super) timed_from: AtomicU64,
    /// Publishing is over: who reads slowly need not any more.
    pub(super) draining: AtomicBool,
    /// An event with an id has come.
    pub(super) ids: AtomicBool,
    /// Why the streams are not resumed. Whoever shows the progress says it.
    pub(super) note: OnceLock<String>,
    /// How the run ended. It is looked at for each event, so that takes no lock.
    over: OnceLock<Result<(), String>>,
    /// Held by who waits for the end, and by who sets it.
    end: Mutex<()>,
    ended: Condvar,
    pub(super) counts: Counts,
    pub(super) times: Times,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Streams that are open now.
    pub(super) open: AtomicU64,
    /// Streams that have been open.
    pub(super) ready: AtomicU64,
    /// When the last of them was for the first time.
    pub(super) ready_at: AtomicU64,
    pub(super) connects: AtomicU64,
    /// Connections that the bench ended itself, on purpose.
    pub(super) cuts: AtomicU64,
    /// Connections that ended otherwise.
    pub(super) drops: AtomicU64,
    /// Attempts to come back that brought no stream.
    pub(super) refusals: AtomicU64,
    /// Events of this run, doubles included.
    pub(super) deliveries: AtomicU64,
    /// Those that were new to their stream.
    pub(super) fresh: AtomicU64,
    /// When the last event of whatever origin came.
    pub(super) last_at: AtomicU64,
    /// Those that were sent before the connection was there.
    pub(super) replayed: AtomicU64,
    /// Those of them that lie behind a cut of the bench's own.
    pub(super) untimed: AtomicU64,
    /// Events that are not this run's.
    pub(super) foreign: AtomicU64,
    /// `tidings.gap` events.
    pub(super) gaps: AtomicU64,
    /// Received on streams, heads included.
    pub(super) bytes: AtomicU64,
    pub(super) published: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) in_doubt: AtomicU64,
    /// Events that were sent once more, as a connection that was kept had ended.
    pub(super) again: AtomicU64,
}

#[derive(Debug, Default)]
pub(super) struct Times {
    /// From when an event was due to its receipt.
    pub(super) latency: Histogram,
    /// The same without what the bench itself was late.
    pub(super) served: Histogram,
    /// How late the bench published, by its own fault.
    pub(super) late: Histogram,
    /// How long each publish took, from its first byte to the end of its answer.
    pub(super) publish: Histogram,
    /// From the first byte of a stream's first connect to the end of its head.
    pub(super) connect: Histogram,
    /// The same where a stream comes back.
    pub(super) reconnect: Histogram,
    /// From the end of a connection to the head of the stream that goes on with it, with the pause
    /// in between.
    pub(super) away: Histogram,
    /// How long a stream's thread waited for a core when something came, now and then.
    pub(super) queued: Histogram,
}

impl Tally {
    pub(super) fn new(run: u64) -> Self {
        Self {
            clock: Clock(Instant::now()),
            run,
            timed_from: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            ids: AtomicBool::new(false),
            note: OnceLock::new(),
            over: OnceLock::new(),
            end: Mutex::default(),
            ended: Condvar::new(),
            counts: Counts::default(),
            times: Times::default(),
        }
    }

    /// Ends the run, well or not; the first word counts.
    pub(super) fn end(&self, how: Result<(), String>) {
        let end = lock(&self.end);
        let _ = self.over.set(how);
        drop(end);
        self.ended.notify_all();
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.get().is_some()
    }

    /// Notes why streams are not resumed, of the first of them.
    pub(super) fn note(&self, error: &Error) {
        let _ = self.note.set(visible::line(&error.to_string()));
    }

    /// Why the run could not go on.
    pub(super) fn failure(&self) -> Result<(), String> {
        self.over.get().cloned().unwrap_or(Ok(()))
    }

    /// Waits for so long, or until the run is over; whether it is not.
    pub(super) fn wait(&self, time: Duration) -> bool {
        let goes_on = |(): &mut ()| !self.is_over();
        drop(self.ended.wait_timeout_while(lock(&self.end), time, goes_on));
        !self.is_over()
    }

    /// The same until then; returns at once if that has passed.
    pub(super) fn wait_until(&self, then: u64) -> bool {
        match then.saturating_sub(self.clock.now()) {
            0 => !self.is_over(),
            left => self.wait(Duration::from_nanos(left)),
        }
    }

    /// Ends the run if this thread panics: nobody need wait for it then.
    pub(super) fn alarm(self: &Arc<Self>) -> Alarm {
        Alarm(Arc::clone(self))
    }
}

/// Held by a thread that others rely on.
pub(super) struct Alarm(Arc<Tally>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.end(Err("a thread of the bench has panicked, which is a mistake in it".into()));
        }
    }
}

/// Counts so many more.
pub(super) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Relaxed);
}

pub(super) fn get(counter: &AtomicU64) -> u64 {
    counter.load(Relaxed)
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

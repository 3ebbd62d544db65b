//! What goes on while something fails: publishers on all hubs, and streams of all habits.
//!
//! ```text
//! 4 publishers ──► any hub ──► Redis ──► every hub ──► 4 streams that stay, 4 that hop, 2 that sleep
//! ```

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::hopper::{self, Habit, Received};
use crate::hubs::Hubs;
use crate::publisher::{self, Published};
use crate::support::until;

pub(crate) const CHANNELS: [&str; 3] = ["a", "b", "c"];

const PUBLISHERS: usize = 4;

/// The channels of each stream, and its habit.
const STREAMS: [(&[&str], Habit); 10] = [
    (&["a"], Habit::Stays),
    (&["b"], Habit::Stays),
    (&["a", "c"], Habit::Stays),
    (&CHANNELS, Habit::Stays),
    (&["a"], Habit::Hops),
    (&["c"], Habit::Hops),
    (&["a", "b"], Habit::Hops),
    (&CHANNELS, Habit::Hops),
    (&["b"], Habit::Sleeps),
    (&CHANNELS, Habit::Sleeps),
];

/// How often each fault comes: `TIDINGS_CLUSTER_ROUNDS`, or as often as the short form has it.
pub(crate) fn rounds(short: usize) -> usize {
    std::env::var("TIDINGS_CLUSTER_ROUNDS")
        .map_or(short, |rounds| rounds.parse().expect("TIDINGS_CLUSTER_ROUNDS is a number"))
}

/// When something happened that may have lost events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) from: Instant,
    pub(crate) to: Instant,
}

pub(crate) struct Load<'a> {
    pub(crate) hubs: &'a Hubs,
    pub(crate) seed: u64,
    acknowledged: AtomicUsize,
    /// Publishers end.
    over: AtomicBool,
    /// Since when nothing more is published.
    ended: Mutex<Option<Instant>>,
    /// The test has failed: everybody ends.
    failed: AtomicBool,
    losses: Mutex<Vec<Fault>>,
    /// The longest that a thread was kept waiting that had nothing to do.
    late: Mutex<Duration>,
}

/// What became of all that.
pub(crate) struct Outcome {
    pub(crate) published: Vec<Published>,
    pub(crate) received: Vec<Received>,
    pub(crate) losses: Vec<Fault>,
    pub(crate) late: Duration,
    pub(crate) ended: Vec<String>,
}

/// Ends all threads with a test that fails.
struct Fails<'a>(&'a AtomicBool);

impl Drop for Fails<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}

impl Load<'_> {
    pub(crate) fn is_over(&self) -> bool {
        self.has_failed() || self.over.load(Ordering::SeqCst)
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    /// Whether everything was published so long ago.
    pub(crate) fn is_too_late(&self, long: Duration) -> bool {
        self.ended.lock().unwrap().is_some_and(|ended| ended.elapsed() > long)
    }

    pub(crate) fn acknowledge(&self, count: usize) {
        self.acknowledged.fetch_add(count, Ordering::SeqCst);
    }

    /// Waits until so many more events are published.
    #[track_caller]
    pub(crate) fn go_on(&self, events: usize) {
        let before = self.acknowledged.load(Ordering::SeqCst);
        until("publishes", || self.acknowledged.load(Ordering::SeqCst) >= before + events);
    }

    /// Does something that may lose events.
    pub(crate) fn loses<T>(&self, act: impl FnOnce() -> T) -> T {
        let from = Instant::now();
        let done = act();
        self.losses.lock().unwrap().push(Fault { from, to: Instant::now() });
        done
    }

    /// Notes how long the machine keeps a thread waiting.
    fn watch(&self, done: &AtomicBool) {
        const STEP: Duration = Duration::from_millis(5);
        while !done.load(Ordering::SeqCst) {
            let before = Instant::now();
            thread::sleep(STEP);
            let late = before.elapsed().saturating_sub(STEP);
            let mut most = self.late.lock().unwrap();
            *most = late.max(*most);
        }
    }
}

/// Has publishers and streams on these hubs while the faults come.
pub(crate) fn run(hubs: &Hubs, faults: impl FnOnce(&Load<'_>)) -> Outcome {
    let seed = u64::from(std::process::id());
    let load = Load {
        hubs,
        seed,
        acknowledged: AtomicUsize::new(0),
        over: AtomicBool::new(false),
        ended: Mutex::new(None),
        failed: AtomicBool::new(false),
        losses: Mutex::default(),
        late: Mutex::default(),
    };
    let done = AtomicBool::new(false);
    let (mut published, mut received) = (Vec::new(), Vec::new());
    thread::scope(|scope| {
        let _fails = Fails(&load.failed);
        let (load, done) = (&load, &done);
        scope.spawn(move || load.watch(done));
        let streams: Vec<_> = (0..)
            .zip(STREAMS)
            .map(|(number, (channels, habit))| {
                scope.spawn(move || hopper::follow(load, number, channels, habit))
            })
            .collect();
        let publishers: Vec<_> = (0..PUBLISHERS)
            .map(|number| scope.spawn(move || publisher::publish(load, number)))
            .collect();
        let ends = Ends(done);
        load.go_on(20);
        faults(load);
        load.go_on(20);
        load.over.store(true, Ordering::SeqCst);
        published.extend(publishers.into_iter().map(|one| one.join().expect("what it knows")));
        published.extend(CHANNELS.map(|channel| publisher::publish_last(load, channel)));
        *load.ended.lock().unwrap() = Some(Instant::now());
        received.extend(streams.into_iter().map(|one| one.join().expect("what it was sent")));
        drop(ends);
    });
    let (losses, late) = (load.losses.into_inner().unwrap(), load.late.into_inner().unwrap());
    let ended = hubs.ended();
    Outcome { published, received, losses, late, ended }
}

/// Ends the thread that watches the clock.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

//! Passes: sending every stream of a shard what its channel has for it.
//!
//! A server's streams are divided into shards, one for each core. Each shard has a fan-out thread,
//! which starts with the shard's first stream that follows a channel. A channel keeps its streams
//! in [groups](super::group), one for each shard that has any, so a pass comes to the streams of
//! one channel in one shard and to no others.
//!
//! ```text
//!             ┌─ group of shard 0: stream stream stream …   ◄─ a slice by whoever holds
//! channel ────┤                                                the pass of shard 0
//!             ├─ group of shard 1: stream stream …
//!             └─ group of the inline shard: reader reader …    ◄─ whoever publishes
//! ```
//!
//! What reads a channel in this process is in a shard of its own, the same for all channels. It has
//! no thread and no passes: a publisher comes to each of its readers itself, as that is but a note
//! and no `send` ([`in_process`](super::in_process)).
//!
//! **Who makes a pass.** The publisher, if the channel has few streams (`FEW`), nobody makes a pass
//! in this shard, and the shard has rested for at least as long as its last pass took: then an
//! event goes out without a thread being woken. (`Group::publish` decides.) The publisher makes one
//! slice at most. Otherwise, and for the rest, it queues the group and goes on. The fan-out threads
//! of all shards make the next pass at the same time, and what was published in the meantime goes
//! out together. So a lone event costs one `send` for each stream, and under pressure many share
//! one.
//!
//! **Whose turn it is.** Of the queued groups the thread takes the one that has used the least of
//! its time, and after a slice it chooses again. So one channel with thousands of streams, or many
//! such channels, do not delay another that needs little. Time is counted as in start-time fair
//! queueing: a group's count begins no lower than the count of whichever was served last, so that
//! nobody saves up credit while it rests.

use std::collections::BinaryHeap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::batches::Batches;
use crate::error::{Error, Result};
use crate::net::first::First;
use crate::net::lifecycle::{Lifecycle, Stage};
use crate::net::moment::Moment;
use crate::net::panics::Panics;
use crate::net::pool::join_by;
use crate::net::sync::thread::{self, JoinHandle};
use crate::net::sync::{
    AtomicU64, Condvar, Instant, Mutex, MutexGuard, Ordering, PoisonError, TryLockError,
};

/// A pass needs little stack and calls no user code but hooks.
const STACK: usize = 256 * 1024;

/// The shards of one server. Owned by it; [`stop`](Self::stop) ends and joins their threads.
pub(crate) struct Fanout {
    shards: Vec<Arc<Shard>>,
}

/// One core's share of a server's streams.
pub(crate) struct Shard {
    /// Whether it is the one of readers in this process, to which publishers come themselves.
    pub(super) is_inline: bool,
    /// What waits for the fan-out thread. No other lock is taken while this one is held.
    queue: Mutex<Queue>,
    wake: Condvar,
    /// Held by whoever makes a slice, so that there is one at a time. Before a group's list.
    pass: Mutex<Pass>,
    /// The count of time used at which the group that was served last began.
    clock: AtomicU64,
    pub(super) panics: Arc<Panics>,
    lifecycle: Arc<Lifecycle>,
}

/// What a shard's threads work at, a slice at a time: the streams of one channel.
pub(super) trait Work: Send + Sync {
    /// How much of the shard's time it has used, as [`Shard::charge`] counts it.
    fn used(&self) -> &AtomicU64;

    /// Makes a slice of a pass, and says when that ended.
    fn slice(self: Arc<Self>, shard: &Shard, pass: MutexGuard<'_, Pass>) -> Moment;
}

/// What is served first: where its count of time used begins; where that is the same, how much it
/// had used; then the group that was queued first.
type Order = (u64, u64, u64);

#[derive(Default)]
struct Queue {
    /// Nothing is here twice: see [`Group::publish`](super::group::Group::publish).
    waiting: BinaryHeap<First<Order, Arc<dyn Work>>>,
    /// How many were ever queued.
    count: u64,
    asleep: bool,
    thread: Option<JoinHandle<()>>,
}

/// What belongs to whoever makes a slice.
#[derive(Default)]
pub(super) struct Pass {
    pub(super) batches: Batches,
    /// When the newest slice began, and when it ended.
    pub(super) began: Moment,
    pub(super) ended: Moment,
    /// How long the last pass took, as far as it has come.
    pub(super) took: Duration,
}

impl Pass {
    /// A slice begins, which has come to nothing yet.
    fn begin(&mut self, now: Moment) {
        (self.began, self.ended) = (now, now);
    }
}

impl Fanout {
    pub(crate) fn new(shards: usize, panics: &Arc<Panics>, lifecycle: &Arc<Lifecycle>) -> Self {
        let shard = |_| Shard::new(false, panics, lifecycle);
        Self { shards: (0..shards.max(1)).map(shard).collect() }
    }

    /// The shard of the stream with this number.
    pub(crate) fn shard(&self, stream: u32) -> &Arc<Shard> {
        &self.shards[stream as usize % self.shards.len()]
    }

    /// Ends the threads and joins them. Returns how many would not end by the deadline, as a hook
    /// holds them.
    pub(crate) fn stop(&self, deadline: Instant) -> usize {
        for shard in &self.shards {
            shard.lifecycle.raise(Stage::Ending);
            drop(shard.lock_queue());
            shard.wake.notify_all();
        }
        let threads = self.shards.iter().filter_map(|shard| shard.lock_queue().thread.take());
        threads.filter_map(|thread| join_by(thread, deadline).err()).count()
    }
}

impl Shard {
    fn new(is_inline: bool, panics: &Arc<Panics>, lifecycle: &Arc<Lifecycle>) -> Arc<Self> {
        Arc::new(Self {
            is_inline,
            queue: Mutex::default(),
            wake: Condvar::new(),
            pass: Mutex::default(),
            clock: AtomicU64::new(0),
            panics: Arc::clone(panics),
            lifecycle: Arc::clone(lifecycle),
        })
    }

    /// That of all readers in this process.
    pub(super) fn inline() -> &'static Arc<Self> {
        static INLINE: OnceLock<Arc<Shard>> = OnceLock::new();
        INLINE.get_or_init(|| Self::new(true, &Arc::default(), &Arc::default()))
    }

    /// Starts the fan-out thread if it is not running yet.
    pub(crate) fn start(self: &Arc<Self>) -> Result<()> {
        let mut queue = self.lock_queue();
        if queue.thread.is_none() && !self.is_over() {
            let shard = Arc::clone(self);
            let thread = thread::Builder::new()
                .name("tidings-fanout".into())
                .stack_size(STACK)
                .spawn(move || shard.work())
                .map_err(|error| Error::io("can't start a fan-out thread", error))?;
            queue.thread = Some(thread);
        }
        Ok(())
    }

    /// The life of a fan-out thread: slice after slice, for whichever group's turn it is.
    fn work(&self) {
        while let Some(work) = self.next() {
            self.panics.catch(|| work.slice(self, self.pass()));
        }
    }

    /// The pass, for a slice that begins now.
    pub(super) fn pass(&self) -> MutexGuard<'_, Pass> {
        let mut pass = self.pass.lock().unwrap_or_else(PoisonError::into_inner);
        pass.begin(Moment::now());
        pass
    }

    /// Waits until something is queued, and takes what is next; `None` ends the thread.
    pub(super) fn next(&self) -> Option<Arc<dyn Work>> {
        let mut queue = self.lock_queue();
        while queue.waiting.is_empty() && !self.is_over() {
            queue.asleep = true;
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.asleep = false;
            // The publisher that woke this thread may share its core, and has a response to send.
            drop(queue);
            thread::yield_now();
            queue = self.lock_queue();
        }
        queue.waiting.pop().filter(|_| !self.is_over()).map(|first| first.value)
    }

    pub(super) fn enqueue(&self, work: Arc<dyn Work>) {
        let mut queue = self.lock_queue();
        if self.is_over() {
            // Its streams have ended, and nobody would take it out again.
            return;
        }
        queue.count += 1;
        let used = work.used().load(Ordering::Relaxed);
        let order = (self.begin(used), used, queue.count);
        queue.waiting.push(First { key: order, value: work });
        // Waking costs a system call, also when nobody sleeps.
        if queue.asleep {
            queue.asleep = false;
            drop(queue);
            self.wake.notify_one();
        }
    }

    /// Where the count of a group begins that has used so much.
    fn begin(&self, used: u64) -> u64 {
        used.max(self.clock.load(Ordering::Relaxed))
    }

    /// Adds to the time that a group has used. Called by whoever holds the pass.
    pub(super) fn charge(&self, used: &AtomicU64, took: Duration) {
        let begin = self.begin(used.load(Ordering::Relaxed));
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.clock.store(begin, Ordering::Relaxed);
        used.store(begin.saturating_add(took), Ordering::Relaxed);
    }

    /// The same as [`pass`](Self::pass), if nobody holds it and the shard has rested for as long as
    /// the last one took.
    pub(super) fn rested(&self, now: Moment) -> Option<MutexGuard<'_, Pass>> {
        let mut pass = match self.pass.try_lock() {
            Ok(pass) => pass,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        if now.since(pass.ended) < pass.took {
            return None;
        }
        pass.begin(now);
        Some(pass)
    }

    fn is_over(&self) -> bool {
        self.lifecycle.has_reached(Stage::Ending)
    }

    fn lock_queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_has_one_thread_and_none_after_its_end() {
        let fanout = Fanout::new(1, &Arc::default(), &Arc::default());
        let shard = fanout.shard(0);
        let thread = || shard.lock_queue().thread.as_ref().map(|thread| thread.thread().id());
        shard.start().unwrap();
        let first = thread();
        shard.start().unwrap();
        assert!(first.is_some() && thread() == first);
        assert_eq!(fanout.stop(Instant::now() + Duration::from_secs(20)), 0);
        shard.start().unwrap();
        assert_eq!(thread(), None);
    }
}

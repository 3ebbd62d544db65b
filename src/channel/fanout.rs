//! Passes: sending every stream of a shard what its channel has for it.
//!
//! A server's streams are divided into shards, one for each core, and each shard has a fan-out
//! thread, started with its first stream. A channel keeps its streams in *groups*, one for each
//! shard that has any, so a pass looks at the streams of one channel in one shard and at no others.
//!
//! ```text
//!             ┌─ group of shard 0: stream stream stream …   ◄─ pass by whoever holds
//! channel ────┤                                                the pass of shard 0
//!             └─ group of shard 1: stream stream …
//! ```
//!
//! **Who makes a pass.** The publisher, if nobody makes one in this shard and the shard has rested
//! for at least as long as its last pass took: then an event goes out without a thread being
//! woken. Otherwise the publisher leaves word and returns; the fan-out thread makes the next pass,
//! and what was published in the meantime goes out together. So a lone event costs one `send` for
//! each stream, and under pressure many share one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::cursor::{Cursor, Lagged};
use super::subscription::Subscription;
use crate::error::{Error, Result};
use crate::moment::Moment;
use crate::pool::join_by;
use crate::sse::stream::Stream;
use crate::sse::stream::delivery::Advance;

/// A pass needs little stack and calls no user code but hooks.
const STACK: usize = 256 * 1024;

/// The shards of one server. Owned by it; [`stop`](Self::stop) ends and joins their threads.
#[derive(Debug)]
pub(crate) struct Fanout {
    shards: Vec<Arc<Shard>>,
}

/// One core's share of a server's streams.
#[derive(Debug)]
pub(crate) struct Shard {
    /// What waits for the fan-out thread. Taken last, while no other lock is taken behind it.
    queue: Mutex<Queue>,
    wake: Condvar,
    /// Held by whoever makes a pass, so that there is one at a time. Before a group's streams.
    pass: Mutex<Pass>,
}

#[derive(Debug, Default)]
struct Queue {
    /// No group twice: see [`Group::queued`].
    groups: Vec<Arc<Group>>,
    asleep: bool,
    stopping: bool,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Pass {
    batches: Batches,
    ended: Instant,
    took: Duration,
}

/// The streams of one channel in one shard.
#[derive(Debug)]
pub(crate) struct Group {
    /// Gone once its server has ended: a channel may outlive many of them.
    shard: Weak<Shard>,
    /// Whether it is in the shard's queue. Only the fan-out thread takes it out.
    queued: AtomicBool,
    /// A pass takes the list as it is and locks it for no longer, so whoever comes or goes
    /// meanwhile waits for no pass: the list is then copied, once for each pass at most.
    streams: Mutex<Arc<Vec<Arc<Stream>>>>,
}

impl Fanout {
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let shard = |_| {
            Arc::new(Shard {
                queue: Mutex::default(),
                wake: Condvar::new(),
                pass: Mutex::new(Pass {
                    batches: Batches::default(),
                    ended: Instant::now(),
                    took: Duration::ZERO,
                }),
            })
        };
        Self { shards: (0..cores).map(shard).collect() }
    }

    /// The shard of the stream with this number.
    pub(crate) fn shard(&self, stream: u32) -> &Arc<Shard> {
        &self.shards[stream as usize % self.shards.len()]
    }

    /// Ends the threads and joins them. Returns how many would not end by the deadline, as a hook
    /// holds them.
    pub(crate) fn stop(&self, deadline: Instant) -> usize {
        for shard in &self.shards {
            shard.lock_queue().stopping = true;
            shard.wake.notify_all();
        }
        let threads = self.shards.iter().filter_map(|shard| shard.lock_queue().thread.take());
        threads.filter_map(|thread| join_by(thread, deadline).err()).count()
    }
}

impl Shard {
    /// Starts the fan-out thread if it is not running yet.
    pub(crate) fn start(self: &Arc<Self>) -> Result<()> {
        let mut queue = self.lock_queue();
        if queue.thread.is_none() && !queue.stopping {
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

    /// The life of a fan-out thread: a pass for each group that has something new.
    fn work(&self) {
        let mut groups = Vec::new();
        while self.take_queued(&mut groups) {
            for group in groups.drain(..) {
                // Before the log is read: what is published after this queues the group again.
                group.queued.store(false, Ordering::Release);
                let pass = self.pass.lock().unwrap_or_else(PoisonError::into_inner);
                group.pass(pass);
            }
        }
    }

    /// Waits until groups are queued, and takes them all; false ends the thread.
    fn take_queued(&self, groups: &mut Vec<Arc<Group>>) -> bool {
        let mut queue = self.lock_queue();
        while queue.groups.is_empty() && !queue.stopping {
            queue.asleep = true;
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.asleep = false;
        }
        std::mem::swap(&mut queue.groups, groups);
        !queue.stopping
    }

    fn enqueue(&self, group: &Arc<Group>) {
        let mut queue = self.lock_queue();
        if queue.stopping {
            // Its streams have ended, and nobody would take it out again.
            return;
        }
        queue.groups.push(Arc::clone(group));
        // Waking costs a system call, also when nobody sleeps.
        if queue.asleep {
            queue.asleep = false;
            drop(queue);
            self.wake.notify_one();
        }
    }

    fn lock_queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Group {
    pub(crate) fn new(shard: &Arc<Shard>) -> Self {
        Self {
            shard: Arc::downgrade(shard),
            queued: AtomicBool::new(false),
            streams: Mutex::default(),
        }
    }

    pub(crate) fn is_of(&self, shard: &Arc<Shard>) -> bool {
        std::ptr::eq(self.shard.as_ptr(), &**shard)
    }

    /// Whether its server has ended, and with it all its streams.
    pub(crate) fn is_over(&self) -> bool {
        self.shard.strong_count() == 0
    }

    pub(crate) fn add(&self, stream: &Arc<Stream>) {
        Arc::make_mut(&mut *self.lock()).push(Arc::clone(stream));
    }

    pub(crate) fn remove(&self, stream: &Stream) {
        let mut streams = self.lock();
        let found = streams.iter().position(|other| std::ptr::eq(&**other, stream));
        // The caller borrows the stream, so this is not its last owner.
        found.map(|at| Arc::make_mut(&mut *streams).swap_remove(at));
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(crate) fn streams(&self) -> Vec<Arc<Stream>> {
        self.lock().to_vec()
    }

    /// Brings what was published to the streams: now and here, or by the fan-out thread.
    pub(crate) fn publish(self: &Arc<Self>) {
        let Some(shard) = self.shard.upgrade() else { return };
        if let Ok(pass) = shard.pass.try_lock() {
            if pass.ended.elapsed() >= pass.took {
                return self.pass(pass);
            }
        }
        self.leave_to(&shard);
    }

    /// Has the fan-out thread make a pass.
    pub(crate) fn leave_to_the_thread(self: &Arc<Self>) {
        if let Some(shard) = self.shard.upgrade() {
            self.leave_to(&shard);
        }
    }

    fn leave_to(self: &Arc<Self>, shard: &Shard) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            shard.enqueue(self);
        }
    }

    /// One pass: sends each stream one batch at most.
    fn pass(self: &Arc<Self>, mut pass: MutexGuard<'_, Pass>) {
        let (began, now) = (Instant::now(), Moment::now());
        let mut after = Aftermath::default();
        pass.batches.forget();
        // After `forget`: who is not in this list yet reads the log itself when it has joined.
        let streams = Arc::clone(&self.lock());
        for stream in streams.iter() {
            let advance = stream.advance(&mut pass.batches, now);
            after.note(stream, advance);
        }
        pass.ended = Instant::now();
        pass.took = pass.ended - began;
        pass.batches.forget();
        drop(pass);
        if after.settle() {
            self.leave_to_the_thread();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Vec<Arc<Stream>>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a pass found that has to be done without its locks.
#[derive(Default)]
struct Aftermath {
    streams: Vec<(Arc<Stream>, Advance)>,
    more: bool,
}

impl Aftermath {
    fn note(&mut self, stream: &Arc<Stream>, advance: Advance) {
        self.more |= advance.has_more();
        if stream.needs_settling(advance) {
            self.streams.push((Arc::clone(stream), advance));
        }
    }

    /// Returns whether a stream has more to be sent at once.
    fn settle(self) -> bool {
        for (stream, advance) in self.streams {
            stream.settle(advance);
        }
        self.more
    }
}

/// The batches of one pass. Most streams of a channel stand at the same place, so two are enough:
/// one that they share, and one for those who don't.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    shared: Keyed,
    own: Keyed,
}

#[derive(Debug, Default)]
struct Keyed {
    /// For what the batch was read: a channel, a place and a framing.
    key: Option<(u64, Cursor, bool)>,
    batch: Batch,
}

impl Batches {
    /// The logs may have grown: nothing that was read before is served again. And one huge event
    /// does not hold its memory until the next.
    pub(crate) fn forget(&mut self) {
        for slot in [&mut self.shared, &mut self.own] {
            slot.key = None;
            slot.batch.give_back();
        }
    }

    /// What the stream is to be sent next.
    pub(crate) fn next(&mut self, of: &Subscription, plain: bool) -> Result<&Batch, Lagged> {
        let key = of.only_channel().map(|channel| (channel, of.cursor(), plain));
        if key.is_some() && self.shared.key == key {
            return Ok(&self.shared.batch);
        }
        let slot = if self.shared.key.is_none() { &mut self.shared } else { &mut self.own };
        if key.is_none() || slot.key != key {
            // A read that fails has emptied the batch.
            slot.key = None;
            of.read(plain, &mut slot.batch)?;
            slot.key = key;
        }
        Ok(&slot.batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Channel;
    use crate::channel::cursor::{Lag, Start};
    use crate::channel::log::History;

    #[test]
    fn a_stream_that_lags_does_not_empty_the_batch_of_the_next() {
        let channel = Channel::with(History::default().events(2), Lag::Close);
        let here = || Subscription::new(std::slice::from_ref(&channel), Start::Live).unwrap().0;
        let lags = here();
        channel.send("1").unwrap();
        let second = here();
        channel.send("2").unwrap();
        let third = here();
        channel.send("3").unwrap();

        let mut batches = Batches::default();
        assert_eq!(batches.next(&second, false).unwrap().events(), 2);
        assert_eq!(batches.next(&third, false).unwrap().events(), 1);
        assert!(batches.next(&lags, false).is_err());
        assert_eq!(batches.next(&third, false).unwrap().events(), 1);
    }
}

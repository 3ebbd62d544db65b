//! The streams of one channel in one shard, and a pass over them.
//!
//! A pass is made in *slices* of about [`SLICE`], after each of which other groups of the shard get
//! their turn. It goes round: it begins where the last one stopped, and ends when it has come to
//! each bucket of the list once since the newest publish that it knows of.
//!
//! **No wake-up is lost.** A publisher appends to the log, then sets `turn`; a slice clears `turn`,
//! then reads the list of streams and the log. So, for a stream that follows the channel:
//!
//! 1. An event that was appended before `turn` was cleared is in the log when the slice reads it.
//! 2. For an event that is appended later, its publisher finds `turn` cleared and queues the group
//!    again, or finds that another publisher has done so. Then another pass begins, even while a
//!    slice of this one is under way. Streams in buckets after that slice are sent the event
//!    sooner.
//! 3. A stream that is not in a bucket when a slice takes it joins later than that, and reads the
//!    log itself after it has joined ([`Reader`]). It finds each event whose publisher had set
//!    `turn` by then; a publisher that sets it later causes a pass that finds the stream. The same
//!    holds if the group is new and a publisher read the channel's groups before it was added.
//!
//! Whoever moves `turn` away from [`IDLE`] makes a slice or queues the group, so a group whose
//! `turn` is not idle always has a thread that will pass over it.

use std::mem;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::batches::Batches;
use super::fanout::{Pass, Shard, Work};
use super::reader::{Advance, Reader};
use super::slots::{Bucket, Slots};
use crate::error::CloseReason;
use crate::net::moment::Moment;
use crate::net::sync::{AtomicU8, AtomicU64, Mutex, MutexGuard, Ordering, PoisonError};

/// How long a pass goes on before others get their turn. Long beside what it takes to change over,
/// short beside what anybody waits for without noticing.
const SLICE: Duration = Duration::from_millis(2);

/// Nothing is left to be sent, as far as publishers and passes know.
const IDLE: u8 = 0;
/// A pass has stopped after a slice.
const GOES_ON: u8 = 1;
/// There is something new: the pass has to come to each stream once more.
const FRESH: u8 = 2;

/// The streams of one channel in one shard.
pub(crate) struct Group {
    /// Gone once its server has ended: a channel may outlive many of them.
    shard: Weak<Shard>,
    /// The channel's newest sequence number.
    newest: Arc<AtomicU64>,
    /// [`IDLE`], [`GOES_ON`] or [`FRESH`]. See the head of this file.
    turn: AtomicU8,
    /// How much of the shard's time it has used, as [`Shard::charge`] counts it.
    used: AtomicU64,
    /// Locked for a moment at a time, so whoever joins or leaves waits for no pass.
    list: Mutex<List>,
}

#[derive(Default)]
struct List {
    readers: Slots<Arc<dyn Reader>>,
    /// The bucket that a pass comes to next, and how many it has still to come to, round the end of
    /// the list.
    next: usize,
    left: usize,
    /// How long the slices have taken since a pass last came to its end.
    took: Duration,
}

impl Group {
    pub(crate) fn new(shard: &Arc<Shard>, newest: &Arc<AtomicU64>) -> Self {
        Self {
            shard: Arc::downgrade(shard),
            newest: Arc::clone(newest),
            turn: AtomicU8::new(IDLE),
            used: AtomicU64::new(0),
            list: Mutex::default(),
        }
    }

    pub(crate) fn is_of(&self, shard: &Arc<Shard>) -> bool {
        std::ptr::eq(self.shard.as_ptr(), &**shard)
    }

    /// Adds a stream, and returns its slot.
    pub(crate) fn add(&self, reader: Arc<dyn Reader>) -> u32 {
        let mut list = self.lock();
        let buckets = list.readers.buckets();
        let slot = list.readers.add(reader);
        if list.readers.buckets() > buckets && list.left > 0 {
            // The pass comes to the new bucket on its way round to those that it has left.
            list.left += 1;
        }
        slot
    }

    /// Removes the stream that [`add`](Self::add) gave this slot, to be dropped without a lock: the
    /// last owner's drop may come back here.
    #[must_use]
    pub(crate) fn remove(&self, slot: u32) -> Option<Arc<dyn Reader>> {
        self.lock().readers.remove(slot)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().readers.len() == 0
    }

    pub(crate) fn readers(&self) -> Vec<Arc<dyn Reader>> {
        self.lock().readers.iter().cloned().collect()
    }

    /// Brings what was published to the streams. Where the channel has but a `few` and the shard
    /// has rested, the first slice is made here and now. All else is the fan-out thread's. Returns
    /// what is `now` after it.
    pub(crate) fn publish(self: &Arc<Self>, few: bool, now: Moment) -> Moment {
        let Some(shard) = self.shard.upgrade() else { return now };
        if shard.is_inline {
            self.note(now);
            return now;
        }
        if self.turn.swap(FRESH, Ordering::AcqRel) != IDLE {
            return now;
        }
        if let Some(pass) = few.then(|| shard.rested(now)).flatten() {
            return Arc::clone(self).slice(&shard, pass);
        }
        shard.enqueue(self.clone());
        now
    }

    /// Comes to each reader in this process, which only notes it.
    #[cold]
    fn note(&self, now: Moment) {
        let (newest, mut batches) = (self.newest.load(Ordering::Acquire), Batches::default());
        for reader in self.readers() {
            reader.advance(newest, &mut batches, now);
        }
    }

    /// Has the fan-out thread make a pass.
    pub(crate) fn leave_to_the_thread(self: &Arc<Self>) {
        if let Some(shard) = self.shard.upgrade() {
            self.leave_to(&shard, FRESH);
        }
    }

    /// `turn` only rises here: what is fresh stays fresh.
    fn leave_to(self: &Arc<Self>, shard: &Shard, turn: u8) {
        if self.turn.fetch_max(turn, Ordering::AcqRel) == IDLE {
            shard.enqueue(self.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work for Group {
    fn used(&self) -> &AtomicU64 {
        &self.used
    }

    /// Sends streams one batch each, bucket by bucket, for about [`SLICE`].
    fn slice(self: Arc<Self>, shard: &Shard, mut pass: MutexGuard<'_, Pass>) -> Moment {
        // Before the list and the log are read. An exchange and no store, as it must see all that
        // was written by whoever set it, `newest` among others.
        let mut fresh = self.turn.swap(IDLE, Ordering::AcqRel) == FRESH;
        let newest = self.newest.load(Ordering::Acquire);
        // What has to be done without the locks, and whether a stream has more to be sent at once.
        let (mut unsettled, mut more) = (Vec::new(), false);
        let unfinished = loop {
            let mut list = self.lock();
            if mem::take(&mut fresh) {
                list.left = list.readers.buckets();
            }
            let took = pass.ended.since(pass.began);
            let bucket = if took < SLICE { list.next_bucket() } else { None };
            let Some(readers) = bucket else {
                shard.charge(&self.used, took);
                break list.finish_slice(&mut pass, took);
            };
            drop(list);
            for reader in readers.iter() {
                let now = pass.began;
                let advance = shard.panics.catch(|| reader.advance(newest, &mut pass.batches, now));
                // One that panics would panic again.
                let advance = advance.unwrap_or(Advance::Over(CloseReason::Failed));
                more |= advance.has_more();
                if advance.needs_settling() {
                    unsettled.push((Arc::clone(reader), advance));
                }
            }
            pass.ended = Moment::now();
        };
        pass.batches.forget();
        let ended = pass.ended;
        drop(pass);
        if more {
            self.leave_to(shard, FRESH);
        } else if unfinished {
            self.leave_to(shard, GOES_ON);
        }
        for (reader, advance) in unsettled {
            let settled = shard.panics.catch(|| Arc::clone(&reader).settle(advance));
            if settled.is_none() {
                shard.panics.catch(|| reader.end(CloseReason::Failed));
            }
        }
        ended
    }
}

impl List {
    /// Takes the next bucket of the pass, if there is one left to come to.
    fn next_bucket(&mut self) -> Option<Arc<Bucket<Arc<dyn Reader>>>> {
        let left = self.left.min(self.readers.buckets());
        self.left = left.saturating_sub(1);
        if left == 0 {
            return None;
        }
        if self.next >= self.readers.buckets() {
            self.next = 0;
        }
        let bucket = self.readers.bucket(self.next).cloned();
        self.next += 1;
        bucket
    }

    /// Adds up what the slice has taken. Returns whether the pass has to go on.
    fn finish_slice(&mut self, pass: &mut Pass, took: Duration) -> bool {
        pass.took = self.took + took;
        self.took = if self.left > 0 { pass.took } else { Duration::ZERO };
        self.left > 0
    }
}

#[cfg(test)]
mod tests;

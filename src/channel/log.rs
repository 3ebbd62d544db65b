//! A channel's log: the newest events, encoded, in one contiguous run of bytes.
//!
//! ```text
//!   evicted │ 5       │ 6    │ 9           │ ◄─ push
//!           └─────────┴──────┴─────────────┘
//!                     ▲
//!                     a stream whose cursor is 5 is sent 6 and 9 in one piece
//! ```
//!
//! An event lies in the log as the chunk that goes over the wire (RFC 9112, section 7.1), so what
//! a stream is sent is copied from here and never encoded again. The log is at once the live
//! queue, the history for resume and the buffer for slow readers. It knows no clock: whoever
//! pushes says what time it is.
//!
//! It is bounded by [`History`]: by count, by bytes and by age. The oldest events go first. The
//! newest one stays however large it is, since it has still to be delivered; only age takes it.

use std::collections::VecDeque;
use std::time::Duration;

use super::batch::Batch;
use crate::sse::chunk;

/// How much of its past a channel keeps.
///
/// What is kept serves streams that come back with a last event ID and streams that read slowly.
/// The newest event is kept whatever its size, until it is too old.
///
/// ```
/// use std::time::Duration;
/// use tidings::{Channel, History};
///
/// let history = History::default().events(100).bytes(64 * 1024).age(Duration::from_secs(60));
/// let channel = Channel::with_history(history);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    events: usize,
    bytes: usize,
    age: Duration,
}

/// Enough for a client that comes back after a minute, at a dozen events a second.
const EVENTS: usize = 1_000;
/// A thousand events of a kilobyte; what one channel may cost in memory.
const BYTES: usize = 1024 * 1024;
/// Who has been away for longer is better served by the state than by its changes.
const AGE: Duration = Duration::from_secs(60 * 60);

impl Default for History {
    fn default() -> Self {
        Self { events: EVENTS, bytes: BYTES, age: AGE }
    }
}

impl History {
    /// How many events are kept. Defaults to 1,000.
    #[must_use]
    pub fn events(mut self, events: usize) -> Self {
        self.events = events;
        self
    }

    /// How many bytes of encoded events are kept. Defaults to 1 MiB.
    #[must_use]
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// How long an event may be kept.
    pub(crate) fn longest(&self) -> Duration {
        self.age
    }

    /// How long an event is kept, at least a second, so that it can be delivered. Defaults to one
    /// hour.
    #[must_use]
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age.max(Duration::from_secs(1));
        self
    }
}

#[derive(Debug)]
pub(crate) struct Log {
    history: History,
    /// The chunks of `entries`, one behind the other, without a gap.
    bytes: VecDeque<u8>,
    /// In the order of their sequence numbers, which rise but need not be adjacent: the channels
    /// of a hub draw from one sequence.
    entries: VecDeque<Entry>,
    /// How many bytes were ever evicted: the position of `bytes[0]` among all that were pushed.
    evicted_bytes: u64,
    /// How many events were ever pushed; less `entries.len()`, how many were evicted.
    pushed: u64,
    /// The sequence number of the first event ever pushed.
    first: u64,
    /// The sequence number of the newest event that was evicted; before the first eviction, the
    /// number up to which an earlier log of the same name may have had events.
    evicted_through: u64,
    /// What `evicted_through` began with: whatever lies before can't be counted.
    forgotten_through: u64,
    /// Where an event is encoded before its size is known. Empty between two pushes.
    scratch: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) sequence: u64,
    /// Where its chunk ends, counted from the first byte ever pushed.
    end: u64,
    pushed_at: Duration,
    /// How many bytes of the chunk stand before its content.
    size_line: u8,
}

/// An event much larger than others should not hold its memory for ever.
const SCRATCH_KEPT: usize = 16 * 1024;

/// Nor should the log keep many times the room that its events need.
const SPARE: usize = 8;

impl Log {
    /// An empty log. Events up to the sequence number `forgotten_through` may have been in a log
    /// that it replaces; zero if there was none.
    pub(crate) fn new(history: History, forgotten_through: u64) -> Self {
        Self {
            history,
            bytes: VecDeque::new(),
            entries: VecDeque::new(),
            evicted_bytes: 0,
            pushed: 0,
            first: 0,
            evicted_through: forgotten_through,
            forgotten_through,
            scratch: Vec::new(),
        }
    }

    /// Appends the event that `encode` writes, and lets go of what is then past the bounds.
    /// `sequence` is greater than every one before it; `now` never goes back.
    pub(crate) fn push(&mut self, sequence: u64, now: Duration, encode: impl FnOnce(&mut Vec<u8>)) {
        encode(&mut self.scratch);
        let size_line = chunk::size_line(self.scratch.len());
        self.bytes.extend(size_line.as_bytes());
        self.bytes.extend(&self.scratch);
        self.bytes.extend(b"\r\n");
        self.scratch.clear();
        self.scratch.shrink_to(SCRATCH_KEPT);
        if self.pushed == 0 {
            self.first = sequence;
        }
        self.pushed += 1;
        self.entries.push_back(Entry {
            sequence,
            end: self.evicted_bytes + self.bytes.len() as u64,
            pushed_at: now,
            size_line: size_line.as_bytes().len() as u8,
        });
        self.evict(now);
    }

    /// Lets go of what is past the bounds at this time.
    pub(crate) fn evict(&mut self, now: Duration) {
        while let Some(&oldest) = self.entries.front() {
            if !self.is_past_the_bounds(&oldest, now) {
                break;
            }
            self.entries.pop_front();
            self.bytes.drain(..(oldest.end - self.evicted_bytes) as usize);
            self.evicted_bytes = oldest.end;
            self.evicted_through = oldest.sequence;
        }
        if self.bytes.capacity() > SPARE * (self.bytes.len() + SCRATCH_KEPT) {
            self.bytes.shrink_to(2 * self.bytes.len());
        }
    }

    fn is_past_the_bounds(&self, oldest: &Entry, now: Duration) -> bool {
        let too_much = self.entries.len() > self.history.events.max(1)
            || (self.entries.len() > 1 && self.bytes.len() > self.history.bytes);
        too_much || now.saturating_sub(oldest.pushed_at) > self.history.age
    }

    pub(crate) fn pushed(&self) -> u64 {
        self.pushed
    }

    pub(crate) fn evicted_through(&self) -> u64 {
        self.evicted_through
    }

    /// The place among the kept events of the first that comes after `sequence`.
    pub(crate) fn after(&self, sequence: u64) -> usize {
        // Nearly every caller is up to date or one event behind.
        match self.entries.back() {
            Some(newest) if newest.sequence > sequence => {
                self.entries.partition_point(|entry| entry.sequence <= sequence)
            }
            _ => self.entries.len(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// How many evicted events a reader who had seen everything up to `sequence` has missed, or
    /// `None` where numbers of other channels lie between ours, so that they can't be counted.
    pub(crate) fn evicted_after(&self, sequence: u64) -> Option<u64> {
        if sequence >= self.evicted_through {
            return Some(0);
        }
        if sequence < self.forgotten_through {
            return None;
        }
        let evicted = self.pushed - self.entries.len() as u64;
        let dense = self.evicted_through + 1 - self.first == evicted;
        dense.then(|| self.evicted_through - sequence.max(self.first - 1))
    }

    /// Appends the kept events from `index` on to the batch until it is full; at least one.
    pub(crate) fn copy(&self, index: usize, batch: &mut Batch) {
        for (at, entry) in self.entries.iter().enumerate().skip(index) {
            if !batch.takes(self.chunk_len(at)) {
                return;
            }
            self.copy_one(at, entry, batch);
        }
    }

    /// Appends one kept event to the batch, as the batch frames it.
    pub(crate) fn copy_one(&self, index: usize, entry: &Entry, batch: &mut Batch) {
        let end = (entry.end - self.evicted_bytes) as usize;
        let start = end - self.chunk_len(index);
        batch.push(entry.sequence, entry.size_line as usize, |out| {
            let (head, tail) = self.bytes.as_slices();
            let split = head.len();
            out.extend_from_slice(&head[start.min(split)..end.min(split)]);
            out.extend_from_slice(&tail[start.saturating_sub(split)..end.saturating_sub(split)]);
        });
    }

    /// How long the chunk of a kept event is.
    pub(crate) fn chunk_len(&self, index: usize) -> usize {
        let start = match index.checked_sub(1) {
            Some(before) => self.entries[before].end,
            None => self.evicted_bytes,
        };
        (self.entries[index].end - start) as usize
    }
}

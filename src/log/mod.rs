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
//! A *large* event, whose chunk is longer than one batch, lies apart from the others and is never
//! copied: what is sent of it, and what is still to be sent of it, is a range of bytes that all
//! share ([`large`]).
//!
//! It is bounded by [`History`]: by count, by bytes and by age. The oldest events go first, before
//! a new one is appended. The newest one stays although it has more bytes than are to be kept,
//! since it has still to be delivered; only age takes it.

pub(crate) mod batch;
pub(crate) mod cursor;
pub(crate) mod gap;
pub(crate) mod large;
pub(crate) mod waiting;

use std::collections::VecDeque;
use std::time::Duration;

use crate::http::chunk;
use batch::Batch;
use large::LargeEvent;

/// How much of its past a channel keeps.
///
/// What is kept serves streams that come back with a last event ID and streams that read slowly.
/// The newest event is kept even if it alone has more bytes, until it is too old. So a channel
/// takes memory for `bytes` or one largest [`event`](Self::event), whichever is more; for one more
/// such event that streams are still being sent when it has left the log; and 48 bytes for each
/// event that it keeps.
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
    event: usize,
}

/// Enough for a client that comes back after a minute, at a dozen events a second.
const EVENTS: usize = 1_000;
/// A thousand events of a kilobyte; what one channel may cost in memory.
const BYTES: usize = 1024 * 1024;
/// Who has been away for longer is better served by the state than by its changes.
const AGE: Duration = Duration::from_secs(60 * 60);
/// What one event may cost the log, a batch and the socket. A body of as many bytes in one line is
/// seven bytes past it: its `data: ` and its line ends count too.
const EVENT: usize = 1024 * 1024;
/// More than the line of an id and the framing of a chunk add to an event.
const FRAMING: usize = 128;

impl Default for History {
    fn default() -> Self {
        Self { events: EVENTS, bytes: BYTES, age: AGE, event: EVENT }
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

    /// How many bytes one event may take, as it goes over the wire without the line of its id and
    /// without chunk framing: each line of its data costs seven bytes more. A larger one is not
    /// published: [`Channel::send`](crate::Channel::send) fails, and
    /// [`is_too_large`](crate::Error::is_too_large) says so. Defaults to 1 MiB.
    #[must_use]
    pub fn event(mut self, event: usize) -> Self {
        self.event = event;
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
    /// The chunks of those `entries` that are not large, one after the other, without a gap.
    bytes: VecDeque<u8>,
    /// In the order of their sequence numbers, which rise but need not be adjacent: the channels
    /// of a hub draw from one sequence.
    entries: VecDeque<Entry>,
    /// How many bytes the large ones of `entries` have.
    large_bytes: usize,
    /// Large events that were evicted while streams were still being sent them. See
    /// [`let_go`](Self::let_go).
    leaving: Vec<LargeEvent>,
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
    /// Where an event that is not large is encoded. Empty between two pushes.
    scratch: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) sequence: u64,
    /// Where its chunk ends, counted from the first byte ever pushed to `bytes`.
    end: u64,
    pushed_at: Duration,
    /// How many bytes of the chunk stand before its content.
    size_line: u8,
    /// Its chunk, if that is larger than one batch; then nothing of it is in `bytes`.
    large: Option<LargeEvent>,
}

/// What the scratch keeps between two events: 20,000 channels have one each.
const SCRATCH_KEPT: usize = 1024;

/// The log keeps no more than so many times the room that its events need.
const SPARE: usize = 4;

impl Log {
    /// An empty log. Events up to the sequence number `forgotten_through` may have been in a log
    /// that it replaces; zero if there was none.
    pub(crate) fn new(history: History, forgotten_through: u64) -> Self {
        Self {
            history,
            bytes: VecDeque::new(),
            entries: VecDeque::new(),
            large_bytes: 0,
            leaving: Vec::new(),
            evicted_bytes: 0,
            pushed: 0,
            first: 0,
            evicted_through: forgotten_through,
            forgotten_through,
            scratch: Vec::new(),
        }
    }

    /// How many bytes an event may have, without the line of its id.
    pub(crate) fn largest_event(&self) -> usize {
        self.history.event
    }

    /// Lets go of what would be past the bounds, and appends the event that `encode` writes in
    /// `len` bytes. `sequence` is greater than every one before it; `now` never goes back.
    pub(crate) fn push(
        &mut self,
        sequence: u64,
        now: Duration,
        len: usize,
        encode: impl FnOnce(&mut Vec<u8>),
    ) {
        let size_line = chunk::size_line(len);
        let size_line = size_line.as_bytes();
        let chunk_len = size_line.len() + len + b"\r\n".len();
        self.evict_while(|log, oldest| {
            log.is_too_old(oldest, now)
                || log.entries.len() >= log.history.events
                || log.kept_bytes() + chunk_len > log.history.bytes
        });
        let write = |out: &mut Vec<u8>| {
            out.reserve_exact(chunk_len);
            out.extend_from_slice(size_line);
            encode(out);
            out.extend_from_slice(b"\r\n");
            debug_assert_eq!(out.len(), chunk_len, "an event has the length that was counted");
        };
        let mut large = None;
        if chunk_len > batch::MOST {
            self.large_bytes += chunk_len;
            self.bytes.shrink_to(self.room());
            let mut chunk = Vec::new();
            write(&mut chunk);
            large = Some(LargeEvent::new(chunk));
        } else {
            write(&mut self.scratch);
            self.grow_for(chunk_len);
            self.bytes.extend(&self.scratch);
            self.scratch.clear();
            self.scratch.shrink_to(SCRATCH_KEPT);
        }
        if self.pushed == 0 {
            self.first = sequence;
        }
        self.pushed += 1;
        self.entries.push_back(Entry {
            sequence,
            end: self.evicted_bytes + self.bytes.len() as u64,
            pushed_at: now,
            size_line: size_line.len() as u8,
            large,
        });
    }

    /// How many bytes may be kept of events that are not large.
    fn room(&self) -> usize {
        self.history.bytes.saturating_sub(self.large_bytes)
    }

    /// Makes room for so many bytes: by doubling, but for no more than may be kept.
    fn grow_for(&mut self, more: usize) {
        let (len, capacity) = (self.bytes.len(), self.bytes.capacity());
        if len + more > capacity {
            let wanted = (2 * capacity).min(self.room()).max(len + more);
            self.bytes.reserve_exact(wanted - len);
        }
    }

    /// Lets go of what is too old at this time.
    pub(crate) fn evict(&mut self, now: Duration) {
        self.evict_while(|log, oldest| log.is_too_old(oldest, now));
    }

    fn is_too_old(&self, oldest: &Entry, now: Duration) -> bool {
        now.saturating_sub(oldest.pushed_at) > self.history.age
    }

    fn kept_bytes(&self) -> usize {
        self.bytes.len() + self.large_bytes
    }

    fn evict_while(&mut self, is_past: impl Fn(&Self, &Entry) -> bool) {
        while self.entries.front().is_some_and(|oldest| is_past(self, oldest)) {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes.drain(..(oldest.end - self.evicted_bytes) as usize);
            self.evicted_bytes = oldest.end;
            self.evicted_through = oldest.sequence;
            if let Some(large) = oldest.large {
                self.large_bytes -= large.len();
                self.leaving.push(large);
            }
        }
        self.let_go();
        shrink(&mut self.bytes, 1024);
        shrink(&mut self.entries, 16);
    }

    /// Keeps the large events that have left the log only while streams are being sent them, and
    /// no more bytes of them than one event may have: else readers who stop, each within another
    /// event, would keep them all. The oldest go first, and the streams within them are cut off.
    fn let_go(&mut self) {
        self.leaving.retain(LargeEvent::is_in_use);
        let mut bytes: usize = self.leaving.iter().map(LargeEvent::len).sum();
        while bytes > self.history.event.saturating_add(FRAMING) {
            bytes -= self.leaving.remove(0).len();
        }
    }

    pub(crate) fn pushed(&self) -> u64 {
        self.pushed
    }

    /// The sequence number of the first event ever pushed, which no other log has; zero before it.
    pub(crate) fn first(&self) -> u64 {
        self.first
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
        if let Some(large) = &entry.large {
            return batch.push_large(entry.sequence, entry.size_line as usize, large);
        }
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
        if let Some(large) = &self.entries[index].large {
            return large.len();
        }
        let start = match index.checked_sub(1) {
            Some(before) => self.entries[before].end,
            None => self.evicted_bytes,
        };
        (self.entries[index].end - start) as usize
    }
}

/// Gives back the room of a list that has become much shorter; it may keep that of `few`.
fn shrink<T>(list: &mut VecDeque<T>, few: usize) {
    if list.capacity() > SPARE * (list.len() + few) {
        list.shrink_to(2 * list.len());
    }
}

#[cfg(test)]
mod tests;

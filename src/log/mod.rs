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
mod history;
pub(crate) mod id;
pub(crate) mod large;
pub(crate) mod read;
#[cfg_attr(
    not(any(feature = "redis", feature = "follow")),
    allow(dead_code, reason = "it is for orders that lie elsewhere")
)]
pub(crate) mod runs;
pub(crate) mod waiting;

use std::collections::VecDeque;
use std::time::Duration;

use crate::http::chunk;
pub use history::History;
use large::{LARGE, LargeEvent};

#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) history: History,
    /// The chunks of those `entries` that are not large, one after the other, without a gap.
    bytes: VecDeque<u8>,
    /// In the order of their places, which rise but need not be adjacent: the channels of a hub
    /// share one order.
    entries: VecDeque<Entry>,
    /// How many bytes the large ones of `entries` have.
    large_bytes: usize,
    /// How many of `entries` tell of a loss. See [`lose`](Self::lose).
    pub(crate) losses: usize,
    /// Large events that were evicted while streams were still being sent them. See
    /// [`let_go`](Self::let_go).
    leaving: Vec<LargeEvent>,
    /// How many bytes were ever evicted: the position of `bytes[0]` among all that were pushed.
    evicted_bytes: u64,
    /// How many events were ever pushed; less `entries.len()`, how many were evicted.
    pub(crate) pushed: u64,
    /// The place of the first event ever pushed, which no other log has; zero before it.
    first: u64,
    /// The place of the newest event that was evicted; before the first eviction, the place up to
    /// which an earlier log of the same name may have had events.
    evicted_through: u64,
    /// What `evicted_through` began with: whatever lies before can't be counted.
    forgotten_through: u64,
    /// Tells the log of a view from others, with whose events it may begin. Zero for all others.
    salt: u32,
    /// Where an event that is not large is encoded. Empty between two pushes.
    scratch: Vec<u8>,
}

#[derive(Debug)]
struct Entry {
    place: u64,
    /// Where its chunk ends, counted from the first byte ever pushed to `bytes`.
    end: u64,
    pushed_at: Duration,
    /// How many bytes of the chunk stand before its content.
    size_line: u8,
    /// Its chunk, if that is larger than one batch; then nothing of it is in `bytes`.
    large: Option<LargeEvent>,
    is_loss: bool,
}

/// An event that the log keeps, as whoever reads the log finds it.
#[derive(Debug)]
pub(crate) struct Kept<'a> {
    pub(crate) place: u64,
    /// How many bytes of the chunk stand before its content.
    pub(crate) size_line: usize,
    pub(crate) chunk: Chunk<'a>,
}

#[derive(Debug)]
pub(crate) enum Chunk<'a> {
    /// The second is empty, unless the chunk lies round the end of the log's ring.
    Pieces([&'a [u8]; 2]),
    Large(&'a LargeEvent),
}

impl Kept<'_> {
    /// The event without chunk framing. The second piece is empty, unless it lies round the end of
    /// the log's ring.
    pub(crate) fn content(&self) -> [&[u8]; 2] {
        let (start, end) = (self.size_line, self.chunk.len() - chunk::CRLF.len());
        let [head, tail] = match self.chunk {
            Chunk::Pieces(pieces) => pieces,
            Chunk::Large(event) => [event.bytes(), &[]],
        };
        let split = head.len();
        [
            &head[start.min(split)..end.min(split)],
            &tail[start.saturating_sub(split)..end.saturating_sub(split)],
        ]
    }
}

impl Chunk<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Pieces(pieces) => pieces.iter().map(|piece| piece.len()).sum(),
            Self::Large(event) => event.len(),
        }
    }
}

/// More than the line of an id and the framing of a chunk add to an event.
const FRAMING: usize = 128;

/// What the scratch keeps between two events: 20,000 channels have one each.
const SCRATCH_KEPT: usize = 1024;

/// The log keeps no more than so many times the room that its events need.
const SPARE: usize = 4;

impl Log {
    /// An empty log. Events up to the place `forgotten_through` may have been in a log
    /// that it replaces; zero if there was none.
    pub(crate) fn new(history: History, forgotten_through: u64) -> Self {
        Self {
            history,
            bytes: VecDeque::new(),
            entries: VecDeque::new(),
            large_bytes: 0,
            losses: 0,
            leaving: Vec::new(),
            evicted_bytes: 0,
            pushed: 0,
            first: 0,
            evicted_through: forgotten_through,
            forgotten_through,
            salt: 0,
            scratch: Vec::new(),
        }
    }

    /// The log of a view, which this random number tells from others.
    pub(crate) fn of_view(history: History, forgotten_through: u64, salt: u32) -> Self {
        Self { salt, ..Self::new(history, forgotten_through) }
    }

    /// Up to where events have left the log, or may have been in another.
    pub(crate) fn evicted_through(&self) -> u64 {
        self.evicted_through
    }

    /// Lets go of what would be past the bounds, and appends the event that `encode` writes in
    /// `len` bytes. `place` is greater than every one before it; `now` never goes back.
    pub(crate) fn push(
        &mut self,
        place: u64,
        now: Duration,
        len: usize,
        encode: impl FnOnce(&mut Vec<u8>),
    ) {
        let events = self.history.events;
        self.append(place, now, len, encode, |log| log.entries.len() - log.losses >= events);
    }

    /// The same for an event that tells of a loss, which is none of those that are kept: a channel
    /// that keeps its newest event alone has that and the loss.
    #[cfg_attr(not(any(feature = "redis", feature = "follow")), allow(dead_code))]
    pub(crate) fn lose(
        &mut self,
        place: u64,
        now: Duration,
        len: usize,
        encode: impl FnOnce(&mut Vec<u8>),
    ) {
        self.append(place, now, len, encode, |_| false);
        self.losses += 1;
        self.entries.back_mut().into_iter().for_each(|entry| entry.is_loss = true);
    }

    #[inline]
    fn append(
        &mut self,
        place: u64,
        now: Duration,
        len: usize,
        encode: impl FnOnce(&mut Vec<u8>),
        is_full: impl Fn(&Self) -> bool,
    ) {
        let size_line = chunk::size_line_len(len);
        let chunk_len = size_line + len + chunk::CRLF.len();
        self.evict_while(|log, oldest| {
            log.is_too_old(oldest, now)
                || is_full(log)
                || log.kept_bytes() + chunk_len > log.history.bytes
        });
        let mut large = None;
        if chunk_len > LARGE {
            self.large_bytes += chunk_len;
            self.bytes.shrink_to(self.room());
            let mut chunk = Vec::new();
            chunk::encode_with(len, encode, &mut chunk);
            large = Some(LargeEvent::new(chunk));
        } else {
            chunk::encode_with(len, encode, &mut self.scratch);
            self.grow_for(chunk_len);
            self.bytes.extend(&self.scratch);
            self.scratch.clear();
            self.scratch.shrink_to(SCRATCH_KEPT);
        }
        if self.pushed == 0 {
            self.first = place;
        }
        self.pushed += 1;
        self.entries.push_back(Entry {
            place,
            end: self.evicted_bytes + self.bytes.len() as u64,
            pushed_at: now,
            size_line: size_line as u8,
            large,
            is_loss: false,
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

    /// Events up to this place may have been in a log that it replaces, as when it was made.
    pub(crate) fn forget_through(&mut self, place: u64) {
        self.evicted_through = self.evicted_through.max(place);
        self.forgotten_through = self.forgotten_through.max(place);
    }

    pub(crate) fn pushed_at(&self, index: usize) -> Option<Duration> {
        self.entries.get(index).map(|entry| entry.pushed_at)
    }

    /// Counts the event of this place as one that was pushed and evicted at once.
    pub(crate) fn miss(&mut self, place: u64) {
        if self.pushed == 0 {
            self.first = place;
        }
        self.pushed += 1;
        self.evicted_through = self.evicted_through.max(place);
    }

    /// Lets go of what is too old at this time.
    pub(crate) fn evict(&mut self, now: Duration) {
        self.evict_while(|log, oldest| log.is_too_old(oldest, now));
    }

    /// Keeps so much from now on.
    pub(crate) fn set_history(&mut self, history: History, now: Duration) {
        self.history = history;
        self.evict_while(|log, oldest| {
            let (len, events) = (log.entries.len(), log.entries.len() - log.losses);
            log.is_too_old(oldest, now)
                || len > 1 && (events > history.events || log.kept_bytes() > history.bytes)
        });
    }

    fn is_too_old(&self, oldest: &Entry, now: Duration) -> bool {
        now.saturating_sub(oldest.pushed_at) > self.history.age
    }

    pub(crate) fn kept_bytes(&self) -> usize {
        self.bytes.len() + self.large_bytes
    }

    fn evict_while(&mut self, is_past: impl Fn(&Self, &Entry) -> bool) {
        while self.entries.front().is_some_and(|oldest| is_past(self, oldest)) {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes.drain(..(oldest.end - self.evicted_bytes) as usize);
            self.evicted_bytes = oldest.end;
            // Where events of other logs are known to be gone, more may be.
            self.evicted_through = self.evicted_through.max(oldest.place);
            self.losses -= usize::from(oldest.is_loss);
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
        if self.leaving.is_empty() {
            return;
        }
        self.leaving.retain(LargeEvent::is_in_use);
        let mut bytes: usize = self.leaving.iter().map(LargeEvent::len).sum();
        while bytes > self.history.event.saturating_add(FRAMING) {
            bytes -= self.leaving.remove(0).len();
        }
    }

    /// The index among the kept events of the first that comes after `place`.
    pub(crate) fn after(&self, place: u64) -> usize {
        // Nearly every caller has all events, or all but the newest.
        let len = self.entries.len();
        let has_all_but = |ahead: &usize| {
            let before = len.checked_sub(ahead + 1).and_then(|at| self.place_at(at));
            before.is_none_or(|before| before <= place)
        };
        match (0..2).find(has_all_but) {
            Some(ahead) => len - ahead,
            None => self.entries.partition_point(|entry| entry.place <= place),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn place_at(&self, index: usize) -> Option<u64> {
        self.entries.get(index).map(|entry| entry.place)
    }

    pub(crate) fn is_loss(&self, index: usize) -> bool {
        self.entries.get(index).is_some_and(|entry| entry.is_loss)
    }

    #[inline]
    pub(crate) fn event_at(&self, index: usize) -> Option<Kept<'_>> {
        let entry = self.entries.get(index)?;
        let chunk = entry.large.as_ref().map_or_else(|| self.pieces(index), Chunk::Large);
        Some(Kept { place: entry.place, size_line: entry.size_line as usize, chunk })
    }

    /// The chunk of an event that is not large.
    fn pieces(&self, index: usize) -> Chunk<'_> {
        let before = index.checked_sub(1).map(|before| self.entries[before].end);
        let start = (before.unwrap_or(self.evicted_bytes) - self.evicted_bytes) as usize;
        let end = (self.entries[index].end - self.evicted_bytes) as usize;
        let (head, tail) = self.bytes.as_slices();
        let split = head.len();
        Chunk::Pieces([
            &head[start.min(split)..end.min(split)],
            &tail[start.saturating_sub(split)..end.saturating_sub(split)],
        ])
    }

    /// How many evicted events a reader who had seen everything up to `place` has missed, or
    /// `None` where numbers of other channels lie between ours, so that they can't be counted.
    pub(crate) fn evicted_after(&self, place: u64) -> Option<u64> {
        if place >= self.evicted_through {
            return Some(0);
        }
        if place < self.forgotten_through {
            return None;
        }
        let evicted = self.pushed - self.entries.len() as u64;
        let dense = self.evicted_through + 1 - self.first == evicted;
        dense.then(|| self.evicted_through - place.max(self.first - 1))
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

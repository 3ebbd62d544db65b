//! The newest events of each of several logs, in the order of all. A stream that asks for the
//! present begins with them, and a lagging stream of [`Lag::Conflate`](crate::Lag) continues with
//! them.
//!
//! ```text
//! sensor.1   ·  ·  ·  4  ·  ·  ·  8 │ 11
//! sensor.2   ·  ·  3  ·  ·  ·  7    │          newest 1 of each: 7 8 9, and then live: 10 11
//! sensor.3   1  2  ·  ·  5  6  ·  9 │ 10
//!                                   └ until
//! ```
//!
//! What is surveyed is fixed by a place at the beginning; what comes after that is sent as to any
//! other stream. The logs are locked one at a time, so no publisher waits for a stream that surveys
//! thousands of them. So an event may have left its log when its turn comes: then a newer one of
//! the same log has pushed it out, and that will be sent, at its own place.

use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::log::Log;
use crate::log::batch::Batch;
use crate::log::cursor::Cursor;
use crate::order::sequence::Sequence;
use crate::order::shared_log::SharedLog;

/// How many events are found at once, in 32 KiB: as many small ones as a batch takes. To find them
/// takes a look at all logs.
const FOUND: usize = 2048;

#[derive(Clone, Copy, Debug)]
pub(super) struct Survey {
    /// Where the stream stands when it is over.
    pub(super) until: Cursor,
    /// How many events of each log are surveyed.
    pub(super) each: usize,
}

impl Survey {
    /// Of everything that the logs have.
    pub(super) fn of_all(until: Cursor) -> Self {
        Self { until, each: usize::MAX }
    }

    /// The place before the first event, if there is any.
    pub(super) fn begin(&self, logs: &[Arc<SharedLog>], sequence: &Sequence) -> Option<u64> {
        let (found, _) = self.find(logs, 0, 1, sequence);
        found.first().map(|(place, _)| place - 1)
    }

    /// Adds what comes after a place to a batch whose cursor is there. Returns whether that was
    /// all.
    pub(super) fn fill(
        &self,
        logs: &[Arc<SharedLog>],
        after: u64,
        sequence: &Sequence,
        batch: &mut Batch,
    ) -> bool {
        let mut after = after;
        loop {
            let (found, is_all) = self.find(logs, after, FOUND, sequence);
            for (place, of) in found {
                // What tells of a loss is in all logs.
                if batch.cursor.place == place {
                    continue;
                }
                after = place;
                let log = logs[of].lock();
                let event = log.event_at(log.after(place - 1)).filter(|event| event.place == place);
                if event.is_some_and(|event| !batch.push(&event)) {
                    return false;
                }
            }
            if is_all {
                batch.cursor = self.until;
                return true;
            }
            if batch.events() > 0 {
                return false;
            }
            // All of these have left their logs meanwhile. That is no end: others may have events.
        }
    }

    /// The places of the first events after one, rising, and the index of the log of each; no more
    /// than `most` of them. And whether these are all.
    fn find(
        &self,
        logs: &[Arc<SharedLog>],
        after: u64,
        most: usize,
        sequence: &Sequence,
    ) -> (Vec<(u64, usize)>, bool) {
        let now = sequence.now();
        // The last of them is on top. A heap is far less code than a sort.
        let (mut found, mut is_all) = (BinaryHeap::new(), true);
        for (of, log) in logs.iter().enumerate() {
            let mut log = log.lock();
            log.evict(now);
            let end = log.after(self.until.place);
            let begin = self.newest(&log, end).max(log.after(after));
            for place in (begin..end).filter_map(|at| log.place_at(at)) {
                if found.len() >= most {
                    is_all = false;
                    if found.peek().is_some_and(|(last, _)| *last < place) {
                        break;
                    }
                    found.pop();
                }
                found.push((place, of));
            }
        }
        (found.into_sorted_vec(), is_all)
    }

    /// Where the newest `each` events of a log begin, of those before this index. What tells of a
    /// loss is none of them.
    fn newest(&self, log: &Log, end: usize) -> usize {
        match self.each {
            0 => end,
            each if each >= end => 0,
            each if log.losses == 0 => end - each,
            each => (0..end).rev().filter(|at| !log.is_loss(*at)).nth(each - 1).unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests;

//! Which segments a store removes, and how.

use std::io;
use std::ops::ControlFlow;

use super::super::find::{LAST, backwards};
use super::super::options::milliseconds;
use super::super::segments::Segment;
use super::super::walk::{PEEK, Step, Walk};
use super::Store;

/// How many segments go within one publish, as each may take a sync: more than one publish adds. A
/// start has removed what other bounds would leave over.
pub(crate) const WITHIN_A_PUBLISH: usize = 4;

impl Store {
    /// Removes all segments that are past the bounds: for a start, which nobody waits for.
    pub(crate) fn keep_bounds(&mut self, now: u64) {
        while self.remove_oldest(now) {}
    }

    /// Removes a few segments that are past the bounds.
    pub(super) fn remove_some(&mut self, now: u64) {
        let _ = (0..WITHIN_A_PUBLISH).all(|_| self.remove_oldest(now));
    }

    /// Removes the oldest segment if it is past the bounds, and returns whether it did; never the
    /// newest.
    fn remove_oldest(&mut self, now: u64) -> bool {
        let list = self.segments.list();
        let [oldest, _, ..] = &*list else { return false };
        if self.stuck || !self.is_past(oldest, now) {
            return false;
        }
        // A power cut may undo the removal of one segment and not that of the next: what is left
        // must have no hole.
        if std::mem::take(&mut self.removed) {
            let synced = self.disk.sync_folder();
            if self.check_sync(synced).is_err() {
                return false;
            }
        }
        match self.disk.remove(&oldest.name()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => self.stuck = true,
            _ => {
                self.removed = true;
                self.bytes -= oldest.end();
                self.segments.remove(oldest);
            }
        }
        !self.stuck
    }

    fn is_past(&self, oldest: &Segment, now: u64) -> bool {
        // One that has bytes and no event is damaged, and may be somebody's to look at.
        if oldest.end() <= oldest.header.len || self.bytes > self.options.bytes {
            return true;
        }
        let Some(most) = self.options.age else { return false };
        let time = oldest.time().unwrap_or_else(|| {
            let time = self.time_of(oldest).unwrap_or(now);
            oldest.set_time(time);
            time
        });
        now.saturating_sub(time) > milliseconds(most)
    }

    /// Reads when the last event of a segment came.
    fn time_of(&self, segment: &Segment) -> Option<u64> {
        let file = self.disk.open(&segment.name(), false).ok()?;
        let mut last = None;
        let _ = backwards(&*file, segment.end(), LAST, |at, _, _| {
            last = Some(at);
            ControlFlow::Break(())
        });
        Walk::new(&*file, last?, PEEK, Vec::new()).step(|step| match step {
            Step::Block(_, block) => Some(block.head.time),
            Step::Large(large) => Some(large.head.time),
            Step::Bad(..) => None,
        })?
    }
}

//! Which segments a store removes, and how.

use std::io;
use std::ops::ControlFlow;

use super::super::find::backwards;
use super::super::options::milliseconds;
use super::super::segments::Segment;
use super::super::walk::{PEEK, Step, Walk};
use super::Store;

impl Store {
    /// Removes whole segments, the oldest first, as far as they are past the bounds; never the
    /// newest.
    pub(super) fn remove_oldest(&mut self, now: u64) {
        while let [oldest, _, ..] = &*self.segments.list()
            && !self.stuck
            && self.is_past(oldest, now)
        {
            // A power cut may undo the removal of one segment and not that of the next: what is
            // left must have no hole.
            if std::mem::take(&mut self.removed) {
                let synced = self.disk.sync_folder();
                if self.check_sync(synced).is_err() {
                    return;
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
        }
    }

    fn is_past(&self, oldest: &Segment, now: u64) -> bool {
        if oldest.is_empty() || self.bytes > self.options.bytes {
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
        let _ = backwards(&*file, segment.end(), segment.end(), |at, _, _| {
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

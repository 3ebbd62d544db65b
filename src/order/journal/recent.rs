//! The newest part of a journal, read forward, to begin with.

use std::io;
use std::sync::Arc;

use super::block::{Head, Id};
use super::disk::{Disk, ReadFile};
use super::segments::Segment;
use super::walk::{READ, Step, Walk};

/// How far a start reads back for the logs: some tenths of a second on a small machine.
const RECENT: u64 = 32 * 1024 * 1024;

/// And at most for idempotency keys, if so much came since they are known: as many keys as a hub
/// knows, each with more than a kilobyte.
const KEYS: u64 = 128 * 1024 * 1024;

/// What is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recent<'a> {
    Event {
        head: Head<'a>,
        /// The lines of the id and of the event, without the blank line.
        parts: [&'a [u8]; 2],
    },
    /// Between the event before and the next one, some are gone.
    Hole,
}

/// How many bytes a start reads, where idempotency keys are known that are no older than `since`,
/// in milliseconds since 1970.
pub(crate) fn how_many(disk: &dyn Disk, segments: &[Arc<Segment>], since: u64) -> u64 {
    let is_newer = |most: &u64| {
        let (segment, from) = newest(segments, *most).pop()?;
        let file = disk.open(&segment.name(), false).ok()?;
        let mut walk = Walk::within(&*file, from, segment.end(), Vec::new()).ok()?;
        let time = walk.step(|step| match step {
            Step::Block(_, block) => Some(block.head.time),
            Step::Large(block) => Some(block.head.time),
            Step::Bad(..) => None,
        });
        time?.map(|time| time > since)
    };
    let each = std::iter::successors(Some(RECENT), |most| Some(most * 2));
    let mut each = each.take_while(|most| *most < KEYS);
    each.find(|most| is_newer(most) != Some(true)).unwrap_or(KEYS)
}

/// The segments that have the newest `most` bytes, the newest first, and where in each they begin.
fn newest(segments: &[Arc<Segment>], most: u64) -> Vec<(&Arc<Segment>, u64)> {
    let mut left = most;
    let parts = segments.iter().rev().map_while(|segment| {
        let from = segment.end().saturating_sub(left);
        let some = left > 0;
        left = left.saturating_sub(segment.end());
        some.then_some((segment, from))
    });
    parts.filter(|(segment, _)| !segment.is_empty()).collect()
}

/// Tells of all events in the newest `most` bytes of these segments, the oldest first. What can't
/// be read is a hole.
pub(crate) fn read_recent(
    disk: &dyn Disk,
    segments: &[Arc<Segment>],
    most: u64,
    tell: impl FnMut(Recent<'_>),
) {
    let mut teller = Teller { tell, last: None, large: Vec::new() };
    for (segment, from) in newest(segments, most).into_iter().rev() {
        match disk.open(&segment.name(), false) {
            Ok(file) => teller.read(segment, &*file, from),
            Err(_) => (teller.tell)(Recent::Hole),
        }
    }
}

struct Teller<T> {
    tell: T,
    /// The id of the last event that was told.
    last: Option<Id>,
    /// The lines of an event that is too large for the walk.
    large: Vec<u8>,
}

impl<T: FnMut(Recent<'_>)> Teller<T> {
    fn read(&mut self, segment: &Segment, file: &dyn ReadFile, from: u64) {
        let end = segment.end();
        let Ok(walk) = Walk::within(file, from, end, Vec::new()) else {
            return (self.tell)(Recent::Hole);
        };
        let mut walk = Walk::new(file, walk.at(), READ, walk.into_buffer());
        while walk.at() < end {
            let stepped = walk.step(|step| match step {
                Step::Block(_, block) => {
                    self.event(segment, block.head, [block.id_line, block.event]);
                }
                Step::Large(block) => {
                    let mut lines = std::mem::take(&mut self.large);
                    lines.resize((block.event.end - block.event.start) as usize, 0);
                    match read_exact(file, &mut lines, block.event.start) {
                        Ok(()) => self.event(segment, block.head, [block.id_line, &lines]),
                        Err(_) => (self.tell)(Recent::Hole),
                    }
                    self.large = lines;
                }
                Step::Bad(..) => (self.tell)(Recent::Hole),
            });
            if stepped.is_none() {
                return;
            }
        }
    }

    fn event(&mut self, segment: &Segment, head: Head<'_>, parts: [&[u8]; 2]) {
        if self.last.is_some_and(|last| last != segment.before(head.id)) {
            (self.tell)(Recent::Hole);
        }
        self.last = Some(head.id);
        (self.tell)(Recent::Event { head, parts });
    }
}

fn read_exact(file: &dyn ReadFile, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let mut have = 0;
    while have < buffer.len() {
        match file.read_at(&mut buffer[have..], offset + have as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => have += read,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

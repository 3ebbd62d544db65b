//! The past of a hub with a journal: what streams are sent that is no longer in the logs.
//!
//! ```text
//! segments:  1 2 3 4 │ 5 6 7 8 │ 9 10 11 12 ◄─ written
//!                ▲                   ▲
//!                a stream            its log begins here, and sends it the rest
//! ```
//!
//! One read takes what one batch takes, or so many bytes of the journal without finding that. A
//! stream stays where it is meanwhile: where it stands is a place and no position in a file, so it
//! may wait between two reads for as long as it likes, and segments go as if nobody read them.
//!
//! **What is missing** shows in the numbers, which have no holes within an epoch; and the first
//! line of each segment has the id of the event before it. Where the next event is not the next
//! one, something is gone: if bytes that are none lie between, it is damaged, else its segment was
//! removed. Bad bytes between two events that are neighbours are no loss.

mod reading;

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::block::{Head, Id, LONGEST_HEAD};
use super::disk::{Disk, DiskFile, ReadFile};
use super::find::{backwards, find};
use super::segments::{Segment, Segments};
use super::walk::{PEEK, Step, Walk};
use crate::log::batch::Batch;
use crate::log::cursor::Cursor;
use crate::log::gap::Reason;
use crate::log::large::PastPart;
use crate::order::past::{Of, Past};
use crate::order::sequence::Sequence;
use reading::{Reading, first_lines, is_among, read_chunk};

/// How many bytes of the journal are read through for one batch, if they are of other channels or
/// bad. A block that is begun is read to its end.
const MOST_READ: u64 = 512 * 1024;

/// How many of the newest bytes are searched for a stream that wants the newest events.
const NEWEST: u64 = 16 * 1024 * 1024;

/// How many files are open to be read, whatever the streams are.
const OPEN: usize = 4;

/// How many streams find their place again without a search. Streams at one place share it.
const HINTS: usize = 256;

pub(crate) struct JournalPast {
    disk: Arc<dyn Disk>,
    segments: Arc<Segments>,
    sequence: Arc<Sequence>,
    /// No other lock is taken, and no file is touched, while this is held.
    cache: Mutex<Cache>,
    /// Held by whoever searches for the newest events of channels: one at a time, so that whatever
    /// is asked for leaves the processors to others.
    search: Mutex<()>,
    /// One of them is held by whoever searches, or waits for that.
    turns: [Mutex<()>; 4],
}

#[derive(Default)]
struct Cache {
    /// By the first id of the segment, the one that was used last at the end.
    files: VecDeque<(Id, Arc<dyn DiskFile>)>,
    /// The newest at the end.
    hints: VecDeque<Hint>,
    /// The buffer of the last read.
    buffer: Vec<u8>,
}

/// Everything after this place is at this position of its segment or after.
#[derive(Clone, Copy, Debug)]
struct Hint {
    place: u64,
    segment: Id,
    at: u64,
}

/// What anybody may read of a segment: whole events, and nothing that is being written.
struct Visible {
    file: Arc<dyn DiskFile>,
    end: u64,
}

impl ReadFile for Visible {
    fn len(&self) -> io::Result<u64> {
        Ok(self.end)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(offset)).unwrap_or(usize::MAX);
        let len = buffer.len().min(left);
        if len == 0 {
            return Ok(0);
        }
        self.file.read_at(&mut buffer[..len], offset)
    }
}

impl JournalPast {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        segments: Arc<Segments>,
        sequence: Arc<Sequence>,
    ) -> Self {
        let (cache, search, turns) = Default::default();
        Self { disk, segments, sequence, cache, search, turns }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a segment. It can be read to its end although it is removed meanwhile. `None` if it is
    /// gone already.
    fn open(&self, segment: &Segment) -> io::Result<Option<Visible>> {
        let visible = |file| Some(Visible { file, end: segment.end() });
        {
            let files = &mut self.cache().files;
            if let Some(at) = files.iter().position(|(first, _)| *first == segment.first) {
                let used = files.remove(at);
                files.extend(used);
                return Ok(files.back().and_then(|(_, file)| visible(Arc::clone(file))));
            }
        }
        let file: Arc<dyn DiskFile> = match self.disk.open(&segment.name(), false) {
            Ok(file) => file.into(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut cache = self.cache();
        let dropped = (cache.files.len() >= OPEN).then(|| cache.files.pop_front());
        cache.files.push_back((segment.first, Arc::clone(&file)));
        drop(cache);
        // Closed without the lock.
        drop(dropped);
        Ok(visible(file))
    }

    /// Where everything after this place is in a segment.
    fn position(&self, segment: &Segment, file: &Visible, place: u64) -> u64 {
        let after = self.sequence.id(place);
        if after < segment.first {
            // A search believes no id of another epoch than this one's: it would come here at last,
            // and read the whole segment for it.
            return segment.header.len;
        }
        let is_it = |hint: &&Hint| hint.place == place && hint.segment == segment.first;
        let hint = self.cache().hints.iter().rev().find(is_it).map(|hint| hint.at);
        hint.unwrap_or_else(|| find(file, file.end, after).max(segment.header.len))
    }

    fn remember(&self, hint: Hint) {
        let mut cache = self.cache();
        let is_known = |known: &Hint| known.place == hint.place && known.segment == hint.segment;
        if cache.hints.iter().any(is_known) {
            return;
        }
        if cache.hints.len() >= HINTS {
            cache.hints.pop_front();
        }
        cache.hints.push_back(hint);
    }

    fn place(&self, id: Id) -> u64 {
        self.sequence.epochs().place(id).unwrap_or_default()
    }

    /// The place of the event before this one of a segment.
    fn place_before(&self, segment: &Segment, id: Id) -> u64 {
        // Where its epoch isn't known, somebody has removed the segments between.
        let known = self.sequence.epochs().place(segment.before(id));
        known.unwrap_or_else(|| self.place(id) - 1)
    }

    /// The newest event that is gone. Where nothing was ever written, nothing is.
    fn gone(list: &[Arc<Segment>]) -> Id {
        list.first().map(|oldest| oldest.header.after).unwrap_or_default()
    }

    /// Where in the list the segment is that has the first event after this id; the first, if that
    /// is gone.
    fn segment_after(list: &[Arc<Segment>], id: Id) -> usize {
        list.partition_point(|segment| segment.header.after <= id).saturating_sub(1)
    }
}

impl Past for JournalPast {
    fn resume(&self, id: Id) -> Result<u64, Reason> {
        let list = self.segments.list();
        let gone = Self::gone(&list);
        if id < gone {
            return Err(Reason::Evicted);
        }
        let is_in = |of: &Arc<Segment>| of.first.epoch == id.epoch && id <= of.last();
        let place = self.sequence.epochs().place(id);
        let place = place.filter(|_| id == gone || list.iter().any(is_in));
        place.filter(|place| *place <= self.sequence.newest()).ok_or(Reason::Restarted)
    }

    fn beginning(&self) -> u64 {
        match self.segments.list().first() {
            Some(oldest) => self.place_before(oldest, oldest.first),
            None => self.sequence.newest(),
        }
    }

    fn has_lost(&self, after: u64) -> bool {
        self.sequence.id(after) < Self::gone(&self.segments.list())
    }

    fn before_newest(&self, of: &[Of<'_>], count: usize, until: u64) -> Option<u64> {
        let _waits = self.turns.iter().find_map(|turn| turn.try_lock().ok())?;
        let _searches = self.search.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut found, mut oldest, mut left) = (0, None, NEWEST);
        let until_id = self.sequence.id(until);
        for segment in self.segments.list().iter().rev() {
            if left == 0 || found >= count {
                break;
            }
            let most = left;
            left = left.saturating_sub(segment.end());
            if segment.header.after >= until_id {
                continue;
            }
            // What can't be read now comes with everything after.
            let Ok(Some(file)) = self.open(segment) else { break };
            // Where what comes after `until` begins.
            let from = match segment.last() <= until_id {
                true => file.end,
                false => self.position(segment, &file, until),
            };
            let mut walk = Walk::new(&file, from, PEEK, Vec::new());
            let is_before = |step: Step<'_>| step.block().is_none_or(|(_, id)| id <= until_id);
            let mut end = walk.at();
            while walk.step(is_before) == Some(true) {
                end = walk.at();
            }
            let most = most.saturating_sub(file.end - end);
            let _ = backwards(&file, end, most, |_, id, channel| {
                if found >= count {
                    return ControlFlow::Break(());
                }
                let place = self.place(id);
                // Somebody may have added a block that is no event of this hub.
                if (1..=until).contains(&place) && is_among(of, channel) {
                    found += 1;
                    oldest = Some(place - 1);
                }
                ControlFlow::Continue(())
            });
        }
        oldest
    }

    fn read(&self, of: &[Of<'_>], from: Cursor, plain: bool, batch: &mut Batch) -> io::Result<()> {
        // Before the segments: everything up to here is in them, or was.
        let newest = self.sequence.newest();
        let list = self.segments.list();
        let place = from.place;
        batch.begin(Cursor { place, seen: 0 }, plain);
        let (is_bad, left) = (false, MOST_READ);
        let mut read = Reading { past: self, list: &list, of, newest, batch, place, is_bad, left };
        let begin = Self::segment_after(&list, self.sequence.id(place));
        for (number, segment) in list.iter().enumerate().skip(begin) {
            // What was removed meanwhile is missed with the next.
            let Some(file) = self.open(segment)? else { continue };
            let from = match from.position().filter(|_| number == begin) {
                // Unless it was in another segment, which is gone.
                Some(at) if place >= self.place_before(segment, segment.first) => {
                    // What comes after the place and is not to come is bad.
                    read.is_bad = true;
                    at
                }
                _ => self.position(segment, &file, place),
            };
            if read.segment(segment, &file, from)?.is_break() {
                return Ok(());
            }
        }
        read.end();
        Ok(())
    }

    fn read_part(&self, of: &[Of<'_>], part: &PastPart, out: &mut Vec<u8>) -> io::Result<()> {
        let gone = || io::Error::from(ErrorKind::NotFound);
        let list = self.segments.list();
        let id = self.sequence.id(part.place);
        let before = self.sequence.id(part.place - 1);
        let segment = list.get(Self::segment_after(&list, before)).ok_or_else(gone)?;
        let file = self.open(segment)?.ok_or_else(gone)?;
        let mut at = self.position(segment, &file, part.place - 1);
        let mut start = [0; LONGEST_HEAD];
        loop {
            let len = file.read_at(&mut start, at)?;
            match Head::parse(&start[..len]) {
                Ok((head, id_line, begin)) if head.id == id => {
                    self.remember(Hint { place: part.place - 1, segment: segment.first, at });
                    let first = first_lines(of, &head, &start[..id_line]);
                    return read_chunk(&file, &first, at + begin as u64, part, out);
                }
                _ => {}
            }
            // It is some blocks on, or after bytes that are none.
            let mut walk = Walk::new(&file, at, PEEK, Vec::new());
            let next = loop {
                match walk.step(|step| step.block()) {
                    Some(Some((found, of))) if of == id && found > at => break Some(found),
                    Some(Some((_, of))) if of >= id => break None,
                    Some(_) => {}
                    None => break None,
                }
            };
            at = next.ok_or_else(gone)?;
        }
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

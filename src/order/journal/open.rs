//! Opening a journal: finding out what is there, and cutting off what a crash has torn.
//!
//! Only the newest segment can be torn ([`store`](super::store) sees to that), so it alone is read
//! through. Of its blocks, those up to the greatest id that a good one tells to be *synced* were
//! durable. Of those after it a power cut may have taken any, in any order; they then read as zeros
//! ([`is_lost`]):
//!
//! ```text
//! good bad good good │ good bad good lost good bad
//!             synced ┘               └ cut: what is left is a prefix
//!      └────────────────────└ kept: readers skip it, and tell of it
//! ```
//!
//! An incomplete batch at the end goes as a whole. Then what was not synced is written once more,
//! and the segment is synced: after a sync that has failed, the system shows what the disk may not
//! have, takes it for clean, and never writes it by itself.
//!
//! A journal that somebody has changed by hand is refused rather than guessed at: a format of
//! another version, or a segment under another one's name. Other files are left alone.

use std::io::{self, ErrorKind};
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use super::block::{Fault, Head, Id, LARGEST};
use super::disk::{Disk, DiskFile, ReadFile, read_begin};
use super::find::{LAST, backwards, file_name, find, first_id};
use super::options::Options;
use super::scan::{ANY_FORMAT, Header, OtherFormat};
use super::segments::Segment;
use super::store::{Store, Torn};
use super::walk::{PEEK, READ, Step, Walk};
use crate::error::{Error, Result};
use crate::log::id::{EPOCHS, SEQUENCE};

impl Store {
    /// Opens the journal on this disk, to which nobody else may write, for a hub that starts at
    /// this time. The epoch of what it appends is greater than all that are there, and no less than
    /// the time.
    ///
    /// # Errors
    ///
    /// If the disk can't be read or written, and if what is there was not written by this version.
    pub(crate) fn open(disk: Arc<dyn Disk>, options: Options, now: u64) -> Result<Self> {
        let files = disk.list().map_err(|error| Error::io("can't list the journal", error))?;
        let mut found: Vec<(Id, u64)> = files
            .into_iter()
            .filter_map(|(name, len)| Some((first_id(&name)?, len)))
            // Nothing else is the id of an event.
            .filter(|(first, _)| first.epoch > 0 && (1..=SEQUENCE).contains(&first.sequence))
            .collect();
        found.sort_unstable();
        let epoch = match found.last().map(|(newest, _)| newest.epoch.checked_add(1)) {
            None => now.max(1),
            Some(Some(next)) => next.max(now),
            Some(None) => return Err(no_epoch(found[found.len() - 1].0)),
        };
        forget_oldest_epochs(&*disk, &mut found)?;
        let mut segments = Vec::with_capacity(found.len());
        let mut torn = None;
        for (at, (first, len)) in found.iter().enumerate() {
            let segment = match found.get(at + 1) {
                Some((next, _)) => complete(&*disk, *first, *len, *next)?,
                None => newest(&*disk, *first, *len, &mut torn)?,
            };
            segments.push(segment);
        }
        Ok(Self::over(disk, options, epoch, segments, torn))
    }
}

#[cold]
fn no_epoch(newest: Id) -> Error {
    let name = file_name(newest);
    Error::invalid(format!("no epoch comes after that of the segment {name}: move it away"))
}

/// A failure with one segment.
fn failed(doing: &'static str, first: Id) -> impl Fn(io::Error) -> Error {
    move |error| {
        Error::io(format!("can't {doing} the journal's segment {}", file_name(first)), error)
    }
}

/// A hub knows so many epochs and no more. Those past it are removed, as they would be for their
/// bytes.
fn forget_oldest_epochs(disk: &dyn Disk, found: &mut Vec<(Id, u64)>) -> Result<()> {
    let (mut epochs, mut newer) = (0, None);
    // The others are the hub's own, that of the place before everything, and that of the newest
    // event before those that are kept.
    let kept = found.iter().rev().take_while(|(first, _)| {
        epochs += usize::from(newer.replace(first.epoch) != Some(first.epoch));
        epochs <= EPOCHS - 3
    });
    let surplus = found.len() - kept.count();
    for (first, _) in found.drain(..surplus) {
        disk.remove(&file_name(first)).map_err(failed("remove", first))?;
    }
    Ok(())
}

/// Reads the first line of a segment.
fn header(file: &dyn ReadFile, first: Id) -> Result<Header> {
    Header::read(file, first).map_err(failed("read", first))?.map_err(|OtherFormat(number)| {
        Error::invalid(format!(
            "the journal's segment {} has the format {number}, and this version reads format 1: \
             start the version that wrote it, or give this one another folder",
            file_name(first)
        ))
    })
}

/// Fails if the first block of a segment isn't the one that its name says.
fn check_first(first: Id, has: Id) -> Result<()> {
    if has == first {
        return Ok(());
    }
    let (name, right) = (file_name(first), file_name(has));
    Err(Error::invalid(format!(
        "the journal's segment {name} begins with the event {has}: somebody has renamed it; give \
         it its name {right} back, or move it away"
    )))
}

/// A segment that another one comes after. It was synced before that one was made.
fn complete(disk: &dyn Disk, first: Id, len: u64, next: Id) -> Result<Segment> {
    let file = disk.open(&file_name(first), false).map_err(failed("open", first))?;
    let header = header(&*file, first)?;
    let checked = Walk::new(&*file, header.len, PEEK, Vec::new()).step(|step| match step {
        Step::Block(_, block) => check_first(first, block.head.id),
        Step::Large(large) => check_first(first, large.head.id),
        // Readers skip it.
        Step::Bad(..) => Ok(()),
    });
    checked.unwrap_or(Ok(()))?;
    let last = match next.epoch == first.epoch {
        true => next.sequence - 1,
        false => last_of(&*file, len, first)?,
    };
    Ok(Segment::new(first, header, len, last, 0))
}

/// The sequence number of the last event of a segment; one less than the first's if there is none,
/// or none before more bad bytes than a block can have. Fails if what may come after it can't be
/// read.
fn last_of(file: &dyn ReadFile, len: u64, first: Id) -> Result<u64> {
    let mut from = 0;
    let _ = backwards(file, len, LAST, |at, id, _| {
        if id.epoch != first.epoch {
            return ControlFlow::Continue(());
        }
        from = at;
        ControlFlow::Break(())
    });
    let mut last = first.sequence - 1;
    let read = if from > 0 { PEEK } else { READ };
    let mut walk = Walk::new(file, from, read, Vec::new());
    while walk.at() - from <= LARGEST as u64
        && let Some(id) = walk.step(|step| match step {
            Step::Block(_, block) => Ok(block.head.id),
            Step::Large(large) => Ok(large.head.id),
            Step::Bad(_, Fault::Unread(kind)) => Err(failed("read", first)(kind.into())),
            Step::Bad(..) => Ok(Id::default()),
        })
    {
        let id = id?;
        if id.epoch == first.epoch {
            last = last.max(id.sequence);
            from = walk.at();
        }
    }
    Ok(last)
}

/// The newest segment, with what is torn of it cut off.
fn newest(disk: &dyn Disk, first: Id, len: u64, torn: &mut Option<Torn>) -> Result<Segment> {
    let file = disk.open(&file_name(first), true).map_err(failed("open", first))?;
    let header = header(&*file, first)?;
    let mut found = scan(&*file, len, first, header.len, first.sequence - 1)?;
    if found.synced >= first.sequence && found.end.bytes < len {
        found = scan(&*file, len, first, header.len, found.synced)?;
    }
    let end = found.end;
    if end.bytes == 0 && is_foreign(&*file).map_err(failed("read", first))? {
        // It would be cut off as a whole, and was never a segment.
        return Err(Error::invalid(format!(
            "the file {} in the journal's folder is no segment of a journal: move it away",
            file_name(first)
        )));
    }
    file.set_len(end.bytes).map_err(failed("cut off the end of", first))?;
    if end.bytes < len {
        *torn = Some(Torn { segment: file_name(first), bytes: len - end.bytes });
    }
    let from = match found.synced {
        0 => 0,
        sequence => find(&*file, end.bytes, Id { sequence, ..first }),
    };
    write_again(&*file, from..end.bytes).map_err(failed("write once more the end of", first))?;
    file.sync().map_err(failed("sync", first))?;
    Ok(Segment::new(first, header, end.bytes, end.sequence, end.time))
}

/// Writes these bytes of a file where they are.
fn write_again(file: &dyn DiskFile, bytes: Range<u64>) -> io::Result<()> {
    let mut buffer = vec![0; READ];
    let mut at = bytes.start;
    while at < bytes.end {
        let most = (bytes.end - at).min(READ as u64) as usize;
        let read = file.read_at(&mut buffer[..most], at)?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        file.write_all_at(&buffer[..read], at)?;
        at += read as u64;
    }
    Ok(())
}

/// Whether a file begins with something else that somebody wrote: what is lost in a crash reads as
/// zeros.
fn is_foreign(file: &dyn ReadFile) -> io::Result<bool> {
    let mut bytes = [0; ANY_FORMAT.len()];
    let have = read_begin(file, &mut bytes)?;
    Ok(have > 0 && bytes[0] != 0 && !ANY_FORMAT.starts_with(&bytes[..have]))
}

/// The end of a segment, or a place in it that may become it.
#[derive(Clone, Copy, Debug)]
struct End {
    bytes: u64,
    /// The number and the time of the last event before it.
    sequence: u64,
    time: u64,
}

/// What reading the newest segment through comes to.
struct Recovered {
    end: End,
    /// The greatest sequence number that is told to be synced.
    synced: u64,
}

/// No disk loses fewer bytes than so many at once, or such as begin elsewhere.
pub(super) const SECTOR: u64 = 64;

/// Whether these bytes, in which there is no event, look like some that a power cut took: what a
/// disk has lost reads as zeros up to the end of a sector. Bytes that went bad in another way leave
/// those around them as they were.
fn is_lost(file: &dyn ReadFile, bytes: Range<u64>) -> io::Result<bool> {
    let mut buffer = vec![0; READ];
    let mut at = bytes.start;
    while at < bytes.end {
        let most = (bytes.end - at).min(READ as u64) as usize;
        let read = file.read_at(&mut buffer[..most], at)?;
        let ends = (at + 1..).zip(&buffer[..read]).filter(|(end, _)| end.is_multiple_of(SECTOR));
        if read == 0 || ends.map(|(_, byte)| *byte).any(|byte| byte == 0) {
            return Ok(true);
        }
        at += read as u64;
    }
    Ok(false)
}

/// Reads a segment through, of which everything up to the number `durable` was synced.
fn scan(file: &dyn ReadFile, len: u64, first: Id, begin: u64, durable: u64) -> Result<Recovered> {
    let whole = End { bytes: begin, sequence: first.sequence - 1, time: 0 };
    let mut pass = Pass {
        file,
        first,
        begin,
        durable,
        whole,
        is_stale: false,
        batch: None,
        cut: None,
        synced: 0,
    };
    let mut walk = Walk::new(file, begin, READ, Vec::new());
    while let Some(met) = walk.step(|step| match step {
        Step::Block(at, block) => pass.block(at, block.len as u64, &block.head),
        Step::Large(large) => pass.block(large.at, large.len, &large.head),
        // It may be readable again: nothing is cut off for that.
        Step::Bad(_, Fault::Unread(kind)) => Err(failed("read", first)(kind.into())),
        Step::Bad(..) => Ok(()),
    }) {
        met?;
    }
    Ok(pass.end(len))
}

struct Pass<'a> {
    file: &'a dyn ReadFile,
    first: Id,
    begin: u64,
    durable: u64,
    /// The end of the last good block.
    whole: End,
    /// Whether a good block came after it that is none of this place.
    is_stale: bool,
    /// The place before the batch that is incomplete so far, and the number of its last event.
    batch: Option<(End, u64)>,
    /// The end of what is kept, if that is known to be before the file's.
    cut: Option<End>,
    synced: u64,
}

impl Pass<'_> {
    fn block(&mut self, at: u64, len: u64, head: &Head<'_>) -> Result<()> {
        let sequence = head.id.sequence;
        if at == self.begin {
            check_first(self.first, head.id)?;
        }
        if head.id.epoch != self.first.epoch || sequence <= self.whole.sequence {
            // It is left from an earlier write: the one that came after it was lost.
            self.is_stale = true;
            return Ok(());
        }
        let is_next = at == self.whole.bytes && sequence == self.whole.sequence + 1;
        if !is_next && self.cut.is_none() && sequence > self.durable.saturating_add(1) {
            let lost = is_lost(self.file, self.whole.bytes..at);
            if self.is_stale || lost.map_err(failed("read", self.first))? {
                self.cut_here();
            }
        }
        if let Some(count) = head.batch.filter(|count| *count > 1) {
            self.batch = Some((self.whole, sequence.saturating_add(count - 1)));
        }
        self.whole = End { bytes: at + len, sequence, time: head.time };
        self.is_stale = false;
        self.batch.take_if(|(_, last)| *last <= sequence);
        if let Some(synced) = head.synced.filter(|synced| synced.epoch == self.first.epoch) {
            self.synced = self.synced.max(synced.sequence);
        }
        Ok(())
    }

    fn cut_here(&mut self) {
        let end = self.batch.map_or(self.whole, |(before, _)| before);
        self.cut.get_or_insert(end);
    }

    fn end(mut self, len: u64) -> Recovered {
        if self.whole.bytes < len || self.batch.is_some() {
            self.cut_here();
        }
        Recovered { end: self.cut.unwrap_or(self.whole), synced: self.synced }
    }
}

#[cfg(test)]
mod tests;

//! The journal as files: appending, syncing, beginning new segments, removing the oldest.
//!
//! ```text
//! segment ── segment ── segment ── current segment │ what a failed write left
//! oldest                           ▲               ▲
//! goes first                       synced          end: the next write
//! ```
//!
//! It knows no clock, no thread and no stream: whoever calls says what time it is, in milliseconds
//! since 1970, and calls one at a time. [`open`](super::open) finds out what is there.
//!
//! **A write that fails** is cut back to the last whole event; the numbers of its events are the
//! next one's. The store goes on, and works again once there is room. **A sync that fails** is
//! never retried: what the system has of the file then, and what the disk has, nobody knows. From
//! then on nothing is taken.
//!
//! **A new segment** begins with a start of the hub, and when the current one is large or old
//! enough. The one before it is synced first, so only the newest can have lost anything; and its
//! folder is synced before its first event is visible, so epochs rise even when the power goes and
//! the clock is set back.

pub(crate) mod retention;

use std::io::{self, ErrorKind};
use std::sync::Arc;

use super::block::{Head, Id};
use super::disk::{Disk, DiskFile};
use super::options::{JournalSync, Options};
use super::scan::Header;
use super::segments::{Segment, Segments};

/// One event or several, to be appended: adjacent, all or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) channel: &'a str,
    /// An idempotency key, and the digest of what it is used for.
    pub(crate) key: Option<(&'a str, u64)>,
    /// The events as an event stream has them, without ids.
    pub(crate) events: &'a [u8],
    /// Where each of them ends.
    pub(crate) ends: &'a [usize],
}

/// Why nothing was appended.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It could not be written. It may be tried again.
    Write(io::Error),
    /// A sync has failed, now or earlier: this is what the system said. Nothing is taken any more.
    Sync(Arc<io::Error>),
}

/// What is told of the newest segment, if something was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Torn {
    /// Its file's name, and how many bytes it has lost.
    pub(crate) segment: String,
    pub(crate) bytes: u64,
}

pub(crate) struct Store {
    disk: Arc<dyn Disk>,
    options: Options,
    segments: Arc<Segments>,
    /// How many bytes the segments have.
    bytes: u64,
    /// What was cut off at the start.
    torn: Option<Torn>,
    epoch: u64,
    /// The sequence number of the last event; zero before the first.
    sequence: u64,
    /// Up to which sequence number events are synced, and up to which a block says so.
    synced: u64,
    told: u64,
    /// Where the next event goes, once there was one.
    current: Option<Current>,
    /// Why nothing is taken any more.
    failed: Option<Arc<io::Error>>,
    /// Whether a removal may be undone by a power cut.
    removed: bool,
    /// Whether the oldest segment can't be removed. It is tried again with the next segment.
    stuck: bool,
    /// What is written. Empty between two writes.
    buffer: Vec<u8>,
}

/// The segment that is written.
struct Current {
    /// Not among the segments before it has an event.
    segment: Arc<Segment>,
    file: Arc<dyn DiskFile>,
    /// When it was made.
    since: u64,
    /// Whether the file may have more bytes than the segment.
    is_torn: bool,
}

/// What is to be synced, which takes time. The store may be used meanwhile, and begins no other
/// segment.
pub(crate) struct Unsynced {
    file: Arc<dyn DiskFile>,
    through: u64,
}

impl Unsynced {
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}

/// What the buffer keeps between two writes.
const BUFFER_KEPT: usize = 64 * 1024;

impl Store {
    /// A store over these segments, the oldest first, which are synced. The epoch is greater than
    /// all of theirs.
    pub(super) fn over(
        disk: Arc<dyn Disk>,
        options: Options,
        epoch: u64,
        segments: Vec<Segment>,
        torn: Option<Torn>,
    ) -> Self {
        let segments = Arc::new(Segments::new(segments));
        Self {
            disk,
            options,
            bytes: segments.bytes(),
            segments,
            torn,
            epoch,
            sequence: 0,
            synced: 0,
            told: 0,
            current: None,
            failed: None,
            removed: false,
            stuck: false,
            buffer: Vec::new(),
        }
    }

    /// The segments, for whoever reads.
    pub(crate) fn segments(&self) -> &Arc<Segments> {
        &self.segments
    }

    pub(crate) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    pub(crate) fn sync_level(&self) -> JournalSync {
        self.options.sync
    }

    /// The epoch of what is appended.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The id of the newest event, of this start or an earlier one, be it gone; `0-0` if there was
    /// none.
    pub(crate) fn newest(&self) -> Id {
        let segments = self.segments.list();
        let mut known = segments.iter().rev().flat_map(|of| [of.last(), of.header.after]);
        // Where no event is known, the oldest says before which one there may have been some.
        let oldest = || segments.first().map(|oldest| oldest.header.after);
        known.find(|id| id.sequence > 0).or_else(oldest).unwrap_or_default()
    }

    /// What was cut off at the start.
    pub(crate) fn torn(&self) -> Option<&Torn> {
        self.torn.as_ref()
    }

    /// Why nothing is taken any more, if a sync has failed.
    pub(crate) fn failed(&self) -> Option<&Arc<io::Error>> {
        self.failed.as_ref()
    }

    /// Appends all of these, or none of them, and returns the id of the first event. With
    /// [`JournalSync::Always`] they are durable then.
    pub(crate) fn append<'a>(
        &mut self,
        drafts: impl Iterator<Item = Draft<'a>>,
        now: u64,
    ) -> Result<Id, Refusal> {
        if let Some(failed) = &self.failed {
            return Err(Refusal::Sync(Arc::clone(failed)));
        }
        if self.is_full(now) {
            self.finish()?;
        }
        let first = self.sequence + 1;
        if self.current.is_none() {
            self.begin(now)?;
        }
        let last = self.encode(drafts, now);
        let written = self.write(last, now);
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_KEPT);
        written?;
        self.remove_some(now);
        Ok(Id { epoch: self.epoch, sequence: first })
    }

    /// Whether another segment is due.
    fn is_full(&self, now: u64) -> bool {
        self.current.as_ref().is_some_and(|current| {
            let is_old = |most: u64| now.saturating_sub(current.since) > most;
            !current.segment.is_empty()
                // A sync under way may fail, and the next one doesn't tell.
                && Arc::strong_count(&current.file) == 1
                && (current.segment.end() >= self.options.segment_bytes()
                    || self.options.segment_age().is_some_and(is_old))
        })
    }

    /// Ends the current segment. It is durable then, whatever the level: only the newest segment
    /// of a journal can be torn.
    fn finish(&mut self) -> Result<(), Refusal> {
        self.cut_back()?;
        if let Some(current) = &mut self.current {
            let synced = current.file.sync();
            self.check_sync(synced)?;
        }
        self.synced = self.sequence;
        self.current = None;
        self.stuck = false;
        Ok(())
    }

    /// Makes the segment of the next event. The folder is synced before anybody sees that event.
    fn begin(&mut self, now: u64) -> Result<(), Refusal> {
        let segment = Segment::new(
            Id { epoch: self.epoch, sequence: self.sequence + 1 },
            Header::new(self.newest()),
            0,
            self.sequence,
            0,
        );
        let name = segment.name();
        let made = match self.disk.create(&name) {
            // An earlier attempt failed after it was made, and before anything was written. The
            // epoch is ours alone.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.disk.open(&name, true),
            made => made,
        };
        let file = Arc::from(made.map_err(Refusal::Write)?);
        let synced = self.disk.sync_folder();
        self.check_sync(synced)?;
        self.removed = false;
        self.told = self.sequence;
        let segment = Arc::new(segment);
        self.current = Some(Current { segment, file, since: now, is_torn: false });
        Ok(())
    }

    /// Writes all blocks into the buffer, and returns the sequence number of the last.
    fn encode<'a>(&mut self, drafts: impl Iterator<Item = Draft<'a>>, now: u64) -> u64 {
        let begun = self.current.as_ref().filter(|current| current.segment.end() == 0);
        if let Some(Current { segment, .. }) = begun {
            self.buffer.extend_from_slice(Header::line(segment.header.after).as_bytes());
        }
        let id = |sequence| Id { epoch: self.epoch, sequence };
        let mut synced = (self.synced > self.told).then(|| id(self.synced));
        let mut last = self.sequence;
        for draft in drafts {
            let mut batch = Some(draft.ends.len() as u64).filter(|count| *count > 1);
            let mut key = draft.key;
            let mut begin = 0;
            for end in draft.ends {
                last += 1;
                let head = Head {
                    id: id(last),
                    channel: draft.channel,
                    time: now,
                    synced: synced.take(),
                    batch: batch.take(),
                    key: key.take(),
                };
                let event = &draft.events[begin..*end];
                head.encode_with(|out| out.extend_from_slice(event), &mut self.buffer);
                begin = *end;
            }
        }
        last
    }

    /// Writes the buffer after the last whole event, and counts it in. If that fails, it cuts off
    /// what is there of it.
    fn write(&mut self, last: u64, now: u64) -> Result<(), Refusal> {
        self.cut_back()?;
        let Some(current) = &mut self.current else { return Ok(()) };
        let end = current.segment.end();
        current.is_torn = true;
        if let Err(error) = current.file.write_all_at(&self.buffer, end) {
            // If it can't be cut back now, it is before the next write.
            let _ = self.cut_back();
            return Err(Refusal::Write(error));
        }
        if self.options.sync == JournalSync::Always {
            let synced = current.file.sync();
            if synced.is_err() {
                // Whoever published is refused: so it should not be there after a restart.
                let _ = current.file.set_len(end);
            }
            self.check_sync(synced)?;
        }
        self.count_in(last, now);
        Ok(())
    }

    /// Cuts off what a failed write has left. It is synced: what was refused must not be there
    /// after a power cut, under an id that another event has by then.
    fn cut_back(&mut self) -> Result<(), Refusal> {
        let Some(current) = self.current.as_mut().filter(|current| current.is_torn) else {
            return Ok(());
        };
        current.file.set_len(current.segment.end()).map_err(Refusal::Write)?;
        let synced = current.file.sync();
        self.check_sync(synced)?;
        if let Some(current) = &mut self.current {
            current.is_torn = false;
        }
        Ok(())
    }

    /// What is in the buffer is in the journal.
    fn count_in(&mut self, last: u64, now: u64) {
        let Some(current) = &mut self.current else { return };
        current.is_torn = false;
        let (end, more) = (current.segment.end(), self.buffer.len() as u64);
        let is_new = end == 0;
        current.segment.grow(end + more, last, now);
        if is_new {
            self.segments.push(&current.segment);
        }
        self.bytes += more;
        self.told = self.synced.max(self.told);
        self.sequence = last;
        if self.options.sync == JournalSync::Always {
            self.synced = last;
        }
    }

    /// What is not synced yet, if there is anything.
    pub(crate) fn unsynced(&self) -> Option<Unsynced> {
        let current = self.current.as_ref().filter(|_| self.failed.is_none())?;
        (self.synced < self.sequence)
            .then(|| Unsynced { file: Arc::clone(&current.file), through: self.sequence })
    }

    /// What came of syncing that.
    pub(crate) fn is_synced(
        &mut self,
        what: &Unsynced,
        done: io::Result<()>,
    ) -> Result<(), Refusal> {
        self.check_sync(done)?;
        self.synced = self.synced.max(what.through);
        Ok(())
    }

    /// Syncs what is not synced yet.
    pub(crate) fn sync(&mut self) -> Result<(), Refusal> {
        match self.unsynced() {
            Some(unsynced) => self.is_synced(&unsynced, unsynced.sync()),
            None => Ok(()),
        }
    }

    /// Remembers a sync that failed.
    fn check_sync(&mut self, done: io::Result<()>) -> Result<(), Refusal> {
        done.map_err(|error| {
            let error = Arc::clone(self.failed.get_or_insert_with(|| Arc::new(error)));
            Refusal::Sync(error)
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;

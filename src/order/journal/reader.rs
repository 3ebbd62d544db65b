//! Reading a journal from outside: for tools, and for whoever wants to know what a hub has kept.

use std::collections::VecDeque;
use std::fmt;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::block::{Block, Fault, Head, Id};
use super::disk::{Disk, DiskFile, ReadFile};
use super::find::{find, first_id};
use super::folder::Folder;
use super::scan::{Header, OtherFormat};
use super::walk::{Large, READ, Step, Walk};
use crate::error::{Error, Result};
use crate::event::EventId;
use crate::net::threads as thread;

/// Reads the journal in a folder, as a hub writes it ([`Hub::journal`](crate::Hub::journal)).
///
/// It takes no lock and changes nothing, so it may read beside a hub that is running. It sees the
/// segments that are there when it is opened, and of the newest one what has been written by the
/// time it is read.
///
/// ```
/// use tidings::JournalReader;
///
/// # let folder = std::env::temp_dir().join(format!("tidings-reader-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let segment = ": tidings journal 1, after 1764314275000-16\n\
///                id: 1764314275000-17\n\
///                channel: news\n\
///                time: 1764314275123\n\
///                data: hi\n\
///                crc: d895c250\n\n";
/// std::fs::write(folder.join("1764314275000-17.sse"), segment)?;
///
/// let journal = JournalReader::open(&folder)?;
/// assert_eq!(journal.segments()[0].file, "1764314275000-17.sse");
/// for record in journal.records(None)? {
///     let record = record?;
///     assert_eq!(record.channel, "news");
///     assert_eq!(record.bytes, b"id: 1764314275000-17\ndata: hi\n\n");
/// }
/// assert_eq!(journal.records(Some("1764314275000-17"))?.count(), 0);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct JournalReader {
    disk: Box<dyn Disk>,
    /// Those of `files`, as they are shown.
    segments: Vec<JournalSegment>,
    firsts: Vec<Id>,
}

impl fmt::Debug for JournalReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalReader").field("segments", &self.segments).finish_non_exhaustive()
    }
}

/// One file of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalSegment {
    /// The file's name in its folder: the id of its first event, and `.sse`.
    pub file: String,
    /// The id of its first event.
    pub first: EventId,
    /// The id of the newest event before its first, as its first line says; `0-0` if there was
    /// none. `None` if that line is damaged, or can't be read.
    pub after: Option<EventId>,
    /// The start of the hub that wrote it.
    pub epoch: u64,
    /// How many bytes it had when the reader was opened.
    pub bytes: u64,
}

/// An event of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalRecord {
    /// Its id.
    pub id: EventId,
    /// The start of the hub that published it: what the id begins with.
    pub epoch: u64,
    /// The name of its channel.
    pub channel: String,
    /// When it was published.
    pub time: SystemTime,
    /// Where it is the first of several events that were published as one: how many they are.
    pub batch: Option<u64>,
    /// The event as a stream is sent it, with its id and a blank line.
    pub bytes: Vec<u8>,
    /// Its place among [`JournalReader::segments`].
    pub segment: usize,
    /// How many bytes of the segment are its own.
    pub len: u64,
}

/// Bytes of a journal that are no event, or that the disk can't read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalDamage {
    /// The file's name in the folder.
    pub file: String,
    /// Where in the file they begin.
    pub at: u64,
    /// How many they are.
    pub bytes: u64,
    /// What is wrong.
    pub why: String,
    /// Whether the journal ends here, within an event that is being written, or was when its hub
    /// died. Nobody was told of that event, and the next hub cuts it off: it is no harm.
    pub is_unfinished: bool,
}

impl fmt::Display for JournalDamage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, at, bytes, why, .. } = self;
        write!(f, "{file}: {bytes} bytes from byte {at} on are no event that can be read: {why}")
    }
}

impl std::error::Error for JournalDamage {}

impl JournalReader {
    /// Opens the journal in a folder. Other files in it are ignored, and a folder without
    /// segments is a journal without events.
    ///
    /// # Errors
    ///
    /// When the folder can't be read.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let doing = || format!("can't read the journal in {}", folder.display());
        Self::of(Box::new(Folder::at(folder))).map_err(|error| Error::io(doing(), error))
    }

    pub(crate) fn of(disk: Box<dyn Disk>) -> std::io::Result<Self> {
        let named = |(file, bytes): (String, u64)| Some((first_id(&file)?, file, bytes));
        let mut files: Vec<_> = disk.list()?.into_iter().filter_map(named).collect();
        files.sort_unstable();
        let firsts = files.iter().map(|(first, ..)| *first).collect();
        let segment = |(first, file, bytes): (Id, String, u64)| {
            let id = |id: Id| EventId::of_channel(id.to_string());
            let header = disk.open(&file, false).and_then(|file| Header::read(&*file, first));
            let header = header.ok().and_then(|header| header.ok()).filter(|of| of.len > 0);
            let after = header.map(|header| id(header.after));
            JournalSegment { file, first: id(first), after, epoch: first.epoch, bytes }
        };
        let segments = files.into_iter().map(segment).collect();
        Ok(Self { disk, segments, firsts })
    }

    /// Its segments, the oldest first.
    #[must_use]
    pub fn segments(&self) -> &[JournalSegment] {
        &self.segments
    }

    /// Its events, in their order; those after the one with this id, if there is one. The id need
    /// not be that of an event: `0-0` comes before all of them.
    ///
    /// Damage comes in the place of what is damaged, and is no reason to stop. It takes a few
    /// hundred kilobytes of memory, or as many as the largest event.
    ///
    /// # Errors
    ///
    /// When the id is none of a journal: [`is_invalid`](Error::is_invalid) says so.
    pub fn records(&self, after: Option<&str>) -> Result<JournalRecords<'_>> {
        let after = match after {
            None => Id::default(),
            Some(text) => Id::parse(text).ok_or_else(|| {
                Error::invalid_value(format!(
                    "{text:?} is not an event's id, such as 1764314275000-17"
                ))
            })?,
        };
        // The last that may have one after it.
        let segment = self.firsts.partition_point(|first| *first <= after).saturating_sub(1);
        Ok(JournalRecords {
            reader: self,
            after,
            segment,
            file: None,
            at: 0,
            found: VecDeque::new(),
            bad: None,
            buffer: Vec::new(),
        })
    }
}

/// The events of a journal. See [`JournalReader::records`].
pub struct JournalRecords<'a> {
    reader: &'a JournalReader,
    after: Id,
    /// The segment that is read, its file once it is open, and where to go on in that.
    segment: usize,
    file: Option<Box<dyn DiskFile>>,
    at: u64,
    /// What was found and not yet given.
    found: VecDeque<std::result::Result<JournalRecord, JournalDamage>>,
    /// Bad bytes, after which more may come.
    bad: Option<(Range<u64>, Fault)>,
    buffer: Vec<u8>,
}

impl fmt::Debug for JournalRecords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalRecords")
            .field("segment", &self.segment)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl Iterator for JournalRecords<'_> {
    type Item = std::result::Result<JournalRecord, JournalDamage>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(found) = self.found.pop_front() {
                return Some(found);
            }
            let segment = self.reader.segments.get(self.segment)?;
            let Some(file) = self.file.take() else {
                self.open(segment);
                continue;
            };
            if self.read(&*file) {
                self.file = Some(file);
            } else {
                self.end_bad(self.segment + 1 == self.reader.segments.len());
                self.segment += 1;
            }
        }
    }
}

/// How many bytes of records are found before they are given.
const AHEAD: usize = 256 * 1024;

/// Whoever writes a block beside this reader takes no longer for it.
const WRITE: Duration = Duration::from_millis(20);
const WRITES: usize = 5;

impl JournalRecords<'_> {
    /// Opens a segment, and finds where to begin in it.
    fn open(&mut self, segment: &JournalSegment) {
        let first = self.reader.firsts[self.segment];
        let opened = self.reader.disk.open(&segment.file, false).and_then(|file| {
            let (len, header) = (file.len()?, Header::read(&*file, first)?);
            Ok((file, len, header))
        });
        let why = match opened {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                "it was removed meanwhile, as a running hub does with its oldest".into()
            }
            Err(error) => format!("the disk can't read it: {error}"),
            Ok((file, len, Ok(header))) => {
                let is_first = first.epoch == self.after.epoch;
                self.at = if is_first { find(&*file, len, self.after) } else { 0 };
                self.at = self.at.max(header.len);
                self.file = Some(file);
                return;
            }
            Ok((.., Err(OtherFormat(number)))) => {
                format!("it has the format {number}, which this version of tidings does not know")
            }
        };
        let JournalSegment { file, bytes, .. } = segment.clone();
        self.found.push_back(Err(JournalDamage { file, at: 0, bytes, why, is_unfinished: false }));
        self.segment += 1;
    }

    /// Reads on in a segment. Returns whether there may be more in it.
    fn read(&mut self, file: &dyn ReadFile) -> bool {
        let mut writes = 0;
        let mut ahead = 0;
        let mut walk = Walk::new(file, self.at, READ, std::mem::take(&mut self.buffer));
        let is_newest = self.segment + 1 == self.reader.segments.len();
        let goes_on = loop {
            let begins = walk.at();
            let found = walk.step(|step| match step {
                Step::Block(_, block) => Found::Record(self.record(&block)),
                Step::Large(large) => Found::Large(self.large(file, &large), large.event),
                Step::Bad(bad, fault) => Found::Bad(bad, fault),
            });
            match found {
                None => break false,
                Some(Found::Bad(bad, Fault::Cut)) if is_newest && writes < WRITES => {
                    // It may be written right now.
                    writes += 1;
                    thread::sleep(WRITE);
                    walk = Walk::new(file, bad.start.max(begins), READ, walk.into_buffer());
                }
                Some(Found::Bad(bad, fault)) => self.add_bad(bad, fault),
                Some(Found::Large(Err(kind), range)) => self.add_bad(range, Fault::Unread(kind)),
                Some(Found::Record(record) | Found::Large(Ok(record), _)) => {
                    self.end_bad(false);
                    if let Some(record) = record {
                        ahead += record.bytes.len();
                        self.found.push_back(Ok(record));
                    }
                }
            }
            if ahead >= AHEAD {
                break true;
            }
        };
        self.at = walk.at();
        self.buffer = walk.into_buffer();
        goes_on
    }

    /// The record of a block, if it is one of those that are asked for.
    fn record(&self, block: &Block<'_>) -> Option<JournalRecord> {
        let bytes = || [block.id_line, block.event, b"\n"].concat();
        self.record_of(&block.head, block.len as u64, bytes)
    }

    /// The same for one that is large.
    fn large(
        &self,
        file: &dyn ReadFile,
        large: &Large<'_>,
    ) -> std::result::Result<Option<JournalRecord>, ErrorKind> {
        let id_line = large.id_line.len();
        let mut bytes = large.id_line.to_vec();
        bytes.resize(id_line + (large.event.end - large.event.start) as usize, 0);
        let mut at = id_line;
        while at < bytes.len() {
            let from = large.event.start + (at - id_line) as u64;
            match file.read_at(&mut bytes[at..], from).map_err(|error| error.kind())? {
                0 => return Err(ErrorKind::UnexpectedEof),
                len => at += len,
            }
        }
        bytes.push(b'\n');
        Ok(self.record_of(&large.head, large.len, || bytes))
    }

    fn record_of(
        &self,
        head: &Head<'_>,
        len: u64,
        bytes: impl FnOnce() -> Vec<u8>,
    ) -> Option<JournalRecord> {
        // A time past every calendar is that of no event that was written.
        let since = Duration::from_millis(head.time);
        let time = SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH);
        (head.id > self.after).then(|| JournalRecord {
            id: EventId::of_channel(head.id.to_string()),
            epoch: head.id.epoch,
            channel: head.channel.to_owned(),
            time,
            batch: head.batch,
            bytes: bytes(),
            segment: self.segment,
            len,
        })
    }

    /// Bad bytes that are adjacent are told as one.
    fn add_bad(&mut self, more: Range<u64>, fault: Fault) {
        match &mut self.bad {
            Some((bad, _)) => bad.end = more.end,
            None => self.bad = Some((more, fault)),
        }
    }

    /// No more bad bytes follow those that there are; and nothing at all does, where the journal
    /// ends.
    fn end_bad(&mut self, is_end: bool) {
        if let Some((bad, fault)) = self.bad.take() {
            self.found.push_back(Err(JournalDamage {
                file: self.reader.segments[self.segment].file.clone(),
                at: bad.start,
                bytes: bad.end - bad.start,
                why: fault.to_string(),
                is_unfinished: is_end && fault == Fault::Cut,
            }));
        }
    }
}

/// What a step of the walk came to.
enum Found {
    Record(Option<JournalRecord>),
    Large(std::result::Result<Option<JournalRecord>, ErrorKind>, Range<u64>),
    Bad(Range<u64>, Fault),
}

#[cfg(test)]
mod tests;

//! Journals of many shapes, good and bad, in memory, and a plain reference of what streams are sent
//! of them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::*;
use crate::event::parser::Parser;
use crate::fuzz::random::Random;
use crate::log::id::Epochs;
use crate::log::large::LARGE;
use crate::net::atomic::AtomicU64;
use crate::order::journal::block::Block;
use crate::order::journal::find::file_name;
use crate::order::journal::scan::{Header, next_first};
use crate::order::journal::walk::tests::{Bytes, block};

/// Files in memory, and how many of their bytes were read.
#[derive(Default)]
pub(super) struct Files(pub(super) Mutex<BTreeMap<String, Arc<Bytes>>>, pub(super) Arc<AtomicU64>);

/// One that is open.
struct Open(Arc<Bytes>, Arc<AtomicU64>);

impl ReadFile for Open {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let len = self.0.read_at(buffer, offset)?;
        self.1.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}

impl DiskFile for Open {
    fn write_all_at(&self, _bytes: &[u8], _offset: u64) -> io::Result<()> {
        unreachable!("nothing here writes")
    }

    fn set_len(&self, _len: u64) -> io::Result<()> {
        unreachable!("nothing here writes")
    }

    fn sync(&self) -> io::Result<()> {
        unreachable!("nothing here writes")
    }
}

impl Disk for Files {
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        unreachable!("the segments are known")
    }

    fn create(&self, _name: &str) -> io::Result<Box<dyn DiskFile>> {
        unreachable!("nothing here writes")
    }

    fn open(&self, name: &str, _write: bool) -> io::Result<Box<dyn DiskFile>> {
        let files = self.0.lock().unwrap();
        let file = files.get(name).ok_or(ErrorKind::NotFound)?;
        Ok(Box::new(Open(Arc::clone(file), Arc::clone(&self.1))))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.lock().unwrap().remove(name);
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        unreachable!("nothing here writes")
    }
}

/// An event, as the reference knows it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) id: Id,
    pub(super) channel: &'static str,
    pub(super) content: Vec<u8>,
    pub(super) is_good: bool,
}

pub(super) struct Journal {
    pub(super) disk: Arc<Files>,
    pub(super) past: JournalPast,
    /// All that were written, the oldest first.
    pub(super) events: Vec<Known>,
    /// The first of each segment that is there.
    pub(super) segments: Vec<Id>,
}

const CHANNELS: [&str; 3] = ["a", "b", "rare"];

/// Writes so many segments for each epoch, of so many events each, some of which are large.
pub(super) fn journal(
    random: &mut Random,
    epochs: &[(u64, usize)],
    events: usize,
    spoil: bool,
    hidden: usize,
) -> Journal {
    let disk = Arc::new(Files::default());
    let (mut all, mut list) = (Vec::new(), Vec::new());
    for (epoch, segments) in epochs {
        let mut sequence = 0;
        for _ in 0..*segments {
            let first = Id { epoch: *epoch, sequence: sequence + 1 };
            let after = all.last().map(|last: &Known| last.id).unwrap_or_default();
            let mut bytes = Header::line(after).into_bytes();
            for _ in 0..1 + random.below(events) {
                sequence += 1;
                let id = Id { epoch: *epoch, sequence };
                let channel = CHANNELS[if random.once_in(9) { 2 } else { random.below(2) }];
                let len = match random.below(60) {
                    0 if random.once_in(2) => 150_000 + random.below(50_000),
                    1 => 36_000 + random.below(10_000),
                    _ => random.below(500),
                };
                let start = bytes.len();
                block(id, channel, len, &mut bytes);
                let whole = Block::parse(&bytes[start..]).unwrap();
                let content = [whole.id_line, whole.event, b"\n"].concat();
                let is_good = !spoil || !random.once_in(12);
                if !is_good {
                    let at = start + random.below(bytes.len() - start);
                    bytes[at] ^= 0x55;
                }
                if spoil && random.once_in(20) {
                    // Bytes between two events, which are no loss.
                    bytes.extend_from_slice(&b"\0id: \n"[random.below(2)..]);
                }
                all.push(Known { id, channel, content, is_good });
            }
            let end = bytes.len() as u64;
            disk.0.lock().unwrap().insert(file_name(first), Arc::new(Bytes::new(bytes)));
            list.push(Segment::new(first, Header::new(after), end, sequence, 0));
        }
    }
    all.truncate(all.len() - hidden);
    Journal::new(disk, all, list, epochs.iter().map(|(epoch, _)| *epoch))
}

/// A cursor at this place, of which no more is known.
pub(super) fn at(place: u64) -> Cursor {
    Cursor { place, seen: 0 }
}

impl Journal {
    /// One of these segments, which the hub has published these events of.
    fn new(
        disk: Arc<Files>,
        events: Vec<Known>,
        list: Vec<Segment>,
        epochs: impl IntoIterator<Item = u64>,
    ) -> Self {
        let known = Epochs::rising(std::iter::once(0).chain(epochs).collect(), 1_000_000);
        let newest = known.place(events.last().unwrap().id).unwrap();
        let segments = list.iter().map(|segment| segment.first).collect();
        let sequence = Arc::new(Sequence::resumed(known, newest, Duration::ZERO));
        let shared = Arc::clone(&disk) as Arc<dyn Disk>;
        let past = JournalPast::new(shared, Arc::new(Segments::new(list)), sequence);
        Self { disk, past, events, segments }
    }

    pub(super) fn place(&self, id: Id) -> u64 {
        self.past.place(id)
    }

    /// Reads everything after a place, as a stream is sent it.
    pub(super) fn read(&self, names: &[&str], from: u64, plain: bool) -> Vec<u8> {
        let (mut cursor, mut out) = (at(from), Vec::new());
        let mut batch = Batch::default();
        let newest = self.past.sequence.newest();
        let mut reads = 0;
        while cursor.place < newest {
            self.past.read(&of(names), cursor, plain, &mut batch).unwrap();
            assert!(batch.cursor.place > cursor.place, "it goes on");
            assert!(batch.cursor.place <= newest);
            assert!(batch.bytes().len() <= LARGE + 300, "a gap event may come first");
            out.extend_from_slice(batch.bytes());
            if batch.bytes().len() < batch.len() {
                let (mut sent, mut piece) = (batch.bytes().len(), Vec::new());
                while sent < batch.len() {
                    let crate::log::batch::Rest::Past(part, at_hand) =
                        batch.rest(sent..batch.len())
                    else {
                        panic!("it is of the past")
                    };
                    assert!(sent > batch.bytes().len() || at_hand.is_empty());
                    piece.clear();
                    self.past.read_part(&of(names), &part, &mut piece).unwrap();
                    assert!(!piece.is_empty() && piece.len() <= LARGE);
                    out.extend_from_slice(&piece);
                    sent += piece.len();
                }
                assert_eq!(sent, batch.len());
            }
            cursor = batch.cursor;
            reads += 1;
        }
        assert!(reads <= 10 + self.events.len(), "{reads}");
        out
    }

    /// What is expected: the contents of events, and gaps, each from one id to another.
    pub(super) fn expected(&self, names: &[&str], from: u64) -> Vec<u8> {
        let mut out = Vec::new();
        let newest = self.past.sequence.newest();
        // The last that was sent, and the one before the next.
        let (mut last, mut before) = (from, from);
        let gap = |last: u64, to: u64, reason: &str, out: &mut Vec<u8>| {
            let [last, to] = [last, to].map(|place| self.past.sequence.id(place));
            out.extend_from_slice(
                format!(
                    "id: {to}\nevent: tidings.gap\ndata: {{\"from\":\"{last}\",\"to\":\"{to}\",\
                     \"missed\":null,\"reason\":\"{reason}\"}}\n\n"
                )
                .as_bytes(),
            );
        };
        for event in &self.events {
            let place = self.place(event.id);
            if place <= from {
                continue;
            }
            if event.is_good {
                if last < before {
                    gap(last, before, "damaged", &mut out);
                }
                if names.is_empty() {
                    out.extend_from_slice(format!("channel: {}\n", event.channel).as_bytes());
                }
                if of(names).iter().any(|of| of.has(event.channel)) {
                    out.extend_from_slice(&event.content);
                }
                last = place;
            }
            before = place;
        }
        if last < newest {
            gap(last, newest, "damaged", &mut out);
        }
        out
    }

    /// The same, where the reference has looked for each event in the bytes of the files.
    pub(super) fn with_what_is_there(&self) -> Self {
        let disk = Arc::new(Files(Mutex::new(self.disk.0.lock().unwrap().clone()), Arc::default()));
        let files = self.disk.0.lock().unwrap();
        let mut whole = Vec::new();
        for file in files.values() {
            let bytes = &file.bytes;
            let mut at = next_first(bytes, 1);
            while at < bytes.len() {
                whole.extend(Block::parse(&bytes[at..]).map(|block| block.head.id));
                at = next_first(bytes, at + 1);
            }
        }
        let mut events = self.events.clone();
        events.iter_mut().for_each(|event| event.is_good = whole.contains(&event.id));
        let segments = self.past.segments.list();
        let list = segments
            .iter()
            .map(|of| Segment::new(of.first, of.header, of.end(), of.last().sequence, 0));
        let segments = Arc::new(Segments::new(list.collect()));
        let shared = Arc::clone(&disk) as Arc<dyn Disk>;
        let past = JournalPast::new(shared, segments, Arc::clone(&self.past.sequence));
        Self { disk, past, events, segments: self.segments.clone() }
    }

    /// Removes the oldest segment.
    pub(super) fn remove_oldest(&mut self) {
        let list = self.past.segments.list();
        self.past.segments.remove(&list[0]);
        self.disk.remove(&list[0].name()).unwrap();
        self.segments.remove(0);
    }
}

/// The body of chunks.
fn dechunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let line = bytes.iter().position(|byte| *byte == b'\r').unwrap();
        let len = usize::from_str_radix(str::from_utf8(&bytes[..line]).unwrap(), 16).unwrap();
        let content = &bytes[line + 2..][..len];
        // An event is a chunk, whatever its size is.
        let is_feed = content.starts_with(b"channel: ");
        assert!((is_feed || content.starts_with(b"id: ")) && content.ends_with(b"\n\n"));
        out.extend_from_slice(content);
        assert_eq!(&bytes[line + 2 + len..][..2], b"\r\n");
        bytes = &bytes[line + 2 + len + 2..];
    }
    out
}

/// How many events there are.
fn events(bytes: &[u8]) -> usize {
    let mut parser = Parser::new();
    parser.feed(bytes).unwrap();
    std::iter::from_fn(|| parser.next_event()).count()
}

/// Channels, as tests name them: none for the feed, and `ra*` for those that begin with `ra`.
pub(super) fn of<'a>(names: &[&'a str]) -> Vec<Of<'a>> {
    let of = |name: &&'a str| match name.strip_suffix('*') {
        Some(prefix) => Of::Below(prefix),
        None => Of::Name(name),
    };
    if names.is_empty() { vec![Of::Feed] } else { names.iter().map(of).collect() }
}

pub(super) fn check(journal: &Journal, names: &[&str], from: u64) {
    let expected = journal.expected(names, from);
    let plain = journal.read(names, from, true);
    let id = journal.past.sequence.id(from);
    assert!(plain == expected, "{names:?} from {id}: {} of {}", events(&plain), events(&expected));
    assert!(dechunked(&journal.read(names, from, false)) == expected, "{names:?} from {id}");
}

/// Makes the bytes of a segment bad, from a block to a place: what is begun is read to its end.
pub(super) fn spoil(journal: &Journal, number: usize, bad: Range<usize>) {
    let name = journal.past.segments.list()[number].name();
    let mut files = journal.disk.0.lock().unwrap();
    let mut bytes = files[&name].bytes.clone();
    let begin = if bad.start > 0 { next_first(&bytes, bad.start) } else { 0 };
    bytes[begin..bad.end].fill(0);
    files.insert(name, Arc::new(Bytes::new(bytes)));
}

/// A journal of so many segments, with so many events in each, each of some six kilobytes.
pub(super) fn even(segments: u64, events: u64) -> Journal {
    let disk = Arc::new(Files::default());
    let (mut all, mut list) = (Vec::new(), Vec::new());
    for segment in 0..segments {
        let first = Id { epoch: 5, sequence: segment * events + 1 };
        let after = all.last().map(|last: &Known| last.id).unwrap_or_default();
        let mut bytes = Header::line(after).into_bytes();
        for sequence in first.sequence..first.sequence + events {
            let (id, start) = (Id { epoch: 5, sequence }, bytes.len());
            block(id, "a", 6_000, &mut bytes);
            let whole = Block::parse(&bytes[start..]).unwrap();
            let content = [whole.id_line, whole.event, b"\n"].concat();
            all.push(Known { id, channel: "a", content, is_good: true });
        }
        let (end, last) = (bytes.len() as u64, first.sequence + events - 1);
        list.push(Segment::new(first, Header::new(after), end, last, 0));
        disk.0.lock().unwrap().insert(list.last().unwrap().name(), Arc::new(Bytes::new(bytes)));
    }
    Journal::new(disk, all, list, [5])
}

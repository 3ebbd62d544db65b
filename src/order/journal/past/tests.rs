//! Tests of the past against a plain reference: journals of many shapes, good and bad, read from
//! every place.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::*;
use crate::event::parser::Parser;
use crate::fuzz::random::Random;
use crate::log::id::Epochs;
use crate::log::large::LARGE;
use crate::net::atomic::AtomicU64;
use crate::order::journal::block::Block;
use crate::order::journal::scan::{Header, next_first};
use crate::order::journal::walk::tests::{Bytes, block};

/// Files in memory, and how many of their bytes were read.
#[derive(Default)]
struct Files(Mutex<BTreeMap<String, Arc<Bytes>>>, Arc<AtomicU64>);

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
struct Known {
    id: Id,
    channel: &'static str,
    content: Vec<u8>,
    is_good: bool,
}

struct Journal {
    disk: Arc<Files>,
    past: JournalPast,
    /// All that were written, the oldest first.
    events: Vec<Known>,
    /// The first of each segment that is there.
    segments: Vec<Id>,
}

const CHANNELS: [&str; 3] = ["a", "b", "rare"];

/// Writes so many segments for each epoch, of so many events each, some of which are large.
fn journal(
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
            disk.0
                .lock()
                .unwrap()
                .insert(super::super::find::file_name(first), Arc::new(Bytes::new(bytes)));
            list.push(Segment::new(first, Header::new(after), end, sequence, 0));
        }
    }
    let known = Epochs::rising(
        std::iter::once(0).chain(epochs.iter().map(|(epoch, _)| *epoch)).collect(),
        1_000_000,
    );
    let visible = all.len() - hidden;
    let newest = known.place(all[visible - 1].id).unwrap();
    all.truncate(visible);
    let segments = list.iter().map(|segment| segment.first).collect();
    let sequence = Arc::new(Sequence::resumed(known, newest, Duration::ZERO));
    let shared = Arc::clone(&disk) as Arc<dyn Disk>;
    let past = JournalPast::new(shared, Arc::new(Segments::new(list)), sequence);
    Journal { disk, past, events: all, segments }
}

/// A cursor at this place, of which no more is known.
fn at(place: u64) -> Cursor {
    Cursor { place, seen: 0 }
}

impl Journal {
    fn place(&self, id: Id) -> u64 {
        self.past.place(id)
    }

    /// Reads everything after a place, as a stream is sent it.
    fn read(&self, names: &[&str], from: u64, plain: bool) -> Vec<u8> {
        let (mut cursor, mut out) = (at(from), Vec::new());
        let mut batch = Batch::default();
        let newest = self.past.sequence.newest();
        let mut reads = 0;
        while cursor.place < newest {
            self.past.read(names, cursor, plain, &mut batch).unwrap();
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
                    self.past.read_part(&part, &mut piece).unwrap();
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
    fn expected(&self, names: &[&str], from: u64) -> Vec<u8> {
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
                if names.contains(&event.channel) {
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
}

/// The body of chunks.
fn dechunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let line = bytes.iter().position(|byte| *byte == b'\r').unwrap();
        let len = usize::from_str_radix(str::from_utf8(&bytes[..line]).unwrap(), 16).unwrap();
        let content = &bytes[line + 2..][..len];
        // An event is a chunk, whatever its size is.
        assert!(content.starts_with(b"id: ") && content.ends_with(b"\n\n"));
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

fn check(journal: &Journal, names: &[&str], from: u64) {
    let expected = journal.expected(names, from);
    let plain = journal.read(names, from, true);
    let id = journal.past.sequence.id(from);
    assert!(plain == expected, "{names:?} from {id}: {} of {}", events(&plain), events(&expected));
    assert!(dechunked(&journal.read(names, from, false)) == expected, "{names:?} from {id}");
}

#[test]
fn everything_after_any_place_comes_once_and_in_order() {
    let mut random = Random::of(&[13]);
    for round in 0..4 {
        let journal = journal(&mut random, &[(5, 3), (7, 1), (8, 2)], 60, false, round % 3);
        for names in [&["a"][..], &["rare"], &["b", "rare", "a"], &["nothing"]] {
            check(&journal, names, 0);
            let from = journal.place(journal.events[random.below(journal.events.len())].id);
            check(&journal, names, from);
        }
    }
}

#[test]
fn row_58_bad_bytes_are_skipped_and_told_and_all_else_comes() {
    let mut random = Random::of(&[58]);
    for _ in 0..6 {
        let journal = journal(&mut random, &[(5, 2), (7, 2)], 60, true, 0);
        for names in [&["a", "b"][..], &["rare"]] {
            // A spoiled last byte of a block may take the next one with it; so the reference is
            // what a second look at the files finds.
            let journal = journal.with_what_is_there();
            check(&journal, names, 0);
            let from = journal.place(journal.events[random.below(journal.events.len())].id);
            check(&journal, names, from);
        }
    }
}

impl Journal {
    /// The same, where the reference has looked for each event in the bytes of the files.
    fn with_what_is_there(&self) -> Self {
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
    fn remove_oldest(&mut self) {
        let list = self.past.segments.list();
        self.past.segments.remove(&list[0]);
        self.disk.remove(&list[0].name()).unwrap();
        self.segments.remove(0);
    }
}

#[test]
fn where_segments_are_gone_a_stream_is_told_and_goes_on_with_the_oldest() {
    let mut random = Random::of(&[3]);
    let mut journal = journal(&mut random, &[(5, 3), (7, 2)], 30, false, 0);
    let names = ["a", "b", "rare"];
    let start = journal.place(journal.events[0].id);
    // One read of it leaves the file open, which is no segment any more.
    journal.past.read(&names, at(0), true, &mut Batch::default()).unwrap();
    assert!(!journal.past.has_lost(0) && !journal.past.has_lost(start));
    for removed in 1..=3 {
        journal.remove_oldest();
        let oldest = journal.segments[0];
        let gone = journal.events.iter().rfind(|event| event.id < oldest).unwrap().id;
        let before = journal.place(gone);
        assert_eq!(journal.past.beginning(), before);
        assert!(journal.past.has_lost(0) && journal.past.has_lost(start));
        assert!(!journal.past.has_lost(before) && !journal.past.has_lost(before + 1));
        for from in [0, start] {
            let text = String::from_utf8(journal.read(&names, from, true)).unwrap();
            let [from, to] = [from, before].map(|place| journal.past.sequence.id(place));
            let gap = format!(
                "id: {to}\nevent: tidings.gap\ndata: {{\"from\":\"{from}\",\"to\":\"{to}\",\
                 \"missed\":null,\"reason\":\"evicted\"}}\n\n"
            );
            let kept = journal.events.iter().filter(|event| event.id >= oldest);
            let kept = kept.map(|event| String::from_utf8(event.content.clone()).unwrap());
            assert!(text == gap + &kept.collect::<String>(), "{removed} are gone");
        }
        // Whoever has everything up to there has lost nothing.
        check(&journal, &names, before);
    }
}

#[test]
fn where_nothing_was_ever_written_nothing_is_gone() {
    let sequence = Sequence::resumed(Epochs::rising(vec![0], 5), 0, Duration::ZERO);
    let segments = Arc::new(Segments::new(Vec::new()));
    let past = JournalPast::new(Arc::new(Files::default()), segments, Arc::new(sequence));
    assert!(!past.has_lost(0));
}

#[test]
fn a_stream_resumes_from_an_id_that_was_given_to_an_event_or_comes_before_one() {
    let mut random = Random::of(&[4]);
    let mut journal = journal(&mut random, &[(5, 2), (7, 1)], 30, false, 3);
    let id = |epoch, sequence| Id { epoch, sequence };
    let newest = journal.past.sequence.id(journal.past.sequence.newest());
    let last = journal.events.iter().rfind(|event| event.id.epoch == 5).unwrap().id;
    let after = |id: Id| Id { sequence: id.sequence + 1, ..id };
    for known in [Id::default(), id(5, 0), id(5, 1), last, newest] {
        assert_eq!(journal.past.resume(known), Ok(journal.place(known)), "{known}");
    }
    let unknown = [id(0, 1), id(4, 1), after(last), id(6, 1), after(newest), id(u64::MAX, 1)];
    for unknown in unknown {
        assert_eq!(journal.past.resume(unknown), Err(Reason::Restarted), "{unknown}");
    }
    (0..2).for_each(|_| journal.remove_oldest());
    for evicted in [Id::default(), id(4, 1), id(5, 1), id(5, last.sequence - 1)] {
        assert_eq!(journal.past.resume(evicted), Err(Reason::Evicted), "{evicted}");
    }
    for known in [last, id(7, 0), newest] {
        assert_eq!(journal.past.resume(known), Ok(journal.place(known)), "{known}");
    }
    assert_eq!(journal.past.resume(after(last)), Err(Reason::Restarted));
}

#[test]
fn a_segment_that_somebody_has_removed_from_the_middle_is_told() {
    let mut random = Random::of(&[5]);
    let mut journal = journal(&mut random, &[(5, 1), (7, 1), (8, 1)], 30, false, 0);
    let removed = journal.past.segments.list()[1].clone();
    journal.past.segments.remove(&removed);
    journal.events.iter_mut().for_each(|event| event.is_good &= event.id.epoch != 7);
    let expected = String::from_utf8(journal.expected(&["a"], 0)).unwrap();
    let expected = expected.replace("damaged", "evicted");
    assert_eq!(String::from_utf8(journal.read(&["a"], 0, true)).unwrap(), expected);
    assert!(expected.contains("tidings.gap"));
}

#[test]
fn the_newest_events_are_found_from_the_end() {
    let mut random = Random::of(&[6]);
    let journal = journal(&mut random, &[(5, 3), (7, 2)], 40, false, 2);
    for names in [&["a"][..], &["rare"], &["a", "b", "rare"], &["nothing"]] {
        let places: Vec<u64> = journal
            .events
            .iter()
            .filter(|event| names.contains(&event.channel))
            .map(|event| journal.place(event.id))
            .collect();
        for count in [1, 2, 7, 50, 10_000] {
            let first = places.len().saturating_sub(count);
            let newest = journal.past.sequence.newest();
            let expected = places.get(first).map(|place| place - 1);
            let found = journal.past.before_newest(names, count, newest);
            assert_eq!(found, expected, "{names:?} {count}");
            // Of those up to one of them.
            let until = journal.place(journal.events[random.below(journal.events.len())].id);
            let up_to = places.partition_point(|place| *place <= until);
            let expected = places[..up_to].get(up_to.saturating_sub(count)).map(|place| place - 1);
            let found = journal.past.before_newest(names, count, until);
            assert_eq!(found, expected, "{names:?} {count} up to {until}");
        }
        assert_eq!(journal.past.before_newest(names, 0, journal.past.sequence.newest()), None);
    }
}

#[test]
fn blocks_that_are_no_events_of_the_hub_are_not_among_the_newest() {
    let mut random = Random::of(&[10]);
    let journal = journal(&mut random, &[(5, 1)], 40, false, 0);
    let newest = journal.events.iter().rfind(|event| event.channel == "a").unwrap().id;
    let mut bytes = journal.disk.0.lock().unwrap()["5-1.sse"].bytes.clone();
    for id in [Id::default(), Id { epoch: 4, sequence: 1 }, Id { epoch: 5, sequence: u64::MAX }] {
        block(id, "a", 10, &mut bytes);
    }
    let len = bytes.len() as u64;
    journal.disk.0.lock().unwrap().insert("5-1.sse".into(), Arc::new(Bytes::new(bytes)));
    journal.past.segments.list()[0].grow(len, journal.events.len() as u64, 7);
    let until = journal.past.sequence.newest();
    let found = journal.past.before_newest(&["a"], 1, until);
    assert_eq!(found, Some(journal.place(newest) - 1));
}

#[test]
fn a_stream_of_a_rare_channel_comes_along_although_it_is_sent_nothing() {
    let mut random = Random::of(&[8]);
    let journal = journal(&mut random, &[(5, 4)], 1_000, false, 0);
    let mut batch = Batch::default();
    let (mut cursor, mut reads) = (at(0), 0);
    let newest = journal.past.sequence.newest();
    while cursor.place < newest {
        journal.past.read(&["nothing"], cursor, false, &mut batch).unwrap();
        assert!(batch.bytes().is_empty() && batch.cursor.place > cursor.place);
        cursor = batch.cursor;
        reads += 1;
    }
    let bytes: u64 = journal.past.segments.list().iter().map(|segment| segment.end()).sum();
    let most = bytes / MOST_READ + 5;
    assert!((2..=most).contains(&reads), "{reads} of {most}");
}

#[test]
fn a_stream_that_begins_before_everything_searches_for_nothing() {
    let mut random = Random::of(&[11]);
    let journal = journal(&mut random, &[(5, 1), (6, 1)], 5_000, false, 0);
    let reads = || journal.disk.1.swap(0, Ordering::Relaxed);
    journal.past.read(&["a"], at(0), true, &mut Batch::default()).unwrap();
    let few = reads();
    assert!(few <= MOST_READ, "{few}");
    journal.disk.remove("5-1.sse").unwrap();
    let segments = &journal.past.segments;
    segments.remove(&segments.list()[0]);
    journal.past.read(&["a"], at(0), true, &mut Batch::default()).unwrap();
    let few = reads();
    assert!(few <= MOST_READ, "{few}");
}

#[test]
fn however_many_segments_are_read_few_files_are_open() {
    let mut random = Random::of(&[9]);
    let journal = journal(&mut random, &[(5, 20)], 10, false, 0);
    journal.read(&["a"], 0, true);
    assert!(journal.past.cache().files.len() <= OPEN);
    for event in &journal.events {
        let from = at(journal.place(event.id));
        journal.past.read(&["a"], from, true, &mut Batch::default()).unwrap();
    }
    assert!(journal.past.cache().hints.len() <= HINTS);
}

/// Makes the bytes of a segment bad, from a block to a place: what is begun is read to its end.
fn spoil(journal: &Journal, number: usize, bad: std::ops::Range<usize>) {
    let name = journal.past.segments.list()[number].name();
    let mut files = journal.disk.0.lock().unwrap();
    let mut bytes = files[&name].bytes.clone();
    let begin = if bad.start > 0 { next_first(&bytes, bad.start) } else { 0 };
    bytes[begin..bad.end].fill(0);
    files.insert(name, Arc::new(Bytes::new(bytes)));
}

/// A journal of so many segments, with so many events in each, each of some six kilobytes.
fn even(segments: u64, events: u64) -> Journal {
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
    let known = Epochs::rising(vec![0, 5], 1_000_000);
    let newest = known.place(all.last().unwrap().id).unwrap();
    let segments = list.iter().map(|segment| segment.first).collect();
    let sequence = Arc::new(Sequence::resumed(known, newest, Duration::ZERO));
    let shared = Arc::clone(&disk) as Arc<dyn Disk>;
    let past = JournalPast::new(shared, Arc::new(Segments::new(list)), sequence);
    Journal { disk, past, events: all, segments }
}

#[test]
fn row_58_however_many_bytes_are_bad_one_read_takes_a_piece_and_the_next_goes_on() {
    // With a search for where to begin.
    const MOST: u64 = MOST_READ + 7 * 512 * 1024;
    let len =
        |journal: &Journal, number: usize| journal.past.segments.list()[number].end() as usize;
    // Beginnings, ends and middles of segments, and all of one.
    let (begin, middle) = (|_| 0..2_000_000, |len: usize| 700_000..len - 700_000);
    let (end, all) = (|len: usize| 700_000..len, |len: usize| 0..len);
    type Bad = fn(usize) -> std::ops::Range<usize>;
    let shapes: [[Option<Bad>; 3]; 4] = [
        [Some(middle), None, Some(middle)],
        [Some(end), Some(all), Some(begin)],
        [Some(begin), Some(end), Some(all)],
        [None, Some(begin), None],
    ];
    let mut random = Random::of(&[12]);
    for (number, shape) in shapes.into_iter().enumerate() {
        let journal = even(3, 700);
        for (number, bad) in shape.into_iter().enumerate() {
            if let Some(bad) = bad {
                spoil(&journal, number, bad(len(&journal, number)));
            }
        }
        let journal = journal.with_what_is_there();
        let good: Vec<u64> = journal
            .events
            .iter()
            .filter(|event| event.is_good)
            .map(|event| event.id.sequence)
            .collect();
        // Now and then others come in between, so that nobody's place is remembered.
        let newest = journal.past.sequence.newest();
        let (mut cursor, mut batch, mut told) = (at(0), Batch::default(), Vec::new());
        while cursor.place < newest {
            let before = journal.disk.1.load(Ordering::Relaxed);
            journal.past.read(&["a"], cursor, true, &mut batch).unwrap();
            let read = journal.disk.1.load(Ordering::Relaxed) - before;
            assert!(read <= MOST, "{read} bytes at once, {number}");
            assert!(batch.cursor != cursor, "it goes on");
            cursor = batch.cursor;
            if random.once_in(4) {
                journal.past.cache().hints.clear();
            }
            told.extend_from_slice(batch.bytes());
        }
        // Each event that is whole, and what is gone between two of them: nothing twice.
        let mut parser = Parser::new();
        parser.feed(&told).unwrap();
        let (mut last, mut come) = (Id { epoch: 5, sequence: 0 }, Vec::new());
        while let Some(event) = parser.next_event() {
            let id = Id::parse(&event.last_event_id).unwrap();
            if event.event_type == "tidings.gap" {
                let from = if last.sequence == 0 { Id::default() } else { last };
                assert!(event.data.contains(&format!(r#""from":"{from}""#)), "{}", event.data);
                assert!(event.data.contains(r#""reason":"damaged""#), "{}", event.data);
                assert!(id > last);
            } else {
                assert_eq!(id.sequence, last.sequence + 1, "{number}");
                come.push(id.sequence);
            }
            last = id;
        }
        assert!(come == good, "{} of {}, {number}", come.len(), good.len());
        assert_eq!(journal.place(last), newest);
    }
}

#[test]
fn the_newest_events_are_not_searched_where_the_logs_have_all_of_them_or_too_many_ask() {
    let journal = even(2, 1_600);
    let until = |back: u64| journal.past.sequence.newest() - back;
    let search = |until, names: &[&str]| {
        let before = journal.disk.1.load(Ordering::Relaxed);
        let found = journal.past.before_newest(names, 10, until);
        (found, journal.disk.1.load(Ordering::Relaxed) - before)
    };
    // 16 MiB are some 2,600 events.
    let few = 1024 * 1024;
    for (back, is_found) in [(0, true), (1_590, true), (1_610, true), (3_100, false)] {
        let (found, read) = search(until(back), &["a"]);
        assert_eq!(found, is_found.then_some(until(back) - 10), "{back}");
        assert!(read <= few, "{read} for {back}");
    }
    let (found, read) = search(until(3_100), &["b"]);
    assert!(found.is_none() && read <= few, "{read}");
    assert!(search(until(0), &["b"]).1 > 16 * 1024 * 1024, "of a channel without any");

    let turns: Vec<_> = journal.past.turns.iter().map(|turn| turn.lock().unwrap()).collect();
    assert_eq!(search(until(0), &["a"]), (None, 0));
    drop(turns);
    assert!(search(until(0), &["a"]).0.is_some());
}

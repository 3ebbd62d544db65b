//! Tests of opening a journal, on a disk in memory.

use super::super::block::Block;
use super::super::options::JournalSync;
use super::super::sim::SimDisk;
use super::*;
use crate::event::Event;
use crate::net::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// The first line of the first segment of all.
const HEADER: &[u8] = b": tidings journal 1, after 0-0\n";

const OPTIONS: Options = Options { sync: JournalSync::Interval, bytes: 1 << 30, age: None };

/// A block of the epoch 5, whose time is its number, and which is longer than two sectors.
fn block(sequence: u64, synced: Option<u64>, batch: Option<u64>) -> Vec<u8> {
    let id = |sequence| Id { epoch: 5, sequence };
    let head = Head {
        id: id(sequence),
        channel: "news",
        time: sequence,
        synced: synced.map(id),
        batch,
        key: None,
    };
    let mut out = Vec::new();
    head.encode(&Event::new(format!("event {sequence:0>100}")), &mut out);
    out
}

fn event(sequence: u64) -> Vec<u8> {
    block(sequence, None, None)
}

/// What a power cut left where a block was, of as many bytes. Its last line end is still there.
fn lost(block: &[u8]) -> Vec<u8> {
    [&vec![0; block.len() - 1], &b"\n"[..]].concat()
}

/// A block with one bad byte, which happens to be zero.
fn bad(block: &[u8]) -> Vec<u8> {
    let mut bad = block.to_vec();
    bad[3] = 0;
    bad
}

fn disk(files: &[(&str, Vec<u8>)]) -> SimDisk {
    let disk = SimDisk::new(1);
    for (name, bytes) in files {
        disk.create(name).unwrap().write_all_at(bytes, 0).unwrap();
    }
    disk
}

fn segment(blocks: &[Vec<u8>]) -> Vec<u8> {
    [HEADER, &blocks.concat()].concat()
}

fn open(disk: &SimDisk) -> Result<Store> {
    Store::open(Arc::new(disk.clone()), OPTIONS, 1)
}

/// Opens a journal with one segment of these blocks. Returns the numbers of those that are good
/// and still there, and the id of the newest event.
fn recovered(blocks: &[Vec<u8>]) -> (Vec<u64>, String) {
    let disk = disk(&[("5-1.sse", segment(blocks))]);
    let store = open(&disk).unwrap();
    let bytes = disk.files().remove("5-1.sse").unwrap();
    let end = store.segments().list()[0].end();
    assert_eq!(end, bytes.len() as u64, "the file is cut off where the segment ends");
    let lost = segment(blocks).len() as u64 - end;
    assert_eq!(store.torn().map_or(0, |torn| torn.bytes), lost);
    let mut left = Vec::new();
    let file = disk.open("5-1.sse", false).unwrap();
    let mut walk = Walk::new(&*file, HEADER.len() as u64, READ, Vec::new());
    while walk
        .step(|step| {
            if let Step::Block(_, Block { head, .. }) = step {
                left.push(head.id.sequence);
            }
        })
        .is_some()
    {}
    (left, store.newest().to_string())
}

fn is(numbers: &[u64]) -> (Vec<u64>, String) {
    let newest = numbers.last().map_or("0-0".into(), |last| format!("5-{last}"));
    (numbers.to_vec(), newest)
}

#[test]
fn row_57_a_segment_that_ends_within_an_event_is_cut_back_to_the_last_whole_one() {
    let whole = [event(1), event(2)];
    assert_eq!(recovered(&whole), is(&[1, 2]));
    let last = event(3);
    for len in 1..last.len() {
        let torn = [event(1), event(2), last[..len].to_vec()];
        assert_eq!(recovered(&torn), is(&[1, 2]), "{len} bytes of {}", last.len());
    }
}

#[test]
fn row_57_an_incomplete_batch_at_the_end_goes_as_a_whole() {
    let batch = [block(3, None, Some(3)), event(4), event(5)];
    let blocks = |count: usize| [&[event(1), event(2)], &batch[..count]].concat();
    assert_eq!(recovered(&blocks(3)), is(&[1, 2, 3, 4, 5]));
    for count in [1, 2] {
        assert_eq!(recovered(&blocks(count)), is(&[1, 2]));
    }
    let torn = [blocks(2), vec![batch[2][..20].to_vec()]].concat();
    assert_eq!(recovered(&torn), is(&[1, 2]));
    let next = [blocks(3), vec![event(6)]].concat();
    assert_eq!(recovered(&next), is(&[1, 2, 3, 4, 5, 6]));
}

#[test]
fn row_57_what_a_power_cut_took_before_the_last_sync_is_skipped_and_after_it_ends_the_journal() {
    let six = |lost_at: u64, synced: Option<u64>| {
        let blocks: Vec<Vec<u8>> = (1..=6)
            .map(|n| {
                let block = block(n, synced.filter(|_| n == 6), None);
                if n == lost_at { lost(&block) } else { block }
            })
            .collect();
        recovered(&blocks)
    };
    assert_eq!(six(2, None), is(&[1]));
    assert_eq!(six(2, Some(1)), is(&[1]));
    assert_eq!(six(2, Some(2)), is(&[1, 3, 4, 5, 6]));
    assert_eq!(six(2, Some(4)), is(&[1, 3, 4, 5, 6]));
    assert_eq!(six(5, Some(4)), is(&[1, 2, 3, 4]));
    // The id that a bad block tells of is not believed.
    assert_eq!(six(6, Some(5)), is(&[1, 2, 3, 4, 5]));
    let old = [event(1), event(2), event(1), event(3)];
    assert_eq!(recovered(&old), is(&[1, 2]), "what is left from an earlier write is bad");
}

#[test]
fn row_58_a_bad_byte_takes_no_event_after_it_whether_that_was_synced_or_not() {
    let six = |bad_at: u64| {
        recovered(
            &(1..=6)
                .map(|n| if n == bad_at { bad(&event(n)) } else { event(n) })
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(six(1), is(&[2, 3, 4, 5, 6]));
    assert_eq!(six(3), is(&[1, 2, 4, 5, 6]));
    assert_eq!(six(6), is(&[1, 2, 3, 4, 5]), "at the end it can't be told from a torn event");
    // One that somebody has removed by hand.
    assert_eq!(recovered(&[event(1), event(3), event(4)]), is(&[1, 3, 4]));
}

#[test]
fn what_a_crash_left_of_a_new_segment_is_empty_and_its_epoch_is_not_used_again() {
    let torn = [HEADER, b"id: 5-1\n"].concat();
    for left in [&b""[..], b": tidings jo", &HEADER[..25], HEADER, b"\0\0\0\0", &torn] {
        let disk = disk(&[("4-1.sse", segment(&[])), ("5-1.sse", left.to_vec())]);
        let store = open(&disk).unwrap();
        assert_eq!((store.newest().to_string(), store.epoch()), ("0-0".into(), 6), "{left:?}");
        assert!(store.segments().list().iter().all(|segment| segment.is_empty()));
    }
}

#[test]
fn row_58_a_bad_byte_in_the_first_line_hides_no_event() {
    let mut bytes = segment(&[event(1), event(2)]);
    bytes[3] ^= 1;
    let disk = disk(&[("5-1.sse", bytes.clone()), ("6-1.sse", segment(&[]))]);
    assert_eq!(open(&disk).unwrap().newest().to_string(), "5-2");
    disk.remove("6-1.sse").unwrap();
    let store = open(&disk).unwrap();
    assert_eq!((store.newest().to_string(), store.torn()), ("5-2".into(), None));
    assert_eq!(disk.files()["5-1.sse"], bytes);
}

/// The message of the error with which a journal of these files is refused; they stay as they are.
fn refused(files: &[(&str, Vec<u8>)]) -> String {
    let disk = disk(files);
    let before = disk.files();
    let error = open(&disk).err().expect("a refusal").to_string();
    assert_eq!(disk.files(), before);
    error
}

#[test]
fn a_format_of_another_version_is_refused() {
    let other = b": tidings journal 2\nwhatever\n".to_vec();
    for newer in [None, Some(("6-1.sse", segment(&[])))] {
        let mut files = vec![("5-1.sse", other.clone())];
        files.extend(newer);
        assert_eq!(
            refused(&files),
            "the journal's segment 5-1.sse has the format 2, and this version reads format 1: \
             start the version that wrote it, or give this one another folder"
        );
    }
}

#[test]
fn a_segment_under_a_name_that_is_not_its_own_is_refused() {
    for renamed in ["4-1.sse", "5-2.sse", "7-1.sse"] {
        for newer in [None, Some(("9-1.sse", segment(&[])))] {
            let mut files = vec![(renamed, segment(&[event(1)]))];
            files.extend(newer);
            assert_eq!(
                refused(&files),
                format!(
                    "the journal's segment {renamed} begins with the event 5-1: somebody has \
                     renamed it; give it its name 5-1.sse back, or move it away"
                )
            );
        }
    }
}

#[test]
fn other_files_in_the_folder_are_left_alone() {
    let names = [
        "lock",
        "notes.txt",
        "5-1.sse~",
        "5-1 (copy).sse",
        "05-1.sse",
        "5-0.sse",
        "0-7.sse",
        "5-281474976710656.sse",
        ".sse",
        "18446744073709551616-1.sse",
    ];
    let files = names.map(|name| (name, b"somebody's".to_vec()));
    let disk = disk(&files);
    let before = disk.files();
    let store = open(&disk).unwrap();
    assert_eq!((store.segments().list().len(), store.epoch()), (0, 1));
    assert_eq!(disk.files(), before);
    // One that has a segment's name is not cut off.
    assert_eq!(
        refused(&[("5-1.sse", b"data: a recording\n\n".to_vec())]),
        "the file 5-1.sse in the journal's folder is no segment of a journal: move it away"
    );
}

#[test]
fn no_epoch_comes_after_the_last() {
    let last = format!("{}-1.sse", u64::MAX);
    let error = refused(&[(&last, segment(&[]))]);
    assert!(error.starts_with("no epoch comes after that of the segment 184"), "{error}");
}

#[test]
fn row_58_a_segment_that_can_not_be_read_is_refused_and_not_cut_off() {
    use super::super::sim::Faults;
    for seed in 0..50 {
        let disk = SimDisk::new(seed);
        let bytes = segment(&(1..=200).map(event).collect::<Vec<_>>());
        disk.create("5-1.sse").unwrap().write_all_at(&bytes, 0).unwrap();
        disk.set_faults(Faults { once_in: 3, ..Faults::default() });
        let _ = open(&disk);
        assert_eq!(disk.files()["5-1.sse"], bytes);
    }
}

#[test]
fn the_last_number_of_each_segment_is_known() {
    let disk = disk(&[
        ("3-1.sse", segment(&[])),
        ("5-1.sse", segment(&[event(1), event(2)])),
        ("5-3.sse", segment(&[event(3), event(4)])),
        ("7-1.sse", segment(&[])),
    ]);
    let segments = open(&disk).unwrap().segments().list();
    let last: Vec<String> = segments.iter().map(|segment| segment.last().to_string()).collect();
    assert_eq!(last, ["3-0", "5-2", "5-4", "7-0"]);
}

#[test]
fn the_oldest_segments_go_where_there_are_more_epochs_than_a_hub_knows() {
    let mut found: Vec<(Id, u64)> = (1..=EPOCHS as u64)
        .flat_map(|epoch| [1, 9].map(|sequence| (Id { epoch, sequence }, 20)))
        .collect();
    let names = ["1-1.sse", "1-9.sse", "2-1.sse", "2-9.sse", "3-1.sse", "3-9.sse"];
    let disk = disk(&names.map(|name| (name, Vec::new())));
    forget_oldest_epochs(&disk, &mut found).unwrap();
    assert_eq!(found[0].0.epoch, 4);
    assert!(disk.files().is_empty());
}

#[test]
fn row_57_what_a_failed_sync_left_to_the_system_alone_is_on_the_disk_after_a_start() {
    use super::super::sim::{Cut, Faults};
    for seed in 0..100 {
        let disk = SimDisk::new(seed);
        let file = disk.create("5-1.sse").unwrap();
        disk.sync_folder().unwrap();
        let mut bytes = segment(&(1..=200).map(event).collect::<Vec<_>>());
        file.write_all_at(&bytes, 0).unwrap();
        file.sync().unwrap();
        let more: Vec<Vec<u8>> =
            (201..=220).map(|n| block(n, (n == 205).then_some(200), None)).collect();
        let (more, end) = (more.concat(), bytes.len() as u64);
        bytes.extend(&more);
        file.write_all_at(&more, end).unwrap();
        disk.set_faults(Faults { no_sync: true, ..Faults::default() });
        file.sync().unwrap_err();
        disk.restart(Cut::Kill);
        let before = disk.steps();
        assert_eq!(open(&disk).unwrap().newest().to_string(), "5-220");
        // Each byte is a step, and each call.
        let written = disk.steps() - before;
        assert!(written < bytes.len() as u64, "what was synced is not written once more");
        disk.restart(Cut::Power);
        assert_eq!(disk.files()["5-1.sse"], bytes, "seed {seed}");
    }
}

/// A file without a good block, which counts what is read of it.
struct Foreign(u64, AtomicU64);

impl ReadFile for Foreign {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = (self.0 - offset).min(buffer.len() as u64) as usize;
        buffer[..read].fill(b'x');
        self.1.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[test]
fn a_start_reads_no_more_of_a_segment_without_a_good_block_than_a_block_can_have() {
    let first = Id { epoch: 5, sequence: 1 };
    let file = Foreign(1 << 28, AtomicU64::new(0));
    assert_eq!(last_of(&file, file.0, first).unwrap(), 0);
    let read = file.1.load(Ordering::Relaxed);
    // Pieces that are looked through backwards overlap.
    assert!(read < LARGEST as u64 + 4 * LAST, "{read}");
}

#[test]
fn row_58_an_event_is_the_last_one_of_its_segment_however_large_it_is() {
    let head = Head {
        id: Id { epoch: 5, sequence: 2 },
        channel: "news",
        time: 2,
        synced: None,
        batch: None,
        key: None,
    };
    let mut large = Vec::new();
    head.encode(&Event::new("x".repeat(LAST as usize + 1)), &mut large);
    let next = ("6-1.sse", segment(&[]));
    let disk = disk(&[("5-1.sse", segment(&[event(1), large])), next]);
    assert_eq!(open(&disk).unwrap().newest().to_string(), "5-2");
}

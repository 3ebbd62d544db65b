//! Tests of how a start reads a journal.

use super::super::options::{JournalSync, Options};
use super::super::sim::SimDisk;
use super::super::store::{Draft, Store};
use super::*;

/// A journal of two starts, with so many events in each, whose time is the number of milliseconds
/// that stands there.
fn journal(starts: [&[u64]; 2]) -> (SimDisk, Vec<Arc<Segment>>) {
    let disk = SimDisk::new(1);
    for (epoch, times) in (5..).zip(starts) {
        let mut store = open(&disk, epoch);
        times.iter().for_each(|time| append(&mut store, *time));
    }
    let segments = open(&disk, 7).segments().list().to_vec();
    (disk, segments)
}

fn open(disk: &SimDisk, now: u64) -> Store {
    let options = Options { sync: JournalSync::None, bytes: 1 << 30, age: None };
    Store::open(Arc::new(disk.clone()), options, now).unwrap()
}

fn append(store: &mut Store, time: u64) {
    let draft = Draft { channel: "news", key: None, events: b"data: x\n\n", ends: &[9] };
    store.append([draft].into_iter(), time).unwrap();
}

/// The ids that are told of, and the holes.
fn told(disk: &SimDisk, segments: &[Arc<Segment>], most: u64) -> Vec<String> {
    let mut told = Vec::new();
    read_recent(disk, segments, most, |recent| {
        told.push(match recent {
            Recent::Event { head, .. } => head.id.to_string(),
            Recent::Hole => "hole".into(),
        });
    });
    told
}

#[test]
fn the_newest_bytes_are_read_forward_from_the_first_whole_event() {
    let (disk, segments) = journal([&[1, 2], &[3, 4]]);
    assert_eq!(told(&disk, &segments, u64::MAX), ["5-1", "5-2", "6-1", "6-2"]);
    let newest = segments[1].end();
    assert_eq!(told(&disk, &segments, newest), ["6-1", "6-2"]);
    assert_eq!(told(&disk, &segments, newest - 50), ["6-2"]);
    assert_eq!(told(&disk, &segments, newest + 80), ["5-2", "6-1", "6-2"]);
}

#[test]
fn what_can_not_be_read_or_is_missing_is_a_hole() {
    let (disk, segments) = journal([&[1, 2, 3], &[4]]);
    let second = |bytes: &[u8]| {
        let id = b"id: 5-2\n";
        bytes.windows(id.len()).position(|here| here == id).unwrap()
    };
    disk.spoil("5-1.sse", |bytes| {
        let at = second(bytes);
        bytes[at + 20] ^= 1;
    });
    assert_eq!(told(&disk, &segments, u64::MAX), ["5-1", "hole", "hole", "5-3", "6-1"]);
    Disk::remove(&disk, "5-1.sse").unwrap();
    assert_eq!(told(&disk, &segments, u64::MAX), ["hole", "6-1"]);
}

#[test]
fn row_58_an_epoch_that_does_not_begin_with_its_first_event_comes_after_a_hole() {
    let (disk, segments) = journal([&[1, 2], &[3, 4]]);
    disk.spoil("6-1.sse", |bytes| bytes[segments[1].header.len as usize] ^= 1);
    assert_eq!(told(&disk, &segments, u64::MAX), ["5-1", "5-2", "hole", "6-2"]);
}

#[test]
fn an_epoch_that_is_missing_is_a_hole() {
    let (disk, segments) = journal([&[1, 2], &[3]]);
    let mut store = open(&disk, 7);
    append(&mut store, 4);
    let list = store.segments().list();
    assert_eq!(told(&disk, &list, u64::MAX), ["5-1", "5-2", "6-1", "7-1"]);
    let without = [&segments[0], &list[2]].map(Arc::clone);
    assert_eq!(told(&disk, &without, u64::MAX), ["5-1", "5-2", "hole", "7-1"]);
}

#[test]
fn a_start_reads_as_far_back_as_keys_are_known_within_a_bound() {
    let (disk, segments) = journal([&[100, 200], &[300]]);
    assert_eq!(how_many(&disk, &segments, 100), RECENT);
    assert_eq!(how_many(&disk, &segments, 99), KEYS, "there may be older ones");
    assert_eq!(how_many(&disk, &[], 0), RECENT);
}

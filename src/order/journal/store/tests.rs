//! Tests of the store, on a disk in memory.

use super::super::sim::{Cut, Faults, SimDisk};
use super::*;
use std::time::Duration;

const EVENT: &[u8] = b"data: x\n\n";

pub(crate) fn options(sync: JournalSync) -> Options {
    Options { sync, bytes: 1024 * 1024 * 1024, age: None }
}

fn open(disk: &SimDisk, options: Options, now: u64) -> Store {
    Store::open(Arc::new(disk.clone()), options, now).unwrap()
}

fn draft<'a>(events: &'a [u8], ends: &'a [usize]) -> Draft<'a> {
    Draft { channel: "news", key: None, events, ends }
}

/// Appends one event, and returns the text of its id.
fn append(store: &mut Store, now: u64) -> Result<String, Refusal> {
    let ends = [EVENT.len()];
    store.append([draft(EVENT, &ends)].into_iter(), now).map(|id| id.to_string())
}

/// Appends one event with so many bytes of data.
fn append_large(store: &mut Store, len: usize, now: u64) -> Result<String, Refusal> {
    let event = format!("data: {}\n\n", "x".repeat(len));
    let ends = [event.len()];
    store.append([draft(event.as_bytes(), &ends)].into_iter(), now).map(|id| id.to_string())
}

fn text(disk: &SimDisk, name: &str) -> String {
    String::from_utf8(disk.files()[name].clone()).unwrap()
}

/// A segment's text without sums.
fn without_sums(text: &str) -> String {
    let lines = text.split_inclusive('\n');
    lines.filter(|line| !line.starts_with("crc: ")).collect()
}

fn names(disk: &SimDisk) -> Vec<String> {
    disk.files().into_keys().collect()
}

#[test]
fn a_segment_is_an_event_stream_named_after_its_first_event() {
    let disk = SimDisk::new(1);
    let mut store = open(&disk, options(JournalSync::Always), 1_000);
    assert_eq!(names(&disk), [""; 0], "nothing is made before there is an event");
    let batch = "event: a\ndata: 1\n\ndata: 2\ndata: 3\n\n";
    let ends = [batch.find("\n\n").unwrap() + 2, batch.len()];
    let keyed = Draft { key: Some(("k", 7)), ..draft(batch.as_bytes(), &ends) };
    let single = [EVENT.len()];
    let drafts = [draft(EVENT, &single), keyed];
    assert_eq!(store.append(drafts.into_iter(), 1_001).unwrap().to_string(), "1000-1");
    assert_eq!(append(&mut store, 1_002).unwrap(), "1000-4");
    assert_eq!(
        without_sums(&text(&disk, "1000-1.sse")),
        ": tidings journal 1, after 0-0\n\
         id: 1000-1\nchannel: news\ntime: 1001\ndata: x\n\n\
         id: 1000-2\nchannel: news\ntime: 1001\nbatch: 2\nkey: k\ndigest: 0000000000000007\n\
         event: a\ndata: 1\n\n\
         id: 1000-3\nchannel: news\ntime: 1001\ndata: 2\ndata: 3\n\n\
         id: 1000-4\nchannel: news\ntime: 1002\nsynced: 1000-3\ndata: x\n\n"
    );
}

#[test]
fn the_next_block_after_a_sync_says_once_what_was_synced() {
    let disk = SimDisk::new(1);
    let mut store = open(&disk, options(JournalSync::None), 1_000);
    (0..3).for_each(|_| drop(append(&mut store, 1_000).unwrap()));
    store.sync().unwrap();
    (0..3).for_each(|_| drop(append(&mut store, 1_000).unwrap()));
    let text = text(&disk, "1000-1.sse");
    let told: Vec<&str> = text.lines().filter(|line| line.starts_with("synced: ")).collect();
    assert_eq!(told, ["synced: 1000-3"]);
    assert!(store.unsynced().is_some());
    store.sync().unwrap();
    assert!(store.unsynced().is_none(), "there is nothing to wake up for");
}

#[test]
fn a_start_begins_an_epoch_greater_than_all_and_no_less_than_the_time() {
    let disk = SimDisk::new(1);
    for (now, epoch) in [(5_000, 5_000), (5_000, 5_001), (4_000, 5_002), (9_000, 9_000), (0, 9_001)]
    {
        let mut store = open(&disk, options(JournalSync::Always), now);
        assert_eq!(store.epoch(), epoch);
        assert_eq!(append(&mut store, now).unwrap(), format!("{epoch}-1"));
    }
    // A start that publishes nothing leaves no trace, as nobody has seen an id of it.
    open(&disk, options(JournalSync::Always), 9_500);
    assert_eq!(open(&disk, options(JournalSync::Always), 0).epoch(), 9_002);
}

#[test]
fn row_57_epochs_rise_over_a_power_cut_with_the_clock_set_back() {
    for seed in 0..100 {
        let disk = SimDisk::new(seed);
        let mut seen = 0;
        for now in [5_000, 3_000, 1_000] {
            let mut store = open(&disk, options(JournalSync::None), now);
            append(&mut store, now).unwrap();
            assert!(store.epoch() > seen, "seed {seed}");
            seen = store.epoch();
            drop(store);
            disk.restart(Cut::Power);
        }
    }
}

#[test]
fn a_segment_is_followed_by_another_when_it_is_large_or_old_enough() {
    let disk = SimDisk::new(1);
    let bounds = Options {
        bytes: 16 * 64 * 1024,
        age: Some(Duration::from_secs(160)),
        ..options(JournalSync::None)
    };
    let mut store = open(&disk, bounds, 1_000);
    for _ in 0..7 {
        append_large(&mut store, 10_000, 1_000).unwrap();
    }
    assert_eq!(names(&disk), ["1000-1.sse"], "it has 70,000 bytes now");
    append(&mut store, 1_000).unwrap();
    assert_eq!(names(&disk), ["1000-1.sse", "1000-8.sse"]);
    append(&mut store, 11_000).unwrap();
    assert_eq!(names(&disk).len(), 2, "ten seconds are not too old");
    append(&mut store, 11_001).unwrap();
    assert_eq!(names(&disk), ["1000-1.sse", "1000-10.sse", "1000-8.sse"]);
}

#[test]
fn no_segment_is_complete_while_a_sync_of_it_is_under_way_that_may_fail() {
    let disk = SimDisk::new(1);
    let bounds = Options { bytes: 1 << 20, ..options(JournalSync::Interval) };
    let mut store = open(&disk, bounds, 1_000);
    append_large(&mut store, 70_000, 1_000).unwrap();
    let unsynced = store.unsynced().unwrap();
    disk.set_faults(Faults { no_sync: true, ..Faults::default() });
    let done = unsynced.sync();
    disk.set_faults(Faults::default());
    // The system tells of a failure once.
    append(&mut store, 1_000).unwrap();
    assert_eq!(names(&disk), ["1000-1.sse"]);
    assert!(store.is_synced(&unsynced, done).is_err());
    assert!(matches!(append(&mut store, 1_000), Err(Refusal::Sync(_))));
}

#[test]
fn a_segment_that_is_complete_is_durable_at_every_level() {
    for seed in 0..10 {
        let disk = SimDisk::new(seed);
        let bounds = Options { bytes: 1 << 20, ..options(JournalSync::None) };
        let mut store = open(&disk, bounds, 1_000);
        append_large(&mut store, 70_000, 1_000).unwrap();
        let complete = text(&disk, "1000-1.sse");
        append(&mut store, 1_000).unwrap();
        disk.restart(Cut::Power);
        assert_eq!(text(&disk, "1000-1.sse"), complete, "seed {seed}");
    }
}

#[test]
fn the_oldest_segments_go_when_there_are_too_many_bytes_and_the_newest_never_does() {
    let disk = SimDisk::new(1);
    let bounds = Options { bytes: 200_000, ..options(JournalSync::None) };
    let mut store = open(&disk, bounds, 1_000);
    for n in 1..=6 {
        append_large(&mut store, 70_000, 1_000).unwrap();
        let kept = store.segments().list();
        assert_eq!(kept.len(), n.min(2), "three have over 200,000");
        assert_eq!(disk.files().len(), kept.len());
        assert!(store.segments().bytes() <= 200_000);
    }
    append_large(&mut store, 500_000, 1_000).unwrap();
    assert_eq!(names(&disk), ["1000-7.sse"]);
    // So it is with those of earlier starts.
    let mut store = open(&disk, bounds, 2_000);
    assert_eq!(names(&disk), ["1000-7.sse"]);
    append(&mut store, 2_000).unwrap();
    assert_eq!(names(&disk), ["2000-1.sse"]);
}

#[test]
fn segments_go_whose_newest_event_is_too_old() {
    let disk = SimDisk::new(1);
    let bounds = Options { age: Some(Duration::from_secs(160)), ..options(JournalSync::None) };
    let mut store = open(&disk, bounds, 1_000);
    append(&mut store, 1_000).unwrap();
    append(&mut store, 9_000).unwrap();
    drop(store);
    // What an earlier start has written is known by reading its last event.
    let mut store = open(&disk, bounds, 10_000);
    append(&mut store, 169_000).unwrap();
    assert_eq!(names(&disk), ["1000-1.sse", "10000-1.sse"]);
    append(&mut store, 169_001).unwrap();
    assert_eq!(names(&disk), ["10000-1.sse"]);
}

#[test]
fn a_start_removes_all_that_is_past_a_smaller_bound_and_a_publish_a_few() {
    let lowered = |at_start: bool| {
        let disk = SimDisk::new(1);
        let bounds = Options { bytes: 1 << 20, ..options(JournalSync::None) };
        for now in 1_000..1_010 {
            append(&mut open(&disk, bounds, now), now).unwrap();
        }
        let mut store = open(&disk, Options { bytes: 300, ..bounds }, 2_000);
        if at_start {
            store.keep_bounds(2_000);
        }
        let mut each = vec![names(&disk).len()];
        for _ in 0..3 {
            append(&mut store, 2_000).unwrap();
            each.push(names(&disk).len());
        }
        each
    };
    assert_eq!(lowered(true), [3, 3, 2, 1]);
    assert_eq!(lowered(false), [10, 7, 3, 1]);
}

#[test]
fn a_power_cut_leaves_no_hole_among_the_segments() {
    for seed in 0..30 {
        let disk = SimDisk::new(seed);
        let bounds = Options { bytes: 1 << 20, ..options(JournalSync::None) };
        // A segment for each start.
        for now in 1_000..1_010 {
            append(&mut open(&disk, bounds, now), now).unwrap();
        }
        // The bound is smaller now, so several go at once.
        let bounds = Options { bytes: 250, ..bounds };
        let mut store = open(&disk, bounds, 2_000);
        store.keep_bounds(2_000);
        append(&mut store, 2_000).unwrap();
        disk.restart(Cut::Power);
        let segments = open(&disk, bounds, 3_000).segments().list();
        let epochs: Vec<u64> = segments.iter().map(|segment| segment.first.epoch).collect();
        let newest: Vec<u64> = (1_000..1_010).chain([2_000]).collect();
        assert!(newest.ends_with(&epochs) && epochs.len() > 1, "seed {seed}: {epochs:?}");
    }
}

#[test]
fn row_58_a_full_disk_refuses_uses_no_number_up_and_takes_events_again_when_there_is_room() {
    for sync in [JournalSync::None, JournalSync::Always] {
        let disk = SimDisk::new(1);
        let mut store = open(&disk, options(sync), 1_000);
        let full = Faults { full: true, ..Faults::default() };
        disk.set_faults(full);
        let refused = append(&mut store, 1_000);
        assert!(matches!(refused, Err(Refusal::Write(_))), "not even a file can be made");
        disk.set_faults(Faults::default());
        assert_eq!(append(&mut store, 1_000).unwrap(), "1000-1");
        let before = text(&disk, "1000-1.sse");
        disk.set_faults(full);
        for _ in 0..3 {
            assert!(matches!(append(&mut store, 1_000), Err(Refusal::Write(_))));
            assert_eq!(text(&disk, "1000-1.sse"), before, "it is cut back to the last whole event");
        }
        disk.set_faults(Faults::default());
        assert_eq!(append(&mut store, 1_000).unwrap(), "1000-2");
        assert!(text(&disk, "1000-1.sse").starts_with(&before));
    }
}

#[test]
fn row_58_after_a_sync_that_failed_nothing_is_taken_although_the_disk_works_again() {
    let disk = SimDisk::new(1);
    let mut store = open(&disk, options(JournalSync::Always), 1_000);
    append(&mut store, 1_000).unwrap();
    disk.set_faults(Faults { no_sync: true, ..Faults::default() });
    assert!(matches!(append(&mut store, 1_000), Err(Refusal::Sync(_))));
    disk.set_faults(Faults::default());
    assert!(matches!(append(&mut store, 1_000), Err(Refusal::Sync(_))));
    assert!(store.failed().is_some() && store.sync().is_ok(), "it is not tried again");
    assert_eq!(store.newest().to_string(), "1000-1");
    let reopened = open(&disk, options(JournalSync::Always), 1_000);
    assert_eq!(reopened.newest().to_string(), "1000-1", "what was refused is not there");
}

#[test]
fn row_58_what_can_not_be_cut_back_is_cut_before_the_next_write() {
    let mut cut_back = 0;
    for seed in 0..300 {
        let disk = SimDisk::new(seed);
        let mut store = open(&disk, options(JournalSync::None), 1_000);
        append(&mut store, 1_000).unwrap();
        disk.set_faults(Faults { once_in: 5, ..Faults::default() });
        let taken = (0..6).filter(|_| append_large(&mut store, 300, 1_000).is_ok()).count() as u64;
        disk.set_faults(Faults::default());
        if append(&mut store, 1_000).is_err() {
            // A sync has failed.
            continue;
        }
        cut_back += u64::from(taken < 6);
        drop(store);
        let store = open(&disk, options(JournalSync::None), 1_000);
        assert_eq!((store.newest().sequence, store.torn()), (taken + 2, None), "seed {seed}");
    }
    assert!(cut_back > 100);
}

#[test]
fn row_58_what_a_full_disk_refused_is_not_there_after_a_power_cut() {
    for seed in 0..100 {
        let disk = SimDisk::new(seed);
        let mut store = open(&disk, options(JournalSync::None), 1_000);
        append(&mut store, 1_000).unwrap();
        disk.set_faults(Faults { full: true, ..Faults::default() });
        // Of the events of one write, all but the last may have been written as a whole.
        let ends = [EVENT.len()];
        let drafts = [draft(EVENT, &ends); 4];
        assert!(matches!(store.append(drafts.into_iter(), 1_000), Err(Refusal::Write(_))));
        disk.restart(Cut::Power);
        let store = open(&disk, options(JournalSync::None), 1_000);
        assert!(store.newest().sequence <= 1, "{seed}: {}", store.newest());
    }
}

#[test]
fn a_segment_that_can_not_be_removed_stays_and_publishing_goes_on() {
    for seed in 0..20 {
        let disk = SimDisk::new(seed);
        let bounds = Options { bytes: 100_000, ..options(JournalSync::None) };
        let mut store = open(&disk, bounds, 1_000);
        append_large(&mut store, 70_000, 1_000).unwrap();
        // The file isn't there any more.
        Disk::remove(&disk, "1000-1.sse").unwrap();
        append_large(&mut store, 70_000, 1_000).unwrap();
        assert_eq!(store.segments().list().len(), 1);
    }
}

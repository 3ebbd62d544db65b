//! Tests of a hub's order with a journal, on a disk in memory.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use super::super::disk::{Disk, DiskFile, ReadFile};
use super::super::options::Options;
use super::super::sim::{Faults, SimDisk};
use super::*;
use crate::event::Event;
use crate::log::History;
use crate::log::id::Epochs;

const PATIENCE: Duration = Duration::from_secs(20);

/// A disk that counts its syncs, and on which they wait while they are held up.
struct Syncs {
    disk: SimDisk,
    count: AtomicUsize,
    is_held: AtomicBool,
    waiting: AtomicUsize,
}

struct SyncFile(Box<dyn DiskFile>, Arc<Syncs>);

#[derive(Clone)]
struct SyncDisk(Arc<Syncs>);

impl SyncDisk {
    fn new() -> Self {
        Self(Arc::new(Syncs {
            disk: SimDisk::new(1),
            count: AtomicUsize::new(0),
            is_held: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
        }))
    }

    fn syncs(&self) -> usize {
        self.0.count.load(Ordering::SeqCst)
    }

    fn hold(&self, hold: bool) {
        self.0.is_held.store(hold, Ordering::SeqCst);
    }
}

impl Disk for SyncDisk {
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        self.0.disk.list()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(SyncFile(self.0.disk.create(name)?, Arc::clone(&self.0))))
    }

    fn open(&self, name: &str, write: bool) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(SyncFile(self.0.disk.open(name, write)?, Arc::clone(&self.0))))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.disk.remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.0.disk.sync_folder()
    }
}

impl ReadFile for SyncFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }
}

impl DiskFile for SyncFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.1.waiting.fetch_add(1, Ordering::SeqCst);
        while self.1.is_held.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        self.1.waiting.fetch_sub(1, Ordering::SeqCst);
        self.1.count.fetch_add(1, Ordering::SeqCst);
        self.0.sync()
    }
}

fn until(condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "the condition did not come");
        thread::yield_now();
    }
}

fn order(disk: impl Disk + 'static, sync: JournalSync) -> JournalOrder {
    let options = Options { sync, bytes: 1 << 30, age: None };
    let store = Store::open(Arc::new(disk), options, 1_000).unwrap();
    let epochs = Epochs::rising(vec![0], store.epoch());
    let sequence = Arc::new(Sequence::resumed(epochs, 0, Duration::ZERO));
    JournalOrder::start(store, sequence, None).unwrap()
}

fn log(name: &str) -> Arc<SharedLog> {
    Arc::new(SharedLog::new(Some(name.into()), History::default(), 0))
}

fn publish(order: &JournalOrder, to: &Arc<SharedLog>, data: &str) -> Result<String> {
    let events = [Event::new(data)];
    order.append(to, &Post { events: &events, key: None }).map(|done| done.first.to_string())
}

#[test]
fn an_event_is_in_the_log_under_its_id_once_publishing_returns() {
    let order = order(SimDisk::new(1), JournalSync::Always);
    let news = log("news");
    assert_eq!(order.sequence.newest(), 0);
    assert_eq!(publish(&order, &news, "x").unwrap(), "1000-1");
    let batch = [Event::new("1"), Event::new("2")];
    let done = order.append(&news, &Post { events: &batch, key: None }).unwrap();
    assert_eq!((done.first.to_string(), done.count), ("1000-2".into(), 2));
    assert_eq!((news.lock().len(), order.sequence.published()), (3, 3));
    assert_eq!(news.newest().load(Ordering::SeqCst), order.sequence.newest());
}

#[test]
fn with_always_nothing_is_visible_before_it_is_durable_and_one_sync_serves_all_that_wait() {
    let disk = SyncDisk::new();
    let order = order(disk.clone(), JournalSync::Always);
    let news = log("news");
    disk.hold(true);
    thread::scope(|scope| {
        let first = scope.spawn(|| publish(&order, &news, "first"));
        until(|| disk.0.waiting.load(Ordering::SeqCst) == 1);
        let others: Vec<_> = (0..20).map(|_| scope.spawn(|| publish(&order, &news, "x"))).collect();
        until(|| order.queue.waiting() == 20);
        assert_eq!((news.lock().len(), order.sequence.published()), (0, 0));
        disk.hold(false);
        assert_eq!(first.join().unwrap().unwrap(), "1000-1");
        let mut ids: Vec<String> =
            others.into_iter().map(|other| other.join().unwrap().unwrap()).collect();
        ids.sort_by_key(|id| id.len() * 100 + id.bytes().last().map_or(0, usize::from));
        ids.dedup();
        assert_eq!(ids.len(), 20);
    });
    assert_eq!((disk.syncs(), news.lock().len()), (2, 21));
}

#[test]
fn with_interval_a_thread_syncs_while_publishers_go_on_and_sleeps_once_all_is_synced() {
    let disk = SyncDisk::new();
    let order = order(disk.clone(), JournalSync::Interval);
    let news = log("news");
    disk.hold(true);
    publish(&order, &news, "x").unwrap();
    until(|| disk.0.waiting.load(Ordering::SeqCst) == 1);
    assert_eq!(publish(&order, &news, "while it syncs").unwrap(), "1000-2");
    disk.hold(false);
    until(|| disk.syncs() == 2);
    until(|| order.shared.store().unsynced().is_none());
    assert!(!order.shared.alarm().is_unsynced, "there is nothing to wake up for");
    drop(order);
    assert_eq!(disk.syncs(), 2, "nothing was left to sync");
}

#[test]
fn the_last_owner_syncs_what_is_left_and_ends_the_thread() {
    for sync in [JournalSync::None, JournalSync::Interval] {
        let disk = SyncDisk::new();
        let order = order(disk.clone(), sync);
        publish(&order, &log("news"), "x").unwrap();
        assert_eq!(disk.syncs(), 0);
        let shared = Arc::downgrade(&order.shared);
        // Whoever owns it last, be it one of its publishers.
        thread::spawn(move || drop(order)).join().unwrap();
        assert_eq!((disk.syncs(), shared.strong_count()), (1, 0), "{sync:?}");
    }
}

#[test]
fn what_is_left_is_synced_when_asked_for_although_others_own_it_still() {
    let disk = SyncDisk::new();
    let order = order(disk.clone(), JournalSync::None);
    let news = log("news");
    publish(&order, &news, "x").unwrap();
    assert!(order.sync().is_ok() && order.sync().is_ok());
    assert_eq!(disk.syncs(), 1, "nothing was left to sync");

    let disk = SimDisk::new(1);
    let order = self::order(disk.clone(), JournalSync::None);
    publish(&order, &news, "x").unwrap();
    disk.set_faults(Faults { no_sync: true, ..Faults::default() });
    assert!(order.sync().unwrap_err().is_storage_failed());
    disk.set_faults(Faults::default());
    assert!(order.sync().is_err(), "nobody knows what is on the disk");
}

#[test]
fn row_58_a_full_disk_and_a_failed_sync_are_told_apart_and_reach_no_log() {
    let disk = SimDisk::new(1);
    let order = order(disk.clone(), JournalSync::Always);
    let news = log("news");
    publish(&order, &news, "x").unwrap();
    disk.set_faults(Faults { full: true, ..Faults::default() });
    let full = publish(&order, &news, "x").unwrap_err();
    assert!(full.is_storage_full(), "{full}");
    disk.set_faults(Faults::default());
    assert_eq!(publish(&order, &news, "x").unwrap(), "1000-2");
    disk.set_faults(Faults { no_sync: true, ..Faults::default() });
    assert!(publish(&order, &news, "x").unwrap_err().is_storage_failed());
    disk.set_faults(Faults::default());
    let failed = publish(&order, &news, "x").unwrap_err();
    assert!(failed.is_storage_failed());
    assert!(failed.to_string().contains("check the disk, then restart the hub"), "{failed}");
    assert_eq!((news.lock().len(), order.sequence.published()), (2, 2));
    assert!(order.stats().failed);
}

#[test]
fn row_58_a_sync_that_fails_in_the_thread_refuses_the_next_publish() {
    let disk = SimDisk::new(1);
    let order = order(disk.clone(), JournalSync::Interval);
    let news = log("news");
    publish(&order, &news, "x").unwrap();
    disk.set_faults(Faults { no_sync: true, ..Faults::default() });
    until(|| order.stats().failed);
    assert!(publish(&order, &news, "x").unwrap_err().is_storage_failed());
    assert_eq!(news.lock().len(), 1, "streams have what was published");
}

#[test]
fn what_a_channel_does_not_take_uses_no_number_up() {
    let order = order(SimDisk::new(1), JournalSync::None);
    let long = "n".repeat(1025);
    for name in ["a\nb", "a\rb", "a\0b", &long] {
        assert!(publish(&order, &log(name), "x").unwrap_err().is_invalid());
    }
    let closed = log("closed");
    closed.close();
    assert!(publish(&order, &closed, "x").unwrap_err().is_channel_closed());
    let news = log("news");
    let large = "x".repeat(2 * 1024 * 1024);
    assert!(publish(&order, &news, &large).unwrap_err().is_too_large());
    assert_eq!(publish(&order, &news, "x").unwrap(), "1000-1");
}

#[test]
fn after_a_leader_that_wrote_and_did_not_deliver_events_have_their_ids_of_the_journal() {
    let order = order(SimDisk::new(1), JournalSync::None);
    let news = log("news");
    let undelivered = Waiting::new(&news, &Post { events: &[Event::new("x")], key: None });
    order.shared.store().append([undelivered.draft()].into_iter(), 1_000).unwrap();
    assert_eq!(publish(&order, &news, "x").unwrap(), "1000-2");
    let ids = |sequence| order.sequence.place(sequence);
    assert_eq!((news.lock().place_at(0), order.sequence.newest()), (Some(ids(2)), ids(2)));
}

#[test]
fn publishers_on_many_threads_get_rising_ids_without_holes_and_logs_are_in_their_order() {
    let disk = SimDisk::new(1);
    let order = order(disk.clone(), JournalSync::None);
    let logs = [log("a"), log("b")];
    let (say, said) = mpsc::channel();
    thread::scope(|scope| {
        for n in 0..8 {
            let (say, order, log) = (say.clone(), &order, &logs[n % 2]);
            scope.spawn(move || {
                for _ in 0..100 {
                    say.send(publish(order, log, "x").unwrap()).unwrap();
                }
            });
        }
    });
    drop(say);
    let sequence = |id: String| id.strip_prefix("1000-").unwrap().parse::<u64>().unwrap();
    let mut ids: Vec<u64> = said.iter().map(sequence).collect();
    ids.sort_unstable();
    assert!(ids.iter().copied().eq(1..=800));
    for log in &logs {
        let log = log.lock();
        let places: Vec<u64> = (0..log.len()).map(|at| log.place_at(at).unwrap()).collect();
        assert!(places.is_sorted_by(|one, next| one < next));
        assert_eq!(places.len(), 400);
    }
}

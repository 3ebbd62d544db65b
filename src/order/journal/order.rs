//! The order of a hub with a journal: an event is in it once it is written, or synced.
//!
//! ```text
//! publisher ─┐                            ┌─ logs, in order ─► each publisher makes its passes
//! publisher ─┼─► queue ─► leader ─► store ┤
//! publisher ─┘                            └─ tidings-journal, with `interval`: a sync each second
//! ```
//!
//! **Who waits for whom.** Publishers wait for the disk, each on its own thread; the leader of the
//! [queue](crate::order::commit) writes for all of them. The lock on the store is held while the
//! disk is written and synced, as two writers would write at the same place; streams never take it.
//! The thread syncs without it.
//!
//! **The end.** When the hub's last owner lets go, the thread ends and is joined, and what is not
//! synced is. The thread owns no hub, so it is never the last owner itself.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use super::block::{LARGEST, LONGEST_HEAD, is_name};
use super::folder::FolderLock;
use super::options::JournalSync;
use super::past::JournalPast;
use super::segments::Segments;
use super::store::{Draft, Refusal, Store};
use crate::error::{Error, Result};
use crate::net::atomic::AtomicU64;
use crate::net::moment::Moment;
use crate::order::commit::{Commit, Outcome};
use crate::order::keys::Keys;
use crate::order::past::Past;
use crate::order::sequence::Sequence;
use crate::order::shared_log::SharedLog;
use crate::order::{Appended, Order, Post};

/// With [`JournalSync::Interval`], how long data is not synced at most, beside the time that the
/// sync itself takes.
const INTERVAL: Duration = Duration::from_secs(1);

/// It syncs files and does nothing else.
const STACK: usize = 64 * 1024;

/// How long a post waits for its turn: longer than a disk that works ever takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many bytes a leader writes at once, or one post.
const MOST: usize = 1024 * 1024;

/// Owned by the hub, whose last owner ends it.
pub(crate) struct JournalOrder {
    sequence: Arc<Sequence>,
    keys: Keys,
    queue: Commit<Waiting, Result<Appended>>,
    shared: Arc<Shared>,
    past: JournalPast,
    /// Only with [`JournalSync::Interval`].
    thread: Option<JoinHandle<()>>,
    /// Given up after the last sync.
    _lock: Option<FolderLock>,
}

/// What publishers and the thread share.
struct Shared {
    /// Held while the disk is written and synced by a leader. No other lock is taken meanwhile.
    store: Mutex<Store>,
    /// No other lock is taken while this one is held.
    alarm: Mutex<Alarm>,
    wake: Condvar,
    /// What of the store is known without its lock, which may be held for as long as a disk takes.
    segments: Arc<Segments>,
    cut_off: u64,
    failed: AtomicBool,
    /// How many posts it did not take.
    refused: AtomicU64,
}

/// What the thread is told.
#[derive(Default)]
struct Alarm {
    is_unsynced: bool,
    is_over: bool,
}

/// What the store has come to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stats {
    pub(crate) segments: usize,
    pub(crate) bytes: u64,
    /// How many bytes were cut off at the start.
    pub(crate) cut_off: u64,
    /// Whether a sync has failed.
    pub(crate) failed: bool,
    /// How many posts the journal did not take.
    pub(crate) refused: u64,
}

/// A post in the queue, as bytes, since another thread may write it.
struct Waiting {
    to: Arc<SharedLog>,
    key: Option<(Box<str>, u64)>,
    events: Vec<u8>,
    ends: Vec<usize>,
}

impl Waiting {
    fn new(to: &Arc<SharedLog>, post: &Post<'_>) -> Self {
        let len = post.events.iter().map(|event| event.len_with(None)).sum();
        let mut events = Vec::with_capacity(len);
        let ends = post.events.iter().map(|event| {
            event.encode_with(None, &mut events);
            events.len()
        });
        let ends = ends.collect();
        let key = post.key.map(|key| (key.key.into(), key.digest));
        Self { to: Arc::clone(to), key, events, ends }
    }

    fn draft(&self) -> Draft<'_> {
        Draft {
            channel: self.to.name().unwrap_or_default(),
            key: self.key.as_ref().map(|(key, digest)| (&**key, *digest)),
            events: &self.events,
            ends: &self.ends,
        }
    }

    /// Each event.
    fn each(&self) -> impl Iterator<Item = &[u8]> {
        let begins = [0].iter().chain(&self.ends);
        begins.zip(&self.ends).map(|(begin, end)| &self.events[*begin..*end])
    }
}

impl JournalOrder {
    /// # Errors
    ///
    /// If the system gives no thread.
    pub(crate) fn start(
        store: Store,
        sequence: Arc<Sequence>,
        lock: Option<FolderLock>,
    ) -> Result<Self> {
        let syncs = store.sync_level() == JournalSync::Interval;
        let (disk, segments) = (Arc::clone(store.disk()), Arc::clone(store.segments()));
        let past = JournalPast::new(disk, segments, Arc::clone(&sequence));
        let shared = Arc::new(Shared {
            alarm: Mutex::default(),
            wake: Condvar::new(),
            segments: Arc::clone(store.segments()),
            cut_off: store.torn().map_or(0, |torn| torn.bytes),
            failed: AtomicBool::new(false),
            refused: AtomicU64::new(0),
            store: Mutex::new(store),
        });
        let mut thread = None;
        if syncs {
            let shared = Arc::clone(&shared);
            let spawned = thread::Builder::new()
                .name("tidings-journal".into())
                .stack_size(STACK)
                .spawn(move || shared.sync_at_intervals());
            let failed = |error| Error::io("can't start a thread for the journal", error);
            thread = Some(spawned.map_err(failed)?);
        }
        let queue = Commit::new(MOST, |waiting: &Waiting| waiting.events.len(), PATIENCE);
        Ok(Self { sequence, keys: Keys::new(), queue, shared, past, thread, _lock: lock })
    }

    /// It waits for no disk.
    pub(crate) fn stats(&self) -> Stats {
        let Shared { segments, cut_off, failed, refused, .. } = &*self.shared;
        Stats {
            segments: segments.list().len(),
            bytes: segments.bytes(),
            cut_off: *cut_off,
            failed: failed.load(Ordering::Relaxed),
            refused: refused.load(Ordering::Relaxed),
        }
    }

    /// Waits until everything that was published is on the disk.
    ///
    /// # Errors
    ///
    /// When a sync fails, or one has failed before.
    pub(crate) fn sync(&self) -> Result<()> {
        let synced = self.shared.change(|store| match store.failed() {
            Some(failed) => Err(Refusal::Sync(Arc::clone(failed))),
            None => store.sync(),
        });
        synced.map_err(|refusal| error_of(&refusal))
    }

    /// Does the work of all that wait: writes them, and delivers them in the order in which they
    /// are written.
    fn lead(&self, posts: &[Waiting]) -> Vec<Result<Appended>> {
        let written =
            self.shared.change(|store| store.append(posts.iter().map(Waiting::draft), now()));
        let first = match written {
            Ok(first) => first,
            Err(refusal) => return posts.iter().map(|_| Err(error_of(&refusal))).collect(),
        };
        if self.thread.is_some() {
            self.shared.ring();
        }
        // What the store says counts: a leader that panicked may have delivered less.
        let mut place = self.sequence.place(first.sequence);
        let at = Moment::now();
        let deliver = |post: &Waiting| {
            let events = (place..).zip(post.each()).map(|(place, event)| {
                let id = self.sequence.id(place).text();
                let parts = [b"id: ", id.as_str().as_bytes(), b"\n", event];
                let len = parts.iter().map(|part| part.len()).sum();
                let write = move |out: &mut Vec<u8>| {
                    out.extend_from_slice(b"id: ");
                    out.extend_from_slice(id.as_str().as_bytes());
                    out.push(b'\n');
                    out.extend_from_slice(event);
                };
                (len, write)
            });
            post.to.deliver(&self.sequence, place, at, events);
            let count = post.ends.len();
            let (first, text) = (self.sequence.id(place), self.sequence.text(place));
            place += count as u64;
            Ok(Appended { first, text, count, at })
        };
        posts.iter().map(deliver).collect()
    }
}

impl Order for JournalOrder {
    fn sequence(&self) -> &Arc<Sequence> {
        &self.sequence
    }

    fn keys(&self) -> &Keys {
        &self.keys
    }

    fn journal(&self) -> Option<&JournalOrder> {
        Some(self)
    }

    fn past(&self) -> Option<&dyn Past> {
        Some(&self.past)
    }

    fn append(&self, to: &Arc<SharedLog>, post: &Post<'_>) -> Result<Appended> {
        to.admit(&to.lock(), post)?;
        if !to.name().is_some_and(is_name) {
            return Err(Error::invalid_value(
                "the name of a channel with a journal must have no more than 1,024 bytes, and \
                 none of CR, LF and NUL",
            ));
        }
        let most = LARGEST - LONGEST_HEAD;
        post.events.iter().try_for_each(|event| event.check_len(None, most).map(drop))?;
        let appended = match self.queue.run(Waiting::new(to, post), |posts| self.lead(posts)) {
            Outcome::Result(result) => result,
            Outcome::Lost => Err(lost()),
            Outcome::Late => Err(late()),
        };
        if appended.is_err() {
            self.shared.refused.fetch_add(1, Ordering::Relaxed);
        }
        appended
    }
}

impl Drop for JournalOrder {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.shared.alarm().is_over = true;
            self.shared.wake.notify_one();
            let _ = thread.join();
        }
        // Whoever is left to be told is whoever opens the journal next.
        let _ = self.shared.store().sync();
    }
}

impl Shared {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the store do something that may fail.
    fn change<T>(&self, act: impl FnOnce(&mut Store) -> T) -> T {
        let mut store = self.store();
        let done = act(&mut store);
        self.failed.store(store.failed().is_some(), Ordering::Relaxed);
        done
    }

    fn alarm(&self) -> MutexGuard<'_, Alarm> {
        self.alarm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the thread that there is something to sync, if it doesn't know.
    fn ring(&self) {
        if !std::mem::replace(&mut self.alarm().is_unsynced, true) {
            self.wake.notify_one();
        }
    }

    /// The life of the thread. It sleeps for as long as everything is synced.
    fn sync_at_intervals(&self) {
        let idle = |alarm: &mut Alarm| !alarm.is_unsynced && !alarm.is_over;
        let lives = |alarm: &mut Alarm| !alarm.is_over;
        loop {
            let alarm = self.alarm();
            let alarm = self.wake.wait_while(alarm, idle).unwrap_or_else(PoisonError::into_inner);
            let waited = self.wake.wait_timeout_while(alarm, INTERVAL, lives);
            let (mut alarm, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if alarm.is_over {
                return;
            }
            alarm.is_unsynced = false;
            drop(alarm);
            self.sync();
        }
    }

    /// Syncs what is there, while others write on.
    fn sync(&self) {
        let unsynced = self.store().unsynced();
        if let Some(unsynced) = unsynced {
            let done = unsynced.sync();
            // The next publisher is told.
            let _ = self.change(|store| store.is_synced(&unsynced, done));
        }
    }
}

/// The time for events, in milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What one of the publishers is told.
fn error_of(refusal: &Refusal) -> Error {
    match refusal {
        Refusal::Write(error) if is_full(error) => Error::storage_full(same(error)),
        Refusal::Write(error) => Error::storage_failed(
            "the journal can't be written; publishing is tried again with the next event",
            same(error),
        ),
        Refusal::Sync(error) => Error::storage_failed(
            "a sync of the journal failed, so nobody knows what of it is on the disk, and nothing \
             is published any more: check the disk, then restart the hub",
            same(error),
        ),
    }
}

/// Each publisher has an error of its own.
fn same(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull, WriteZero};
    matches!(error.kind(), StorageFull | QuotaExceeded | WriteZero)
}

#[cold]
fn late() -> Error {
    Error::storage_failed(
        "this event was not published: the disk of the journal is busy with earlier ones for 10 \
         seconds and more; check the disk, and publish it again",
        io::ErrorKind::TimedOut.into(),
    )
}

#[cold]
fn lost() -> Error {
    Error::storage_failed(
        "the hub failed while it wrote this event, and doesn't know whether it is in the journal",
        io::Error::other("a fault of the hub's own, which standard error tells of"),
    )
}

#[cfg(test)]
mod tests;

//! Which segments there are: a list that the writer changes and everybody reads.
//!
//! ```text
//! 1764314275000-1.sse  1764314275000-81022.sse  1764400000123-1.sse ◄─ the newest is written
//! └─ epoch ───┘ └─ sequence of its first event; epochs and sequences rise
//! ```

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use super::block::Id;
use super::find::file_name;
use super::scan::Header;
use crate::net::atomic::AtomicU64;

/// One segment. Only the newest of a journal that is written ever changes, and it only grows.
#[derive(Debug)]
pub(crate) struct Segment {
    /// The id of its first event, if it has any.
    pub(crate) first: Id,
    /// What its first line says.
    pub(crate) header: Header,
    /// How many of its bytes anybody may read: whole events, on disk as the journal's sync
    /// promises. There may be more in the file.
    end: AtomicU64,
    /// The sequence number of its last event; one less than the first's where it has none.
    last: AtomicU64,
    /// The time of its last event; zero if that is not known yet.
    time: AtomicU64,
}

impl Segment {
    pub(crate) fn new(first: Id, header: Header, end: u64, last: u64, time: u64) -> Self {
        let [end, last, time] = [end, last, time].map(AtomicU64::new);
        Self { first, header, end, last, time }
    }

    /// Its file's name.
    pub(crate) fn name(&self) -> String {
        file_name(self.first)
    }

    pub(crate) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// The id of its last event; the one before its first, if it has none.
    pub(crate) fn last(&self) -> Id {
        Id { epoch: self.first.epoch, sequence: self.last.load(Ordering::Acquire) }
    }

    /// The id of the event before this one of its own.
    pub(crate) fn before(&self, id: Id) -> Id {
        match id == self.first {
            true => self.header.after,
            false => Id { sequence: id.sequence.saturating_sub(1), ..id },
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.last() < self.first
    }

    /// When its last event came, in milliseconds since 1970, if that is known.
    pub(crate) fn time(&self) -> Option<u64> {
        Some(self.time.load(Ordering::Relaxed)).filter(|time| *time > 0)
    }

    pub(super) fn set_time(&self, time: u64) {
        self.time.store(time, Ordering::Relaxed);
    }

    /// It has grown to this.
    pub(super) fn grow(&self, end: u64, last: u64, time: u64) {
        self.set_time(time);
        self.last.store(last, Ordering::Release);
        self.end.store(end, Ordering::Release);
    }
}

/// All of them, the oldest first.
pub(crate) struct Segments {
    /// Replaced as a whole, so that a reader takes it in one step. No other lock is taken, and no
    /// file is touched, while this is held.
    list: Mutex<Arc<[Arc<Segment>]>>,
}

impl Segments {
    pub(crate) fn new(list: Vec<Segment>) -> Self {
        Self { list: Mutex::new(list.into_iter().map(Arc::new).collect()) }
    }

    /// Those that there are now. The files of the oldest may be gone by the time that somebody
    /// opens them.
    pub(crate) fn list(&self) -> Arc<[Arc<Segment>]> {
        Arc::clone(&self.list.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many bytes they have together.
    pub(crate) fn bytes(&self) -> u64 {
        self.list().iter().map(|segment| segment.end()).sum()
    }

    fn replace(&self, list: impl FnOnce(&[Arc<Segment>]) -> Arc<[Arc<Segment>]>) {
        let mut held = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        *held = list(&held);
    }

    pub(super) fn push(&self, segment: &Arc<Segment>) {
        self.replace(|list| list.iter().chain([segment]).cloned().collect());
    }

    pub(super) fn remove(&self, segment: &Arc<Segment>) {
        let other = |other: &&Arc<Segment>| !Arc::ptr_eq(other, segment);
        self.replace(|list| list.iter().filter(other).cloned().collect());
    }
}

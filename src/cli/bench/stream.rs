//! A stream as others than its reader see it: its account, where it is, and how to end it.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tidings::client::Closer;

use super::account::Account;

/// What a stream's thread and the others share.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Held while an event is entered, so rarely waited for.
    account: Mutex<Account>,
    source: Mutex<Source>,
    /// The bench has ended the connection on purpose.
    cut: AtomicBool,
}

/// The event source of now.
#[derive(Debug, Default)]
struct Source {
    closer: Option<Closer>,
    place: Place,
}

/// Where a stream is. Times are in nanoseconds since the bench began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Open,
    /// It has no connection, and asks for one from that time on, behind a pause of that length.
    Outside {
        asks: u64,
        pause: u64,
    },
    /// The server has said that there is no more.
    Gone,
}

impl Default for Place {
    fn default() -> Self {
        Self::Outside { asks: 0, pause: 0 }
    }
}

impl Place {
    /// Whether it is outside, and asks for a connection by that time.
    pub(super) fn asks_before(self, time: u64) -> bool {
        matches!(self, Self::Outside { asks, .. } if asks < time)
    }
}

/// Who may connect at the same time: a listener's queue is short, and a connect that does not fit
/// would be tried again by the system a second later.
#[derive(Debug)]
pub(super) struct Door {
    free: Mutex<usize>,
    left: Condvar,
}

/// A place in the door. Dropping it lets the next one in.
#[derive(Debug)]
pub(super) struct Permit(Arc<Door>);

impl Stream {
    /// It is followed by another event source.
    pub(super) fn set_source(&self, closer: Closer) {
        lock(&self.source).closer = Some(closer);
    }

    pub(super) fn set_place(&self, place: Place) {
        lock(&self.source).place = place;
    }

    pub(super) fn place(&self) -> Place {
        lock(&self.source).place
    }

    /// Ends its connection on purpose; whether there was one.
    pub(super) fn cut(&self) -> bool {
        let mut source = lock(&self.source);
        let closer = if source.place == Place::Open { source.closer.take() } else { None };
        drop(source);
        if let Some(closer) = &closer {
            self.cut.store(true, Relaxed);
            closer.close();
        }
        closer.is_some()
    }

    /// Ends it at the end of the run, whatever it does.
    pub(super) fn close(&self) {
        let closer = lock(&self.source).closer.take();
        if let Some(closer) = closer {
            closer.close();
        }
    }

    /// Whether the last end was on purpose. Says so once.
    pub(super) fn was_cut(&self) -> bool {
        self.cut.swap(false, Relaxed)
    }

    pub(super) fn account(&self) -> MutexGuard<'_, Account> {
        lock(&self.account)
    }
}

impl Door {
    pub(super) fn new(width: usize) -> Self {
        Self { free: Mutex::new(width), left: Condvar::new() }
    }

    /// Waits for a place.
    pub(super) fn enter(self: &Arc<Self>) -> Permit {
        let waited = self.left.wait_while(lock(&self.free), |free| *free == 0);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
        Permit(Arc::clone(self))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *lock(&self.0.free) += 1;
        self.0.left.notify_one();
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

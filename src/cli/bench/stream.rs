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
    /// It goes on where it was cut.
    resumes: bool,
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
    pub(super) fn new(resumes: bool) -> Self {
        Self { resumes, ..Self::default() }
    }

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

    /// Ends its connection on purpose; whether there was one. Who is to resume is left alone until
    /// there is something to go on behind.
    pub(super) fn cut(&self) -> bool {
        if self.resumes && self.account().is_untouched() {
            return false;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use tidings::client::EventSource;

    /// Whether a stream that is open can be cut, before it has had an event and then.
    fn can_be_cut(resumes: bool) -> [bool; 2] {
        let stream = Stream::new(resumes);
        let open = || {
            stream.set_source(EventSource::new("http://localhost/").unwrap().closer());
            stream.set_place(Place::Open);
        };
        open();
        let before = stream.cut();
        open();
        stream.account().ledger.enter(0, 0);
        [before, stream.cut()]
    }

    #[test]
    fn who_has_nothing_to_go_on_behind_is_not_cut_to_be_resumed() {
        assert_eq!(can_be_cut(true), [false, true]);
        assert_eq!(can_be_cut(false), [true, true]);
    }

    #[test]
    fn what_is_not_open_is_not_cut() {
        let stream = Stream::new(false);
        stream.set_source(EventSource::new("http://localhost/").unwrap().closer());
        assert!(!stream.cut() && !stream.was_cut());
        stream.set_place(Place::Open);
        assert!(stream.cut() && stream.was_cut() && !stream.was_cut());
    }
}

//! A stream as others than its reader see it: its account, and the connection that can be cut.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tidings::client::Connection;

use super::account::Account;

/// What a stream's thread and the others share.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Held while an event is entered, so rarely waited for.
    account: Mutex<Account>,
    /// Where it can be cut; there while it is open.
    connection: Mutex<Option<Arc<dyn Connection>>>,
    /// The bench has ended the connection on purpose.
    cut: AtomicBool,
}

/// Who may connect at the same time: a listener's queue is short, and a connect that does not fit
/// would be tried again by the system a second later.
#[derive(Debug)]
pub(super) struct Door {
    free: Mutex<usize>,
    left: Condvar,
}

impl Stream {
    /// It is open on this connection, or on none.
    pub(super) fn set_connection(&self, connection: Option<Arc<dyn Connection>>) {
        *lock(&self.connection) = connection;
    }

    /// Ends its connection on purpose, if there is one.
    pub(super) fn cut(&self) -> bool {
        let connection = lock(&self.connection).take();
        if let Some(connection) = &connection {
            self.cut.store(true, Relaxed);
            connection.shutdown();
        }
        connection.is_some()
    }

    /// Ends its connection at the end of the run.
    pub(super) fn close(&self) {
        if let Some(connection) = lock(&self.connection).take() {
            connection.shutdown();
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

    /// Goes through, when there is room.
    pub(super) fn pass<T>(&self, go: impl FnOnce() -> T) -> T {
        let waited = self.left.wait_while(lock(&self.free), |free| *free == 0);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
        let gone = go();
        *lock(&self.free) += 1;
        self.left.notify_one();
        gone
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The way to end the watch early: a signal does, and what was seen by then is judged.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidings::client::Connection;

/// Ends a visit from the thread that waits for signals. Its clones end the same one.
#[derive(Clone, Default)]
pub(super) struct Stop(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    is_stopped: bool,
    /// What is being read.
    connection: Option<Arc<dyn Connection>>,
}

impl Stop {
    /// Shuts the connection down, so that a read that waits returns. With a command for the
    /// connection, that ends the command.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.is_stopped = true;
        if let Some(connection) = state.connection.take() {
            connection.shutdown();
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.lock().is_stopped
    }

    pub(super) fn adopt(&self, connection: &Arc<dyn Connection>) {
        let mut state = self.lock();
        state.connection = Some(Arc::clone(connection)).filter(|_| !state.is_stopped);
    }

    pub(super) fn release(&self) {
        self.lock().connection = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stop").field(&self.is_stopped()).finish()
    }
}

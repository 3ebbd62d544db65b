//! The way to end an event source from another thread.
//!
//! An event source may be in one of four waits, and each ends differently: a connect by itself
//! within its deadline, a read or a write by the connection's shutdown, and the wait before
//! connecting again by a condition variable. So what both sides share is whether it is closed, and
//! the connection of the moment.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::transport::Connection;

/// Closes an [`EventSource`](super::EventSource) from any thread.
///
/// Clones close the same one. Dropping them closes nothing; once the source is gone they do
/// nothing.
///
/// ```
/// use tidings::client::EventSource;
///
/// let mut source = EventSource::new("http://localhost:3000/events/news")?;
/// let closer = source.closer();
/// std::thread::spawn(move || closer.close()).join().unwrap();
/// assert!(source.next().is_none());
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Closer {
    state: Arc<Mutex<State>>,
    closed: Arc<Condvar>,
}

/// What an event source and its closers share.
#[derive(Default)]
struct State {
    closed: bool,
    /// The connection that is read or written now. Taken out before the reader lets go of it, so
    /// that no closer keeps a descriptor open.
    connection: Option<Arc<dyn Connection>>,
}

impl Closer {
    /// Closes the source: it gives nothing more, not even events that have come already, and its
    /// connection ends. A call that waits for the next event returns now; only one that connects
    /// returns within its deadline.
    pub fn close(&self) {
        let connection = {
            let mut state = self.lock();
            state.closed = true;
            state.connection.take()
        };
        self.closed.notify_all();
        if let Some(connection) = connection {
            connection.shutdown();
        }
    }

    /// Whether the source has been closed or dropped.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Lets closers shut this connection down; does so at once if they came first.
    pub(crate) fn adopt(&self, connection: &Arc<dyn Connection>) {
        let mut state = self.lock();
        if state.closed {
            connection.shutdown();
        } else {
            state.connection = Some(Arc::clone(connection));
        }
    }

    /// The connection is over.
    pub(crate) fn release(&self) {
        self.lock().connection = None;
    }

    /// Waits until then, or until it is closed.
    pub(crate) fn wait_until(&self, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        let wait = self.closed.wait_timeout_while(self.lock(), left, |state| !state.closed);
        drop(wait.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Closer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closer").field("closed", &self.is_closed()).finish()
    }
}

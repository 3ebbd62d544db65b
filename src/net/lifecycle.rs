//! How far a server has come towards its end: one value, which only rises.
//!
//! ```text
//! (running) ─► Asked ─► Ending ─► Closing ─► Over
//! ```
//!
//! | stage | is raised by |
//! | --- | --- |
//! | `Asked` | [`Handle::stop`](crate::Handle::stop), which returns at once |
//! | `Ending` | [`Runtime::stop`], after the acceptors have ended |
//! | `Closing` | [`Watch::stop`], when connections and intervals have ended, or near the deadline |
//! | `Over` | [`Pool::stop`], at the very end |
//!
//! [`Runtime::stop`]: crate::stream::runtime::Runtime::stop
//! [`Watch::stop`]: super::watch::Watch::stop
//! [`Pool::stop`]: super::pool::Pool::stop
//!
//! **No wake-up is lost.** A thread that waits reads the stage under the lock with which it waits.
//! Whoever raises the stage takes that lock after that, and then notifies. So the thread has read
//! the new stage, or is waiting by then. Acceptors wait without a lock; what wakes them is told in
//! [`listener`](super::listener).

use super::sync::{AtomicU8, Ordering};

/// Shared by the handle of a server, its acceptors, its pool, its watch thread and its fan-out. It
/// is read and raised without a lock, or with any.
#[derive(Debug, Default)]
pub(crate) struct Lifecycle(AtomicU8);

/// A server that runs has reached none of these.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage {
    /// An acceptor ends with the next connection that it accepts.
    Asked = 1,
    /// The acceptors have ended. Streams end, and so do the fan-out threads; a connection ends
    /// after the response under way; no stream begins.
    Ending,
    /// No worker waits for a peer any more, and the watch thread ends.
    Closing,
    /// Workers end once their queue is empty.
    Over,
}

impl Lifecycle {
    /// Does nothing if the server has come further already.
    pub(crate) fn raise(&self, stage: Stage) {
        self.0.fetch_max(stage as u8, Ordering::AcqRel);
    }

    pub(crate) fn has_reached(&self, stage: Stage) -> bool {
        self.0.load(Ordering::Acquire) >= stage as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_that_was_reached_stays_reached() {
        let lifecycle = Lifecycle::default();
        assert!(!lifecycle.has_reached(Stage::Asked));
        lifecycle.raise(Stage::Closing);
        lifecycle.raise(Stage::Asked);
        assert!(lifecycle.has_reached(Stage::Closing) && !lifecycle.has_reached(Stage::Over));
    }
}

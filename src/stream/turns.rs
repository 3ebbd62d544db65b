//! The streams of a server that are in the past: whose turn it is to be sent a piece.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::Stream;

/// Each stream is here once at most. Those that have ended meanwhile are passed over; a stop ends
/// all of them before it ends the workers.
#[derive(Default)]
pub(crate) struct Turns {
    /// No other lock is taken while this one is held.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Weak<Stream>>,
    /// Whether somebody takes them.
    is_served: bool,
}

impl Turns {
    /// Adds a stream. Returns whether nobody takes it: then the caller has to see to that.
    #[must_use]
    pub(super) fn push(&self, stream: &Arc<Stream>) -> bool {
        let mut state = self.lock();
        state.waiting.push_back(Arc::downgrade(stream));
        !std::mem::replace(&mut state.is_served, true)
    }

    /// Takes the next stream. Without one, nobody takes them any more.
    pub(super) fn next(&self) -> Option<Arc<Stream>> {
        let mut state = self.lock();
        loop {
            let Some(stream) = state.waiting.pop_front() else {
                state.is_served = false;
                return None;
            };
            if let Some(stream) = stream.upgrade() {
                return Some(stream);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

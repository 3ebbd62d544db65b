//! What publishers and the reader of one hub share.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::greeting::Greeting;
use super::link::Connector;
use super::options::Redis;
use super::rules::Rules;
use crate::client::Connection;
use crate::net::moment::Moment;
use crate::order::remote::Remote;

/// Held by the order, and by its reader's thread.
pub(crate) struct Shared {
    pub(super) connector: Connector,
    pub(super) remote: Remote,
    /// No other lock is taken while this one is held.
    rules: Mutex<Rules>,
    /// No other lock is taken while this one is held.
    state: Mutex<State>,
    /// Rung when the reader is to try again, or to end.
    wake: Condvar,
}

#[derive(Default)]
struct State {
    /// That of the reader while it has one, and the number of the run that it is to.
    reading: Option<(Arc<dyn Connection>, u64)>,
    /// Publishers are to connect anew: the reader has lost Redis, or found another one.
    is_stale: bool,
    /// A publisher has reached Redis, so the reader need not wait any longer.
    is_found: bool,
    is_over: bool,
    /// Redis' clock in milliseconds since 1970, and when it said so.
    clock: (u64, Moment),
}

impl Shared {
    pub(super) fn new(redis: Redis) -> Self {
        Self {
            connector: Connector::new(redis),
            remote: Remote::new(),
            rules: Mutex::default(),
            state: Mutex::default(),
            wake: Condvar::new(),
        }
    }

    /// Held for a call of a rule, and never while a socket is used.
    pub(super) fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Redis' clock, in milliseconds since 1970: the same for all hubs, whatever their own say.
    pub(super) fn now(&self) -> u64 {
        let (clock, at) = self.state().clock;
        clock.saturating_add(Moment::now().since(at).as_millis() as u64)
    }

    /// A connection was greeted. Returns the number of its run.
    fn greet(&self, greeting: &Greeting) -> u64 {
        let run = self.rules().greet(&greeting.run);
        self.state().clock = (greeting.time, Moment::now());
        run
    }

    /// A publisher has connected: the reader is to read from the same run.
    pub(super) fn publishes(&self, greeting: &Greeting) -> u64 {
        let run = self.greet(greeting);
        let mut state = self.state();
        state.is_found = true;
        if let Some((other, _)) = state.reading.take_if(|(_, of)| *of != run) {
            other.shutdown();
        }
        drop(state);
        self.wake.notify_all();
        run
    }

    /// The reader has connected, and publishers are to use the same run. Returns its number, unless
    /// all is over.
    pub(super) fn reads(
        &self,
        connection: Arc<dyn Connection>,
        greeting: &Greeting,
    ) -> Option<u64> {
        let run = self.greet(greeting);
        self.rules().reads();
        let mut state = self.state();
        state.is_found = false;
        state.reading = Some((connection, run));
        (!state.is_over).then_some(run)
    }

    /// The reader has lost its connection, which was of use to it or not. Only then publishers are
    /// to connect anew: that wakes the reader, and it would never rest.
    pub(super) fn lost(&self, was_of_use: bool) {
        let mut state = self.state();
        state.reading = None;
        state.is_stale |= was_of_use;
    }

    /// Whether a publisher is to connect anew. It is told once.
    pub(super) fn is_stale(&self) -> bool {
        std::mem::take(&mut self.state().is_stale)
    }

    /// A publisher is in trouble: the reader is to see whether Redis is still there.
    pub(super) fn doubt(&self) {
        if let Some((connection, _)) = self.state().reading.take() {
            connection.shutdown();
        }
    }

    /// Ends the reader.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.is_over = true;
        if let Some((connection, _)) = state.reading.take() {
            connection.shutdown();
        }
        drop(state);
        self.wake.notify_all();
    }

    /// Waits for so long, or until a publisher has reached Redis. False if all is over.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let waits = |state: &mut State| !state.is_over && !state.is_found;
        let waited = self.wake.wait_timeout_while(self.state(), time, waits);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.is_found = false;
        !state.is_over
    }
}

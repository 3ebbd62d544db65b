//! A connection with one deadline for all that is read and written, which knows what has come.
//!
//! Whoever is above may set timeouts as it likes: no read or write here waits past the deadline. A
//! server that sends a little now and then doesn't extend it.

use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::client::Connection;
use crate::client::transport::at_least;
use crate::error::Error;
use crate::limits::LONGEST;

/// So many of the bytes that have come are shown: the last ones, as the others were as expected.
const SHOWN: usize = 1_000;

pub(super) struct Timed {
    connection: Arc<dyn Connection>,
    state: Mutex<State>,
}

struct State {
    deadline: Instant,
    /// How long it was when it was set.
    within: Duration,
    /// How many bytes have come, and the last of them.
    came: u64,
    last: Vec<u8>,
}

impl Timed {
    pub(super) fn new(connection: Arc<dyn Connection>, within: Duration) -> Self {
        let within = within.min(LONGEST);
        let deadline = Instant::now() + within;
        let state = State { deadline, within, came: 0, last: Vec::new() };
        Self { connection, state: Mutex::new(state) }
    }

    /// From now on there is so much time.
    pub(super) fn allow(&self, within: Duration) {
        let within = within.min(LONGEST);
        let mut state = self.lock();
        (state.deadline, state.within) = (Instant::now() + within, within);
    }

    pub(super) fn deadline(&self) -> Instant {
        self.lock().deadline
    }

    /// Has the error of a time that is over say what was waited for, and what has come.
    pub(super) fn explain(&self, error: Error, wanted: &str) -> Error {
        if !error.is_timeout() {
            return error;
        }
        let State { within, came, last, .. } = &*self.lock();
        let shown = last.escape_ascii();
        let late = format!("{wanted} did not come within {within:?}");
        Error::timed_out(match usize::try_from(*came) {
            Ok(0) => format!("{late}: nothing has come"),
            Ok(came) if came == last.len() => format!("{late}, but this: \"{shown}\""),
            _ => format!("{late}, but {came} bytes, at last these: \"{shown}\""),
        })
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline().saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(at_least(left)) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, bytes: &[u8]) {
        self.came += bytes.len() as u64;
        self.last.extend_from_slice(bytes);
        let most = self.last.len().saturating_sub(SHOWN);
        self.last.drain(..most);
    }
}

impl Connection for Timed {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.connection.set_read_timeout(Some(self.left()?))?;
        let length = self.connection.read(buffer)?;
        self.lock().note(&buffer[..length]);
        Ok(length)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.connection.set_write_timeout(Some(self.left()?))?;
        self.connection.write(bytes)
    }

    fn set_read_timeout(&self, _timeout: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&self, _timeout: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&self) {
        self.connection.shutdown();
    }
}

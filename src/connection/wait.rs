//! Where a connection meets its socket, and waits for its peer: on a worker or parked.

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::{Connection, State};
use crate::http::Refusal;
use crate::http::status::Status;
use crate::watch::Retry;

/// How much is read at once.
const READ: usize = 16 * 1024;

/// What the watch thread's try of a parked connection found.
#[derive(Debug)]
pub(crate) enum Tried {
    /// More has to come first.
    Parked(Box<Connection>, Retry),
    /// There is work for a worker.
    Ready(Box<Connection>),
    /// The connection is over.
    Over,
}

/// What one `read` gave.
#[derive(PartialEq, Eq)]
enum Received {
    Bytes,
    Nothing,
    End,
}

/// How often one try reads on while there is something, so that nobody who is parked with a large
/// body waits a pause for each piece of it.
const READS: usize = 16;

impl Connection {
    /// Waits for the peer, or parks the connection where this worker may be needed.
    pub(super) fn wait(mut self: Box<Self>) -> Option<Box<Self>> {
        if self.is_over(Instant::now()) {
            return self.expire();
        }
        let server = Arc::clone(&self.server);
        let permit = server.pool.may_wait();
        self.set_blocking(permit.is_some()).ok()?;
        match self.read() {
            Received::Bytes => Some(self),
            Received::End => None,
            Received::Nothing if permit.is_none() || server.pool.is_wanted() => self.park(),
            Received::Nothing => Some(self),
        }
    }

    pub(super) fn park(mut self: Box<Self>) -> Option<Box<Self>> {
        self.set_blocking(false).ok()?;
        let server = Arc::clone(&self.server);
        server.watch.park(self);
        None
    }

    /// The watch thread's try.
    pub(crate) fn try_again(mut self: Box<Self>, now: Instant) -> Tried {
        if self.is_over(now) {
            // What is left to do may be an answer, which is a worker's business.
            return self.expire().map_or(Tried::Over, Tried::Ready);
        }
        if matches!(self.state, State::Answer(_)) {
            return match self.write() {
                Ok(true) => Tried::Ready(self),
                Ok(false) => Tried::Parked(self, Retry::Stuck),
                Err(_) => Tried::Over,
            };
        }
        let mut retry = Retry::Stuck;
        for _ in 0..READS {
            match self.read() {
                Received::End => return Tried::Over,
                Received::Nothing => break,
                Received::Bytes if self.take_in() => return Tried::Ready(self),
                Received::Bytes => retry = Retry::Moved,
            }
        }
        Tried::Parked(self, retry)
    }

    /// Whether its time is up.
    fn is_over(&self, now: Instant) -> bool {
        let idle = matches!(&self.state, State::Head(parser) if !parser.started());
        now >= self.deadline
            || (idle && self.server.is_stopping())
            || self.server.gives_up.load(Ordering::Acquire)
    }

    /// Its time is up: a request that is not whole is answered with 408, all else is closed.
    fn expire(mut self: Box<Self>) -> Option<Box<Self>> {
        let why = match &self.state {
            State::Head(parser) if parser.started() => "the request's head took too long to come",
            State::Body(_) => "the request's body took too long to come",
            State::Drain(_) => return self.linger(),
            _ => return None,
        };
        self.refuse(Refusal::new(Status::REQUEST_TIMEOUT, why));
        self.deadline = Instant::now() + self.server.limits.write_deadline;
        Some(self)
    }

    fn read(&mut self) -> Received {
        let mut bytes = [0; READ];
        loop {
            match (&self.link.socket).read(&mut bytes) {
                Ok(0) => return Received::End,
                Ok(len) => {
                    self.input.extend_from_slice(&bytes[..len]);
                    return Received::Bytes;
                }
                Err(error) if would_block(&error) => return Received::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Received::End,
            }
        }
    }

    pub(super) fn set_blocking(&mut self, blocking: bool) -> io::Result<()> {
        if self.blocking != blocking {
            self.link.socket.set_nonblocking(!blocking)?;
            self.blocking = blocking;
        }
        Ok(())
    }

    /// Writes what the peer takes of the answer. Returns whether everything has gone out.
    pub(super) fn write(&mut self) -> io::Result<bool> {
        let State::Answer(answer) = &mut self.state else { return Ok(true) };
        let before = answer.unsent();
        let go_on = || !self.server.gives_up.load(Ordering::Acquire);
        let done = answer.write_to(&self.link.socket, go_on)?;
        if answer.unsent() < before {
            self.deadline = Instant::now() + self.server.limits.write_deadline;
        }
        Ok(done)
    }
}

/// A call on a socket gave up: at once, or at its time limit, which Linux reports in the same way
/// and other systems do not.
pub(crate) fn would_block(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

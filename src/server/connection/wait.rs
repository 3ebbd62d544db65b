//! Where a connection meets its socket, and waits for its peer: on a worker or parked.

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::time::Instant;

use super::{Connection, State};
use crate::http::Refusal;
use crate::http::status::Status;
use crate::net::link::would_block;
use crate::net::pool::Waiting;
use crate::net::watch::{Pending, Progress};
use crate::server::shared::Shared;

/// How much is read at once.
const READ: usize = 16 * 1024;

/// What the watch thread's retry of a parked connection found.
#[derive(Debug)]
pub(super) enum Tried {
    /// More has to come first.
    Parked(Box<Connection>, Progress),
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

/// What came of reading on while there was something.
enum Taken {
    /// There is something to be done now.
    Whole,
    /// More has to come first.
    Some(Progress),
    End,
}

/// How often one try reads on while there is something, so that nobody who is parked with a large
/// body waits a pause for each piece of it.
const READS: usize = 16;
/// And how often at the deadline: what had come by then counts, which is as much as a system keeps
/// for one socket. So a machine that slept refuses nobody for its own sleep, and a peer that sends
/// without end is still refused.
const LAST_READS: usize = 512;

impl Connection {
    /// Waits for the peer, or parks the connection where this worker may be needed.
    pub(super) fn wait(mut self: Box<Self>) -> Option<Box<Self>> {
        if self.is_over(Instant::now()) {
            self.set_blocking(false).ok()?;
            return match self.receive(LAST_READS) {
                Taken::Whole => Some(self),
                Taken::Some(_) if self.is_over(Instant::now()) => self.expire(),
                Taken::Some(_) => self.park(),
                Taken::End => None,
            };
        }
        let server = Arc::clone(&self.server);
        let permit = self.may_block(&server).ok()?;
        match self.read() {
            Received::Bytes => Some(self),
            Received::End => None,
            Received::Nothing if permit.is_none() || server.runtime.pool.is_wanted() => self.park(),
            Received::Nothing => Some(self),
        }
    }

    /// Writes the response. `None` if the connection is no longer this worker's: the peer has gone,
    /// or is slow, and then it is the watch thread that waits.
    pub(super) fn write_out(mut self: Box<Self>) -> Option<Box<Self>> {
        let server = Arc::clone(&self.server);
        loop {
            // Asked for again with each piece, or a peer could hold the worker by taking little.
            let permit = self.may_block(&server).ok()?;
            match self.write().ok()? {
                None => return Some(self),
                Some(Progress::Moved) if permit.is_some() && !server.runtime.pool.is_wanted() => {}
                Some(_) => return self.park(),
            }
            if self.is_over(Instant::now()) {
                return None;
            }
        }
    }

    fn park(mut self: Box<Self>) -> Option<Box<Self>> {
        self.set_blocking(false).ok()?;
        let server = Arc::clone(&self.server);
        server.runtime.watch.add(self);
        None
    }

    pub(super) fn try_again(mut self: Box<Self>, now: Instant) -> Tried {
        if matches!(self.state, State::Answer(_)) {
            return match self.write() {
                Ok(None) => Tried::Ready(self),
                Ok(Some(progress)) if !self.is_over(now) => Tried::Parked(self, progress),
                Ok(Some(_)) | Err(_) => Tried::Over,
            };
        }
        match self.receive(if self.is_over(now) { LAST_READS } else { READS }) {
            Taken::Whole => Tried::Ready(self),
            // What is left to do may be a response, which is a worker's business.
            Taken::Some(_) if self.is_over(now) => self.expire().map_or(Tried::Over, Tried::Ready),
            Taken::Some(progress) => Tried::Parked(self, progress),
            Taken::End => Tried::Over,
        }
    }

    /// Takes in what has come, of which there may be more pieces than `most`.
    fn receive(&mut self, most: usize) -> Taken {
        let mut progress = Progress::Stuck;
        for _ in 0..most {
            match self.read() {
                Received::End => return Taken::End,
                Received::Nothing => break,
                Received::Bytes if self.take_in() => return Taken::Whole,
                Received::Bytes => progress = Progress::Moved,
            }
        }
        Taken::Some(progress)
    }

    /// Whether its time is up. What has come by now is to be taken in before this is asked.
    fn is_over(&self, now: Instant) -> bool {
        let idle = matches!(&self.state, State::Head(parser) if !parser.started());
        now >= self.deadline
            || (idle && self.server.runtime.is_stopping())
            || self.server.runtime.gives_up()
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
        Some(self)
    }

    /// Asks for the right to wait for the peer, and sets the socket up for it: only with that right
    /// does the next call block, and for no longer than [`SLICE`](super::SLICE). This is the only
    /// place that has a socket block.
    fn may_block<'a>(&mut self, server: &'a Shared) -> io::Result<Option<Waiting<'a>>> {
        let permit = server.runtime.pool.may_wait();
        self.set_blocking(permit.is_some())?;
        Ok(permit)
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

    /// Writes what the peer takes of the response. `None` if that is all of it.
    fn write(&mut self) -> io::Result<Option<Progress>> {
        let State::Answer(answer) = &mut self.state else { return Ok(None) };
        let before = answer.unsent();
        answer.write_to(&self.link.socket)?;
        let unsent = answer.unsent();
        if unsent < before {
            self.deadline = Instant::now() + self.server.runtime.limits.write_deadline;
        }
        Ok(match unsent {
            0 => None,
            _ if unsent < before => Some(Progress::Moved),
            _ => Some(Progress::Stuck),
        })
    }
}

/// A parked connection.
impl Pending for Connection {
    fn retry(self: Box<Self>, now: Instant) -> Option<(Box<dyn Pending>, Progress)> {
        match self.try_again(now) {
            Tried::Parked(connection, progress) => return Some((connection, progress)),
            Tried::Ready(connection) => connection.hand_to_worker(),
            Tried::Over => {}
        }
        None
    }
}

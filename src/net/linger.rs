//! The end of a connection: half-close, drain, close.
//!
//! Closing a socket on which the peer has sent something that nobody read makes the system reset
//! the connection, and the reset may destroy the end of our response before the peer has read it.
//! So we say that we are done, read and drop for a short bounded while what the peer still sends,
//! and close when it has closed too (RFC 9112, section 9.6).

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use crate::log::waiting::Unsent;
use crate::net::link::Link;
use crate::net::link::would_block;
use crate::net::watch::{Pending, Progress, Watch};

/// A peer that does not close within this time has no use for more patience.
const DRAIN_DEADLINE: Duration = Duration::from_secs(2);
/// Nor one that goes on sending.
const DRAIN: usize = 256 * 1024;

#[derive(Debug)]
pub(crate) struct Linger {
    link: Link,
    /// What has to go out before the half-close.
    rest: Unsent,
    /// How long the peer may take nothing of it.
    write_deadline: Duration,
    half_closed: bool,
    drained: usize,
    until: Instant,
}

impl Linger {
    /// Takes a connection that is over: sends the rest, for as long as the peer takes some of it
    /// within the write deadline, then waits a while for the peer's end. What does not go at once
    /// is left to the watch thread.
    pub(crate) fn begin(link: Link, rest: Unsent, write_deadline: Duration, watch: &Watch) {
        if let Some(linger) = Self::start(link, rest, write_deadline) {
            watch.add(linger);
        }
    }

    fn start(link: Link, rest: Unsent, write_deadline: Duration) -> Option<Box<dyn Pending>> {
        link.socket.set_nonblocking(true).ok()?;
        let now = Instant::now();
        let until = now + write_deadline.max(DRAIN_DEADLINE);
        let linger = Self { link, rest, write_deadline, half_closed: false, drained: 0, until };
        Some(Box::new(linger).retry(now)?.0)
    }

    /// Goes on as far as the socket lets it. `None` when the connection is closed.
    fn go_on(&mut self, now: Instant) -> Option<Progress> {
        let before = self.rest.len();
        while !self.rest.is_empty() {
            match (&self.link.socket).write(self.rest.first()) {
                Ok(taken) => self.rest.advance(taken),
                Err(error) if would_block(&error) => {
                    if self.rest.len() == before {
                        return Some(Progress::Stuck);
                    }
                    self.until = now + self.write_deadline;
                    return Some(Progress::Moved);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        if !self.half_closed {
            self.link.socket.shutdown(Shutdown::Write).ok()?;
            self.half_closed = true;
            self.until = now + DRAIN_DEADLINE;
        }
        self.drain()
    }

    fn drain(&mut self) -> Option<Progress> {
        let mut dropped = [0; 4096];
        while self.drained < DRAIN {
            match (&self.link.socket).read(&mut dropped) {
                Ok(0) => return None,
                Ok(read) => self.drained += read,
                Err(error) if would_block(&error) => return Some(Progress::Stuck),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        None
    }
}

impl Pending for Linger {
    fn retry(mut self: Box<Self>, now: Instant) -> Option<(Box<dyn Pending>, Progress)> {
        let progress = self.go_on(now)?;
        // The time is judged last, as a machine may have slept past it.
        (now < self.until).then_some((self, progress))
    }
}

#[cfg(test)]
mod tests;

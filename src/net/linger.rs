//! The end of a connection: half-close, drain, close.
//!
//! Closing a socket on which the peer has sent something that nobody read makes the system reset
//! the connection, and the reset may destroy the end of our response before the peer has read it.
//! So we say that we are done, read and drop for a short bounded while what the peer still sends,
//! and close when it has closed too (RFC 9112, section 9.6).

use std::net::Shutdown;
use std::time::{Duration, Instant};

use crate::log::waiting::Unsent;
use crate::net::link::Link;
use crate::net::watch::{Pending, Progress, Watch};

/// A peer that has not closed within this time is cut off.
const DRAIN_DEADLINE: Duration = Duration::from_secs(2);
/// The same where the server stops, which waits for it: a supervisor may have little patience.
const DRAIN_AT_STOP: Duration = Duration::from_secs(1);
/// So is a peer that goes on sending past this.
const DRAIN: usize = 256 * 1024;

pub(crate) struct Linger {
    link: Link,
    /// What has to go out before the half-close.
    rest: Unsent,
    /// How long the peer may take nothing of it.
    write_deadline: Duration,
    /// How long the peer may take to close.
    drain_deadline: Duration,
    half_closed: bool,
    drained: usize,
    until: Instant,
}

impl Linger {
    /// Takes a connection that is over: sends the rest, for as long as the peer takes some of it
    /// within the write deadline, then waits a while for the peer's end. What does not go at once
    /// is left to the watch thread.
    pub(crate) fn begin(link: Link, rest: Unsent, write_deadline: Duration, watch: &Watch) {
        if let Some(linger) = Self::start(link, rest, write_deadline, watch.is_stopping()) {
            watch.add(linger);
        }
    }

    fn start(
        mut link: Link,
        rest: Unsent,
        write_deadline: Duration,
        is_stopping: bool,
    ) -> Option<Box<dyn Pending>> {
        link.set_blocking(false).ok()?;
        let now = Instant::now();
        let drain_deadline = if is_stopping { DRAIN_AT_STOP } else { DRAIN_DEADLINE };
        let linger = Self {
            link,
            rest,
            write_deadline,
            drain_deadline,
            half_closed: false,
            drained: 0,
            until: now + write_deadline.max(drain_deadline),
        };
        Some(Box::new(linger).retry(now)?.0)
    }

    /// Goes on as far as the socket lets it. `None` when the connection is closed.
    fn go_on(&mut self, now: Instant) -> Option<Progress> {
        let before = self.rest.len();
        while !self.rest.is_empty() {
            let Some(taken) = self.link.write(self.rest.first()).ok()? else {
                if self.rest.len() == before {
                    return Some(Progress::Stuck);
                }
                self.until = now + self.write_deadline;
                return Some(Progress::Moved);
            };
            self.rest.advance(taken);
        }
        if !self.half_closed {
            self.link.socket.shutdown(Shutdown::Write).ok()?;
            self.half_closed = true;
            self.until = now + self.drain_deadline;
        }
        self.drain()
    }

    fn drain(&mut self) -> Option<Progress> {
        while self.drained < DRAIN {
            match self.link.read(<[u8]>::len).ok()? {
                None => return Some(Progress::Stuck),
                Some(0) => return None,
                Some(read) => self.drained += read,
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

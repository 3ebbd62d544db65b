//! The last step of every byte on a stream: its socket, and what the socket would not take.
//!
//! A stream's socket does not block. What it does not take at once is kept here, and the watch
//! thread tries again. So at most the rest of one write of the log is kept, and what was sent on
//! this stream alone up to the limit of unsent bytes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::error::CloseReason;
use crate::server::counts::Slot;

/// A connection's socket, and its place among the counted connections. Dropping it closes the one
/// and gives the other back.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) socket: TcpStream,
    _slot: Slot,
}

impl Link {
    pub(crate) fn new(socket: TcpStream, slot: Slot) -> Self {
        Self { socket, _slot: slot }
    }
}

#[derive(Debug)]
pub(crate) struct Outbox {
    link: Link,
    /// Present while the watch thread has this stream among those that it tries again.
    blocked: Option<Box<Blocked>>,
    /// Everything that went out, the head included.
    sent: u64,
    last_write: Instant,
}

#[derive(Debug)]
struct Blocked {
    /// What is to go out before anything else. May be empty: then the socket took the last event
    /// whole, but was full.
    rest: Vec<u8>,
    /// When the peer last took something.
    since: Instant,
}

/// The peer has gone: nothing will ever be written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone(pub(crate) CloseReason);

/// How often a read is repeated that finds bytes which nobody asked for. A client that floods its
/// stream is read slowly, which the flow control of TCP passes on to it.
const READS: usize = 16;

impl Outbox {
    pub(crate) fn new(link: Link, now: Instant) -> Self {
        Self { link, blocked: None, sent: 0, last_write: now }
    }

    pub(crate) fn into_link(self) -> Link {
        self.link
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// How many bytes wait here.
    pub(crate) fn unsent(&self) -> usize {
        self.blocked.as_ref().map_or(0, |blocked| blocked.rest.len())
    }

    /// How long the peer has taken nothing of what waits for it.
    pub(crate) fn stuck_for(&self, now: Instant) -> Duration {
        self.blocked.as_ref().map_or(Duration::ZERO, |blocked| now - blocked.since)
    }

    /// How long nothing has gone out.
    pub(crate) fn silent_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last_write)
    }

    /// Writes what the socket takes at once, in one `send`. Only while not blocked.
    pub(crate) fn write(&mut self, bytes: &[u8], now: Instant) -> Result<usize, Gone> {
        loop {
            match (&self.link.socket).write(bytes) {
                Ok(taken) => {
                    self.sent += taken as u64;
                    self.last_write = now;
                    return Ok(taken);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Gone(CloseReason::Reset)),
            }
        }
    }

    /// Keeps what the socket did not take. From now on the stream is blocked.
    pub(crate) fn keep(&mut self, rest: &[u8], now: Instant) {
        let blocked =
            self.blocked.get_or_insert_with(|| Box::new(Blocked { rest: Vec::new(), since: now }));
        blocked.rest.extend_from_slice(rest);
    }

    /// Sends bytes behind whatever waits; keeps what the socket does not take.
    pub(crate) fn put(&mut self, bytes: &[u8], now: Instant) -> Result<(), Gone> {
        let taken = if self.is_blocked() { 0 } else { self.write(bytes, now)? };
        if taken < bytes.len() {
            self.keep(&bytes[taken..], now);
        }
        Ok(())
    }

    /// Tries again. Returns whether the stream is no longer blocked.
    pub(crate) fn flush(&mut self, now: Instant) -> Result<bool, Gone> {
        let Some(mut blocked) = self.blocked.take() else { return Ok(true) };
        let taken = if blocked.rest.is_empty() { 0 } else { self.write(&blocked.rest, now)? };
        if taken == blocked.rest.len() {
            return Ok(true);
        }
        if taken > 0 {
            blocked.rest.drain(..taken);
            blocked.since = now;
        }
        self.blocked = Some(blocked);
        Ok(false)
    }

    /// Reads and drops what the client sends during the stream, to find its end behind it.
    pub(crate) fn peer_has_gone(&self) -> Option<CloseReason> {
        let mut dropped = [0; 4096];
        for _ in 0..READS {
            match (&self.link.socket).read(&mut dropped) {
                Ok(0) => return Some(CloseReason::Client),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Some(CloseReason::Reset),
            }
        }
        None
    }

    /// Takes the outbox apart at the end of its stream: the link, and what still waits.
    pub(crate) fn finish(self) -> (Link, Vec<u8>) {
        (self.link, self.blocked.map_or_else(Vec::new, |blocked| blocked.rest))
    }

    pub(crate) fn set_nonblocking(&self) -> io::Result<()> {
        self.link.socket.set_nonblocking(true)
    }
}

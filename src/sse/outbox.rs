//! The last step of every byte on a stream: its socket, and what the socket would not take.
//!
//! A stream's socket does not block. What it does not take at once is kept here, and the watch
//! thread tries again. So at most the rest of one write of the log is kept, and what was sent on
//! this stream alone up to the limit of unsent bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::error::CloseReason;
use crate::moment::Moment;
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
    /// Present while the watch thread has this stream among those that it tries again: what is to
    /// go out before anything else. It may be empty, where the socket took an event whole and then
    /// no more.
    blocked: Option<Box<Waiting>>,
    /// Everything that went out, the head included.
    sent: u64,
    /// When the socket last took something.
    last_write: Moment,
}

/// Boxed, as nearly no stream has it at any time.
#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
}

/// What became of bytes that the outbox was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// They went out, or wait behind others.
    Done,
    /// They are the first that the socket did not take: the watch thread has to try again.
    Blocked,
}

/// The peer has gone: nothing will ever be written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone(pub(crate) CloseReason);

/// How often a read is repeated that finds bytes which nobody asked for. A client that floods its
/// stream is read slowly, which the flow control of TCP passes on to it.
const READS: usize = 128;

impl Outbox {
    pub(crate) fn new(link: Link, now: Moment) -> Self {
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
        self.blocked.as_ref().map_or(0, |waiting| waiting.bytes.len())
    }

    /// How long nothing has gone out.
    pub(crate) fn silent_for(&self, now: Moment) -> Duration {
        now.since(self.last_write)
    }

    /// Writes what the socket takes at once, in one `send`. Only while not blocked.
    pub(crate) fn write(&mut self, bytes: &[u8], now: Moment) -> Result<usize, Gone> {
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

    /// Keeps what the socket did not take. From now on the stream is blocked, and has the write
    /// deadline before it, however long it was silent before.
    pub(crate) fn keep(&mut self, rest: &[u8], now: Moment) {
        if self.blocked.is_none() {
            self.last_write = now;
        }
        self.blocked.get_or_insert_default().bytes.extend_from_slice(rest);
    }

    /// Sends the first bytes. From here on the socket does not block.
    pub(crate) fn open(&mut self, head: &[u8], now: Moment) -> Result<Put, Gone> {
        let set = self.link.socket.set_nonblocking(true);
        set.map_err(|_| Gone(CloseReason::Reset))?;
        self.put(head, now)
    }

    /// Sends bytes behind whatever waits; keeps what the socket does not take.
    pub(crate) fn put(&mut self, bytes: &[u8], now: Moment) -> Result<Put, Gone> {
        if let Some(waiting) = &mut self.blocked {
            waiting.bytes.extend_from_slice(bytes);
            return Ok(Put::Done);
        }
        let taken = self.write(bytes, now)?;
        if taken == bytes.len() {
            return Ok(Put::Done);
        }
        self.keep(&bytes[taken..], now);
        Ok(Put::Blocked)
    }

    /// Tries again. Returns whether nothing waits any more.
    pub(crate) fn flush(&mut self, now: Moment) -> Result<bool, Gone> {
        let Some(mut waiting) = self.blocked.take() else { return Ok(true) };
        let bytes = &mut waiting.bytes;
        let taken = if bytes.is_empty() { 0 } else { self.write(bytes, now)? };
        if taken == bytes.len() {
            return Ok(true);
        }
        bytes.drain(..taken);
        self.blocked = Some(waiting);
        Ok(false)
    }

    /// Reads and drops what the client sends during the stream, to find its end behind it.
    pub(crate) fn peer_has_gone(&self) -> Option<CloseReason> {
        let mut dropped = [0; 64];
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
        (self.link, self.blocked.map_or_else(Vec::new, |waiting| waiting.bytes))
    }
}

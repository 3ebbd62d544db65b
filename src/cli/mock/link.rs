//! A connection as the mock needs it: it can wait, notice that the client goes, and end badly.
//!
//! The last byte of the request is still unread (see [`request`](super::request)). As long as it is
//! there, closing the socket is a reset, and the link can't read past it to find that the client
//! has closed its side. So the link takes the byte at once, unless the connection ends with a
//! reset. Then it asks the system. On Linux there is a table of all connections, as text:
//!
//! ```text
//!   sl  local_address rem_address   st tx_queue rx_queue ...
//!    2: 0100007F:0BB9 0100007F:D5A2 08 00000000:00000001 ...
//! ```
//!
//! The state 08 is CLOSE_WAIT: the peer has closed its side, and the mock has not. Where there is
//! no such table, the next write finds that a client has gone in a pause before a reset.
//!
//! A client that closes only its sending side looks the same as one that goes. The mock takes it
//! for one, as the hub does.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::seeded::Random;

/// How long a client may read nothing.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);
/// How long a client may take to close its side after the mock has closed its own.
const LINGER: Duration = Duration::from_secs(2);
/// How often the link asks the system whether the client has gone.
const CHECK: Duration = Duration::from_millis(200);
/// The state of a connection that the peer has closed.
const CLOSE_WAIT: &str = "08";
/// A read with a deadline may return some milliseconds late, so the link sleeps at the end of a
/// pause.
const ROUGH: Duration = Duration::from_millis(20);

/// Once in so many sends the link cuts the bytes in two.
const CUTS: usize = 4;
/// How long it waits between the two, so that the client does not read them as one.
const BETWEEN: Duration = Duration::from_millis(2);

pub(super) struct Link {
    socket: TcpStream,
    /// The last byte of the request is still in the socket.
    can_reset: bool,
    /// Decides which of the bytes that the link sends are cut in two, at any place: within the
    /// head, or within the size of a chunk.
    pub(super) cuts: Option<Random>,
}

impl Link {
    /// Takes over a socket, of which the caller has read a request but for its last byte.
    pub(super) fn new(socket: TcpStream) -> io::Result<Self> {
        // Each chunk must arrive on its own, not with the next.
        socket.set_nodelay(true)?;
        socket.set_write_timeout(Some(WRITE_DEADLINE))?;
        Ok(Self { socket, can_reset: true, cuts: None })
    }

    /// Takes the last byte of the request, as this connection will not be reset.
    pub(super) fn take_last_byte(&mut self) {
        if std::mem::take(&mut self.can_reset) {
            // If it is not there, the connection is gone, and the next call finds out.
            let _ = self.socket.read_exact(&mut [0]);
        }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        if let Some(random) = self.cuts.as_mut().filter(|_| !bytes.is_empty())
            && random.one_in(CUTS)
        {
            let (part, after) = bytes.split_at(random.below(bytes.len()));
            self.socket.write_all(part)?;
            thread::sleep(BETWEEN);
            rest = after;
        }
        self.socket.write_all(rest)
    }

    /// Waits; fails if the client goes meanwhile.
    pub(super) fn pause_until(&mut self, until: Instant) -> io::Result<()> {
        loop {
            let rest = until.saturating_duration_since(Instant::now());
            if rest <= ROUGH {
                break;
            }
            if !self.can_reset {
                self.read_for(rest - ROUGH)?;
                continue;
            }
            thread::sleep(CHECK.min(rest - ROUGH));
            if self.is_gone() || self.is_closed_by_peer() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        thread::sleep(until.saturating_duration_since(Instant::now()));
        Ok(())
    }

    /// Waits for the client for at most so long, and drops what it sends; fails if the client goes.
    fn read_for(&mut self, time: Duration) -> io::Result<()> {
        self.socket.set_read_timeout(Some(time))?;
        match self.socket.read(&mut [0; 1024]) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(()),
                _ => Err(error),
            },
        }
    }

    /// Whether the system has found, by something that was sent, that the client has gone.
    pub(super) fn is_gone(&self) -> bool {
        !matches!(self.socket.take_error(), Ok(None))
    }

    fn is_closed_by_peer(&self) -> bool {
        let addresses =
            self.socket.local_addr().and_then(|ours| Ok((ours, self.socket.peer_addr()?)));
        // A client without an address has gone.
        let Ok((ours, theirs)) = addresses else { return true };
        let table = if ours.is_ipv4() { "/proc/self/net/tcp" } else { "/proc/self/net/tcp6" };
        let ports = [ours, theirs].map(|address| format!(":{:04X}", address.port()));
        let rows = fs::read_to_string(table).unwrap_or_default();
        rows.lines().any(|row| {
            let mut fields = row.split_ascii_whitespace().skip(1);
            let is_it = ports.iter().all(|port| fields.next().is_some_and(|of| of.ends_with(port)));
            is_it && fields.next() == Some(CLOSE_WAIT)
        })
    }

    /// Waits for the client to go, at most for as long as the limit says; returns whether it has
    /// gone.
    pub(super) fn wait_until_left(&mut self, most: Option<Duration>) -> bool {
        self.take_last_byte();
        let begun = Instant::now();
        loop {
            let rest = most.map_or(LINGER, |most| most.saturating_sub(begun.elapsed()));
            if rest.is_zero() {
                return false;
            }
            if self.read_for(rest.min(LINGER)).is_err() {
                return true;
            }
        }
    }

    pub(super) fn close_sending(&mut self) {
        self.take_last_byte();
        // This fails only if the client has gone.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Gives the client time to read what it has received, and closes the socket.
    pub(super) fn linger(mut self) {
        self.wait_until_left(Some(LINGER));
    }

    pub(super) fn close(mut self) {
        self.close_sending();
        self.linger();
    }

    /// Closes the socket over the unread byte.
    pub(super) fn reset(self) {
        debug_assert!(self.can_reset, "the script says so");
        drop(self.socket);
    }
}

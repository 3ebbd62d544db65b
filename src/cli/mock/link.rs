//! A connection as the mock needs it: it can wait, notice that the client goes, and end badly.
//!
//! The last byte of the request is still unread (see [`request`](super::request)). As long as it
//! is there, closing the socket is a reset, and the end of what the client sends can't be seen
//! behind it. So the byte is taken at once where the connection is not to be reset, and where it
//! is, the system is asked. On Linux that is a table of all connections, as text:
//!
//! ```text
//!   sl  local_address rem_address   st tx_queue rx_queue ...
//!    2: 0100007F:0BB9 0100007F:D5A2 08 00000000:00000001 ...
//! ```
//!
//! The state 08 is CLOSE_WAIT: the peer has closed its side, and we have not. Where there is no
//! such table, a client that goes in a pause before a reset is missed with the next write.
//!
//! A client that closes only its sending side looks the same as one that goes, and is taken for
//! one, as it is by the hub.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::random::Random;

/// How long a client may read nothing.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);
/// How long a client may take to close its side when we have closed ours.
const LINGER: Duration = Duration::from_secs(2);
/// How often the system is asked whether the client has gone.
const LOOK: Duration = Duration::from_millis(200);
/// The state of a connection that the peer has closed.
const CLOSE_WAIT: &str = "08";
/// A read with a deadline may come back some milliseconds late, so the end of a pause is slept.
const ROUGH: Duration = Duration::from_millis(20);

/// Once in so many times what is sent is cut in two.
const CUTS: usize = 4;
/// Both parts would else be read as one.
const BETWEEN: Duration = Duration::from_millis(2);

/// The client has gone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gone;

pub(super) struct Link {
    socket: TcpStream,
    /// The last byte of the request is still in the socket.
    can_reset: bool,
    /// Says where what is sent is cut in two; `None` if nowhere.
    cuts: Option<Random>,
}

impl Link {
    /// Takes over a socket from which all but the last byte of a request has been read.
    pub(super) fn new(socket: TcpStream) -> Result<Self, Gone> {
        // A chunk is to arrive on its own, not with the next.
        socket.set_nodelay(true).map_err(|_| Gone)?;
        socket.set_write_timeout(Some(WRITE_DEADLINE)).map_err(|_| Gone)?;
        Ok(Self { socket, can_reset: true, cuts: None })
    }

    /// From now on, what is sent goes out in two parts at times, cut at any place: within the head,
    /// or within the size of a chunk.
    pub(super) fn cut_by(&mut self, random: Random) {
        self.cuts = Some(random);
    }

    /// This connection will not be reset.
    pub(super) fn take_last_byte(&mut self) {
        if std::mem::take(&mut self.can_reset) {
            // It is there. Where it is not, the connection is gone, and the next call finds out.
            let _ = self.socket.read_exact(&mut [0]);
        }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        let mut rest = bytes;
        if let Some(random) = self.cuts.as_mut().filter(|_| !bytes.is_empty()) {
            if random.one_in(CUTS) {
                let (part, behind) = bytes.split_at(random.below(bytes.len()));
                self.socket.write_all(part).map_err(|_| Gone)?;
                thread::sleep(BETWEEN);
                rest = behind;
            }
        }
        self.socket.write_all(rest).map_err(|_| Gone)
    }

    /// Waits, and looks whether the client goes meanwhile.
    pub(super) fn pause_until(&mut self, until: Instant) -> Result<(), Gone> {
        loop {
            let rest = until.saturating_duration_since(Instant::now());
            if rest <= ROUGH {
                break;
            }
            if !self.can_reset {
                self.read_for(rest - ROUGH)?;
                continue;
            }
            thread::sleep(LOOK.min(rest - ROUGH));
            if self.is_gone() || self.is_closed_by_peer() {
                return Err(Gone);
            }
        }
        thread::sleep(until.saturating_duration_since(Instant::now()));
        Ok(())
    }

    /// Drops what comes, for at most so long.
    fn read_for(&mut self, time: Duration) -> Result<(), Gone> {
        self.socket.set_read_timeout(Some(time)).map_err(|_| Gone)?;
        match self.socket.read(&mut [0; 1024]) {
            Ok(0) => Err(Gone),
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(()),
                _ => Err(Gone),
            },
        }
    }

    /// Whether something that was sent has met nobody.
    pub(super) fn is_gone(&self) -> bool {
        !matches!(self.socket.take_error(), Ok(None))
    }

    fn is_closed_by_peer(&self) -> bool {
        let addresses =
            self.socket.local_addr().and_then(|ours| Ok((ours, self.socket.peer_addr()?)));
        // Who has no address any more has gone.
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

    /// Waits for the client to go, for so long at most if there is a limit; tells whether it has
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

    /// Says that nothing more comes.
    pub(super) fn say_end(&mut self) {
        self.take_last_byte();
        // Where the client has gone, there is nobody to be told.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Gives the client time to take what has come.
    pub(super) fn linger(mut self) {
        self.wait_until_left(Some(LINGER));
    }

    pub(super) fn close(mut self) {
        self.say_end();
        self.linger();
    }

    /// Closes the socket over what was not read.
    pub(super) fn reset(self) {
        debug_assert!(self.can_reset, "the script says so");
        drop(self.socket);
    }
}

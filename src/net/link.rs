//! The link to a peer: one socket, counted, and whether a call on it may wait.
//!
//! A socket blocks or does not, whoever uses it: the flag belongs to the socket itself. So it is
//! changed here alone. A worker has it block only where [`Pool::may_wait`] lets it; streams and the
//! watch thread never do. A blocking call gives up after [`LONGEST_BLOCK`].

use std::cell::RefCell;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::time::Duration;

use super::counts::{Place, Slot};
use super::pool::Pool;
use super::socket::Socket;

/// How long a call blocks before its worker checks whether it is needed elsewhere, or the server
/// stops.
pub(crate) const LONGEST_BLOCK: Duration = Duration::from_millis(200);

/// How much is read at once.
const READ: usize = 16 * 1024;

thread_local! {
    /// What a thread reads to, allocated by its first read: to zero a fresh one for each would cost
    /// more than the read itself.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A connection's socket, and its place among the counted connections. Dropping it closes the one
/// and gives the other back.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) socket: Socket,
    _slot: Slot,
}

/// Makes a call on the socket. Where its calls are told, that is apart from all others, whose way
/// then is as short as if there were none such.
macro_rules! attempt {
    ($socket:expr, $call:ident, $told:ident($argument:expr)) => {{
        #[cfg(feature = "tools")]
        let attempted = match $socket.is_traced() {
            true => attempt_told(&mut || $socket.$told($argument)).map_err(io::Error::from),
            false => attempt(|| (&$socket).$call($argument)),
        };
        #[cfg(not(feature = "tools"))]
        let attempted = attempt(|| (&$socket).$call($argument));
        attempted
    }};
}

impl Link {
    pub(crate) fn new(socket: impl Into<Socket>, slot: Slot) -> Self {
        Self { socket: socket.into(), _slot: slot }
    }

    /// Sets what is set once for each socket: what is written does not wait for more to fill a
    /// segment, and a read that blocks comes back now and then.
    pub(crate) fn set_up(&self) -> io::Result<()> {
        self.socket.send_at_once()?;
        self.socket.set_read_timeout(Some(LONGEST_BLOCK))
    }

    /// Asks for the right to wait for the peer, in a write or else in a read. Only with it does the
    /// next call block.
    pub(crate) fn may_block<'a>(
        &mut self,
        pool: &'a Pool,
        writes: bool,
    ) -> io::Result<Option<Place<'a>>> {
        let right = pool.may_wait();
        if writes && !self.socket.mode().bounds_writes && right.is_some() {
            self.socket.set_write_timeout(Some(LONGEST_BLOCK))?;
            self.socket.mode().bounds_writes = true;
        }
        self.set_blocking(right.is_some())?;
        Ok(right)
    }

    pub(crate) fn set_blocking(&mut self, blocking: bool) -> io::Result<()> {
        if self.socket.mode().blocking != blocking {
            self.socket.set_nonblocking(!blocking)?;
            self.socket.mode().blocking = blocking;
        }
        Ok(())
    }

    /// Reads once, and gives `take` what has come; at the peer's end, nothing. `None` where there
    /// was nothing to read.
    pub(crate) fn read<T>(&self, take: impl FnOnce(&[u8]) -> T) -> io::Result<Option<T>> {
        BUFFER.with_borrow_mut(|buffer| {
            buffer.resize(READ, 0);
            let len = attempt!(self.socket, read, read_told(buffer))?;
            Ok(len.map(|len| take(&buffer[..len])))
        })
    }

    /// Reads a little and drops it; returns how many bytes that were, as [`read`](Self::read) does.
    #[inline]
    pub(crate) fn discard(&self) -> io::Result<Option<usize>> {
        attempt!(self.socket, read, read_told(&mut [0; 64]))
    }

    /// Writes once, what the socket takes of it, and returns how many bytes that were. `None` where
    /// it took nothing.
    #[inline(always)]
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<Option<usize>> {
        attempt!(self.socket, write, write_told(bytes))
    }

    /// The same for bytes that stand in two places.
    pub(crate) fn write_both(&self, bytes: [&[u8]; 2]) -> io::Result<Option<usize>> {
        attempt!(self.socket, write_vectored, write_vectored_told(&bytes.map(IoSlice::new)))
    }
}

/// Its errors need no drop.
#[cfg(feature = "tools")]
#[cold]
#[inline(never)]
fn attempt_told(
    call: &mut dyn FnMut() -> Result<usize, ErrorKind>,
) -> Result<Option<usize>, ErrorKind> {
    attempt(|| Ok(call()?)).map_err(|error| error.kind())
}

/// Makes a call again if a signal interrupted it. `None` if it would block or has timed out.
#[inline(always)]
fn attempt(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match call() {
            Ok(len) => return Ok(Some(len)),
            Err(error) if would_block(&error) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A call on a socket gave up: at once, or at its time limit. On unix both are reported in the same
/// way, and a time-out is the connection's: its peer has vanished. Elsewhere the latter is one.
fn would_block(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock || cfg!(not(unix)) && error.kind() == ErrorKind::TimedOut
}

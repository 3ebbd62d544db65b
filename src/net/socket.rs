//! The socket of one connection, over TCP or a unix socket: one function for each call, and none of
//! them does anything else, unless the connection is traced.
//!
//! Both kinds are a descriptor, on which the system's calls are the same. So std's type for TCP
//! stands for both, and what differs is asked for where it does.

#[cfg(feature = "tools")]
mod traced;

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::fd::OwnedFd;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::peer::Peer;

/// The socket of a connection that somebody else has accepted, for a server to serve: see
/// [`Handle::serve`](crate::Handle::serve). Made from a [`TcpStream`] or, on unix, a `UnixStream`.
#[derive(Debug)]
pub struct Socket {
    socket: TcpStream,
    mode: Mode,
    is_unix: bool,
    /// Whether each call is told to a trace.
    #[cfg(feature = "tools")]
    is_traced: bool,
}

/// How the system was told to treat the socket.
#[derive(Debug)]
pub(crate) struct Mode {
    pub(crate) blocking: bool,
    /// Whether a write that blocks gives up some time: a stream needs no such limit.
    pub(crate) bounds_writes: bool,
}

impl Mode {
    /// That of a socket that was accepted.
    const NEW: Self = Self { blocking: true, bounds_writes: false };
}

impl Socket {
    fn new(socket: TcpStream, is_unix: bool) -> Self {
        Self {
            socket,
            mode: Mode::NEW,
            is_unix,
            #[cfg(feature = "tools")]
            is_traced: false,
        }
    }

    /// Whether each call is to be made by the function that tells of it.
    #[cfg(feature = "tools")]
    #[inline]
    pub(super) fn is_traced(&self) -> bool {
        self.is_traced
    }

    pub(crate) fn mode(&mut self) -> &mut Mode {
        &mut self.mode
    }

    /// The other end, unless that has reset the connection.
    pub(crate) fn peer(&self) -> io::Result<Peer> {
        if self.is_unix { Ok(Peer::Unix) } else { self.socket.peer_addr().map(Peer::Tcp) }
    }

    /// Has TCP send what is written at once, even if it doesn't fill a segment. A unix socket has
    /// no segments.
    pub(crate) fn send_at_once(&self) -> io::Result<()> {
        if self.is_unix { Ok(()) } else { self.socket.set_nodelay(true) }
    }

    pub(crate) fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.socket.set_nonblocking(nonblocking)
    }

    pub(crate) fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket.set_read_timeout(timeout)
    }

    pub(crate) fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket.set_write_timeout(timeout)
    }

    #[cfg(test)]
    pub(crate) fn tcp(&self) -> &TcpStream {
        &self.socket
    }

    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        #[cfg(feature = "tools")]
        if self.is_traced {
            return self.shutdown_told(how);
        }
        self.socket.shutdown(how)
    }
}

impl Read for &Socket {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.socket).read(buffer)
    }
}

impl Write for &Socket {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&self.socket).write(bytes)
    }

    #[inline]
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        (&self.socket).write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(feature = "tools")]
impl Drop for Socket {
    fn drop(&mut self) {
        if self.is_traced {
            self.close_told();
        }
    }
}

impl From<TcpStream> for Socket {
    fn from(socket: TcpStream) -> Self {
        Self::new(socket, false)
    }
}

#[cfg(unix)]
impl From<UnixStream> for Socket {
    fn from(socket: UnixStream) -> Self {
        Self::new(OwnedFd::from(socket).into(), true)
    }
}

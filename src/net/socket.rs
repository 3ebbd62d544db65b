//! The socket of one connection, over TCP or a unix socket: one `match` for each call, and none of
//! them does anything else.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::peer::Peer;

/// The socket of a connection that somebody else has accepted, for a server to serve: see
/// [`Handle::serve`](crate::Handle::serve). Made from a [`TcpStream`] or, on unix, a `UnixStream`.
#[derive(Debug)]
pub struct Socket(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpStream, Mode),
    #[cfg(unix)]
    Unix(UnixStream, Mode),
}

/// How the system was told to treat the socket. It stands within the kinds, as beside them it would
/// cost every stream eight bytes.
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

/// The same call on either kind.
macro_rules! on {
    ($of:expr, $socket:ident => $call:expr) => {
        match &$of.0 {
            Kind::Tcp($socket, _) => $call,
            #[cfg(unix)]
            Kind::Unix($socket, _) => $call,
        }
    };
}

impl Socket {
    pub(crate) fn mode(&mut self) -> &mut Mode {
        match &mut self.0 {
            Kind::Tcp(_, mode) => mode,
            #[cfg(unix)]
            Kind::Unix(_, mode) => mode,
        }
    }

    /// The other end, unless that has reset the connection.
    pub(crate) fn peer(&self) -> io::Result<Peer> {
        match &self.0 {
            Kind::Tcp(socket, _) => socket.peer_addr().map(Peer::Tcp),
            #[cfg(unix)]
            Kind::Unix(..) => Ok(Peer::Unix),
        }
    }

    /// Has TCP send what is written at once, even if it doesn't fill a segment. A unix socket has
    /// no segments.
    pub(crate) fn send_at_once(&self) -> io::Result<()> {
        match &self.0 {
            Kind::Tcp(socket, _) => socket.set_nodelay(true),
            #[cfg(unix)]
            Kind::Unix(..) => Ok(()),
        }
    }

    pub(crate) fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        on!(self, socket => socket.set_nonblocking(nonblocking))
    }

    pub(crate) fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        on!(self, socket => socket.set_read_timeout(timeout))
    }

    pub(crate) fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        on!(self, socket => socket.set_write_timeout(timeout))
    }

    #[cfg(test)]
    pub(crate) fn tcp(&self) -> &TcpStream {
        match &self.0 {
            Kind::Tcp(socket, _) => socket,
            #[cfg(unix)]
            Kind::Unix(..) => panic!("not TCP: {self:?}"),
        }
    }

    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        on!(self, socket => socket.shutdown(how))
    }
}

impl Read for &Socket {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        on!(self, socket => (&*socket).read(buffer))
    }
}

impl Write for &Socket {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        on!(self, socket => (&*socket).write(bytes))
    }

    #[inline]
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        on!(self, socket => (&*socket).write_vectored(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl From<TcpStream> for Socket {
    fn from(socket: TcpStream) -> Self {
        Self(Kind::Tcp(socket, Mode::NEW))
    }
}

#[cfg(unix)]
impl From<UnixStream> for Socket {
    fn from(socket: UnixStream) -> Self {
        Self(Kind::Unix(socket, Mode::NEW))
    }
}

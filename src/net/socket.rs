//! The socket of one connection, over TCP or a unix socket: one `match` for each call, and none of
//! them does anything else.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

#[derive(Debug)]
pub(crate) enum Socket {
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
        match $of {
            Socket::Tcp($socket, _) => $call,
            #[cfg(unix)]
            Socket::Unix($socket, _) => $call,
        }
    };
}

impl Socket {
    pub(crate) fn mode(&mut self) -> &mut Mode {
        match self {
            Self::Tcp(_, mode) => mode,
            #[cfg(unix)]
            Self::Unix(_, mode) => mode,
        }
    }

    /// Has TCP send what is written at once, even if it doesn't fill a segment. A unix socket has
    /// no segments.
    pub(crate) fn send_at_once(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket, _) => socket.set_nodelay(true),
            #[cfg(unix)]
            Self::Unix(..) => Ok(()),
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
        let Self::Tcp(socket, _) = self else { panic!("not TCP: {self:?}") };
        socket
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
        Self::Tcp(socket, Mode::NEW)
    }
}

#[cfg(unix)]
impl From<UnixStream> for Socket {
    fn from(socket: UnixStream) -> Self {
        Self::Unix(socket, Mode::NEW)
    }
}

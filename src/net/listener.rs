//! Where connections come in: a listening socket, of TCP or a unix socket, and its address.
//!
//! std can't interrupt an `accept` that waits. What ends it is
//!
//! - a connection: a server that stops makes one to its own listener. It may go amiss: the file of
//!   a unix socket is gone, a network namespace has no loopback, or another process accepts it, as
//!   they share the socket or its port.
//! - the shutdown of the listening socket, on Linux and some others. It ends the socket for every
//!   process that has it, so one that a supervisor keeps for the next start must not be shut down.
//!
//! So a connection is tried first, and a shutdown where that did not help and nobody shares it.

use std::fmt;
use std::io;
#[cfg(unix)]
use std::net::Shutdown;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::fd::AsFd;
#[cfg(unix)]
use std::os::unix::net::{SocketAddr as UnixAddress, UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

use super::socket::Socket;
use crate::peer::Peer;

/// How long a connection that wakes an acceptor may take: it is on this very machine.
const WAKE: Duration = Duration::from_millis(100);

/// A listening socket that a server accepts connections from: see [`Server::on`]. Made from a
/// [`TcpListener`] or, on unix, a `UnixListener`.
///
/// [`Server::on`]: crate::Server::on
#[derive(Debug)]
pub struct Listener {
    socket: Kind,
    is_shared: bool,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

/// Where a server listens. It is shown as `http://127.0.0.1:3000` or `unix:/run/tidings.sock`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// TCP, on this address and port.
    Tcp(SocketAddr),
    /// A unix socket, at this path. A name without a file, as Linux has them, begins with `@`; a
    /// socket without any name has an empty path.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Listener {
    /// Says that another process has this socket too, and keeps it when this server stops: a
    /// supervisor that opened it and passed it on, for one. The server then never shuts the socket
    /// down itself. If it can't connect to the socket either when it stops, it leaves the thread
    /// that waits for connections there until the process ends. Defaults to a socket that is the
    /// server's alone.
    ///
    /// ```
    /// use std::net::{TcpListener, TcpStream};
    /// use tidings::{Listener, Server};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// // This is what a supervisor keeps.
    /// let kept = listener.try_clone()?;
    /// Server::new().on(Listener::from(listener).shared()).start()?.stop()?;
    /// // Clients that connect now wait for the next server.
    /// TcpStream::connect(kept.local_addr()?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.is_shared = true;
        self
    }

    /// Prepares it for its acceptor, which waits in `accept`, and returns where it listens.
    pub(crate) fn set_up(&self) -> io::Result<Address> {
        match &self.socket {
            Kind::Tcp(listener) => {
                listener.set_nonblocking(false)?;
                listener.local_addr().map(Address::Tcp)
            }
            #[cfg(unix)]
            Kind::Unix(listener) => {
                listener.set_nonblocking(false)?;
                Ok(Address::Unix(path(&listener.local_addr()?)))
            }
        }
    }

    pub(crate) fn accept(&self) -> io::Result<(Socket, Peer)> {
        match &self.socket {
            Kind::Tcp(listener) => {
                listener.accept().map(|(socket, peer)| (socket.into(), Peer::Tcp(peer)))
            }
            #[cfg(unix)]
            Kind::Unix(listener) => {
                listener.accept().map(|(socket, _)| (socket.into(), Peer::Unix))
            }
        }
    }

    /// Another descriptor of the same socket.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        let socket = match &self.socket {
            Kind::Tcp(listener) => Kind::Tcp(listener.try_clone()?),
            #[cfg(unix)]
            Kind::Unix(listener) => Kind::Unix(listener.try_clone()?),
        };
        Ok(Self { socket, is_shared: self.is_shared })
    }

    /// Connects, so that an acceptor who waits has something to accept.
    pub(crate) fn connect(&self) -> io::Result<()> {
        match &self.socket {
            Kind::Tcp(listener) => {
                TcpStream::connect_timeout(&reachable(listener.local_addr()?), WAKE).map(drop)
            }
            #[cfg(unix)]
            Kind::Unix(listener) => connect(listener.local_addr()?),
        }
    }

    /// Ends an `accept` that waits, where the system does that and nobody shares the socket.
    /// Returns whether it does.
    pub(crate) fn shut_down(&self) -> bool {
        #[cfg(unix)]
        if !self.is_shared {
            let descriptor = match &self.socket {
                Kind::Tcp(listener) => listener.as_fd(),
                Kind::Unix(listener) => listener.as_fd(),
            };
            // std has the call for connected sockets only, and the system for all.
            let socket = descriptor.try_clone_to_owned().map(TcpStream::from);
            return socket.and_then(|socket| socket.shutdown(Shutdown::Both)).is_ok();
        }
        false
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.is_shared
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self { socket: Kind::Tcp(listener), is_shared: false }
    }
}

#[cfg(unix)]
impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self { socket: Kind::Unix(listener), is_shared: false }
    }
}

/// An address under which a listener can be reached from this machine.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(unix)]
fn path(address: &UnixAddress) -> PathBuf {
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt;

        if let Some(name) = address.as_abstract_name() {
            return format!("@{}", name.escape_ascii()).into();
        }
    }
    address.as_pathname().map(Into::into).unwrap_or_default()
}

/// A connect to a unix socket has no deadline: it waits where too many others wait to be accepted.
/// So a thread of its own makes it, which nobody waits for.
#[cfg(unix)]
fn connect(address: UnixAddress) -> io::Result<()> {
    if let Some(path) = address.as_pathname() {
        path.symlink_metadata()?;
    }
    let thread = std::thread::Builder::new().name("tidings-waker".into());
    thread.spawn(move || UnixStream::connect_addr(&address)).map(drop)
}

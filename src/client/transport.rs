//! What carries the bytes: TCP, a unix socket, or whatever you bring.
//!
//! ```text
//! EventSource ──► Transport::connect(url) ──► Connection ── read, write ──► the server
//!                                                 ▲
//! Closer ─────────────────── shutdown ────────────┘  from another thread
//! ```
//!
//! [`Plain`] speaks plain HTTP. For `https`, bring a transport whose connections speak TLS:
//! [`Connection`] shows how. To see every read and write, put a [`Tap`](super::Tap) around any
//! transport.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
#[cfg(unix)]
use std::sync::mpsc;
#[cfg(unix)]
use std::thread;
use std::time::{Duration, Instant};

use super::url::Url;
use crate::limits::LONGEST;

/// Makes connections to servers.
pub trait Transport: Send + Sync {
    /// Connects to the host and the port of a URL, or to its [socket](Url::socket) if it has one,
    /// within this time.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if this transport can't carry such a URL, which ends an event
    /// source for good; whatever went wrong otherwise, after which it tries again.
    fn connect(&self, url: &Url, within: Duration) -> io::Result<Arc<dyn Connection>>;
}

/// A connection to a server. One thread reads and writes it, and any thread may shut it down.
///
/// All calls take `&self`, and a stream that speaks TLS is read and written with `&mut`. So it is
/// put into a lock, which is held for as long as a read waits. To shut the connection down must not
/// wait for that lock: keep a clone of the socket outside of it. It is the same socket, so to shut
/// it down ends the read, and its timeouts are those of the stream.
///
/// ```
/// use std::io::{self, Read, Write};
/// use std::net::{Shutdown, TcpStream};
/// use std::sync::Mutex;
/// use std::time::Duration;
/// use tidings::client::Connection;
///
/// /// `S` speaks TLS over a clone of `socket`.
/// struct Secured<S> {
///     stream: Mutex<S>,
///     socket: TcpStream,
/// }
///
/// impl<S: Read + Write + Send> Connection for Secured<S> {
///     fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
///         self.stream.lock().expect("no read panics").read(buffer)
///     }
///
///     fn write(&self, bytes: &[u8]) -> io::Result<usize> {
///         let mut stream = self.stream.lock().expect("no read panics");
///         let length = stream.write(bytes)?;
///         stream.flush()?; // what TLS keeps back for a larger record gets no response
///         Ok(length)
///     }
///
///     fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
///         self.socket.set_read_timeout(timeout)
///     }
///
///     fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
///         self.socket.set_write_timeout(timeout)
///     }
///
///     fn shutdown(&self) {
///         let _ = self.socket.shutdown(Shutdown::Both);
///     }
/// }
/// ```
///
/// A [`Transport`] makes it of a socket that is connected within the time there is: the handshake
/// belongs to that time, so set the socket's timeouts first. The name to check the certificate for
/// is [`Url::host`].
pub trait Connection: Send + Sync {
    /// Reads what there is, and waits for it if there is nothing; 0 at the end.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WouldBlock`] or [`ErrorKind::TimedOut`] when the timeout passes first.
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes some of these bytes, and says how many.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WouldBlock`] or [`ErrorKind::TimedOut`] when the timeout passes before the peer
    /// has taken any.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// How long each read may wait from now on; `None` for ever. It is never zero.
    ///
    /// # Errors
    ///
    /// If the system does not know such a time.
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;

    /// How long each write may wait from now on; `None` for ever. It is never zero.
    ///
    /// # Errors
    ///
    /// If the system does not know such a time.
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;

    /// Ends the connection both ways, so that a read or a write that waits on another thread
    /// returns now. May be called more than once.
    fn shutdown(&self);
}

/// Plain HTTP: over TCP, or over the [unix socket](Url::at_socket) of a URL that has one.
///
/// A host name may have several addresses: each is tried, and they share the time there is. To ask
/// for them is up to the system, which has deadlines of its own for that.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Transport for Plain {
    fn connect(&self, url: &Url, within: Duration) -> io::Result<Arc<dyn Connection>> {
        Ok(match Socket::connect(url, within)? {
            Socket::Tcp(socket) => Arc::new(socket),
            #[cfg(unix)]
            Socket::Unix(socket) => Arc::new(socket),
        })
    }
}

/// What [`Plain`] connects.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    /// Connects as [`Plain`] does.
    pub(crate) fn connect(url: &Url, within: Duration) -> io::Result<Self> {
        if url.is_https() {
            return Err(io::Error::new(
                ErrorKind::Unsupported,
                "https is not spoken here: go through a proxy that speaks it, or set a Transport",
            ));
        }
        if let Some(path) = url.socket() {
            return connect_to_socket(path, within);
        }
        let addresses: Vec<_> = (url.host(), url.port()).to_socket_addrs()?.collect();
        let socket = connect_to_one(&addresses, within)?;
        socket.set_nodelay(true)?;
        Ok(Self::Tcp(socket))
    }
}

fn connect_to_one(addresses: &[SocketAddr], within: Duration) -> io::Result<TcpStream> {
    let until = Instant::now() + within.min(LONGEST);
    let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
    for (tried, address) in addresses.iter().enumerate() {
        let left = (addresses.len() - tried) as u32;
        let share = until.saturating_duration_since(Instant::now()) / left;
        match TcpStream::connect_timeout(address, at_least(share)) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A connect to a unix socket has no deadline, and waits where too many others wait to be accepted.
/// So a thread makes it, which nobody waits for any more once the time is over.
#[cfg(unix)]
fn connect_to_socket(path: &Path, within: Duration) -> io::Result<Socket> {
    let (connected, comes) = mpsc::channel();
    let path = path.to_owned();
    thread::Builder::new().name("tidings-connect".into()).spawn(move || {
        let _ = connected.send(UnixStream::connect(path));
    })?;
    let late = |_| io::Error::from(ErrorKind::TimedOut);
    Ok(Socket::Unix(comes.recv_timeout(within).map_err(late)??))
}

#[cfg(not(unix))]
fn connect_to_socket(_path: &Path, _within: Duration) -> io::Result<Socket> {
    Err(io::Error::new(ErrorKind::Unsupported, "there are no unix sockets on this system"))
}

/// The system takes no time of zero for one that has passed.
pub(crate) fn at_least(time: Duration) -> Duration {
    time.max(Duration::from_millis(1))
}

/// std's sockets of either kind have the same calls.
macro_rules! connection {
    ($socket:ty) => {
        impl Connection for $socket {
            fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
                let mut socket = self;
                Read::read(&mut socket, buffer)
            }

            fn write(&self, bytes: &[u8]) -> io::Result<usize> {
                let mut socket = self;
                Write::write(&mut socket, bytes)
            }

            fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
                <$socket>::set_read_timeout(self, timeout)
            }

            fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
                <$socket>::set_write_timeout(self, timeout)
            }

            fn shutdown(&self) {
                // It fails where the peer was quicker.
                let _ = <$socket>::shutdown(self, Shutdown::Both);
            }
        }
    };
}

connection!(TcpStream);
#[cfg(unix)]
connection!(UnixStream);

impl fmt::Debug for dyn Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn each_address_of_a_host_is_tried_until_one_answers() {
        let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
        let address = |listener: &TcpListener| listener.local_addr().unwrap();
        let [one, other] = [bind(), bind()];
        let nobody = address(&bind());
        let addresses = [nobody, address(&one), address(&other)];
        let socket = connect_to_one(&addresses, Duration::from_secs(20)).unwrap();
        assert_eq!(socket.peer_addr().unwrap(), address(&one));
        let refused = connect_to_one(&[nobody, nobody], Duration::from_secs(20)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(connect_to_one(&[], Duration::ZERO).unwrap_err().kind(), ErrorKind::NotFound);
    }
}

//! How others reach a running server: to stop it, to give it a connection, and to ask what it is
//! doing.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use super::site::Site;
use super::welcome::welcome;
use crate::error::{Error, Result};
use crate::net::counts::Stats;
use crate::net::lifecycle::{Lifecycle, Stage};
use crate::net::listener::Address;
use crate::net::socket::Socket;

/// Stops a server, from any thread, gives it connections, and tells what it is doing. A clone is
/// for the same server. Holding one keeps nothing alive.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    lifecycle: Arc<Lifecycle>,
    /// No other lock is taken while this one is held.
    state: Mutex<State>,
    /// Notified by a stop, and when an acceptor ends. The thread that serves waits for both.
    changed: Condvar,
    /// Weak, as the server's own handlers may hold a handle.
    site: OnceLock<Weak<Site>>,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("stopped", &self.is_stopped()).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    addresses: Vec<Address>,
    /// How many acceptors there are.
    accepting: usize,
}

/// An acceptor, for as long as it lives; or a connection that somebody else has accepted, until it
/// is the server's.
pub(crate) struct Accepting(Handle);

impl Drop for Accepting {
    fn drop(&mut self) {
        self.0.lock().accepting -= 1;
        // Nobody waits for it before that.
        if self.0.is_stopped() {
            self.0.0.changed.notify_all();
        }
    }
}

impl Handle {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            lifecycle: Arc::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
            site: OnceLock::new(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn listens_on(&self, address: Address) {
        self.lock().addresses.push(address);
    }

    pub(crate) fn serves(&self, site: &Arc<Site>) {
        let _ = self.0.site.set(Arc::downgrade(site));
    }

    /// What the server serves, while it runs.
    fn site(&self) -> Option<Arc<Site>> {
        self.0.site.get().and_then(Weak::upgrade)
    }

    /// The address that the server listens on: see [`Server::address`](crate::Server::address).
    pub fn address(&self) -> SocketAddr {
        let first = self.lock().addresses.iter().find_map(|address| match address {
            Address::Tcp(address) => Some(*address),
            Address::Unix(_) => None,
        });
        first.unwrap_or_else(|| (Ipv4Addr::UNSPECIFIED, 0).into())
    }

    /// Everything that the server listens on, in the order in which it was told to.
    pub fn addresses(&self) -> Vec<Address> {
        self.lock().addresses.clone()
    }

    /// Has the server stop: it accepts no more, requests finish, streams end, threads are joined.
    /// Returns at once; [`Server::run`](crate::Server::run) returns when it is done. May be called
    /// from a handler, and again.
    ///
    /// Signals belong to the program, so the library leaves them alone: SIGTERM or Ctrl-C ends the
    /// process and cuts its streams off, unless the program waits for them and calls this (such as
    /// on a thread with the crate `signal-hook`). The peers of a server that stops have a second
    /// to close their side of a connection.
    pub fn stop(&self) {
        self.0.lifecycle.raise(Stage::Asked);
        // By now the thread that serves has read the stage, or waits.
        drop(self.lock());
        self.0.changed.notify_all();
    }

    /// Serves a connection that somebody else has accepted: a [`TcpStream`] or, on unix, a
    /// `UnixStream`, of which this much was `read` already, which may be nothing. It is served like
    /// one that came in by a listener: it takes no thread while a stream or a silent client has it,
    /// it counts as any other, and past [`Limits::connections`] it is told so and closed. Returns
    /// at once.
    ///
    /// From then on the connection is this server's. If it is kept after a response, the client's
    /// next request comes here too, even one that is for your program: it gets a 404. With
    /// [`Limits::requests_per_connection`] of 1 each connection is closed after its first response,
    /// so that every request comes to your program first.
    ///
    /// So a program can have other protocols on its port, or a listener of a kind that std doesn't
    /// know. It needs a server for that, and no listener of the server's own:
    ///
    /// ```
    /// use std::io::{BufRead, BufReader, Read, Write};
    /// use std::net::{TcpListener, TcpStream};
    /// use std::time::Duration;
    /// use tidings::{Limits, Response, Server};
    ///
    /// let server = Server::new()
    ///     .get("/", |_request| Ok(Response::text("hello\n")))
    ///     .limits(Limits::default().requests_per_connection(1))
    ///     .start()?;
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let mut client = TcpStream::connect(listener.local_addr()?)?;
    /// client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    ///
    /// // What comes first shows that it is HTTP, so it is the server's.
    /// let (mut socket, _) = listener.accept()?;
    /// socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    /// let mut read = [0; 4];
    /// socket.read_exact(&mut read)?;
    /// if read.starts_with(b"GET ") {
    ///     server.handle().serve(socket, &read)?;
    /// }
    ///
    /// let last = BufReader::new(client).lines().last().expect("a response")?;
    /// assert_eq!(last, "hello");
    /// # server.stop()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// This reads on the thread that accepts: one client that sends nothing holds up all others
    /// there, until the timeout. A program with strangers as clients reads on a thread for each
    /// connection, as `examples/embed.rs` does. Where the first bytes are enough to tell, they may
    /// be [peeked at](std::net::TcpStream::peek), and nothing was read: `serve(socket, &[])`.
    ///
    /// The socket is set to block, and to have time limits; so no clone of it should be used. It is
    /// not bounded here how much was read: that is the program's to bound.
    ///
    /// # Errors
    ///
    /// When the server doesn't run, as it hasn't started or is to stop; when the socket can't be
    /// set up, or its peer has reset it; when there are far more connections than there may be; and
    /// when the system gives no thread. Then the socket is closed.
    ///
    /// [`Limits::connections`]: crate::Limits::connections
    /// [`Limits::requests_per_connection`]: crate::Limits::requests_per_connection
    /// [`TcpStream`]: std::net::TcpStream
    pub fn serve(&self, socket: impl Into<Socket>, read: &[u8]) -> Result<()> {
        let socket = socket.into();
        // A stop waits for this as for an acceptor: the connection comes before its end or not at
        // all.
        let _accepting = self.accepting();
        let site = self.site().filter(|_| !self.is_stopped());
        let site = site.ok_or_else(|| Error::other("the server does not run"))?;
        let unusable = |error| Error::io("can't serve a given socket", error);
        let peer = socket.peer().map_err(unusable)?;
        socket.set_nonblocking(false).map_err(unusable)?;
        welcome(&site, socket, peer, read)
    }

    /// Waits until the server is asked to stop.
    pub(crate) fn wait_for_stop(&self) {
        let waited = self.0.changed.wait_while(self.lock(), |_| !self.is_stopped());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Counts an acceptor until the returned value is dropped.
    pub(crate) fn accepting(&self) -> Accepting {
        self.lock().accepting += 1;
        Accepting(self.clone())
    }

    /// Waits until all acceptors have ended, for so long. Returns whether they have.
    pub(crate) fn wait_for_acceptors(&self, time: Duration) -> bool {
        let accepts = |state: &mut State| state.accepting > 0;
        let waited = self.0.changed.wait_timeout_while(self.lock(), time, accepts);
        waited.unwrap_or_else(PoisonError::into_inner).0.accepting == 0
    }

    pub(crate) fn lifecycle(&self) -> &Arc<Lifecycle> {
        &self.0.lifecycle
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.0.lifecycle.has_reached(Stage::Asked)
    }

    /// What the server is doing. All zero before it runs and after it has stopped.
    pub fn stats(&self) -> Stats {
        self.site().map(|site| site.runtime.stats()).unwrap_or_default()
    }
}

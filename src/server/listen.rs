//! Where a server listens: its listeners, before it runs. What becomes of them then is in
//! [`serving`](super::serving).
//!
//! ```text
//! Server::new().on(listener).on(listener)... ─► run
//! Server::bind(address)                      ─► run
//! ```

use std::fmt;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use super::Server;
use super::handle::Handle;
use super::routes::Routes;
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::net::listener::{Address, Listener};

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    /// A server that listens nowhere yet: see [`on`](Self::on). One that is left so serves the
    /// connections that it is given by [`Handle::serve`].
    #[must_use]
    pub fn new() -> Self {
        Self {
            listeners: Vec::new(),
            routes: Routes::default(),
            prefix: String::new(),
            limits: Limits::default(),
            cors: None,
            hosts: None,
            admit: None,
            proxies: None,
            remedies: Vec::new(),
            hooks: None,
            #[cfg(feature = "tools")]
            tracer: None,
            handle: Handle::new(),
            error: None,
        }
    }

    /// A server that listens on this address, over TCP. Port 0 takes a free port. From here on
    /// clients can connect; they are served once the server runs. A client that vanishes without
    /// a word is noticed after a quarter of an hour; [`on`](Self::on) shows how to make that a
    /// minute.
    ///
    /// # Errors
    ///
    /// When the address can't be understood, is not of this machine, or is taken.
    pub fn bind(address: impl ToSocketAddrs + fmt::Debug) -> Result<Self> {
        match TcpListener::bind(&address) {
            Ok(listener) => Ok(Self::new().on(listener)),
            Err(error) => Err(Error::io(format!("can't listen on {address:?}"), error)),
        }
    }

    /// Listens on this socket too: a [`TcpListener`] or, on unix, a `UnixListener`, as often as it
    /// is called. Each has a thread that accepts. What the server does with a connection does not
    /// depend on where it came in, but for what depends on the [`Peer`](crate::Peer): over a unix
    /// socket it has no address, and [`Limits::streams_per_peer`] does not hold.
    ///
    /// The socket must be listening. It is set to block, and closed when the server ends. If the
    /// system refuses to set it so, or to tell its address, the server doesn't start. The file of a
    /// unix socket is yours: to remove one that a process left which has died, to set the mode,
    /// which decides who may connect, and to remove it after the end. If the socket is another
    /// process's too, say so: see [`Listener::shared`].
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use std::os::unix::net::UnixListener;
    /// use tidings::{Response, Server};
    ///
    /// # let path = std::env::temp_dir().join(format!("tidings-{}.sock", std::process::id()));
    /// let server = Server::bind("127.0.0.1:0")?
    ///     .on(UnixListener::bind(&path)?)
    ///     .get("/", |_request| Ok(Response::text("hello\n")))
    ///     .start()?;
    /// for address in server.addresses() {
    ///     println!("listening on {address}");
    /// }
    /// server.stop()?;
    /// std::fs::remove_file(&path)?;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A listener can be prepared with what std doesn't offer. On Linux an accepted connection has
    /// the options of its listener. With these, a peer that has vanished without a word is noticed
    /// within a minute; else its stream is kept until the system gives up sending to it, after a
    /// quarter of an hour. With the crate `socket2`, which needs `features = ["all"]` for this:
    ///
    /// ```text
    /// use std::net::{SocketAddr, TcpListener};
    /// use std::time::Duration;
    ///
    /// use socket2::{Domain, Socket, TcpKeepalive, Type};
    /// use tidings::Server;
    ///
    /// let address: SocketAddr = "127.0.0.1:3000".parse()?;
    /// let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    /// socket.set_reuse_address(true)?; // as TcpListener::bind does, for a restart
    /// let probes = TcpKeepalive::new().with_time(Duration::from_secs(15));
    /// socket.set_tcp_keepalive(&probes.with_interval(Duration::from_secs(5)).with_retries(3))?;
    /// socket.set_tcp_user_timeout(Some(Duration::from_secs(35)))?;
    /// socket.bind(&address.into())?;
    /// socket.listen(4096)?; // so many clients may come back at once
    /// let server = Server::new().on(TcpListener::from(socket));
    /// ```
    #[must_use]
    pub fn on(mut self, listener: impl Into<Listener>) -> Self {
        let listener = listener.into();
        match listener.set_up() {
            Ok(address) => {
                self.handle.listens_on(address);
                self.listeners.push(listener);
            }
            Err(error) => {
                self.error.get_or_insert(Error::io("can't listen on a given socket", error));
            }
        }
        self
    }

    /// The address of its first TCP listener, with the port that was free if port 0 was asked for;
    /// `0.0.0.0:0`, which is no address, if it has none.
    pub fn address(&self) -> SocketAddr {
        self.handle.address()
    }

    /// Everything that it listens on, in the order in which it was told to.
    pub fn addresses(&self) -> Vec<Address> {
        self.handle.addresses()
    }
}

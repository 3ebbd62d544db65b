//! How others reach a running server: to stop it, and to ask what it is doing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use super::Server;
use crate::error::{Error, Result};
use crate::net::counts::Stats;
use crate::net::lifecycle::{Lifecycle, Stage};
use crate::net::threads::{self as thread, JoinHandle};
use crate::stream::runtime::Runtime;

/// Stops a server, from any thread, and tells what it is doing. A clone is for the same server.
/// Holding one keeps nothing alive.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    lifecycle: Arc<Lifecycle>,
    /// A descriptor that is given back for the connection which wakes the acceptor, so that a stop
    /// succeeds where all others are in use.
    spare: Mutex<Option<UdpSocket>>,
    /// Weak, as the server's own handlers may hold a handle.
    runtime: OnceLock<Weak<Runtime>>,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("address", &self.0.address).finish_non_exhaustive()
    }
}

/// How long waking the acceptor may take: it is on this very machine.
const WAKE: Duration = Duration::from_millis(500);

impl Handle {
    pub(crate) fn new(address: SocketAddr) -> Self {
        // Where there is none to spare, stopping is only less sure.
        let spare = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok();
        Self(Arc::new(Inner {
            address,
            lifecycle: Arc::default(),
            spare: Mutex::new(spare),
            runtime: OnceLock::new(),
        }))
    }

    pub(crate) fn serves(&self, runtime: &Arc<Runtime>) {
        let _ = self.0.runtime.set(Arc::downgrade(runtime));
    }

    /// The address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Has the server stop: it accepts no more, requests finish, streams end, threads are joined.
    /// Returns at once; [`Server::run`] returns when it is done. May be called from a handler, and
    /// again.
    pub fn stop(&self) {
        self.0.lifecycle.raise(Stage::Asked);
        if !self.0.lifecycle.has_reached(Stage::Ending) {
            // std can't interrupt a blocking accept, but a connection wakes it.
            drop(self.0.spare.lock().unwrap_or_else(PoisonError::into_inner).take());
            let _ = TcpStream::connect_timeout(&reachable(self.0.address), WAKE);
        }
    }

    pub(crate) fn lifecycle(&self) -> &Arc<Lifecycle> {
        &self.0.lifecycle
    }

    /// The acceptor has ended, and need not be woken any more.
    pub(crate) fn accepts_no_more(&self) {
        self.0.lifecycle.raise(Stage::Ending);
        drop(self.0.spare.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.0.lifecycle.has_reached(Stage::Asked)
    }

    /// What the server is doing. All zero before it runs and after it has stopped.
    pub fn stats(&self) -> Stats {
        let runtime = self.0.runtime.get().and_then(Weak::upgrade);
        runtime.map(|runtime| runtime.stats()).unwrap_or_default()
    }
}

/// An address under which a listener can be reached from this machine.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// A server on a thread of its own. Dropping it stops the server and joins all its threads, which
/// takes up to the grace period. Dropped on a thread of a server's, such as by a handler or a
/// callback, it has the server stop and does not wait.
#[derive(Debug)]
#[must_use = "the server stops when this is dropped"]
pub struct Running {
    handle: Handle,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Running {
    pub(crate) fn start(server: Server) -> Result<Self> {
        let (listener, site, handle) = server.prepare()?;
        let (own, server) = (handle.clone(), Arc::clone(&site));
        let thread = thread::Builder::new()
            .name("tidings-acceptor".into())
            .spawn(move || super::serve(listener, &server, &own));
        match thread {
            Ok(thread) => Ok(Self { handle, thread: Some(thread) }),
            Err(error) => {
                site.runtime.stop();
                Err(Error::io("can't start the acceptor's thread", error))
            }
        }
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.handle.address()
    }

    /// A handle to it, which may outlive it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// What it is doing.
    pub fn stats(&self) -> Stats {
        self.handle.stats()
    }

    /// Stops it, and waits until it has stopped.
    ///
    /// # Errors
    ///
    /// As for [`Server::run`].
    pub fn stop(mut self) -> Result<()> {
        self.handle.stop();
        self.join()
    }

    /// Waits until a [`Handle`] stops it.
    ///
    /// # Errors
    ///
    /// As for [`Server::run`].
    pub fn wait(mut self) -> Result<()> {
        self.join()
    }

    fn join(&mut self) -> Result<()> {
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(Error::other("the acceptor's thread panicked")),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
        // One of the server's own threads would wait for itself.
        if !thread::is_of_a_server() {
            let _ = self.join();
        }
    }
}

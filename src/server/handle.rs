//! How others reach a running server: to stop it, and to ask what it is doing.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use crate::net::counts::Stats;
use crate::net::lifecycle::{Lifecycle, Stage};
use crate::net::listener::Address;
use crate::stream::runtime::Runtime;

/// Stops a server, from any thread, and tells what it is doing. A clone is for the same server.
/// Holding one keeps nothing alive.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    lifecycle: Arc<Lifecycle>,
    /// No other lock is taken while this one is held.
    state: Mutex<State>,
    /// Notified by a stop, and when an acceptor ends. The thread that serves waits for both.
    changed: Condvar,
    /// Weak, as the server's own handlers may hold a handle.
    runtime: OnceLock<Weak<Runtime>>,
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

/// An acceptor, for as long as it lives.
pub(crate) struct Accepting(Handle);

impl Drop for Accepting {
    fn drop(&mut self) {
        self.0.lock().accepting -= 1;
        self.0.0.changed.notify_all();
    }
}

impl Handle {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            lifecycle: Arc::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
            runtime: OnceLock::new(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn listens_on(&self, address: Address) {
        self.lock().addresses.push(address);
    }

    pub(crate) fn serves(&self, runtime: &Arc<Runtime>) {
        let _ = self.0.runtime.set(Arc::downgrade(runtime));
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
        let runtime = self.0.runtime.get().and_then(Weak::upgrade);
        runtime.map(|runtime| runtime.stats()).unwrap_or_default()
    }
}

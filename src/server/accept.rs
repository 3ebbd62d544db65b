//! The threads that accept connections, one for each listener.
//!
//! Each survives every error. A connection that was gone before it was accepted is nothing; where
//! descriptors or memory have run out, trying again at once would only burn the processor, so the
//! loop waits a little, and longer each time. A panic of ours costs the one connection.

use std::io::ErrorKind;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::handle::Handle;
use super::site::Site;
use super::welcome::welcome;
use crate::error::{Error, Result};
use crate::net::listener::Listener;
use crate::net::panics::Panics;
use crate::net::socket::Socket;
use crate::net::threads as thread;
use crate::peer::Peer;

/// An acceptor sets connections up and hands them over, and no more.
const STACK: usize = 128 * 1024;

const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
/// Descriptors come back when a connection is closed, which only another try finds out.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// How long it may take to wake all acceptors by connections.
const WAKE: Duration = Duration::from_millis(500);
/// How long one of these has for it until there is another.
const AGAIN: Duration = Duration::from_millis(100);
/// How long an acceptor may take to end whose listener was shut down. It has nothing more to wait
/// for but its turn on a busy machine.
const SHUT_DOWN: Duration = Duration::from_secs(5);

/// The acceptors of a server: a thread for each listener, which owns it.
pub(crate) struct Acceptors {
    handle: Handle,
    listeners: Vec<Weak<Listener>>,
    /// A descriptor for the connections that wake the acceptors, so that a stop succeeds where all
    /// others are in use.
    spare: Option<Listener>,
}

impl Acceptors {
    /// Starts them.
    pub(crate) fn start(
        listeners: Vec<Listener>,
        site: &Arc<Site>,
        handle: &Handle,
    ) -> Result<Self> {
        // Where there is none to spare, stopping is only less sure.
        let spare = listeners.first().and_then(|listener| listener.try_clone().ok());
        let mut acceptors = Self { handle: handle.clone(), listeners: Vec::new(), spare };
        for listener in listeners {
            let (listener, site) = (Arc::new(listener), Arc::clone(site));
            acceptors.listeners.push(Arc::downgrade(&listener));
            let (handle, accepting) = (handle.clone(), handle.accepting());
            let thread = thread::Builder::new().name("tidings-acceptor".into()).stack_size(STACK);
            let life = move || {
                let panics = site.runtime.counts.panics();
                accept(&listener, &handle, panics, |socket, peer| {
                    // Where it is not served, its client learns of it by the close.
                    let _ = welcome(&site, socket, peer, b"");
                });
                drop(listener);
                drop(accepting);
            };
            if let Err(error) = thread.spawn(life) {
                acceptors.end();
                return Err(Error::io("can't start the acceptor's thread", error));
            }
        }
        Ok(acceptors)
    }

    pub(crate) fn wait_for_stop(&self) {
        self.handle.wait_for_stop();
    }

    /// Ends them, and returns how many would not end.
    pub(crate) fn end(&mut self) -> usize {
        self.handle.stop();
        self.spare = None;
        let until = Instant::now() + WAKE;
        let (mut ended, mut shut_down) = (false, false);
        while !ended && Instant::now() < until {
            self.for_each(|listener| {
                shut_down |= listener.connect().is_err() && listener.shut_down();
            });
            ended = self.handle.wait_for_acceptors(AGAIN);
        }
        if !ended {
            self.for_each(|listener| shut_down |= listener.shut_down());
            self.handle.wait_for_acceptors(if shut_down { SHUT_DOWN } else { Duration::ZERO });
        }
        let mut stuck = 0;
        self.for_each(|listener| stuck += usize::from(!listener.is_shared()));
        stuck
    }

    /// Calls this with the listener of each that has not ended.
    fn for_each(&self, mut call: impl FnMut(&Listener)) {
        self.listeners.iter().filter_map(Weak::upgrade).for_each(|listener| call(&listener));
    }
}

/// Accepts until the handle says stop. The connection that comes then is served like any other: it
/// may be that of a client, whom a supervisor's socket would have kept for the next program.
fn accept(listener: &Listener, handle: &Handle, panics: &Panics, welcome: impl Fn(Socket, Peer)) {
    let mut pause = SHORTEST_PAUSE;
    while !handle.is_stopped() {
        let error = match listener.accept() {
            Ok((socket, peer)) => {
                pause = SHORTEST_PAUSE;
                panics.catch(|| welcome(socket, peer));
                continue;
            }
            Err(error) => error,
        };
        if !matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) {
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn row_53_a_panic_costs_the_one_connection_and_others_are_accepted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (listener, handle) = (Listener::from(listener), Handle::new());
        let (panics, welcomed) = (Panics::default(), AtomicUsize::new(0));
        let welcome = |_socket, _peer| {
            assert!(welcomed.fetch_add(1, Ordering::Relaxed) > 0, "on purpose");
        };
        thread::scope(|scope| {
            scope.spawn(|| accept(&listener, &handle, &panics, welcome));
            for _ in 0..2 {
                let mut client = TcpStream::connect(address).unwrap();
                client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                assert_eq!(client.read(&mut [0]).unwrap(), 0, "it is closed");
            }
            handle.stop();
            listener.connect().unwrap();
        });
        // The connection that wakes the acceptor may be the third.
        assert!((2..=3).contains(&welcomed.into_inner()));
        assert_eq!(panics.count(), 1);
    }
}

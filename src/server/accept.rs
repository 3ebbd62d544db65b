//! The loop that accepts connections.
//!
//! It survives every error. A connection that was gone before it was accepted is nothing; where
//! descriptors or memory have run out, trying again at once would only burn the processor, so the
//! loop waits a little, and longer each time. A panic of ours costs the one connection.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::handle::Handle;
use super::site::Site;
use crate::net::link::Link;
use crate::net::panics::Panics;
use crate::server::connection::Connection;

const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
/// Descriptors come back when a connection is closed, which only another try finds out.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// So many connections past the cap get a response that says so; any more are just closed.
const REFUSALS: usize = 64;

/// Accepts until the handle says stop.
pub(crate) fn run(listener: &TcpListener, site: &Arc<Site>, handle: &Handle) {
    accept(listener, handle, site.runtime.counts.panics(), |socket, peer| {
        welcome(site, socket, peer)
    });
}

fn accept(
    listener: &TcpListener,
    handle: &Handle,
    panics: &Panics,
    welcome: impl Fn(TcpStream, SocketAddr),
) {
    let mut pause = SHORTEST_PAUSE;
    while !handle.is_stopped() {
        let error = match listener.accept() {
            Ok(_) if handle.is_stopped() => return,
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

/// Gives a connection to a worker, or closes it where there are far too many.
fn welcome(site: &Arc<Site>, socket: TcpStream, peer: SocketAddr) {
    let others = site.runtime.counts.connections();
    let link = Link::new(socket, site.runtime.counts.connection());
    let most = site.runtime.limits.connections;
    if others < most.saturating_add(REFUSALS) {
        let refused = others >= most;
        // Where the socket can't even be set up, it is of no use.
        if let Ok(new) = Connection::new(Arc::clone(site), link, peer, refused) {
            new.hand_to_worker();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn row_53_a_panic_costs_the_one_connection_and_others_are_accepted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let handle = Handle::new(listener.local_addr().unwrap());
        let (panics, welcomed) = (Panics::default(), AtomicUsize::new(0));
        let welcome = |_socket, _peer| {
            assert!(welcomed.fetch_add(1, Ordering::Relaxed) > 0, "on purpose");
        };
        thread::scope(|scope| {
            scope.spawn(|| accept(&listener, &handle, &panics, welcome));
            for _ in 0..2 {
                let mut client = TcpStream::connect(handle.address()).unwrap();
                client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                assert_eq!(client.read(&mut [0]).unwrap(), 0, "it is closed");
            }
            handle.stop();
        });
        assert_eq!((welcomed.into_inner(), panics.count()), (2, 1));
    }
}

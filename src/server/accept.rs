//! The loop that accepts connections.
//!
//! It survives every error. A connection that was gone before it was accepted is nothing; where
//! descriptors or memory have run out, trying again at once would only burn the processor, so the
//! loop waits a little, and longer each time.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::handle::Handle;
use super::shared::Shared;
use crate::connection::Connection;
use crate::sse::outbox::Link;

const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
/// Descriptors come back when somebody closes a connection; that can't be noticed but by trying.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// So many connections past the cap are still told that there are too many; more are just closed.
const REFUSALS: usize = 64;

/// Accepts until the handle says stop.
pub(crate) fn run(listener: &TcpListener, server: &Arc<Shared>, handle: &Handle) {
    let mut pause = SHORTEST_PAUSE;
    while !handle.is_stopped() {
        let error = match listener.accept() {
            Ok(_) if handle.is_stopped() => return,
            Ok((socket, peer)) => {
                pause = SHORTEST_PAUSE;
                let others = server.counts.connections();
                let link = Link::new(socket, server.counts.connection());
                let most = server.limits.connections;
                if others < most.saturating_add(REFUSALS) {
                    let refused = others >= most;
                    // Where the socket can't even be set up, it is of no use.
                    if let Ok(new) = Connection::new(Arc::clone(server), link, peer, refused) {
                        new.hand_to_worker();
                    }
                }
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

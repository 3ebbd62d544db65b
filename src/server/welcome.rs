//! How a connection begins, whoever has accepted it: it takes its place among those that there may
//! be, and goes to a worker.

use std::sync::Arc;

use super::connection::Connection;
use super::site::Site;
use crate::error::{Error, Result};
use crate::net::counts::Bound;
use crate::net::link::Link;
use crate::net::socket::Socket;
use crate::peer::Peer;

/// So many connections past the cap get a response that says so; any more are just closed. A server
/// that may have few descriptors must not keep most of them for that.
fn refusals(cap: usize) -> usize {
    (cap / 8).clamp(16, 64)
}

/// Gives a connection, of which this has been read, to a worker. An error where it is closed
/// instead, as there are far too many, or no thread is to be had.
pub(crate) fn welcome(site: &Arc<Site>, socket: Socket, peer: Peer, read: &[u8]) -> Result<()> {
    #[cfg(feature = "tools")]
    let socket = match &site.tracer {
        Some(tracer) => tracer.trace(socket, peer, read),
        None => socket,
    };
    let others = site.runtime.counts.connections();
    let link = Link::new(socket, site.runtime.counts.connection());
    let most = site.runtime.limits.connections;
    if others >= most.saturating_add(refusals(most)) {
        site.runtime.counts.refuse(Bound::Connections);
        return Err(Error::other("there are far more connections than there may be"));
    }
    let refused = others >= most;
    // Where the socket can't even be set up, it is of no use.
    let mut new = Connection::new(Arc::clone(site), link, peer, refused)
        .map_err(|error| Error::io("can't set up the socket of a connection", error))?;
    new.take_in(read);
    match new.hand_to_worker() {
        true => Ok(()),
        false => Err(Error::other("there is no thread for the connection")),
    }
}

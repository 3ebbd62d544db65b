//! What the programs of `benches/peers/src/servers` use of the crate that they are in.

use std::net::SocketAddr;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How many events a queue holds where it has a bound: as the examples of tokio's documentation.
#[allow(dead_code, reason = "tiny_http's queues have none")]
pub(crate) const QUEUE: usize = 16;

pub(crate) fn announce(address: SocketAddr) {
    println!("listening on http://{address}");
}

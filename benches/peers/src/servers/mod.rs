//! The programs that are measured. All have one contract:
//!
//! - the first line of standard output is `listening on http://ADDR`;
//! - `GET /events` is an event stream;
//! - `POST /publish` sends its body, 64 bytes of text, to all streams, and responds when the
//!   framework's obvious program would.
//!
//! Each is what a reader of its framework's documentation would write, with two departures for all:
//! queues long enough that the load loses nothing, and `TCP_NODELAY` wherever it can be set.

mod actix;
mod axum;
mod floor;
pub mod tidings;
mod tiny;

use std::net::SocketAddr;

use crate::Result;

/// How many events a peer's queue holds for a stream: more than the load is ever ahead.
const QUEUE: usize = 4096;

/// The names by which [`run`] knows the servers.
pub const NAMES: [&str; 5] = ["tidings", "floor", "axum", "actix", "tiny_http"];

/// Serves until it is killed.
pub fn run(args: &[String]) -> Result<()> {
    match args.first().map(String::as_str) {
        Some("tidings") => tidings::run(),
        Some("floor") => floor::run(),
        Some("axum") => axum::run(),
        Some("actix") => actix::run(),
        Some("tiny_http") => tiny::run(),
        other => Err(format!("no such server: {}", other.unwrap_or("(none)")).into()),
    }
}

fn announce(address: SocketAddr) {
    println!("listening on http://{address}");
}

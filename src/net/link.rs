//! The link to a peer: one socket, counted.

use std::io::{self, ErrorKind};
use std::net::TcpStream;

use super::counts::Slot;

/// A connection's socket, and its place among the counted connections. Dropping it closes the one
/// and gives the other back.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) socket: TcpStream,
    _slot: Slot,
}

impl Link {
    pub(crate) fn new(socket: TcpStream, slot: Slot) -> Self {
        Self { socket, _slot: slot }
    }
}

/// A call on a socket gave up: at once, or at its time limit, which Linux reports in the same way
/// and other systems do not.
pub(crate) fn would_block(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

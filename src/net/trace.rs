//! What is told of the system's calls on connections, to whoever wants to see them: of those that
//! accept, read, write, half-close and close, and not of those that set options.
//!
//! ```text
//! welcome ─► Tracer::trace ─► Socket ── read, write, write_vectored, shutdown, drop ─► Trace::call
//! ```
//!
//! The socket is the lowest place that sees them all, whoever makes them: a worker, a pass over
//! streams, the watch thread.

use std::fmt;
use std::io;
use std::sync::atomic::Ordering;

use super::atomic::AtomicU64;
use crate::peer::Peer;

/// Is told of each call of the system that accepts, reads, writes, half-closes or closes one of a
/// server's connections: see [`Server::trace`](crate::Server::trace).
pub trait Trace: Send + Sync + 'static {
    /// A call has been made. For one connection this is called for one call after the other, in
    /// their order; for several connections at the same time.
    ///
    /// It runs on the thread that made the call, which may hold the lock of a stream: so it should
    /// return soon, and must not call anything of the server, of a stream or of a channel.
    fn call(&self, call: &Call<'_>);
}

/// One call of the system on one connection.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Call<'a> {
    /// Which connection of the server's: they are counted from 1, in the order in which they came.
    pub connection: u64,
    /// Who is at the other end of the socket: the client, or the proxy before it.
    pub peer: Peer,
    /// The name of the call, as `strace` shows it on Linux.
    pub name: &'static str,
    /// What became of it.
    pub outcome: Outcome<'a>,
}

/// What became of a [`Call`].
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// The connection is there.
    Accepted,
    /// These bytes have come. None if the peer has ended its side of the connection.
    Received(&'a [u8]),
    /// The system has taken these bytes.
    Sent {
        /// What it has taken.
        bytes: &'a [u8],
        /// How many it was given.
        of: usize,
    },
    /// This side of the connection has ended: the peer is sent no more.
    HalfClosed,
    /// The connection is over.
    Closed,
    /// The call has failed. Where it would have had to wait, the kind of the error is
    /// [`WouldBlock`](io::ErrorKind::WouldBlock): that is no fault, and is seen often.
    Failed(&'a io::Error),
}

/// Shows how many bytes there are, and not the bytes, in which there may be secrets.
impl fmt::Debug for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("Accepted"),
            Self::Received(bytes) => write!(f, "Received({} bytes)", bytes.len()),
            Self::Sent { bytes, of } => write!(f, "Sent({} of {of} bytes)", bytes.len()),
            Self::HalfClosed => f.write_str("HalfClosed"),
            Self::Closed => f.write_str("Closed"),
            Self::Failed(error) => write!(f, "Failed({error})"),
        }
    }
}

/// The trace of one server, and how many connections it has counted.
pub(crate) struct Tracer {
    pub(super) trace: Box<dyn Trace>,
    connections: AtomicU64,
}

impl Tracer {
    pub(crate) fn new(trace: impl Trace) -> Self {
        Self { trace: Box::new(trace), connections: AtomicU64::new(0) }
    }

    pub(super) fn count(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }
}

//! Watching a server's event streams: when one opens, what goes out on it, and how it ends.
//!
//! A server calls its [`Hooks`] on the thread on which the thing happened, which may be one that
//! passes over thousands of streams. So a hook must not block: it uses `try_send` and not `send`.
//! Of one stream it is told in order, by one thread at a time: opened, its events, closed. What
//! happens to the stream while a hook runs is told after that, by the same thread. A hook that
//! publishes to a channel whose streams it watches calls itself. Apart from that it may use the
//! library, as no lock is held, and a hook that panics does no harm. A ready one is
//! [`Logger`](crate::Logger).

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{CloseReason, Error};
use crate::http::masked_url;
use crate::peer::Peer;

/// What a server tells of its event streams. Each method does nothing unless it is written.
///
/// They are called on the thread on which the thing happened, such as one that sends to thousands
/// of streams. So a hook must not block, and sends with
/// [`try_send`](crate::SseWriter::try_send). Such a thread has a stack of 256 KiB, and that of an
/// interval 128 KiB. An `Arc` of hooks is hooks too.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use tidings::{CloseReason, Hooks, Server, StreamInfo};
///
/// #[derive(Default)]
/// struct Count(AtomicUsize);
///
/// impl Hooks for Count {
///     fn closed(&self, _stream: &StreamInfo<'_>, _reason: CloseReason) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
/// }
///
/// let count = Arc::new(Count::default());
/// let server = Server::bind("127.0.0.1:0")?.hooks(Arc::clone(&count)).start()?;
/// assert_eq!(count.0.load(Ordering::Relaxed), 0, "streams that have ended");
/// # server.stop()?;
/// # Ok::<(), tidings::Error>(())
/// ```
pub trait Hooks: Send + Sync + 'static {
    /// The head of a stream has gone out.
    fn opened(&self, _stream: &StreamInfo<'_>) {}

    /// Events have gone out, so many of them in so many bytes, their framing included: events that
    /// were sent on this stream alone, or what it had not yet had of its channels, a gap event too.
    /// One that the socket did not take whole counts when the rest of it has gone out. When a
    /// stream ends and is not cut off for its peer's sake, what waits then counts as gone out.
    fn event(&self, _stream: &StreamInfo<'_>, _events: usize, _bytes: usize) {}

    /// The stream has ended; called once for each stream that was opened, after its `on_close`
    /// callbacks have run, and last of all.
    fn closed(&self, _stream: &StreamInfo<'_>, _reason: CloseReason) {}

    /// A handler, or an interval's closure, returned this error to a request from this peer for
    /// this target. The client is not told it: it gets a 500, or its stream is cut off.
    fn failed(&self, _peer: Peer, _target: &str, _error: &Error) {}

    /// A request from this peer for this target was refused, as there are too many connections or
    /// streams already; `why` says which. The client is told to come back later.
    fn refused(&self, _peer: Peer, _target: &str, _why: &str) {}
}

/// So that the application can keep what its hooks write to.
impl<H: Hooks + ?Sized> Hooks for Arc<H> {
    fn opened(&self, stream: &StreamInfo<'_>) {
        (**self).opened(stream);
    }

    fn event(&self, stream: &StreamInfo<'_>, events: usize, bytes: usize) {
        (**self).event(stream, events, bytes);
    }

    fn closed(&self, stream: &StreamInfo<'_>, reason: CloseReason) {
        (**self).closed(stream, reason);
    }

    fn failed(&self, peer: Peer, target: &str, error: &Error) {
        (**self).failed(peer, target, error);
    }

    fn refused(&self, peer: Peer, target: &str, why: &str) {
        (**self).refused(peer, target, why);
    }
}

/// A stream, as a hook sees it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct StreamInfo<'a> {
    /// The client; or the proxy before it, unless that is one of the server's
    /// [own](crate::Server::proxies).
    pub peer: Peer,
    /// The request target as the client sent it. It holds visible ASCII only, so it can be
    /// printed; where that is kept, print [`masked_url`] of it, as a query may hold a token.
    pub target: &'a str,
    /// Who the application says that the client is ([`SseWriter::set_user`]). It may hold anything,
    /// even line ends: print it escaped, with `{:?}`.
    ///
    /// [`SseWriter::set_user`]: crate::SseWriter::set_user
    pub user: Option<&'a str>,
    /// How many bytes have gone out, the head and the framing included.
    pub bytes: u64,
    /// How long ago the request for it came.
    pub duration: Duration,
}

/// Shows the target [masked](masked_url).
impl fmt::Debug for StreamInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamInfo")
            .field("peer", &self.peer)
            .field("target", &masked_url(self.target))
            .field("user", &self.user)
            .field("bytes", &self.bytes)
            .field("duration", &self.duration)
            .finish()
    }
}

/// Runs a hook so that a panic in it ends there. The panic hook has printed it.
pub(crate) fn call(hook: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(hook));
}

//! Watching a server's event streams: when one opens, what goes out on it, and how it ends.
//!
//! A server calls its [`Hooks`] on whatever thread the thing happened, be it one that passes over
//! thousands of streams: a hook must not block, and should `try_send` and not `send`. One that
//! publishes to a channel whose streams it watches calls itself. Apart from that a hook may use the
//! library, as no lock is held, and a hook that panics does no harm. [`Logger`] is a ready one that
//! prints a line for each call:
//!
//! ```text
//! open peer=127.0.0.1:50412 path=/sse
//! event peer=127.0.0.1:50412 path=/sse events=1 bytes=36 duration=1.000s
//! close peer=127.0.0.1:50412 path=/sse bytes=268 duration=7.204s reason="the connection was reset"
//! ```

use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::{CloseReason, Error};

/// What a server tells of its event streams. Each method does nothing unless it is written.
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use tidings::{CloseReason, Hooks, StreamInfo};
///
/// #[derive(Default)]
/// struct Count(AtomicUsize);
///
/// impl Hooks for Count {
///     fn closed(&self, _stream: &StreamInfo<'_>, _reason: CloseReason) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
/// }
/// ```
pub trait Hooks: Send + Sync + 'static {
    /// The head of a stream has gone out.
    fn opened(&self, _stream: &StreamInfo<'_>) {}

    /// One `send` carried events, so many of them in so many bytes: an event that was sent on
    /// this stream alone, or what it had not yet had of its channels.
    fn event(&self, _stream: &StreamInfo<'_>, _events: usize, _bytes: usize) {}

    /// The stream has ended; called once for each stream that was opened.
    fn closed(&self, _stream: &StreamInfo<'_>, _reason: CloseReason) {}

    /// A handler, or an interval's closure, returned this error to a request from this peer for
    /// this target. The client is not told it: it gets a 500, or its stream is cut off.
    fn failed(&self, _peer: SocketAddr, _target: &str, _error: &Error) {}
}

/// A stream, as a hook sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StreamInfo<'a> {
    /// The client's address.
    pub peer: SocketAddr,
    /// The request target as the client sent it. It holds visible ASCII only, so it can be
    /// printed as it is.
    pub target: &'a str,
    /// How many bytes have gone out, the head and the framing included.
    pub bytes: u64,
    /// How long ago the request for it came.
    pub duration: Duration,
}

/// Runs a hook so that a panic in it ends there. The panic hook has printed it.
pub(crate) fn call(hook: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(hook));
}

/// Prints one line for each open, event and close.
///
/// A line that can't be written is dropped: a log that has gone away must not end a stream.
pub struct Logger {
    out: Mutex<Box<dyn Write + Send>>,
}

impl Logger {
    /// A logger that prints to standard error.
    pub fn stderr() -> Self {
        Self::to(io::stderr())
    }

    /// A logger that prints to anything that can be written to.
    pub fn to(out: impl Write + Send + 'static) -> Self {
        Self { out: Mutex::new(Box::new(out)) }
    }

    fn line(&self, line: fmt::Arguments<'_>) {
        // The lock is held while the line is written so that lines don't mix. It is this
        // logger's own; nobody waits for it who holds another.
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logger").finish_non_exhaustive()
    }
}

impl Hooks for Logger {
    fn opened(&self, stream: &StreamInfo<'_>) {
        self.line(format_args!("open peer={} path={}", stream.peer, stream.target));
    }

    fn event(&self, stream: &StreamInfo<'_>, events: usize, bytes: usize) {
        let StreamInfo { peer, target, duration, .. } = stream;
        self.line(format_args!(
            "event peer={peer} path={target} events={events} bytes={bytes} duration={:.3}s",
            duration.as_secs_f64(),
        ));
    }

    fn failed(&self, peer: SocketAddr, target: &str, error: &Error) {
        self.line(format_args!("failed peer={peer} path={target} error={:?}", error.to_string()));
    }

    fn closed(&self, stream: &StreamInfo<'_>, reason: CloseReason) {
        let StreamInfo { peer, target, bytes, duration } = stream;
        self.line(format_args!(
            "close peer={peer} path={target} bytes={bytes} duration={:.3}s reason=\"{reason}\"",
            duration.as_secs_f64(),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_logger_prints_one_line_for_each_call() {
        let printed = Shared::default();
        let logger = Logger::to(printed.clone());
        let stream = StreamInfo {
            peer: "127.0.0.1:50412".parse().unwrap(),
            target: "/sse?a=%0A",
            bytes: 268,
            duration: Duration::from_millis(7204),
        };
        logger.opened(&stream);
        logger.event(&stream, 2, 72);
        logger.closed(&stream, CloseReason::Client);
        assert_eq!(
            String::from_utf8(printed.0.lock().unwrap().clone()).unwrap(),
            "open peer=127.0.0.1:50412 path=/sse?a=%0A\n\
             event peer=127.0.0.1:50412 path=/sse?a=%0A events=2 bytes=72 duration=7.204s\n\
             close peer=127.0.0.1:50412 path=/sse?a=%0A bytes=268 duration=7.204s \
             reason=\"the client closed the connection\"\n",
        );
    }
}

//! A ready hook that prints a line for each open, event and close of a stream, and for each request
//! that a bound refuses.
//!
//! ```text
//! open peer=127.0.0.1:50412 path=/sse
//! event peer=127.0.0.1:50412 path=/sse events=1 bytes=36 duration=1.000s
//! close peer=127.0.0.1:50412 path=/sse bytes=268 duration=7.204s reason="the connection was reset"
//! refused peer=127.0.0.1:50413 path=/sse reason="too many event streams of one peer"
//! dropped lines=17
//! ```
//!
//! A client that comes over a unix socket has no address: there it says `peer=unix`. Of a target,
//! what may be a secret is [masked](crate::http::masked_url): `?token=...`. Where the application
//! [says](crate::SseWriter::set_user) who the client is, ` user="ann"` comes after the path. It is
//! escaped, so that nothing in it can break the line or move a terminal's cursor.
//!
//! A hook must not block, and a pipe that nobody reads does. So lines wait in a buffer, and a
//! thread writes them. When the buffer is full lines are dropped, and how many is written where
//! they would have stood.

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::error::{CloseReason, Error};
use crate::http::masked_url;
use crate::peer::Peer;
use crate::stream::hooks::{Hooks, StreamInfo};

/// How many bytes may wait to be written: some thousand lines, a burst of a busy server.
const ROOM: usize = 256 * 1024;

/// A thread that only writes needs little.
const STACK: usize = 128 * 1024;

/// How long a drop waits for what is still to be written. A log that somebody reads takes far less.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Prints one line for each open, event, close and refusal. Of a target, what may be a secret is
/// [masked](crate::http::masked_url).
///
/// A thread of its own writes the lines, begun with the first one, so no stream waits for the log.
/// 256 KiB may wait to be written; past that, lines are dropped, and a line that says how many
/// stands in their place. What can't be written is dropped as well: a log that has gone away must
/// not end a stream. Dropping the logger ends the thread when all is written, and waits for that
/// for a second at most.
pub struct Logger {
    queue: Arc<Queue>,
}

/// What the hooks put in and the thread takes out. The lock is held for no longer than that.
struct Queue {
    lines: Mutex<Lines>,
    /// Told when there is something to write, and when all is written.
    changed: Condvar,
}

#[derive(Default)]
struct Lines {
    /// Where the thread writes; it takes that with it.
    out: Option<Box<dyn Write + Send>>,
    /// There is a thread.
    begun: bool,
    waiting: String,
    /// Lines for which there was no room since the thread last took some.
    dropped: u64,
    /// The thread writes what it took.
    writing: bool,
    /// The logger has been dropped.
    over: bool,
}

impl Logger {
    /// A logger that prints to standard error.
    pub fn stderr() -> Self {
        Self::to(io::stderr())
    }

    /// A logger that prints to anything that can be written to.
    pub fn to(out: impl Write + Send + 'static) -> Self {
        let lines = Lines { out: Some(Box::new(out)), ..Lines::default() };
        Self { queue: Arc::new(Queue { lines: Mutex::new(lines), changed: Condvar::new() }) }
    }

    /// Adds text of the program's own, without its last line end. It may be several lines, and is
    /// written or dropped as a whole.
    ///
    /// ```
    /// let logger = tidings::Logger::stderr();
    /// logger.log("began with 7 channels");
    /// ```
    pub fn log(&self, text: &str) {
        self.line(format_args!("{text}"));
    }

    /// A line of one stream; `more` begins with a space.
    fn tell(&self, what: &str, stream: &StreamInfo<'_>, more: fmt::Arguments<'_>) {
        let user = User(stream.user);
        self.tell_of(what, stream.peer, stream.target, format_args!("{user}{more}"));
    }

    /// A line of one request.
    fn tell_of(&self, what: &str, peer: Peer, target: &str, more: fmt::Arguments<'_>) {
        self.line(format_args!("{what} peer={peer} path={}{more}", masked_url(target)));
    }

    fn line(&self, line: fmt::Arguments<'_>) {
        let mut lines = self.queue.lock();
        self.begin(&mut lines);
        // After a line that was dropped there is none until that has been told.
        if lines.dropped > 0 {
            lines.dropped += 1;
            return;
        }
        let before = lines.waiting.len();
        // Writing to a String cannot fail.
        let _ = writeln!(lines.waiting, "{line}");
        if lines.waiting.len() > ROOM {
            lines.waiting.truncate(before);
            lines.dropped += 1;
        } else if before == 0 {
            // The thread waits only where there is nothing: it need not be woken for each line.
            self.queue.changed.notify_all();
        }
    }

    /// Begins the thread, unless that is done. Where the system gives none, the next line tries
    /// again.
    fn begin(&self, lines: &mut Lines) {
        if !lines.begun {
            let queue = Arc::clone(&self.queue);
            let thread = thread::Builder::new().name("tidings-log".into()).stack_size(STACK);
            lines.begun = thread.spawn(move || queue.write_all()).is_ok();
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: writes what is waiting, until the logger is dropped.
    fn write_all(&self) {
        let Some(mut out) = self.lock().out.take() else { return };
        while let Some(text) = self.take() {
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        }
    }

    /// Waits for lines; `None` once there will be no more.
    fn take(&self) -> Option<String> {
        let mut lines = self.lock();
        lines.writing = false;
        self.changed.notify_all();
        let idle = |lines: &mut Lines| lines.is_empty() && !lines.over;
        lines = self.changed.wait_while(lines, idle).unwrap_or_else(PoisonError::into_inner);
        if lines.is_empty() {
            return None;
        }
        lines.writing = true;
        let mut text = std::mem::take(&mut lines.waiting);
        if lines.dropped > 0 {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "dropped lines={}", std::mem::take(&mut lines.dropped));
        }
        Some(text)
    }
}

impl Lines {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.dropped == 0
    }
}

impl Drop for Logger {
    fn drop(&mut self) {
        let mut lines = self.queue.lock();
        lines.over = true;
        self.queue.changed.notify_all();
        if lines.begun {
            let busy = |lines: &mut Lines| lines.writing || !lines.is_empty();
            drop(self.queue.changed.wait_timeout_while(lines, LAST_LINES, busy));
        }
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logger").finish_non_exhaustive()
    }
}

impl Hooks for Logger {
    fn opened(&self, stream: &StreamInfo<'_>) {
        self.tell("open", stream, format_args!(""));
    }

    fn event(&self, stream: &StreamInfo<'_>, events: usize, bytes: usize) {
        let duration = Seconds(stream.duration);
        let more = format_args!(" events={events} bytes={bytes} duration={duration}");
        self.tell("event", stream, more);
    }

    fn failed(&self, peer: Peer, target: &str, error: &Error) {
        let error = error.to_string();
        self.tell_of("failed", peer, target, format_args!(" error={error:?}"));
    }

    fn refused(&self, peer: Peer, target: &str, why: &str) {
        self.tell_of("refused", peer, target, format_args!(" reason=\"{why}\""));
    }

    fn closed(&self, stream: &StreamInfo<'_>, reason: CloseReason) {
        let (bytes, duration) = (stream.bytes, Seconds(stream.duration));
        let more = format_args!(" bytes={bytes} duration={duration} reason=\"{reason}\"");
        self.tell("close", stream, more);
    }
}

/// Who the client is, escaped, if anybody says so.
struct User<'a>(Option<&'a str>);

impl fmt::Display for User<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |user| write!(f, " user={user:?}"))
    }
}

/// A duration with three decimal places. Floating point would be 13 KiB of a small program.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0.as_secs(), self.0.subsec_millis())
    }
}

#[cfg(test)]
mod tests;

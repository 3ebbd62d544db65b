//! A look at the wire: every connection, every write and every read, as it happens.
//!
//! A tap is a transport around another. What it shows are the bytes as the system gave them, with
//! the borders of its reads, before anything is made of them; the time of a read is when the tap
//! calls.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::transport::{Connection, Transport};
use super::url::Url;

/// What a [`Tap`] sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Traffic<'a> {
    /// There is a connection, to the host of this URL.
    Connected(&'a Url),
    /// These bytes went out in one write.
    Sent(&'a [u8]),
    /// These bytes came in with one read. There is at least one.
    Received(&'a [u8]),
    /// The server has sent the end of the connection. Where it was this side that ended it, as a
    /// [`Closer`](super::Closer) does, nothing is shown.
    Ended,
}

/// A transport that shows what goes over its connections.
///
/// It calls on the thread that reads the event source, between the read and what is made of it. An
/// error of the connection is not shown: it comes out of the event source.
///
/// ```no_run
/// use std::time::Instant;
/// use tidings::client::{EventSource, Tap, Plain, Traffic};
///
/// let start = Instant::now();
/// let tap = Tap::new(Plain, move |traffic: Traffic<'_>| {
///     if let Traffic::Received(bytes) = traffic {
///         println!("{:?}: {}", start.elapsed(), bytes.escape_ascii());
///     }
/// });
/// for event in EventSource::new("http://localhost:3000/events/news")?.transport(tap) {
///     println!("{}", event?.data);
/// }
/// # Ok::<(), tidings::Error>(())
/// ```
pub struct Tap<T, F> {
    transport: T,
    watch: Arc<Mutex<F>>,
}

impl<T: Transport, F: FnMut(Traffic<'_>) + Send + 'static> Tap<T, F> {
    /// Puts a tap around a transport.
    pub fn new(transport: T, watch: F) -> Self {
        Self { transport, watch: Arc::new(Mutex::new(watch)) }
    }
}

impl<T: Transport, F: FnMut(Traffic<'_>) + Send + 'static> Transport for Tap<T, F> {
    fn connect(&self, url: &Url, within: Duration) -> io::Result<Arc<dyn Connection>> {
        let connection = self.transport.connect(url, within)?;
        show(&self.watch, Traffic::Connected(url));
        let (watch, is_shut) = (Arc::clone(&self.watch), AtomicBool::new(false));
        Ok(Arc::new(Tapped { connection, watch, is_shut }))
    }
}

struct Tapped<F> {
    connection: Arc<dyn Connection>,
    watch: Arc<Mutex<F>>,
    /// This side has ended it, after which a read finds an end as well.
    is_shut: AtomicBool,
}

impl<F: FnMut(Traffic<'_>) + Send> Connection for Tapped<F> {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.connection.read(buffer)?;
        match &buffer[..length] {
            [] if self.is_shut.load(Ordering::SeqCst) => {}
            [] => show(&self.watch, Traffic::Ended),
            bytes => show(&self.watch, Traffic::Received(bytes)),
        }
        Ok(length)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.connection.write(bytes)?;
        show(&self.watch, Traffic::Sent(&bytes[..length]));
        Ok(length)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.connection.set_read_timeout(timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.connection.set_write_timeout(timeout)
    }

    fn shutdown(&self) {
        // Before the end of it can be read.
        self.is_shut.store(true, Ordering::SeqCst);
        self.connection.shutdown();
    }
}

fn show<F: FnMut(Traffic<'_>)>(watch: &Mutex<F>, traffic: Traffic<'_>) {
    let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
    (*watch)(traffic);
}

impl<T: std::fmt::Debug, F> std::fmt::Debug for Tap<T, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tap").field("transport", &self.transport).finish_non_exhaustive()
    }
}

//! A [`Transport`] that measures a stream's socket: when each read returned, how long opening took,
//! how many bytes came.
//!
//! ```text
//! Follower ◄── events ── EventSource ◄── bytes ── Gauge ◄── socket
//!     └──── times ──────────────────────────────────┘
//! ```
//!
//! The time of a read is taken directly after it, before the bytes are parsed. Now and then a
//! stream's thread also checks how long it has waited for a core, before a read and after it. The
//! difference is how long the bytes had to wait for the thread. The gauge also slows down the
//! readers of `--slow`, and holds the door through which streams connect.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tidings::client::{Connection, Transport, Url};

use super::tally::{Tally, lock};
use super::target::Source;
use crate::cli::atomic::AtomicU64;
use crate::cli::bench::books::counts::{Count, Time, add};
use crate::cli::bench::books::effort;

/// A slow reader takes this much at once, and then pauses: 4 KiB a second.
const SLOW_BYTES: usize = 1024;
const SLOW_PAUSE: Duration = Duration::from_millis(250);

/// How often one of all streams measures its wait for a core, which takes some microseconds.
const SPACING: u64 = 1_000_000;

/// Bounds how many streams connect at the same time. A listener's queue is short, and the system
/// repeats a connect that doesn't fit a second later.
#[derive(Debug)]
pub(crate) struct Door {
    free: Mutex<usize>,
    left: Condvar,
}

/// A place in the door. Dropping it lets the next one in.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Door>);

/// One for each stream; its clones are the same gauge.
#[derive(Clone, Debug)]
pub(crate) struct Gauge(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Arc<Source>,
    tally: Arc<Tally>,
    door: Arc<Door>,
    slow: bool,
    /// Held from before a connect until its response, or its failure.
    permit: Mutex<Option<Permit>>,
    /// When the first connect of an attempt began; 0 between attempts.
    begun: AtomicU64,
    /// When the last read returned.
    read_at: AtomicU64,
    /// The head has been read.
    open: AtomicBool,
    /// When it next measures its wait for a core, and how long after that again. All streams take
    /// turns, as one that is always woken first never waits.
    measures_at: AtomicU64,
    turn: u64,
}

impl Door {
    pub(crate) fn new(width: usize) -> Self {
        Self { free: Mutex::new(width), left: Condvar::new() }
    }

    pub(crate) fn enter(self: &Arc<Self>) -> Permit {
        let waited = self.left.wait_while(lock(&self.free), |free| *free == 0);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
        Permit(Arc::clone(self))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *lock(&self.0.free) += 1;
        self.0.left.notify_one();
    }
}

impl Gauge {
    /// The gauge of one of this many streams.
    pub(crate) fn new(
        source: Arc<Source>,
        tally: Arc<Tally>,
        door: Arc<Door>,
        slow: bool,
        streams: u32,
    ) -> Self {
        Self(Arc::new(Inner {
            source,
            tally,
            door,
            slow,
            permit: Mutex::default(),
            begun: AtomicU64::default(),
            read_at: AtomicU64::default(),
            open: AtomicBool::default(),
            measures_at: AtomicU64::default(),
            turn: u64::from(streams) * SPACING,
        }))
    }

    pub(crate) fn read_at(&self) -> u64 {
        self.0.read_at.load(Relaxed)
    }

    /// How long this thread has waited for a core so far, if it is this stream's turn.
    fn waited(&self) -> Option<u64> {
        let Inner { tally, slow, open, measures_at, turn, .. } = &*self.0;
        let now = tally.clock.now();
        let is_due = !slow && open.load(Relaxed) && now >= measures_at.load(Relaxed);
        let waited = is_due.then(effort::waited).flatten();
        if waited.is_some() {
            measures_at.store(now + turn, Relaxed);
        }
        waited
    }

    /// The attempt is over, with or without a stream. Returns when it began.
    pub(crate) fn attempted(&self, open: bool) -> u64 {
        *lock(&self.0.permit) = None;
        self.0.open.store(open, Relaxed);
        self.0.begun.swap(0, Relaxed)
    }
}

impl Transport for Gauge {
    fn connect(&self, url: &Url, within: Duration) -> io::Result<Arc<dyn Connection>> {
        let Inner { source, tally, door, permit, begun, .. } = &*self.0;
        // After a redirect, the next connect waits in the line again.
        *lock(permit) = None;
        *lock(permit) = Some(door.enter());
        // The line may be long, and each connect in it may take its whole time.
        if tally.is_over() {
            return Err(io::Error::other("the run is over"));
        }
        let _ = begun.compare_exchange(0, tally.clock.now(), Relaxed, Relaxed);
        let own = url.has_origin_of(source.request.url());
        let connection = source.carrier.connect(if own { &source.address } else { url }, within)?;
        Ok(Arc::new(Gauged { connection, gauge: self.clone() }))
    }
}

struct Gauged {
    connection: Arc<dyn Connection>,
    gauge: Gauge,
}

impl Connection for Gauged {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let Inner { tally, slow, read_at, open, .. } = &*self.gauge.0;
        let slow = *slow && open.load(Relaxed) && !tally.draining.load(Relaxed);
        let most = if slow { SLOW_BYTES.min(buffer.len()) } else { buffer.len() };
        if slow {
            tally.wait(SLOW_PAUSE);
        }
        let waited = self.gauge.waited();
        let length = self.connection.read(&mut buffer[..most])?;
        read_at.store(tally.clock.now(), Relaxed);
        if let Some((before, now)) = waited.and_then(|before| Some((before, effort::waited()?))) {
            tally.times[Time::Queued].record(now - before);
        }
        add(&tally.counts[Count::Bytes], length as u64);
        Ok(length)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.connection.write(bytes)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.connection.set_read_timeout(timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.connection.set_write_timeout(timeout)
    }

    fn shutdown(&self) {
        self.connection.shutdown();
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use tidings::client::StreamRequest;

    use crate::cli::client::Carrier;

    use super::*;

    #[test]
    fn a_stream_in_line_does_not_connect_once_the_run_is_over() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let request = StreamRequest::get(&url).unwrap();
        let tally = Arc::new(Tally::new(0));
        let (address, carrier) = (request.url().clone(), Carrier::Plain);
        let source = Arc::new(Source { request, address: address.clone(), carrier });
        let gauge = Gauge::new(source, Arc::clone(&tally), Arc::new(Door::new(1)), false, 1);
        assert!(gauge.connect(&address, Duration::from_secs(1)).is_ok());
        tally.end(Ok(()));
        assert!(gauge.connect(&address, Duration::from_secs(1)).is_err());
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_ok() && listener.accept().is_err());
    }
}

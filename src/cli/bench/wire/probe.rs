//! How late the bench itself notices bytes: a loopback connection that it reads as it reads
//! streams.
//!
//! ```text
//! ping: the time ──► socket ──► loopback ──► socket ──► a thread wakes up: the time again
//! ```
//!
//! The time between is the delay that every receipt has, whatever the server: the system's
//! loopback, its scheduler, and the queue of all threads that are ready to run. The probe measures
//! it on the idle machine and during the run, where the thread of a stream sends a ping directly
//! after an event. A latency that is not well above it says nothing about the server.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::tally::{Clock, Tally};
use crate::cli::atomic::AtomicU64;
use crate::cli::bench::books::counts::Time;

/// Enough for a p99.
const CALIBRATION: u32 = 200;
const PAUSE: Duration = Duration::from_millis(1);
/// At least this many nanoseconds between two pings of the run: a ping costs a stream's thread some
/// microseconds.
const SPACING: u64 = 1_000_000;

pub(crate) struct Probe {
    socket: Mutex<TcpStream>,
    running: AtomicBool,
    /// When the last ping of the run went out.
    last: AtomicU64,
}

impl Probe {
    /// Makes the pair and its thread, and measures the idle machine.
    pub(crate) fn start(tally: &Arc<Tally>) -> io::Result<(Arc<Self>, JoinHandle<()>)> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let socket = TcpStream::connect(listener.local_addr()?)?;
        let (peer, _) = listener.accept()?;
        for end in [&socket, &peer] {
            end.set_nodelay(true)?;
        }
        // A thread that can't send a ping at once doesn't wait for it.
        socket.set_nonblocking(true)?;
        let probe = Arc::new(Self {
            socket: Mutex::new(socket),
            running: AtomicBool::new(false),
            last: AtomicU64::new(0),
        });
        let thread = thread::Builder::new().name("tidings-probe".into()).spawn({
            let (probe, tally) = (Arc::clone(&probe), Arc::clone(tally));
            move || probe.listen(peer, &tally)
        })?;
        for _ in 0..CALIBRATION {
            probe.ping(tally.clock.now());
            thread::sleep(PAUSE);
        }
        probe.running.store(true, Relaxed);
        Ok((probe, thread))
    }

    /// An event has just arrived: sends a ping, unless there was one a moment ago.
    pub(crate) fn arrival(&self, clock: &Clock) {
        let (now, last) = (clock.now(), self.last.load(Relaxed));
        let first = |last| self.last.compare_exchange(last, now, Relaxed, Relaxed).is_ok();
        if now.saturating_sub(last) >= SPACING && first(last) {
            self.ping(clock.now());
        }
    }

    fn ping(&self, time: u64) {
        if let Ok(mut socket) = self.socket.try_lock() {
            let _ = socket.write(&time.to_le_bytes());
        }
    }

    pub(crate) fn stop(&self) {
        if let Ok(socket) = self.socket.lock() {
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
    }

    fn listen(&self, mut peer: TcpStream, tally: &Tally) {
        let mut time = [0; 8];
        while peer.read_exact(&mut time).is_ok() {
            let delay = tally.clock.now().saturating_sub(u64::from_le_bytes(time));
            let running = self.running.load(Relaxed);
            tally.times[if running { Time::Loaded } else { Time::Idle }].record(delay);
        }
    }
}

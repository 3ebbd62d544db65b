//! How late the bench itself notices: a loopback connection of its own, read as the streams are.
//!
//! ```text
//! ping: the time ──► socket ──► loopback ──► socket ──► a thread wakes up: the time again
//! ```
//!
//! What passes in between is the delay that every receipt has, whatever the server: the system's
//! loopback, its scheduler, and the queue of the bench's own threads that want to run. It is
//! measured twice, on the idle machine and during the run, where a ping goes out right behind each
//! publish, at the moment when the streams' threads wake up. A latency below this says nothing of
//! the server.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::histogram::Histogram;
use super::tally::{Clock, Tally};

/// Enough for a p99, in a blink.
const CALIBRATION: u32 = 200;
const PAUSE: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct Probe {
    socket: Mutex<TcpStream>,
    running: AtomicBool,
    pub(super) idle: Histogram,
    pub(super) loaded: Histogram,
}

impl Probe {
    /// Makes the pair and its thread, and measures the idle machine.
    pub(super) fn start(tally: &Arc<Tally>) -> io::Result<(Arc<Self>, JoinHandle<()>)> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let socket = TcpStream::connect(listener.local_addr()?)?;
        let (peer, _) = listener.accept()?;
        for end in [&socket, &peer] {
            end.set_nodelay(true)?;
        }
        // Who can't ping does not wait for it.
        socket.set_nonblocking(true)?;
        let probe = Arc::new(Self {
            socket: Mutex::new(socket),
            running: AtomicBool::new(false),
            idle: Histogram::default(),
            loaded: Histogram::default(),
        });
        let thread = thread::Builder::new().name("tidings-probe".into()).spawn({
            let (probe, tally) = (Arc::clone(&probe), Arc::clone(tally));
            move || probe.listen(peer, &tally.clock)
        })?;
        for _ in 0..CALIBRATION {
            probe.ping(&tally.clock);
            thread::sleep(PAUSE);
        }
        probe.running.store(true, Relaxed);
        Ok((probe, thread))
    }

    /// Sends the time. If another thread does so now, that is as good.
    pub(super) fn ping(&self, clock: &Clock) {
        if let Ok(mut socket) = self.socket.try_lock() {
            let _ = socket.write(&clock.now().to_le_bytes());
        }
    }

    /// Ends the thread.
    pub(super) fn stop(&self) {
        if let Ok(socket) = self.socket.lock() {
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
    }

    fn listen(&self, mut peer: TcpStream, clock: &Clock) {
        let mut time = [0; 8];
        while peer.read_exact(&mut time).is_ok() {
            let delay = clock.now().saturating_sub(u64::from_le_bytes(time));
            let running = self.running.load(Relaxed);
            if running { &self.loaded } else { &self.idle }.record(delay);
        }
    }
}

//! The product: a channel, and the streams that subscribe to it.
//!
//! Beside the contract it serves `GET /counts`, so that the load can ask how many allocations
//! there were and how much is on the heap (in `counted`, else zero) and how many streams are open, and `POST /send?times=K`,
//! which publishes from within, without the cost of a request for each event.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tidings::{Channel, History, Limits, Response, Server};

use super::announce;
use crate::Result;

/// Heap allocations of this process so far: counted by the allocator of the program `counted`.
pub static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// Bytes on the heap of this process now: counted likewise.
pub static LIVE_BYTES: AtomicU64 = AtomicU64::new(0);

/// Long enough for the passes of one event to be over before the next.
const APART: Duration = Duration::from_millis(2);

pub(super) fn run() -> Result<()> {
    // Large enough that no stream of this benchmark ever falls out of it.
    let history = History::default().events(1_000_000).bytes(64 * 1024 * 1024);
    let channel = Channel::with_history(history);
    let limits = Limits::default().connections(19_000).requests_per_connection(u32::MAX);
    let server = Server::bind("127.0.0.1:0")?;
    let handle = server.handle();
    let address = server.address();
    let server = server
        .limits(limits)
        .sse("/events", {
            let channel = channel.clone();
            move |stream, _request| stream.subscribe(&channel)
        })
        .post("/publish", {
            let channel = channel.clone();
            move |request| {
                let id = channel.send(request.body_text()?)?;
                Ok(Response::text(id))
            }
        })
        .post("/send", move |request| {
            let times = request.query("times").and_then(|times| times.parse().ok()).unwrap_or(1);
            let data = request.body_text()?;
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            for _ in 0..times {
                channel.send(data)?;
                thread::sleep(APART);
            }
            Ok(Response::text((ALLOCATIONS.load(Ordering::Relaxed) - before).to_string()))
        })
        .get("/counts", move |_request| {
            let (allocations, live) =
                (ALLOCATIONS.load(Ordering::Relaxed), LIVE_BYTES.load(Ordering::Relaxed));
            let streams = handle.stats().streams;
            Ok(Response::text(format!("allocations={allocations} live={live} streams={streams}")))
        });
    announce(address);
    server.run()?;
    Ok(())
}

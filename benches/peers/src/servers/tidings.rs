//! The product: a channel, and the streams that subscribe to it.
//!
//! Beside the contract it serves what only this server is measured for:
//!
//! | route | is |
//! | --- | --- |
//! | `GET /counts` | how many allocations there were and how much is on the heap (in `counted`, else zero), and how many streams are open |
//! | `POST /send?times=K&apart=MS` | publishes from within, without the cost of a request for each event |
//! | `/channels/NAME` | a channel of its own for each name |
//! | `GET /ticks/own`, `GET /ticks/shared` | an event each second, from an interval of the stream's own, or from the ticker of a channel |

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tidings::{Channel, History, Hub, Limits, Response, Server};

use super::{QUEUE, announce};
use crate::Result;

/// Heap allocations of this process so far: counted by the allocator of the program `counted`.
pub static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// Bytes on the heap of this process now: counted likewise.
pub static LIVE_BYTES: AtomicU64 = AtomicU64::new(0);

const TICK: Duration = Duration::from_secs(1);

pub(super) fn run() -> Result<()> {
    // As long as the peers' queues.
    let history = History::default().events(QUEUE);
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
            let number = |name| request.query(name).and_then(|value| value.parse().ok());
            let (times, apart) = (number("times").unwrap_or(1), number("apart").unwrap_or(0));
            let data = request.body_text()?;
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            for _ in 0..times {
                channel.send(data)?;
                thread::sleep(Duration::from_millis(apart));
            }
            Ok(Response::text((ALLOCATIONS.load(Ordering::Relaxed) - before).to_string()))
        })
        .get("/counts", move |_request| {
            let (allocations, live) =
                (ALLOCATIONS.load(Ordering::Relaxed), LIVE_BYTES.load(Ordering::Relaxed));
            let streams = handle.stats().streams;
            Ok(Response::text(format!("allocations={allocations} live={live} streams={streams}")))
        });
    let server = ticking(with_channels(server));
    announce(address);
    server.run()?;
    Ok(())
}

/// A channel for each name.
fn with_channels(server: Server) -> Server {
    let hub = Hub::new();
    server
        .sse("/channels/{name}", {
            let hub = hub.clone();
            move |stream, request| {
                stream.subscribe(&hub.channel(request.param("name").unwrap_or_default()))
            }
        })
        .post("/channels/{name}", move |request| {
            let channel = hub.channel(request.param("name").unwrap_or_default());
            Ok(Response::text(channel.send(request.body_text()?)?))
        })
}

/// Events that tell when they were due. The ticker begins with its first stream, so that no other
/// case pays for it.
fn ticking(server: Server) -> Server {
    let (shared, ticker) = (Channel::new(), OnceLock::new());
    server
        .sse("/ticks/own", |stream, _request| {
            let mut due = Due::new();
            stream.every(TICK, move |stream| stream.send(due.next()))?;
            Ok(())
        })
        .sse("/ticks/shared", move |stream, _request| {
            ticker.get_or_init(|| {
                let mut due = Due::new();
                shared.every(TICK, move |channel| channel.send(due.next()))
            });
            stream.subscribe(&shared)
        })
}

/// When the next tick is due, as the time since the epoch.
struct Due(Duration);

impl Due {
    fn new() -> Self {
        Self(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    fn next(&mut self) -> String {
        self.0 += TICK;
        self.0.as_nanos().to_string()
    }
}

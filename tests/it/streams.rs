//! Event streams: their bytes, and their life from open to end.

mod caps;
mod ending;
mod expiry;
mod hooks;
mod intervals;
mod many;
mod sending;
mod slow;
mod spawned;
mod wire;

use tidings::{CloseReason, Limits, Response, Running, Server, SseWriter};

use crate::support::Notes;

/// A server whose `/sse` hands its streams to the test and notes how they end.
struct Held {
    server: Running,
    writers: Notes<SseWriter>,
    ends: Notes<CloseReason>,
}

impl Held {
    fn with(limits: Limits) -> Self {
        let (writers, ends) = (Notes::new(), Notes::new());
        let (held, noted) = (writers.clone(), ends.clone());
        let server = site(limits, move |stream| {
            let ends = noted.clone();
            stream.on_close(move |reason| ends.add(reason));
            stream.open()?;
            held.add(stream);
            Ok(())
        });
        Self { server, writers, ends }
    }
}

/// A server with a stream at `/sse` and a page at `/`.
fn site(
    limits: Limits,
    handler: impl Fn(SseWriter) -> tidings::Result<()> + Send + Sync + 'static,
) -> Running {
    Server::bind("127.0.0.1:0")
        .expect("a port is free")
        .limits(limits)
        .get("/", |_request| Ok(Response::text("hello")))
        .sse("/sse", move |stream, _request| handler(stream))
        .start()
        .expect("a server")
}

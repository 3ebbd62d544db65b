//! Which request is answered by what.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use tidings::{Channel, Handle, Hub, Reply, Response, Server, Status};

use super::guard::Guard;
use super::{metrics, page, publish, subscribe};

/// The hub's channels, of which strangers may make up only so many.
#[derive(Clone, Debug)]
pub(super) struct Channels {
    pub(super) hub: Hub,
    pub(super) most: usize,
}

impl Channels {
    /// The channel of that name for a stream of this peer, or a new one where the peer may make up
    /// another name.
    pub(super) fn followed(&self, name: &str, peer: IpAddr) -> Option<Channel> {
        self.hub.channel_followed(name, peer, self.most)
    }

    /// The channel of that name to publish on, or a new one where there is room.
    pub(super) fn channel(&self, name: &str) -> Option<Channel> {
        self.hub.channel_within(name, self.most)
    }
}

/// What all handlers share.
pub(super) struct State {
    channels: Channels,
    handle: Handle,
    guard: Guard,
    started: Instant,
}

impl State {
    pub(super) fn new(channels: Channels, handle: Handle, guard: Guard) -> Self {
        Self { channels, handle, guard, started: Instant::now() }
    }

    /// Begins to stop. The answer still goes out, as do those to other requests.
    fn stop(&self) -> Result<Response, Response> {
        self.guard.check_stop()?;
        self.handle.stop();
        Ok(Response::text("202 Accepted: the hub stops\n").with_status(Status::ACCEPTED))
    }

    fn metrics(&self) -> Response {
        metrics::answer(&self.channels.hub, self.handle.stats(), self.started.elapsed())
    }
}

/// Adds every route of the hub.
pub(super) fn add_to(server: Server, state: &Arc<State>) -> Server {
    let with_state = || Arc::clone(state);
    let (one, several, publish) = (with_state(), with_state(), with_state());
    let (metrics, stop, guard) = (with_state(), with_state(), with_state());
    page::add_to(server)
        .get("/events", move |request| answer(subscribe::several(&several.channels, request)))
        .get("/events/{name}", move |request| answer(subscribe::one(&one.channels, request)))
        .post("/events/{name}", move |request| {
            // Where the body is no text, the server refuses it by the error.
            let text = request.body_text()?;
            answer(publish::publish(&publish.channels, request, text))
        })
        .post("/stop", move |_request| answer(stop.stop()))
        .get("/metrics", move |_request| Ok(metrics.metrics()))
        .get("/health", |_request| Ok(Response::text("ok\n")))
        .admit(move |head, _peer| guard.guard.check(head))
}

/// A refusal is an answer like any other.
fn answer<R: Into<Reply>>(result: Result<R, Response>) -> tidings::Result<Reply> {
    Ok(result.map_or_else(Into::into, Into::into))
}

//! Which request is answered by what.

use std::sync::Arc;
use std::time::Instant;

use tidings::{Handle, Hub, Reply, Request, Response, Server};

use super::guard::Guard;
use super::{metrics, page, publish, subscribe};

/// What all handlers share.
pub(super) struct State {
    hub: Hub,
    handle: Handle,
    guard: Guard,
    started: Instant,
}

impl State {
    pub(super) fn new(hub: Hub, handle: Handle, guard: Guard) -> Self {
        Self { hub, handle, guard, started: Instant::now() }
    }

    fn publish(&self, request: &Request) -> Result<Response, Response> {
        self.guard.check(request)?;
        publish::publish(&self.hub, request)
    }

    fn metrics(&self) -> Response {
        metrics::answer(&self.hub, self.handle.stats(), self.started.elapsed())
    }
}

/// Adds every route of the hub.
pub(super) fn add_to(server: Server, state: &Arc<State>) -> Server {
    let with_state = || Arc::clone(state);
    let (one, several, publish, metrics) = (with_state(), with_state(), with_state(), with_state());
    page::add_to(server)
        .get("/events", move |request| answer(subscribe::several(&several.hub, request)))
        .get("/events/{name}", move |request| answer(subscribe::one(&one.hub, request)))
        .post("/events/{name}", move |request| answer(publish.publish(request)))
        .get("/metrics", move |_request| Ok(metrics.metrics()))
        .get("/health", |_request| Ok(Response::text("ok\n")))
}

/// A refusal is an answer like any other.
fn answer<R: Into<Reply>>(result: Result<R, Response>) -> tidings::Result<Reply> {
    Ok(result.map_or_else(Into::into, Into::into))
}

//! Routes: which handler responds to which request.

use std::sync::Arc;
use std::time::Instant;

use tidings::{Reply, Request, Response, Server, Status};

#[cfg(feature = "page")]
use super::channels::ALL;
use super::channels::Channels;
use super::guard::Guard;
use super::order::{self, Order};
use super::{Stop, health, metrics, publish, subscribe};

/// What all handlers share.
pub(super) struct State {
    pub(super) channels: Channels,
    pub(super) order: Order,
    pub(super) stop: Stop,
    pub(super) guard: Guard,
    pub(super) started: Instant,
}

impl State {
    /// Begins to stop the hub. This response still goes out, as do those to other requests.
    fn stop(&self) -> Result<Response, Response> {
        self.guard.check_stop()?;
        self.stop.stop();
        Ok(Response::text("202 Accepted: the hub stops\n").with_status(Status::ACCEPTED))
    }

    fn metrics(&self) -> Reply {
        let (hub, uptime) = (&self.channels.hub, self.started.elapsed());
        let all = metrics::response(hub, self.order, self.stop.0.stats(), uptime).into();
        self.needed(all, &[])
    }

    /// The reply to a request that may follow these, which no cache may keep if that needs a token:
    /// of one in a cookie or in the URL, a cache knows nothing.
    fn needed(&self, reply: Reply, names: &[String]) -> Reply {
        if self.guard.needs_token(names) { reply.no_store() } else { reply }
    }

    /// Refuses what was published here and would come back.
    #[cfg(feature = "follow")]
    fn check_circle(&self, request: &Request) -> Result<(), Response> {
        match self.order.follows() {
            true => super::follow::check(&self.channels.hub, request.head()),
            false => Ok(()),
        }
    }

    #[cfg(feature = "page")]
    fn channels(&self, request: &Request) -> Result<Reply, Response> {
        let names = [ALL.into()];
        self.guard.check_follow(request, &names)?;
        let list = super::list::response(&self.channels.hub, request)?;
        Ok(self.needed(list.into(), &names))
    }

    fn health(&self, request: &Request) -> Result<Response, Response> {
        health::response(request, self.order, order::State::of(&self.channels.hub))
    }
}

pub(super) fn add_to(server: Server, state: State) -> Server {
    let state = Arc::new(state);
    // A refusal is a response like any other.
    let with = |handle: fn(&State, &Request) -> Result<Reply, Response>| {
        let state = Arc::clone(&state);
        move |request: &Request| Ok(handle(&state, request).unwrap_or_else(Into::into))
    };
    #[cfg(feature = "follow")]
    let feed = with(|state, request| super::feed::all(&state.channels, &state.guard, request));
    #[cfg(feature = "page")]
    let channels = with(|state, request| state.channels(request));
    let guarded = Arc::clone(&state);
    // What is left for handlers costs each request something.
    let server = match state.guard.private {
        true => server.admit(move |head, _peer| guarded.guard.admit(head)),
        false => server.admit(move |head, _peer| guarded.guard.check(head)),
    };
    // Routes are tried in this order: what is asked for most comes first.
    let server = server
        .get(
            "/events/{name}",
            with(|state, request| subscribe::one(&state.channels, &state.guard, request)),
        )
        .get(
            "/events",
            with(|state, request| subscribe::several(&state.channels, &state.guard, request)),
        )
        .post("/stop", with(|state, _request| state.stop().map(Into::into)))
        .get("/metrics", with(|state, _request| Ok(state.metrics())))
        .get("/health", with(|state, request| state.health(request).map(Into::into)))
        .post("/events/{name}", move |request| {
            #[cfg(feature = "follow")]
            if let Err(refusal) = state.check_circle(request) {
                return Ok(refusal);
            }
            // The server itself refuses a body that is not text.
            let text = request.body_text()?;
            Ok(publish::publish(&state.channels, request, text).unwrap_or_else(|refusal| refusal))
        });
    #[cfg(feature = "follow")]
    let server = server.get("/feed", feed);
    #[cfg(feature = "page")]
    let server = super::page::add_to(server.get("/channels", channels));
    server
}

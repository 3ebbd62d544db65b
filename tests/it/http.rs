//! HTTP/1.1 as a client sees it: what is sent and what comes back, to the byte where it matters.

mod admit;
mod bodies;
mod caps;
mod cors;
mod deadlines;
mod exchange;
mod faults;
mod given;
mod limits;
mod proxies;
mod refusing;
mod routes;
mod slow;
mod stop;

use std::net::SocketAddr;

use tidings::{Limits, Response, Running, Server};

use crate::support::http::get;

/// A server with a page at `/` and an echo at `POST /echo`.
fn plain(limits: Limits) -> Running {
    site(limits).start().expect("a server")
}

fn site(limits: Limits) -> Server {
    Server::bind("127.0.0.1:0")
        .expect("a port is free")
        .limits(limits)
        .get("/", |_request| Ok(Response::text("hello")))
        .get("/other", |_request| Ok(Response::text("another")))
        .post("/echo", |request| Ok(Response::text(request.body_text()?)))
}

/// Whether the server responds to a fresh request.
#[track_caller]
fn assert_responses(address: SocketAddr) {
    assert_eq!(get(address, "/").text(), "hello");
}

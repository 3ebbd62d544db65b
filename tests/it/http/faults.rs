//! Handlers that fail.

use std::sync::Arc;

use tidings::{Channel, CloseReason, Error, Hooks, Limits, Peer, Response, StreamInfo};

use super::{assert_responses, site};
use crate::support::http::{Client, exchange, get, post};
use crate::support::stream::{End, EventStream};
use crate::support::{Notes, until};

#[test]
fn row_36_a_handler_that_panics_is_a_500_and_the_server_goes_on() {
    let server = site(Limits::default().workers(2))
        .get("/panics", |_request| -> tidings::Result<Response> { panic!("on purpose") })
        .start()
        .unwrap();
    for _ in 0..10 {
        let response = get(server.address(), "/panics");
        assert_eq!((response.status, response.text()), (500, "500 Internal Server Error\n"));
        assert_responses(server.address());
    }
    until("the connections' end", || server.stats().connections == 0);
}

#[test]
fn row_36_a_connection_outlives_a_panic() {
    let server = site(Limits::default())
        .get("/panics", |_request| -> tidings::Result<Response> { panic!("on purpose") })
        .start()
        .unwrap();
    let mut client = Client::to(server.address());
    assert_eq!(client.get("/panics").status, 500);
    assert_eq!(client.get("/").text(), "hello");
}

#[test]
fn row_36_no_slot_is_lost_to_panics() {
    let limits = Limits::default().workers(2).connections(4).streams(1).streams_per_peer(1);
    let server = site(limits)
        .get("/panics", |_request| -> tidings::Result<Response> { panic!("on purpose") })
        .sse("/before", |_stream, _request| -> tidings::Result<()> { panic!("on purpose") })
        .sse("/behind", |stream, _request| -> tidings::Result<()> {
            stream.on_close(|_reason| panic!("on purpose"));
            stream.open()?;
            panic!("on purpose")
        })
        .sse("/sse", |stream, _request| stream.send("hi"))
        .start()
        .unwrap();
    for _ in 0..3 {
        assert_eq!(get(server.address(), "/panics").status, 500);
        assert_eq!(get(server.address(), "/before").status, 500);
        assert_eq!(EventStream::open(server.address(), "/behind").end(), End::CutOff);
        until("the place of the one before", || {
            let stats = server.stats();
            (stats.streams, stats.connections) == (0, 0)
        });
    }
    let mut stream = EventStream::open(server.address(), "/sse");
    assert_eq!(stream.data(), "hi");
    assert_eq!(stream.end(), End::Whole);
    server.stop().expect("all threads ended");
}

struct Failures(Notes<String>);

impl Hooks for Failures {
    fn failed(&self, _peer: Peer, target: &str, error: &Error) {
        self.0.add(format!("{} {error}", target));
    }
}

#[test]
fn what_a_handler_failed_of_is_told_to_the_hooks_and_not_to_the_client() {
    let failures = Notes::new();
    let server = site(Limits::default())
        .hooks(Failures(failures.clone()))
        .get("/fails", |_request| -> tidings::Result<Response> {
            Err(Error::other("the password is wrong: hunter2"))
        })
        .start()
        .unwrap();
    let response = get(server.address(), "/fails?a=b");
    assert_eq!((response.status, response.text()), (500, "500 Internal Server Error\n"));
    assert_eq!(failures.all(), ["/fails?a=b the password is wrong: hunter2"]);
}

#[test]
fn a_body_that_is_not_text_where_text_is_wanted_is_400() {
    let failures = Notes::new();
    let server =
        site(Limits::default()).hooks(Arc::new(Failures(failures.clone()))).start().unwrap();
    let request = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nab\xFF";
    let response = exchange(server.address(), request);
    assert_eq!(response.status, 400);
    assert_eq!(
        response.text(),
        "400 Bad Request: the body must be UTF-8, and is not from byte 2 on\n",
    );
    assert_eq!(failures.all(), [""; 0]);
}

/// Panics whatever it is told.
struct Panics;

impl Hooks for Panics {
    fn opened(&self, _stream: &StreamInfo<'_>) {
        panic!("on purpose");
    }

    fn event(&self, _stream: &StreamInfo<'_>, _events: usize, _bytes: usize) {
        panic!("on purpose");
    }

    fn closed(&self, _stream: &StreamInfo<'_>, _reason: CloseReason) {
        panic!("on purpose");
    }

    fn failed(&self, _peer: Peer, _target: &str, _error: &Error) {
        panic!("on purpose");
    }
}

#[test]
fn row_36_hooks_that_panic_cost_nobody_anything() {
    let channel = Channel::new();
    let server = site(Limits::default().workers(2))
        .sse("/events", {
            let channel = channel.clone();
            move |stream, _request| stream.send("first").and_then(|()| stream.subscribe(&channel))
        })
        .get("/fails", |_request| -> tidings::Result<Response> { Err(Error::other("on purpose")) })
        .hooks(Panics)
        .start()
        .unwrap();
    for round in 0..3 {
        let mut stream = EventStream::open(server.address(), "/events");
        assert_eq!(stream.data(), "first");
        until("the subscription", || channel.streams() == 1);
        channel.send("second").unwrap();
        assert_eq!(stream.data(), "second", "round {round}");
        drop(stream);
        until("the stream's end", || server.stats().streams == 0 && channel.streams() == 0);
        assert_eq!(get(server.address(), "/fails").status, 500);
        assert_responses(server.address());
    }
}

#[test]
fn a_key_that_is_used_again_for_another_event_is_the_fault_of_the_request() {
    let channel = Channel::new();
    let server = site(Limits::default())
        .post("/once", move |request| {
            let ids = channel.send_once("k", [request.body_text()?])?;
            Ok(Response::text(ids[0].as_str()))
        })
        .start()
        .unwrap();
    let publish = |body| post(server.address(), "/once", body);
    let first = publish("x");
    assert_eq!((first.status, publish("x").body), (200, first.body));
    let other = publish("y");
    let said = "422 Unprocessable Content: this idempotency key was used for other events on this \
                channel, within five minutes\n";
    assert_eq!((other.status, other.text()), (422, said));
}

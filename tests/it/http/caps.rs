//! Too many connections.

use std::io::Write;

use tidings::{Limits, Method, Reply};

use super::{assert_responses, plain, site};
use crate::support::http::{Client, connect, exchange};
use crate::support::until;

const FOR_A_STREAM: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";

#[test]
fn limit_connections_past_it_a_client_is_told_to_come_back_later() {
    let server = plain(Limits::default().connections(2));
    let held = [connect(server.address()), connect(server.address())];
    until("two connections", || server.stats().connections == 2);

    let mut client = Client::to(server.address());
    let response = client.get("/");
    assert_eq!((response.status, response.field("Connection")), (503, Some("close")));
    assert_eq!(response.text(), "503 Service Unavailable: too many connections\n");
    let wait: u64 = response.field("Retry-After").unwrap().parse().unwrap();
    assert!((1..=4).contains(&wait), "{wait}");
    assert_eq!((client.rest(), server.stats().refused_connections), (String::new(), 1));
    drop(client);

    drop(held);
    until("room", || server.stats().connections == 0);
    assert_responses(server.address());
}

#[test]
fn limit_connections_past_it_an_event_source_is_told_so_in_its_own_way() {
    let server = plain(Limits::default().connections(1));
    let held = connect(server.address());
    until("one connection", || server.stats().connections == 1);

    let mut waits = Vec::new();
    for _ in 0..5 {
        let mut client = Client::to(server.address());
        client.send(FOR_A_STREAM);
        let response = client.response();
        assert_eq!((response.status, response.field("Connection")), (200, Some("close")));
        assert_eq!(response.field("Content-Type"), Some("text/event-stream"));
        let wait =
            response.text().strip_prefix("retry: ").and_then(|text| text.strip_suffix("\n\n"));
        waits.push(wait.expect("a reconnection time").parse::<u64>().unwrap());
        assert_eq!(client.rest(), "");
    }
    assert!(waits.iter().all(|wait| (2000..=4000).contains(wait)), "{waits:?}");
    waits.dedup();
    assert!(waits.len() > 1, "not all at the same time: {waits:?}");

    drop(held);
    until("room", || server.stats().connections == 0);
    assert_eq!(exchange(server.address(), FOR_A_STREAM).text(), "hello");
}

#[test]
fn limit_connections_is_not_used_up_for_long_by_those_past_it_who_say_nothing() {
    let server = plain(Limits::default().connections(1));
    let held = connect(server.address());
    until("one connection", || server.stats().connections == 1);
    let silent = connect(server.address());
    let mut half = connect(server.address());
    half.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    until("all of them", || server.stats().connections == 3);

    drop(held);
    until("room, long before the idle deadline", || server.stats().connections == 0);
    assert_responses(server.address());
    drop((silent, half));
}

#[test]
fn row_49_a_full_server_says_so_to_all_but_who_gets_an_event_stream() {
    let server = plain(Limits::default().connections(1));
    let held = connect(server.address());
    until("one connection", || server.stats().connections == 1);
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        let fields = "Host: localhost\r\nAccept: text/event-stream\r\nContent-Length: 0\r\n";
        let request = format!("{method} /echo HTTP/1.1\r\n{fields}\r\n");
        let refused = exchange(server.address(), request.as_bytes());
        assert_eq!(refused.status, 503, "{method}");
        let wait: u64 = refused.field("Retry-After").unwrap().parse().unwrap();
        assert!((1..=4).contains(&wait), "{wait}");
    }
    // As to a GET, without the content (RFC 9110, section 9.3.2).
    let request = String::from_utf8(FOR_A_STREAM.to_vec()).unwrap().replace("GET", "HEAD");
    let head = exchange(server.address(), request.as_bytes());
    assert_eq!((head.status, head.field("Content-Type")), (200, Some("text/event-stream")));
    drop(held);
}

#[test]
fn row_49_where_a_post_opens_streams_one_too_many_is_503() {
    let server = site(Limits::default().streams(0))
        .route(Method::Post, "/query", |_request| Ok(Reply::event_stream(|_stream| Ok(()))))
        .sse("/sse", |_stream, _request| Ok(()))
        .start()
        .unwrap();
    let post = b"POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    let refused = exchange(server.address(), post);
    assert_eq!((refused.status, refused.field("Connection")), (503, Some("close")));
    assert!(refused.field("Retry-After").is_some());
    let told = exchange(server.address(), b"GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!((told.status, told.field("Content-Type")), (200, Some("text/event-stream")));
    assert!(told.text().starts_with("retry: "));
}

//! Too many connections.

use std::io::Write;

use tidings::Limits;

use super::{assert_answers, plain};
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
    let answer = client.get("/");
    assert_eq!((answer.status, answer.field("Connection")), (503, Some("close")));
    let wait: u64 = answer.field("Retry-After").unwrap().parse().unwrap();
    assert!((1..=4).contains(&wait), "{wait}");
    assert_eq!(client.rest(), "");
    drop(client);

    drop(held);
    until("room", || server.stats().connections == 0);
    assert_answers(server.address());
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
        let answer = client.answer();
        assert_eq!((answer.status, answer.field("Connection")), (200, Some("close")));
        assert_eq!(answer.field("Content-Type"), Some("text/event-stream"));
        let wait = answer.text().strip_prefix("retry: ").and_then(|text| text.strip_suffix("\n\n"));
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
    assert_answers(server.address());
    drop((silent, half));
}

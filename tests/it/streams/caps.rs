//! Too many streams.

use tidings::Limits;

use super::Held;
use crate::support::http::{Client, get};
use crate::support::stream::EventStream;
use crate::support::until;

fn one_more_is_told_to_come_back(limits: Limits) {
    let held = Held::with(limits);
    let address = held.server.address();
    let mut streams = [EventStream::open(address, "/sse"), EventStream::open(address, "/sse")];
    until("both streams", || held.writers.len() == 2);

    let mut refused = Client::to(address);
    refused.send("GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let response = refused.response();
    assert_eq!((response.status, response.field("Connection")), (200, Some("close")));
    assert_eq!(response.field("Content-Type"), Some("text/event-stream"));
    let wait = response.text().strip_prefix("retry: ").and_then(|text| text.strip_suffix("\n\n"));
    let wait: u64 = wait.expect("a reconnection time").parse().unwrap();
    assert!((2000..=4000).contains(&wait), "{wait}");
    assert_eq!(refused.rest(), "");
    assert_eq!(get(address, "/").text(), "hello");

    for writer in held.writers.all() {
        writer.send("still here").unwrap();
    }
    for stream in &mut streams {
        assert_eq!(stream.data(), "still here");
    }
    drop(streams);
    until("room", || held.server.stats().streams == 0);
    let _stream = EventStream::open(address, "/sse");
    until("the third stream", || held.writers.len() == 3);
}

#[test]
fn limit_streams_past_it_a_client_is_told_to_come_back() {
    one_more_is_told_to_come_back(Limits::default().streams(2));
}

#[test]
fn limit_streams_per_peer_past_it_a_client_is_told_to_come_back() {
    one_more_is_told_to_come_back(Limits::default().streams_per_peer(2));
}

//! Too many streams.

use tidings::Limits;

use super::Held;
use crate::support::http::{Client, get};
use crate::support::stream::EventStream;
use crate::support::until;

/// `refused_by` has how many are refused those past the bounds on connections, on streams, and on those of one peer.
fn one_more_is_told_to_come_back(limits: Limits, refused_by: [u64; 3]) {
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

    let stats = held.server.stats();
    let refused =
        [stats.refused_connections, stats.refused_streams, stats.refused_streams_per_peer];
    assert_eq!(refused, refused_by);

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
    one_more_is_told_to_come_back(Limits::default().streams(2), [0, 1, 0]);
}

#[test]
fn limit_streams_per_peer_past_it_a_client_is_told_to_come_back() {
    one_more_is_told_to_come_back(Limits::default().streams_per_peer(2), [0, 0, 1]);
}

//! Numbers that don't fit a 32-bit machine's `usize`, and bounds as high as they go.

use super::super::support::http::exchange;
use super::super::support::stream::EventStream;
use super::*;

fn refuses(hub: &Process, framing_and_body: &str) {
    let request = format!("POST /events/a HTTP/1.1\r\nHost: localhost\r\n{framing_and_body}");
    let response = exchange(hub.address(), request.as_bytes());
    assert_eq!(response.status, 413, "{framing_and_body:?}: {}", response.text());
}

/// 2 to the power of 32, and 5 bytes more.
#[test]
fn a_body_of_more_than_32_bits_is_not_taken_for_a_shorter_one() {
    for hub in [hub(&[]), hub(&["--max-body=4294967295"])] {
        refuses(&hub, "Content-Length: 4294967301\r\n\r\nhello");
        refuses(&hub, "Transfer-Encoding: chunked\r\n\r\n100000005\r\nhello\r\n0\r\n\r\n");
        let id = publish(&hub, "/events/a", "x");
        assert!(id.ends_with("-1"), "nothing was published before: {id}");
    }
}

#[test]
fn with_every_bound_as_high_as_it_goes_events_go_out_and_are_kept() {
    let most = [
        "--history=4294967295",
        "--history-bytes=4294967295",
        "--history-age=4294967295",
        "--heartbeat=4294967295",
        "--max-body=4294967295",
        "--max-channels=4294967295",
        "--max-event=4294967295",
        "--max-streams-per-peer=4294967295",
        "--max-streams=4294967295",
    ];
    let hub = hub(&most);
    let mut live = EventStream::open(hub.address(), "/events/a");
    let large = "x".repeat(3 << 20);
    let first = publish(&hub, "/events/a", &large);
    publish(&hub, "/events/a", "y");
    assert_eq!([live.data(), live.data()], [large.as_str(), "y"]);
    let mut resumed = EventStream::resume(hub.address(), "/events/a", &first);
    assert_eq!(resumed.data(), "y");
    let mut all = EventStream::open(hub.address(), "/events/a?history=4294967295");
    assert_eq!([all.data(), all.data()], [large.as_str(), "y"]);
}

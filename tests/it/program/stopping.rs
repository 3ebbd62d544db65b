//! How the hub is stopped by a request, and what it refuses for want of room.

use super::super::support::http::{Client, get, retry_behind};
use super::super::support::stream::EventStream;
use super::super::support::until_some;
use super::*;

const TOKEN: &str = "Authorization: Bearer s3cret\r\n";

#[test]
fn row_39_a_request_with_the_token_stops_the_hub_and_its_streams_end_well() {
    let file = TemporaryFile::new("stop", "s3cret\n");
    let mut hub = hub(&[&file.argument()]);
    let mut stream = Client::to(hub.address());
    stream.open("/events/a");
    for fields in ["", "Authorization: Bearer wrong\r\n"] {
        assert_eq!(post_with(&hub, "/stop", fields).status, 401);
    }
    let foreign = format!("{TOKEN}Origin: https://evil.example\r\n");
    assert_eq!(post_with(&hub, "/stop", &foreign).status, 403);
    let response = post_with(&hub, "/stop", TOKEN);
    assert_eq!((response.status, response.text()), (202, "202 Accepted: the hub stops\n"));
    let time = retry_behind("", &stream.rest());
    assert!((2_000..=4_000).contains(&time), "{time}");
    assert_eq!(until_some("the hub's end", || hub.ended()), 0);
}

#[test]
fn a_hub_without_a_token_is_stopped_by_no_request() {
    let hub = hub(&[]);
    let response = post_with(&hub, "/stop", TOKEN);
    let said = "403 Forbidden: a client must have the hub's token to stop it, and this hub has no \
                token: start it with --token-file, or end its process\n";
    assert_eq!((response.status, response.text()), (403, said));
    assert_eq!(get(hub.address(), "/health").status, 200);
}

#[test]
fn limit_max_channels_refuses_a_publisher_and_sends_a_follower_away_for_a_while() {
    let hub = hub(&["--max-channels=2"]);
    publish(&hub, "/events/a", "x");
    publish(&hub, "/events/b", "x");
    let _stream = EventStream::open(hub.address(), "/events/b");
    let refused = post_with(&hub, "/events/c", "");
    let said = "503 Service Unavailable: there are 2 channels already: publish on one of them, \
                or start the hub with a larger --max-channels\n";
    assert_eq!((refused.status, refused.text()), (503, said));
    assert_eq!(refused.field("Retry-After"), Some("30"));
    let mut away = Client::to(hub.address());
    away.open("/events?channel=a&channel=c");
    let time = retry_behind("", &away.rest());
    assert!((15_000..45_000).contains(&time), "{time}");
    publish(&hub, "/events/a", "y");
    publish(&hub, "/events/b", "z");
}

#[test]
fn limit_max_channels_bounds_what_one_peer_makes_up_apart_from_what_is_published() {
    let hub = hub(&["--max-channels=10"]);
    for n in 1..=5 {
        publish(&hub, &format!("/events/{n}"), "x");
    }
    let streams: Vec<EventStream> =
        (6..=8).map(|n| EventStream::open(hub.address(), &format!("/events/{n}"))).collect();
    let mut away = Client::to(hub.address());
    away.open("/events/9");
    retry_behind("", &away.rest());
    // What is published on is made up no longer, and is followed as any other channel.
    publish(&hub, "/events/6", "y");
    let ninth = EventStream::open(hub.address(), "/events/9");
    publish(&hub, "/events/10", "z");
    let mut tenth = EventStream::open(hub.address(), "/events/10?history=1");
    assert_eq!(tenth.data(), "z");
    drop((streams, ninth));
}

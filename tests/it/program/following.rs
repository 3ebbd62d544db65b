//! Following channels of the hub: where a stream begins, and what it is told of what is gone.

use tidings::MessageEvent;

use super::super::support::http::{Client, exchange, get};
use super::super::support::stream::{EventStream, next};
use super::super::support::until;
use super::*;

fn open(hub: &Process, target: &str) -> EventStream {
    EventStream::open(hub.address(), target)
}

fn resume(hub: &Process, target: &str, id: &str) -> EventStream {
    EventStream::resume(hub.address(), target, id)
}

/// Publishes each of these, and gives their ids and data.
#[track_caller]
fn publish_all(hub: &Process, target: &str, data: &[&str]) -> Vec<(String, String)> {
    data.iter().map(|data| (publish(hub, target, data), (*data).to_owned())).collect()
}

#[test]
fn what_is_published_is_what_a_stream_is_sent() {
    let hub = hub(&[]);
    let mut stream = Client::to(hub.address());
    stream.open("/events/news");
    let id = publish(&hub, "/events/news?event=head%20line&retry=1500", "one\r\ntwo\rthree\nfour");
    let wire = format!(
        "id: {id}\nevent: head line\nretry: 1500\n\
         data: one\ndata: two\ndata: three\ndata: four\n\n",
    );
    assert_eq!(stream.chunk(), Some(wire));
    let id = publish(&hub, "/events/news", "");
    assert_eq!(stream.chunk(), Some(format!("id: {id}\ndata: \n\n")));
}

#[test]
fn a_channel_hears_nothing_of_another() {
    let hub = hub(&[]);
    let mut stream = open(&hub, "/events/a");
    publish(&hub, "/events/b", "not for a");
    let published = publish_all(&hub, "/events/a", &["for a"]);
    assert_eq!(next(&mut stream, 1), published);
}

#[test]
fn a_client_that_comes_back_is_sent_what_it_missed_once_each() {
    let hub = hub(&[]);
    let published = publish_all(&hub, "/events/a", &["1", "2", "3", "4"]);
    let by_field = resume(&hub, "/events/a", &published[1].0);
    let field_wins = resume(&hub, "/events/a?last-event-id=1-1&history=1", &published[1].0);
    let last = publish_all(&hub, "/events/a", &["5"]);
    let expected = [&published[2..], &last].concat();
    for mut stream in [by_field, field_wins] {
        assert_eq!(next(&mut stream, 3), expected);
    }
}

#[test]
fn a_query_resumes_in_any_common_spelling() {
    let hub = hub(&[]);
    let published = publish_all(&hub, "/events/a", &["1", "2", "3"]);
    let id = &published[0].0;
    for name in [
        "last-event-id",
        "lastEventId",
        "lastEventID",
        "Last-Event-ID",
        "LAST_EVENT_ID",
        "last_event_id",
        "lasteventid",
        "last%2Devent%2Did",
    ] {
        for channels in ["/events/a?", "/events?channel=b&channel=a&"] {
            let target = format!("{channels}{name}={id}&history=1&_=1700000000");
            assert_eq!(next(&mut open(&hub, &target), 2), published[1..], "{target}");
        }
    }
    let twice = format!("/events/a?lastEventId={id}&last-event-id={id}");
    assert_eq!(next(&mut open(&hub, &twice), 2), published[1..]);
    let none = "/events/a?lastEventId=&history=1";
    assert_eq!(next(&mut open(&hub, none), 1), published[2..]);
}

#[test]
fn what_is_asked_in_two_ways_is_refused() {
    let hub = hub(&[]);
    let refused = |target: &str, fields: &str, said: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
        let response = exchange(hub.address(), request.as_bytes());
        assert_eq!(response.text(), format!("400 Bad Request: {said}\n"));
        assert_eq!(response.status, 400);
    };
    let ids = "lastEventId is \"1-1\" and last-event-id is \"1-2\": give one of them";
    refused("/events/a?lastEventId=1-1&last-event-id=1-2", "", ids);
    refused("/events?channel=a&lastEventId=1-1&last-event-id=1-2", "", ids);
    refused("/events/a?lastEventId=1-1&last-event-id=1-2", "Last-Event-ID: 1-1\r\n", ids);
    let fields = "Last-Event-ID: 1-1\r\nlast-event-id: 1-2\r\n";
    refused(
        "/events/a",
        fields,
        "Last-Event-ID is \"1-1\" and last-event-id is \"1-2\": give one of them",
    );
    let histories = "history is \"1\" and history is \"2\": give one of them";
    refused("/events/a?history=1&history=2", "", histories);
    let history = "history is how many of the newest events to begin with, and not \"x\"";
    refused("/events/a?history=x", "Last-Event-ID: 1-1\r\n", history);
    let channels = "name the channels in the path or in the query, not in both: \
                    /events?channel=A&channel=B, or /events/A";
    refused("/events/a?channel=b", "", channels);
}

#[test]
fn row_40_a_hub_that_was_killed_starts_again_and_says_that_events_are_gone() {
    let mut first = hub(&[]);
    let id = publish(&first, "/events/a", "lost");
    first.kill();
    let second = Process::hub(&["--listen", &first.address().to_string()]);
    let published = publish_all(&second, "/events/a", &["found"]);
    let mut stream = resume(&second, "/events/a", &id);
    let MessageEvent { event_type, data, last_event_id, .. } = stream.next().unwrap();
    assert_eq!(event_type, "tidings.gap");
    let to = &last_event_id;
    let gap = format!(r#"{{"from":"{id}","to":"{to}","missed":null,"reason":"restarted"}}"#);
    assert_eq!(data, gap);
    assert_eq!(next(&mut stream, 1), published);
}

#[test]
fn what_has_left_the_history_is_counted() {
    let hub = hub(&["--history=2"]);
    let published = publish_all(&hub, "/events/a", &["1", "2", "3", "4", "5"]);
    let mut stream = resume(&hub, "/events/a", &published[0].0);
    let gap = stream.next().unwrap();
    let (from, to) = (&published[0].0, &published[2].0);
    let told = format!(r#"{{"from":"{from}","to":"{to}","missed":2,"reason":"evicted"}}"#);
    assert_eq!((&*gap.event_type, gap.data), ("tidings.gap", told));
    assert_eq!(next(&mut stream, 2), published[3..]);
}

#[test]
fn one_last_event_id_resumes_several_channels_in_order() {
    let hub = hub(&[]);
    let mut published = Vec::new();
    for (channel, data) in [("a", "1"), ("b", "2"), ("a", "3"), ("b", "4"), ("a", "5")] {
        published.extend(publish_all(&hub, &format!("/events/{channel}"), &[data]));
    }
    publish(&hub, "/events/c", "of another channel");
    let mut stream = resume(&hub, "/events?channel=a&channel=b&channel=a", &published[0].0);
    assert_eq!(next(&mut stream, 4), published[1..]);
    let live = publish_all(&hub, "/events/b", &["6"]);
    assert_eq!(next(&mut stream, 1), live);
}

#[test]
fn a_stream_can_begin_with_the_newest_events() {
    let hub = hub(&[]);
    let published = publish_all(&hub, "/events/a", &["1", "2", "3"]);
    assert_eq!(next(&mut open(&hub, "/events/a?history=2"), 2), published[1..]);
    assert_eq!(next(&mut open(&hub, "/events/a?history=9"), 3), published);
    let mut live = open(&hub, "/events/a?history=0");
    let last = publish_all(&hub, "/events/a", &["4"]);
    assert_eq!(next(&mut live, 1), last);
}

#[test]
fn what_is_no_channel_is_refused_with_a_sentence() {
    let hub = hub(&[]);
    let rule = "is not a channel's name: a name is 1 to 128 of A-Z a-z 0-9 . _ ~ -";
    let many = (0..65).map(|n| format!("&channel={n}")).collect::<String>();
    for (target, said) in [
        ("/events/a%20b".into(), format!("\"a b\" {rule}")),
        ("/events/%0d%0a".into(), format!("\"\\r\\n\" {rule}")),
        ("/events?channel=".into(), format!("\"\" {rule}")),
        ("/events".into(), "name the channels: /events?channel=A&channel=B, or /events/A".into()),
        (format!("/events?{many}"), "one stream may follow 64 channels".into()),
        (
            "/events/a?history=x".into(),
            "history is how many of the newest events to begin with, and not \"x\"".into(),
        ),
    ] {
        let response = get(hub.address(), &target);
        assert_eq!(response.text(), format!("400 Bad Request: {said}\n"));
        assert_eq!(response.status, 400);
    }
}

#[test]
fn row_27_a_head_subscribes_nobody() {
    let hub = hub(&[]);
    let request = b"HEAD /events/a HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let response = exchange(hub.address(), request);
    assert_eq!((response.status, response.field("Content-Type")), (200, Some("text/event-stream")));
    let metrics = get(hub.address(), "/metrics");
    for none in ["\ntidings_streams_begun_total 0\n", "\ntidings_channels 0\n"] {
        assert!(metrics.text().contains(none), "{none}");
    }
}

#[test]
fn too_many_streams_of_one_peer_are_told_to_come_back() {
    let hub = hub(&["--max-streams-per-peer=1", "--log"]);
    let first = open(&hub, "/events/a");
    let refused = get(hub.address(), "/events/a");
    assert_eq!((refused.status, refused.field("Content-Type")), (200, Some("text/event-stream")));
    let time = refused.text().strip_prefix("retry: ").and_then(|rest| rest.strip_suffix("\n\n"));
    assert!(time.is_some_and(|time| time.parse().is_ok_and(|time: u32| time >= 1000)), "{time:?}");
    let told = |line: &String| {
        let (begin, end) = line.split_once(" path=").unwrap_or_default();
        begin.starts_with("refused peer=127.0.0.1:")
            && end == "/events/a reason=\"too many event streams of one peer\""
    };
    until("a line of it", || hub.stderr().iter().any(told));
    let metrics = get(hub.address(), "/metrics");
    for (bound, count) in [("max-connections", 0), ("max-streams", 0), ("max-streams-per-peer", 1)]
    {
        let line = format!("\ntidings_refused_total{{bound=\"{bound}\"}} {count}\n");
        assert!(metrics.text().contains(&line), "{line} in {}", metrics.text());
    }
    drop(first);
    until("the end of the first stream", || {
        get(hub.address(), "/metrics").text().contains("\ntidings_streams 0\n")
    });
    let mut second = open(&hub, "/events/a");
    publish(&hub, "/events/a", "x");
    assert_eq!(second.data(), "x");
}

#[test]
fn the_log_tells_of_streams_on_standard_error() {
    let hub = hub(&["--log"]);
    let mut stream = open(&hub, "/events/a");
    publish(&hub, "/events/a", "x");
    stream.next().unwrap();
    drop(stream);
    until("the stream's end in the log", || {
        let words = ["open peer=127.0.0.1:", "event peer=127.0.0.1:", "close peer=127.0.0.1:"];
        let lines = hub.stderr();
        words.iter().all(|word| lines.iter().any(|line| line.starts_with(word)))
    });
}

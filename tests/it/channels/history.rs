//! The bounds of what a channel keeps: past each of them the oldest events go.

use std::time::Duration;

use tidings::{Channel, History};

use super::following;
use crate::support::stream::{End, EventStream};
use crate::support::until;

/// Publishes numbers, and gives what a client that had none of them but the first is then sent.
fn replayed(history: History, count: usize) -> Vec<String> {
    let channel = Channel::with_history(history);
    let server = following(&channel);
    let first = channel.send("0").unwrap().as_str().to_owned();
    for n in 1..count {
        channel.send(n.to_string()).unwrap();
    }
    let mut stream = EventStream::resume(server.address(), "/events", &first);
    until("the stream", || channel.streams() == 1);
    channel.close();
    let events = std::iter::from_fn(|| stream.next().ok());
    events
        .map(|event| if event.event_type == "message" { event.data } else { "gap".into() })
        .collect()
}

#[test]
fn limit_history_events_past_it_the_oldest_go() {
    assert_eq!(replayed(History::default().events(3), 8), ["gap", "5", "6", "7"]);
    let all = replayed(History::default(), 1_001);
    assert_eq!((all.len(), &*all[0], &*all[999]), (1_000, "1", "1000"));
    let most = replayed(History::default(), 1_002);
    assert_eq!((most.len(), &*most[0], &*most[1]), (1_001, "gap", "2"));
}

#[test]
fn limit_history_bytes_past_it_the_oldest_go() {
    let channel = Channel::new();
    // One after the other fits into a mebibyte, and all together don't.
    for _ in 0..20 {
        channel.send("x".repeat(100_000)).unwrap();
    }
    assert_eq!(channel.kept(), 10);
    channel.send("x".repeat(2_000_000)).unwrap();
    assert_eq!(channel.kept(), 1, "the newest stays, whatever its size");
    assert_eq!(replayed(History::default().bytes(0), 8), ["gap", "7"]);
}

#[test]
fn limit_history_age_past_it_the_oldest_go() {
    let channel = Channel::with_history(History::default().age(Duration::from_secs(1)));
    let server = following(&channel);
    let first = channel.send("first").unwrap().as_str().to_owned();
    channel.send("second").unwrap();
    assert_eq!(channel.kept(), 2);
    until("their age", || channel.kept() == 0);
    channel.send("third").unwrap();
    let mut stream = EventStream::resume(server.address(), "/events", &first);
    let gap = stream.next().unwrap();
    assert_eq!(gap.event_type, "tidings.gap");
    assert!(gap.data.ends_with(r#""missed":1,"reason":"evicted"}"#), "{}", gap.data);
    assert_eq!(stream.data(), "third");
}

#[test]
fn limit_history_age_a_stream_that_begins_is_sent_nothing_that_is_past_it() {
    let channel = Channel::with_history(History::default().age(Duration::from_secs(1)));
    let server = following(&channel);
    let first = channel.send("first").unwrap().as_str().to_owned();
    channel.send("second").unwrap();
    // Nobody looks meanwhile, and nothing is published: only the stream can find that it is old.
    std::thread::sleep(Duration::from_millis(1_100));
    let mut stream = EventStream::resume(server.address(), "/events", &first);
    let gap = stream.next().unwrap();
    assert_eq!(gap.event_type, "tidings.gap");
    assert!(gap.data.ends_with(r#""missed":1,"reason":"evicted"}"#), "{}", gap.data);
    channel.close();
    assert_eq!(stream.next().unwrap_err(), End::Whole);
}

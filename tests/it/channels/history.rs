//! The bounds of what a channel keeps: past each of them the oldest events go.

use std::time::Duration;

use tidings::{Channel, Event, History, Response, Server};

use super::following;
use crate::support::http::post;
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
    let channel = Channel::with_history(History::default().event(2_000_000));
    // One after the other fits into a mebibyte, and all together don't.
    for _ in 0..20 {
        channel.send("x".repeat(100_000)).unwrap();
    }
    assert_eq!(channel.kept(), 10);
    channel.send("x".repeat(1_500_000)).unwrap();
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

/// An event's size is that of its lines, as they go over the wire, but for that of its id.
#[test]
fn limit_history_event_a_larger_one_is_not_published() {
    let exactly = "data: \n\n".len() + 1000;
    let channel = Channel::with_history(History::default().event(exactly));
    let server = following(&channel);
    let mut stream = EventStream::open(server.address(), "/events");
    let id = channel.send("x".repeat(1000)).unwrap();
    let error = channel.send("x".repeat(1001)).unwrap_err();
    assert!(error.is_too_large() && !error.is_closed());
    assert_eq!(
        error.to_string(),
        "the event is too large: it takes 1009 bytes as it is sent, and may take 1008",
    );
    // Each line of the data costs seven bytes more, the first one too; type and time cost theirs.
    channel.send("\n".repeat(142)).unwrap();
    assert!(channel.send("\n".repeat(143)).unwrap_err().is_too_large());
    let typed = |len: usize| ("type", "x".repeat(1000 - "event: type\n".len() + len));
    channel.send(typed(0)).unwrap();
    assert!(channel.send(typed(1)).unwrap_err().is_too_large());
    let timed = |len: usize| {
        let data = "x".repeat(1000 - "retry: 1500\n".len() + len);
        Event::new(data).with_retry(Duration::from_millis(1500))
    };
    let last = channel.send(timed(0)).unwrap();
    assert!(channel.send(timed(1)).unwrap_err().is_too_large());

    // What was refused had no number, so nobody is told of a gap.
    let number = |id: &tidings::EventId| id.as_str().split_once('-').unwrap().1.to_owned();
    assert_eq!((number(&id), number(&last)), ("1".into(), "4".into()));
    let lengths = [(); 4].map(|()| stream.data().len());
    assert_eq!(lengths, [1000, 142, 988, 988]);
    assert!(Channel::new().send("x".repeat(1024 * 1024)).unwrap_err().is_too_large());
    Channel::new().send("x".repeat(1024 * 1024 - "data: \n\n".len())).unwrap();
}

#[test]
fn limit_history_event_a_body_that_makes_a_larger_one_gets_413_from_a_handler_that_passes_it_on() {
    let channel = Channel::with_history(History::default().event("data: \n\n".len() + 10));
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .post("/", move |request| Ok(Response::text(channel.send(request.body_text()?)?)))
        .start()
        .unwrap();
    assert_eq!(post(server.address(), "/", "ten bytes!").status, 200);
    let response = post(server.address(), "/", "eleven byte");
    let said = "413 Content Too Large: the event is too large: it takes 19 bytes as it is sent, \
                and may take 18\n";
    assert_eq!((response.status, response.text()), (413, said));
}

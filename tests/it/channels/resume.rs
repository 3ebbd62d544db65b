//! Coming back: a last event ID is a place in the log.

use tidings::{Channel, Hub};

use super::{following, following_some, keeping};
use crate::support::http::Client;
use crate::support::stream::EventStream;
use crate::support::until;

/// Publishes numbers, and gives their ids.
fn publish(channel: &Channel, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|n| channel.send(n.to_string()).unwrap().as_str().to_owned()).collect()
}

fn gap(stream: &mut EventStream) -> (String, String) {
    let event = stream.next().expect("an event");
    assert_eq!(event.event_type, "tidings.gap");
    (event.last_event_id, event.data)
}

#[test]
fn a_client_that_comes_back_gets_what_it_missed_once_and_then_what_is_new() {
    let channel = Channel::new();
    let server = following(&channel);
    let ids = publish(&channel, 0..10);
    let mut stream = EventStream::resume(server.address(), "/events", &ids[3]);
    until("the stream", || channel.streams() == 1);
    publish(&channel, 10..12);
    for n in 4..12 {
        assert_eq!(stream.data(), n.to_string());
    }
}

#[test]
fn between_replay_and_live_nothing_is_lost_or_doubled() {
    let channel = Channel::new();
    let server = following(&channel);
    let first = publish(&channel, 0..1);
    std::thread::scope(|scope| {
        let publisher = scope.spawn(|| publish(&channel, 1..900));
        // Each of these joins somewhere in the midst of the publishing.
        for _ in 0..20 {
            let mut stream = EventStream::resume(server.address(), "/events", &first[0]);
            for n in 1..900 {
                assert_eq!(stream.data(), n.to_string());
            }
        }
        publisher.join().unwrap();
    });
}

#[test]
fn a_client_that_missed_nothing_gets_what_is_new() {
    let channel = Channel::new();
    let server = following(&channel);
    let ids = publish(&channel, 0..3);
    let mut stream = EventStream::resume(server.address(), "/events", &ids[2]);
    until("the stream", || channel.streams() == 1);
    publish(&channel, 3..4);
    assert_eq!(stream.data(), "3");
}

#[test]
fn a_client_without_an_id_gets_what_is_new() {
    let channel = Channel::new();
    let server = following(&channel);
    publish(&channel, 0..3);
    let mut stream = EventStream::open(server.address(), "/events");
    let mut other = Client::to(server.address());
    other.send("GET /events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID:\r\n\r\n");
    assert_eq!(other.head().status, 200);
    assert!(other.chunk().expect("where it begins").ends_with("-3\n\n"));
    until("the streams", || channel.streams() == 2);
    let ids = publish(&channel, 3..4);
    assert_eq!(stream.data(), "3");
    assert_eq!(other.chunk(), Some(format!("id: {}\ndata: 3\n\n", ids[0])));
}

#[test]
fn one_last_event_id_resumes_several_channels() {
    let hub = Hub::new();
    let server = following_some(&hub);
    let (a, b) = (hub.channel("a"), hub.channel("b"));
    a.send("a1").unwrap();
    let seen = b.send("b2").unwrap();
    a.send("a3").unwrap();
    hub.channel("other").send("o4").unwrap();
    b.send("b5").unwrap();
    let target = "/events?channel=b&channel=a";
    let mut stream = EventStream::resume(server.address(), target, seen.as_str());
    assert_eq!([stream.data(), stream.data()], ["a3", "b5"]);
    a.send("a6").unwrap();
    assert_eq!(stream.data(), "a6");
}

#[test]
fn a_stream_can_start_with_the_newest_events() {
    let hub = Hub::new();
    let server = following_some(&hub);
    for n in 0..10 {
        hub.channel(["a", "b"][n % 2]).send(n.to_string()).unwrap();
    }
    let open = |target: &str| EventStream::open(server.address(), target);
    let mut stream = open("/events?channel=a&channel=b&history=3");
    assert_eq!([stream.data(), stream.data(), stream.data()], ["7", "8", "9"]);
    let mut stream = open("/events?channel=a&history=100");
    let all: Vec<String> = (0..5).map(|_| stream.data()).collect();
    assert_eq!(all, ["0", "2", "4", "6", "8"]);
    let mut stream = open("/events?channel=b&history=0");
    until("the stream", || hub.channel("b").streams() == 2);
    hub.channel("b").send("new").unwrap();
    assert_eq!(stream.data(), "new");
}

#[test]
fn what_was_evicted_meanwhile_is_told_and_then_all_that_is_left_comes() {
    let channel = keeping(3);
    let server = following(&channel);
    let ids = publish(&channel, 0..10);
    let mut stream = EventStream::resume(server.address(), "/events", &ids[1]);
    let (from, to) = (&ids[1], &ids[6]);
    assert_eq!(
        gap(&mut stream),
        (to.clone(), format!(r#"{{"from":"{from}","to":"{to}","missed":5,"reason":"evicted"}}"#),),
    );
    assert_eq!([stream.data(), stream.data(), stream.data()], ["7", "8", "9"]);
}

#[test]
fn an_id_from_before_the_restart_is_told_and_all_that_is_there_comes() {
    let channel = Channel::new();
    let server = following(&channel);
    let ids = publish(&channel, 0..2);
    let epoch = ids[0].split_once('-').unwrap().0;
    let mut stream = EventStream::resume(server.address(), "/events", "abc-7");
    let told = format!(r#"{{"from":"abc-7","to":"{epoch}-0","missed":null,"reason":"restarted"}}"#);
    assert_eq!(gap(&mut stream), (format!("{epoch}-0"), told));
    assert_eq!([stream.data(), stream.data()], ["0", "1"]);
}

#[test]
fn row_29_an_id_that_never_was_one_is_told_and_does_no_harm() {
    let channel = Channel::new();
    let server = following(&channel);
    let ids = publish(&channel, 0..1);
    let epoch = ids[0].split_once('-').unwrap().0.to_owned();
    let from_the_future = format!("{epoch}-99999999999999999999");
    let not_yet = format!("{epoch}-2");
    let quoted = r#"a"b\c"#;
    for (id, from) in [
        ("nonsense", r#""nonsense""#.to_owned()),
        ("-", r#""-""#.to_owned()),
        (&from_the_future, format!("\"{from_the_future}\"")),
        (&not_yet, format!("\"{not_yet}\"")),
        (quoted, r#""a\"b\\c""#.to_owned()),
        (&"9".repeat(1000), "null".to_owned()),
    ] {
        let mut stream = EventStream::resume(server.address(), "/events", id);
        let (_, told) = gap(&mut stream);
        let rest = format!(r#","to":"{epoch}-0","missed":null,"reason":"restarted"}}"#);
        assert_eq!(told, format!(r#"{{"from":{from}{rest}"#), "{id}");
        assert_eq!(stream.data(), "0", "{id}");
    }
}

#[test]
fn a_client_may_resume_from_a_gap_event() {
    let channel = keeping(3);
    let server = following(&channel);
    let ids = publish(&channel, 0..10);
    let mut stream = EventStream::resume(server.address(), "/events", &ids[1]);
    let (id, _) = gap(&mut stream);
    drop(stream);
    let mut stream = EventStream::resume(server.address(), "/events", &id);
    assert_eq!([stream.data(), stream.data(), stream.data()], ["7", "8", "9"]);
}

#[test]
fn a_channel_that_takes_a_forgotten_ones_place_tells_of_the_gap() {
    let hub = Hub::new();
    let server = following_some(&hub);
    let ids = publish(&hub.channel("a"), 0..3);
    assert!(hub.forget("a"));
    publish(&hub.channel("a"), 3..4);
    let mut stream = EventStream::resume(server.address(), "/events?channel=a", &ids[0]);
    let (_, data) = gap(&mut stream);
    assert!(data.contains(r#""missed":null,"reason":"evicted""#), "{data}");
    assert_eq!(stream.data(), "3");
}

#[test]
fn a_client_of_several_channels_that_resumes_from_a_gap_event_is_not_told_again() {
    let hub = Hub::with(tidings::History::default().events(1), tidings::Lag::default());
    let server = following_some(&hub);
    let (a, b) = (hub.channel("a"), hub.channel("b"));
    let first = publish(&a, 0..1).remove(0);
    publish(&a, 1..2);
    publish(&b, 2..3);
    publish(&a, 3..5);
    let target = "/events?channel=a&channel=b";
    let mut stream = EventStream::resume(server.address(), target, &first);
    let (mut id, told) = gap(&mut stream);
    assert!(told.contains("\"reason\":\"evicted\""), "{told}");
    // However often it is cut off before the next event, it has been told, and nothing is lost.
    for _ in 0..3 {
        let mut client = Client::to(server.address());
        let field = format!("Last-Event-ID: {id}\r\n");
        client.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{field}\r\n"));
        client.head();
        let begin = client.chunk().expect("where it begins");
        assert_eq!(begin, format!("id: {id}\n\n"));
        id = begin.trim_start_matches("id: ").trim_end().to_owned();
    }
    let mut stream = EventStream::resume(server.address(), target, &id);
    assert_eq!([stream.data(), stream.data()], ["2", "4"]);
}

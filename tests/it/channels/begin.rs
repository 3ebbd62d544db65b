//! Where a stream begins, as it tells its client in its first chunk: the client resumes from there.

use tidings::{Channel, History, Hub, Limits, Start};

use super::{following, following_some, keeping, site};
use crate::support::http::Client;
use crate::support::stream::EventStream;
use crate::support::{Notes, until};

/// Opens a stream, and gives the id with which it begins; nothing else may stand there.
#[track_caller]
fn begin(client: &mut Client, target: &str) -> String {
    let begin = client.open(target);
    let id = begin.text().strip_prefix("id: ").and_then(|rest| rest.strip_suffix("\n\n"));
    id.unwrap_or_else(|| panic!("not an id alone: {:?}", begin.text())).to_owned()
}

/// Publishes these, and gives the events as they go over the wire.
fn publish(channel: &Channel, data: &[&str]) -> Vec<String> {
    let publish = |data: &&str| {
        let id = channel.send(*data).unwrap();
        format!("id: {id}\ndata: {data}\n\n")
    };
    data.iter().map(publish).collect()
}

#[test]
fn row_41_a_client_cut_off_before_its_first_event_misses_nothing() {
    let channel = Channel::new();
    let server = following(&channel);
    for before in [&[][..], &["before"]] {
        publish(&channel, before);
        let mut first = Client::to(server.address());
        let id = begin(&mut first, "/events");
        drop(first);
        let missed = publish(&channel, &["1"]);
        let mut second = Client::to(server.address());
        let field = format!("Last-Event-ID: {id}\r\n");
        second.send(format!("GET /events HTTP/1.1\r\nHost: localhost\r\n{field}\r\n"));
        second.head();
        assert_eq!(second.chunk(), Some(format!("id: {id}\n\n")), "it begins where it stood");
        assert_eq!(second.chunk().as_ref(), missed.first());
        let new = publish(&channel, &["2"]);
        assert_eq!(second.chunk().as_ref(), new.first());
    }
}

#[test]
fn row_41_whatever_a_stream_begins_with_resuming_there_gives_what_it_was_to_get() {
    for (target, expected) in [
        ("/events?channel=a&channel=b", &["new"][..]),
        ("/events?channel=a&channel=b&history=0", &["new"]),
        ("/events?channel=a&channel=b&history=3", &["1", "3", "4", "new"]),
        ("/events?channel=a&history=9", &["0", "3", "new"]),
        ("/events?channel=b&history=1", &["4"]),
    ] {
        let hub = Hub::new();
        let server = following_some(&hub);
        let (a, b) = (hub.channel("a"), hub.channel("b"));
        for n in 0..6 {
            publish([&a, &b, &hub.channel("other")][n % 3], &[&n.to_string()]);
        }
        let mut client = Client::to(server.address());
        let id = begin(&mut client, target);
        drop(client);
        let mut stream = EventStream::resume(server.address(), target, &id);
        publish(&a, &["new"]);
        let got: Vec<String> = expected.iter().map(|_| stream.data()).collect();
        assert_eq!(got, expected, "{target}");
    }
}

#[test]
fn row_41_what_left_the_log_before_the_client_came_back_is_told() {
    let channel = keeping(1);
    let server = following(&channel);
    let id = begin(&mut Client::to(server.address()), "/events");
    publish(&channel, &["1", "2", "3"]);
    let mut stream = EventStream::resume(server.address(), "/events", &id);
    let gap = stream.next().expect("a gap event");
    assert!(gap.data.contains(r#""missed":2,"reason":"evicted""#), "{}", gap.data);
    assert_eq!(stream.data(), "3");
}

/// The gap event has an id of its own, so no block comes before it.
#[test]
fn row_41_where_events_are_gone_the_gap_event_is_the_first_chunk() {
    let channel = Channel::new();
    let server = following(&channel);
    let kept = publish(&channel, &["kept"]);
    let epoch = kept[0].split(['-', ' ']).nth(1).unwrap().to_owned();
    let mut client = Client::to(server.address());
    client.send("GET /events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: abc-7\r\n\r\n");
    client.head();
    let gap = format!(
        "id: {epoch}-0\nevent: tidings.gap\n\
         data: {{\"from\":\"abc-7\",\"to\":\"{epoch}-0\",\"missed\":null,\"reason\":\"restarted\"}}\n\n",
    );
    assert_eq!(client.chunk(), Some(gap));
    assert_eq!(client.chunk().as_ref(), kept.first());
}

#[test]
fn row_41_a_stream_that_follows_later_says_so_then() {
    let channel = Channel::with_history(History::default());
    let followed = channel.clone();
    let id = Notes::new();
    let noted = id.clone();
    let server = site(Limits::default())
        .sse("/events", move |stream, _request| {
            stream.send("first")?;
            noted.add(followed.send("before")?);
            stream.follow([&followed], Start::Live)
        })
        .start()
        .unwrap();
    let mut client = Client::to(server.address());
    assert_eq!(client.open("/events").text(), ":\n");
    assert_eq!(client.chunk().as_deref(), Some("data: first\n\n"));
    assert_eq!(client.chunk(), Some(format!("id: {}\n\n", id.first())));
    until("the stream", || channel.streams() == 1);
    let live = publish(&channel, &["live"]);
    assert_eq!(client.chunk().as_ref(), live.first());
}

//! Streams of channels that are closed: they get what there is, once, and then stay away.

use tidings::client::{EventSource, Update};
use tidings::{Channel, CloseReason, EventId, Hub, Limits, Running, Start};

use super::{following_some, keeping, site};
use crate::support::http::Client;
use crate::support::stream::{End, EventStream};
use crate::support::{Gate, Notes, until};

/// A channel with three events that is closed, and their ids.
fn closed() -> (Channel, [String; 3]) {
    let channel = Channel::new();
    let ids = ["a", "b", "c"].map(|data| channel.send(data).unwrap().as_str().to_owned());
    channel.close();
    (channel, ids)
}

/// A server whose `/events` follows the channel after the client's id, or else from here, and what
/// is told of the ends of its streams.
fn starting(channel: &Channel, start: Start<'static>) -> (Running, Notes<CloseReason>) {
    let (followed, ends) = (channel.clone(), Notes::new());
    let noted = ends.clone();
    let handler = move |stream: tidings::SseWriter, _: &tidings::Request| {
        let ends = noted.clone();
        stream.on_close(move |reason| ends.add(reason));
        stream.subscribe_from(&followed, start)
    };
    (site(Limits::default()).sse("/events", handler).start().unwrap(), ends)
}

fn ask(server: &Running, field: &str) -> Client {
    let mut client = Client::to(server.address());
    client.send(format!("GET /events HTTP/1.1\r\nHost: localhost\r\n{field}\r\n"));
    client
}

fn chunk(content: &str) -> String {
    format!("{:x}\r\n{content}\r\n", content.len())
}

#[test]
fn a_stream_of_a_closed_channel_is_sent_what_comes_after_its_start_and_its_last_chunk() {
    let (channel, [a, b, c]) = closed();
    let before_a = a.replace("-1", "-0");
    let all = [(&a, "a"), (&b, "b"), (&c, "c")];
    for (start, field, begin, events) in [
        (Start::Newest(9), String::new(), &before_a, &all[..]),
        (Start::Newest(2), String::new(), &a, &all[1..]),
        (Start::Live, format!("Last-Event-ID: {a}\r\n"), &a, &all[1..]),
        (Start::Newest(9), format!("Last-Event-ID: {b}\r\n"), &b, &all[2..]),
    ] {
        let (server, ends) = starting(&channel, start);
        let mut client = ask(&server, &field);
        assert_eq!(client.head().status, 200);
        let mut expected = chunk(&format!("id: {begin}\n\n"));
        for (id, data) in events {
            expected += &chunk(&format!("id: {id}\ndata: {data}\n\n"));
        }
        assert_eq!(client.rest(), expected + "0\r\n\r\n", "{start:?} {field}");
        assert_eq!((ends.first(), channel.streams()), (CloseReason::Channel, 0));
    }
}

#[test]
fn a_client_that_has_everything_of_a_closed_channel_gets_204_and_nothing_else() {
    let (channel, [.., c]) = closed();
    let empty = Channel::new();
    empty.close();
    for (channel, start, field) in [
        (&channel, Start::Newest(9), format!("Last-Event-ID: {c}\r\n")),
        (&channel, Start::Live, String::new()),
        (&channel, Start::Newest(0), String::new()),
        (&empty, Start::Newest(9), String::new()),
    ] {
        let (server, ends) = starting(channel, start);
        let mut client = ask(&server, &field);
        let head = client.head();
        assert_eq!(head.status, 204, "{start:?} {field}");
        let fields: Vec<&str> = head.fields.iter().map(String::as_str).collect();
        assert!(fields[0].starts_with("Date: "));
        assert_eq!(
            fields[1..],
            [
                "Content-Type: text/event-stream",
                "Cache-Control: no-cache, no-transform",
                "X-Accel-Buffering: no",
                "X-Content-Type-Options: nosniff",
                "Connection: close",
            ],
        );
        assert_eq!(client.rest(), "");
        assert_eq!(ends.first(), CloseReason::Channel);
        assert_eq!((channel.streams(), server.stats().streams), (0, 0));
    }
}

#[test]
fn an_id_that_a_closed_channel_does_not_know_is_told_and_gets_everything() {
    let (channel, [a, _, c]) = closed();
    let (server, _) = starting(&channel, Start::Live);
    let mut client = ask(&server, "Last-Event-ID: elsewhere\r\n");
    assert_eq!(client.head().status, 200);
    let begin = a.replace("-1", "-0");
    let data =
        format!(r#"{{"from":"elsewhere","to":"{begin}","missed":null,"reason":"restarted"}}"#);
    let gap = format!("id: {begin}\nevent: tidings.gap\ndata: {data}\n\n");
    assert_eq!(client.chunk(), Some(gap));
    assert_eq!(client.chunk(), Some(format!("id: {a}\ndata: a\n\n")));
    assert!(client.rest().ends_with(&(chunk(&format!("id: {c}\ndata: c\n\n")) + "0\r\n\r\n")));
}

#[test]
fn a_stream_that_is_open_already_ends_where_a_channel_has_no_more_for_it() {
    let (channel, [.., c]) = closed();
    let server = site(Limits::default())
        .sse("/events", move |stream, _request| {
            stream.send("first")?;
            stream.follow([&channel], Start::Live)
        })
        .start()
        .unwrap();
    let mut client = Client::to(server.address());
    client.open("/events");
    assert_eq!(
        client.rest(),
        chunk("data: first\n\n") + &chunk(&format!("id: {c}\n\n")) + "0\r\n\r\n"
    );
}

#[test]
fn what_is_gone_from_a_closed_channel_is_told_before_its_end() {
    let channel = keeping(1);
    let ids = [(); 3].map(|()| channel.send("x").unwrap().as_str().to_owned());
    channel.close();
    let (server, _) = starting(&channel, Start::Live);
    let mut stream = EventStream::resume(server.address(), "/events", &ids[0]);
    let gap = stream.next().expect("a gap event");
    assert!(gap.data.contains(r#""missed":1,"reason":"evicted""#), "{}", gap.data);
    assert_eq!(stream.next().expect("the last").last_event_id, ids[2]);
    assert_eq!(stream.next().unwrap_err(), End::Whole);
}

#[test]
fn a_stream_of_several_channels_ends_when_the_last_of_them_is_closed() {
    let hub = Hub::new();
    let server = following_some(&hub);
    let [a, b] = ["a", "b"].map(|name| hub.channel(name));
    let target = "/events?channel=a&channel=b";
    let mut before = EventStream::open(server.address(), target);
    until("the stream", || a.streams() == 1 && b.streams() == 1);
    a.send("of a").unwrap();
    a.close();
    let mut after = EventStream::open(server.address(), &format!("{target}&history=9"));
    until("the other stream", || b.streams() == 2);
    b.send("of b").unwrap();
    assert_eq!((a.streams(), b.streams()), (2, 2));
    b.close();
    for stream in [&mut before, &mut after] {
        assert_eq!([stream.data(), stream.data()], ["of a", "of b"]);
        assert_eq!(stream.next().unwrap_err(), End::Whole);
    }
    assert_eq!((a.streams(), b.streams()), (0, 0));
}

/// Both closers come to the streams at once; one of them at least has to find that it is the last.
#[test]
fn channels_that_are_closed_at_once_end_their_streams() {
    for _ in 0..20 {
        let hub = Hub::new();
        let server = following_some(&hub);
        let channels = ["a", "b"].map(|name| hub.channel(name));
        let mut streams: Vec<EventStream> = (0..5)
            .map(|_| EventStream::open(server.address(), "/events?channel=a&channel=b"))
            .collect();
        until("the streams", || channels.iter().all(|channel| channel.streams() == 5));
        std::thread::scope(|scope| {
            channels.iter().for_each(|channel| drop(scope.spawn(|| channel.close())));
        });
        streams.iter_mut().for_each(|stream| assert_eq!(stream.end(), End::Whole));
    }
}

#[test]
fn a_client_that_saw_the_end_of_a_channel_comes_back_once_and_stays_away() {
    let (channel, _) = closed();
    let (server, ends) = starting(&channel, Start::Newest(9));
    let url = format!("http://{}/events", server.address());
    let mut source = EventSource::new(&url).unwrap();
    let mut data = String::new();
    while let Some(update) = source.next_update() {
        match update.unwrap() {
            Update::Event(event) => data += &event.data,
            Update::Stopped => break,
            _ => {}
        }
    }
    assert_eq!(data, "abc");
    until("both ends", || ends.len() == 2);
    assert_eq!(server.stats().requests, 2);
}

#[test]
fn a_job_ends_its_channel_whatever_comes_of_it() {
    let ends: [fn() -> tidings::Result<&'static str>; 3] = [
        || Ok("this counts for nothing"),
        || Err(tidings::Error::other("the program has ended")),
        || panic!("on purpose"),
    ];
    for end in ends {
        let (job, gate) = (Channel::new(), Gate::default());
        let (server, reasons) = starting(&job, Start::Newest(9));
        let passed = gate.clone();
        job.spawn(move |job| {
            passed.pass();
            job.send(("percent", 50))?;
            end()
        })
        .unwrap();
        let mut client = ask(&server, "");
        assert_eq!(client.head().status, 200);
        until("the stream", || job.streams() == 1);
        gate.open();
        assert!(client.chunk().expect("where it begins").starts_with("id: "));
        let event = client.chunk().expect("an event");
        assert!(event.ends_with("event: percent\ndata: 50\n\n"), "{event}");
        assert_eq!(client.rest(), "0\r\n\r\n");
        assert_eq!((reasons.first(), job.is_closed()), (CloseReason::Channel, true));
        assert!(job.spawn(|_| Ok(())).unwrap_err().is_channel_closed());
    }
}

#[cfg(feature = "journal")]
#[test]
fn what_a_closed_channel_has_in_its_journal_alone_comes_before_the_end() {
    use tidings::{History, Lag};
    let folder = super::past::Folder::new("closed");
    let hub = folder.hub(History::default().events(5), Lag::Skip, 1 << 30);
    let server = following_some(&hub);
    let channel = hub.channel("a");
    let ids: Vec<EventId> = (0..300).map(|n| channel.send(n.to_string()).unwrap()).collect();
    let mut live = EventStream::open(server.address(), "/events?channel=a&history=1");
    until("the stream", || channel.streams() == 1);
    channel.close();
    for from in [1, 294, 295, 299] {
        let target = "/events?channel=a";
        let mut stream = EventStream::resume(server.address(), target, ids[from - 1].as_str());
        for id in &ids[from..] {
            assert_eq!(stream.next().expect("an event").last_event_id, id.as_str());
        }
        assert_eq!(stream.next().unwrap_err(), End::Whole, "{from}");
    }
    assert_eq!(live.data(), "299");
    assert_eq!(live.next().unwrap_err(), End::Whole);
    let mut client = Client::to(server.address());
    let field = format!("Last-Event-ID: {}\r\n", ids[299]);
    client.send(format!("GET /events?channel=a HTTP/1.1\r\nHost: localhost\r\n{field}\r\n"));
    assert_eq!(client.response().status, 204);
}

/// What the journal has of other channels may lie between its id and the end.
#[cfg(feature = "journal")]
#[test]
fn a_client_for_whom_the_journal_has_nothing_of_a_closed_channel_comes_back_once() {
    use tidings::{History, Lag};
    let folder = super::past::Folder::new("closed-without");
    let hub = folder.hub(History::default(), Lag::Skip, 1 << 30);
    let server = following_some(&hub);
    let id = hub.channel("a").send("of a").unwrap();
    (0..3_000).for_each(|n| drop(hub.channel("b").send(n.to_string().repeat(50)).unwrap()));
    // The new one knows nothing of what the journal has.
    assert!(hub.forget("a"));
    hub.channel("a").close();
    let mut id = id.as_str().to_owned();
    let statuses = [200, 204].map(|status| {
        let mut client = Client::to(server.address());
        let field = format!("Last-Event-ID: {id}\r\n");
        client.send(format!("GET /events?channel=a HTTP/1.1\r\nHost: localhost\r\n{field}\r\n"));
        let head = client.head();
        let rest = client.rest();
        let last = rest.lines().filter_map(|line| line.strip_prefix("id: ")).next_back();
        id = last.unwrap_or(&id).to_owned();
        assert!(!rest.contains("data") && (head.status != 200 || rest.ends_with("0\r\n\r\n")));
        (head.status, status)
    });
    assert_eq!(statuses, [(200, 200), (204, 204)]);
}

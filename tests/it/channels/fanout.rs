//! Every stream gets every event, once and in order.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidings::{Channel, Hub, Limits};

use super::{following, following_some, site};
use crate::support::http::{Client, connect};
use crate::support::stream::{End, EventStream};
use crate::support::until;

#[test]
fn a_hundred_streams_get_every_event_of_two_publishers_once_and_in_order() {
    const EACH: usize = 200;
    let channel = Channel::new();
    let server = following(&channel);
    let mut streams: Vec<EventStream> =
        (0..100).map(|_| EventStream::open(server.address(), "/events")).collect();
    until("all streams", || channel.streams() == 100);

    std::thread::scope(|scope| {
        for publisher in ["a", "b"] {
            let channel = &channel;
            scope.spawn(move || {
                for n in 0..EACH {
                    channel.send((publisher, n.to_string())).unwrap();
                }
            });
        }
    });
    let mut all: Option<Vec<(String, String, String)>> = None;
    for stream in &mut streams {
        let got: Vec<_> = (0..2 * EACH)
            .map(|_| stream.next().expect("an event"))
            .map(|event| (event.last_event_id, event.event_type, event.data))
            .collect();
        let mut counts = HashMap::<&str, usize>::new();
        for (n, (id, publisher, data)) in got.iter().enumerate() {
            assert!(id.ends_with(&format!("-{}", n + 1)), "{id} is number {n}");
            let count = counts.entry(publisher).or_default();
            assert_eq!(*data, count.to_string());
            *count += 1;
        }
        // And all streams see the two publishers in the same order.
        assert_eq!(all.get_or_insert_with(|| got.clone()), &got);
    }
    channel.close();
    for stream in &mut streams {
        assert_eq!(stream.next().unwrap_err(), End::Whole);
    }
}

#[test]
fn streams_come_and_go_while_publishers_never_rest() {
    let channel = Channel::new();
    let server = following(&channel);
    let readers: Vec<EventStream> =
        (0..50).map(|_| EventStream::open(server.address(), "/events")).collect();
    until("all streams", || channel.streams() == readers.len());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _over = Finally(|| over.store(true, Ordering::Relaxed));
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    channel.send("an event").unwrap();
                }
            });
        }
        for _ in 0..20 {
            let mut guest = EventStream::open(server.address(), "/events");
            // Or, where it came slowly, that it has missed some.
            guest.next().expect("an event");
            drop(guest);
            until("its end", || channel.streams() == readers.len());
        }
    });
}

/// Does something when it is dropped, also where a test fails.
struct Finally<F: Fn()>(F);

impl<F: Fn()> Drop for Finally<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn an_event_goes_out_as_one_chunk_with_its_id() {
    let channel = Channel::new();
    let server = following(&channel);
    let mut stream = Client::to(server.address());
    stream.open("/events");
    until("the stream", || channel.streams() == 1);
    let id = channel.send(("7", "type", "two\nlines")).unwrap();
    let id = id.as_str();
    assert_eq!(
        stream.chunk().unwrap(),
        format!("id: {id}\nevent: type\ndata: two\ndata: lines\n\n"),
    );
}

#[test]
fn row_27_a_subscriber_of_http_1_0_gets_the_same_bytes_unframed() {
    let channel = Channel::new();
    let server = following(&channel);
    let mut framed = Client::to(server.address());
    let begin = framed.open("/events");
    let mut plain = Client::to(server.address());
    plain.send("GET /events HTTP/1.0\r\n\r\n");
    until("both streams", || channel.streams() == 2);
    for n in 0..50 {
        channel.send(("type", format!("{n}\nmore"))).unwrap();
    }
    channel.close();
    let plain = plain.rest();
    let (head, content) = plain.split_once("\r\n\r\n").unwrap();
    assert!(!head.contains("Transfer-Encoding") && head.contains("Connection: close"), "{head}");
    let framed =
        begin.text().to_owned() + &std::iter::from_fn(|| framed.chunk()).collect::<String>();
    assert_eq!(content, framed);
    assert_eq!(content.matches("event: type\n").count(), 50);
}

#[test]
fn what_a_stream_is_sent_alone_never_mixes_with_its_channel() {
    const EACH: usize = 2000;
    let channel = Channel::new();
    let followed = channel.clone();
    let server = site(Limits::default())
        .sse("/events", move |stream, _request| {
            stream.subscribe(&followed)?;
            for n in 0..EACH {
                stream.send(("own", format!("{n} {}", "o".repeat(n % 300))))?;
            }
            stream.send(("own", "done"))
        })
        .start()
        .unwrap();
    let mut stream = Client::to(server.address());
    stream.open("/events");
    until("the stream", || channel.streams() == 1);
    std::thread::scope(|scope| {
        let channel = &channel;
        scope.spawn(move || {
            // Fewer than the channel keeps, so that none is missed.
            for n in 0..900 {
                channel.send(("shared", format!("{n} {}", "s".repeat(n % 300)))).unwrap();
            }
            channel.send(("shared", "done")).unwrap();
        });
        let (mut own, mut shared, mut done) = (0, 0, 0);
        while done < 2 {
            // Each chunk is whole events, and nothing of another's.
            let chunk = stream.chunk().expect("a chunk");
            assert!(chunk.ends_with("\n\n"), "{chunk:?}");
            for event in chunk.split_terminator("\n\n") {
                let (kind, data) = event.split_once("\ndata: ").expect("data");
                let (count, letter) = match kind {
                    "event: own" => (&mut own, "o"),
                    _ if kind.ends_with("\nevent: shared") => (&mut shared, "s"),
                    _ => panic!("{event:?}"),
                };
                if data == "done" {
                    done += 1;
                } else {
                    assert_eq!(data, format!("{count} {}", letter.repeat(*count % 300)));
                    *count += 1;
                }
            }
        }
        assert_eq!((own, shared), (EACH, 900));
    });
}

#[test]
fn several_channels_of_a_hub_come_in_one_order() {
    let hub = Hub::new();
    let server = following_some(&hub);
    let mut stream = EventStream::open(server.address(), "/events?channel=a&channel=b&channel=a");
    until("the stream", || hub.channel("a").streams() == 1 && hub.channel("b").streams() == 1);
    let mut ids = Vec::new();
    for n in 0..100 {
        let name = ["a", "b", "other"][n % 3];
        let id = hub.channel(name).send((name, n.to_string())).unwrap();
        if name != "other" {
            ids.push((id.as_str().to_owned(), name.to_owned(), n.to_string()));
        }
    }
    for sent in ids {
        let event = stream.next().unwrap();
        assert_eq!((event.last_event_id, event.event_type, event.data), sent);
    }
}

#[test]
fn the_streams_of_two_servers_may_follow_one_channel() {
    let channel = Channel::new();
    let (first, second) = (following(&channel), following(&channel));
    let mut streams =
        [first.address(), second.address()].map(|address| EventStream::open(address, "/events"));
    until("both", || channel.streams() == 2);
    channel.send("one").unwrap();
    for stream in &mut streams {
        assert_eq!(stream.data(), "one");
    }
    let [stays, _goes] = streams;
    let mut stays = stays;
    drop(_goes);
    drop(second);
    until("one to go", || channel.streams() == 1);
    channel.send("two").unwrap();
    assert_eq!(stays.data(), "two");
}

#[test]
fn row_27_head_subscribes_nobody() {
    let channel = Channel::new();
    let server = following(&channel);
    let mut socket = connect(server.address());
    socket.write_all(b"HEAD /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut head = String::new();
    socket.read_to_string(&mut head).unwrap();
    assert!(head.ends_with("\r\n\r\n"), "{head}");
    assert_eq!((channel.streams(), server.stats().streams_begun), (0, 0));
}

#[test]
fn one_ticker_serves_all_streams_of_a_channel_until_it_is_dropped() {
    let channel = Channel::new();
    let server = following(&channel);
    let mut streams: Vec<EventStream> =
        (0..10).map(|_| EventStream::open(server.address(), "/events")).collect();
    until("the streams", || channel.streams() == 10);
    let mut count = 0;
    let ticker = channel
        .interval(Duration::from_millis(5), move |channel| {
            count += 1;
            channel.send(count.to_string())
        })
        .unwrap();
    for stream in &mut streams {
        for n in 1..=5 {
            assert_eq!(stream.data(), n.to_string());
        }
    }
    drop(ticker);
    let published = channel.published();
    channel.send("the end").unwrap();
    assert_eq!(channel.published(), published + 1, "nothing ticks any more");
}

#[test]
fn a_ticker_ends_with_its_channel() {
    let channel = Channel::new();
    let held = Arc::new(());
    let kept = Arc::clone(&held);
    let tick = move |channel: &Channel| {
        let _kept = &kept;
        channel.send("")
    };
    channel.every(Duration::from_millis(1), tick).unwrap();
    until("a few ticks", || channel.published() > 2);
    channel.close();
    until("the end of its thread", || Arc::strong_count(&held) == 1);
    let error = channel.every(Duration::from_millis(1), |_channel| Ok(())).unwrap_err();
    assert!(error.is_channel_closed(), "{error}");
}

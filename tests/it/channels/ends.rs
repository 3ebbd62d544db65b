//! Channels that are closed, subscriptions that are refused, servers that stop.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tidings::{Channel, CloseReason, History, Limits, Reply, SseWriter, Start};

use super::{following, site};
use crate::support::http::{Client, retry_behind};
use crate::support::stream::{End, EventStream};
use crate::support::{Gate, Notes, until};

fn open(address: SocketAddr) -> Client {
    let mut client = Client::to(address);
    client.open("/events");
    client
}

#[test]
fn row_28_a_channel_that_closes_ends_its_streams_behind_all_that_was_published() {
    let channel = Channel::new();
    let server = following(&channel);
    let mut streams: Vec<Client> = (0..10).map(|_| open(server.address())).collect();
    until("the streams", || channel.streams() == 10);
    let published = (0..500).map(|n| {
        let id = channel.send(n.to_string()).unwrap();
        format!("id: {}\ndata: {n}\n\n", id.as_str())
    });
    let published: String = published.collect();
    channel.close();
    assert_eq!(channel.streams(), 0);
    for stream in &mut streams {
        let content: String = std::iter::from_fn(|| stream.chunk()).collect();
        assert_eq!(content, published);
        assert_eq!(stream.rest(), "", "nothing comes behind the last chunk");
    }
    let error = channel.send("too late").unwrap_err();
    assert!(error.is_channel_closed() && !error.is_closed());
    assert_eq!(error.to_string(), "the channel is closed");
}

/// What a reader gets that begins to read when its channel has been closed: how many events, and
/// whether the stream was whole.
fn read_after_the_close(limits: Limits) -> (usize, End) {
    let channel = Channel::with_history(History::default().bytes(100 * 1024 * 1024));
    let followed = channel.clone();
    let server = site(limits)
        .sse("/events", move |stream, _request| stream.subscribe(&followed))
        .start()
        .unwrap();
    let mut stream = EventStream::open(server.address(), "/events");
    until("the stream", || channel.streams() == 1);
    for n in 0..MANY {
        channel.send(format!("{n:06}{}", "x".repeat(100_000))).unwrap();
    }
    channel.close();
    let mut next = 0;
    loop {
        match stream.next() {
            Ok(event) => assert_eq!(event.data[..6], format!("{next:06}")),
            Err(end) => return (next, end),
        }
        next += 1;
    }
}

/// With 100 KB each, more than the buffers of both systems hold.
const MANY: usize = 150;

#[test]
fn row_28_a_slow_reader_gets_all_that_was_published_before_the_close() {
    for unsent in [1, 100 * 1024 * 1024] {
        let limits = Limits::default().unsent(unsent);
        assert_eq!(read_after_the_close(limits), (MANY, End::Whole), "{unsent}");
    }
}

#[test]
fn limit_write_deadline_a_reader_that_stops_does_not_keep_a_stream_of_a_closed_channel() {
    let channel = Channel::with_history(History::default().bytes(100 * 1024 * 1024));
    let (followed, ends) = (channel.clone(), Notes::new());
    let noted = ends.clone();
    let server = site(Limits::default().write_deadline(Duration::from_millis(300)))
        .sse("/events", move |stream, _request| {
            let ends = noted.clone();
            stream.on_close(move |reason| ends.add(reason));
            stream.subscribe(&followed)
        })
        .start()
        .unwrap();
    let stream = EventStream::open(server.address(), "/events");
    until("the stream", || channel.streams() == 1);
    for _ in 0..MANY {
        channel.send("x".repeat(100_000)).unwrap();
    }
    channel.close();
    assert_eq!(ends.first(), CloseReason::Stalled);
    assert_eq!(channel.streams(), 0);
    drop(stream);
}

#[test]
fn row_28_where_nothing_waits_an_event_larger_than_the_limit_goes_out_before_the_close() {
    let channel = Channel::new();
    let followed = channel.clone();
    let server = site(Limits::default().unsent(1))
        .sse("/events", move |stream, _request| stream.subscribe(&followed))
        .start()
        .unwrap();
    let mut streams: Vec<EventStream> =
        (0..20).map(|_| EventStream::open(server.address(), "/events")).collect();
    until("the streams", || channel.streams() == 20);
    // So fast that some is left to the fan-out threads, and then to the end; and so little that no
    // socket is ever full.
    for n in 0..30 {
        channel.send(format!("{n}{}", "x".repeat(1_000))).unwrap();
    }
    channel.close();
    for stream in &mut streams {
        for n in 0..30 {
            assert!(stream.data().starts_with(&n.to_string()));
        }
        assert_eq!(stream.next().unwrap_err(), End::Whole);
    }
}

#[test]
fn a_stream_follows_channels_once_and_of_one_hub() {
    let said = Notes::new();
    let noted = said.clone();
    let (a, b) = (Channel::new(), Channel::new());
    let server = site(Limits::default())
        .sse("/events", move |stream, _request| {
            let none = stream.follow::<[Channel; 0]>([], Start::Live).unwrap_err();
            let two_hubs = stream.follow([&a, &b], Start::Live).unwrap_err();
            stream.subscribe(&a)?;
            let twice = stream.subscribe(&a).unwrap_err();
            let another = stream.subscribe(&b).unwrap_err();
            for error in [none, two_hubs, twice, another] {
                assert!(error.is_invalid());
                noted.add(error.to_string());
            }
            a.send("it follows the first all the same")?;
            Ok(())
        })
        .start()
        .unwrap();
    let mut stream = EventStream::open(server.address(), "/events");
    assert_eq!(stream.data(), "it follows the first all the same");
    assert_eq!(
        said.all(),
        [
            "a stream must follow at least one channel",
            "a stream can only follow channels of one hub, as others have another order",
            "the stream follows channels already: name them all in one call of `follow`",
            "the stream follows channels already: name them all in one call of `follow`",
        ],
    );
}

#[test]
fn row_31_a_client_that_goes_leaves_its_channels() {
    let channel = Channel::new();
    let server = following(&channel);
    let streams: Vec<EventStream> =
        (0..50).map(|_| EventStream::open(server.address(), "/events")).collect();
    until("the streams", || channel.streams() == 50);
    drop(streams);
    until("their ends", || channel.streams() == 0 && server.stats().connections == 0);
    channel.send("nobody is there, and nothing breaks").unwrap();
}

#[test]
fn row_39_a_server_that_stops_ends_its_followers_well_with_a_jittered_retry() {
    let channel = Channel::new();
    let server = following(&channel);
    let address = server.address();
    let readers: Vec<_> = (0..10)
        .map(|_| {
            let mut stream = open(address);
            std::thread::spawn(move || stream.rest())
        })
        .collect();
    until("the streams", || channel.streams() == 10);
    let id = channel.send("the last").unwrap();
    let event = format!("id: {}\ndata: the last\n\n", id.as_str());
    let before = format!("{:x}\r\n{event}\r\n", event.len());
    let handle = server.handle();
    server.stop().expect("all threads ended");
    assert_eq!((channel.streams(), handle.stats().streams), (0, 0));
    let mut times = Vec::new();
    for reader in readers {
        times.push(retry_behind(&before, &reader.join().unwrap()));
    }
    assert!(times.iter().all(|time| (2000..=4000).contains(time)), "{times:?}");
    times.dedup();
    assert!(times.len() > 1, "not all at the same time: {times:?}");
    channel.send("the channel goes on without its server").unwrap();
}

#[test]
fn row_39_a_stream_that_begins_while_its_server_stops_does_not_outlive_it() {
    let gate = Gate::default();
    let (before, within) = (gate.clone(), gate.clone());
    let tick = |stream: &SseWriter| stream.send("tick");
    let often = Duration::from_millis(5);
    let server = site(Limits::default())
        .get("/before", move |_request| {
            before.pass();
            Ok(Reply::event_stream(move |stream| stream.every(often, tick)))
        })
        .sse("/within", move |stream, _request| {
            within.pass();
            stream.every(often, tick)
        })
        .start()
        .unwrap();
    let mut clients = ["/before", "/within"].map(|target| {
        let mut client = Client::to(server.address());
        client.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        client
    });
    until("the requests", || server.stats().requests == 2 && server.stats().streams == 1);
    let handle = server.handle();
    handle.stop();
    until("the listener's end", || TcpStream::connect(handle.address()).is_err());
    until("the stream's end", || handle.stats().streams == 0);
    gate.open();
    clients.iter_mut().for_each(|client| drop(client.rest()));
    drop(clients);
    server.stop().expect("all threads ended");
    assert_eq!(handle.stats().intervals, 0);
}

//! What hooks are told of a stream: in order, each once, and as much as went out.

use std::collections::HashMap;
use std::net::Shutdown;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use tidings::{Channel, CloseReason, History, Hooks, Limits, Peer, Running, Server, StreamInfo};

use crate::support::http::Client;
use crate::support::{Notes, until};

/// What was told of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Opened,
    Events(usize, usize),
    Closed(CloseReason, u64),
}

#[derive(Clone, Default)]
struct Record(std::sync::Arc<Mutex<HashMap<Peer, Vec<Told>>>>);

impl Record {
    fn note(&self, stream: &StreamInfo<'_>, told: Told) {
        self.0.lock().unwrap().entry(stream.peer).or_default().push(told);
    }

    /// Everything that was told of a stream, once its end has been.
    #[track_caller]
    fn of(&self, peer: Peer) -> Vec<Told> {
        let told = || self.0.lock().unwrap().get(&peer).cloned().unwrap_or_default();
        until("the end", || told().iter().any(|told| matches!(told, Told::Closed(..))));
        told()
    }
}

impl Hooks for Record {
    fn opened(&self, stream: &StreamInfo<'_>) {
        self.note(stream, Told::Opened);
    }

    fn event(&self, stream: &StreamInfo<'_>, events: usize, bytes: usize) {
        self.note(stream, Told::Events(events, bytes));
    }

    fn closed(&self, stream: &StreamInfo<'_>, reason: CloseReason) {
        self.note(stream, Told::Closed(reason, stream.bytes));
    }
}

/// A server whose `/sse` follows the channel, and sends events of its own beside.
fn serve(channel: &Channel, hooks: impl Hooks, own: usize) -> Running {
    let followed = channel.clone();
    Server::bind("127.0.0.1:0")
        .unwrap()
        .limits(Limits::default().unsent(100 * 1024 * 1024))
        .hooks(hooks)
        .sse("/sse", move |stream, _request| {
            stream.subscribe(&followed)?;
            thread::spawn(move || {
                for n in 0..own {
                    // Until its end, which may come at any time.
                    let _ = stream.send(("own", "o".repeat(n * 7 % 5000)));
                    let _ = stream.comment("is no event");
                }
            });
            Ok(())
        })
        .start()
        .unwrap()
}

/// How many events came, how many bytes their chunks had, and how many bytes came in all.
fn count(rest: &str) -> (usize, usize, u64) {
    let (_, mut body) = rest.split_once("\r\n\r\n").expect("a head");
    let (mut events, mut bytes) = (0, 0);
    while let Some((size, after)) = body.split_once("\r\n") {
        let len = usize::from_str_radix(size, 16).expect("a size");
        let Some(content) = after.get(..len) else { break };
        if content.contains("\ndata: ") {
            events += 1;
            bytes += size.len() + 2 + len + 2;
        }
        body = after.get(len + 2..).unwrap_or_default();
    }
    (events, bytes, rest.len() as u64)
}

#[test]
fn row_51_hooks_come_in_order_and_add_up_to_what_the_client_got() {
    let history = History::default().bytes(100 * 1024 * 1024);
    let channel = Channel::with_history(history);
    let record = Record::default();
    let server = serve(&channel, std::sync::Arc::new(record.clone()), 300);
    // Some read at once, others when it is over, and their streams are cut within events.
    let readers: Vec<_> = (0..8)
        .map(|n| {
            let mut client = Client::to(server.address());
            client.send("GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n");
            let peer = Peer::Tcp(client.socket().local_addr().unwrap());
            let channel = channel.clone();
            (
                peer,
                thread::spawn(move || {
                    if n % 2 == 0 {
                        until("the end", || channel.is_closed());
                    }
                    client.rest()
                }),
            )
        })
        .collect();
    until("the streams", || channel.streams() == readers.len());
    // Many times what the buffers of both systems hold; the last is larger than a batch.
    for n in 0..400 {
        channel.send(("shared", "s".repeat(n * 211 % 90_000))).unwrap();
    }
    channel.close();
    for (peer, reader) in readers {
        let (events, bytes, all) = count(&reader.join().unwrap());
        assert!(events >= 400, "{events}");
        let told = record.of(peer);
        assert_eq!(told.first(), Some(&Told::Opened));
        assert_eq!(told.last(), Some(&Told::Closed(CloseReason::Channel, all)));
        let (mut told_events, mut told_bytes) = (0, 0);
        for told in &told[1..told.len() - 1] {
            let Told::Events(events, bytes) = told else { panic!("{told:?} in between") };
            told_events += events;
            told_bytes += bytes;
        }
        assert_eq!((told_events, told_bytes), (events, bytes));
    }
}

/// Ends the stream while its opening is being told, and takes its time.
struct EndsWhileOpened(Channel, Notes<&'static str>);

impl Hooks for EndsWhileOpened {
    fn opened(&self, _stream: &StreamInfo<'_>) {
        self.0.close();
        // A worker would tell of the end in this time.
        thread::sleep(Duration::from_millis(100));
        self.1.add("opened");
    }

    fn closed(&self, _stream: &StreamInfo<'_>, _reason: CloseReason) {
        self.1.add("closed");
    }
}

#[test]
fn row_51_the_end_is_told_after_the_opening_however_soon_it_comes() {
    let channel = Channel::new();
    let told = Notes::new();
    let server = serve(&channel, EndsWhileOpened(channel.clone(), told.clone()), 0);
    let mut client = Client::to(server.address());
    client.open("/sse");
    assert_eq!(client.rest(), "0\r\n\r\n");
    until("both", || told.len() == 2);
    assert_eq!(told.all(), ["opened", "closed"]);
}

#[test]
fn row_51_a_stream_that_never_opened_is_not_told_of() {
    let record = Record::default();
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .hooks(record.clone())
        .sse("/sse", |_stream, _request| Err::<(), _>(tidings::Error::other("on purpose")))
        .start()
        .unwrap();
    let mut client = Client::to(server.address());
    client.send("GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(client.response().status, 500);
    client.socket().shutdown(Shutdown::Both).unwrap();
    server.stop().unwrap();
    assert!(record.0.lock().unwrap().is_empty());
}

/// Notes who the client is in each thing that is told.
#[derive(Clone)]
struct Users(Notes<(&'static str, Option<String>)>);

impl Users {
    fn note(&self, what: &'static str, stream: &StreamInfo<'_>) {
        self.0.add((what, stream.user.map(str::to_owned)));
    }
}

impl Hooks for Users {
    fn opened(&self, stream: &StreamInfo<'_>) {
        self.note("opened", stream);
    }

    fn event(&self, stream: &StreamInfo<'_>, _events: usize, _bytes: usize) {
        self.note("event", stream);
    }

    fn closed(&self, stream: &StreamInfo<'_>, _reason: CloseReason) {
        self.note("closed", stream);
    }
}

#[test]
fn hooks_are_told_who_the_client_is_as_it_was_said_last() {
    let told = Notes::new();
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .hooks(Users(told.clone()))
        .sse("/sse", |stream, request| {
            if request.query("who").is_none() {
                return stream.open();
            }
            stream.set_user("nobody");
            stream.set_user("ann");
            stream.send("hello")?;
            stream.set_user("ann, and \"bob\"");
            Ok(())
        })
        .start()
        .unwrap();
    let expected = |who: [Option<&str>; 3]| {
        let what = ["opened", "event", "closed"];
        what.into_iter().zip(who.map(|who| who.map(str::to_owned))).collect::<Vec<_>>()
    };
    Client::to(server.address()).open("/sse?who");
    until("all of the first", || told.len() == 3);
    let all = expected([Some("ann"), Some("ann"), Some("ann, and \"bob\"")]);
    assert_eq!(told.all(), all);
    // Another stream is another client.
    Client::to(server.address()).open("/sse");
    until("all of the second", || told.len() == 5);
    assert_eq!(told.all()[3..], [("opened", None), ("closed", None)]);
}

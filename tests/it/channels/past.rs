//! Streams of a hub with a journal that begin, or fall, behind what its channels keep in memory.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use tidings::{History, Hub, Journal, JournalSync, Lag, Limits, Parser, Running, Start};

use super::{following_some, site};
use crate::support::http::connect;
use crate::support::stream::{End, EventStream};
use crate::support::until;

/// A folder of the test's. It goes with the test.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let name = format!("past-{name}-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    pub(super) fn hub(&self, history: History, lag: Lag, bytes: u64) -> Hub {
        let journal = Journal::new(&self.0).sync(JournalSync::None).bytes(bytes);
        Hub::journal(journal, history, lag).expect("a journal")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) const GIGABYTE: u64 = 1 << 30;

fn few() -> History {
    History::default().events(5)
}

/// An id as the pair of numbers by which it is ordered.
pub(super) fn pair(id: &str) -> (u64, u64) {
    let (epoch, sequence) = id.split_once('-').expect("an id");
    (epoch.parse().expect("a number"), sequence.parse().expect("a number"))
}

#[test]
fn a_resume_from_any_age_gets_everything_once_also_over_a_restart() {
    let folder = Folder::new("any-age");
    let mut ids = Vec::new();
    for start in 0..2 {
        let hub = folder.hub(few(), Lag::Skip, GIGABYTE);
        let [a, b] = ["a", "b"].map(|name| hub.channel(name));
        for n in 0..300 {
            let data = format!("{start}.{n} {}", "x".repeat(if n % 97 == 5 { 150_000 } else { n }));
            ids.push((a.send(data.as_str()).unwrap().as_str().to_owned(), data));
            b.send("of another channel").unwrap();
        }
    }
    let hub = folder.hub(few(), Lag::Skip, GIGABYTE);
    let server = following_some(&hub);
    for from in [0, 1, 5, 6, 250, 299, 300, 301, 590, 600] {
        let id = if from == 0 { "0-0" } else { &ids[from - 1].0 };
        let mut stream = EventStream::resume(server.address(), "/events?channel=a", id);
        for (id, data) in &ids[from..] {
            let event = stream.next().expect("an event");
            assert_eq!(&event.last_event_id, id, "after {from}");
            assert!(event.data == *data, "{id} after {from}");
        }
        let live = format!("live after {from}");
        ids.push((hub.channel("a").send(live.as_str()).unwrap().as_str().to_owned(), live.clone()));
        assert_eq!(stream.data(), live);
    }
    assert_eq!(server.stop().map(drop).ok(), Some(()));
}

#[test]
fn the_newest_are_found_in_the_journal_where_channels_keep_fewer() {
    let folder = Folder::new("newest");
    let hub = folder.hub(few(), Lag::Skip, GIGABYTE);
    let server = following_some(&hub);
    for n in 0..200 {
        hub.channel(if n % 10 == 0 { "rare" } else { "often" }).send(n.to_string()).unwrap();
    }
    let begin = |target: &str| EventStream::open(server.address(), target);
    let mut rare = begin("/events?channel=rare&history=12");
    (80..200).step_by(10).for_each(|n| assert_eq!(rare.data(), n.to_string()));
    let mut both = begin("/events?channel=rare&channel=often&history=50");
    (150..200).for_each(|n| assert_eq!(both.data(), n.to_string()));
    let mut more = begin("/events?channel=rare&history=1000");
    (0..200).step_by(10).for_each(|n| assert_eq!(more.data(), n.to_string()));
}

#[test]
fn where_the_journal_has_let_go_of_events_a_resume_is_told_and_gets_the_rest() {
    let folder = Folder::new("evicted");
    for lag in [Lag::Skip, Lag::Close] {
        let hub = folder.hub(few(), lag, 1 << 20);
        let server = following_some(&hub);
        let first = hub.channel("a").send("first").unwrap();
        let data = "x".repeat(1_000);
        let ids: Vec<String> = (0..4_000)
            .map(|_| hub.channel("a").send(data.as_str()).unwrap().as_str().to_owned())
            .collect();
        let target = "/events?channel=a";
        let mut stream = EventStream::resume(server.address(), target, first.as_str());
        let gap = stream.next().expect("a gap");
        assert_eq!(gap.event_type, "tidings.gap");
        let to = &gap.last_event_id;
        let expected =
            format!(r#"{{"from":"{first}","to":"{to}","missed":null,"reason":"evicted"}}"#);
        assert_eq!(gap.data, expected);
        let at = ids.iter().position(|id| id == to).expect("the newest that is gone");
        assert!(at > 1_000, "{at}");
        for id in &ids[at + 1..] {
            assert_eq!(&stream.next().expect("an event").last_event_id, id);
        }
        for (id, reason) in [("17-4", "evicted"), ("9999999999999-4", "restarted")] {
            let unknown = EventStream::resume(server.address(), target, id).next().expect("a gap");
            assert!(unknown.data.contains(&format!(r#""from":"{id}""#)), "{}", unknown.data);
            assert!(unknown.data.contains(&format!(r#""reason":"{reason}""#)), "{}", unknown.data);
        }
        drop(server);
    }
}

#[test]
fn after_a_restart_the_journal_knows_where_what_it_keeps_begins() {
    let folder = Folder::new("begins");
    let target = "/events?channel=a";
    let hub = || folder.hub(few(), Lag::Skip, 200_000);
    let send = |hub: &Hub, data: &str| hub.channel("a").send(data).unwrap().as_str().to_owned();
    let large = "x".repeat(60_000);
    let (first, last) = {
        let hub = hub();
        let first = send(&hub, "first");
        (first, send(&hub, &large))
    };
    let server = following_some(&hub());
    for id in ["0-0", &first] {
        let mut stream = EventStream::resume(server.address(), target, id);
        assert_eq!(stream.next().unwrap().event_type, "message", "nothing is gone");
    }
    drop(server);
    // The whole epoch of these goes, and the segment of the next start is the oldest.
    let kept = {
        let hub = hub();
        let kept = send(&hub, "kept");
        (0..3).for_each(|_| drop(send(&hub, &large)));
        kept
    };
    let server = following_some(&hub());
    for id in ["0-0", &first, "17-4"] {
        let mut stream = EventStream::resume(server.address(), target, id);
        let gap = stream.next().expect("a gap").data;
        let said = format!(r#"{{"from":"{id}","to":"{last}","missed":null,"reason":"evicted"}}"#);
        assert_eq!((gap, stream.next().unwrap().last_event_id), (said, kept.clone()));
    }
    let mut stream = EventStream::resume(server.address(), target, &last);
    assert_eq!(stream.next().unwrap().last_event_id, kept, "nothing after it is gone");
}

/// What was published: by the place of its id, the channel and the data.
type Published = Mutex<BTreeMap<(u64, u64), (usize, String)>>;

const NAMES: [&str; 3] = ["a", "b", "c"];

/// A sequence of numbers that is always the same.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A client of a stream, which reads as it likes and comes back now and then.
struct Follower {
    address: SocketAddr,
    target: String,
    names: Vec<usize>,
    random: Random,
    /// What it has received: ids and data.
    received: Vec<((u64, u64), String)>,
    last_event_id: String,
    ends: usize,
}

impl Follower {
    fn new(address: SocketAddr, number: u64, first: &str) -> Self {
        let mut random = Random(number);
        let chosen = 1 + random.below(7);
        let names: Vec<usize> = (0..3).filter(|name| chosen >> name & 1 == 1).collect();
        let list: Vec<String> =
            names.iter().map(|name| format!("channel={}", NAMES[*name])).collect();
        let path = if number.is_multiple_of(3) { "/own" } else { "/events" };
        Self {
            address,
            target: format!("{path}?{}", list.join("&")),
            names,
            random,
            received: Vec::new(),
            last_event_id: first.to_owned(),
            ends: 0,
        }
    }

    /// Reads streams until it has seen the end of each channel.
    fn follow(mut self, published: &Published, from: (u64, u64)) {
        while self.ends < self.names.len() {
            self.connect();
        }
        let published = published.lock().unwrap();
        let after = published.range((std::ops::Bound::Excluded(from), std::ops::Bound::Unbounded));
        let expected = after.filter(|(_, (channel, _))| self.names.contains(channel));
        let mut received = self.received.iter();
        for (id, (_, data)) in expected {
            let (received, of) = received.next().expect("it has them all");
            assert_eq!(received, id, "{}", self.target);
            assert!(of == data, "{id:?}");
        }
        assert_eq!(received.next(), None);
    }

    /// One stream, which may be cut off at any byte.
    fn connect(&mut self) {
        let version = if self.random.below(3) == 0 { "1.0" } else { "1.1" };
        let mut socket = connect(self.address);
        let (target, id) = (&self.target, &self.last_event_id);
        let request = format!(
            "GET {target} HTTP/{version}\r\nHost: localhost\r\nLast-Event-ID: {id}\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).unwrap();
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; 256 * 1024]);
        let mut parser = Parser::new();
        let mut body = None;
        let mut left =
            if self.random.below(3) == 0 { u64::MAX } else { self.random.below(6_000_000) };
        while self.ends < self.names.len() && left > 0 {
            match self.random.below(40) {
                0 => thread::sleep(Duration::from_millis(self.random.below(60))),
                1 => thread::yield_now(),
                _ => {}
            }
            let most = if self.random.below(9) == 0 { 700 } else { buffer.len() as u64 };
            let len = match socket.read(&mut buffer[..most.min(left) as usize]) {
                Ok(0) => panic!("{target} has ended", target = self.target),
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => panic!("{error}"),
            };
            left -= len as u64;
            bytes.extend_from_slice(&buffer[..len]);
            if body.is_none() {
                let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
                    continue;
                };
                assert!(bytes.starts_with(b"HTTP/1.1 200"));
                bytes.drain(..end + 4);
                body = Some(());
            }
            self.take(&mut bytes, version == "1.1", &mut parser);
        }
    }

    /// Takes what has come of the body: whole chunks, or bytes.
    fn take(&mut self, bytes: &mut Vec<u8>, chunked: bool, parser: &mut Parser) {
        if chunked {
            let mut at = 0;
            while let Some(line) = bytes[at..].iter().position(|byte| *byte == b'\n') {
                let size = std::str::from_utf8(&bytes[at..at + line - 1]).expect("a size");
                let size = usize::from_str_radix(size, 16).expect("a size");
                let end = at + line + 1 + size + 2;
                if bytes.len() < end {
                    break;
                }
                let content = &bytes[at + line + 1..end - 2];
                assert_eq!(&bytes[end - 2..end], b"\r\n");
                parser.feed(content).unwrap();
                at = end;
            }
            bytes.drain(..at);
        } else {
            parser.feed(bytes).unwrap();
            bytes.clear();
        }
        while let Some(event) = parser.next_event() {
            match event.event_type.as_str() {
                // One that the stream was sent by itself. It has no id.
                "own" => assert_eq!(event.data, "own"),
                "message" => {
                    self.ends += usize::from(event.data == "end");
                    self.last_event_id.clone_from(&event.last_event_id);
                    self.received.push((pair(&event.last_event_id), event.data));
                }
                other => panic!("{other}: {}", event.data),
            }
        }
    }
}

/// A server whose streams at `/own` are also sent events of their own, at any time.
fn sending(hub: &Hub) -> Running {
    let limits = Limits::default().heartbeat(Duration::from_millis(30));
    let with = |hub: &Hub, own: bool| {
        let hub = hub.clone();
        move |stream: tidings::SseWriter, request: &tidings::Request| {
            let names = request.query_all("channel");
            let channels = names.map(|name| hub.channel(&name));
            stream.follow(channels, stream.start_or(Start::Live))?;
            if own {
                stream.every(Duration::from_millis(3), |stream| {
                    let _ = stream.try_send(("own", "own"));
                    Ok(())
                })?;
            }
            Ok(())
        }
    };
    let server = site(limits).sse("/events", with(hub, false)).sse("/own", with(hub, true));
    server.start().expect("a server")
}

#[test]
fn between_the_journal_and_the_channels_nothing_is_lost_or_doubled() {
    let folder = Folder::new("join");
    let published = Published::default();
    // Something from an earlier start, so that ids are of two epochs.
    let first = {
        let hub = folder.hub(few(), Lag::Skip, GIGABYTE);
        let first = hub.channel("a").send("first").unwrap().as_str().to_owned();
        for n in 0..500 {
            let channel = n % 3;
            let id = hub.channel(NAMES[channel]).send(n.to_string()).unwrap();
            published.lock().unwrap().insert(pair(id.as_str()), (channel, n.to_string()));
        }
        first
    };
    let hub = folder.hub(few(), Lag::Skip, GIGABYTE);
    let server = sending(&hub);
    let channels = NAMES.map(|name| hub.channel(name));
    let publish = |channel: usize, data: String| {
        let id = channels[channel].send(data.as_str()).unwrap();
        published.lock().unwrap().insert(pair(id.as_str()), (channel, data));
    };
    thread::scope(|scope| {
        let publishers: Vec<_> = (0..2_u64)
            .map(|number| {
                let publish = &publish;
                scope.spawn(move || {
                    let mut random = Random(1_000 + number);
                    for n in 0..1_500 {
                        let len = match random.below(60) {
                            0 => 70_000 + random.below(200_000),
                            1 => 50_000 + random.below(20_000),
                            _ => random.below(4_000),
                        };
                        let data = format!("{number}.{n} {}", "x".repeat(len as usize));
                        publish(random.below(3) as usize, data);
                        if random.below(50) == 0 {
                            thread::sleep(Duration::from_millis(random.below(20)));
                        }
                    }
                })
            })
            .collect();
        let mut followers = Vec::new();
        for number in 0..12 {
            let follower = Follower::new(server.address(), number, &first);
            let (published, from) = (&published, pair(&first));
            followers.push(scope.spawn(move || follower.follow(published, from)));
            thread::sleep(Duration::from_millis(10));
        }
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        (0..3).for_each(|channel| publish(channel, "end".into()));
        followers.into_iter().for_each(|follower| follower.join().unwrap());
    });
    server.stop().unwrap();
}

#[test]
fn a_stop_ends_streams_that_are_within_the_past() {
    let folder = Folder::new("stop");
    let hub = folder.hub(few(), Lag::Skip, GIGABYTE);
    let server = following_some(&hub);
    let first = hub.channel("a").send("first").unwrap();
    for n in 0..100 {
        let data = "x".repeat(if n % 2 == 0 { 400_000 } else { 100 });
        hub.channel("a").send(data).unwrap();
    }
    let streams: Vec<EventStream> = (0..8)
        .map(|_| EventStream::resume(server.address(), "/events?channel=a", first.as_str()))
        .collect();
    until("the streams", || hub.channel("a").streams() == 8);
    let begun = std::time::Instant::now();
    server.stop().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    for mut stream in streams {
        let end = std::iter::from_fn(|| Some(stream.next())).find_map(Result::err);
        assert_eq!(end, Some(End::CutOff));
    }
}

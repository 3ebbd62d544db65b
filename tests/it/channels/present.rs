//! Streams that want the present: the newest events of each channel, and what readers get who fall
//! behind and are told nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tidings::{Channel, History, Hub, Lag, Limits, Running, Start};

use super::past::{Folder, GIGABYTE, Random, pair};
use super::{following, site};
use crate::support::stream::{End, EventStream};
use crate::support::{Notes, until};

/// A server whose `/events?of=PATTERN&of=NAME` begins with the newest event of each.
fn present(hub: &Hub, limits: Limits) -> Running {
    let hub = hub.clone();
    let start = move |stream: tidings::SseWriter, request: &tidings::Request| {
        let channels = request.query_all("of").map(|of| of_name(&hub, &of));
        let start = stream.start_or(Start::NewestOfEach(1));
        stream.follow(channels, start)
    };
    site(limits).sse("/events", start).start().expect("a server")
}

fn of_name(hub: &Hub, of: &str) -> Channel {
    if of.ends_with('*') { hub.matching(of).unwrap() } else { hub.channel(of) }
}

/// What a client has received, in the order of ids, and no gap event.
#[derive(Default)]
struct Received(Vec<(Id, String)>);

type Id = (u64, u64);

impl Received {
    /// Reads up to an event with this data.
    #[track_caller]
    fn read_to(&mut self, stream: &mut EventStream, last: &str) {
        while self.read(stream) != last {}
    }

    #[track_caller]
    fn read(&mut self, stream: &mut EventStream) -> &str {
        let event = stream.next().expect("an event");
        assert_eq!(event.event_type, "message", "{}", event.data);
        let id = pair(&event.last_event_id);
        assert!(self.0.last().is_none_or(|(last, _)| *last < id), "{id:?}");
        self.0.push((id, event.data));
        &self.0.last().unwrap().1
    }

    /// The last that it received of each channel, whose name comes first in the data.
    fn present(&self) -> BTreeMap<&str, Id> {
        let name = |data: &str| data.find(' ').unwrap_or(data.len());
        self.0.iter().map(|(id, data)| (&data[..name(data)], *id)).collect()
    }
}

fn send(hub: &Hub, name: &str, data: &str) -> Id {
    pair(hub.channel(name).send(data).unwrap().as_str())
}

fn sensors(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("sensor.{n}")).collect()
}

/// How many channels there are at first, and how many clients come while others publish.
const SENSORS: u64 = 200;
const CLIENTS: u64 = 100;

#[test]
fn each_newcomer_gets_the_newest_of_each_channel_and_then_every_later_event_once() {
    let hub = Hub::new();
    let server = present(&hub, Limits::default());
    // By the number of each event; all are of one epoch.
    let published = Mutex::new(BTreeMap::new());
    let publish = |sensor: u64| {
        let name = format!("sensor.{sensor}");
        let (_, number) = send(&hub, &name, &name);
        published.lock().unwrap().insert(number, name);
    };
    (0..SENSORS).for_each(publish);
    let opened = AtomicU64::new(0);
    let mut clients = Vec::new();
    thread::scope(|scope| {
        for seed in 0..2 {
            let (opened, hub) = (&opened, &hub);
            scope.spawn(move || {
                let mut random = Random(seed);
                while opened.load(Ordering::Acquire) < CLIENTS {
                    // So that the log of the pattern keeps what the last client is still to read.
                    if hub.published() > 50 * (opened.load(Ordering::Acquire) + 6) {
                        thread::yield_now();
                        continue;
                    }
                    // Some of them are new.
                    publish(random.below(SENSORS + 50));
                }
            });
        }
        for _ in 0..CLIENTS {
            let before = hub.published() as usize;
            let stream = EventStream::open(server.address(), "/events?of=sensor.*");
            clients.push((stream, before..=hub.published() as usize));
            opened.fetch_add(1, Ordering::AcqRel);
        }
    });
    send(&hub, "sensor.end", "end");
    let published: Vec<String> = published.into_inner().unwrap().into_values().collect();
    // How many channels had an event by each number.
    let mut known = BTreeSet::new();
    let had = published.iter().map(|of| (known.insert(of), known.len()).1);
    let had: Vec<usize> = [0].into_iter().chain(had).collect();
    for (mut stream, mut begun) in clients {
        let mut received = Received::default();
        received.read_to(&mut stream, "end");
        received.0.pop();
        let numbers: Vec<usize> =
            received.0.iter().map(|((_, number), _)| *number as usize).collect();
        assert!(received.0.iter().zip(&numbers).all(|((_, of), n)| published[n - 1] == *of));
        // It began at one of these.
        assert!(begun.any(|begun| {
            let later = begun + 1..published.len() + 1;
            numbers.len() == had[begun] + later.len() && {
                let newest: BTreeMap<_, _> = published.iter().zip(1..=begun).collect();
                let newest: BTreeSet<usize> = newest.into_values().collect();
                newest.into_iter().chain(later).eq(numbers.iter().copied())
            }
        }));
    }
}

/// With 60 KB each, more than the buffers of both systems hold.
const EVENTS: usize = 300;

#[test]
fn a_reader_that_stops_for_a_while_comes_to_the_present_without_a_gap() {
    let names = sensors(60);
    for (target, of) in [
        ("of=sensor.7", 7..8),
        ("of=sensor.7&of=sensor.8&of=sensor.9", 7..10),
        // The log of a pattern has room for sixteen times the bytes, which is one event here.
        ("of=sensor.*", 0..60),
        ("of=*&of=sensor.7", 0..60),
    ] {
        let hub = Hub::with(History::latest().bytes(48), Lag::Conflate);
        let server = present(&hub, Limits::default());
        for name in &names {
            send(&hub, name, name);
        }
        let mut stream = EventStream::open(server.address(), &format!("/events?{target}"));
        let mut received = Received::default();
        of.clone().for_each(|n| assert_eq!(received.read(&mut stream), names[n]));
        let (mut random, mut newest) = (Random(1), BTreeMap::new());
        for n in 0..EVENTS {
            let few = &names[of.start..of.end.min(of.start + 3)];
            let among = if n < EVENTS / 2 { few } else { &names };
            let name = &*among[random.below(among.len() as u64) as usize];
            newest.insert(name, send(&hub, name, &format!("{name} {}", "x".repeat(60_000))));
        }
        newest.retain(|name, _| names[of.clone()].iter().any(|followed| followed == name));
        let last = newest.values().max();
        while received.0.last().map(|(id, _)| id) < last {
            received.read(&mut stream);
        }
        received.0.drain(..of.len());
        assert_eq!(received.present(), newest, "{target}");
        assert!(received.0.len() < EVENTS, "{target}: none was skipped");
    }
}

#[test]
fn a_burst_is_no_gap_for_a_client_that_wants_the_present() {
    let channel = Channel::with(History::latest(), Lag::Conflate);
    let server = following(&channel);
    let mut stream = EventStream::open(server.address(), "/events");
    until("the stream", || channel.streams() == 1);
    let mut received = Received::default();
    thread::scope(|scope| {
        scope.spawn(|| (1..=6_000).for_each(|n| drop(channel.send(n.to_string()).unwrap())));
        received.read_to(&mut stream, "6000");
    });
    assert!(received.0.iter().all(|((_, number), data)| *data == number.to_string()));
}

#[test]
fn a_client_that_is_cut_off_within_the_newest_of_each_loses_nothing_and_gets_nothing_twice() {
    let hub = Hub::with(History::latest().bytes(48), Lag::Conflate);
    let server = present(&hub, Limits::default());
    let (names, mut random) = (sensors(200), Random(3));
    for name in &names {
        send(&hub, name, name);
    }
    let mut newest = BTreeMap::new();
    for _ in 0..500 {
        let name = &*names[random.below(200) as usize];
        newest.insert(name, send(&hub, name, name));
    }
    let (target, mut received) = ("/events?of=sensor.*", Received::default());
    let mut last: Option<Id> = None;
    let connect = |last: Option<Id>| match last {
        Some((epoch, number)) => {
            EventStream::resume(server.address(), target, &format!("{epoch}-{number}"))
        }
        None => EventStream::open(server.address(), target),
    };
    while received.0.len() < 200 {
        let mut stream = connect(last);
        let most = (200 - received.0.len()).min(1 + random.below(30) as usize);
        for _ in 0..most {
            received.read(&mut stream);
        }
        last = received.0.last().map(|(id, _)| *id);
    }
    assert!(newest.iter().all(|(name, id)| received.present()[name] == *id));
    let mut stream = connect(last);
    send(&hub, "sensor.new", "new");
    assert_eq!(received.read(&mut stream), "new");
}

#[test]
fn with_a_journal_a_stream_begins_with_the_newest_of_each_also_after_a_restart() {
    let names = sensors(50);
    for lag in [Lag::Skip, Lag::Conflate] {
        let folder = Folder::new(&format!("present-{lag:?}"));
        let mut ids = Vec::new();
        for start in 0..2 {
            let hub = folder.hub(History::latest(), lag, GIGABYTE);
            for name in names.iter().chain(&names) {
                ids.push(send(&hub, name, &format!("{name} {start}")));
                send(&hub, "other", "not followed");
            }
        }
        let hub = folder.hub(History::latest(), lag, GIGABYTE);
        let server = present(&hub, Limits::default());
        for (target, of) in [("of=sensor.*", 0..50), ("of=sensor.7&of=sensor.8", 7..9)] {
            let target = format!("/events?{target}");
            let mut stream = EventStream::open(server.address(), &target);
            let mut received = Received::default();
            for n in of.clone() {
                assert_eq!(received.read(&mut stream), format!("{} 1", names[n]), "{lag:?}");
                assert_eq!(received.0.last().unwrap().0, ids[150 + n]);
            }
            let live = [names[of.start].as_str(), "sensor.new"][usize::from(of.len() > 2)];
            ids.push(send(&hub, live, live));
            assert_eq!(received.read(&mut stream), live);
        }
        // Who was cut off among them is sent what came after: from the journal, unless only what
        // is there matters.
        let (epoch, number) = ids[120];
        let after = format!("{epoch}-{number}");
        let mut stream = EventStream::resume(server.address(), "/events?of=sensor.*", &after);
        let mut received = Received::default();
        received.read_to(&mut stream, "sensor.7");
        let comes = |at: &usize| lag == Lag::Skip || *at >= 150 && *at != 157;
        let expected = (121..202).filter(comes).map(|at| ids[at]);
        assert!(received.0.iter().map(|(id, _)| *id).eq(expected), "{lag:?}");
    }
}

#[test]
fn a_stream_that_is_closed_within_the_newest_of_each_is_sent_the_rest_of_them() {
    for closed_by in ["the channels", "the stream"] {
        let hub = Hub::with(History::latest(), Lag::Conflate);
        let writers = Notes::new();
        let (followed, noted) = (hub.clone(), writers.clone());
        let server = site(Limits::default().unsent(100 * 1024 * 1024))
            .sse("/events", move |stream, _request| {
                stream
                    .follow(followed.channels().iter().map(|(_, of)| of), Start::NewestOfEach(1))?;
                noted.add(stream);
                Ok(())
            })
            .start()
            .unwrap();
        // More than the buffers of both systems hold, in events that are copied and that are not.
        let names = sensors(200);
        for (n, name) in names.iter().enumerate() {
            send(&hub, name, &format!("{name} {}", "x".repeat([150_000, 50_000][n % 2])));
        }
        let mut stream = EventStream::open(server.address(), "/events");
        let writer = writers.first();
        match closed_by {
            "the channels" => hub.channels().iter().for_each(|(_, channel)| channel.close()),
            _ => writer.close(),
        }
        let mut received = Received::default();
        names.iter().for_each(|name| assert!(received.read(&mut stream).starts_with(name)));
        assert_eq!(stream.next(), Err(End::Whole), "{closed_by}");
    }
}

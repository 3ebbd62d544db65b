//! A hub that starts reads what there is in Redis first, also where others have written it.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::hubs::Hubs;
use crate::place::Place;
use crate::redis::{Keeps, RedisServer, program};
use crate::resp::{Connection, Value, command};
use crate::support::{SOON, until};
use crate::wire::{self, Stream};

const EVENTS: usize = 100_000;

/// How many commands go out at once.
const PIPELINE: usize = 1000;

/// Adds events to the stream, as any program may.
fn add(redis: &RedisServer, key: &str, ids: &str, events: usize) {
    let mut connection = Connection::to(redis.address()).expect("Redis");
    for first in (0..events).step_by(PIPELINE) {
        let mut bytes = Vec::new();
        for number in first..first + PIPELINE {
            let data = format!("{number:064}");
            command(&["XADD", key, ids, "c", "many", "d", &data], &mut bytes);
        }
        connection.send(&bytes).expect("Redis");
        for _ in 0..PIPELINE {
            assert!(matches!(connection.reply().expect("a reply"), Value::Text(_)));
        }
    }
}

/// What a stream is sent of this channel, up to this data.
fn history(hubs: &Hubs, channel: &str, last: &str) -> Vec<(String, String)> {
    let target = format!("/events/{channel}?history=1000000");
    let mut stream = Stream::open(hubs.address(0), &target, None).expect("a hub");
    let (mut had, until) = (Vec::new(), Instant::now() + SOON);
    while had.last().is_none_or(|(_, data)| data != last) && Instant::now() < until {
        let blocks = stream.read().expect("it goes on").into_iter();
        had.extend(blocks.filter_map(|block| Some((block.id?, block.data?))));
    }
    had
}

#[test]
fn a_hub_has_everything_that_is_in_redis_before_it_listens() {
    if program().is_none() {
        return;
    }
    let place = Place::new("start");
    let redis = RedisServer::start(&place, 6379, Keeps::Saved, &[]);
    let hubs = Hubs::over(&place, &[redis.url()]);
    let (status, id) = wire::post(hubs.address(0), "many", "", "first").expect("a hub");
    assert_eq!(status, 200, "{id}");
    hubs.kill(0);
    let epoch = id.split('-').next().expect("an id");
    let key = redis.stream();
    add(&redis, &key, &format!("{epoch}-*"), EVENTS);
    let before = Instant::now();
    hubs.start_again(0);
    println!("start: {EVENTS} events of 64 bytes: it listens after {:.2?}", before.elapsed());
    let has = history(&hubs, "many", &format!("{:064}", EVENTS - 1));
    assert_eq!(has.len(), EVENTS + 1);
    let entries: Vec<_> = redis.entries().into_iter().map(|(id, _, data)| (id, data)).collect();
    assert!(has == entries, "in another order");
    let used = redis.call(&format!("MEMORY USAGE {key} SAMPLES 0"));
    let Value::Number(used) = used else { panic!("{used:?}") };
    println!("start: {} bytes in Redis for each event", used / EVENTS as i64);
}

#[test]
fn events_that_others_add_are_events_like_any_other() {
    if program().is_none() {
        return;
    }
    let place = Place::new("others");
    let redis = RedisServer::start(&place, 6379, Keeps::Saved, &[]);
    let hubs = Hubs::over(&place, &[redis.url()]);
    let post = |data: &str| {
        let (status, id) = wire::post(hubs.address(0), "news", "", data).expect("a hub");
        assert_eq!(status, 200, "{id}");
    };
    post("one");
    let key = redis.stream();
    // Each `*` is an epoch of its own.
    for number in 0..20 {
        redis.call(&format!("XADD {key} * x y d hello-{number} c news"));
        redis.call(&format!("XADD {key} * neither event"));
        post(&format!("between-{number}"));
    }
    post("last");
    until("all of them", || {
        let has = history(&hubs, "news", "last");
        let mut entries = redis.entries();
        entries.retain(|(_, channel, _)| channel == "news");
        has == entries.into_iter().map(|(id, _, data)| (id, data)).collect::<Vec<_>>()
    });
    // Whoever resumes after one of them is sent what comes after that one.
    let entries: BTreeMap<String, String> =
        redis.entries().into_iter().map(|(id, _, data)| (data, id)).collect();
    let mut stream =
        Stream::open(hubs.address(0), "/events/news", Some(&entries["hello-19"])).expect("a hub");
    let mut had = Vec::new();
    until("the rest", || {
        had.extend(stream.read().expect("it goes on").into_iter().filter_map(|block| block.data));
        had.len() >= 2
    });
    assert_eq!(had, ["between-19", "last"]);
}

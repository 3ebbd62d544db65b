//! Hubs without events leave Redis alone.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use crate::hubs::Hubs;
use crate::place::Place;
use crate::redis::{Keeps, RedisServer, program};
use crate::support::until;
use crate::wire;

const HUBS: usize = 4;
const IDLE: Duration = Duration::from_secs(12);

/// How often each command was given so far, but for those of the test.
fn commands(redis: &RedisServer) -> BTreeMap<String, u64> {
    let info = redis.call("INFO commandstats");
    let calls = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let calls = rest.split(',').next()?.parse().ok()?;
        (name != "info").then_some((name.to_owned(), calls))
    };
    info.text().lines().filter_map(calls).collect()
}

#[test]
fn an_idle_hub_gives_at_most_one_command_in_five_seconds() {
    if program().is_none() {
        return;
    }
    let place = Place::new("idle");
    let redis = RedisServer::start(&place, 6379, Keeps::Saved, &[]);
    let hubs = Hubs::over(&place, &vec![redis.url(); HUBS]);
    for hub in 0..HUBS {
        let (status, text) = wire::post(hubs.address(hub), "a", "", "one").expect("a hub");
        assert_eq!(status, 200, "{text}");
    }
    // What an event makes them ask is over once they have been silent for a while.
    let mut last = commands(&redis);
    until("silence", || {
        thread::sleep(Duration::from_millis(500));
        let now = commands(&redis);
        let is_silent = now == last;
        last = now;
        is_silent
    });
    let (before, began) = (commands(&redis), Instant::now());
    thread::sleep(IDLE);
    let (after, took) = (commands(&redis), began.elapsed());
    let calls: u64 = after.values().sum::<u64>() - before.values().sum::<u64>();
    println!("idle: {HUBS} hubs gave {calls} commands in {took:.1?}: {before:?}, {after:?}");
    // A hub may ask at the beginning and at the end of that time.
    let most = HUBS as u64 * (took.as_secs() / 5 + 1);
    assert!(calls <= most, "{calls} commands and not {most} in {took:.1?}");
}

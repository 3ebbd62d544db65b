//! Redis is away for two seconds, or takes nothing: every publish has its response in time, the first one that works
//! comes soon after Redis, and no stream is closed.

use std::thread;
use std::time::{Duration, Instant};

use crate::checker::check;
use crate::hubs::Hubs;
use crate::load::{Outcome, rounds, run};
use crate::place::Place;
use crate::proxy::Proxy;
use crate::redis::{Keeps, RedisServer, program};

const HUBS: usize = 4;
const AWAY: Duration = Duration::from_secs(2);

/// How soon a publish has to work again, on a machine that keeps no thread waiting.
const SOON: Duration = Duration::from_secs(1);

/// How long after each of these moments a publish was published.
fn first_published(outcome: &Outcome, back: &[Instant]) -> Vec<Duration> {
    let attempts = || outcome.published.iter().flat_map(|one| &one.attempts);
    let published = || attempts().filter(|attempt| attempt.status == 200);
    let times = || published().map(|attempt| attempt.at + attempt.took);
    let first = |back: &Instant| times().filter(|time| time >= back).min().map(|time| time - *back);
    back.iter().filter_map(first).collect()
}

fn be_away(name: &str, away: impl Fn(&RedisServer, &Proxy)) {
    if program().is_none() {
        return;
    }
    let place = Place::new(name);
    let redis = RedisServer::start(&place, 6379, Keeps::All, &[]);
    let proxy = Proxy::before(redis.address());
    let hubs = Hubs::over(&place, &vec![format!("redis://{}", proxy.address()); HUBS]);
    let mut back = Vec::new();
    let outcome = run(&hubs, |load| {
        for _ in 0..rounds(1) {
            away(&redis, &proxy);
            back.push(Instant::now());
            load.go_on(100);
        }
    });
    let report = check(&outcome, Some(&redis.entries()));
    let first = first_published(&outcome, &back);
    println!("{name}: first published after {first:.1?}");
    report.assert(name);
    let longest = first.iter().max().expect("publishes that work");
    assert!(*longest <= SOON + 2 * outcome.late, "{longest:.1?}");
}

#[test]
fn row_59_a_redis_that_is_dead_for_two_seconds_is_back_at_once() {
    be_away("away-dead", |redis, _| {
        redis.kill();
        thread::sleep(AWAY);
        redis.start_again();
    });
}

#[test]
fn row_59_a_redis_that_hangs_for_two_seconds_is_back_at_once() {
    be_away("away-hung", |redis, _| {
        redis.stop();
        thread::sleep(AWAY);
        redis.go_on();
    });
}

#[test]
fn row_59_a_link_that_is_down_for_two_seconds_is_back_at_once() {
    be_away("away-down", |_, proxy| {
        proxy.take_down();
        thread::sleep(AWAY);
        proxy.let_go();
    });
}

#[test]
fn row_59_a_redis_that_is_a_replica_for_two_seconds_is_back_at_once() {
    be_away("away-demoted", |redis, _| {
        // Of nobody: it keeps what it has, and takes nothing.
        redis.call("REPLICAOF 127.0.0.1 1");
        thread::sleep(AWAY);
        redis.call("REPLICAOF NO ONE");
    });
}

#[test]
fn row_59_a_redis_without_memory_for_two_seconds_is_back_at_once() {
    be_away("away-full", |redis, _| {
        redis.call("CONFIG SET maxmemory 1");
        thread::sleep(AWAY);
        redis.call("CONFIG SET maxmemory 0");
    });
}

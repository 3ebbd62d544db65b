//! Faults in which Redis itself loses events: every stream is told so in their place, and no id
//! ever names two events.

use crate::checker::{Report, check};
use crate::hubs::{Hubs, over};
use crate::load::{Load, rounds, run};
use crate::place::Place;
use crate::proxy::{Proxy, Way};
use crate::redis::{Keeps, RedisServer, an_hour_back, faketime, program};
use crate::resp::Value;
use crate::support::until;

const HUBS: usize = 4;

/// Between what is kept and what is not, in events.
const SOME: usize = 60;

/// Hubs over a Redis that keeps what is saved, and faults.
fn lose(name: &str, faults: impl FnOnce(&Load<'_>, &RedisServer)) -> Option<Report> {
    program()?;
    let place = Place::new(name);
    let redis = RedisServer::start(&place, 6379, Keeps::Saved, &[]);
    let hubs = Hubs::over(&place, &vec![redis.url(); HUBS]);
    let outcome = run(&hubs, |load| faults(load, &redis));
    let report = check(&outcome, Some(&redis.entries()));
    report.assert(name);
    Some(report)
}

#[test]
fn row_59_what_flushall_takes_is_told() {
    lose("flushall", |load, redis| {
        for _ in 0..rounds(2) {
            load.go_on(SOME);
            load.loses(|| redis.call("FLUSHALL"));
            load.go_on(SOME);
        }
    });
}

#[test]
fn row_59_what_goes_with_the_stream_is_told() {
    lose("del", |load, redis| {
        for _ in 0..rounds(2) {
            load.go_on(SOME);
            let key = redis.stream();
            load.loses(|| redis.call(&format!("DEL {key}")));
            load.go_on(SOME);
        }
    });
}

/// A hub that was stopped has read less than others of what is then gone.
fn stopped(name: &str, before: fn(&RedisServer), loss: fn(&Load<'_>, &RedisServer)) {
    lose(name, |load, redis| {
        for round in 0..rounds(1) {
            let hub = round % HUBS;
            load.hubs.stop(hub);
            load.go_on(SOME);
            before(redis);
            load.go_on(SOME);
            loss(load, redis);
            load.go_on(SOME);
            load.hubs.go_on(hub);
            load.go_on(SOME);
        }
    });
}

#[test]
fn row_59_what_flushall_takes_while_a_hub_is_stopped_is_told() {
    stopped(
        "flushall-stopped",
        |_| {},
        |load, redis| {
            load.loses(|| redis.call("FLUSHALL"));
        },
    );
}

#[test]
fn row_59_what_a_roll_back_takes_while_a_hub_is_stopped_is_told() {
    let save = |redis: &RedisServer| drop(redis.call("SAVE"));
    stopped("roll-back-stopped", save, |load, redis| {
        load.loses(|| {
            redis.kill();
            redis.start_again();
        });
    });
}

#[test]
fn row_59_what_a_roll_back_takes_is_told() {
    lose("roll-back", |load, redis| {
        for _ in 0..rounds(1) {
            redis.call("SAVE");
            load.go_on(SOME);
            load.loses(|| {
                redis.kill();
                redis.start_again();
            });
            load.go_on(SOME);
            // It knows of what was lost only what Redis has.
            load.hubs.kill(0);
            load.hubs.start_again(0);
            load.go_on(SOME);
        }
    });
}

#[test]
fn row_59_what_a_redis_that_keeps_nothing_takes_with_it_is_told() {
    lose("roll-back-to-nothing", |load, redis| {
        for _ in 0..rounds(1) {
            load.go_on(SOME);
            load.loses(|| {
                redis.kill();
                redis.forget();
                redis.start_again();
            });
            load.go_on(SOME);
        }
    });
}

/// Also where Redis' clock is an hour back after that, when hubs that start find no newer id there.
#[test]
fn row_59_a_clock_that_is_an_hour_back_names_no_two_events_alike() {
    let Some(faketime) = faketime() else { return };
    lose("clock", |load, redis| {
        for round in 0..rounds(2) {
            redis.call("SAVE");
            load.go_on(SOME);
            load.loses(|| {
                redis.kill();
                redis.start_with(|command| {
                    if round % 2 == 0 {
                        an_hour_back(command, &faketime);
                    }
                });
            });
            load.go_on(SOME);
            let hub = round % HUBS;
            load.hubs.kill(hub);
            load.hubs.start_with(hub, |command| {
                if round % 2 == 0 {
                    an_hour_back(command, &faketime);
                }
            });
            load.go_on(SOME);
        }
    });
}

/// Nothing is lost: clocks alone differ.
#[test]
fn row_59_hubs_whose_clocks_differ_lose_nothing() {
    let (Some(faketime), Some(_)) = (faketime(), program()) else { return };
    let place = Place::new("clocks");
    let redis = RedisServer::start(&place, 6379, Keeps::Saved, &[]);
    let hubs = Hubs::over(&place, &vec![redis.url(); HUBS]);
    let outcome = run(&hubs, |load| {
        for round in 0..rounds(2) {
            let hub = round % HUBS;
            load.hubs.kill(hub);
            load.hubs.start_with(hub, |command| an_hour_back(command, &faketime));
            load.go_on(SOME);
        }
    });
    check(&outcome, Some(&redis.entries())).assert("clocks");
}

/// The replica has less than its master had when that dies.
#[test]
fn row_59_what_a_replica_lacked_that_is_promoted_is_told() {
    if program().is_none() {
        return;
    }
    let place = Place::new("fail-over");
    let more = ["--repl-diskless-sync-delay", "0"];
    let start = |port| RedisServer::start(&place, port, Keeps::Saved, &more);
    let (mut master, mut replica) = (start(6379), start(6380));
    let mut arguments = over(&master.url());
    arguments.push(format!("--redis={}", replica.url()));
    let mut link = Proxy::before(master.address());
    replica.follow(link.address());
    let hubs = Hubs::start(&place, vec![arguments; HUBS]);
    let outcome = run(&hubs, |load| {
        for _ in 0..rounds(1) {
            link.stall(Way::Down);
            load.go_on(SOME);
            load.loses(|| {
                master.kill();
                link.take_down();
                replica.call("REPLICAOF NO ONE");
            });
            load.go_on(SOME);
            // The old master comes back as a replica of the new one.
            master.start_again();
            link = Proxy::before(replica.address());
            master.follow(link.address());
            std::mem::swap(&mut master, &mut replica);
        }
    });
    check(&outcome, Some(&master.entries())).assert("fail-over");
}

#[test]
fn row_59_what_redis_evicts_is_told() {
    lose("eviction", |load, redis| {
        for _ in 0..rounds(1) {
            load.go_on(SOME);
            redis.call("CONFIG SET maxmemory-policy allkeys-random");
            load.loses(|| {
                redis.call("CONFIG SET maxmemory 1");
                // It evicts before it takes a command that needs memory.
                until("an eviction", || {
                    redis.call("SET filler 1");
                    redis.find_stream().is_none()
                });
                redis.call("CONFIG SET maxmemory 0");
                redis.call("CONFIG SET maxmemory-policy noeviction");
            });
            load.go_on(SOME);
        }
    });
}

/// A hub that stops while the stream is trimmed past what it has read.
#[test]
fn row_59_what_is_trimmed_past_a_stopped_hub_is_told() {
    let report = lose("trim", |load, redis| {
        for round in 0..rounds(1) {
            let hub = round % HUBS;
            load.hubs.stop(hub);
            load.go_on(SOME);
            let key = redis.stream();
            load.loses(|| {
                let trimmed = redis.call(&format!("XTRIM {key} MAXLEN 5"));
                assert!(matches!(trimmed, Value::Number(1..)), "{trimmed:?}");
            });
            load.go_on(SOME);
            load.hubs.go_on(hub);
            load.go_on(SOME);
        }
    });
    // The streams of the other hubs have had everything.
    let Some(report) = report else { return };
    assert!(report.gaps.contains_key("evicted"), "{report}");
}

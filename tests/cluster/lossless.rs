//! Faults in which nothing is lost, doubled or out of order, and no stream is told otherwise.

use std::thread;
use std::time::Duration;

use crate::checker::check;
use crate::hubs::Hubs;
use crate::load::{Load, rounds, run};
use crate::place::Place;
use crate::proxy::{Proxy, Way};
use crate::redis::{Keeps, RedisServer, program};
use crate::seeded::Random;

const HUBS: usize = 4;

/// Longer than any deadline of a hub.
const LONG: Duration = Duration::from_millis(2500);

/// A Redis that loses nothing, hubs that reach it through a proxy each, and faults.
fn survive(name: &str, faults: impl FnOnce(&Load<'_>, &RedisServer, &[Proxy])) {
    if program().is_none() {
        return;
    }
    let place = Place::new(name);
    let redis = RedisServer::start(&place, 6379, Keeps::All, &[]);
    let proxies: Vec<Proxy> = (0..HUBS).map(|_| Proxy::before(redis.address())).collect();
    let urls = proxies.iter().map(|proxy| format!("redis://{}", proxy.address()));
    let hubs = Hubs::over(&place, &urls.collect::<Vec<_>>());
    let outcome = run(&hubs, |load| faults(load, &redis, &proxies));
    check(&outcome, Some(&redis.entries())).assert(name);
}

#[test]
fn row_59_a_hub_that_is_killed_loses_nothing() {
    survive("hub-killed", |load, _, _| {
        for round in 0..rounds(4) {
            let hub = round % HUBS;
            load.hubs.kill(hub);
            load.go_on(40);
            load.hubs.start_again(hub);
            load.go_on(40);
        }
    });
}

#[test]
fn row_59_a_redis_that_is_killed_loses_nothing_if_it_syncs() {
    survive("redis-killed", |load, redis, _| {
        for round in 0..rounds(3) {
            // At another moment of what it does each time.
            thread::sleep(Duration::from_micros(round as u64 * 377 % 5000));
            redis.kill();
            thread::sleep(Duration::from_millis(100));
            redis.start_again();
            load.go_on(200);
        }
    });
}

#[test]
fn row_59_a_redis_that_hangs_for_five_seconds_loses_nothing() {
    survive("redis-hangs", |load, redis, _| {
        for _ in 0..rounds(1) {
            redis.stop();
            thread::sleep(Duration::from_secs(5));
            redis.go_on();
            load.go_on(100);
        }
    });
}

#[test]
fn row_59_a_link_that_is_cut_within_a_command_or_a_reply_loses_nothing() {
    survive("link-cut", |load, _, proxies| {
        let mut random = Random::new(load.seed);
        for round in 0..rounds(8) {
            let proxy = &proxies[round % HUBS];
            let way = random.pick(&[Way::Up, Way::Down]);
            let cuts = proxy.cuts();
            proxy.cut_after(way, 1 + random.below(1500));
            crate::support::until("a cut", || proxy.cuts() > cuts);
            load.go_on(30);
        }
    });
}

#[test]
fn row_59_a_link_that_stalls_within_a_command_or_a_reply_loses_nothing() {
    survive("link-stalls", |load, _, proxies| {
        let mut random = Random::new(load.seed);
        for round in 0..rounds(2) {
            let proxy = &proxies[round % HUBS];
            proxy.stall(random.pick(&[Way::Up, Way::Down]));
            thread::sleep(LONG);
            // What was kept arrives late, or never.
            if random.one_in(2) {
                proxy.cut();
            }
            proxy.let_go();
            load.go_on(50);
        }
    });
}

#[test]
fn row_59_streams_resume_on_any_other_hub() {
    survive("resume", |load, _, _| load.go_on(200 * rounds(5)));
}

#[test]
fn row_59_all_of_that_at_any_moment_loses_nothing() {
    survive("mix", |load, redis, proxies| {
        let mut random = Random::new(load.seed);
        for _ in 0..rounds(5) {
            let (hub, proxy) = (random.below(HUBS), &proxies[random.below(HUBS)]);
            match random.below(5) {
                0 => load.hubs.kill(hub),
                1 => redis.kill(),
                2 => redis.stop(),
                3 => proxy.cut_after(random.pick(&[Way::Up, Way::Down]), random.below(3000)),
                _ => proxy.stall(random.pick(&[Way::Up, Way::Down])),
            }
            thread::sleep(Duration::from_millis(random.below(1000) as u64));
            redis.go_on();
            if !redis.is_up() {
                redis.start_again();
            }
            proxies.iter().for_each(Proxy::let_go);
            if !load.hubs.is_up(hub) {
                load.hubs.start_again(hub);
            }
            // The next fault may come before everything is well again.
            load.go_on(random.below(40));
        }
    });
}

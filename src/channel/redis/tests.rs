//! Hubs over a real Redis.

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::channel::Channel;
use crate::channel::batches::Batches;
use crate::channel::subscription::Subscription;
use crate::error::Error;
use crate::event::Event;
use crate::log::cursor::Start;
use crate::order::redis::resp::Reply;
use support::{LONG, Server, until};

const KEY: &str = "tidings:default";

fn hub(server: &Server) -> Hub {
    Hub::redis(server.redis(), History::default(), Lag::default()).expect("a hub")
}

/// The id and the data of each event that a stream is sent, and of each gap `gap` and the reason.
fn sent(hub: &Hub, names: &[&str], start: Start<'_>) -> Vec<(String, String)> {
    let channels: Vec<Channel> = names.iter().map(|name| hub.channel(name)).collect();
    let (mut subscription, first) = Subscription::new(&channels, start).expect("a stream");
    let mut text = String::from_utf8(first.content.to_vec()).expect("text");
    let mut batches = Batches::default();
    loop {
        batches.forget();
        let batch = subscription.next(true, &mut batches).expect("it is not closed");
        if batch.len() == 0 {
            break;
        }
        text += str::from_utf8(batch.bytes()).expect("text");
        subscription.cursor = batch.cursor;
    }
    let mut id = String::new();
    let mut sent = Vec::new();
    for line in text.lines() {
        if let Some(text) = line.strip_prefix("id: ") {
            text.clone_into(&mut id);
        } else if let Some(data) = line.strip_prefix("data: ") {
            let reason = data.split_once("\"reason\":\"").map(|(_, of)| of.trim_end_matches("\"}"));
            sent.push((id.clone(), reason.map_or(data.to_owned(), |of| format!("gap {of}"))));
        }
    }
    sent
}

/// The data alone of all that there is.
fn all(hub: &Hub, names: &[&str]) -> Vec<String> {
    sent(hub, names, Start::Newest(usize::MAX)).into_iter().map(|(_, data)| data).collect()
}

fn until_published(hub: &Hub, count: u64) {
    until("the hub does not read what there is", || hub.published() >= count);
}

/// Publishes until it works.
#[track_caller]
fn publish(channel: &Channel, data: &str) -> String {
    let begun = Instant::now();
    loop {
        match channel.send(data) {
            Ok(id) => return id.as_str().to_owned(),
            Err(error) => assert!(begun.elapsed() < LONG, "{error}"),
        }
    }
}

fn is_sure(error: &Error) -> bool {
    error.is_unavailable() && !error.is_outcome_unknown()
}

#[test]
fn hubs_have_each_others_events_in_one_order_under_the_same_ids() {
    let Some(server) = Server::start(false) else { return };
    let hubs = [hub(&server), hub(&server)];
    let mut given: Vec<(String, String)> = thread::scope(|scope| {
        let publish = |(hub, name): (&Hub, &'static str)| {
            let channel = hub.channel(name);
            let ids = (0..100).map(move |n| {
                let data = format!("{name} {n}");
                (channel.send(&*data).expect("it is published").as_str().to_owned(), data)
            });
            ids.collect::<Vec<_>>()
        };
        let each = [(&hubs[0], "a"), (&hubs[0], "b"), (&hubs[1], "c"), (&hubs[1], "d")];
        let threads = each.map(|of| scope.spawn(move || publish(of)));
        threads.into_iter().flat_map(|of| of.join().unwrap()).collect()
    });
    hubs.iter().for_each(|hub| until_published(hub, 400));
    given.sort_by_key(|(id, _)| crate::log::id::Id::parse(id));
    for hub in &hubs {
        assert_eq!(sent(hub, &["a", "b", "c", "d"], Start::Newest(usize::MAX)), given);
        assert_eq!(hub.order_stats().map(|of| (of.reachable, of.reconnects)), Some((true, 0)));
    }
    // So does one that starts now; and each id resumes with each of them.
    let third = hub(&server);
    for (at, (id, _)) in given.iter().enumerate().step_by(37) {
        for hub in [&hubs[1], &third] {
            assert_eq!(sent(hub, &["a", "b", "c", "d"], Start::After(id)), given[at + 1..]);
        }
    }
}

#[test]
fn what_others_add_is_served_and_what_is_no_event_is_left_out() {
    let Some(server) = Server::start(false) else { return };
    let hub = hub(&server);
    publish(&hub.channel("news"), "one");
    server.ask(&format!("XADD {KEY} * x y"));
    server.ask(&format!("XADD {KEY} * x y d two c news e weather"));
    publish(&hub.channel("news"), "three");
    until_published(&hub, 3);
    assert_eq!(all(&hub, &["news"]), ["one", "two", "three"]);
    assert_eq!(hub.order_stats().map(|of| (of.ignored, of.gaps_evicted)), Some((1, 0)));
}

#[test]
fn a_key_holds_with_all_hubs_and_when_the_first_has_gone() {
    let Some(server) = Server::start(false) else { return };
    let (one, other) = (hub(&server), hub(&server));
    let ids = one.channel("news").send_once("K", ["rain", "sun"]).expect("it is published");
    assert_eq!(one.channel("news").send_once("K", ["rain", "sun"]).unwrap(), ids);
    drop(one);
    assert_eq!(other.channel("news").send_once("K", ["rain", "sun"]).unwrap(), ids);
    let error = other.channel("news").send_once("K", ["snow"]).unwrap_err();
    assert!(error.is_key_reused(), "{error}");
    // Another channel has keys of its own.
    other.channel("weather").send_once("K", ["wind"]).expect("it is published");
    until_published(&other, 3);
    assert_eq!(all(&other, &["news", "weather"]), ["rain", "sun", "wind"]);
    // And the mark of their epoch.
    assert_eq!(server.ask(&format!("XLEN {KEY}")), Reply::Integer(4));
}

#[test]
fn hubs_that_publish_under_one_key_at_once_publish_once() {
    let Some(server) = Server::start(false) else { return };
    let hubs = [hub(&server), hub(&server), hub(&server)];
    for key in 0..50 {
        let ids = thread::scope(|scope| {
            let publish = |hub: &Hub| hub.channel("news").send_once(&key.to_string(), ["x"]);
            let threads = hubs.each_ref().map(|hub| scope.spawn(move || publish(hub).unwrap()));
            threads.map(|of| of.join().unwrap())
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
    until("not all are read", || hubs.iter().all(|hub| hub.published() == 50));
    let epochs: u64 = hubs.iter().map(|hub| hub.order_stats().unwrap().epochs).sum();
    assert_eq!(server.ask(&format!("XLEN {KEY}")), Reply::Integer(50 + epochs as i64));
}

#[test]
fn a_killed_redis_that_keeps_its_data_costs_no_event_and_no_order() {
    let Some(mut server) = Server::start(true) else { return };
    let hubs = [hub(&server), hub(&server)];
    let first = publish(&hubs[0].channel("news"), "one");
    hubs.iter().for_each(|hub| until_published(hub, 1));
    server.kill();
    for hub in &hubs {
        until("the hub does not notice", || !hub.order_stats().unwrap().reachable);
        assert!(is_sure(&hub.channel("news").send("nowhere").unwrap_err()));
        assert_eq!(all(hub, &["news"]), ["one"]);
    }
    server.start_again();
    publish(&hubs[0].channel("news"), "two");
    publish(&hubs[1].channel("news"), "three");
    for hub in &hubs {
        until_published(hub, 3);
        let sent = sent(hub, &["news"], Start::After(&first));
        assert_eq!(sent.iter().map(|of| &*of.1).collect::<Vec<_>>(), ["two", "three"]);
        let stats = hub.order_stats().unwrap();
        assert_eq!((stats.gaps_failover, stats.gaps_evicted), (0, 0));
        assert!(stats.reachable && stats.reconnects > 0 && stats.refused > 0);
    }
}

/// Publishes, has the server lose that, publishes again, and returns what each of two hubs has.
fn after(lose: impl Fn(&mut Server)) -> Option<[Vec<(String, String)>; 2]> {
    let mut server = Server::start(false)?;
    let hubs = [hub(&server), hub(&server)];
    publish(&hubs[0].channel("news"), "one");
    hubs.iter().for_each(|hub| until_published(hub, 1));
    lose(&mut server);
    publish(&hubs[1].channel("news"), "two");
    // An event, a gap and an event.
    hubs.iter().for_each(|hub| until_published(hub, 3));
    Some(hubs.each_ref().map(|hub| sent(hub, &["news"], Start::Newest(usize::MAX))))
}

#[test]
fn what_redis_has_lost_is_told_by_every_hub_before_what_comes_then() {
    let losses: [fn(&mut Server); 3] = [
        |server| drop(server.ask("FLUSHALL")),
        |server| drop(server.ask(&format!("DEL {KEY}"))),
        |server| {
            server.kill();
            server.start_again();
        },
    ];
    for lose in losses {
        let Some([one, other]) = after(lose) else { return };
        let told: Vec<&str> = one.iter().map(|of| &*of.1).collect();
        assert_eq!(told, ["one", "gap failover", "two"]);
        assert_eq!(one, other);
        let ids: Vec<_> = one.iter().map(|of| crate::log::id::Id::parse(&of.0)).collect();
        assert!(ids[0] < ids[2], "{one:?}");
    }
}

#[test]
fn what_redis_drops_before_a_hub_reads_it_is_told() {
    let Some(server) = Server::start(false) else { return };
    let hub = hub(&server);
    publish(&hub.channel("news"), "one");
    until_published(&hub, 1);
    let add = |data: &str| format!("XADD {KEY} * c news d {data}");
    let adds = ["two", "three", "four"].map(add);
    let trim = format!("XTRIM {KEY} MAXLEN 1");
    server.ask_at_once(&[&adds[0], &adds[1], &adds[2], &trim]);
    until_published(&hub, 3);
    assert_eq!(all(&hub, &["news"]), ["one", "gap evicted", "four"]);
    assert_eq!(hub.order_stats().map(|of| of.gaps_evicted), Some(1));
}

#[test]
fn a_redis_that_says_nothing_is_not_waited_for_and_streams_stay() {
    let Some(server) = Server::start(false) else { return };
    let hub = hub(&server);
    publish(&hub.channel("news"), "one");
    server.signal("STOP");
    let begun = Instant::now();
    let errors: Vec<Error> = thread::scope(|scope| {
        let publish = || hub.channel("news").send("two").unwrap_err();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(publish)).collect();
        threads.into_iter().map(|of| of.join().unwrap()).collect()
    });
    // Each waits for two seconds at most; what is beyond that is the machine's.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(errors.iter().any(Error::is_outcome_unknown), "{errors:?}");
    assert!(errors.iter().all(|of| of.is_outcome_unknown() || is_sure(of)), "{errors:?}");
    until("the hub does not notice", || !hub.order_stats().unwrap().reachable);
    server.signal("CONT");
    publish(&hub.channel("news"), "three");
    until("it is not read", || all(&hub, &["news"]).iter().any(|data| data == "three"));
    let stats = hub.order_stats().unwrap();
    assert_eq!((stats.gaps_failover, stats.gaps_evicted), (0, 0));
    assert_eq!(stats.unknown + stats.refused, 4);
}

#[test]
fn a_redis_without_memory_takes_nothing_and_says_so() {
    let Some(server) = Server::start(false) else { return };
    let hub = hub(&server);
    publish(&hub.channel("news"), "one");
    server.ask("CONFIG SET maxmemory 1");
    let plain = hub.channel("news").send("two").unwrap_err();
    let keyed = hub.channel("news").send_once("K", ["two", "three"]).unwrap_err();
    assert!(is_sure(&plain) && is_sure(&keyed), "{plain}; {keyed}");
    assert!(plain.to_string().contains("OOM"), "{plain}");
    server.ask("CONFIG SET maxmemory 0");
    assert_eq!(hub.channel("news").send_once("K", ["two", "three"]).unwrap().len(), 2);
    until_published(&hub, 3);
    assert_eq!(all(&hub, &["news"]), ["one", "two", "three"]);
}

#[test]
fn an_event_that_too_few_replicas_have_is_not_known_to_last() {
    let Some(server) = Server::start(false) else { return };
    let redis = server.redis().wait(1);
    let hub = Hub::redis(redis, History::default(), Lag::default()).expect("a hub");
    let error = hub.channel("news").send("one").unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    until_published(&hub, 1);
    assert_eq!(all(&hub, &["news"]), ["one"]);
}

#[test]
fn an_event_of_whose_replicas_nothing_was_heard_is_not_known_to_last() {
    let Some(server) = Server::start(false) else { return };
    let hub = Hub::redis(server.redis().wait(1), History::default(), Lag::default());
    let hub = hub.expect("a hub");
    let error = thread::scope(|scope| {
        let sent = scope.spawn(|| hub.channel("news").send("one"));
        until_published(&hub, 1);
        server.ask("CLIENT KILL TYPE normal");
        sent.join().unwrap().unwrap_err()
    });
    assert!(error.is_outcome_unknown(), "{error}");
}

#[test]
fn a_user_who_may_not_keep_keys_publishes_nothing_under_one() {
    let Some(server) = Server::start(false) else { return };
    let hub = hub(&server);
    let channel = hub.channel("news");
    publish(&channel, "one");
    server.ask("ACL SETUSER default -set");
    let error = channel.send_once("K", ["two"]).unwrap_err();
    assert!(is_sure(&error) && error.to_string().contains("ACL"), "{error}");
    server.ask("ACL SETUSER default +set");
    channel.send_once("K", ["three"]).expect("it is published");
    until_published(&hub, 2);
    assert_eq!(all(&hub, &["news"]), ["one", "three"]);
}

#[test]
fn a_reader_that_is_refused_rests_although_publishers_are_not() {
    let Some(server) = Server::start(false) else { return };
    let hub = hub(&server);
    let channel = hub.channel("news");
    publish(&channel, "one");
    server.ask("ACL SETUSER default -multi");
    server.ask("CLIENT KILL TYPE normal");
    let begun = Instant::now();
    (0..300).for_each(|_| drop(publish(&channel, "two")));
    let most = 10 + 2 * begun.elapsed().as_secs();
    let reconnects = hub.order_stats().unwrap().reconnects;
    assert!(reconnects < most, "{reconnects}");
}

#[test]
fn ids_that_have_come_to_their_end_are_told_with_what_to_do() {
    let Some(server) = Server::start(false) else { return };
    server.ask(&format!("XADD {KEY} 18446744073709551615-200000 c news d one"));
    let hub = hub(&server);
    let error = hub.channel("news").send("two").unwrap_err();
    assert!(is_sure(&error) && error.to_string().contains("--redis-name"), "{error}");
    assert_eq!(all(&hub, &["news"]), ["one"]);
}

#[test]
fn entries_that_do_not_rise_are_none_of_a_redis() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let url = format!("redis://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a hub");
        let info = "redis_version:7.0.15\r\nrun_id:1\r\n";
        let role = "*1\r\n$6\r\nmaster\r\n*2\r\n$1\r\n1\r\n$1\r\n0\r\n-ERR no such key\r\n";
        let entry = |id| format!("*2\r\n$3\r\n{id}\r\n*4\r\n+c\r\n+news\r\n+d\r\n+rain\r\n");
        let known = "+OK\r\n".repeat(5) + "*4\r\n*0\r\n*0\r\n-ERR no such key\r\n";
        let read = format!("*1\r\n*2\r\n+key\r\n*2\r\n{}{}", entry("5-3"), entry("5-0"));
        for said in [format!("${}\r\n{info}\r\n{role}", info.len()), known + &read] {
            let _ = socket.read(&mut [0; 4096]);
            let _ = socket.write_all(said.as_bytes());
        }
        let _ = socket.read_to_end(&mut Vec::new());
    });
    let redis = Redis::new(&url).expect("a URL");
    let error = Hub::redis(redis, History::default(), Lag::default()).expect_err("no hub");
    assert!(error.to_string().contains("does not respond as Redis does"), "{error}");
}

#[test]
fn a_redis_that_is_no_master_any_more_takes_nothing_until_it_is_one_again() {
    let Some(server) = Server::start(false) else { return };
    let hub = hub(&server);
    let one = publish(&hub.channel("news"), "one");
    server.ask("REPLICAOF 127.0.0.1 1");
    let error = hub.channel("news").send("two").unwrap_err();
    assert!(is_sure(&error), "{error}");
    until("the hub does not notice", || !hub.order_stats().unwrap().reachable);
    let error = hub.channel("news").send("two").unwrap_err();
    assert!(is_sure(&error) && error.to_string().contains("replica"), "{error}");
    server.ask_anyone("REPLICAOF NO ONE");
    let three = publish(&hub.channel("news"), "three");
    let epoch = |id: &str| crate::log::id::Id::parse(id).expect("an id").epoch;
    assert!(epoch(&three) > epoch(&one), "it may have another server's data since");
    until_published(&hub, 2);
    assert_eq!(all(&hub, &["news"]), ["one", "three"]);
}

#[test]
fn a_hub_begins_with_what_there_is_as_old_as_it_is() {
    let Some(server) = Server::start(false) else { return };
    let first = hub(&server);
    let minute = server.ask("TIME").parts()[0].text().unwrap().parse::<u64>().unwrap() - 60;
    server.ask(&format!("XADD {KEY} 5-1 c news d old t {minute}000"));
    let id = publish(&first.channel("news"), "new");
    let history = History::default().age(Duration::from_secs(30));
    let second = Hub::redis(server.redis(), history, Lag::default()).unwrap();
    assert_eq!(all(&second, &["news"]), ["new"]);
    assert_eq!(sent(&second, &["news"], Start::After(&id)), []);
    let third = hub(&server);
    assert_eq!(all(&third, &["news"]), ["old", "new"]);
}

#[test]
fn an_event_that_is_too_large_to_be_read_is_told_as_one_that_is_gone() {
    let Some(server) = Server::start(false) else { return };
    let hub = hub(&server);
    publish(&hub.channel("news"), "one");
    let large = vec![b'x'; 17 * 1024 * 1024];
    server.ask_for(&[b"XADD", KEY.as_bytes(), b"*", b"c", b"news", b"d", &large]);
    publish(&hub.channel("news"), "three");
    until_published(&hub, 3);
    assert_eq!(all(&hub, &["news"]), ["one", "gap evicted", "three"]);
}

#[test]
fn an_event_of_64_bytes_takes_no_more_than_110_in_redis() {
    let Some(server) = Server::start(false) else { return };
    let hub = hub(&server);
    let event = Event::new("x".repeat(64));
    for _ in 0..100 {
        hub.channel("news").send_all(vec![&event; 100]).expect("it is published");
    }
    let Reply::Integer(bytes) = server.ask(&format!("MEMORY USAGE {KEY} SAMPLES 0")) else {
        panic!("no number")
    };
    assert!(bytes <= 110 * 10_000, "{bytes}");
}

#[test]
fn a_key_of_redis_that_is_something_else_is_refused_at_the_start() {
    let Some(server) = Server::start(false) else { return };
    server.ask(&format!("SET {KEY} x"));
    let begun = Instant::now();
    let error = Hub::redis(server.redis(), History::default(), Lag::default()).unwrap_err();
    assert!(error.to_string().contains("--redis-name"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(9), "it was tried again");
}

#[test]
fn a_hub_that_is_dropped_does_not_wait_for_events() {
    let Some(server) = Server::start(false) else { return };
    let hub = hub(&server);
    publish(&hub.channel("news"), "one");
    until_published(&hub, 1);
    let begun = Instant::now();
    drop(hub);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[test]
fn many_events_that_others_have_added_are_read_at_the_start_and_after_a_cut() {
    let Some(server) = Server::start(false) else { return };
    let add = "for i = 1, 3000 do redis.call('XADD', KEYS[1], '*', 'c', 'news', 'd', i) end";
    let add = || server.ask_for(&[b"EVAL", add.as_bytes(), b"1", KEY.as_bytes()]);
    add();
    let history = History::default().events(10_000);
    let hub = Hub::redis(server.redis(), history, Lag::default()).expect("a hub");
    let numbers = |count: usize| (1..=count).map(|n| n.to_string());
    assert!(all(&hub, &["news"]).into_iter().eq(numbers(3000)));
    server.ask("CLIENT KILL TYPE normal");
    add();
    until_published(&hub, 6000);
    assert!(all(&hub, &["news"]).into_iter().eq(numbers(3000).chain(numbers(3000))));
    assert_eq!(hub.order_stats().map(|of| (of.gaps_failover, of.gaps_evicted)), Some((0, 0)));
}

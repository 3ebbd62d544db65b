//! What streams of views are sent, from where, and in which order.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::channel::fanout::Fanout;
use crate::channel::subscription::Subscription;
use crate::channel::tests::{Member, member};
use crate::log::batch::Batch;
use crate::log::cursor::{Evicted, Lag, Start};
use crate::net::atomic::AtomicU64;

/// A stream without a socket, and what it is sent at once.
pub(in crate::channel) struct Follower(Subscription);

impl Follower {
    pub(in crate::channel) fn new(channel: &Channel, start: Start<'_>) -> (Self, String) {
        Self::of(std::slice::from_ref(channel), start)
    }

    fn of(channels: &[Channel], start: Start<'_>) -> (Self, String) {
        let (subscription, first) = Subscription::new(channels, start).unwrap();
        (Self(subscription), String::from_utf8(first.content.into()).unwrap())
    }

    /// Everything that has come, without chunk framing.
    pub(in crate::channel) fn read(&mut self) -> Result<String, Evicted> {
        let (mut text, mut batch) = (Vec::new(), Batch::default());
        loop {
            self.0.read(true, &mut batch)?;
            self.0.cursor = batch.cursor;
            if batch.len() == 0 {
                return Ok(String::from_utf8(text).unwrap());
            }
            text.extend_from_slice(batch.bytes());
        }
    }
}

pub(in crate::channel) fn read(channel: &Channel, start: Start<'_>) -> (String, String) {
    let (mut follower, first) = Follower::new(channel, start);
    let rest = follower.read().unwrap();
    (first, rest)
}

pub(in crate::channel) fn send(hub: &Hub, name: &str, data: &str) -> String {
    hub.channel(name).send(data).unwrap().as_str().into()
}

/// Finds whatever a view has while others publish that the hub has not come to: a client that was
/// sent it and came back would be told that its id is unknown.
#[cfg(any(feature = "journal", feature = "redis", feature = "follow"))]
pub(in crate::channel) fn has_come_to_all_of_a_view(hub: &Hub, publish: impl FnOnce()) {
    let (view, done) = (hub.matching("*").unwrap(), AtomicBool::new(false));
    let ahead = || {
        let log = view.log();
        let newest = log.len().checked_sub(1).and_then(|at| log.place_at(at)).unwrap_or(0);
        newest.saturating_sub(hub.sequence().newest())
    };
    thread::scope(|scope| {
        let looks = scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                assert_eq!(ahead(), 0, "it has come to all that the view has");
            }
        });
        publish();
        done.store(true, Ordering::Release);
        looks.join().unwrap();
    });
}

fn block(id: &str, data: &str) -> String {
    format!("id: {id}\ndata: {data}\n\n")
}

/// Forgets what nobody needs.
fn forget(hub: &Hub) {
    hub.names().forget_unused(hub.sequence());
}

/// The names of the channels that a view has its events from.
fn members(view: &Channel) -> Vec<String> {
    let mut names = view.0.log.with_members(|logs| {
        logs.iter().map(|log| log.name().unwrap().to_owned()).collect::<Vec<_>>()
    });
    names.sort();
    names
}

/// How many views a channel feeds.
fn fed(channel: &Channel) -> usize {
    channel.0.log.views().iter().count()
}

#[test]
fn a_pattern_is_a_star_or_a_name_with_a_dot_and_a_star() {
    let prefix = |pattern| prefix_of(pattern).ok();
    let patterns = ["*", "room.*", "a.b.*", "..*", "ä.*"];
    let prefixes = ["", "room.", "a.b.", "..", "ä."].map(Some);
    assert_eq!(patterns.map(prefix), prefixes);
    for other in ["", ".", ".*", "room", "room*", "room.", "*.*", "a.*.*", "a*.*", "**", "room.* "]
    {
        assert!(prefix_of(other).is_err_and(|error| error.is_invalid()), "{other}");
    }
}

#[test]
fn a_view_begins_with_what_its_channels_keep_and_has_every_later_event_in_order() {
    let hub = Hub::new();
    let before = [("room.1", "1"), ("room", "2"), ("rooms.1", "3"), ("room.2", "4")];
    let [one, _, _, two] = before.map(|(name, data)| send(&hub, name, data));
    let (mut rooms, first) = Follower::new(&hub.matching("room.*").unwrap(), Start::Newest(9));
    assert_eq!(rooms.read().unwrap(), block(&one, "1") + &block(&two, "4"), "after {first}");
    let later = [("room.2", "5"), ("weather", "6"), ("room.3", "7"), ("room.3.x", "8")];
    let [five, _, seven, eight] = later.map(|(name, data)| send(&hub, name, data));
    let expected = [block(&five, "5"), block(&seven, "7"), block(&eight, "8")].concat();
    assert_eq!(rooms.read().unwrap(), expected);
    let all = hub.matching("*").unwrap();
    assert_eq!((all.kept(), all.published()), (8, 8));
    let batch = hub.channel("room.4").send_all([("type", "9"), ("type", "10\n11")]).unwrap();
    let expected = format!(
        "id: {}\nevent: type\ndata: 9\n\nid: {}\nevent: type\ndata: 10\ndata: 11\n\n",
        batch[0], batch[1]
    );
    assert_eq!(rooms.read().unwrap(), expected);
    assert_eq!(read(&all, Start::Newest(2)).1, expected);
}

#[test]
fn all_who_follow_the_same_pattern_follow_the_same_channel() {
    let hub = Hub::new();
    let rooms = hub.matching("room.*").unwrap();
    assert!(hub.matching("room.*").unwrap() == rooms && hub.matching("*").unwrap() != rooms);
    assert!(hub.is_empty() && hub.channels().is_empty() && hub.get("room.*").is_none());
    assert!(rooms.send("x").is_err_and(|error| error.is_invalid()));
    assert!(rooms.send_once("key", ["x"]).is_err_and(|error| error.is_invalid()));
    // A channel may be called as it likes.
    hub.channel("room.*").send("x").unwrap();
    assert_eq!((rooms.kept(), hub.len()), (1, 1));
    rooms.close();
    let again = hub.matching("room.*").unwrap();
    assert!(!again.is_closed());
    hub.channel("room.1").send("x").unwrap();
    assert_eq!((rooms.published(), again.kept()), (1, 2));
}

#[test]
fn of_channels_and_patterns_that_overlap_a_stream_is_sent_each_event_once_and_told_once() {
    let hub = Hub::with(History::default().events(2), Lag::default());
    let [one, two] = ["room.1", "room.2"].map(|name| hub.channel(name));
    let weather = hub.channel("weather");
    let [all, rooms, below] = ["*", "room.*", "room.1.*"].map(|name| hub.matching(name).unwrap());
    for (followed, count) in [
        (vec![&rooms, &one, &rooms, &two, &weather], 2),
        (vec![&weather, &below, &rooms, &one, &below], 2),
        (vec![&one, &all, &weather, &rooms, &below], 1),
        (vec![&below, &one, &two, &weather], 4),
    ] {
        let followed: Vec<Channel> = followed.into_iter().cloned().collect();
        let (mut stream, _) = Follower::of(&followed, Start::Live);
        assert_eq!(stream.0.key(true).numbers.len(), count);
        let ids = ["room.1", "weather", "room.2", "room.1.x"].map(|name| send(&hub, name, "x"));
        assert_eq!(stream.read().unwrap(), ids.map(|id| block(&id, "x")).concat());
        // Those on the view, and those of the channel beside it.
        let [kept, made] = if count == 4 { [2, 40] } else { [32, 40] };
        let later: Vec<_> = (0..made).map(|_| send(&hub, "room.1", "x")).collect();
        let sent = stream.read().unwrap();
        assert_eq!(sent.matches("tidings.gap").count(), 1, "{sent}");
        assert!(sent.contains(&format!("\"missed\":{},", made - kept)), "{sent}");
        assert_eq!(sent.matches("data: x\n").count(), kept);
        assert!(
            sent.ends_with(&block(later.last().unwrap(), "x")) && stream.read().unwrap().is_empty()
        );
    }
    // Those of another hub have another order, whatever they are called.
    let other = Hub::new();
    let both = [all, other.channel("room.1")];
    assert!(Subscription::new(&both, Start::Live).is_err_and(|error| error.is_invalid()));
}

#[test]
fn a_stream_of_views_and_channels_resumes_with_one_id() {
    let hub = Hub::with(History::default().events(2), Lag::default());
    let follow = |start: Start<'_>| {
        let followed = [hub.channel("a"), hub.matching("room.*").unwrap(), hub.channel("b")];
        let (mut stream, first) = Follower::of(&followed, start);
        (first, stream.read().unwrap())
    };
    follow(Start::Live);
    let names = ["room.1", "a", "room.2", "b", "room.1", "other", "a"];
    let ids = names.map(|name| send(&hub, name, name));
    for (seen, id) in ids.iter().enumerate() {
        let (first, rest) = follow(Start::After(id));
        assert_eq!(first, format!("id: {id}\n\n"));
        let later = names.iter().zip(&ids).skip(seen + 1).filter(|(name, _)| **name != "other");
        assert_eq!(rest, later.map(|(name, id)| block(id, name)).collect::<String>());
    }
    // The channels keep two each, so what the view has comes after the word of what is gone.
    (0..2).for_each(|_| drop(send(&hub, "a", "x")));
    let (first, rest) = follow(Start::After(&ids[0]));
    let id = first.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    assert!(first.contains("tidings.gap") && id.matches('-').count() == 3, "{first}");
    let (again, same) = follow(Start::After(&id));
    assert!(!again.contains("tidings.gap") && same == rest, "{again}");
}

#[test]
fn how_much_was_seen_of_a_view_says_nothing_of_one_that_is_made_later() {
    let hub = Hub::with(History::default().events(1), Lag::default());
    ["room.a", "room.b", "room.b"].iter().for_each(|name| drop(send(&hub, name, "x")));
    let first = read(&hub.matching("room.*").unwrap(), Start::Newest(9)).0;
    let id = first.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    assert!(first.contains("tidings.gap") && id.matches('-').count() == 3, "{first}");
    assert!(!read(&hub.matching("room.*").unwrap(), Start::After(&id)).0.contains("tidings.gap"));
    forget(&hub);
    let again = read(&hub.matching("room.*").unwrap(), Start::After(&id)).0;
    assert!(again.contains("\"missed\":null"), "{again}");
}

#[test]
fn channels_that_are_forgotten_leave_the_view_and_their_events_stay() {
    let hub = Hub::new();
    let rooms = hub.matching("room.*").unwrap();
    let held = hub.channel("room.held");
    let id = send(&hub, "room.events", "x");
    drop(hub.channel("room.unused"));
    drop(hub.channel("weather"));
    assert_eq!(members(&rooms), ["room.events", "room.held", "room.unused"]);
    assert_eq!(members(&held), ["room.held"]);
    forget(&hub);
    assert_eq!(members(&rooms), ["room.events", "room.held"]);
    assert!(hub.forget("room.events"));
    assert_eq!(members(&rooms), ["room.held"]);
    let again = send(&hub, "room.events", "y");
    assert_eq!(members(&rooms), ["room.events", "room.held"]);
    assert_eq!(read(&rooms, Start::Newest(9)).1, block(&id, "x") + &block(&again, "y"));
    held.close();
    assert!(!rooms.is_closed(), "it is open whatever its channels are");
}

#[test]
fn a_view_that_nobody_follows_is_forgotten_and_costs_nothing_any_more() {
    let hub = Hub::new();
    let channel = hub.channel("room.1");
    assert_eq!(fed(&channel), 0);
    let views = ["*", "room.*", "room.1.*"].map(|pattern| hub.matching(pattern).unwrap());
    let stream = Follower::new(&views[1], Start::Live).0;
    assert_eq!(fed(&channel), 2);
    drop(views);
    assert_eq!(fed(&channel), 2, "their next stream finds them for a while");
    channel.send("x").unwrap();
    forget(&hub);
    assert_eq!((fed(&channel), hub.names().count()), (1, 2));
    drop(stream);
    forget(&hub);
    assert_eq!((fed(&channel), hub.names().count()), (0, 1));
    // Where nothing is published, those that were forgotten don't add up either.
    for _ in 0..1_000 {
        hub.matching("*").unwrap();
        forget(&hub);
    }
    assert_eq!(channel.0.log.listed_views(), 1);
}

#[test]
fn a_view_outlives_its_hub_and_holds_it_no_longer() {
    let hub = Hub::new();
    let (view, channel) = (hub.matching("*").unwrap(), hub.channel("a"));
    drop(hub);
    channel.send("x").unwrap();
    assert_eq!(view.kept(), 1);
    let order = Arc::downgrade(&channel.0.order);
    drop(view);
    channel.send("y").unwrap();
    drop(channel);
    assert!(order.upgrade().is_none());
}

fn followed(hub: &Hub, pattern: &str, peer: u8, most: usize) -> Option<Channel> {
    let peer = Peer::Tcp(([192, 0, 2, peer], 4000).into());
    hub.matching_followed(pattern, peer, most).unwrap()
}

#[test]
fn patterns_of_strangers_are_counted_as_names_that_they_make_up() {
    let hub = Hub::new();
    let mut held = Vec::new();
    let patterns = (0..).map(|n| followed(&hub, &format!("made up {n}.*"), 1, 20));
    held.extend(patterns.map_while(|view| view));
    assert_eq!(held.len(), 5, "a peer leaves as many to others");
    let peer = |last: u8| Peer::Tcp(([192, 0, 2, last], 4000).into());
    assert!(hub.channel_followed("name", peer(1), 20).is_none());
    held.extend(hub.channel_followed("name", peer(2), 20));
    held.extend(followed(&hub, "*", 2, 20));
    held.extend(followed(&hub, "a.*", 2, 20));
    assert_eq!(held.len(), 8);
    assert!(followed(&hub, "b.*", 2, 20).is_none());
    assert!(followed(&hub, "*", 1, 20).is_some(), "it is there already");
    // Publishers have the other half, and what the program itself asks for is made up by nobody.
    hub.matching("a.*").unwrap();
    assert!(followed(&hub, "b.*", 2, 20).is_some());
    let publish = |n| hub.channel_within(&format!("published {n}"), 20);
    held.extend((0..).map_while(publish));
    assert_eq!((hub.len(), hub.names().count()), (12, 20), "one view was dropped, not forgotten");
    held.clear();
    forget(&hub);
    assert_eq!(hub.names().count(), 0);
    assert_eq!((0..9).filter_map(|n| followed(&hub, &format!("{n}.*"), 1, 20)).count(), 5);
    assert!(followed(&hub, "*", 1, 0).is_none());
    let bad = hub.matching_followed("a*", peer(1), 20);
    assert!(bad.is_err_and(|error| error.is_invalid()));
}

#[test]
fn large_events_and_ones_round_the_end_of_a_log_are_in_the_view() {
    use crate::log::large::LARGE;

    let hub = Hub::with(History::default().bytes(3000).event(2 * LARGE), Lag::default());
    let mut follower = Follower::new(&hub.matching("*").unwrap(), Start::Live).0;
    for len in (900..1000).chain([LARGE - 30, LARGE + 1]) {
        let data = "x".repeat(len);
        let id = send(&hub, "a", &data);
        assert_eq!(follower.read().unwrap(), block(&id, &data));
    }
}

/// What a stream of these patterns is sent while others publish: everything after the hub's
/// beginning, until they are `done` and nothing is left.
fn follow(hub: &Hub, patterns: &[&str], done: &AtomicBool) -> String {
    let start = hub.sequence().id(0).to_string();
    let views: Vec<_> = patterns.iter().map(|pattern| hub.matching(pattern).unwrap()).collect();
    let (mut stream, first) = Follower::of(&views, Start::After(&start));
    assert_eq!(first, format!("id: {start}\n\n"), "all that was published is in it");
    let mut text = String::new();
    loop {
        let last = done.load(Ordering::Acquire);
        text.push_str(&stream.read().unwrap());
        if last {
            return text;
        }
    }
}

#[test]
fn channels_that_are_made_while_others_follow_lose_no_event_and_none_comes_twice() {
    const PUBLISHERS: u64 = 4;
    const CHANNELS: u64 = 300;
    let hub = Hub::new();
    let done = AtomicBool::new(false);
    // How many streams have begun: some before the first event, and some between.
    let begun = AtomicU64::new(0);
    let until = |is: &dyn Fn() -> bool| {
        while !is() {
            thread::yield_now();
        }
    };
    let followed = [&["*"][..], &["room.*"], &["room.0.*", "room.1.*"], &["room.2.*", "*"]];
    let texts = thread::scope(|scope| {
        let streams: Vec<_> = (0..8u64)
            .map(|n| {
                let (hub, done, begun, until) = (&hub, &done, &begun, &until);
                scope.spawn(move || {
                    until(&|| hub.published() >= n / 4 * 500);
                    // The view is made by whoever is first, while others publish.
                    let view = hub.matching(followed[n as usize % 4][0]).unwrap();
                    begun.fetch_add(1, Ordering::AcqRel);
                    let text = follow(hub, followed[n as usize % 4], done);
                    drop(view);
                    text
                })
            })
            .collect();
        let publishers: Vec<_> = (0..PUBLISHERS)
            .map(|publisher| {
                let (hub, begun, until) = (&hub, &begun, &until);
                scope.spawn(move || {
                    for n in 0..CHANNELS {
                        let channel = hub.channel(&format!("room.{publisher}.{n}"));
                        channel.send(format!("{publisher} {n} first")).unwrap();
                        drop(channel.send_all(["x", "y"]).unwrap());
                        if n == CHANNELS * 3 / 4 {
                            until(&|| begun.load(Ordering::Acquire) == 8);
                        }
                    }
                })
            })
            .collect();
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        done.store(true, Ordering::Release);
        streams.into_iter().map(|stream| stream.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(hub.published(), PUBLISHERS * CHANNELS * 3);
    for (n, text) in texts.iter().enumerate() {
        assert!(!text.contains("tidings.gap"), "stream {n}");
        let firsts: Vec<&str> = text.lines().filter(|line| line.ends_with("first")).collect();
        let publishers = if n % 4 == 2 { 2 } else { PUBLISHERS };
        assert_eq!(firsts.len() as u64, publishers * CHANNELS, "stream {n}");
        assert_eq!(firsts.iter().collect::<HashSet<_>>().len(), firsts.len(), "stream {n}");
        let ids = text.lines().filter_map(|line| line.strip_prefix("id: "));
        let sequences = ids.map(|id| id.split_once('-').unwrap().1.parse::<u64>().unwrap());
        let sequences: Vec<u64> = sequences.collect();
        assert!(sequences.is_sorted_by(|one, other| one < other), "stream {n}");
        assert_eq!(sequences.len() as u64, publishers * CHANNELS * 3, "stream {n}");
    }
}

#[test]
fn a_publish_on_one_of_ten_thousand_channels_makes_one_copy_and_one_pass_for_all_streams() {
    let hub = Hub::new();
    let channels: Vec<Channel> = (0..10_000).map(|n| hub.channel(&format!("sensor.{n}"))).collect();
    channels.iter().for_each(|channel| drop(channel.send("x").unwrap()));
    let views: Vec<Channel> = (0..1_000).map(|_| hub.matching("sensor.*").unwrap()).collect();
    let fanout = Fanout::new(2, &Arc::default(), &Arc::default());
    let streams: Vec<Arc<Member>> = (0..1_000).map(|n| member(fanout.shard(n))).collect();
    for (view, stream) in views.iter().zip(&streams) {
        view.join(Arc::clone(stream) as _);
    }
    let mut readers: Vec<_> = views.iter().map(|view| view.reader(Start::Live).unwrap()).collect();
    (0..2).for_each(|shard| fanout.shard(shard).start().unwrap());

    assert_eq!((views[0].kept(), views[0].streams()), (10_000, 2_000));
    for (publish, channel) in [&channels[0], &channels[9_999]].into_iter().enumerate() {
        let passes = publish as u64 + 1;
        let id = channel.send("y").unwrap();
        assert_eq!((fed(channel), channel.streams(), channel.published()), (1, 0, 2));
        assert_eq!(views[0].published(), 10_000 + passes, "one copy");
        for reader in &mut readers {
            let event = reader.next_within(Duration::from_secs(60)).unwrap().expect("an event");
            assert_eq!((&*event.data, reader.last_event_id()), ("y", id.as_str()));
        }
        let begun = Instant::now();
        while !streams.iter().all(|stream| stream.passes() >= passes) {
            assert!(begun.elapsed() < Duration::from_secs(60), "the pass did not come");
            thread::yield_now();
        }
    }
    // Its threads have ended, so nobody counts any more.
    assert_eq!(fanout.stop(Instant::now() + Duration::from_secs(60)), 0);
    assert!(streams.iter().all(|stream| stream.passes() == 2), "one pass each");
    let published: u64 = channels.iter().map(Channel::published).sum();
    assert_eq!(published, 10_002);
}

//! What the streams of a feed are sent, from where, and in which order.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::channel::hub::Hub;
use crate::channel::subscription::Subscription;
use crate::channel::view::tests::{Follower, read, send};
use crate::log::cursor::{Evicted, Lag, Start};
use crate::log::{History, large};

fn block(name: &str, id: &str, data: &str) -> String {
    format!("channel: {name}\nid: {id}\ndata: {data}\n\n")
}

#[test]
fn a_feed_has_the_events_of_all_channels_in_their_order_with_their_names() {
    let hub = Hub::new();
    let (mut follower, first) = Follower::new(&hub.feed(), Start::Live);
    let none = hub.channel("a").0.sequence.id(0).to_string();
    assert_eq!(first, format!("id: {none}\n\n"));
    let ids = [("a", "1"), ("b", "2"), ("a", "3")].map(|(name, data)| send(&hub, name, data));
    let batch = hub.channel("c").send_all([("type", "4"), ("type", "5\n6")]).unwrap();
    let sent = follower.read().unwrap();
    let blocks = [block("a", &ids[0], "1"), block("b", &ids[1], "2"), block("a", &ids[2], "3")];
    let more = [
        format!("channel: c\nid: {}\nevent: type\ndata: 4\n\n", batch[0]),
        format!("channel: c\nid: {}\nevent: type\ndata: 5\ndata: 6\n\n", batch[1]),
    ];
    assert_eq!(sent, blocks.concat() + &more.concat());
    assert_eq!(read(&hub.feed(), Start::After(batch[0].as_str())).1, more[1]);
    assert_eq!(follower.read().unwrap(), "");
}

#[test]
fn a_feed_that_is_asked_for_late_begins_with_what_the_channels_keep() {
    let hub = Hub::with(History::default().events(2), Lag::default());
    let ids: Vec<String> = [("a", "1"), ("b", "2"), ("a", "3"), ("a", "4"), ("c", "5")]
        .iter()
        .map(|(name, data)| send(&hub, name, data))
        .collect();
    let feed = hub.feed();
    assert_eq!((feed.kept(), feed.streams(), hub.len()), (4, 0, 3));
    let since_three =
        block("a", &ids[2], "3") + &block("a", &ids[3], "4") + &block("c", &ids[4], "5");
    assert_eq!(
        read(&feed, Start::After(&ids[0])),
        (format!("id: {}\n\n", ids[0]), block("b", &ids[1], "2") + &since_three),
        "the first has gone, and nothing after it"
    );
    assert_eq!(read(&feed, Start::Newest(3)).1, since_three);
    let before = format!("{}-0", ids[0].split_once('-').unwrap().0);
    let (first, rest) = read(&feed, Start::After(&before));
    assert!(
        first.contains("\nevent: tidings.gap\n") && first.contains("\"missed\":null"),
        "{first}"
    );
    assert_eq!(rest, block("b", &ids[1], "2") + &since_three);

    // It keeps more than they do.
    let more: Vec<String> = (0..20).map(|n| send(&hub, "a", &n.to_string())).collect();
    let rest = read(&feed, Start::After(&ids[4])).1;
    let all = more.iter().enumerate().map(|(n, id)| block("a", id, &n.to_string()));
    assert_eq!(rest, all.collect::<String>());
    assert_eq!(hub.channel("a").kept(), 2);
}

#[test]
fn a_feed_that_is_asked_for_late_begins_with_no_more_than_it_may_keep() {
    let history = History::default().events(2);
    let hub = Hub::with(history, Lag::default());
    let ids: Vec<String> = (0..20)
        .flat_map(|n| [(n, "1"), (n, "2")])
        .map(|(n, data)| send(&hub, &n.to_string(), data))
        .collect();
    let feed = hub.feed();
    assert_eq!(feed.kept(), 32);
    let (first, rest) = read(&feed, Start::After(&ids[7]));
    assert_eq!(first, format!("id: {}\n\n", ids[7]));
    assert!(rest.starts_with(&block("4", &ids[8], "1")), "{rest}");
    let (first, same) = read(&feed, Start::After(&ids[6]));
    assert!(first.contains("\"reason\":\"evicted\""), "{first}");
    assert_eq!(same, rest);
}

#[test]
fn what_a_feed_loses_is_told_by_its_number_and_a_stream_that_lags_is_told_or_closed() {
    for lag in [Lag::Skip, Lag::Close] {
        let hub = Hub::with(History::default().events(1), lag);
        let (mut follower, _) = Follower::new(&hub.feed(), Start::Live);
        let ids: Vec<String> = (0..20).map(|n| send(&hub, &n.to_string(), "x")).collect();
        let (first, rest) = read(&hub.feed(), Start::After(&ids[0]));
        assert!(first.contains("\"missed\":3,\"reason\":\"evicted\""), "{first}");
        assert!(rest.starts_with(&block("4", &ids[4], "x")));
        match follower.read() {
            Ok(sent) => {
                assert!(sent.contains("\"missed\":4,\"reason\":\"lagged\""), "{sent}");
                assert!(sent.ends_with(&rest) && lag == Lag::Skip);
            }
            Err(evicted) => assert_eq!((evicted, lag), (Evicted::Lagged, Lag::Close)),
        }
    }
}

#[test]
fn where_a_merged_feed_was_told_of_a_loss_its_client_is_told_once_and_on_no_other_channel() {
    let hub = Hub::with(History::default().events(1), Lag::default());
    ["a", "b", "b"].iter().for_each(|name| drop(send(&hub, name, "x")));
    let feed = hub.feed();
    let (first, _) = read(&feed, Start::Newest(9));
    let id = first.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    assert!(first.contains("tidings.gap") && id.matches('-').count() == 3, "{first}");
    let (again, rest) = read(&feed, Start::After(&id));
    assert!(!again.contains("tidings.gap") && rest.matches("channel: ").count() == 2, "{again}");
    // The log of "a" begins with the same event, and says nothing of how much this client has seen.
    send(&hub, "a", "y");
    let (other, _) = read(&hub.channel("a"), Start::After(&id));
    assert!(other.contains("tidings.gap"), "{other}");
}

#[test]
fn events_of_a_name_that_can_not_stand_in_a_line_are_missed_and_break_nothing() {
    for name in ["a\rid: 1", "a\nid: 1", "a\0", &"n".repeat(1025)] {
        for late in [false, true] {
            let hub = Hub::new();
            let feed = (!late).then(|| hub.feed());
            let first = send(&hub, "a", "1");
            send(&hub, name, "smuggled");
            let last = send(&hub, "a", "3");
            let (told, rest) = read(&feed.unwrap_or_else(|| hub.feed()), Start::After(&first));
            assert!(told.contains("\"missed\":null,\"reason\":\"evicted\""), "{told}");
            assert_eq!(rest, block("a", &last, "3"));
        }
    }
    let hub = Hub::new();
    let (mut follower, _) = Follower::new(&hub.feed(), Start::Live);
    let longest = "n".repeat(1024);
    let id = send(&hub, &longest, "x");
    assert_eq!(follower.read().unwrap(), block(&longest, &id, "x"));
    send(&hub, "\n", "smuggled");
    let told = follower.read().unwrap();
    assert!(told.contains("\"missed\":1,\"reason\":\"lagged\"") && !told.contains("smuggled"));
    let id = send(&hub, "", "after it");
    assert_eq!(follower.read().unwrap(), block("", &id, "after it"));
}

#[test]
fn large_events_and_ones_round_the_end_of_a_log_are_in_the_feed() {
    let hub = Hub::with(History::default().bytes(3000).event(2 * large::LARGE), Lag::default());
    let mut follower = Follower::new(&hub.feed(), Start::Live).0;
    for len in (900..1000).chain([large::LARGE - 30, large::LARGE + 1]) {
        let data = "x".repeat(len);
        let id = send(&hub, "a", &data);
        assert_eq!(follower.read().unwrap(), block("a", &id, &data));
    }
}

#[test]
fn the_events_of_a_forgotten_channel_stay_in_the_feed() {
    let hub = Hub::with(History::default().age(Duration::from_secs(3600)), Lag::default());
    let feed = hub.feed();
    let id = send(&hub, "a", "x");
    assert!(hub.forget("a"));
    let again = send(&hub, "a", "y");
    assert_eq!(hub.channel("a").kept(), 1);
    let before = format!("{}-0", id.split_once('-').unwrap().0);
    assert_eq!(
        read(&feed, Start::After(&before)).1,
        block("a", &id, "x") + &block("a", &again, "y")
    );
}

#[test]
fn nothing_is_published_on_a_feed_and_nothing_else_followed_with_it() {
    let hub = Hub::new();
    let feed = hub.feed();
    assert!(feed.send("x").unwrap_err().is_invalid());
    assert!(feed.send_once("key", ["x"]).unwrap_err().is_invalid());
    assert!(hub.channel("a").send_once("key", ["x"]).is_ok(), "the key was not used up");
    let both = [hub.channel("a"), feed.clone()];
    assert!(Subscription::new(&both, Start::Live).is_err_and(|error| error.is_invalid()));
    assert!(Subscription::new(&[feed.clone(), hub.feed()], Start::Live).is_ok(), "it is one");
    feed.close();
    assert!(hub.feed().is_closed());
    assert!(hub.channel("a").send("y").is_ok());
    assert_eq!(feed.published(), 1);
}

#[test]
fn a_feed_outlives_its_hub_and_holds_it_no_longer() {
    let hub = Hub::new();
    let (feed, channel) = (hub.feed(), hub.channel("a"));
    drop(hub);
    channel.send("x").unwrap();
    assert_eq!(feed.kept(), 1);
    let order = std::sync::Arc::downgrade(&channel.0.order);
    drop(feed);
    channel.send("y").unwrap();
    drop(channel);
    assert!(order.upgrade().is_none());
}

/// What came on each channel, as blocks of the feed, in their order.
fn by_channel(feed: &str) -> HashMap<String, String> {
    let mut channels: HashMap<String, String> = HashMap::new();
    for block in feed.split_inclusive("\n\n") {
        let (name, rest) = block.split_once('\n').unwrap();
        let name = name.strip_prefix("channel: ").expect(block);
        channels.entry(name.into()).or_default().push_str(rest);
    }
    channels
}

#[test]
fn while_eight_publishers_publish_on_fifty_channels_feed_and_channels_agree() {
    const EVENTS: usize = 4_000;
    let history = History::default().events(8 * EVENTS).bytes(64 << 20);
    let hub = Hub::with(history, Lag::default());
    // A channel is forgotten only while it has no events.
    let (made, done) = (AtomicBool::new(false), AtomicBool::new(false));
    let live = thread::scope(|scope| {
        let publishers: Vec<_> = (0..8)
            .map(|publisher| {
                let (hub, made) = (&hub, &made);
                scope.spawn(move || {
                    for n in 0..EVENTS {
                        let name = format!("c{}", (publisher * 31 + n * 7) % 50);
                        match n % 3 {
                            0 => drop(hub.channel(&name).send_all(["x", "y"]).unwrap()),
                            _ => drop(hub.channel(&name).send(format!("{publisher} {n}")).unwrap()),
                        }
                        // No publisher is through before the feed is made.
                        while n == EVENTS / 2 && !made.load(Ordering::Acquire) {
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        let live = scope.spawn(|| {
            while hub.published() < 100 {
                thread::yield_now();
            }
            let start = hub.channel("c0").0.sequence.id(0).to_string();
            let (mut follower, first) = Follower::new(&hub.feed(), Start::After(&start));
            made.store(true, Ordering::Release);
            assert_eq!(first, format!("id: {start}\n\n"), "all that was published is in it");
            let mut text = String::new();
            loop {
                let last = done.load(Ordering::Acquire);
                text.push_str(&follower.read().unwrap());
                if last {
                    return text;
                }
            }
        });
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        done.store(true, Ordering::Release);
        live.join().unwrap()
    });
    let sequences: Vec<u64> = live
        .lines()
        .filter_map(|line| line.strip_prefix("id: "))
        .map(|id| id.split_once('-').unwrap().1.parse().unwrap())
        .collect();
    assert_eq!(sequences, (1..=hub.published()).collect::<Vec<_>>());
    let start = hub.channel("c0").0.sequence.id(0).to_string();
    let of_channels: HashMap<String, String> = hub
        .channels()
        .iter()
        .map(|(name, channel)| (name.clone(), read(channel, Start::After(&start)).1))
        .collect();
    assert_eq!(of_channels.len(), 50);
    assert!(by_channel(&live) == of_channels, "feed and channels agree");
}

//! Hubs whose events come from a script in place of an order elsewhere.

use std::thread;

use super::*;
use crate::channel::batches::Batches;
use crate::channel::subscription::Subscription;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::log::History;
use crate::log::cursor::{Lag, Start};
use crate::log::gap::Reason;
use crate::order::keys::Keys;
use crate::order::remote::Remote;
use crate::order::shared_log::SharedLog;
use crate::order::{Appended, Order, Post};

/// An order that takes nothing, and whose reader is the test.
struct Elsewhere {
    sequence: Arc<Sequence>,
    keys: Keys,
    remote: Remote,
}

impl Order for Elsewhere {
    fn sequence(&self) -> &Arc<Sequence> {
        &self.sequence
    }

    fn keys(&self) -> &Keys {
        &self.keys
    }

    fn append(&self, _: &Arc<SharedLog>, _: &Post<'_>) -> Result<Appended> {
        Err(Error::unavailable("nobody is there"))
    }

    fn remote(&self) -> Option<&Remote> {
        Some(&self.remote)
    }
}

/// A hub whose logs keep so many events, and its order.
fn hub(events: usize) -> (Hub, Arc<Elsewhere>) {
    let sequence = Arc::new(Sequence::elsewhere(Duration::from_secs(3600)));
    let order = Elsewhere { sequence, keys: Keys::new(), remote: Remote::new() };
    let (order, history) = (Arc::new(order), History::default().events(events));
    let own = order.sequence.newest();
    (Hub::with_order(Arc::clone(&order) as _, history, Lag::default(), own), order)
}

fn id(text: &str) -> Id {
    Id::parse(text).expect("an id")
}

fn event(sink: &mut HubSink, text: &str, channel: &str) {
    let event = Event::new(text);
    sink.event(&Arrival { id: id(text), channel, event: &event, age: Duration::ZERO });
}

fn lose(sink: &mut HubSink, through: &str) {
    sink.loss(&Loss { through: id(through), missed: Some(3), reason: Reason::Evicted });
}

/// What a stream is sent that begins there, without its head and framing: the data of its events,
/// and each gap as from and to.
fn sent(hub: &Hub, names: &[&str], start: Start<'_>) -> Vec<String> {
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
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| data.replace("\"missed\":null,", "").replace('"', "")).collect()
}

fn gap(from: &str, to: &str, reason: &str) -> String {
    format!("{{from:{from},to:{to},reason:{reason}}}")
}

#[test]
fn events_come_in_their_order_whoever_begins_the_epochs() {
    let (hub, _order) = hub(100);
    let mut sink = hub.sink();
    for (text, channel) in [("5-0", "a"), ("5-1", "b"), ("5-2", "a"), ("9-0", "b"), ("9-1", "a")] {
        event(&mut sink, text, channel);
    }
    sink.pass();
    assert_eq!(sent(&hub, &["a", "b"], Start::After("5-0")), ["5-1", "5-2", "9-0", "9-1"]);
    assert_eq!(sent(&hub, &["a"], Start::After("5-1")), ["5-2", "9-1"]);
    assert_eq!(sent(&hub, &["b"], Start::After("9-0")), [""; 0]);
    assert_eq!(sent(&hub, &["b"], Start::Newest(1)), ["9-0"]);
    assert_eq!(sent(&hub, &["a", "b"], Start::After("0-0")).len(), 5);
    assert_eq!(hub.published(), 5);
}

#[test]
fn a_loss_is_told_once_to_every_stream_in_its_place() {
    let (hub, _order) = hub(100);
    let mut sink = hub.sink();
    event(&mut sink, "5-0", "a");
    event(&mut sink, "5-1", "b");
    lose(&mut sink, "5-4");
    event(&mut sink, "5-5", "b");
    event(&mut sink, "5-6", "a");
    sink.pass();
    let told = "{from:5-1,to:5-4,missed:3,reason:evicted}";
    let all = sent(&hub, &["a", "b"], Start::After("5-0"));
    assert_eq!(all, ["5-1", told, "5-5", "5-6"]);
    assert_eq!(sent(&hub, &["a"], Start::After("5-0")), [told, "5-6"]);
    // From another hub, which had them.
    assert_eq!(sent(&hub, &["b"], Start::After("5-3")), [told, "5-5"]);
    let (_, first) = Subscription::new(&[hub.channel("b")], Start::After("5-3")).unwrap();
    assert_eq!(first.content, &b"id: 5-3\n\n"[..], "a client that is cut off now doesn't go back");
    assert_eq!(sent(&hub, &["b", "a"], Start::After("5-4")), ["5-5", "5-6"]);
    // A channel that is made later may have had some of them.
    let [first, ..] = &sent(&hub, &["c"], Start::After("5-0"))[..] else { panic!("nothing told") };
    assert!(first.contains("from:5-0,to:5-4") && first.contains("reason:evicted"), "{first}");
    assert_eq!(sent(&hub, &["c"], Start::Live), [""; 0]);
}

#[test]
fn where_only_the_present_counts_a_loss_is_told_and_leaves_it_there() {
    let (order, history, lag) = (hub(1).1, History::latest(), Lag::Conflate);
    let hub = Hub::with_order(order, history, lag, 0);
    let mut sink = hub.sink();
    for (text, channel) in [("5-0", "s.a"), ("5-1", "s.b"), ("5-2", "s.a")] {
        event(&mut sink, text, channel);
    }
    lose(&mut sink, "5-4");
    sink.pass();
    let told = "{from:5-2,to:5-4,missed:3,reason:evicted}";
    let present = Start::NewestOfEach(1);
    assert_eq!(sent(&hub, &["s.a", "s.b"], present), ["5-1", "5-2", told]);
    assert_eq!(sent_of(&hub, &["s.*"], present), ["5-1", "5-2", "lost:5-4"]);
    // Of another hub, before the loss, after it, and of an order that is no more.
    for (id, all) in [("5-3", &[told][..]), ("5-4", &[]), ("4-9", &["5-1", "5-2", told])] {
        assert_eq!(sent(&hub, &["s.a", "s.b"], Start::After(id)), all, "{id}");
    }
    event(&mut sink, "5-5", "s.b");
    assert_eq!(sent(&hub, &["s.a", "s.b"], present), ["5-2", told, "5-5"]);
}

#[test]
fn a_loss_of_nobody_knows_what_is_told_to_whoever_has_the_newest_event() {
    let (hub, _order) = hub(100);
    let mut sink = hub.sink();
    event(&mut sink, "5-0", "a");
    sink.loss(&Loss { through: id("5-0"), missed: None, reason: Reason::Failover });
    event(&mut sink, "7-0", "a");
    sink.pass();
    let told = gap("5-0", "5-0", "failover");
    assert_eq!(sent(&hub, &["a"], Start::After("5-0")), [told.as_str(), "7-0"]);
    // From a hub that had more.
    let told = gap("5-9", "5-9", "failover");
    assert_eq!(sent(&hub, &["a"], Start::After("5-9")), [told.as_str(), "7-0"]);
    assert_eq!(sent(&hub, &["a"], Start::After("7-0")), [""; 0]);
}

#[test]
fn an_id_between_two_epochs_is_told_of_and_nothing_is_sent_twice() {
    let (hub, _order) = hub(100);
    let mut sink = hub.sink();
    for text in ["5-0", "5-1", "7-0", "7-1"] {
        event(&mut sink, text, "a");
    }
    sink.pass();
    // From a hub that had more of the epoch, which Redis has lost since.
    let told = gap("5-9", "5-9", "failover");
    assert_eq!(sent(&hub, &["a"], Start::After("5-9")), [told.as_str(), "7-0", "7-1"]);
    assert_eq!(sent(&hub, &["a"], Start::After("6-0"))[1..], ["7-0", "7-1"]);
    let channel = hub.channel("a");
    let (_, first) = Subscription::new(&[channel], Start::After("5-9")).unwrap();
    assert!(first.content.starts_with(b"id: 5-9\n"), "a client doesn't go back");
}

#[test]
fn what_came_before_the_beginning_is_gone() {
    let (hub, _order) = hub(100);
    let mut sink = hub.sink();
    sink.begin_after(id("5-49"));
    event(&mut sink, "5-50", "a");
    sink.pass();
    assert_eq!(sent(&hub, &["a"], Start::After("5-49")), ["5-50"]);
    for old in ["0-0", "4-7", "5-48"] {
        let told = gap(old, "5-49", "evicted");
        assert_eq!(sent(&hub, &["a"], Start::After(old)), [told.as_str(), "5-50"]);
    }
}

#[test]
fn what_has_left_the_log_is_told_as_ever() {
    let (hub, _order) = hub(2);
    let mut sink = hub.sink();
    (0..5).for_each(|n| event(&mut sink, &format!("5-{n}"), "a"));
    sink.pass();
    let told = "{from:5-0,to:5-2,missed:2,reason:evicted}";
    assert_eq!(sent(&hub, &["a"], Start::After("5-0")), [told, "5-3", "5-4"]);
}

#[test]
fn a_client_from_a_hub_that_is_ahead_is_sent_what_comes_then() {
    let (hub, order) = hub(100);
    let mut sink = hub.sink();
    event(&mut sink, "5-0", "a");
    thread::scope(|scope| {
        let hub = &hub;
        let waits = scope.spawn(move || sent(hub, &["a"], Start::After("5-1")));
        while !order.remote.has_waiting() {
            thread::yield_now();
        }
        event(&mut sink, "5-1", "a");
        event(&mut sink, "5-2", "a");
        sink.pass();
        assert_eq!(waits.join().expect("a stream"), ["5-2"]);
    });
}

#[test]
fn an_id_that_never_comes_is_told_once_the_order_has_said_so() {
    let (hub, order) = hub(100);
    let mut sink = hub.sink();
    event(&mut sink, "5-0", "a");
    sink.pass();
    let channels = [hub.channel("a")];
    let refused = Subscription::new(&channels, Start::After("5-7")).expect_err("nobody knows");
    assert!(refused.is_unavailable());
    order.remote.hear_all();
    order.remote.hear_all();
    let told = sent(&hub, &["a"], Start::After("5-7"));
    assert!(told[0].contains("from:5-7") && told[0].contains("restarted"), "{told:?}");
    assert_eq!(told[1..], ["5-0"]);
}

/// What a stream of these patterns is sent: ids, and losses as `lost:` and theirs.
fn sent_of(hub: &Hub, patterns: &[&str], start: Start<'_>) -> Vec<String> {
    let views: Vec<Channel> =
        patterns.iter().map(|pattern| hub.matching(pattern).expect("a pattern")).collect();
    let (stream, _) = Subscription::new(&views, start).expect("a stream");
    let mut batch = crate::log::batch::Batch::default();
    stream.read(true, &mut batch).expect("it is not closed");
    let text = String::from_utf8(batch.bytes().into()).expect("text");
    let id = |block: &str| {
        let id = block.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id");
        if block.contains("tidings.gap") { format!("lost:{id}") } else { id.to_owned() }
    };
    text.split_terminator("\n\n").map(id).collect()
}

#[test]
fn views_have_each_event_and_each_loss_once_whenever_they_are_asked_for() {
    for asked in [0, 2, 9] {
        let (hub, _order) = hub(9);
        let mut sink = hub.sink();
        sink.begin_after(id("7-0"));
        let mut held = Vec::new();
        for step in 0..5 {
            if step == asked {
                held =
                    ["*", "room.*", "none.*"].map(|pattern| hub.matching(pattern).unwrap()).into();
            }
            match step {
                0 => event(&mut sink, "7-1", "room.1"),
                1 => event(&mut sink, "7-2", "weather"),
                2 => lose(&mut sink, "7-5"),
                3 => event(&mut sink, "9-0", "room.2"),
                _ => event(&mut sink, "9-1", "room.1"),
            }
        }
        sink.pass();
        let after = Start::After("7-1");
        let all = ["7-2", "lost:7-5", "9-0", "9-1"];
        let rooms = ["lost:7-5", "9-0", "9-1"];
        // Where a view is made late, its channels' logs begin after what others may have had.
        assert_eq!(sent_of(&hub, &["*"], after), all, "{asked}");
        assert_eq!(sent_of(&hub, &["room.*"], after), rooms, "{asked}");
        assert_eq!(sent_of(&hub, &["none.*", "room.*"], after), rooms, "{asked}");
        assert_eq!(sent_of(&hub, &["room.*"], Start::After("7-5")), ["9-0", "9-1"]);
        assert_eq!(sent_of(&hub, &["none.*", "room.1.*"], Start::After("9-0")), [""; 0]);
        drop(held);
    }
}

#[test]
fn events_of_channels_past_the_bound_are_in_the_views_and_their_streams_are_woken() {
    let (hub, _order) = hub(9);
    let mut sink = hub.sink();
    let held: Vec<Channel> = (0..CHANNELS - 2).map(|n| hub.channel(&n.to_string())).collect();
    let mut rooms = hub.matching("room.*").unwrap().reader(Start::Live).unwrap();
    let other = hub.matching("other.*").unwrap();
    event(&mut sink, "7-1", "room.1");
    assert_eq!((hub.channel("room.1").published(), rooms.last_event_id().is_empty()), (0, false));
    sink.pass();
    let next = |reader: &mut crate::channel::in_process::ChannelReader| {
        let event = reader.next_within(Duration::from_secs(60)).unwrap().expect("an event");
        event.data.clone()
    };
    assert_eq!((next(&mut rooms), other.kept(), held.len()), ("7-1".into(), 0, CHANNELS - 2));
    lose(&mut sink, "7-5");
    event(&mut sink, "7-6", "room.x");
    sink.pass();
    assert_eq!([next(&mut rooms), next(&mut rooms)].map(|data| data.len() > 9), [true, false]);
    assert_eq!((other.kept(), hub.matching("*").unwrap().kept()), (1, 1));
}

#[test]
fn a_view_has_no_event_that_the_hub_has_not_come_to() {
    use crate::channel::view::tests::has_come_to_all_of_a_view;

    let (hub, _order) = hub(9);
    let mut sink = hub.sink();
    has_come_to_all_of_a_view(&hub, || {
        for n in 0..20_000 {
            event(&mut sink, &format!("5-{n}"), "a");
            if n % 100 == 99 {
                lose(&mut sink, &format!("5-{n}"));
            }
        }
    });
}

#[test]
fn an_event_past_the_bound_is_not_lost_to_a_channel_that_is_made_meanwhile() {
    const TIMES: usize = 2_000;
    let (hub, _order) = hub(9);
    let mut sink = hub.sink();
    let _held: Vec<Channel> = (0..CHANNELS).map(|n| hub.channel(&n.to_string())).collect();
    event(&mut sink, "7-0", "0");
    let turn = std::sync::Barrier::new(2);
    thread::scope(|scope| {
        let makes = scope.spawn(|| {
            let is_lost = |n: &usize| {
                let name = format!("made {n}");
                turn.wait();
                let _made = hub.channel(&name);
                turn.wait();
                let sent = sent(&hub, &[&name], Start::After(&format!("7-{n}")));
                turn.wait();
                sent.len() != 1
            };
            (0..TIMES).filter(is_lost).count()
        });
        for n in 0..TIMES {
            turn.wait();
            event(&mut sink, &format!("7-{}", n + 1), &format!("made {n}"));
            turn.wait();
            turn.wait();
        }
        assert_eq!(makes.join().unwrap(), 0, "neither sent nor told");
    });
}

#[test]
fn an_event_that_comes_while_its_channel_is_forgotten_and_made_anew_is_told_of() {
    for before in ["r.a", "b"] {
        let (hub, order) = hub(9);
        let mut sink = hub.sink();
        let all = hub.matching("*").unwrap();
        // The reader thread has found it, and is about to append to it.
        let found = hub.channel("r.a");
        event(&mut sink, "5-0", "b");
        event(&mut sink, "5-1", before);
        assert!(hub.forget("r.a") && hub.channel("r.a") != found);
        let follow = |id| sent(&hub, &["r.a"], Start::After(id));
        let gap = |to| format!("{{from:5-0,to:{to},reason:evicted}}");
        assert_eq!(follow("5-0"), if before == "r.a" { vec![gap("5-1")] } else { vec![] });
        // A view that is made now doesn't know the old one.
        let view = hub.matching("r.*").unwrap();
        let place = order.sequence.change_runs(|runs| runs.push(id("5-2"))).unwrap();
        let write = |out: &mut Vec<u8>| out.extend_from_slice(b"x");
        found.0.log.arrive(&order.sequence, place, Duration::ZERO, 1, write);
        assert_eq!((follow("5-0"), view.log().evicted_through()), (vec![gap("5-2")], place));
        assert!(hub.forget("r.a"));
        assert_eq!((follow("5-0"), follow("5-2")), (vec![gap("5-2")], vec![]));
        // It is still known once that has been forgotten too, as nobody used it.
        drop(view);
        hub.names().forget_unused(hub.sequence());
        assert_eq!((hub.get("r.a"), follow("5-0")), (None, vec![gap("5-2")]));
        // And one that was there before has all of it.
        let (_, first) =
            Subscription::new(std::slice::from_ref(&all), Start::After("5-0")).unwrap();
        assert_eq!((first.is_event, all.kept()), (false, 3));
    }
}

#[cfg(feature = "follow")]
#[test]
fn a_feed_has_each_event_with_its_channel_and_each_loss_once_whenever_it_is_asked_for() {
    fn all(hub: &Hub, start: Start<'_>) -> String {
        let (stream, first) = Subscription::new(&[hub.feed()], start).expect("a stream");
        let mut batch = crate::log::batch::Batch::default();
        stream.read(true, &mut batch).expect("it is not closed");
        String::from_utf8([&first.content, batch.bytes()].concat()).expect("text")
    }
    for (asked, channels) in [(0, 2), (2, 2), (9, 2), (9, 1)] {
        let (hub, _order) = hub(9);
        let mut sink = hub.sink();
        let other = if channels == 2 { "b" } else { "a" };
        sink.begin_after(id("7-0"));
        for step in 0..4 {
            if step >= asked {
                hub.feed();
            }
            match step {
                0 => event(&mut sink, "7-1", "a"),
                1 => event(&mut sink, "7-2", other),
                2 => lose(&mut sink, "7-5"),
                _ => event(&mut sink, "9-0", other),
            }
        }
        let events = [
            "channel: a\nid: 7-1\ndata: 7-1\n\n".to_owned(),
            format!("channel: {other}\nid: 7-2\ndata: 7-2\n\n"),
            "id: 7-5\nevent: tidings.gap\ndata: {\"from\":\"7-2\",\"to\":\"7-5\",\"missed\":3,\
             \"reason\":\"evicted\"}\n\n"
                .to_owned(),
            format!("channel: {other}\nid: 9-0\ndata: 9-0\n\n"),
        ];
        let sent = all(&hub, Start::After("7-1"));
        assert!(sent.ends_with(&events[1..].concat()), "{asked} {channels} {sent}");
        if asked < 9 {
            assert_eq!(sent, "id: 7-1\n\n".to_owned() + &events[1..].concat());
        }
        assert_eq!(all(&hub, Start::After("7-5")), "id: 7-5\n\n".to_owned() + &events[3]);
    }
}

//! Tests of what a hub with a journal begins with, on a disk in memory.

use super::*;
use crate::order::journal::options::{JournalSync, Options};
use crate::order::journal::sim::SimDisk;

const MINUTE: u64 = 60_000;

fn open_with(disk: &SimDisk, history: History, now: u64) -> Hub {
    let options = Options { sync: JournalSync::None, bytes: 1 << 30, age: None };
    let store = Store::open(Arc::new(disk.clone()), options, now).unwrap();
    Hub::over(store, None, history, Lag::default(), now).unwrap()
}

fn open(disk: &SimDisk, now: u64) -> Hub {
    open_with(disk, History::default(), now)
}

/// What each channel keeps: its places as ids.
fn kept(hub: &Hub, name: &str) -> Vec<String> {
    let channel = hub.channel(name);
    let log = channel.0.log.lock();
    let sequence = hub.order().sequence();
    (0..log.len()).map(|at| sequence.id(log.place_at(at).unwrap()).to_string()).collect()
}

/// What a channel would send.
fn bytes(hub: &Hub, name: &str) -> String {
    let channel = hub.channel(name);
    let log = channel.0.log.lock();
    let mut all = Vec::new();
    for at in 0..log.len() {
        match log.event_at(at).unwrap().chunk {
            crate::log::Chunk::Pieces(pieces) => all.extend(pieces.concat()),
            crate::log::Chunk::Large(event) => {
                all.extend(format!("{} bytes", event.len()).into_bytes());
            }
        }
    }
    String::from_utf8(all).unwrap()
}

/// The time that events of these tests have, which is the system's.
fn start() -> u64 {
    now()
}

#[test]
fn a_hub_goes_on_where_the_last_one_ended() {
    let disk = SimDisk::new(1);
    let hub = open(&disk, 1_000);
    assert_eq!(hub.journal_stats().unwrap().newest.as_str(), "0-0");
    hub.channel("a").send(("type", "1\n2")).unwrap();
    hub.channel("b").send("3").unwrap();
    hub.channel("a").send("x".repeat(300_000)).unwrap();
    drop(hub);
    for epoch in 1_001..1_003 {
        let hub = open(&disk, 1_001);
        assert_eq!(kept(&hub, "a"), ["1000-1", "1000-3"]);
        assert_eq!(kept(&hub, "b"), ["1000-2"]);
        assert_eq!(
            bytes(&hub, "a"),
            "28\r\nid: 1000-1\nevent: type\ndata: 1\ndata: 2\n\n\r\n300028 bytes"
        );
        assert_eq!(hub.journal_stats().unwrap().newest.as_str(), "1000-3", "it is kept");
        assert_eq!((hub.published(), hub.kept()), (0, 3));
        assert_eq!(hub.channels().len(), 2);
        if epoch == 1_002 {
            assert_eq!(hub.channel("c").send("x").unwrap().as_str(), "1001-1");
            assert_eq!(hub.journal_stats().unwrap().newest.as_str(), "1001-1");
        }
    }
}

#[test]
fn logs_begin_with_what_they_would_have_kept() {
    let disk = SimDisk::new(1);
    let began = start();
    let hub = open(&disk, 1_000);
    (0..20).for_each(|_| drop(hub.channel("a").send("x").unwrap()));
    drop(hub);
    let few = History::default().events(5);
    let ids = |range: std::ops::RangeInclusive<u32>| -> Vec<String> {
        range.map(|n| format!("1000-{n}")).collect()
    };
    assert_eq!(kept(&open_with(&disk, few, began), "a"), ids(16..=20));
    let short = History::default().age(Duration::from_secs(60));
    assert_eq!(kept(&open_with(&disk, short, began + 59_000), "a"), ids(1..=20));
    let later = open_with(&disk, short, start() + 61_000);
    assert!(later.is_empty() && kept(&later, "a").is_empty());
    // Nothing is older than the clock says, and that may have been set back.
    assert_eq!(kept(&open_with(&disk, short, 1), "a"), ids(1..=20));
}

#[test]
fn row_58_logs_begin_after_the_last_hole() {
    let disk = SimDisk::new(1);
    let hub = open(&disk, 1_000);
    (0..5).for_each(|_| drop(hub.channel("a").send("event").unwrap()));
    drop(hub);
    // The next start makes a segment of its own, so this one stays as it is.
    drop(open(&disk, 2_000).channel("b").send("x").unwrap());
    disk.spoil("1000-1.sse", |bytes| {
        let third = b"id: 1000-3\n";
        let at = bytes.windows(third.len()).position(|here| here == third).unwrap();
        bytes[at + 30] ^= 1;
    });
    let hub = open(&disk, 3_000);
    assert_eq!(
        (kept(&hub, "a"), kept(&hub, "b")),
        (vec!["1000-4".to_owned(), "1000-5".to_owned()], vec!["2000-1".to_owned()],)
    );
}

#[test]
fn a_start_fills_no_more_channels_than_a_bound() {
    let disk = SimDisk::new(1);
    let mut names = (0..).map(|n| format!("channel {n}"));
    let hub = open(&disk, 1_000);
    for name in names.by_ref().take(CHANNELS + 5) {
        hub.channel(&name).send("x").unwrap();
    }
    drop(hub);
    let hub = open(&disk, 2_000);
    assert_eq!(hub.len(), 5, "those whose events are the newest");
    assert_eq!(kept(&hub, &format!("channel {CHANNELS}")).len(), 1);
}

#[test]
fn idempotency_keys_are_known_over_a_restart_for_as_long_as_without() {
    let disk = SimDisk::new(1);
    let begin = start();
    let hub = open(&disk, begin);
    let once = |hub: &Hub| -> Vec<String> {
        let ids = hub.channel("a").send_once("key", ["1", "2"]).unwrap();
        ids.into_iter().map(String::from).collect()
    };
    let ids = once(&hub);
    assert_eq!(once(&hub), ids);
    drop(hub);
    let hub = open(&disk, begin + 4 * MINUTE);
    assert_eq!((once(&hub), hub.published()), (ids.clone(), 0));
    assert!(hub.channel("a").send_once("key", ["other"]).unwrap_err().is_key_reused());
    drop(hub);
    let hub = open(&disk, start() + 6 * MINUTE);
    assert_ne!(once(&hub), ids);
}

#[test]
fn an_event_that_is_under_way_when_its_channel_is_forgotten_and_made_anew_is_not_lost() {
    use crate::channel::Channel;
    use crate::channel::subscription::Subscription;
    use crate::log::batch::Batch;
    use crate::log::cursor::Start;
    use crate::net::moment::Moment;

    let hub = open(&SimDisk::new(1), start());
    let channel = hub.channel("a");
    channel.send("1").unwrap();
    let sequence = Arc::clone(hub.order().sequence());
    let deliver = |channel: &Channel, text: &'static str| {
        let encode = move |out: &mut Vec<u8>| out.extend_from_slice(text.as_bytes());
        channel.0.log.deliver(
            &sequence,
            sequence.place(sequence.published() + 1),
            Moment::now(),
            [(1, encode)],
        );
    };
    assert!(hub.forget("a"));
    let again = hub.channel("a");
    // A view that is made now doesn't know the old one.
    let followed = [again.clone(), hub.matching("*").unwrap()];
    let begin = |channel| Subscription::new(std::slice::from_ref(channel), Start::Live).unwrap().0;
    let streams = followed.each_ref().map(begin);
    // As the leader does that has written it, for a publisher that came before that.
    deliver(&channel, "2");
    deliver(&again, "3");
    for stream in streams {
        let mut batch = Batch::default();
        let read = stream.read(true, &mut batch);
        assert!(read.is_err(), "it is sent {:?}", std::str::from_utf8(batch.bytes()));
    }
}

#[test]
fn streams_of_a_pattern_are_sent_what_has_left_memory_from_the_journal_over_restarts() {
    use crate::channel::in_process::ChannelReader;
    use crate::log::cursor::Start;

    let few = History::default().events(1);
    let names = ["room.1", "weather", "room.2", "room", "room.1.x"];
    let rooms =
        |hub: &Hub, start: Start<'_>| hub.matching("room.*").unwrap().reader(start).unwrap();
    let data = |reader: &mut ChannelReader, count: usize| -> Vec<String> {
        let next = |_| reader.next_within(Duration::from_secs(60)).unwrap().expect("an event").data;
        (0..count).map(next).collect()
    };
    let disk = SimDisk::new(1);
    let hub = open_with(&disk, few, start());
    let send = |hub: &Hub, n: usize| {
        let name = names[n % names.len()];
        String::from(hub.channel(name).send(format!("{n} {name}")).unwrap())
    };
    let sent: Vec<String> = (0..100).map(|n| send(&hub, n)).collect();
    let expected = |from: usize, until: usize| -> Vec<String> {
        let is_room = |n: &usize| names[n % names.len()].starts_with("room.");
        (from..until).filter(is_room).map(|n| format!("{n} {}", names[n % names.len()])).collect()
    };
    let mut first = rooms(&hub, Start::After(&sent[0]));
    assert_eq!(data(&mut first, 59), expected(1, 100));
    // It has come to the log of the view, in which channels are that are made now.
    hub.channel("room.new").send("new").unwrap();
    assert_eq!(data(&mut first, 1), ["new"]);
    assert_eq!(data(&mut rooms(&hub, Start::Newest(4)), 4)[..3], expected(95, 100)[..]);
    drop((first, hub));

    let hub = open_with(&disk, few, start());
    let mut all = hub.matching("*").unwrap().reader(Start::After(&sent[97])).unwrap();
    assert_eq!(data(&mut all, 3), ["98 room", "99 room.1.x", "new"]);
    let mut later = rooms(&hub, Start::After(&sent[0]));
    assert_eq!(data(&mut later, 60).pop().as_deref(), Some("new"));
    hub.channel("room.9").send("live").unwrap();
    assert_eq!(
        (data(&mut later, 1), data(&mut all, 1)),
        (vec!["live".into()], vec!["live".into()])
    );
    // Beside a channel of another name, in one order.
    let both = [hub.channel("weather"), hub.matching("room.*").unwrap()];
    let (stream, _) =
        crate::channel::subscription::Subscription::new(&both, Start::After(&sent[0])).unwrap();
    let (mut batch, past) = (crate::log::batch::Batch::default(), stream.followed.past().unwrap());
    past.read(&stream.followed.names(), stream.cursor, true, &mut batch).unwrap();
    let text = String::from_utf8(batch.bytes().into()).unwrap();
    let names: Vec<&str> = text.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    assert_eq!(names[..6], ["weather", "room.2", "room.1.x", "room.1", "weather", "room.2"]);
}

#[test]
fn where_only_the_present_counts_a_pattern_begins_with_the_newest_that_its_channels_have() {
    use crate::channel::in_process::ChannelReader;
    use crate::log::cursor::Start;

    let options = Options { sync: JournalSync::None, bytes: 1 << 30, age: None };
    let store = Store::open(Arc::new(SimDisk::new(1)), options, start()).unwrap();
    let hub = Hub::over(store, None, History::default().events(2), Lag::Conflate, start()).unwrap();
    for (n, name) in ["a", "b", "a", "a", "b", "a"].into_iter().enumerate() {
        hub.channel(&format!("s.{name}")).send(n.to_string()).unwrap();
    }
    let data = |mut reader: ChannelReader| -> Vec<String> {
        let next = || reader.next_within(Duration::ZERO).ok().flatten();
        std::iter::from_fn(next).map(|event| event.data).collect()
    };
    let sensors = hub.matching("s.*").unwrap();
    assert_eq!(data(sensors.reader(Start::Newest(9)).unwrap()), ["1", "3", "4", "5"]);
    assert_eq!(data(sensors.reader(Start::Newest(2)).unwrap()), ["4", "5"]);
    assert_eq!(data(sensors.reader(Start::NewestOfEach(1)).unwrap()), ["4", "5"]);
    assert_eq!(data(hub.channel("s.b").reader(Start::Newest(9)).unwrap()), ["1", "4"]);
}

#[test]
fn a_view_has_no_event_that_the_hub_has_not_come_to() {
    use crate::channel::view::tests::has_come_to_all_of_a_view;

    let hub = open(&SimDisk::new(1), start());
    let channel = hub.channel("a");
    has_come_to_all_of_a_view(&hub, || {
        (0..20_000).for_each(|_| drop(channel.send("x").unwrap()));
    });
}

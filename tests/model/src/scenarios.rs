//! What may go on at once, and what must have come of it whatever the order was.

use std::sync::Arc;

use crate::channel::Channel;
use crate::channel::fanout::{Fanout, Shard};
use crate::channel::in_process::ChannelReader;
use crate::channel::reader::Reader;
use crate::channel::slots::BUCKET;
use crate::channel::subscription::Subscription;
use crate::log::cursor::Start;
use crate::net::sync::{Instant, thread};
use crate::reader::{Placeholder, Stream};
use crate::stand_in::count;
use crate::{CloseReason, Hub};

pub(crate) const ALL: [(&str, fn()); 12] = [
    ("publish to streams that follow, and to one that joins", publish_and_join),
    ("publish to streams that are blocked now and then", publish_and_block),
    ("publish to streams in two buckets", publish_in_slices),
    ("publish on two channels that share their streams", publish_on_two),
    ("publish on channels of a view and beside it", publish_to_view),
    ("ask for a view and make a channel of it while others publish", make_view),
    ("close while streams join and publishers publish", close),
    ("close both channels of streams that are blocked now and then", close_two),
    ("end a stream while it joins", end),
    ("join as the only stream leaves", join_and_leave),
    ("publish to readers in this process", publish_to_readers),
    ("close a channel that is read in this process", close_to_readers),
];

type Act = Box<dyn FnOnce() -> u64 + Send>;

/// Does things at once, and waits until all are done. Returns how many events were published.
fn at_once<const N: usize>(acts: [Act; N]) -> u64 {
    let threads = acts.map(thread::spawn);
    threads.map(|thread| thread.join().expect("it has not panicked")).iter().sum()
}

fn fanout(shards: usize) -> Fanout {
    count();
    Fanout::new(shards, &Arc::default(), &Arc::default())
}

fn stop(fanout: Fanout) {
    assert_eq!(fanout.stop(Instant::now()), 0);
}

fn publisher(channel: &Channel, events: usize) -> Act {
    let channel = channel.clone();
    Box::new(move || (0..events).filter(|_| channel.send("an event").is_ok()).count() as u64)
}

fn joiner(stream: &Arc<Stream>, channels: &[Channel]) -> Act {
    let (stream, channels) = (Arc::clone(stream), channels.to_vec());
    does(move || stream.follow(&channels))
}

fn does(act: impl FnOnce() + Send + 'static) -> Act {
    Box::new(move || {
        act();
        0
    })
}

/// Each stream is sent each event since it began, once and in order.
fn check(streams: &[Arc<Stream>], newest: u64) {
    for stream in streams {
        let (began, events) = stream.events();
        assert_eq!(events, (began + 1..=newest).collect::<Vec<_>>(), "since {began}");
    }
}

fn publish_and_join() {
    let (fanout, channel) = (fanout(1), Channel::new());
    let streams = [(); 2].map(|()| Stream::new(fanout.shard(0), false));
    streams[0].follow(&[channel.clone()]);
    let sent = at_once([
        publisher(&channel, 2),
        publisher(&channel, 1),
        joiner(&streams[1], &[channel.clone()]),
    ]);
    assert_eq!(sent, 3);
    streams.iter().for_each(|stream| stream.has(3));
    check(&streams, 3);
    stop(fanout);
}

fn publish_and_block() {
    let (fanout, channel) = (fanout(2), Channel::new());
    let streams = [0, 1].map(|n| Stream::new(fanout.shard(n), true));
    streams.iter().for_each(|stream| stream.follow(&[channel.clone()]));
    at_once([publisher(&channel, 2), publisher(&channel, 2)]);
    streams.iter().for_each(|stream| stream.has(4));
    check(&streams, 4);
    stop(fanout);
}

/// Fills the first bucket of the channel's list.
fn fill(channel: &Channel, shard: &Arc<Shard>) {
    for _ in 0..BUCKET - 1 {
        let (subscription, _) =
            Subscription::new(std::slice::from_ref(channel), Start::Live).unwrap();
        let placeholder: Arc<dyn Reader> = Arc::new(Placeholder(Arc::clone(shard)));
        subscription.followed.enter(&placeholder, |_| Ok(()));
    }
}

fn publish_in_slices() {
    let (fanout, channel) = (fanout(1), Channel::new());
    let streams = [(); 3].map(|()| Stream::new(fanout.shard(0), false));
    streams[0].follow(&[channel.clone()]);
    fill(&channel, fanout.shard(0));
    streams[1].follow(&[channel.clone()]);
    at_once([
        publisher(&channel, 2),
        publisher(&channel, 1),
        joiner(&streams[2], &[channel.clone()]),
    ]);
    streams.iter().for_each(|stream| stream.has(3));
    check(&streams, 3);
    stop(fanout);
}

fn publish_on_two() {
    let (fanout, hub) = (fanout(1), Hub::new());
    let channels = ["a", "b"].map(|name| hub.channel(name));
    let streams = [(); 3].map(|()| Stream::new(fanout.shard(0), false));
    streams[0].follow(&channels);
    streams[1].follow(&channels);
    at_once([
        publisher(&channels[0], 2),
        publisher(&channels[1], 1),
        joiner(&streams[2], &channels),
    ]);
    streams.iter().for_each(|stream| stream.has(3));
    check(&streams, 3);
    stop(fanout);
}

fn publish_to_view() {
    let (fanout, hub) = (fanout(1), Hub::new());
    let channels = ["room.1", "room.2", "other"].map(|name| hub.channel(name));
    let followed = [channels[2].clone(), hub.matching("room.*").unwrap()];
    let streams = [(); 2].map(|()| Stream::new(fanout.shard(0), false));
    streams[0].follow(&followed);
    at_once([
        publisher(&channels[0], 1),
        publisher(&channels[1], 1),
        publisher(&channels[2], 1),
        joiner(&streams[1], &followed),
    ]);
    streams.iter().for_each(|stream| stream.has(3));
    check(&streams, 3);
    stop(fanout);
}

/// One thread alone asks the hub, as its names have a lock of std's.
fn make_view() {
    let (fanout, hub) = (fanout(1), Hub::new());
    let channels = ["a", "b"].map(|name| hub.channel(name));
    let stream = Stream::new(fanout.shard(0), false);
    let (asks, asked) = (Arc::clone(&stream), hub.clone());
    let sent = at_once([
        publisher(&channels[0], 2),
        publisher(&channels[1], 1),
        Box::new(move || {
            asks.follow(&[asked.matching("*").unwrap()]);
            asked.channel("new").send("an event").unwrap();
            1
        }),
    ]);
    stream.has(sent);
    check(&[stream], 4);
    // Those before the stream too.
    assert_eq!(hub.matching("*").unwrap().kept(), 4);
    stop(fanout);
}

fn close() {
    let (fanout, channel) = (fanout(1), Channel::new());
    let streams = [(); 2].map(|()| Stream::new(fanout.shard(0), false));
    streams[0].follow(&[channel.clone()]);
    let closer = channel.clone();
    let sent = at_once([
        publisher(&channel, 1),
        publisher(&channel, 1),
        joiner(&streams[1], &[channel.clone()]),
        does(move || closer.close()),
    ]);
    streams.iter().for_each(|stream| stream.has_ended());
    // What a publisher was told is published has been sent to whoever was there.
    assert_eq!(channel.published(), sent);
    check(&streams[..1], sent);
    assert_eq!(channel.streams(), 0, "a stream that has ended is in no list");
    stop(fanout);
}

fn close_two() {
    let (fanout, hub) = (fanout(1), Hub::new());
    let channels = ["a", "b"].map(|name| hub.channel(name));
    let streams = [true, false].map(|is_slow| Stream::new(fanout.shard(0), is_slow));
    streams[0].follow(&channels);
    let closers = channels.clone().map(|channel| does(move || channel.close()));
    let [first, second] = closers;
    let sent = at_once([
        publisher(&channels[0], 2),
        publisher(&channels[1], 1),
        joiner(&streams[1], &channels),
        first,
        second,
    ]);
    streams.iter().for_each(|stream| stream.has_ended());
    check(&streams[..1], sent);
    assert!(channels.iter().all(|channel| channel.streams() == 0));
    stop(fanout);
}

fn end() {
    let (fanout, channel) = (fanout(1), Channel::new());
    let stream = Stream::new(fanout.shard(0), false);
    let ended = Arc::clone(&stream);
    at_once([
        publisher(&channel, 1),
        joiner(&stream, &[channel.clone()]),
        does(move || ended.end(CloseReason::Client)),
    ]);
    stream.has_ended();
    assert_eq!(channel.streams(), 0, "a stream that has ended is in no list");
    stop(fanout);
}

fn join_and_leave() {
    let (fanout, channel) = (fanout(1), Channel::new());
    let streams = [(); 2].map(|()| Stream::new(fanout.shard(0), false));
    streams[0].follow(&[channel.clone()]);
    let ended = Arc::clone(&streams[0]);
    at_once([
        publisher(&channel, 2),
        joiner(&streams[1], &[channel.clone()]),
        does(move || ended.end(CloseReason::Client)),
    ]);
    streams[1].has(2);
    check(&streams[1..], 2);
    assert_eq!(channel.streams(), 1);
    stop(fanout);
}

/// Reads on until there is the event of this number, or up to the end of the channel: each event after
/// the one where the reader began, once and in order. Returns the number of the last.
fn read(mut reader: ChannelReader, up_to: Option<u64>) -> u64 {
    let number = |id: &str| id.split_once('-').unwrap().1.parse().unwrap();
    let mut last: u64 = number(reader.last_event_id());
    while up_to != Some(last) {
        let Some(event) = reader.next() else { break };
        let next = number(&event.unwrap().last_event_id);
        assert_eq!(next, last + 1);
        last = next;
    }
    last
}

fn publish_to_readers() {
    count();
    let channel = Channel::new();
    let [first, leaves] = [(); 2].map(|()| channel.reader(Start::Live).unwrap());
    let joined = channel.clone();
    at_once([
        publisher(&channel, 2),
        publisher(&channel, 1),
        does(move || assert_eq!(read(first, Some(3)), 3)),
        does(move || assert_eq!(read(joined.reader(Start::Live).unwrap(), Some(3)), 3)),
        does(move || drop(leaves)),
    ]);
    assert_eq!(channel.streams(), 0, "a reader that was dropped is in no list");
}

fn close_to_readers() {
    count();
    let channel = Channel::new();
    let reader = channel.reader(Start::Live).unwrap();
    let (closer, joined) = (channel.clone(), channel.clone());
    let reading = thread::spawn(move || read(reader, None));
    let sent = at_once([
        publisher(&channel, 1),
        publisher(&channel, 1),
        does(move || drop(joined.reader(Start::Live).map(|reader| read(reader, None)))),
        does(move || closer.close()),
    ]);
    // What a publisher was told is published has been read.
    assert_eq!(reading.join().unwrap(), sent);
    assert_eq!(channel.streams(), 0, "a reader that has ended is in no list");
}

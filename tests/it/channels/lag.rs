//! Readers that fall behind: others go on, memory is bounded, and the reader is told or ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tidings::{Channel, CloseReason, History, Hooks, Lag, Limits, StreamInfo};

use super::{following, site};
use crate::support::stream::{End, EventStream};
use crate::support::{Notes, until, until_some};

const LARGE: usize = 100_000;
/// Far more than the buffers of both systems hold together.
const MANY: usize = 400;

fn large(n: usize) -> String {
    format!("{n:06}{}", "x".repeat(LARGE))
}

fn number(data: &str) -> usize {
    data[..6].parse().expect("a number")
}

fn small_history() -> History {
    History::default().events(5).bytes(10 * 1024 * 1024)
}

#[test]
fn row_33_a_reader_that_stops_delays_no_other_and_is_told_what_it_missed() {
    let channel = Channel::with_history(small_history());
    let server = following(&channel);
    let mut slow = EventStream::open(server.address(), "/events");
    let mut swift = EventStream::open(server.address(), "/events");
    until("both streams", || channel.streams() == 2);
    let ids: Vec<String> = (0..MANY)
        .map(|n| {
            let id = channel.send(large(n)).unwrap();
            // The one that reads has each event before the next one is published.
            assert_eq!(number(&swift.data()), n);
            id.as_str().to_owned()
        })
        .collect();
    assert_eq!(channel.kept(), 5);

    // Now the other reads on: events in order, gaps where they are, and nothing unaccounted for.
    let mut next = 0;
    let mut gaps = 0;
    while next < MANY {
        let event = slow.next().expect("an event");
        if event.event_type != "tidings.gap" {
            assert_eq!(number(&event.data), next);
            next += 1;
            continue;
        }
        gaps += 1;
        let missed: usize = event
            .data
            .split(r#""missed":"#)
            .nth(1)
            .unwrap()
            .split(',')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let (from, to) = (&ids[next - 1], &ids[next + missed - 1]);
        assert_eq!(
            event.data,
            format!(r#"{{"from":"{from}","to":"{to}","missed":{missed},"reason":"lagged"}}"#),
        );
        assert_eq!(&event.last_event_id, to);
        next += missed;
    }
    assert!(gaps >= 1);
    channel.send("after").unwrap();
    assert_eq!(slow.data(), "after");
}

#[test]
fn row_33_a_channel_may_end_the_streams_that_lag() {
    let channel = Channel::with(small_history(), Lag::Close);
    let (followed, ends) = (channel.clone(), Notes::new());
    let noted = ends.clone();
    let server = site(Limits::default())
        .sse("/events", move |stream, _request| {
            let ends = noted.clone();
            stream.on_close(move |reason| ends.add(reason));
            stream.subscribe(&followed)
        })
        .start()
        .unwrap();
    let mut slow = EventStream::open(server.address(), "/events");
    until("the stream", || channel.streams() == 1);
    for n in 0..MANY {
        channel.send(large(n)).unwrap();
    }
    // It lags when it reads on, not while nobody could have sent it anything.
    let mut next = 0;
    let end = until_some("its end", || match slow.next() {
        Ok(event) => {
            assert_eq!(number(&event.data), next);
            next += 1;
            None
        }
        Err(end) => Some(end),
    });
    assert_eq!(end, End::CutOff, "it has not got all, and has to know that");
    assert!(next < MANY);
    assert_eq!(ends.first(), CloseReason::Lagged);
}

#[test]
fn row_33_a_publisher_never_waits_for_a_reader() {
    let channel = Channel::with_history(small_history());
    let server = following(&channel);
    let slow: Vec<EventStream> =
        (0..5).map(|_| EventStream::open(server.address(), "/events")).collect();
    until("the streams", || channel.streams() == 5);
    for n in 0..MANY {
        channel.send(large(n)).unwrap();
    }
    assert_eq!(channel.published(), MANY as u64);
    drop(slow);
    until("their ends", || channel.streams() == 0);
}

/// Counts the events that have gone out whole.
#[derive(Clone, Default)]
struct Sent(Arc<AtomicUsize>);

impl Hooks for Sent {
    fn event(&self, _stream: &StreamInfo<'_>, events: usize, _bytes: usize) {
        self.0.fetch_add(events, Ordering::Relaxed);
    }
}

impl Sent {
    /// How many they are when no more go out.
    fn at_rest(&self) -> usize {
        loop {
            let before = self.0.load(Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(300));
            if before > 0 && self.0.load(Ordering::Relaxed) == before {
                return before;
            }
        }
    }
}

#[test]
fn row_33_for_a_reader_that_stops_only_the_rest_of_one_event_is_kept_beside_the_log() {
    // Far more than the buffers of both systems hold together; and dozens go out in one `send`.
    const EVENTS: usize = 20_000;
    for size in [1_000, 1_500] {
        let channel = Channel::with_history(History::default().events(EVENTS).bytes(usize::MAX));
        let (sent, followed) = (Sent::default(), channel.clone());
        let server = site(Limits::default())
            .hooks(sent.clone())
            .sse("/events", move |stream, _request| stream.subscribe(&followed))
            .start()
            .unwrap();
        let publish = || drop(channel.send("x".repeat(size)).unwrap());
        let first = channel.send("first").unwrap();
        (1..EVENTS).for_each(|_| publish());
        let mut stream = EventStream::resume(server.address(), "/events", first.as_str());
        sent.at_rest();
        // The log lets go of all that it had.
        (0..EVENTS).for_each(|_| publish());
        let whole = sent.at_rest();
        let events = std::iter::repeat_with(|| stream.next().expect("an event"));
        let got = events.take_while(|event| event.event_type == "message").count();
        assert!((whole..=whole + 1).contains(&got), "{whole} went out, and {got} came");
    }
}

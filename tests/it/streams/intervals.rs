//! Intervals: threads that belong to a stream.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings::{
    Channel, CloseReason, Error, Hooks, Hub, Interval, Limits, Peer, Server, SseWriter, Start,
};

use super::{Held, site};
use crate::support::http::get;
use crate::support::stream::{End, EventStream};
use crate::support::{Notes, until};

const OFTEN: Duration = Duration::from_millis(5);

fn counting(period: Duration) -> tidings::Running {
    site(Limits::default(), move |stream| {
        let mut count = 0;
        stream.every(period, move |stream| {
            count += 1;
            stream.send(count.to_string())
        })
    })
}

#[test]
fn an_interval_sends_until_its_client_goes_and_then_its_thread_has_ended() {
    let server = counting(OFTEN);
    let mut stream = EventStream::open(server.address(), "/sse");
    for n in 1..=5 {
        assert_eq!(stream.data(), n.to_string());
    }
    assert_eq!(server.stats().intervals, 1);
    drop(stream);
    until("the interval's end", || server.stats().intervals == 0);
    until("the stream's end", || server.stats().streams == 0);
}

#[test]
fn row_31_an_interval_ends_with_its_client_also_when_it_is_long() {
    let server = counting(Duration::from_secs(3600));
    let stream = EventStream::open(server.address(), "/sse");
    assert_eq!(server.stats().intervals, 1);
    drop(stream);
    until("the interval's end", || server.stats().intervals == 0);
    server.stop().expect("its thread is joined");
}

#[test]
fn ten_clients_have_ten_independent_streams() {
    let server = counting(OFTEN);
    let mut streams: Vec<EventStream> =
        (0..10).map(|_| EventStream::open(server.address(), "/sse")).collect();
    assert_eq!(server.stats().intervals, 10);
    for stream in &mut streams {
        for n in 1..=3 {
            assert_eq!(stream.data(), n.to_string());
        }
    }
    streams.truncate(4);
    until("the ends of the six", || server.stats().intervals == 4);
    for stream in &mut streams {
        assert_eq!(stream.data(), "4");
    }
}

#[test]
fn several_intervals_may_share_a_stream() {
    let server = site(Limits::default(), |stream| {
        stream.every(OFTEN, |stream| stream.send("a"))?;
        stream.every(OFTEN * 2, |stream| stream.send("b"))
    });
    let mut stream = EventStream::open(server.address(), "/sse");
    for wanted in ["a", "b", "a", "b"] {
        while stream.data() != wanted {}
    }
    drop(stream);
    until("both ends", || server.stats().intervals == 0);
}

#[test]
fn row_36_an_interval_that_panics_cuts_its_stream_off() {
    for panics in [true, false] {
        let ends = Notes::new();
        let noted = ends.clone();
        let server = site(Limits::default(), move |stream| {
            let ends = noted.clone();
            stream.on_close(move |reason| ends.add(reason));
            stream.send("before")?;
            stream.every(OFTEN, move |_stream| {
                assert!(!panics, "on purpose");
                Err::<(), _>(Error::other("on purpose"))
            })
        });
        let mut stream = EventStream::open(server.address(), "/sse");
        assert_eq!(stream.data(), "before");
        assert_eq!(stream.next().unwrap_err(), End::CutOff);
        assert_eq!(ends.first(), CloseReason::Failed);
        until("the interval's end", || server.stats().intervals == 0);
        assert_eq!(get(server.address(), "/").text(), "hello");
    }
}

/// Panics when it is dropped.
struct DropsBadly;

impl Drop for DropsBadly {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}

#[test]
fn row_36_a_closure_that_panics_as_it_is_dropped_ends_its_interval_with_a_panic() {
    let channel = tidings::Channel::new();
    let bad = DropsBadly;
    let interval = channel.interval(OFTEN, move |_channel| {
        let _held = &bad;
        Err::<(), _>(Error::other("on purpose"))
    });
    let interval = interval.unwrap();
    assert_eq!(ends_of(&interval).first(), "the interval's closure panicked");
}

#[test]
fn an_interval_that_closes_its_stream_ends_it_well() {
    let server = site(Limits::default(), |stream| {
        stream.every(OFTEN, |stream| {
            stream.send("done")?;
            stream.close();
            Ok(())
        })
    });
    let mut stream = EventStream::open(server.address(), "/sse");
    assert_eq!(stream.data(), "done");
    assert_eq!(stream.next().unwrap_err(), End::Whole);
    until("the interval's end", || server.stats().intervals == 0);
}

#[test]
fn a_guard_that_is_dropped_ends_its_interval_and_not_its_stream() {
    let held = Held::with(Limits::default());
    let mut stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let guard = writer
        .interval(OFTEN, move |stream| {
            counted.fetch_add(1, Ordering::Relaxed);
            stream.send("tick")
        })
        .unwrap();
    assert_eq!(stream.data(), "tick");
    drop(guard);
    // The drop has joined the thread, so this is the last count.
    let last = calls.load(Ordering::Relaxed);
    assert_eq!(held.server.stats().intervals, 0);
    assert!(writer.is_active());
    writer.send("after").unwrap();
    let mut ticks = 1;
    while stream.data() == "tick" {
        ticks += 1;
    }
    assert_eq!(ticks, last);
    assert_eq!(calls.load(Ordering::Relaxed), last);
}

#[test]
fn a_guard_may_be_dropped_by_its_own_closure() {
    let held = Held::with(Limits::default());
    let mut stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    let slot: Arc<Mutex<Option<Interval>>> = Arc::default();
    let own = Arc::clone(&slot);
    let guard = writer
        .interval(OFTEN, move |stream| {
            let guard = own.lock().unwrap().take();
            stream.send(if guard.is_some() { "the last" } else { "not yet" })
        })
        .unwrap();
    *slot.lock().unwrap() = Some(guard);
    while stream.data() != "the last" {}
    until("the interval's end", || held.server.stats().intervals == 0);
    writer.send("after").unwrap();
    assert_eq!(stream.data(), "after");
}

#[test]
fn a_guard_that_outlives_its_stream_does_no_harm() {
    let held = Held::with(Limits::default());
    let mut stream = EventStream::open(held.server.address(), "/sse");
    let guard = held.writers.first().interval(OFTEN, |stream| stream.send("tick")).unwrap();
    assert_eq!(stream.data(), "tick");
    drop(stream);
    until("the interval's end", || held.server.stats().intervals == 0);
    drop(guard);
}

#[test]
fn a_period_of_nothing_is_refused() {
    let held = Held::with(Limits::default());
    let _stream = EventStream::open(held.server.address(), "/sse");
    let error = held.writers.first().every(Duration::ZERO, |_stream| Ok(())).unwrap_err();
    assert!(error.is_invalid());
}

#[test]
fn row_39_intervals_end_when_the_server_stops() {
    let server = counting(OFTEN);
    let address = server.address();
    let reader = std::thread::spawn(move || EventStream::open(address, "/sse").end());
    until("the interval", || server.stats().intervals == 1);
    let handle = server.handle();
    server.stop().expect("all threads ended");
    assert_eq!(reader.join().unwrap(), End::Whole);
    assert_eq!(handle.stats().intervals, 0);
}

#[test]
fn an_interval_goes_on_after_a_call_that_took_longer_than_several_periods() {
    let server = site(Limits::default(), |stream| {
        let mut count = 0;
        stream.every(OFTEN, move |stream| {
            count += 1;
            if count == 1 {
                std::thread::sleep(5 * OFTEN);
            }
            stream.send(count.to_string())
        })
    });
    let mut stream = EventStream::open(server.address(), "/sse");
    for n in 1..=5 {
        assert_eq!(stream.data(), n.to_string());
    }
}

#[test]
fn row_52_two_hundred_streams_with_intervals_that_end_at_once_start_few_workers() {
    const STREAMS: usize = 200;
    let channel = Channel::new();
    let closed = Arc::new(AtomicUsize::new(0));
    let (followed, count) = (channel.clone(), Arc::clone(&closed));
    let server = site(Limits::default(), move |stream| {
        let count = Arc::clone(&count);
        stream.on_close(move |_reason| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        stream.every(Duration::from_secs(3600), |_stream| Ok(()))?;
        stream.subscribe(&followed)
    });
    let streams: Vec<EventStream> =
        (0..STREAMS).map(|_| EventStream::open(server.address(), "/sse")).collect();
    until("all streams", || channel.streams() == STREAMS);
    let before = server.stats().workers;
    channel.close();
    until("the ends", || {
        server.stats().intervals == 0 && closed.load(Ordering::Relaxed) == STREAMS
    });
    // Those that were started stay for some seconds.
    let workers = server.stats().workers;
    assert!(workers <= before + 4, "{before} workers became {workers}");
    drop(streams);
    server.stop().expect("all threads are joined");
    assert_eq!(closed.load(Ordering::Relaxed), STREAMS);
}

/// What is told of the end of an interval that is held until then.
fn ends_of(interval: &Interval) -> Notes<String> {
    let ends = Notes::new();
    let noted = ends.clone();
    interval.on_end(move |end| noted.add(end.to_string()));
    ends
}

/// What is told of a stream's interval whose closure does this, and how the stream ends.
fn told_of<T>(
    call: impl FnMut(&SseWriter) -> tidings::Result<T> + Send + 'static,
) -> (String, Option<CloseReason>) {
    let held = Held::with(Limits::default());
    let mut stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    let interval = writer.interval(OFTEN, call).unwrap();
    let told = ends_of(&interval).first();
    if held.writers.first().is_active() {
        return (told, None);
    }
    stream.end();
    (told, Some(held.ends.first()))
}

#[test]
fn each_end_of_an_interval_of_a_stream_is_told_and_what_is_a_failure_cuts_the_stream_off() {
    let failed = |error: &str| format!("the interval's closure failed: {error}");
    let over = "the stream, channel or hub of the interval has ended".to_owned();

    let told = told_of(|_| Err::<(), _>(Error::other("on purpose")));
    assert_eq!(told, (failed("on purpose"), Some(CloseReason::Failed)));
    let told = told_of(|_| -> tidings::Result<()> { panic!("on purpose") });
    assert_eq!(told, ("the interval's closure panicked".into(), Some(CloseReason::Failed)));
    // Its own stream's end is no failure, whether it finds that by sending or not.
    let closes = |stream: &SseWriter| {
        stream.close();
        stream.send("too late")
    };
    assert_eq!(told_of(closes), (over.clone(), Some(CloseReason::Server)));
    let closes = |stream: &SseWriter| {
        stream.close();
        Ok(())
    };
    assert_eq!(told_of(closes), (over, Some(CloseReason::Server)));
    // That of something else is.
    let channel = Channel::new();
    channel.close();
    let told = told_of(move |_| channel.send("too late"));
    assert_eq!(told, (failed("the channel is closed"), Some(CloseReason::Failed)));
    let other = Held::with(Limits::default());
    let _stream = EventStream::open(other.server.address(), "/sse");
    let ended = other.writers.first();
    ended.close();
    let told = told_of(move |_| ended.send("too late"));
    assert_eq!(told, (failed("the server closed the stream"), Some(CloseReason::Failed)));
}

#[test]
fn a_failure_of_an_interval_by_another_things_end_is_told_to_the_hooks() {
    struct Failures(Notes<String>);
    impl Hooks for Failures {
        fn failed(&self, _peer: Peer, _target: &str, error: &Error) {
            self.0.add(error.to_string());
        }
    }
    let failures = Notes::new();
    let channel = Channel::new();
    channel.close();
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .hooks(Failures(failures.clone()))
        .sse("/sse", move |stream, _request| {
            let channel = channel.clone();
            stream.every(OFTEN, move |_| channel.send("too late"))
        })
        .start()
        .unwrap();
    let mut stream = EventStream::open(server.address(), "/sse");
    assert_eq!(stream.next().unwrap_err(), End::CutOff);
    assert_eq!(failures.first(), "the channel is closed");
}

#[test]
fn each_end_of_a_ticker_is_told() {
    type Tick = Box<dyn FnMut(&Channel) -> tidings::Result<()> + Send>;
    let other = Channel::new();
    other.close();
    let ticks: [(Tick, &str); 4] = [
        (
            Box::new(|_| Err(Error::other("on purpose"))),
            "the interval's closure failed: on purpose",
        ),
        (Box::new(|_| panic!("on purpose")), "the interval's closure panicked"),
        (
            Box::new(|own| {
                own.close();
                own.send("too late").map(drop)
            }),
            "the stream, channel or hub of the interval has ended",
        ),
        (
            Box::new(move |_| other.send("too late").map(drop)),
            "the interval's closure failed: the channel is closed",
        ),
    ];
    for (tick, said) in ticks {
        let ticker = Channel::new().interval(OFTEN, tick).unwrap();
        assert_eq!(ends_of(&ticker).first(), said);
    }
    // And one that ends for no fault of its closure's.
    let channel = Channel::new();
    let ticker = channel.interval(OFTEN, |_| Ok(())).unwrap();
    let ends = ends_of(&ticker);
    channel.close();
    assert_eq!(ends.first(), "the stream, channel or hub of the interval has ended");
    let ticker = Channel::new().interval(Duration::from_secs(3_600), |_| Ok(())).unwrap();
    let ends = ends_of(&ticker);
    drop(ticker);
    assert_eq!(ends.all(), ["the interval was dropped"]);
}

#[test]
fn an_interval_of_a_hub_is_called_with_it_and_ends_when_it_has_gone() {
    let hub = Hub::new();
    let mut count = 0;
    let interval = hub.interval(OFTEN, move |hub| {
        count += 1;
        hub.channel("counts").send(("count", count))
    });
    let (interval, counts) = (interval.unwrap(), hub.channel("counts"));
    let ends = ends_of(&interval);
    let reader = counts.reader(Start::Newest(usize::MAX)).unwrap();
    let read: Vec<String> = reader.take(3).map(|event| event.unwrap().data).collect();
    assert_eq!(read, ["1", "2", "3"]);
    let clone = hub.clone();
    drop(hub);
    assert_eq!(ends.len(), 0, "a clone is the same hub");
    drop(clone);
    assert_eq!(ends.first(), "the stream, channel or hub of the interval has ended");
    let fails = Hub::new();
    let failed = fails.interval(OFTEN, |_| Err::<(), _>(Error::other("on purpose"))).unwrap();
    assert_eq!(ends_of(&failed).first(), "the interval's closure failed: on purpose");
    assert!(fails.every(Duration::ZERO, |_| Ok(())).unwrap_err().is_invalid());
}

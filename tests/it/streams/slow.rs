//! Clients that read slowly, or not at all.

use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tidings::{Channel, CloseReason, Limits, SseWriter};

use super::Held;
use crate::support::stream::EventStream;
use crate::support::{Notes, SOON, until, until_some};

const LARGE: usize = 64 * 1024;

fn large(n: usize) -> String {
    format!("{n:06}{}", "x".repeat(LARGE))
}

fn filler() -> String {
    "-".repeat(LARGE)
}

/// Sends until no more is taken; gives how many events were.
fn fill(writer: &SseWriter) -> usize {
    for n in 0..1000 {
        match writer.try_send(large(n)) {
            Ok(()) => {}
            Err(error) if error.is_full() => return n,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("it never was full");
}

/// Sends until no more is taken, and the buffers have grown as far as they will.
fn until_full(writer: &SseWriter) {
    let mut refused = 0;
    until("a full stream", || {
        refused = if writer.try_send(filler()).is_err() { refused + 1 } else { 0 };
        refused == 20
    });
}

/// More than all buffers of both systems hold together. They grow while they are filled, so a
/// stream that is full now may not be in a moment; but they don't grow to this.
const MANY: usize = 600;

#[test]
fn row_33_a_client_that_does_not_read_fills_its_stream_and_loses_nothing_of_it() {
    let held = Held::with(Limits::default());
    let mut stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    let sent = fill(&writer);
    let error = writer.try_send("one more, small or not").err();
    assert!(error.is_none_or(|error| error.is_full()));
    assert!(writer.is_active());
    for n in 0..sent {
        assert_eq!(stream.data(), large(n));
    }
    until("room", || writer.try_send("room again").is_ok());
    while stream.data() != "room again" {}
}

#[test]
fn limit_unsent_past_it_a_comment_and_a_reconnection_time_do_not_wait() {
    // Past any patience: whatever waits here fails the test.
    let held = Held::with(Limits::default().write_deadline(Duration::from_secs(3_600)));
    let stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    until_full(&writer);
    // What room is left is less than an event, and is filled.
    for text in [filler(), "-".repeat(1_000)] {
        until("a comment that is refused", || {
            writer.comment(&text).is_err_and(|error| error.is_full())
        });
    }
    until("a reconnection time that is refused", || {
        writer.retry(Duration::from_secs(1)).is_err_and(|error| error.is_full())
    });
    assert!(writer.is_active());
    drop(stream);
}

#[test]
fn limit_unsent_past_it_a_send_waits_until_the_client_reads() {
    let held = Held::with(Limits::default());
    let mut stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    let sent = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..MANY {
                writer.send(large(n)).expect("it waits for room");
                sent.fetch_add(1, Ordering::Release);
            }
        });
        until("a full stream", || writer.try_send(filler()).is_err());
        assert!(sent.load(Ordering::Acquire) < MANY);
        for n in 0..MANY {
            let mut data = stream.data();
            while data == filler() {
                data = stream.data();
            }
            assert_eq!(data[..6], format!("{n:06}"));
        }
    });
}

#[test]
fn limit_unsent_bounds_what_is_kept_for_one_stream() {
    // Far more than the buffers of both systems hold together.
    const KEPT: usize = 32 * 1024 * 1024;
    let taken = |unsent: usize| {
        let held = Held::with(Limits::default().unsent(unsent));
        let stream = EventStream::open(held.server.address(), "/sse");
        let events = fill(&held.writers.first());
        drop(stream);
        events
    };
    assert!(taken(KEPT) >= KEPT / large(0).len());
    assert!(taken(1) < KEPT / large(0).len());
}

#[test]
fn a_send_that_waits_is_told_when_the_client_goes() {
    let held = Held::with(Limits::default());
    let stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| (0..MANY).find_map(|n| writer.send(large(n)).err()));
        until("a full stream", || writer.try_send(filler()).is_err());
        drop(stream);
        assert!(sender.join().unwrap().expect("an error").is_closed());
    });
}

#[test]
fn limit_write_deadline_a_stream_whose_client_takes_nothing_ends_as_stalled() {
    let held = Held::with(Limits::default().write_deadline(Duration::from_millis(300)));
    let stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    let error = until_some("an end", || match writer.send(large(0)) {
        Err(error) if error.is_closed() => Some(error),
        Ok(()) | Err(_) => None,
    });
    assert_eq!(held.ends.first(), CloseReason::Stalled);
    assert_eq!(error.close_reason(), Some(CloseReason::Stalled));
    until("the connection's end", || held.server.stats().connections == 0);
    drop(stream);
}

#[test]
fn a_close_lets_what_was_sent_go_out_first() {
    let held = Held::with(Limits::default());
    let mut stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    let sent = fill(&writer);
    writer.close();
    for n in 0..sent {
        assert_eq!(stream.data(), large(n));
    }
    assert_eq!(stream.next().unwrap_err(), crate::support::stream::End::Whole);
}

#[test]
fn a_send_that_waits_is_told_when_the_stream_is_closed() {
    // Past any patience: only the end can wake it.
    let held = Held::with(Limits::default().write_deadline(Duration::from_secs(3_600)));
    let stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    let sender = {
        let writer = writer.clone();
        std::thread::spawn(move || (0..MANY).find_map(|n| writer.send(large(n)).err()))
    };
    until_full(&writer);
    writer.close();
    until("the sender's return", || sender.is_finished());
    let error = sender.join().unwrap().expect("an error");
    assert_eq!(error.close_reason(), Some(CloseReason::Server));
    drop(stream);
}

#[test]
fn limit_write_deadline_a_send_waits_no_longer_also_where_its_client_goes_on_reading() {
    // The room that is needed takes the reader far longer than the deadline.
    const EVENT: usize = 8 * 1024 * 1024;
    let limits = Limits::default().write_deadline(Duration::from_secs(3)).unsent(EVENT + LARGE);
    let limits = limits.event(2 * EVENT);
    let held = Held::with(limits);
    let stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    until_full(&writer);
    let (done, waits) = (AtomicBool::new(false), Duration::from_millis(50));
    let sent = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                let _ = stream.socket().read(&mut [0; LARGE]);
                std::thread::sleep(waits);
            }
        });
        let sent = writer.send("x".repeat(EVENT));
        done.store(true, Ordering::Release);
        sent
    });
    assert!(sent.expect_err("there is no room").is_full());
    assert!(writer.is_active(), "its client does read");
}

#[test]
fn limit_event_a_larger_one_is_not_sent() {
    let held = Held::with(Limits::default().event("data: \n\n".len() + 1000));
    let mut stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    writer.send("x".repeat(1000)).unwrap();
    for error in [writer.send("x".repeat(1001)), writer.try_send(("7", "", "x".repeat(995)))] {
        let error = error.unwrap_err();
        assert!(error.is_too_large(), "{error}");
        let said = "the event is too large: it takes 1009 bytes as it is sent, and may take 1008";
        assert_eq!(error.to_string(), said);
    }
    // Its id counts here, as it is sent.
    writer.send(("7", "", "x".repeat(994))).unwrap();
    assert_eq!([stream.data().len(), stream.data().len()], [1000, 994]);
}

/// The socket takes small events whole or not at all: where it is full, nothing of one is cut.
#[test]
fn limit_write_deadline_holds_where_a_socket_is_full_at_the_end_of_an_event() {
    let channel = Channel::new();
    let ends = Notes::new();
    let (followed, noted) = (channel.clone(), ends.clone());
    let limits = Limits::default().write_deadline(Duration::from_millis(300));
    let server = super::site(limits, move |stream| {
        let noted = noted.clone();
        stream.on_close(move |reason| noted.add(reason));
        stream.subscribe(&followed)
    });
    let streams = [(); 12].map(|()| EventStream::open(server.address(), "/sse"));
    until("all streams", || channel.streams() == streams.len());
    // Each goes out by itself, and something is always new, so that there is always one to try.
    let begun = Instant::now();
    while ends.len() < streams.len() && begun.elapsed() < SOON {
        channel.send("x".repeat(200)).unwrap();
        std::thread::sleep(Duration::from_micros(20));
    }
    assert_eq!(ends.all(), [CloseReason::Stalled; 12]);
}

//! Clients that read slowly, or not at all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidings::{CloseReason, Limits, SseWriter};

use super::Held;
use crate::support::stream::EventStream;
use crate::support::{until, until_some};

const LARGE: usize = 64 * 1024;

fn large(n: usize) -> String {
    format!("{n:06}{}", "x".repeat(LARGE))
}

/// Sends until nothing more is taken; gives how many events were. The systems' buffers grow while
/// they are filled, so once full is not full.
fn fill(writer: &SseWriter) -> usize {
    let mut sent = 0;
    let mut refused = 0;
    while refused < 20 {
        match writer.try_send(large(sent)) {
            Ok(()) => (sent, refused) = (sent + 1, 0),
            Err(error) if error.is_full() => refused += 1,
            Err(error) => panic!("{error}"),
        }
        assert!(sent < 1000, "it never was full");
        if refused > 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    sent
}

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
fn a_send_waits_for_room_until_the_client_reads() {
    let held = Held::with(Limits::default());
    let mut stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    let sent = fill(&writer);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let result = writer.send(large(sent));
            done.store(true, Ordering::Release);
            result
        });
        std::thread::sleep(Duration::from_millis(50));
        assert!(!done.load(Ordering::Acquire), "it has to wait");
        for n in 0..=sent {
            assert_eq!(stream.data(), large(n));
        }
        sender.join().unwrap().unwrap();
    });
}

#[test]
fn a_send_that_waits_is_told_when_the_client_goes() {
    let held = Held::with(Limits::default());
    let stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    fill(&writer);
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| writer.send(large(0)));
        std::thread::sleep(Duration::from_millis(50));
        drop(stream);
        assert!(sender.join().unwrap().unwrap_err().is_closed());
    });
}

#[test]
fn a_stream_whose_client_takes_nothing_is_ended_as_stalled() {
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

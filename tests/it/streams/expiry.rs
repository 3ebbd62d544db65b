//! Streams that are to last until a time, and no longer.

use std::time::{Duration, Instant};

use tidings::{Channel, CloseReason, History, Limits};

use super::{Held, site};
use crate::support::http::{Client, retry_behind};
use crate::support::stream::EventStream;
use crate::support::{Notes, until};

#[test]
fn a_stream_ends_at_its_time_with_its_last_chunk_and_says_when_to_come_back() {
    let held = Held::with(Limits::default());
    let mut stream = Client::to(held.server.address());
    stream.open("/sse");
    let writer = held.writers.first();
    writer.send("before").unwrap();
    let at = Instant::now() + Duration::from_millis(700);
    writer.close_at(at);
    let retry = retry_behind("e\r\ndata: before\n\n\r\n", &stream.rest());
    assert!(Instant::now() >= at, "not before its time");
    assert!((2000..=4000).contains(&retry), "{retry}");
    assert_eq!(held.ends.first(), CloseReason::Expired);
    let error = writer.send("after").unwrap_err();
    assert!(error.is_closed() && error.to_string() == "the stream's time was over", "{error}");
    // It has no time any more.
    writer.close_at(Instant::now());
    until("the connection's end", || held.server.stats().connections == 0);
    assert_eq!(held.ends.all(), [CloseReason::Expired]);
}

#[test]
fn the_end_at_a_time_comes_within_a_second() {
    let late = || {
        let held = Held::with(Limits::default());
        let _stream = EventStream::open(held.server.address(), "/sse");
        let at = Instant::now() + Duration::from_millis(300);
        held.writers.first().close_at(at);
        held.ends.first();
        at.elapsed()
    };
    // The machine may be busy with something else; it is not so every time.
    let tries: Vec<Duration> = std::iter::repeat_with(late).take(5).collect();
    assert!(tries.iter().any(|late| *late < Duration::from_secs(1)), "{tries:?}");
}

#[test]
fn a_time_that_is_over_already_ends_the_stream_after_its_head() {
    let (ends, held) = (Notes::new(), Notes::new());
    let (noted, writers) = (ends.clone(), held.clone());
    let server = site(Limits::default(), move |stream| {
        let ends = noted.clone();
        stream.on_close(move |reason| ends.add(reason));
        let long_ago = Instant::now().checked_sub(Duration::from_secs(3_600));
        stream.close_at(long_ago.unwrap_or_else(Instant::now));
        writers.add(stream);
        Ok(())
    });
    let mut stream = Client::to(server.address());
    assert_eq!(stream.open("/sse").body, b":\n");
    retry_behind("", &stream.rest());
    assert_eq!(ends.first(), CloseReason::Expired);
}

#[test]
fn the_last_time_that_is_said_counts() {
    let held = Held::with(Limits::default());
    let mut streams: Vec<_> =
        ["/sse?a", "/sse?b"].map(|target| EventStream::open(held.server.address(), target)).into();
    until("both", || held.writers.len() == 2);
    let now = Instant::now();
    let (far, soon) = (now + Duration::from_secs(3_600), now + Duration::from_secs(2));
    for writer in held.writers.all() {
        let (first, last) = if writer.target() == "/sse?a" { (soon, far) } else { (far, soon) };
        writer.close_at(first);
        writer.close_at(last);
    }
    streams.pop().expect("that of b").end();
    assert_eq!(held.ends.first(), CloseReason::Expired);
    // A check that ended one has passed the other, which goes on.
    until("more checks", || soon.elapsed() > Duration::from_secs(1));
    for writer in held.writers.all() {
        assert_eq!(writer.is_active(), writer.target() == "/sse?a");
    }
}

/// What comes of so many events to a client that reads nothing until its stream's time is over.
fn rest_of_slow(limits: Limits, events: usize) -> String {
    let channel = Channel::with_history(History::default().bytes(100 * 1024 * 1024));
    let (followed, writers) = (channel.clone(), Notes::new());
    let noted = writers.clone();
    let server = site(limits, move |stream| {
        stream.subscribe(&followed)?;
        noted.add(stream);
        Ok(())
    });
    let mut client = Client::to(server.address());
    client.open("/sse");
    for n in 0..events {
        channel.send(format!("{n:06}{}", "x".repeat(64 * 1024))).unwrap();
    }
    let writer = writers.first();
    writer.close_at(Instant::now());
    until("the end", || !writer.is_active());
    client.rest()
}

fn events(rest: &str) -> usize {
    rest.matches("\ndata: ").count()
}

#[test]
fn an_expired_stream_of_a_slow_client_ends_after_everything_that_was_published() {
    let rest = rest_of_slow(Limits::default().unsent(100 * 1024 * 1024), 200);
    assert_eq!(events(&rest), 200);
    let tail = rest.rfind("x\n\n\r\n").expect("a last event") + "x\n\n\r\n".len();
    retry_behind("", &rest[tail..]);
}

#[test]
fn an_expired_stream_of_a_client_that_is_too_slow_ends_without_its_last_chunk() {
    // More than all buffers of both systems hold together.
    let rest = rest_of_slow(Limits::default(), 600);
    assert!(events(&rest) < 600);
    // It comes back with the id of the last event that it has, and then the rest is sent.
    assert!(rest.contains("x\n\n\r\n") && rest.ends_with("\n\n\r\n"), "whole events");
    assert!(rest[rest.len() - 40..].contains("retry: "), "when to come back");
}

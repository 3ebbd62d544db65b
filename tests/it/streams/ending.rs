//! How streams end, and who is told.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tidings::{CloseReason, Handle, Limits};

use super::{Held, site};
use crate::support::http::{Client, get, retry_behind};
use crate::support::stream::{End, EventStream};
use crate::support::{Notes, until};

/// Waits for the end that was noted, and gives the stream's place back before it looks again.
#[track_caller]
fn assert_ended_once(held: &Held, reason: CloseReason) {
    assert_eq!(held.ends.first(), reason);
    until("the stream's place", || held.server.stats().streams == 0);
    assert!(!held.writers.first().is_active());
    held.writers.first().close();
    assert_eq!(held.ends.all(), [reason]);
}

#[test]
fn row_31_a_client_that_closes_is_noticed_and_told_of_once() {
    let held = Held::with(Limits::default());
    drop(EventStream::open(held.server.address(), "/sse"));
    assert_ended_once(&held, CloseReason::Client);
    until("the connection's end", || held.server.stats().connections == 0);
}

#[test]
fn row_31_a_client_that_resets_is_noticed_and_told_of_once() {
    let held = Held::with(Limits::default());
    let stream = EventStream::open(held.server.address(), "/sse");
    held.writers.first().send("never read").unwrap();
    stream.socket().peek(&mut [0]).expect("it has arrived");
    // A socket that is closed with something unread in it resets its connection.
    drop(stream);
    assert_ended_once(&held, CloseReason::Reset);
    until("the connection's end", || held.server.stats().connections == 0);
}

#[test]
fn row_31_an_end_is_noticed_within_a_second_while_nothing_is_sent() {
    let took = || {
        let held = Held::with(Limits::default());
        let stream = EventStream::open(held.server.address(), "/sse");
        held.writers.first();
        let gone = Instant::now();
        drop(stream);
        held.ends.first();
        gone.elapsed()
    };
    // The machine may be busy with something else; it is not so every time.
    let tries: Vec<Duration> = std::iter::repeat_with(took).take(5).collect();
    assert!(tries.iter().any(|took| *took < Duration::from_secs(1)), "{tries:?}");
}

#[test]
fn row_28_a_stream_that_the_server_closes_ends_with_its_last_chunk() {
    let held = Held::with(Limits::default());
    let mut stream = Client::to(held.server.address());
    stream.open("/sse");
    let writer = held.writers.first();
    writer.send("before").unwrap();
    writer.close();
    assert_eq!(stream.rest(), "e\r\ndata: before\n\n\r\n0\r\n\r\n");
    drop(stream);
    assert_ended_once(&held, CloseReason::Server);
}

#[test]
fn a_stream_that_nobody_holds_ends_with_its_last_chunk() {
    let ends = Notes::new();
    let noted = ends.clone();
    let server = site(Limits::default(), move |stream| {
        let ends = noted.clone();
        stream.on_close(move |reason| ends.add(reason));
        stream.send("only this")
    });
    let mut stream = EventStream::open(server.address(), "/sse");
    assert_eq!(stream.data(), "only this");
    assert_eq!(stream.next().unwrap_err(), End::Whole);
    assert_eq!(ends.first(), CloseReason::Released);
    drop(stream);
    until("the connection's end", || server.stats().connections == 0);
    assert_eq!(ends.len(), 1);
}

#[test]
fn row_39_a_server_that_stops_ends_its_streams_well_and_says_when_to_come_back() {
    let Held { server, writers, ends } = Held::with(Limits::default());
    let mut stream = Client::to(server.address());
    stream.open("/sse");
    let reader = std::thread::spawn(move || stream.rest());
    writers.first().send("before").unwrap();
    server.stop().expect("all threads ended");
    let retry = retry_behind("e\r\ndata: before\n\n\r\n", &reader.join().unwrap());
    assert!((2000..=4000).contains(&retry), "{retry}");
    assert_eq!(ends.all(), [CloseReason::Stopped]);
}

#[test]
fn a_callback_that_comes_after_the_end_runs_all_the_same() {
    let held = Held::with(Limits::default());
    drop(EventStream::open(held.server.address(), "/sse"));
    assert_eq!(held.ends.first(), CloseReason::Client);
    let late = Notes::new();
    let noted = late.clone();
    held.writers.first().on_close(move |reason| noted.add(reason));
    assert_eq!(late.first(), CloseReason::Client);
}

#[test]
fn row_36_a_callback_that_panics_stops_no_other() {
    let held = Held::with(Limits::default());
    let mut stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    let others = Notes::new();
    let noted = others.clone();
    writer.on_close(|_reason| panic!("on purpose"));
    writer.on_close(move |reason| noted.add(reason));
    writer.close();
    stream.end();
    assert_eq!(others.first(), CloseReason::Server);
    assert_eq!(get(held.server.address(), "/").text(), "hello");
}

#[test]
fn a_callback_may_use_its_own_stream() {
    let held = Held::with(Limits::default());
    let mut stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    let said = Notes::new();
    let (noted, own) = (said.clone(), writer.clone());
    writer.on_close(move |_reason| noted.add(own.send("too late").unwrap_err().to_string()));
    writer.close();
    stream.end();
    assert_eq!(said.first(), "the server closed the stream");
}

#[test]
fn row_36_a_handler_that_panics_before_the_head_is_a_500() {
    let server = site(Limits::default(), |_stream| panic!("on purpose"));
    let response = get(server.address(), "/sse");
    assert_eq!((response.status, response.field("Connection")), (500, Some("close")));
    assert_eq!(response.field("Content-Type"), Some("text/plain; charset=utf-8"));
    assert_eq!(server.stats().streams, 0);
    assert_eq!(get(server.address(), "/").text(), "hello");
}

#[test]
fn rows_28_and_36_a_handler_that_panics_behind_the_head_cuts_the_stream_off() {
    let ends = Notes::new();
    let noted = ends.clone();
    let server = site(Limits::default(), move |stream| {
        let ends = noted.clone();
        stream.on_close(move |reason| ends.add(reason));
        stream.send("before")?;
        panic!("on purpose")
    });
    let mut stream = EventStream::open(server.address(), "/sse");
    assert_eq!(stream.data(), "before");
    assert_eq!(stream.next().unwrap_err(), End::CutOff);
    assert_eq!(ends.first(), CloseReason::Failed);
    assert_eq!(get(server.address(), "/").text(), "hello");
}

#[test]
fn a_handler_that_fails_is_a_500_before_the_head_and_a_cut_behind_it() {
    let server = site(Limits::default(), |stream| {
        if stream.target() == "/sse?open" {
            stream.open()?;
        }
        Err(tidings::Error::other("on purpose"))
    });
    assert_eq!(get(server.address(), "/sse").status, 500);
    let mut stream = EventStream::open(server.address(), "/sse?open");
    assert_eq!(stream.next().unwrap_err(), End::CutOff);
}

#[test]
fn row_30_what_the_client_sends_is_dropped_and_its_end_noticed_behind_it() {
    let held = Held::with(Limits::default());
    let mut client = Client::to(held.server.address());
    client.send("GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let writer = held.writers.first();
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000));
    client.socket().shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(held.ends.first(), CloseReason::Client);
    assert!(!writer.is_active());
    assert_eq!(held.server.stats().requests, 1);
}

#[test]
fn row_30_a_client_that_goes_on_sending_does_not_disturb_its_stream() {
    let held = Held::with(Limits::default());
    let mut stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    for n in 0..20 {
        use std::io::Write;
        stream.socket().write_all(&[b'x'; 10_000]).unwrap();
        writer.send(n.to_string()).unwrap();
        assert_eq!(stream.data(), n.to_string());
    }
    assert_eq!(held.ends.len(), 0);
}

#[test]
fn a_callback_finds_the_place_of_its_stream_given_back() {
    let (places, known) = (Notes::new(), Arc::new(OnceLock::<Handle>::new()));
    let (noted, handle) = (places.clone(), Arc::clone(&known));
    let server = site(Limits::default(), move |stream| {
        let (places, handle) = (noted.clone(), Arc::clone(&handle));
        stream.on_close(move |_reason| places.add(handle.get().expect("it runs").stats().streams));
        stream.open()
    });
    known.set(server.handle()).expect("it is new");
    assert_eq!(EventStream::open(server.address(), "/sse").end(), End::Whole);
    assert_eq!(places.first(), 0);
}

#[test]
fn a_callback_is_told_of_a_handler_that_failed_before_the_head() {
    let ends = Notes::new();
    let noted = ends.clone();
    let server = site(Limits::default(), move |stream| {
        let ends = noted.clone();
        stream.on_close(move |reason| ends.add(reason));
        Err(tidings::Error::other("on purpose"))
    });
    assert_eq!(get(server.address(), "/sse").status, 500);
    assert_eq!(ends.first(), CloseReason::Failed);
    server.stop().expect("all threads ended");
    assert_eq!(ends.all(), [CloseReason::Failed]);
}

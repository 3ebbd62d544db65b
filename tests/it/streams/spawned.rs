//! Threads of a stream, for work that takes its time.

use std::sync::mpsc;
use std::time::Duration;

use tidings::{CloseReason, Error, Hooks, Limits, Peer, Result, Running, Server, SseWriter};

use super::{Held, site};
use crate::support::http::{Client, get};
use crate::support::stream::{End, EventStream};
use crate::support::{Gate, Notes, SOON, until};

/// A server whose `/sse` spawns this, and how its streams end.
fn spawning<T>(
    run: impl Fn(&SseWriter) -> Result<T> + Clone + Send + Sync + 'static,
) -> (Running, Notes<CloseReason>) {
    let ends = Notes::new();
    let noted = ends.clone();
    let server = site(Limits::default(), move |stream| {
        let ends = noted.clone();
        stream.on_close(move |reason| ends.add(reason));
        stream.spawn(run.clone())
    });
    (server, ends)
}

#[test]
fn a_stream_that_only_its_thread_holds_lives_until_that_returns() {
    let gate = Gate::default();
    let passed = gate.clone();
    let (server, ends) = spawning(move |stream| {
        stream.send("before")?;
        passed.pass();
        stream.send(("done", 2))?;
        Ok("this counts for nothing")
    });
    let mut client = Client::to(server.address());
    assert_eq!(client.open("/sse").text(), ":\n");
    assert_eq!(client.chunk().as_deref(), Some("data: before\n\n"));
    let stats = server.stats();
    assert_eq!((stats.intervals, stats.streams), (1, 1));
    gate.open();
    assert_eq!(client.rest(), "15\r\nevent: done\ndata: 2\n\n\r\n0\r\n\r\n");
    assert_eq!(ends.first(), CloseReason::Released);
    until("the thread's end", || server.stats().intervals == 0);
}

#[test]
fn work_that_waits_keeps_no_request_waiting() {
    const STREAMS: usize = 8;
    let gate = Gate::default();
    let passed = gate.clone();
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .limits(Limits::default().workers(2))
        .get("/", |_request| Ok(tidings::Response::text("hello")))
        .sse("/sse", move |stream, _request| {
            let gate = passed.clone();
            stream.spawn(move |stream| {
                gate.pass();
                stream.send("now")
            })
        })
        .start()
        .unwrap();
    let mut streams: Vec<EventStream> =
        (0..STREAMS).map(|_| EventStream::open(server.address(), "/sse")).collect();
    until("the threads", || server.stats().intervals == STREAMS);
    assert_eq!(get(server.address(), "/").text(), "hello");
    gate.open();
    for stream in &mut streams {
        assert_eq!((stream.data(), stream.next().unwrap_err()), ("now".into(), End::Whole));
    }
}

#[test]
fn row_36_a_thread_that_fails_or_panics_cuts_its_stream_off_and_the_hooks_are_told_of_an_error() {
    struct Failures(Notes<String>);
    impl Hooks for Failures {
        fn failed(&self, _peer: Peer, target: &str, error: &Error) {
            self.0.add(format!("{target} {error}"));
        }
    }
    for panics in [true, false] {
        let (failures, ends) = (Notes::new(), Notes::new());
        let noted = ends.clone();
        let server = Server::bind("127.0.0.1:0")
            .unwrap()
            .hooks(Failures(failures.clone()))
            .sse("/sse", move |stream, _request| {
                let ends = noted.clone();
                stream.on_close(move |reason| ends.add(reason));
                stream.spawn(move |stream| {
                    stream.send("before")?;
                    assert!(!panics, "on purpose");
                    Err::<(), _>(Error::other("the program has ended"))
                })
            })
            .start()
            .unwrap();
        let mut stream = EventStream::open(server.address(), "/sse");
        assert_eq!((stream.data(), stream.next().unwrap_err()), ("before".into(), End::CutOff));
        assert_eq!(ends.first(), CloseReason::Failed);
        until("the thread's end", || server.stats().intervals == 0);
        let told: &[&str] = if panics { &[] } else { &["/sse the program has ended"] };
        assert_eq!(failures.all(), told);
        server.stop().expect("the thread is joined");
    }
}

#[test]
fn row_31_a_thread_whose_client_goes_finds_it_as_it_sends_and_that_is_no_failure() {
    let (server, ends) = spawning(|stream| -> Result<()> {
        loop {
            stream.send("tick")?;
            std::thread::park_timeout(Duration::from_millis(5));
        }
    });
    drop(EventStream::open(server.address(), "/sse"));
    assert!(matches!(ends.first(), CloseReason::Client | CloseReason::Reset));
    until("the thread's end", || server.stats().intervals == 0);
    server.stop().expect("the thread is joined");
}

#[test]
fn row_39_a_server_that_stops_wakes_the_threads_of_its_streams_and_joins_them() {
    // It waits for far longer than the test: only being unparked ends it in time.
    let (server, ends) = spawning(|stream| {
        stream.send("waits")?;
        while stream.is_active() {
            std::thread::park_timeout(Duration::from_secs(3_600));
        }
        Ok(())
    });
    let mut stream = EventStream::open(server.address(), "/sse");
    assert_eq!(stream.data(), "waits");
    let handle = server.handle();
    server.stop().expect("the thread is joined");
    assert_eq!((ends.all(), handle.stats().intervals), (vec![CloseReason::Stopped], 0));
}

#[test]
fn a_thread_has_the_stack_of_a_handler() {
    let (server, _) = spawning(|stream| {
        let large = std::hint::black_box([7_u8; 300 * 1024]);
        stream.send(large.iter().map(|byte| usize::from(*byte)).sum::<usize>().to_string())
    });
    let expected = (7 * 300 * 1024).to_string();
    assert_eq!(EventStream::open(server.address(), "/sse").data(), expected);
}

#[test]
fn nothing_is_spawned_for_a_stream_that_has_ended() {
    let held = Held::with(Limits::default());
    let _stream = EventStream::open(held.server.address(), "/sse");
    let writer = held.writers.first();
    writer.close();
    let (say, said) = mpsc::channel::<()>();
    let refused = writer.spawn(move |_| {
        drop(say);
        Ok(())
    });
    assert!(refused.unwrap_err().is_closed());
    assert!(said.recv_timeout(SOON).is_err(), "the closure is dropped");
    assert_eq!(held.server.stats().intervals, 0);
}

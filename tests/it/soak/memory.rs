//! Memory is bounded: that of a channel, of a stream and of a connection, whatever is sent; and
//! that of all of them together.

use std::io::Write;
use std::net::TcpStream;

use super::vitals::{memory, metric, until_nobody_is_there};
use super::{KIB, MIB, hub, publish};
use crate::support::http::connect;
use crate::support::process::Process;
use crate::support::stream::EventStream;
use crate::support::until;

/// What the allocator and the threads may take beside what is counted.
const BESIDE: usize = 12 * MIB;

/// Fails if the hub has taken more than this since.
#[track_caller]
fn assert_taken(hub: &Process, before: usize, most: usize) {
    let taken = memory(hub).saturating_sub(before);
    println!("{:.1} MiB of {:.1}", taken as f64 / MIB as f64, most as f64 / MIB as f64);
    assert!(taken <= most, "{taken} bytes of {most}");
}

#[test]
fn a_channel_keeps_to_its_bounds_when_events_are_large() {
    const EVENT: usize = 700_000;
    let hub = hub(&[]);
    publish(&hub, "a", "small");
    let before = memory(&hub);
    for _ in 0..100 {
        publish(&hub, "a", &"x".repeat(EVENT));
    }
    assert_eq!(metric(&hub, "events_kept"), 1, "two are more than a MiB");
    // Room is made before an event is kept; beside it there is the body that it came in.
    assert_taken(&hub, before, 2 * MIB + BESIDE);
}

#[test]
fn a_channel_keeps_to_its_bounds_when_events_are_many() {
    let hub = hub(&["--history=1000000", "--history-bytes=1000000"]);
    let mut client = crate::support::http::Client::to(hub.address());
    let before = memory(&hub);
    let request = "POST /events/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx";
    for _ in 0..20 {
        client.send(request.repeat(400));
        (0..400).for_each(|_| assert_eq!(client.response().status, 200));
    }
    let kept = metric(&hub, "events_kept");
    assert!((1..=8_000).contains(&kept));
    assert_taken(&hub, before, 2 * MIB + BESIDE);
}

#[test]
fn a_stream_that_is_not_read_holds_one_event_at_most() {
    const STREAMS: usize = 100;
    const EVENT: usize = 32 * KIB;
    let hub = hub(&[]);
    let before = memory(&hub);
    let streams: Vec<_> =
        (0..STREAMS).map(|_| EventStream::open(hub.address(), "/events/a")).collect();
    until("the streams", || metric(&hub, "streams") == STREAMS);
    // More than the system takes for a reader that takes nothing, and the log beside.
    for _ in 0..200 {
        publish(&hub, "a", &"x".repeat(EVENT));
    }
    assert_eq!(metric(&hub, "streams"), STREAMS);
    assert_taken(&hub, before, 2 * MIB + STREAMS * 2 * EVENT + BESIDE);
    drop(streams);
    until_nobody_is_there(&hub);
}

#[test]
fn a_connection_holds_what_was_sent_on_it_and_no_more() {
    const CONNECTIONS: usize = 100;
    const LARGE: usize = 100_000;
    let hub = hub(&[]);
    let before = memory(&hub);
    let held: Vec<TcpStream> = (0..CONNECTIONS)
        .map(|n| {
            let mut socket = connect(hub.address());
            let body = if n % 2 == 0 { "x".repeat(LARGE) } else { String::new() };
            // What is declared costs nothing.
            let length = "Content-Length: 1000000\r\n";
            let head = format!("POST /events/a HTTP/1.1\r\nHost: localhost\r\n{length}\r\n");
            socket.write_all((head + &body).as_bytes()).expect("the hub reads");
            socket
        })
        .collect();
    until("the connections", || metric(&hub, "connections") >= CONNECTIONS);
    // A body grows by doubling.
    assert_taken(&hub, before, CONNECTIONS / 2 * 2 * LARGE + BESIDE);
    drop(held);
    until_nobody_is_there(&hub);
}

#[test]
fn all_bodies_together_keep_to_their_bound() {
    const CONNECTIONS: usize = 150;
    const LARGE: usize = 900_000;
    /// Twice what fits.
    const BOUND: usize = 64 * MIB;
    let hub = hub(&[]);
    let before = memory(&hub);
    let length = "Content-Length: 1000000\r\n";
    let head = format!("POST /events/a HTTP/1.1\r\nHost: localhost\r\n{length}\r\n");
    let bytes = [head.into_bytes(), vec![b'x'; LARGE]].concat();
    let held: Vec<TcpStream> = (0..CONNECTIONS)
        .map(|_| {
            let mut socket = connect(hub.address());
            // Who is refused may not be read to the end.
            let _ = socket.write_all(&bytes);
            socket
        })
        .collect();
    // Those for whom there was no room are answered, and gone a little later.
    until("the refusals", || metric(&hub, "connections") <= BOUND / LARGE + 1);
    assert!(metric(&hub, "connections") >= BOUND / LARGE / 2, "and the others stay");
    assert_taken(&hub, before, 2 * BOUND + BESIDE);
    drop(held);
    until_nobody_is_there(&hub);
}

#[test]
fn names_that_strangers_make_up_do_not_add_up() {
    const AT_ONCE: usize = 200;
    let hub = hub(&[]);
    let before = memory(&hub);
    for round in 0..4 {
        for number in 0..AT_ONCE {
            let target = format!("/events/made-up-{round}-{number}");
            drop(EventStream::open(hub.address(), &target));
        }
        until_nobody_is_there(&hub);
        // They are looked through when they have become twice as many.
        let left = metric(&hub, "channels");
        assert!(left <= 2 * AT_ONCE, "{left}");
    }
    assert_taken(&hub, before, BESIDE);
}

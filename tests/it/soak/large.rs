//! Large events: nothing of them is copied for those who don't read, and what a hub takes for all
//! that it holds keeps to the sum that `src/doc/robustness.md` gives.

use std::io::Write;
use std::net::TcpStream;

use super::vitals::{memory, metric, until_all_is_read, until_nobody_is_there};
use super::{KIB, MIB, asked, hub, publish};
use crate::support::http::{connect, post};
use crate::support::process::Process;
use crate::support::until;

/// An event of line breaks takes seven bytes for each, and seven more.
const LINE_BREAKS: usize = MIB / 7 - 1;

/// What the allocator, the threads and the bodies under way may take beside what is counted.
const BESIDE: usize = 16 * MIB;

/// Streams that are opened and then not read.
fn silent(hub: &Process, target: &str, count: usize) -> Vec<TcpStream> {
    let before = metric(hub, "streams");
    let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let open = |_| {
        let mut socket = connect(hub.address());
        socket.write_all(request.as_bytes()).expect("the hub reads");
        socket
    };
    let streams = (0..count).map(open).collect();
    until("the streams", || metric(hub, "streams") == before + count);
    streams
}

#[track_caller]
fn assert_taken(what: &str, hub: &Process, before: usize, most: usize) {
    let taken = memory(hub).saturating_sub(before);
    let mib = |bytes: usize| bytes as f64 / MIB as f64;
    println!("{what}: {:.1} MiB of {:.1}", mib(taken), mib(most));
    assert!(taken <= most, "{what}: {taken} bytes of {most}");
}

/// How much less each of them takes than the event has: today 1,200 take a few MiB.
#[test]
fn streams_that_read_nothing_of_a_large_event_copy_nothing_of_it() {
    let readers = asked("TIDINGS_SOAK_READERS", 200);
    let hub = hub(&[]);
    let refused = post(hub.address(), "/events/a", &"\n".repeat(MIB - 1));
    assert_eq!(refused.status, 413, "{}", refused.text());
    let before = memory(&hub);
    let streams = silent(&hub, "/events/a", readers);
    // More than the system takes for a reader that takes nothing.
    for _ in 0..6 {
        publish(&hub, "a", &"\n".repeat(LINE_BREAKS));
    }
    println!("{} of {readers} streams are left", metric(&hub, "streams"));
    assert_taken("silent streams", &hub, before, 3 * MIB + readers * 16 * KIB + BESIDE);
    drop(streams);
    until_nobody_is_there(&hub);
}

#[test]
fn readers_that_stop_each_within_another_large_event_do_not_keep_them_all() {
    const ROUNDS: usize = 5;
    let hub = hub(&[]);
    publish(&hub, "a", "small");
    let before = memory(&hub);
    let mut streams = Vec::new();
    for round in 0..ROUNDS {
        let silent = 4;
        let there = metric(&hub, "streams");
        streams.extend(silent_for(&hub, silent));
        assert!(metric(&hub, "streams") <= there + silent, "in round {round}");
        // They stand within different events, as each of them takes its own time to be full.
        for _ in 0..4 {
            publish(&hub, "a", &"x".repeat(1_000_000));
        }
    }
    assert_taken("one channel", &hub, before, 2 * MIB + MIB / 2 + BESIDE);
    drop(streams);
    until_nobody_is_there(&hub);
}

/// Streams beside others that may be cut off meanwhile.
fn silent_for(hub: &Process, count: usize) -> Vec<TcpStream> {
    let begun = metric(hub, "streams_begun_total");
    let open = |_| {
        let mut socket = connect(hub.address());
        socket.write_all(b"GET /events/a HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        socket
    };
    let streams = (0..count).map(open).collect();
    until("the streams", || metric(hub, "streams_begun_total") == begun + count);
    streams
}

#[test]
fn a_channel_that_is_to_keep_little_takes_two_large_events_at_most() {
    const CHANNELS: usize = 16;
    /// 2.2 MiB, of which two are events.
    const EACH: usize = 2 * MIB + MIB / 5;
    let hub = hub(&["--history-bytes=1024"]);
    // What a worker takes for such a body it may keep, for all channels.
    (0..4).for_each(|_| publish(&hub, "other", &"x".repeat(MIB - 8)));
    let before = memory(&hub);
    let mut streams = Vec::new();
    for channel in 0..CHANNELS {
        let name = channel.to_string();
        streams.extend(silent(&hub, &format!("/events/{name}"), 1));
        // The stream is full in the midst of one of them, which then leaves the log.
        for _ in 0..4 {
            publish(&hub, &name, &"x".repeat(MIB - 8));
        }
    }
    println!("{} of {CHANNELS} streams are left", metric(&hub, "streams"));
    let taken = memory(&hub).saturating_sub(before);
    println!("{:.2} MiB for each channel", taken as f64 / (CHANNELS * MIB) as f64);
    assert!(taken <= CHANNELS * EACH, "{taken}");
    drop(streams);
    until_nobody_is_there(&hub);
}

/// As `src/doc/robustness.md` has it, each term at its worst at the same time.
#[test]
fn all_that_a_hub_holds_keeps_to_the_sum_that_the_docs_give() {
    const CHANNELS: usize = 6;
    const STREAMS: usize = 100;
    const HEADS: usize = 100;
    const BODIES: usize = 30;
    let hub = hub(&["--history-bytes=1024"]);
    let before = memory(&hub);
    let mut held = Vec::new();

    // Each channel keeps a large event, and another that streams are still being sent.
    for channel in 0..CHANNELS {
        let name = format!("large-{channel}");
        held.extend(silent(&hub, &format!("/events/{name}"), 2));
        (0..4).for_each(|_| publish(&hub, &name, &"x".repeat(MIB - 8)));
    }
    let channels = (CHANNELS + 1) * (2 * MIB + 4 * KIB);

    // Each stream is cut within the largest event that is copied.
    held.extend(silent(&hub, "/events/small", STREAMS));
    (0..80).for_each(|_| publish(&hub, "small", &"x".repeat(64 * KIB - 100)));
    let streams = (STREAMS + 2 * CHANNELS) * 64 * KIB;

    // Each connection has sent nearly all of a body, or of the largest head.
    let head = "POST /events/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n";
    for _ in 0..BODIES {
        let mut socket = connect(hub.address());
        socket.write_all(head.as_bytes()).expect("the hub reads");
        socket.write_all(&vec![b'x'; 999_999]).expect("the hub reads");
        held.push(socket);
    }
    let bodies = BODIES * 2 * 1_000_000;
    until_all_is_read(&hub);
    let line = format!("X-Field: {}\r\n", "x".repeat(8 * KIB - 12));
    let head =
        format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}", line.repeat(3)) + &line[..7 * KIB];
    for _ in 0..HEADS {
        let mut socket = connect(hub.address());
        socket.write_all(head.as_bytes()).expect("the hub reads");
        held.push(socket);
    }
    let heads = HEADS * 2 * (16 + 32 + 16) * KIB;
    until("the connections", || metric(&hub, "connections") >= HEADS + BODIES);
    let mib = |bytes: usize| bytes as f64 / MIB as f64;
    let terms = [channels, streams, heads, bodies].map(mib);
    println!("channels, streams, heads and bodies: {terms:.1?} MiB");
    assert_taken("all together", &hub, before, channels + streams + heads + bodies + BESIDE);
    drop(held);
    until_nobody_is_there(&hub);
}

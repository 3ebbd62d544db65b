//! Readers that stop, their sockets filled in many ways: the write deadline ends each of them.
//!
//! Where a socket is full exactly at the end of an event, a stream has nothing left to send and
//! still can't go on. Whatever tries it again must not take that for progress.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tidings::{Channel, History, Limits, Server};

use super::asked;
use crate::support::http::connect;
use crate::support::{SOON, until};

/// The sizes of events, from one that goes into a socket thousands of times to a large one.
const SIZES: [usize; 9] = [100, 200, 500, 1_000, 1_460, 4_096, 9_000, 65_000, 300_000];

/// What each channel is sent at least before the next, so that small events fill a socket, too.
const ROUND: usize = 16 * 1024;

/// Reads a little, each another amount, and then nothing more.
fn stop_after(socket: &mut TcpStream, bytes: usize) {
    let mut buffer = vec![0; bytes];
    socket.read_exact(&mut buffer).expect("events");
}

#[test]
fn limit_write_deadline_ends_every_reader_that_stops_however_its_socket_is_filled() {
    let readers = asked("TIDINGS_SOAK_STOPPED", 90);
    let deadline = Duration::from_secs(asked("TIDINGS_SOAK_STOPPED_DEADLINE", 1) as u64);
    let history = History::default().events(100);
    let channels = SIZES.map(|_| Channel::with_history(history));
    let followed = channels.clone();
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .limits(Limits::default().write_deadline(deadline))
        .get("/{size}", move |request| {
            let at: usize = request.param("size").unwrap_or_default().parse().unwrap_or_default();
            let channel = followed[at].clone();
            Ok(tidings::Reply::event_stream(move |stream| stream.subscribe(&channel)))
        })
        .start()
        .unwrap();
    let mut sockets: Vec<TcpStream> = (0..readers)
        .map(|n| {
            let mut socket = connect(server.address());
            let at = n % SIZES.len();
            write!(socket, "GET /{at} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            socket
        })
        .collect();
    until("all streams", || server.stats().streams == readers);
    let publish = |n: usize| {
        for (channel, size) in channels.iter().zip(SIZES) {
            for _ in 0..ROUND.div_ceil(size) {
                channel.send("x".repeat(size + n % 3)).unwrap();
            }
        }
    };
    (0..20).for_each(publish);
    for (n, socket) in sockets.iter_mut().enumerate() {
        stop_after(socket, 300 + n % 97);
    }
    // There is always something new, so that there is always something to try.
    let begun = Instant::now();
    let mut count = 0;
    while server.stats().streams > 0 && begun.elapsed() < 2 * deadline + SOON {
        publish(count);
        count += 1;
        std::thread::sleep(Duration::from_millis(2));
    }
    println!("{readers} readers: the last ended after {:.1?}", begun.elapsed());
    assert_eq!(server.stats().streams, 0);
}

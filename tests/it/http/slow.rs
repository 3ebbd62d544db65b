//! Peers that are slow, or say nothing, while others want to be served.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tidings::{Limits, Response, Running};

use super::{assert_responses, plain, site};
use crate::support::http::{Client, connect, get, post};
use crate::support::{Gate, Notes, SOON, until};

/// What a fresh request may take here: it is 100 ms where nothing else runs on the machine.
const SWIFT: Duration = Duration::from_secs(2);

#[track_caller]
fn assert_responds_swiftly(server: &Running) {
    let began = Instant::now();
    assert_responses(server.address());
    assert!(began.elapsed() < SWIFT, "{:?}", began.elapsed());
}

#[test]
fn row_32_a_fresh_request_is_answered_while_hundreds_say_nothing_or_little() {
    let server = plain(Limits::default().workers(4));
    let parts: [&[u8]; 4] = [
        b"",
        b"G",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n",
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc",
    ];
    let mut slow: Vec<TcpStream> = (0..300)
        .map(|n| {
            let mut socket = connect(server.address());
            socket.write_all(parts[n % parts.len()]).unwrap();
            socket
        })
        .collect();
    until("all of them", || server.stats().connections == 300);
    for _ in 0..5 {
        assert_responds_swiftly(&server);
        slow.iter_mut()
            .skip(2)
            .step_by(4)
            .for_each(|socket| socket.write_all(b"X: y\r\n").unwrap());
    }
    assert!(server.stats().connections >= 300);
    assert!(server.stats().workers <= 4);

    // And each of them is still served when it has made up its mind.
    for (n, socket) in slow.iter_mut().enumerate() {
        let rest: &[u8] = match n % parts.len() {
            0 => b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            1 => b"ET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            2 => b"\r\n",
            _ => b"def012",
        };
        socket.write_all(rest).unwrap();
    }
    for socket in &mut slow {
        let mut begin = [0; 17];
        socket.read_exact(&mut begin).unwrap();
        assert_eq!(&begin, b"HTTP/1.1 200 OK\r\n");
    }
}

const LARGE: usize = 16 * 1024 * 1024;

fn with_a_large_response() -> Running {
    site(Limits::default().workers(2))
        .content("/large", "text/plain", vec![b'a'; LARGE])
        .start()
        .unwrap()
}

fn ask_for_it(server: &Running) -> TcpStream {
    let mut socket = connect(server.address());
    let fields = "Host: localhost\r\nConnection: close\r\n";
    socket.write_all(format!("GET /large HTTP/1.1\r\n{fields}\r\n").as_bytes()).unwrap();
    socket
}

#[test]
fn readers_that_stop_in_a_large_response_hold_no_worker() {
    let server = with_a_large_response();
    let mut stopped: Vec<TcpStream> = (0..6).map(|_| ask_for_it(&server)).collect();
    until("the requests", || server.stats().requests == 6);
    for _ in 0..5 {
        assert_responds_swiftly(&server);
    }
    for socket in &mut stopped {
        let mut response = Vec::new();
        socket.read_to_end(&mut response).unwrap();
        assert!(response.ends_with(&[b'a'; 1000]) && response.len() > LARGE);
    }
}

#[test]
fn readers_that_read_slowly_in_a_large_response_hold_no_worker() {
    let server = with_a_large_response();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let mut socket = ask_for_it(&server);
            let done = &done;
            scope.spawn(move || {
                let mut some = vec![0; 64 * 1024];
                while !done.load(Ordering::Relaxed) && matches!(socket.read(&mut some), Ok(1..)) {
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
        }
        until("the requests", || server.stats().requests == 4);
        for _ in 0..5 {
            assert_responds_swiftly(&server);
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_large_body_comes_whole_where_no_worker_may_wait_for_it() {
    const LARGE: usize = 8 * 1024 * 1024;
    let limits = Limits::default().workers(1).body(LARGE).body_deadline(SOON);
    let server = site(limits)
        .post("/length", |request| Ok(Response::text(request.body().len().to_string())))
        .start()
        .unwrap();
    let response = post(server.address(), "/length", &"x".repeat(LARGE));
    assert_eq!((response.status, response.text()), (200, "8388608"));
}

#[test]
fn row_50_who_pipelines_keeps_nobody_waiting_for_more_than_a_request() {
    const MANY: usize = 1_000;
    let served = Notes::new();
    let note = served.clone();
    let server = site(Limits::default().workers(1))
        .get("/work", move |_request| {
            note.add(());
            std::thread::sleep(Duration::from_millis(10));
            Ok(Response::no_content())
        })
        .start()
        .unwrap();
    let mut pipelining = Client::to(server.address());
    pipelining.send("GET /work HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(MANY));
    let mut kept = Client::to(server.address());
    for _ in 0..5 {
        let before = served.len();
        assert_eq!(kept.get("/").text(), "hello");
        assert_responses(server.address());
        // It takes a few on any machine, and nearly all of them where they go first.
        assert!(served.len() < before + 100, "{} of {MANY}", served.len());
    }
    // Nobody else is there now, and the rest is served in its order.
    (0..MANY).for_each(|_| assert_eq!(pipelining.response().status, 204));
    assert_eq!(served.len(), MANY);
}

#[test]
fn row_50_who_pipelines_behind_bodies_that_nobody_reads_keeps_nobody_waiting() {
    const MANY: usize = 1_000;
    let server = plain(Limits::default().workers(1));
    let mut pipelining = Client::to(server.address());
    let missing = "POST /missing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx";
    pipelining.send(missing.repeat(MANY));
    assert_responds_swiftly(&server);
    (0..MANY).for_each(|_| assert_eq!(pipelining.response().status, 404));
}

#[test]
fn row_50_who_takes_a_large_response_slowly_keeps_no_worker_that_another_needs() {
    // Zeros that nobody wrote take no memory, and this many take the reader longer than the test.
    let endless: &'static [u8] = Box::leak(vec![0; 1 << 28].into_boxed_slice());
    let gate = Gate::default();
    let held = gate.clone();
    let server = site(Limits::default().workers(2))
        .content("/endless", "text/plain", endless)
        .get("/held", move |_request| {
            held.pass();
            Ok(Response::text("done"))
        })
        .start()
        .unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // One worker writes for as long as the test may take, as the peer always takes something.
        let mut slow = Client::to(server.address());
        slow.send("GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let done = &done;
        scope.spawn(move || {
            let mut some = vec![0; 1 << 19];
            while !done.load(Ordering::Relaxed) && slow.socket().read_exact(&mut some).is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        until("its request", || server.stats().requests >= 1);
        // The other one is at work.
        let waiting = scope.spawn(|| get(server.address(), "/held").text().to_owned());
        until("the other request", || server.stats().requests >= 2);
        for _ in 0..3 {
            assert_responds_swiftly(&server);
        }
        gate.open();
        assert_eq!(waiting.join().unwrap(), "done");
        done.store(true, Ordering::Relaxed);
    });
}

//! A server that stops: requests finish, nothing new begins, nothing is left.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tidings::{Limits, Reply, Response, Running};

use super::{plain, site};
use crate::support::http::{Client, connect, get};
use crate::support::{Gate, Notes, until};

#[test]
fn row_39_a_request_that_runs_is_answered_and_then_all_has_ended() {
    let gate = Gate::default();
    let held = gate.clone();
    let server = site(Limits::default())
        .get("/held", move |_request| {
            held.pass();
            Ok(Response::text("done"))
        })
        .start()
        .unwrap();
    let address = server.address();
    let mut client = Client::to(address);
    client.send("GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n");
    until("the request", || server.stats().requests == 1);

    let handle = server.handle();
    handle.stop();
    until("the listener's end", || TcpStream::connect(address).is_err());
    gate.open();
    assert_eq!(client.response().text(), "done");
    assert_eq!(client.rest(), "");
    server.stop().expect("all threads ended");
    assert_eq!(handle.stats(), tidings::Stats::default());
}

#[test]
fn row_39_silent_and_half_said_connections_do_not_hold_it_up() {
    let server = plain(Limits::default().grace(Duration::from_secs(2)));
    let silent = connect(server.address());
    let mut half = connect(server.address());
    half.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    let mut kept = Client::to(server.address());
    assert_eq!(kept.get("/").text(), "hello");
    until("all of them", || server.stats().connections == 3);
    let began = Instant::now();
    server.stop().expect("all threads ended");
    // A head that has begun has until the end of the grace period.
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop((silent, half));
}

#[test]
fn row_39_a_handler_that_would_not_end_is_told_of_when_the_grace_period_is_over() {
    const LARGE: usize = 32 * 1024 * 1024;
    let gate = Gate::default();
    let held = gate.clone();
    // A single worker may not wait for a client itself.
    let server = site(Limits::default().grace(Duration::from_secs(1)).workers(1))
        .get("/held", move |_request| {
            held.pass();
            Ok(Response::text("x".repeat(LARGE)))
        })
        .start()
        .unwrap();
    let mut client = Client::to(server.address());
    client.send("GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n");
    until("the request", || server.stats().requests == 1);
    let handle = server.handle();
    let error = server.stop().unwrap_err().to_string();
    assert!(error.starts_with("1 threads would not end within the grace period"), "{error}");
    gate.open();
    // More than the buffers of both systems hold, and nobody is left to wait for the client.
    until("the connection's end", || handle.stats().connections == 0);
    assert!(client.rest().len() < LARGE);
}

#[test]
fn a_handler_may_stop_its_own_server() {
    let server = site(Limits::default());
    let handle = server.handle();
    let server = server
        .post("/stop", move |_request| {
            handle.stop();
            Ok(Response::text("stopping"))
        })
        .start()
        .unwrap();
    let response = crate::support::http::post(server.address(), "/stop", "");
    assert_eq!(response.text(), "stopping");
    server.wait().expect("all threads ended");
}

#[test]
fn a_port_is_free_again_when_its_server_has_stopped() {
    let first = plain(Limits::default());
    let address = first.address();
    assert_eq!(get(address, "/").text(), "hello");
    first.stop().unwrap();
    let second = tidings::Server::bind(address).unwrap().start().unwrap();
    assert_eq!(get(address, "/").status, 404);
    second.stop().unwrap();
}

#[test]
fn row_39_a_stream_that_begins_during_the_stop_is_refused_and_ended() {
    let gate = Gate::default();
    let held = gate.clone();
    let server = site(Limits::default())
        .get("/late", move |_request| {
            held.pass();
            Ok(Reply::event_stream(|stream| {
                while stream.is_active() {
                    stream.send("still here")?;
                }
                Ok(())
            }))
        })
        .start()
        .unwrap();
    let address = server.address();
    let mut client = Client::to(address);
    client.send("GET /late HTTP/1.1\r\nHost: localhost\r\n\r\n");
    until("the request", || server.stats().requests == 1);
    server.handle().stop();
    until("the listener's end", || TcpStream::connect(address).is_err());
    gate.open();
    assert!(client.response().text().starts_with("retry: "));
    server.stop().expect("all threads ended");
}

#[test]
fn row_39_a_handler_may_drop_the_server_that_it_runs_on() {
    let slot = Arc::new(Mutex::new(None::<Running>));
    let own = Arc::clone(&slot);
    let server = site(Limits::default())
        .get("/bye", move |_request| {
            drop(own.lock().unwrap().take());
            Ok(Response::text("bye"))
        })
        .start()
        .unwrap();
    let (address, handle) = (server.address(), server.handle());
    *slot.lock().unwrap() = Some(server);
    assert_eq!(get(address, "/bye").text(), "bye");
    until("the server's end", || handle.stats() == tidings::Stats::default());
}

#[test]
fn times_that_mean_never_overflow_no_clock() {
    let never = Duration::MAX;
    let limits = Limits::default()
        .head_deadline(never)
        .body_deadline(never)
        .idle_deadline(never)
        .write_deadline(never)
        .heartbeat(never)
        .grace(never);
    let server = plain(limits);
    assert_eq!(get(server.address(), "/").text(), "hello");
    server.stop().expect("all threads ended");
}

#[test]
fn row_39_a_peer_that_takes_its_response_slowly_does_not_hold_it_up() {
    let server = site(Limits::default().grace(Duration::from_secs(2)))
        .get("/large", |_request| Ok(Response::bytes("text/plain", vec![b'x'; 64 << 20])))
        .start()
        .unwrap();
    let mut socket = connect(server.address());
    socket.write_all(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    // So slow that the response would take half a minute, and never so slow that a write stands still.
    let reader = thread::spawn(move || {
        let mut bytes = vec![0; 64 * 1024];
        while socket.read(&mut bytes).is_ok_and(|read| read > 0) {
            thread::sleep(Duration::from_millis(20));
        }
    });
    until("the request", || server.stats().requests == 1);
    thread::sleep(Duration::from_millis(300));
    server.stop().expect("all threads ended");
    reader.join().unwrap();
}

#[test]
fn who_drops_the_server_on_a_thread_of_its_own_waits_whatever_the_thread_is_called() {
    let (gate, notes) = (Gate::default(), Notes::new());
    let (held, handled) = (gate.clone(), notes.clone());
    let server = site(Limits::default())
        .get("/held", move |_request| {
            held.pass();
            handled.add("handled");
            Ok(Response::no_content())
        })
        .start()
        .unwrap();
    let address = server.address();
    let mut client = Client::to(address);
    client.send("GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n");
    until("the request", || server.stats().requests == 1);
    let dropped = notes.clone();
    let drops = move || {
        drop(server);
        dropped.add("dropped");
    };
    let thread = thread::Builder::new().name("tidings-stdin".into()).spawn(drops).unwrap();
    until("the listener's end", || TcpStream::connect(address).is_err());
    thread::sleep(Duration::from_millis(100));
    gate.open();
    thread.join().unwrap();
    assert_eq!(notes.all(), ["handled", "dropped"]);
}

//! Deadlines are points in time: a byte now and then moves none of them.

use std::time::{Duration, Instant};

use tidings::Limits;

use super::{assert_responses, plain};
use crate::support::http::Client;

const SHORT: Duration = Duration::from_millis(300);

/// Sends byte after byte, slowly, until the server responds, and returns the response.
fn drip(client: &mut Client, bytes: &[u8]) -> String {
    let mut socket = client.socket().try_clone().unwrap();
    let bytes = bytes.to_vec();
    let sender = std::thread::spawn(move || {
        use std::io::Write;
        for byte in bytes {
            if socket.write_all(&[byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let response = client.response();
    let status =
        format!("{} {}", response.status, response.field("Connection").unwrap_or_default());
    client.socket().shutdown(std::net::Shutdown::Both).unwrap();
    sender.join().unwrap();
    status
}

#[test]
fn limit_head_deadline_a_byte_now_and_then_does_not_extend_it() {
    // A single worker may wait for nobody: then it is the watch thread that looks at the time.
    for workers in [64, 1] {
        let server = plain(Limits::default().head_deadline(SHORT).workers(workers));
        let began = Instant::now();
        let mut client = Client::to(server.address());
        let head = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "a".repeat(1000));
        assert_eq!(drip(&mut client, head.as_bytes()), "408 close");
        assert!(began.elapsed() >= SHORT);
        assert_responses(server.address());
    }
}

#[test]
fn limit_body_deadline_a_byte_now_and_then_does_not_extend_it() {
    for workers in [64, 1] {
        let server = plain(Limits::default().body_deadline(SHORT).workers(workers));
        let began = Instant::now();
        let mut client = Client::to(server.address());
        client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n");
        assert_eq!(drip(&mut client, &[b'a'; 1000]), "408 close");
        assert!(began.elapsed() >= SHORT);
        assert_responses(server.address());
    }
}

#[test]
fn limit_head_deadline_a_head_that_stops_in_its_middle_is_answered_408() {
    let server = plain(Limits::default().head_deadline(SHORT));
    let mut client = Client::to(server.address());
    client.send("GET / HTTP/1.1\r\nHost: local");
    let response = client.rest();
    assert!(response.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{response}");
}

#[test]
fn limit_idle_deadline_who_never_says_anything_is_closed_without_an_response() {
    for workers in [64, 1] {
        let server = plain(Limits::default().idle_deadline(SHORT).workers(workers));
        let began = Instant::now();
        assert_eq!(Client::to(server.address()).rest(), "");
        assert!(began.elapsed() >= SHORT);
    }
}

#[test]
fn limit_idle_deadline_a_kept_connection_that_falls_silent_is_closed() {
    let server = plain(Limits::default().idle_deadline(SHORT));
    let mut client = Client::to(server.address());
    assert_eq!(client.get("/").text(), "hello");
    let began = Instant::now();
    assert_eq!(client.rest(), "");
    assert!(began.elapsed() >= SHORT / 2);
}

#[test]
fn limit_idle_deadline_empty_lines_are_silence_too() {
    let server = plain(Limits::default().idle_deadline(SHORT).head_deadline(SHORT * 100));
    let mut client = Client::to(server.address());
    let began = Instant::now();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n\r\n\r\n");
    assert_eq!(client.response().text(), "hello");
    assert_eq!(client.rest(), "");
    assert!(began.elapsed() >= SHORT);
}

#[test]
fn limit_body_deadline_holds_for_a_body_that_nobody_reads() {
    let server = plain(Limits::default().body_deadline(SHORT));
    let framings = ["Content-Length: 9\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1\r\n"];
    let mut clients = framings.map(|framing| {
        let mut client = Client::to(server.address());
        client.send(format!("POST /missing HTTP/1.1\r\nHost: h\r\n{framing}x"));
        client
    });
    for client in &mut clients {
        assert_eq!(client.response().status, 404);
        assert_eq!(client.rest(), "");
    }
}

#[test]
fn row_21_chunks_of_one_byte_count_against_the_time_of_the_body() {
    let server = plain(Limits::default().body_deadline(SHORT));
    let mut client = Client::to(server.address());
    client.send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(drip(&mut client, &b"1\r\na\r\n".repeat(200)), "408 close");
    assert_responses(server.address());
}

#[test]
fn limit_head_deadline_counts_from_the_first_byte_and_not_from_the_silence_before() {
    let limits = Limits::default().idle_deadline(SHORT * 4).head_deadline(SHORT);
    let server = plain(limits);
    let mut client = Client::to(server.address());
    std::thread::sleep(SHORT * 2);
    assert_eq!(client.get("/").text(), "hello");
}

#[test]
fn limit_write_deadline_a_reader_that_stops_loses_its_connection() {
    let server = super::site(Limits::default().write_deadline(SHORT))
        .content("/large", "text/plain", vec![b'a'; 16 * 1024 * 1024])
        .start()
        .unwrap();
    let mut client = Client::to(server.address());
    client.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
    crate::support::until("the request", || server.stats().requests == 1);
    crate::support::until("the connection's end", || server.stats().connections == 0);
    assert_responses(server.address());
}

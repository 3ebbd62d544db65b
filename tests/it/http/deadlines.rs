//! Deadlines are points in time: a byte now and then moves none of them.

use std::time::{Duration, Instant};

use tidings::Limits;

use super::{assert_answers, plain};
use crate::support::http::Client;

const SHORT: Duration = Duration::from_millis(300);

/// Sends byte after byte, slowly, until the server answers, and gives the answer.
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
    let answer = client.answer();
    let status = format!("{} {}", answer.status, answer.field("Connection").unwrap_or_default());
    client.socket().shutdown(std::net::Shutdown::Both).unwrap();
    sender.join().unwrap();
    status
}

#[test]
fn a_head_that_comes_byte_by_byte_is_answered_408_when_its_time_is_up() {
    let server = plain(Limits::default().head_deadline(SHORT));
    let began = Instant::now();
    let mut client = Client::to(server.address());
    let head = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "a".repeat(1000));
    assert_eq!(drip(&mut client, head.as_bytes()), "408 close");
    assert!(began.elapsed() >= SHORT);
    assert_answers(server.address());
}

#[test]
fn a_body_that_comes_byte_by_byte_is_answered_408_when_its_time_is_up() {
    let server = plain(Limits::default().body_deadline(SHORT));
    let began = Instant::now();
    let mut client = Client::to(server.address());
    client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n");
    assert_eq!(drip(&mut client, &[b'a'; 1000]), "408 close");
    assert!(began.elapsed() >= SHORT);
    assert_answers(server.address());
}

#[test]
fn a_head_that_stops_in_its_middle_is_answered_408() {
    let server = plain(Limits::default().head_deadline(SHORT));
    let mut client = Client::to(server.address());
    client.send("GET / HTTP/1.1\r\nHost: local");
    let answer = client.rest();
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
}

#[test]
fn a_connection_that_never_says_anything_is_closed_without_an_answer() {
    let server = plain(Limits::default().idle_deadline(SHORT));
    let began = Instant::now();
    assert_eq!(Client::to(server.address()).rest(), "");
    assert!(began.elapsed() >= SHORT);
}

#[test]
fn a_kept_connection_that_falls_silent_is_closed_without_an_answer() {
    let server = plain(Limits::default().idle_deadline(SHORT));
    let mut client = Client::to(server.address());
    assert_eq!(client.get("/").text(), "hello");
    let began = Instant::now();
    assert_eq!(client.rest(), "");
    assert!(began.elapsed() >= SHORT / 2);
}

#[test]
fn the_head_has_its_own_time_behind_the_silence_before_it() {
    let limits = Limits::default().idle_deadline(SHORT * 4).head_deadline(SHORT);
    let server = plain(limits);
    let mut client = Client::to(server.address());
    std::thread::sleep(SHORT * 2);
    assert_eq!(client.get("/").text(), "hello");
}

#[test]
fn a_reader_that_stops_loses_its_connection_after_the_write_deadline() {
    let server = super::site(Limits::default().write_deadline(SHORT))
        .content("/large", "text/plain", vec![b'a'; 16 * 1024 * 1024])
        .start()
        .unwrap();
    let mut client = Client::to(server.address());
    client.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
    crate::support::until("the request", || server.stats().requests == 1);
    crate::support::until("the connection's end", || server.stats().connections == 0);
    assert_answers(server.address());
}

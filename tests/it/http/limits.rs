//! The limits on requests, each to the byte: what it still lets through, and what comes past it.

use tidings::{Limits, Running};

use super::plain;
use crate::support::http::Client;

/// The status of the response to this request, and whether it was the connection's last. Behind it
/// comes another request, which must be answered in step or not at all.
fn fate(server: &Running, request: impl AsRef<[u8]>) -> (u16, bool) {
    let mut client = Client::to(server.address());
    let behind = "GET /other HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    client.send([request.as_ref(), behind.as_bytes()].concat());
    let response = client.response();
    let closed = response.field("Connection") == Some("close");
    let rest = client.rest();
    assert_eq!(rest.is_empty(), closed, "{rest}");
    assert!(closed || rest.ends_with("\r\n\r\nanother"), "{rest}");
    (response.status, closed)
}

const SERVED: (u16, bool) = (200, false);

#[test]
fn limit_request_line_of_16_kib_past_it_is_414() {
    let server = plain(Limits::default());
    // "GET /?" and " HTTP/1.1" have 15 bytes.
    let request =
        |length: usize| format!("GET /?{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(length - 15));
    assert_eq!(fate(&server, request(16_384)), SERVED);
    assert_eq!(fate(&server, request(16_385)), (414, true));
    assert_eq!(fate(&server, request(100_000)), (414, true));
    let unended = format!("GET /?{}", "a".repeat(16_384));
    let mut client = Client::to(server.address());
    client.send(unended);
    assert_eq!(client.response().status, 414);
    assert_eq!(client.rest(), "");
}

#[test]
fn limit_field_section_of_32_kib_past_it_is_431() {
    let server = plain(Limits::default());
    // The line of the Host has 9 bytes, and "X: " and its CRLF have 5.
    let request = |length: usize| {
        format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "a".repeat(length - 14))
    };
    assert_eq!(fate(&server, request(32_768)), SERVED);
    assert_eq!(fate(&server, request(32_769)), (431, true));
    assert_eq!(fate(&server, request(100_000)), (431, true));
    let mut client = Client::to(server.address());
    client.send(format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(32_768)));
    assert_eq!(client.response().status, 431);
    assert_eq!(client.rest(), "");
}

#[test]
fn limit_field_lines_of_100_past_it_is_431() {
    let server = plain(Limits::default());
    let request =
        |lines: usize| format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "A:\r\n".repeat(lines - 1));
    assert_eq!(fate(&server, request(100)), SERVED);
    assert_eq!(fate(&server, request(101)), (431, true));
    assert_eq!(fate(&server, request(5_000)), (431, true));
}

fn by_length(length: usize) -> String {
    let head = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: ";
    format!("{head}{length}\r\n\r\n{}", "a".repeat(length))
}

fn in_chunks(first: usize, second: usize) -> String {
    let head = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = |length: usize| format!("{length:x}\r\n{}\r\n", "a".repeat(length));
    format!("{head}{}{}0\r\n\r\n", chunk(first), chunk(second))
}

#[test]
fn limit_body_of_1_mib_past_it_is_413() {
    let server = plain(Limits::default());
    assert_eq!(fate(&server, by_length(1_048_576)), SERVED);
    assert_eq!(fate(&server, in_chunks(1_048_000, 576)), SERVED);
    // What comes of these must fit into what is read and dropped behind a refusal.
    let server = plain(Limits::default().body(1_000));
    assert_eq!(fate(&server, by_length(1_000)), SERVED);
    assert_eq!(fate(&server, by_length(1_001)), (413, true));
    assert_eq!(fate(&server, by_length(100_000)), (413, true));
    assert_eq!(fate(&server, in_chunks(1, 999)), SERVED);
    assert_eq!(fate(&server, in_chunks(1, 1_000)), (413, true));
    assert_eq!(fate(&server, in_chunks(1_001, 1)), (413, true));
    assert_eq!(fate(&server, in_chunks(1, 100_000)), (413, true));
}

#[test]
fn limit_body_past_it_is_413_before_it_is_read() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status, response.field("Connection")), (413, Some("close")));
    assert_eq!(client.rest(), "");
}

#[test]
fn limit_chunk_extensions_of_4_kib_for_a_whole_body_past_it_is_400() {
    let server = plain(Limits::default());
    let head = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    // Each with its semicolon: 4,000 bytes and 96, or 97.
    let request = |second: usize| {
        let (first, second) = ("a".repeat(3_999), "b".repeat(second - 1));
        format!("{head}1;{first}\r\nx\r\n0;{second}\r\n\r\n")
    };
    assert_eq!(fate(&server, request(96)), SERVED);
    assert_eq!(fate(&server, request(97)), (400, true));
    let many = format!("{head}{}0\r\n\r\n", "1;a\r\nx\r\n".repeat(2_049));
    assert_eq!(fate(&server, many), (400, true));
    let mut client = Client::to(server.address());
    client.send(format!("{head}1;a=\"{}", "b".repeat(4_096)));
    assert_eq!(client.response().status, 400);
    assert_eq!(client.rest(), "");
}

#[test]
fn limit_trailer_section_of_8_kib_past_it_is_400() {
    let server = plain(Limits::default());
    let head = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    // "A: b" with its CRLF has 6 bytes, and "C: " and its CRLF have 5.
    let request = |length: usize| format!("{head}A: b\r\nC: {}\r\n\r\n", "d".repeat(length - 11));
    assert_eq!(fate(&server, request(8_192)), SERVED);
    assert_eq!(fate(&server, request(8_193)), (400, true));
    assert_eq!(fate(&server, format!("{head}{}\r\n", "A:\r\n".repeat(2_049))), (400, true));
    let mut client = Client::to(server.address());
    client.send(format!("{head}A: {}", "b".repeat(8_192)));
    assert_eq!(client.response().status, 400);
    assert_eq!(client.rest(), "");
}

#[test]
fn limit_requests_per_connection_is_told_with_the_last_response() {
    let server = plain(Limits::default().requests_per_connection(2));
    let mut client = Client::to(server.address());
    assert_eq!(client.get("/").field("Connection"), None);
    assert_eq!(client.get("/").field("Connection"), Some("close"));
    assert_eq!(client.rest(), "");
    // Where they were pipelined the third is not served.
    let mut client = Client::to(server.address());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(3));
    assert_eq!(client.rest().matches("HTTP/1.1 200 OK").count(), 2);
    assert_eq!(server.stats().requests, 4);
}

#[test]
fn limit_drain_of_64_kib_past_it_the_connection_closes() {
    let server = plain(Limits::default());
    let unread = |request: String| request.replace("/echo", "/missing");
    assert_eq!(fate(&server, unread(by_length(65_536))), (404, false));
    assert_eq!(fate(&server, unread(by_length(65_537))), (404, true));
    assert_eq!(fate(&server, unread(in_chunks(65_535, 1))), (404, false));
    // How long the chunks are is known only after the response, which then was the last.
    let mut client = Client::to(server.address());
    client.send(unread(in_chunks(65_536, 1)));
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(client.response().status, 404);
    assert_eq!(client.rest(), "");
}

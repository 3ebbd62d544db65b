//! Requests and responses on one connection.

use std::io::{Read, Write};
use std::net::Shutdown;

use tidings::Limits;

use super::plain;
use crate::support::http::{Client, connect, exchange};

#[test]
fn a_response_is_these_bytes_and_no_others() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let response = client.rest();
    let (before, rest) = response.split_once("Date: ").expect("a date");
    let (date, behind) = rest.split_once("\r\n").expect("a line");
    assert!(date.ends_with(" GMT") && date.len() == 29, "{date}");
    assert_eq!(before, "HTTP/1.1 200 OK\r\n");
    assert_eq!(
        behind,
        "Content-Type: text/plain; charset=utf-8\r\n\
         X-Content-Type-Options: nosniff\r\n\
         Content-Length: 5\r\n\
         Connection: close\r\n\
         \r\n\
         hello",
    );
}

#[test]
fn a_connection_serves_request_after_request() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    for _ in 0..3 {
        assert_eq!(client.get("/").text(), "hello");
        assert_eq!(client.get("/other").text(), "another");
    }
    assert_eq!(server.stats().accepted, 1);
    assert_eq!(server.stats().requests, 6);
}

#[test]
fn row_19_pipelined_requests_are_answered_in_order() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    let page = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let other = "GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let echo = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc";
    let missing = "GET /missing HTTP/1.1\r\nHost: localhost\r\n\r\n";
    client.send([page, echo, missing, other, page].concat());
    assert_eq!(client.response().text(), "hello");
    assert_eq!(client.response().text(), "abc");
    assert_eq!(client.response().status, 404);
    assert_eq!(client.response().text(), "another");
    assert_eq!(client.response().text(), "hello");
}

#[test]
fn row_19_what_is_pipelined_behind_an_error_is_discarded() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    let page = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let bad = "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n";
    client.send([page, bad, page, page].concat());
    assert_eq!(client.response().status, 200);
    let refusal = client.response();
    assert_eq!(refusal.status, 400);
    assert_eq!(refusal.field("Connection"), Some("close"));
    assert_eq!(client.rest(), "");
    assert_eq!(server.stats().requests, 1);
}

#[test]
fn row_23_head_has_the_fields_of_get_and_no_body() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let head = client.head();
    let get = client.get("/");
    let without_date = |fields: &[String]| -> Vec<String> {
        fields.iter().filter(|line| !line.starts_with("Date: ")).cloned().collect()
    };
    assert_eq!(head.status, get.status);
    assert_eq!(without_date(&head.fields), without_date(&get.fields));
    assert_eq!(head.field("Content-Length"), Some("5"));
}

#[test]
fn row_23_head_gets_no_body_with_an_error_either() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    client.send("HEAD /missing HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let head = client.head();
    assert_eq!(head.status, 404);
    assert_ne!(head.field("Content-Length"), Some("0"));
    assert_eq!(client.get("/").text(), "hello");
}

#[test]
fn row_4_a_known_method_that_a_route_has_not_is_told_what_it_has() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    client.send("DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status, response.field("Allow")), (405, Some("GET, HEAD, OPTIONS")));
    client.send("GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status, response.field("Allow")), (405, Some("POST, OPTIONS")));
    client.send("get / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(client.response().status, 501);
}

#[test]
fn row_11_http_1_0_closes_unless_it_asks_to_keep_alive() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    client.send("GET / HTTP/1.0\r\n\r\n");
    let response = client.response();
    assert_eq!((response.text(), response.field("Connection")), ("hello", Some("close")));
    assert_eq!(client.rest(), "");

    let mut client = Client::to(server.address());
    client.send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    let response = client.response();
    assert_eq!((response.text(), response.field("Connection")), ("hello", Some("keep-alive")));
    client.send("GET /other HTTP/1.0\r\n\r\n");
    assert_eq!(client.response().text(), "another");
    assert_eq!(client.rest(), "");
}

#[test]
fn row_13_an_upgrade_is_ignored() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    let fields = "Host: localhost\r\nConnection: upgrade, h2c\r\nUpgrade: h2c\r\n";
    client.send(format!("GET / HTTP/1.1\r\n{fields}\r\n"));
    assert_eq!(client.response().text(), "hello");
    assert_eq!(client.get("/").text(), "hello");
}

#[test]
fn a_client_that_has_half_closed_still_gets_its_answers() {
    let server = plain(Limits::default());
    let mut socket = connect(server.address());
    let page = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    socket.write_all([page, page].concat().as_bytes()).unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    let mut responses = String::new();
    socket.read_to_string(&mut responses).unwrap();
    assert_eq!(responses.matches("HTTP/1.1 200 OK\r\n").count(), 2);
    assert!(responses.ends_with("hello"));
}

#[test]
fn requests_that_come_byte_by_byte_are_requests_all_the_same() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    let echo = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc";
    for byte in [echo, echo].concat().bytes() {
        client.send([byte]);
    }
    assert_eq!(client.response().text(), "abc");
    assert_eq!(client.response().text(), "abc");
}

#[test]
fn row_6_options_for_the_server_as_a_whole_says_what_it_knows() {
    let server = plain(Limits::default());
    let response = exchange(server.address(), b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(response.status, 204);
    let allow = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, TRACE";
    assert_eq!(response.field("Allow"), Some(allow));
}

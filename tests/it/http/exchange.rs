//! Requests and answers on one connection.

use std::io::{Read, Write};
use std::net::Shutdown;

use tidings::Limits;

use super::{assert_answers, plain};
use crate::support::http::{Client, connect, exchange};

#[test]
fn an_answer_is_these_bytes_and_no_others() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let answer = client.rest();
    let (before, rest) = answer.split_once("Date: ").expect("a date");
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
fn the_last_request_that_a_connection_may_carry_is_told_so() {
    let server = plain(Limits::default().requests_per_connection(2));
    let mut client = Client::to(server.address());
    assert_eq!(client.get("/").field("Connection"), None);
    assert_eq!(client.get("/").field("Connection"), Some("close"));
    assert_eq!(client.rest(), "");
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
    assert_eq!(client.answer().text(), "hello");
    assert_eq!(client.answer().text(), "abc");
    assert_eq!(client.answer().status, 404);
    assert_eq!(client.answer().text(), "another");
    assert_eq!(client.answer().text(), "hello");
}

#[test]
fn row_19_what_is_pipelined_behind_an_error_is_discarded() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    let page = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let bad = "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n";
    client.send([page, bad, page, page].concat());
    assert_eq!(client.answer().status, 200);
    let refusal = client.answer();
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

/// Each request, and the status line that begins its answer.
const REFUSED: &[(&str, &str)] = &[
    ("GET / HTTP/1.1\nHost: h\r\n\r\n", "400 Bad Request"),
    ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "400 Bad Request"),
    ("GET /\r\n\r\n", "400 Bad Request"),
    ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request"),
    ("GET / HTTP/1.1\r\nHost : h\r\n\r\n", "400 Bad Request"),
    ("GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", "400 Bad Request"),
    ("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", "400 Bad Request"),
    ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", "505 HTTP Version Not Supported"),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 HTTP Version Not Supported"),
    ("CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", "501 Not Implemented"),
    (
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "400 Bad Request",
    ),
    ("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "501 Not Implemented"),
    ("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc", "400 Bad Request"),
];

#[test]
fn rows_1_to_16_a_request_that_breaks_a_rule_is_answered_and_the_connection_closed() {
    let server = plain(Limits::default());
    for (request, status) in REFUSED {
        let mut client = Client::to(server.address());
        client.send(request);
        let answer = client.rest();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{request:?}: {answer}");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{request:?}: {answer}");
        assert_eq!(answer.matches("\r\nDate: ").count(), 1, "{request:?}: {answer}");
    }
    assert_answers(server.address());
}

#[test]
fn row_4_a_known_method_that_a_route_has_not_is_told_what_it_has() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    client.send("DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, answer.field("Allow")), (405, Some("GET, HEAD, OPTIONS")));
    client.send("GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, answer.field("Allow")), (405, Some("POST, OPTIONS")));
    client.send("get / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(client.answer().status, 501);
}

#[test]
fn past_the_limits_of_a_head_it_is_answered_414_or_431() {
    let limits = Limits::default().request_line(100).field_section(200).field_lines(5);
    let server = plain(limits);
    let head = |line: &str, fields: &str| format!("{line}\r\nHost: h\r\n{fields}\r\n");
    let long_target = format!("GET /{} HTTP/1.1", "a".repeat(100));
    let long_field = format!("X-Long: {}\r\n", "a".repeat(200));
    for (request, status) in [
        (head(&long_target, ""), 414),
        (head("GET / HTTP/1.1", &long_field), 431),
        (head("GET / HTTP/1.1", &"A: b\r\n".repeat(5)), 431),
        (head("GET / HTTP/1.1", &"A: b\r\n".repeat(4)), 200),
    ] {
        let answer = exchange(server.address(), request.as_bytes());
        assert_eq!(answer.status, status, "{request:?}");
        let closes = answer.field("Connection") == Some("close");
        assert_eq!(closes, status != 200, "{request:?}");
    }
}

#[test]
fn a_request_line_without_end_is_refused_before_it_ends() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    client.send([b"GET /".as_slice(), &[b'a'; 16 * 1024]].concat());
    assert_eq!(client.answer().status, 414);
    assert_eq!(client.rest(), "");
}

#[test]
fn row_11_http_1_0_closes_unless_it_asks_to_keep_alive() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    client.send("GET / HTTP/1.0\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.text(), answer.field("Connection")), ("hello", Some("close")));
    assert_eq!(client.rest(), "");

    let mut client = Client::to(server.address());
    client.send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.text(), answer.field("Connection")), ("hello", Some("keep-alive")));
    client.send("GET /other HTTP/1.0\r\n\r\n");
    assert_eq!(client.answer().text(), "another");
    assert_eq!(client.rest(), "");
}

#[test]
fn row_13_an_upgrade_is_ignored() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    let fields = "Host: localhost\r\nConnection: upgrade, h2c\r\nUpgrade: h2c\r\n";
    client.send(format!("GET / HTTP/1.1\r\n{fields}\r\n"));
    assert_eq!(client.answer().text(), "hello");
    assert_eq!(client.get("/").text(), "hello");
}

#[test]
fn a_client_that_has_half_closed_still_gets_its_answers() {
    let server = plain(Limits::default());
    let mut socket = connect(server.address());
    let page = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    socket.write_all([page, page].concat().as_bytes()).unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    let mut answers = String::new();
    socket.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 2);
    assert!(answers.ends_with("hello"));
}

#[test]
fn requests_that_come_byte_by_byte_are_requests_all_the_same() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    let echo = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc";
    for byte in [echo, echo].concat().bytes() {
        client.send([byte]);
    }
    assert_eq!(client.answer().text(), "abc");
    assert_eq!(client.answer().text(), "abc");
}

#[test]
fn row_6_options_for_the_server_as_a_whole_says_what_it_knows() {
    let server = plain(Limits::default());
    let answer = exchange(server.address(), b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(answer.status, 204);
    let allow = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, TRACE";
    assert_eq!(answer.field("Allow"), Some(allow));
}

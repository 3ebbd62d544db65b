//! Request bodies: read, waited for, drained, or refused.

use std::net::Shutdown;
use std::time::Duration;

use tidings::Limits;

use super::{assert_responses, plain, site};
use crate::support::http::Client;
use crate::support::{Notes, until};

const CHUNKED: &str = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n\
                       3\r\nabc\r\n5;name=value\r\nde\r\nf\r\n0\r\nTrailer: dropped\r\n\r\n";

#[test]
fn row_17_a_chunked_body_comes_whole_in_any_split() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    for at in 1..CHUNKED.len() {
        let (before, behind) = CHUNKED.split_at(at);
        client.send(before);
        // Long enough for the server to have read the first part by itself.
        std::thread::sleep(Duration::from_micros(500));
        client.send(behind);
        assert_eq!(client.response().text(), "abcde\r\nf", "split at {at}");
    }
    client.send([CHUNKED, CHUNKED].concat());
    assert_eq!(client.response().text(), "abcde\r\nf");
    assert_eq!(client.response().text(), "abcde\r\nf");
}

#[test]
fn row_17_a_bad_chunk_is_refused_and_the_handler_not_called() {
    let server = plain(Limits::default());
    for chunk in ["x\r\n", "-1\r\n", "0x3\r\nabc\r\n", "3\nabc\r\n", "3\r\nabcd\r\n", "\r\n"] {
        let head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut client = Client::to(server.address());
        client.send([head, chunk, "0\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n"].concat());
        let response = client.response();
        assert_eq!(
            (response.status, response.field("Connection")),
            (400, Some("close")),
            "{chunk:?}"
        );
        assert_eq!(client.rest(), "", "{chunk:?}");
    }
}

#[test]
fn row_21_a_declared_length_is_nothing_that_memory_is_taken_for() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    let length = u64::MAX;
    client.send(format!("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n"));
    assert_eq!(client.response().status, 413);
}

#[test]
fn row_21_chunks_past_the_limit_are_refused_when_it_is_passed() {
    let server = plain(Limits::default().body(1000));
    let mut client = Client::to(server.address());
    client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send("1\r\na\r\n".repeat(1001));
    let response = client.response();
    assert_eq!((response.status, response.field("Connection")), (413, Some("close")));
    assert_eq!(client.rest(), "");
}

#[test]
fn row_12_a_client_that_waits_is_told_to_go_on_when_the_body_is_wanted() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    let fields = "Host: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n";
    client.send(format!("POST /echo HTTP/1.1\r\n{fields}\r\n"));
    let interim = client.response();
    assert_eq!((interim.status, interim.fields.len()), (100, 0));
    client.send("abc");
    assert_eq!(client.response().text(), "abc");
    assert_eq!(client.get("/").text(), "hello");
}

#[test]
fn row_12_nobody_is_told_to_go_on_whose_body_is_not_wanted() {
    let server = plain(Limits::default().body(1000));
    for (line, length, status) in [
        ("POST /missing HTTP/1.1", 3, 404),
        ("POST / HTTP/1.1", 3, 405),
        ("POST /echo HTTP/1.1", 1001, 413),
    ] {
        let mut client = Client::to(server.address());
        let fields = format!("Content-Length: {length}\r\nExpect: 100-continue\r\n");
        client.send(format!("{line}\r\nHost: localhost\r\n{fields}\r\n"));
        let response = client.response();
        assert_eq!(
            (response.status, response.field("Connection")),
            (status, Some("close")),
            "{line}"
        );
        assert_eq!(client.rest(), "", "{line}");
    }
}

#[test]
fn row_12_an_expectation_that_is_not_known_is_417() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    let fields = "Host: localhost\r\nContent-Length: 3\r\nExpect: tea\r\n";
    client.send(format!("POST /echo HTTP/1.1\r\n{fields}\r\n"));
    assert_eq!(client.response().status, 417);
}

#[test]
fn row_12_http_1_0_is_never_told_to_go_on() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    client.send("POST /echo HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    client.send("abc");
    let response = client.response();
    assert_eq!((response.status, response.text()), (200, "abc"));
}

#[test]
fn row_20_a_small_body_that_nobody_reads_is_drained_and_the_next_request_served() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    let smuggled = "GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(200);
    let length = smuggled.len();
    client.send(format!("POST /missing HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n"));
    assert_eq!(client.response().status, 404);
    client.send(&smuggled);
    assert_eq!(client.get("/").text(), "hello");

    client.send(CHUNKED.replace("/echo", "/missing"));
    assert_eq!(client.response().status, 404);
    assert_eq!(client.get("/").text(), "hello");
    // The two that were answered 404 and the two after them; nothing of the bodies.
    assert_eq!(server.stats().requests, 4);
}

#[test]
fn row_20_the_body_of_a_get_is_never_the_next_request() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    let smuggled = "GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let length = smuggled.len();
    client.send(format!("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{smuggled}"));
    assert_eq!(client.response().text(), "hello");
    assert_eq!(client.get("/").text(), "hello");
}

#[test]
fn row_22_a_body_that_is_not_whole_is_no_request() {
    let called = Notes::new();
    let note = called.clone();
    let server = site(Limits::default())
        .post("/note", move |request| {
            note.add(request.body().len());
            Ok(tidings::Response::no_content())
        })
        .start()
        .unwrap();
    for framing in
        ["Content-Length: 9\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"]
    {
        let mut client = Client::to(server.address());
        client.send(format!("POST /note HTTP/1.1\r\nHost: localhost\r\n{framing}"));
        client.socket().shutdown(Shutdown::Write).unwrap();
        let rest = client.rest();
        assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 400 "), "{rest}");
    }
    until("the connections' end", || server.stats().connections == 0);
    assert_eq!(called.all(), [0; 0]);
    assert_responses(server.address());
}

#[test]
fn limit_bodies_is_for_all_together_and_what_was_there_before_goes_on() {
    let server = plain(Limits::default().bodies(64 * 1024));
    let post = |sent: usize| {
        let mut client = Client::to(server.address());
        client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\n");
        client.send("x".repeat(sent));
        client
    };
    until("there is no room for a second", || {
        // Which of them is read first is not said; it has to be this one.
        let mut first = post(49_999);
        let second = post(50_000).response();
        first.send("x");
        let says = (second.field("Connection"), second.field("Retry-After").is_some());
        second.status == 503 && says == (Some("close"), true) && first.response().status == 200
    });
    until("there is room again", || post(50_000).response().status == 200);
}

/// The methods whose requests have no content that means anything.
const WITHOUT_CONTENT: [&str; 5] = ["GET", "HEAD", "OPTIONS", "DELETE", "TRACE"];

#[test]
fn row_20_a_body_that_no_handler_is_given_is_read_for_the_next_request_alone() {
    let lengths = Notes::new();
    let note = lengths.clone();
    // There is room for no body at all.
    let server = site(Limits::default().bodies(0))
        .remedy(tidings::Status::CONTENT_TOO_LARGE, "raise the limit")
        .fallback(move |request| {
            note.add(request.body().len());
            Ok(tidings::Response::text("done"))
        })
        .start()
        .unwrap();
    let (short, long) = ("x".repeat(65_536), "x".repeat(65_537));
    for method in WITHOUT_CONTENT {
        let head =
            |framing: &str| format!("{method} /all HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n");
        let read = |client: &mut Client| match method {
            "HEAD" => client.head(),
            _ => client.response(),
        };
        let by_length = |body: &str| head(&format!("Content-Length: {}", body.len())) + body;
        let chunked = |body: &str| {
            head("Transfer-Encoding: chunked") + &format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
        };
        for request in [by_length(&short), chunked(&short)] {
            let mut client = Client::to(server.address());
            client.send(request);
            assert_eq!(read(&mut client).status, 200, "{method}");
            assert_eq!(client.get("/").text(), "hello", "{method}");
        }
        for request in [by_length(&long), chunked(&long), head("Content-Length: 1048576")] {
            let mut client = Client::to(server.address());
            client.send(request);
            let refused = read(&mut client);
            assert_eq!((refused.status, refused.field("Connection")), (413, Some("close")));
            if method != "HEAD" {
                // However the length is told. A larger limit for bodies would not help.
                let most =
                    format!("a body of {method} may have 65536 bytes, since nobody reads it");
                assert_eq!(refused.text(), format!("413 Content Too Large: {most}\n"));
            }
            assert_eq!(client.rest(), "", "{method}");
        }
    }
    // TRACE and OPTIONS go to the fallback, too; what was refused went to nobody.
    assert_eq!(lengths.all(), [0; 10]);
}

#[test]
fn row_12_who_waits_with_a_body_that_no_handler_is_given_is_told_to_go_on_where_it_is_short() {
    let server = plain(Limits::default());
    let mut client = Client::to(server.address());
    let asks = |length: usize| {
        let fields = format!("Content-Length: {length}\r\nExpect: 100-continue\r\n");
        format!("GET / HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
    };
    client.send(asks(2));
    assert_eq!(client.response().status, 100);
    client.send("ab");
    assert_eq!(client.response().text(), "hello");
    client.send(asks(65_537));
    assert_eq!(client.response().status, 413);
    assert_eq!(client.rest(), "");
}

//! Which responses open a stream, which stop the source, and which fail it.

use std::io::Write;
use std::net::TcpListener;

use tidings::Status;
use tidings::client::StreamRequest;

use super::*;
use crate::support::script::{NO_MORE, act};

/// A whole response with this status line and these field lines, and its body behind them.
fn response(status: &str, rest: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{rest}")
}

#[test]
fn a_204_stops_the_source_for_good() {
    let script = Script::responses([NO_MORE]);
    let mut source = source(&script);
    assert!(matches!(update(&mut source), Update::Stopped));
    assert!(source.next_update().is_none());
    assert!(source.next().is_none());
}

#[test]
fn any_other_status_fails_it_for_good_with_what_the_server_says() {
    for (status, rest, said) in [
        (
            "503 Service Unavailable",
            "Content-Type: text/plain\r\nContent-Length: 12\r\n\r\nfull:\r\n\x1b[2J ",
            "the server responded with 503 Service Unavailable: full: [2J",
        ),
        (
            "401 Unauthorized",
            "Transfer-Encoding: chunked\r\n\r\n7\r\n{\"why\":\r\n4\r\n 1}\n\r\n0\r\n\r\n",
            "the server responded with 401 Unauthorized: {\"why\": 1}",
        ),
        (
            "404 What",
            "Content-Type: text/event-stream\r\n\r\n",
            "the server responded with 404 Not Found",
        ),
        ("201 Created", "Content-Length: 0\r\n\r\n", "the server responded with 201 Created"),
        (
            "404 Not Found",
            "\r\n404 Not Found: nothing is here\n",
            "the server responded with 404 Not Found: nothing is here",
        ),
        ("403 Forbidden", "\r\n403 Forbidden\n", "the server responded with 403 Forbidden"),
        ("599", "\r\n", "the server responded with 599"),
        (
            "500 ",
            "Content-Length: 99\r\n\r\ncut",
            "the server responded with 500 Internal Server Error: cut",
        ),
    ] {
        let script = Script::responses([response(status, rest)]);
        let (before, error) = failure(source(&script));
        assert_eq!((before.len(), error.to_string()), (0, said.to_owned()));
        let code: u16 = status[..3].parse().unwrap();
        assert!(error.is_bad_response());
        assert_eq!(error.status(), Some(Status::new(code).unwrap()));
    }
}

#[test]
fn what_a_server_says_is_cut_and_not_waited_for_long() {
    let script = Script::responses([response("500 ", &format!("\r\n{}", "x ".repeat(100_000)))]);
    let (_, error) = failure(source(&script));
    assert!(error.to_string().len() < 300, "{error}");

    let script = Script::acts(vec![act(|peer| {
        peer.send(response("500 ", "Content-Length: 99\r\n\r\nslow"));
        assert!(peer.is_left());
    })]);
    let (_, error) = failure(source(&script));
    assert_eq!(error.to_string(), "the server responded with 500 Internal Server Error: slow");
}

#[test]
fn a_type_other_than_that_of_event_streams_fails_it_for_good() {
    for (fields, said) in [
        ("Content-Type: text/html\r\n", "the response is not text/event-stream but text/html"),
        ("Content-Type: text/event-streams\r\n", "but text/event-streams"),
        ("Content-Type: x\x1b/event-stream \r\n", "control byte"),
        ("", "the response does not say that it is text/event-stream"),
        (
            "Content-Type: text/event-stream\r\nContent-Encoding: gzip\r\n",
            "the stream is compressed",
        ),
    ] {
        let script = Script::responses([response("200 OK", &format!("{fields}\r\ndata: a\n\n"))]);
        let (before, error) = failure(source(&script).give_up_after(1));
        assert_eq!(before, [""; 0]);
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.is_bad_response());
    }
}

#[test]
fn a_stream_that_is_compressed_fails_it_for_good_and_what_is_no_coding_does_not() {
    let coded = |coding: &str| {
        let fields = format!("Content-Type: text/event-stream\r\nContent-Encoding: {coding}\r\n");
        Script::responses([&*response("200 ", &(fields + "\r\ndata: a\n\n")), NO_MORE])
    };
    for coding in ["gzip", "identity, BR", "none\r\nContent-Encoding: x-gzip", "zstd", "deflate"] {
        let (_, error) = failure(source(&coded(coding)));
        assert!(error.is_bad_response(), "{coding}");
        assert!(error.to_string().contains("the stream is compressed"), "{error}");
    }
    for coding in ["", "identity", "None", "utf-8", "gzipped"] {
        assert_eq!(data(source(&coded(coding))), ["a"], "{coding}");
    }
}

#[test]
fn a_type_may_have_parameters_and_be_in_any_case() {
    for value in [
        "text/event-stream;",
        "text/event-stream;charset=windows-1252",
        "Text/EVENT-stream ; what ever",
    ] {
        let fields = format!("Content-Type: {value}\r\nContent-Encoding: identity\r\n\r\n");
        let script = Script::responses([&*response("200 ", &(fields + "data: ä\n\n")), NO_MORE]);
        assert_eq!(data(source(&script)), ["ä"], "{value}");
    }
}

#[test]
fn a_response_that_is_no_http_is_told_but_may_be_better_next_time() {
    let tls_alert = b"\x15\x03\x03\x00\x02\x02\x28";
    for (bytes, said) in [
        (&tls_alert[..], "something else is spoken here"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "101 Switching Protocols"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "more than one"),
    ] {
        let script = Script::responses([bytes, NO_MORE.as_bytes()]);
        let mut source = source(&script);
        let (error, _) = lost(&mut source);
        assert!(error.is_bad_response() && error.status().is_none());
        assert!(error.to_string().contains(said), "{error}");
        assert!(matches!(update(&mut source), Update::Stopped));
    }
}

#[test]
fn an_https_url_is_told_what_to_do() {
    let (_, error) = failure(at("https://localhost/events"));
    assert_eq!(
        error.to_string(),
        "can't connect to localhost: https is not spoken here: go through a proxy that speaks it, \
         or set a Transport",
    );
}

#[test]
fn a_response_to_a_request_that_was_not_taken_is_heard() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let response = response("413 ", "Content-Length: 8\r\n\r\nat most 5");
        // Closed with what was sent to it unread, the connection is reset.
        socket.write_all(response.as_bytes()).unwrap();
    });
    let request = StreamRequest::post(&url, "text/plain", vec![b'x'; 64 * 1024 * 1024]).unwrap();
    let (_, error) = failure(EventSource::with(request));
    assert_eq!(error.to_string(), "the server responded with 413 Content Too Large: at most");
    assert_eq!(error.status(), Some(Status::new(413).unwrap()));
}

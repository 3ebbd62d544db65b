//! Tests of what holds for a head as a whole, and of what its fields mean.

use super::*;
use crate::http::support::{head, parse, refused, with_fields};

const EVENT_SOURCE: &[u8] = b"GET /events?a=b HTTP/1.1\r\n\
    Host: localhost:3000\r\n\
    Accept: text/event-stream\r\n\
    Cache-Control: no-cache\r\n\
    Last-Event-ID: 1f-7\r\n\
    X-Odd: caf\xE9\r\n\
    Empty:\r\n\
    accept: */*;q=0.1\r\n\
    \r\n";

#[test]
fn a_head_gives_back_what_was_sent() {
    let head = head(EVENT_SOURCE);
    assert_eq!((head.method(), head.version()), (Method::Get, Version::Http11));
    assert_eq!((head.target(), head.path(), head.query()), ("/events?a=b", "/events", Some("a=b")));
    assert_eq!(head.authority(), Some("localhost:3000"));
    assert_eq!(head.framing(), Framing::None);
    assert!(head.accepts_event_stream() && head.keep_alive() && !head.expects_continue());

    assert_eq!(head.field("LAST-EVENT-ID"), Some(&b"1f-7"[..]));
    assert_eq!(head.field("accept"), Some(&b"text/event-stream"[..]));
    assert_eq!(head.field("empty"), Some(&b""[..]));
    assert_eq!(head.field("last-event"), None);
    assert_eq!(head.field("x-odd"), Some(&b"caf\xE9"[..]));
    assert_eq!(head.field_text("x-odd"), None);

    let names: Vec<_> = head.fields().map(|(name, _)| name).collect();
    let expected = ["Host", "Accept", "Cache-Control", "Last-Event-ID", "X-Odd", "Empty", "accept"];
    assert_eq!(names, expected);
}

#[test]
fn row_8_http_1_1_has_exactly_one_host() {
    assert_eq!(refused(b"GET / HTTP/1.1\r\n\r\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.2\r\n\r\n"), 400);
    assert_eq!(refused(b"GET http://a/ HTTP/1.1\r\n\r\n"), 400);
    assert_eq!(refused(b"GET http://a/ HTTP/1.1\r\nHost: b@c\r\n\r\n"), 400);
}

#[test]
fn row_8_http_1_0_may_go_without_a_host_but_not_with_two() {
    assert_eq!(head(b"GET / HTTP/1.0\r\n\r\n").authority(), None);
    assert_eq!(head(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n").authority(), Some("a"));
    let absolute = head(b"GET http://a:80/ HTTP/1.0\r\n\r\n");
    assert_eq!((absolute.authority(), absolute.path()), (Some("a:80"), "/"));
    let absolute = head(b"GET http://a?b HTTP/1.0\r\nHost: c\r\n\r\n");
    assert_eq!((absolute.authority(), absolute.path()), (Some("a"), "/"));
    assert_eq!(refused(b"GET http://:80/ HTTP/1.0\r\n\r\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.0\r\nHost: :80\r\n\r\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.0\r\nHost: a,b\r\n\r\n"), 400);
}

#[test]
fn row_11_connection_is_a_list_in_any_case() {
    let keeps = |version: &str, fields: &str| {
        let bytes = format!("GET / HTTP/{version}\r\nHost: h\r\n{fields}\r\n");
        head(bytes.as_bytes()).keep_alive()
    };
    assert!(keeps("1.1", ""));
    assert!(keeps("1.1", "Connection: te, closed\r\n"));
    assert!(!keeps("1.1", "Connection: close\r\n"));
    assert!(!keeps("1.1", "Connection: keep-alive, CLOSE\r\n"));
    assert!(!keeps("1.1", "Connection: te\r\nconnection: ,Close ,\r\n"));
    assert!(!keeps("1.0", ""));
    assert!(keeps("1.0", "Connection: TE, Keep-Alive\r\n"));
    assert!(!keeps("1.0", "Connection: keep-alive, close\r\n"));
}

#[test]
fn row_12_an_expectation_that_we_do_not_know_is_417() {
    assert_eq!(refused(&with_fields(b"Expect: 200-ok\r\n")), 417);
    assert_eq!(refused(&with_fields(b"Expect: 100-continue, more\r\n")), 417);
    assert_eq!(refused(&with_fields(b"Expect: 100-continue\r\nExpect: 100\r\n")), 417);
}

#[test]
fn row_12_continue_is_expected_only_with_a_body_and_in_http_1_1() {
    let expects = |fields: &[u8]| head(&with_fields(fields)).expects_continue();
    assert!(expects(b"Expect: 100-Continue\r\nContent-Length: 1\r\n"));
    assert!(expects(b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n"));
    assert!(!expects(b"Expect: 100-continue\r\n"));
    assert!(!expects(b"Expect: 100-continue\r\nContent-Length: 0\r\n"));
    assert!(!expects(b"Expect:\r\nContent-Length: 1\r\n"));

    let old = b"POST / HTTP/1.0\r\nExpect: 100-continue, x\r\nContent-Length: 1\r\n\r\n";
    assert!(!head(old).expects_continue());
}

#[test]
fn row_13_an_upgrade_is_ignored() {
    let head = head(&with_fields(b"Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    assert!(head.keep_alive());
    assert_eq!(head.framing(), Framing::None);
}

#[test]
fn an_event_stream_is_wanted_only_by_name_and_weight() {
    let wants = |accept: &[u8]| {
        head(&with_fields(&[b"Accept: ", accept, b"\r\n"].concat())).accepts_event_stream()
    };
    assert!(wants(b"text/event-stream"));
    assert!(wants(b"text/html, TEXT/Event-Stream;q=0.2, */*"));
    assert!(wants(b"text/html\r\nAccept: text/event-stream"));
    assert!(!wants(b"*/*"));
    assert!(!wants(b"text/*, text/event-stream; q=0"));
    assert!(!wants(b"x/y;a=\",text/event-stream,\""));
    assert!(!wants(b""));
    assert!(!head(b"GET / HTTP/1.0\r\n\r\n").accepts_event_stream());
}

#[test]
fn a_list_goes_over_all_lines_of_its_name() {
    let head = head(&with_fields(b"TE: a, b\r\nX: c\r\nte: , D ,\r\n"));
    for token in ["a", "B", "d"] {
        assert!(head.has_token("te", token), "{token}");
    }
    for token in ["c", "", "a, b"] {
        assert!(!head.has_token("te", token), "{token}");
    }
}

#[test]
fn what_is_shown_for_debugging_has_no_values_in_it() {
    let shown = format!("{:?}", parse(EVENT_SOURCE));
    assert!(shown.contains("Last-Event-ID") && !shown.contains("1f-7"), "{shown}");
}

#[test]
fn a_cookie_is_found_by_its_whole_name_in_any_line() {
    let with = |fields: &str| head(format!("GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n").as_bytes());
    for (fields, values) in [
        ("", vec![]),
        ("Cookie: a=1\r\n", vec!["1"]),
        ("cookie: b=2; a=1; c=3\r\n", vec!["1"]),
        ("Cookie: b=2\r\nCookie: a=1\r\n", vec!["1"]),
        ("Cookie: a=1; a=2\r\nCookie: a=3\r\n", vec!["1", "2", "3"]),
        ("Cookie: a=\"1\"; a=\"; a=\"2; a=\"\"\r\n", vec!["1", "\"", "\"2", ""]),
        ("Cookie: a=\r\n", vec![""]),
        ("Cookie: a=b=1\r\n", vec!["b=1"]),
        ("Cookie: a=%20+1,2\r\n", vec!["%20+1,2"]),
        // Not as it should be sent, and read as a browser's other end reads it (section 5.2).
        ("Cookie: ;;b=2;a=1;\r\n", vec!["1"]),
        ("Cookie: \t a\t =\t1 \t; b=2\r\n", vec!["1"]),
        ("Cookie: A=1; aa=2; ba=3; a; a.=4; a b=5; \"a\"=6\r\n", vec![]),
        ("Cookie: b=\"; a=1; c=\"\r\n", vec!["1"]),
        ("Set-Cookie: a=1\r\nCookie2: a=2\r\n", vec![]),
    ] {
        let head = with(fields);
        assert_eq!(head.cookies("a").collect::<Vec<_>>(), values, "{fields}");
        assert_eq!(head.cookie("a"), values.first().copied(), "{fields}");
    }
    let odd = head(b"GET / HTTP/1.1\r\nHost: h\r\nCookie: a=\xFF; a=\xC3\xA9\r\n\r\n");
    assert_eq!(odd.cookies("a").collect::<Vec<_>>(), ["é"]);
}

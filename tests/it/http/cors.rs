//! What other origins may read, over the socket: each field stands exactly once.

use std::time::Duration;

use tidings::{Cors, Limits, Response, Running};

use super::site;
use crate::support::http::{HttpResponse, exchange};
use crate::support::stream::EventStream;

const PAGE: &str = "http://page.example:1234";

fn cors_fields(response: &HttpResponse) -> Vec<&str> {
    let of_cors = |line: &&String| line.starts_with("Access-Control-") || line.starts_with("Vary");
    let mut fields: Vec<&str> =
        response.fields.iter().filter(of_cors).map(String::as_str).collect();
    fields.sort_unstable();
    fields
}

fn asked_by(cors: Cors, method: &str, path: &str, fields: &str) -> HttpResponse {
    let server = site(Limits::default())
        .cors(cors)
        .sse("/sse", |stream, _request| {
            stream.close();
            Ok(())
        })
        .get("/varies", |_request| Response::text("").with_field("Vary", "Accept"))
        .start()
        .unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
    exchange(server.address(), request.as_bytes())
}

fn page_only() -> Cors {
    Cors::origins([PAGE]).unwrap()
}

const FROM_THE_PAGE: &str = "Origin: http://page.example:1234\r\n";
const FROM_ELSEWHERE: &str = "Origin: http://elsewhere.example\r\n";

#[test]
fn an_allowed_origin_is_named_and_the_response_varies() {
    for path in ["/", "/missing", "/sse"] {
        let response = asked_by(page_only().credentials().unwrap(), "GET", path, FROM_THE_PAGE);
        assert_eq!(
            cors_fields(&response),
            [
                "Access-Control-Allow-Credentials: true",
                "Access-Control-Allow-Origin: http://page.example:1234",
                "Vary: Origin",
            ],
            "{path}",
        );
    }
    let response = asked_by(page_only(), "HEAD", "/sse", FROM_THE_PAGE);
    assert_eq!(
        cors_fields(&response),
        ["Access-Control-Allow-Origin: http://page.example:1234", "Vary: Origin"],
    );
}

#[test]
fn another_origin_is_granted_nothing_and_the_response_still_varies() {
    for fields in [FROM_ELSEWHERE, ""] {
        let response = asked_by(page_only(), "GET", "/", fields);
        assert_eq!(response.status, 200);
        assert_eq!(cors_fields(&response), ["Vary: Origin"]);
    }
}

#[test]
fn every_origin_is_a_wildcard() {
    let response = asked_by(Cors::any(), "GET", "/", FROM_ELSEWHERE);
    assert_eq!(cors_fields(&response), ["Access-Control-Allow-Origin: *"]);
}

#[test]
fn what_a_handler_says_of_varying_is_kept() {
    let response = asked_by(page_only(), "GET", "/varies", FROM_ELSEWHERE);
    assert_eq!(cors_fields(&response), ["Vary: Accept", "Vary: Origin"]);
}

#[test]
fn a_preflight_is_answered_for_its_route() {
    let asks = format!(
        "{FROM_THE_PAGE}Access-Control-Request-Method: POST\r\n\
         Access-Control-Request-Headers: x-token,content-type\r\n",
    );
    let response = asked_by(page_only().credentials().unwrap(), "OPTIONS", "/echo", &asks);
    assert_eq!(response.status, 204);
    assert_eq!(
        (response.field("Content-Length"), response.field("Transfer-Encoding")),
        (None, None)
    );
    assert_eq!(
        cors_fields(&response),
        [
            "Access-Control-Allow-Credentials: true",
            "Access-Control-Allow-Headers: x-token, content-type",
            "Access-Control-Allow-Methods: POST, OPTIONS",
            "Access-Control-Allow-Origin: http://page.example:1234",
            "Access-Control-Max-Age: 600",
            "Vary: Origin",
        ],
    );
}

#[test]
fn a_preflight_of_another_origin_is_granted_nothing() {
    let asks = format!("{FROM_ELSEWHERE}Access-Control-Request-Method: POST\r\n");
    let response = asked_by(page_only(), "OPTIONS", "/echo", &asks);
    assert_eq!(response.status, 204);
    assert_eq!(cors_fields(&response), ["Vary: Origin"]);
}

#[test]
fn options_without_a_question_is_no_preflight() {
    let response = asked_by(page_only(), "OPTIONS", "/echo", FROM_THE_PAGE);
    assert_eq!((response.status, response.field("Allow")), (204, Some("POST, OPTIONS")));
    assert_eq!(
        cors_fields(&response),
        ["Access-Control-Allow-Origin: http://page.example:1234", "Vary: Origin"],
    );
}

#[test]
fn a_stream_opens_with_the_fields_of_its_origin_once() {
    let server = site(Limits::default())
        .cors(page_only().credentials().unwrap())
        .sse("/sse", |stream, _request| {
            stream.send("hello")?;
            stream.close();
            Ok(())
        })
        .start()
        .unwrap();
    let stream = EventStream::open_with(server.address(), "/sse", ("Origin", PAGE));
    let response = HttpResponse { status: 200, fields: stream.fields(), body: Vec::new() };
    assert_eq!(
        cors_fields(&response),
        [
            "Access-Control-Allow-Credentials: true",
            "Access-Control-Allow-Origin: http://page.example:1234",
            "Vary: Origin",
        ],
    );
}

/// A server whose responses that page may read, with bounds that are soon passed.
fn bounded() -> Running {
    let limits = Limits::default()
        .request_line(1_000)
        .field_section(1_000)
        .field_lines(5)
        .body(10)
        .bodies(5)
        .head_deadline(Duration::from_millis(300));
    site(limits).cors(page_only()).hosts(["h"]).start().unwrap()
}

#[test]
fn row_47_a_refusal_of_any_kind_can_be_read_by_an_allowed_page() {
    let server = bounded();
    let (long, o) = ("x".repeat(1_000), FROM_THE_PAGE.trim_end());
    let post = format!("POST /echo HTTP/1.1\r\nHost: h\r\n{o}\r\n");
    let requests = [
        (400, format!("GET /% HTTP/1.1\r\nHost: h\r\n{o}\r\n\r\n")),
        (400, format!("GET / HTTP/1.1\r\n{o}\r\nHost: h\r\nHost: h\r\n\r\n")),
        (400, format!("GET / HTTP/1.1\r\nHost: h\r\n{o}\r\nX : y\r\n\r\n")),
        (414, format!("GET /{long} HTTP/1.1\r\nHost: h\r\n{o}\r\n\r\n")),
        (431, format!("GET / HTTP/1.1\r\nHost: h\r\n{o}\r\nCookie: {long}\r\n\r\n")),
        (431, format!("GET / HTTP/1.1\r\nHost: h\r\nCookie: {long}\r\n{o}\r\n\r\n")),
        (431, format!("GET / HTTP/1.1\r\nHost: h\r\n{o}\r\n{}\r\n", "X: y\r\n".repeat(4))),
        (417, format!("GET / HTTP/1.1\r\nHost: h\r\n{o}\r\nExpect: tea\r\n\r\n")),
        (408, format!("GET / HTTP/1.1\r\nHost: h\r\n{o}\r\nCookie: x")),
        (501, format!("BREW / HTTP/1.1\r\nHost: h\r\n{o}\r\n\r\n")),
        (505, format!("GET / HTTP/2.0\r\nHost: h\r\n{o}\r\n\r\n")),
        (413, format!("{post}Content-Length: 11\r\n\r\n")),
        (413, format!("{post}Transfer-Encoding: chunked\r\n\r\nb\r\n")),
        (400, format!("{post}Transfer-Encoding: chunked\r\n\r\n-1\r\n")),
        (503, format!("{post}Content-Length: 6\r\n\r\nabcdef")),
        (421, format!("GET / HTTP/1.1\r\nHost: other\r\n{o}\r\n\r\n")),
        (404, format!("GET /missing HTTP/1.1\r\nHost: h\r\n{o}\r\n\r\n")),
        (405, format!("PUT /echo HTTP/1.1\r\nHost: h\r\n{o}\r\n\r\n")),
    ];
    for (status, request) in requests {
        let allowed = exchange(server.address(), request.as_bytes());
        assert_eq!(allowed.status, status, "{request:?}");
        let fields = ["Access-Control-Allow-Origin: http://page.example:1234", "Vary: Origin"];
        assert_eq!(cors_fields(&allowed), fields, "{request:?}");
        let other = request.replace(o, FROM_ELSEWHERE.trim_end());
        let other = exchange(server.address(), other.as_bytes());
        assert_eq!((other.status, cors_fields(&other)), (status, vec!["Vary: Origin"]));
    }
}

#[test]
fn row_47_two_origins_are_none() {
    let server = bounded();
    for begin in ["GET / HTTP/1.1", "GET /% HTTP/1.1"] {
        let request = format!("{begin}\r\nHost: h\r\n{FROM_THE_PAGE}{FROM_THE_PAGE}\r\n");
        let response = exchange(server.address(), request.as_bytes());
        assert_eq!(cors_fields(&response), ["Vary: Origin"], "{begin}");
    }
}

//! What other origins may read, over the socket: each field stands exactly once.

use tidings::{Cors, Limits, Response};

use super::site;
use crate::support::http::{Answer, exchange};
use crate::support::stream::EventStream;

const PAGE: &str = "http://page.example:1234";

fn cors_fields(answer: &Answer) -> Vec<&str> {
    let of_cors = |line: &&String| line.starts_with("Access-Control-") || line.starts_with("Vary");
    let mut fields: Vec<&str> = answer.fields.iter().filter(of_cors).map(String::as_str).collect();
    fields.sort_unstable();
    fields
}

fn asked_by(cors: Cors, method: &str, path: &str, fields: &str) -> Answer {
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
fn an_allowed_origin_is_named_and_the_answer_varies() {
    for path in ["/", "/missing", "/sse"] {
        let answer = asked_by(page_only().credentials().unwrap(), "GET", path, FROM_THE_PAGE);
        assert_eq!(
            cors_fields(&answer),
            [
                "Access-Control-Allow-Credentials: true",
                "Access-Control-Allow-Origin: http://page.example:1234",
                "Vary: Origin",
            ],
            "{path}",
        );
    }
    let answer = asked_by(page_only(), "HEAD", "/sse", FROM_THE_PAGE);
    assert_eq!(
        cors_fields(&answer),
        ["Access-Control-Allow-Origin: http://page.example:1234", "Vary: Origin"],
    );
}

#[test]
fn another_origin_is_granted_nothing_and_the_answer_still_varies() {
    for fields in [FROM_ELSEWHERE, ""] {
        let answer = asked_by(page_only(), "GET", "/", fields);
        assert_eq!(answer.status, 200);
        assert_eq!(cors_fields(&answer), ["Vary: Origin"]);
    }
}

#[test]
fn every_origin_is_a_wildcard() {
    let answer = asked_by(Cors::any(), "GET", "/", FROM_ELSEWHERE);
    assert_eq!(cors_fields(&answer), ["Access-Control-Allow-Origin: *"]);
}

#[test]
fn what_a_handler_says_of_varying_is_kept() {
    let answer = asked_by(page_only(), "GET", "/varies", FROM_ELSEWHERE);
    assert_eq!(cors_fields(&answer), ["Vary: Accept", "Vary: Origin"]);
}

#[test]
fn a_preflight_is_answered_for_its_route() {
    let asks = format!(
        "{FROM_THE_PAGE}Access-Control-Request-Method: POST\r\n\
         Access-Control-Request-Headers: x-token,content-type\r\n",
    );
    let answer = asked_by(page_only().credentials().unwrap(), "OPTIONS", "/echo", &asks);
    assert_eq!(answer.status, 204);
    assert_eq!((answer.field("Content-Length"), answer.field("Transfer-Encoding")), (None, None));
    assert_eq!(
        cors_fields(&answer),
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
    let answer = asked_by(page_only(), "OPTIONS", "/echo", &asks);
    assert_eq!(answer.status, 204);
    assert_eq!(cors_fields(&answer), ["Vary: Origin"]);
}

#[test]
fn options_without_a_question_is_no_preflight() {
    let answer = asked_by(page_only(), "OPTIONS", "/echo", FROM_THE_PAGE);
    assert_eq!((answer.status, answer.field("Allow")), (204, Some("POST, OPTIONS")));
    assert_eq!(
        cors_fields(&answer),
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
    let answer = Answer { status: 200, fields: stream.fields(), body: Vec::new() };
    assert_eq!(
        cors_fields(&answer),
        [
            "Access-Control-Allow-Credentials: true",
            "Access-Control-Allow-Origin: http://page.example:1234",
            "Vary: Origin",
        ],
    );
}

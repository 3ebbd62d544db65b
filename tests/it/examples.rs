//! The examples, each started as a program and read over its socket: the reference services here,
//! the others below.

mod chat;
mod embed;
mod job;
mod logs;
mod private;
mod relay;
mod scratch;
mod sensors;

use std::time::Duration;

use tidings::testing::get;

use crate::support::http::Client;
use crate::support::process::Process;
use crate::support::stream::{End, EventStream};
use crate::support::{until, until_some};

const ANY_PORT: &str = "127.0.0.1:0";

/// `Sat, 21 Nov 2026 01:02:03 GMT`
fn assert_is_http_date(text: &str) {
    let shape: String =
        text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).skip(3).collect();
    let (day, rest) = shape.split_at(5);
    assert_eq!(day, ", 00 ", "{text}");
    assert_eq!(&rest[3..], " 0000 00:00:00 GMT", "{text}");
}

/// `2026-11-21T01:02:03Z`
fn assert_is_iso_8601(text: &str) {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00Z", "{text}");
}

#[test]
fn random_number_sends_a_digit_every_second_until_its_client_goes() {
    let example = Process::example("random_number", &[ANY_PORT]);
    let mut stream = EventStream::open(example.address(), "/sse");
    for _ in 0..2 {
        let event = stream.next().expect("an event");
        assert_eq!((&*event.event_type, &*event.last_event_id), ("number", ""));
        assert!(event.data.len() == 1 && event.data.as_bytes()[0].is_ascii_digit(), "{event:?}");
    }
    assert_eq!(example.threads("tidings-interval"), 1);
    drop(stream);
    until("the interval's end", || example.threads("tidings-interval") == 0);
    let closed = until_some("a line of the logger", || {
        example.stderr().into_iter().find(|line| line.starts_with("close "))
    });
    assert!(closed.contains(" path=/sse "), "{closed}");
    assert!(closed.contains("the client closed") || closed.contains("was reset"), "{closed}");
}

#[test]
fn random_number_gives_ten_clients_ten_independent_streams() {
    let example = Process::example("random_number", &[ANY_PORT]);
    let mut streams: Vec<EventStream> =
        (0..10).map(|_| EventStream::open(example.address(), "/sse")).collect();
    until("ten intervals", || example.threads("tidings-interval") == 10);
    for stream in &mut streams {
        assert_eq!(stream.next().expect("an event").event_type, "number");
    }
    streams.truncate(3);
    until("seven ends", || example.threads("tidings-interval") == 3);
    for stream in &mut streams {
        assert_eq!(stream.next().expect("an event").event_type, "number");
    }
    drop(streams);
    until("all ends", || example.threads("tidings-interval") == 0);
}

#[test]
fn random_number_serves_a_page_with_a_relative_address() {
    let example = Process::example("random_number", &[ANY_PORT]);
    let page = get(example.address(), "/").unwrap();
    assert_eq!(page.field("Content-Type"), Some("text/html; charset=utf-8"));
    assert!(page.text().contains(r#"new EventSource("sse")"#), "{}", page.text());
}

#[test]
fn current_time_says_hello_and_then_the_time_to_an_origin_that_may_have_it() {
    let example = Process::example("current_time", &[ANY_PORT, ANY_PORT]);
    let page = example.line("page on http://");
    let origin = page.strip_prefix("page on ").unwrap();
    let mut stream = EventStream::open_with(example.address(), "/sse", ("Origin", origin));
    let allowed = format!("Access-Control-Allow-Origin: {origin}");
    let fields = stream.fields();
    for field in [&*allowed, "Access-Control-Allow-Credentials: true", "Vary: Origin"] {
        let times = fields.iter().filter(|line| *line == field).count();
        assert_eq!(times, 1, "{field} in {fields:?}");
    }
    assert!(fields.contains(&"Content-Type: text/event-stream".to_owned()));

    let hello = stream.next().expect("an event");
    assert_eq!(
        (&*hello.event_type, &*hello.data, &*hello.last_event_id),
        ("message", "hello from stream", "0"),
    );
    for id in ["1", "2"] {
        let time = stream.next().expect("an event");
        assert_eq!((&*time.event_type, &*time.last_event_id), ("currentTime", id));
        assert_is_http_date(&time.data);
    }
}

#[test]
fn current_time_grants_nothing_to_another_origin() {
    let example = Process::example("current_time", &[ANY_PORT, ANY_PORT]);
    let stream =
        EventStream::open_with(example.address(), "/sse", ("Origin", "http://evil.example"));
    assert!(!stream.fields().iter().any(|line| line.starts_with("Access-Control-")));
}

#[test]
fn time_tells_of_a_client_that_goes_once() {
    let example = Process::example("time", &[ANY_PORT]);
    let mut stream = EventStream::open(example.address(), "/sse/time");
    assert_is_iso_8601(&stream.data());
    assert_is_iso_8601(&stream.data());
    let peer = stream.socket().local_addr().unwrap();
    drop(stream);
    let closed = example.line("closed: ");
    assert!(closed.contains("the client closed") || closed.contains("reset"), "{closed}");
    example.line(&format!("open peer={peer} path=/sse/time"));
    example.line(&format!("event peer={peer} path=/sse/time events=1 bytes=34 duration="));
    let logged = example.line(&format!("close peer={peer} path=/sse/time bytes="));
    assert!(logged.contains(" duration=") && logged.contains(" reason=\""), "{logged}");
    assert_told_once(&example);
}

#[test]
fn time_tells_of_a_close_by_the_server_once() {
    let example = Process::example("time", &[ANY_PORT]);
    let mut stream = EventStream::open(example.address(), "/sse/time/brief");
    for _ in 0..3 {
        assert_is_iso_8601(&stream.data());
    }
    let last = stream.next().expect("an event");
    assert_eq!((&*last.event_type, &*last.data), ("done", "that was the time"));
    assert_eq!(stream.next().unwrap_err(), End::Whole);
    drop(stream);
    assert_eq!(example.line("closed: "), "closed: the server closed the stream");
    let logged = example.line("close peer=");
    assert!(logged.ends_with(r#" reason="the server closed the stream""#), "{logged}");
    assert_told_once(&example);
}

/// Waits for whatever might still come, and counts what did.
fn assert_told_once(example: &Process) {
    until("the interval's end", || example.threads("tidings-interval") == 0);
    std::thread::sleep(Duration::from_millis(100));
    let lines = example.stdout();
    for begin in ["closed: ", "close ", "open "] {
        assert_eq!(lines.iter().filter(|line| line.starts_with(begin)).count(), 1, "{lines:?}");
    }
}

#[test]
fn random_number_answers_any_request_with_a_stream() {
    let example = Process::example("random_number", &[ANY_PORT]);
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let mut client = Client::to(example.address());
        client.send(format!("{method} /sse HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        let head = client.head();
        assert_eq!((head.status, head.field("Content-Type")), (200, Some("text/event-stream")));
    }
}

#[test]
fn echo_gives_back_what_it_gets_at_every_path_and_with_every_method() {
    let example = Process::example("echo", &[ANY_PORT]);
    let mut client = Client::to(example.address());
    for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        client.send(format!(
            "{method} /any/{method}?q HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
        ));
        let response = client.response();
        let content = if ["POST", "PUT", "PATCH"].contains(&method) { "abc" } else { "" };
        assert_eq!((response.status, response.text()), (200, content), "{method}");
    }
    client.send("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(client.response().status, 400);
}

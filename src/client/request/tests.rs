//! Tests of requests: their bytes, what can't be set, and what a redirect leaves of them.

use super::*;

fn get() -> StreamRequest {
    StreamRequest::get("http://localhost:3000/events/news?history=5").unwrap()
}

fn post() -> StreamRequest {
    StreamRequest::post("http://h/v1", "application/json", "{}").unwrap()
}

fn text(request: &StreamRequest, id: &str) -> String {
    String::from_utf8(request.encode(id)).unwrap()
}

#[test]
fn a_get_is_these_bytes() {
    let version = env!("CARGO_PKG_VERSION");
    let head = |id: &str| {
        format!(
            "GET /events/news?history=5 HTTP/1.1\r\n\
             Host: localhost:3000\r\n\
             Accept: text/event-stream\r\n\
             Cache-Control: no-cache\r\n\
             Accept-Encoding: identity\r\n\
             User-Agent: tidings/{version}\r\n\
             {id}\
             Connection: close\r\n\
             \r\n"
        )
    };
    assert_eq!(text(&get(), ""), head(""));
    assert_eq!(text(&get(), "17…"), head("Last-Event-ID: 17…\r\n"));
    for smuggled in ["1\r\nX: y", "1\n", "\0"] {
        assert_eq!(text(&get(), smuggled), head(""));
    }
}

#[test]
fn row_45_an_id_that_no_field_can_carry_is_left_out() {
    let whole = "x".repeat(LONGEST_ID);
    for id in ["7", "a\tb", "a b", "17…", "\u{85}", "\u{a0}7", &whole] {
        assert!(StreamRequest::check_id(id).is_ok(), "{id:?}");
        assert!(text(&get(), id).contains(&format!("\r\nLast-Event-ID: {id}\r\n")), "{id:?}");
    }
    let controls = (0..=0x1f).chain([0x7f]).map(char::from).filter(|&c| c != '\t');
    let controls: Vec<_> = controls.map(|control| format!("a{control}b")).collect();
    assert_eq!(controls.len(), 32);
    let long = "x".repeat(LONGEST_ID + 1);
    let others = [" 7", "7 ", "\t7", "7\t", "\u{1}", &long].map(str::to_owned);
    for id in controls.into_iter().chain(others) {
        let error = StreamRequest::check_id(&id).expect_err(&id);
        assert!(error.is_invalid() && error.to_string().contains("not sent"), "{error}");
        assert!(!text(&get(), &id).contains("Last-Event-ID"), "{id:?}");
    }
}

#[test]
fn a_post_carries_its_content() {
    let text = text(&post(), "");
    assert!(text.starts_with("POST /v1 HTTP/1.1\r\nHost: h\r\n"), "{text}");
    let end = "Content-Type: application/json\r\n\
               Content-Length: 2\r\n\
               Connection: close\r\n\
               \r\n\
               {}";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn a_field_that_is_set_replaces_its_default_and_its_like() {
    let request = get()
        .with_field("accept", "text/event-stream, application/json")
        .and_then(|request| request.with_field("X-Key", "one"))
        .and_then(|request| request.with_field("x-key", "two"))
        .and_then(|request| request.with_field("Host", "hub.example"))
        .unwrap();
    let text = text(&request, "");
    assert!(text.contains("\r\nAccept: text/event-stream, application/json\r\n"), "{text}");
    assert!(text.contains("\r\nx-key: two\r\nConnection: close\r\n"), "{text}");
    assert!(text.contains("\r\nHost: hub.example\r\nAccept"), "{text}");
    for name in ["accept:", "x-key:", "host:"] {
        assert_eq!(text.to_ascii_lowercase().matches(&format!("\r\n{name}")).count(), 1, "{name}");
    }
    assert!(!format!("{request:?}").contains("two"));
}

#[test]
fn what_frames_the_request_or_is_no_field_can_not_be_set() {
    for name in OWN_FIELDS {
        assert!(get().with_field(name, "1").expect_err(name).is_invalid());
        assert!(get().with_field(name.to_uppercase(), "1").is_err());
    }
    for (name, value) in [
        ("", "x"),
        ("A b", "x"),
        ("A:", "x"),
        ("A", "x\r\nB: y"),
        ("A", "x\0"),
        ("A", " x"),
        ("A", "x\t"),
        ("Host", "a, b"),
        ("Host", ""),
    ] {
        assert!(get().with_field(name, value).is_err(), "{name:?} {value:?}");
    }
    assert!(StreamRequest::post("http://h/", "a\r\nb", "").is_err());
}

fn redirected(request: &StreamRequest, status: u16, location: &str) -> StreamRequest {
    request.redirected(Status::new(status).unwrap(), location).unwrap()
}

#[test]
fn a_redirect_makes_a_get_of_a_post_unless_it_says_to_keep_it() {
    for status in [301, 302, 303] {
        let request = redirected(&post(), status, "/v2");
        assert_eq!(request.method(), Method::Get);
        assert!(!text(&request, "").contains("Content-"));
    }
    for status in [307, 308] {
        let request = redirected(&post(), status, "v2?a=b");
        assert_eq!((request.method(), request.url().target()), (Method::Post, "/v2?a=b"));
        assert!(text(&request, "").ends_with("{}"));
    }
}

#[test]
fn fields_stay_with_the_server_that_they_were_set_for() {
    let request = get().with_field("Authorization", "Bearer secret").unwrap();
    assert!(text(&redirected(&request, 302, "/other"), "").contains("secret"));
    for location in ["http://localhost:3001/", "//127.0.0.1:3000/", "https://localhost:3000/"] {
        assert!(!text(&redirected(&request, 302, location), "").contains("secret"), "{location}");
    }
    // Nor do they come back when it leads back.
    let there = redirected(&request, 302, "http://localhost:3001/");
    assert!(!text(&redirected(&there, 302, "http://localhost:3000/"), "").contains("secret"));
}

#[test]
fn row_48_what_a_server_quotes_of_the_request_is_masked() {
    let request = StreamRequest::get("http://h/a?channel=channel-a&token=hunter2&t=ab")
        .and_then(|request| request.with_field("Authorization", "Bearer s3cr3t-t0ken"))
        .and_then(|request| request.with_field("Accept", "text/event-stream"))
        .unwrap();
    let said = "Bearer s3cr3t-t0ken and hunter2 and hunter2x, ab on channel-a, text/event-stream";
    let masked = "Bearer ... and ... and ...x, ab on channel-a, text/event-stream";
    assert_eq!(request.without_secrets(said), masked);
    assert!(!format!("{request:?}").contains("hunter2"));
    for (name, value) in [("X-Key", "hunter2\u{7}"), ("Host", "me:hunter2@h")] {
        let error = get().with_field(name, value).expect_err(name).to_string();
        assert!(!error.contains("hunter2") && error.contains("..."), "{error}");
    }
}

//! Tests of the writer of heads, byte by byte, and of what can't be said.

use super::*;

/// The head for a connection of HTTP/1.1 that stays.
fn encoded(response: &Response) -> String {
    encoded_for(response, false, false)
}

fn encoded_for(response: &Response, http_1_0: bool, closes: bool) -> String {
    let mut out = b"before|".to_vec();
    response.encode_head(http_1_0, closes, HttpDate::from_unix(1_795_222_923), &mut out);
    String::from_utf8(out).expect("a head of ASCII")
}

#[test]
fn a_head_is_written_to_the_letter() {
    let response = Response::text("hello").with_field("X-Note", "a  b").expect("a field");
    assert_eq!(response.content_bytes(), b"hello");
    assert_eq!(
        encoded(&response),
        "before|HTTP/1.1 200 OK\r\n\
         Date: Sat, 21 Nov 2026 01:02:03 GMT\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         X-Content-Type-Options: nosniff\r\n\
         X-Note: a  b\r\n\
         Content-Length: 5\r\n\
         \r\n"
    );
}

#[test]
fn a_head_says_how_its_body_ends_and_whether_the_connection_stays() {
    let (empty, stream) = (Response::new(Status::OK), Response::event_stream_head());
    for (response, http_1_0, closes, expected) in [
        (&empty, false, false, "Content-Length: 0\r\n\r\n"),
        (&stream, false, false, "Transfer-Encoding: chunked\r\n\r\n"),
        (&stream, true, true, "nosniff\r\nConnection: close\r\n\r\n"),
        (&empty, true, false, "Content-Length: 0\r\nConnection: keep-alive\r\n\r\n"),
    ] {
        let head = encoded_for(response, http_1_0, closes);
        assert!(head.ends_with(expected), "{head}");
    }
}

#[test]
fn row_23_no_content_and_not_modified_have_neither_body_nor_framing() {
    for status in [Status::NO_CONTENT, Status::NOT_MODIFIED] {
        for response in [Response::text("hello"), Response::event_stream_head()] {
            let response = response.with_status(status);
            assert_eq!(response.content_bytes(), b"");
            let head = encoded(&response);
            assert!(head.contains("Date: "), "{head}");
            assert!(!head.contains("Content-Length") && !head.contains("Transfer-"), "{head}");
        }
    }
}

#[test]
fn a_status_without_a_reason_keeps_the_space_before_it() {
    let response = Response::new(Status::new(299).expect("a status"));
    let head = encoded(&response);
    assert!(head.starts_with("before|HTTP/1.1 299 \r\nDate: "), "{head}");
}

#[test]
fn a_field_that_cannot_be_sent_is_refused() {
    for (name, value) in [
        ("", "a"),
        ("X Y", "a"),
        ("X:", "a"),
        ("X\r\nY", "a"),
        ("Ä", "a"),
        ("X", "a\r\nSet-Cookie: b"),
        ("X", "a\nb"),
        ("X", "a\rb"),
        ("X", "a\0b"),
        ("X", "a\u{7F}"),
        ("X", " a"),
        ("X", "a\t"),
    ] {
        let error = Response::no_content().with_field(name, value).expect_err("a bad field");
        assert!(error.is_invalid(), "{name:?}: {value:?}");
    }
    assert!(Response::no_content().with_field("X", "").is_ok());
    assert!(Response::no_content().with_field("X", "a\tbé").is_ok());
}

#[test]
fn what_the_server_writes_itself_cannot_be_set() {
    for name in ["Content-Length", "transfer-encoding", "CONNECTION", "Date", "Upgrade", "Trailer"]
    {
        let error = Response::no_content().with_field(name, "1").expect_err("the server's own");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_field_takes_the_place_of_the_one_before_unless_it_may_stand_several_times() {
    let response = Response::text("<a/>")
        .with_field("content-type", "image/svg+xml")
        .and_then(|response| response.with_field("Set-Cookie", "a=1"))
        .and_then(|response| response.with_field("Set-Cookie", "b=2"))
        .expect("good fields");
    let head = encoded(&response);
    assert!(head.contains("content-type: image/svg+xml\r\n"), "{head}");
    assert!(!head.contains("text/plain"), "{head}");
    assert!(head.contains("Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"), "{head}");
}

#[test]
fn a_content_type_that_cannot_be_sent_is_sent_as_bytes_of_any_kind() {
    for bad in ["text/plain\r\nX: y", "", " a/b"] {
        let response = Response::bytes(bad.to_owned(), *b"x");
        let head = encoded(&response);
        assert!(head.contains("Content-Type: application/octet-stream\r\n"), "{head}");
    }
}

#[test]
fn each_constructor_says_what_it_carries() {
    for (response, status, content_type, content) in [
        (Response::text("a"), 200, "text/plain; charset=utf-8", "a"),
        (Response::html("<p>"), 200, "text/html; charset=utf-8", "<p>"),
        (Response::html("<p>".to_owned()), 200, "text/html; charset=utf-8", "<p>"),
        (Response::json("{}"), 200, "application/json", "{}"),
        (Response::bytes("image/png", *b"b"), 200, "image/png", "b"),
        (Response::content("text/css", b"c"), 200, "text/css", "c"),
        (Response::not_found(), 404, "text/plain; charset=utf-8", "there is nothing here\n"),
    ] {
        assert_eq!(response.status().code(), status);
        assert_eq!(response.content_bytes(), content.as_bytes());
        let head = encoded(&response);
        assert!(head.contains(&format!("Content-Type: {content_type}\r\n")), "{head}");
    }
    assert_eq!(Response::no_content().status(), Status::NO_CONTENT);
}

#[test]
fn a_body_can_be_taken_out_once() {
    let mut response = Response::text("once");
    assert_eq!(response.take_body().bytes(), b"once");
    assert_eq!(response.take_body().bytes(), b"");
}

#[test]
fn row_43_an_event_stream_must_not_be_compressed_nor_held_back_nor_guessed_at() {
    let head = Response::event_stream_head();
    assert_eq!(head.field("Cache-Control"), Some("no-cache, no-transform"));
    assert_eq!(head.field("X-Accel-Buffering"), Some("no"));
    assert_eq!(head.field("X-Content-Type-Options"), Some("nosniff"));
}

#[test]
fn row_26_the_head_of_an_event_stream_has_no_length_and_no_parameter() {
    let head = encoded_for(&Response::event_stream_head(), false, true);
    assert_eq!(
        head,
        "before|HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 01:02:03 GMT\r\n\
         Content-Type: text/event-stream\r\nCache-Control: no-cache, no-transform\r\n\
         X-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
    );
}

#[test]
fn its_debug_form_shows_no_value_of_a_field_and_nothing_of_the_content() {
    for (body, shown) in [
        (Body::Empty, "Empty"),
        (Body::Static(b"s3cret"), "Static(6 bytes)"),
        (Body::Shared((*b"s3cret").into()), "Shared(6 bytes)"),
        (Body::Owned(b"s3cret".to_vec()), "Owned(6 bytes)"),
    ] {
        let mut response = Response::new(Status::OK);
        response.add_field("Set-Cookie", "token=s3cret");
        response.body = body;
        assert_eq!(
            format!("{response:?}"),
            format!("Response {{ status: Status(200), fields: [\"Set-Cookie\"], body: {shown} }}")
        );
    }
}

#[test]
fn content_that_is_shared_is_not_copied() {
    let content: std::sync::Arc<[u8]> = (*b"large").into();
    let response = Response::shared("text/plain", content.clone());
    assert!(std::ptr::eq(response.content_bytes(), &*content));
}

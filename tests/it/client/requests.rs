//! What the client sends.

use tidings::EventId;
use tidings::client::StreamRequest;

use super::*;
use crate::support::script::{NO_MORE, STREAM};

#[test]
fn the_request_is_these_bytes() {
    let script = Script::responses([NO_MORE]);
    let id = EventId::new("7…").unwrap();
    assert_eq!(data(at(&script.url("/a b?c#d")).with_last_event_id(id)), [""; 0]);
    let (address, version) = (script.address(), env!("CARGO_PKG_VERSION"));
    let expected = format!(
        "GET /a%20b?c HTTP/1.1\r\n\
         Host: {address}\r\n\
         Accept: text/event-stream\r\n\
         Cache-Control: no-cache\r\n\
         Accept-Encoding: identity\r\n\
         User-Agent: tidings/{version}\r\n\
         Last-Event-ID: 7…\r\n\
         Connection: close\r\n\
         \r\n"
    );
    assert_eq!(script.requests(), [expected]);
}

#[test]
fn a_post_carries_its_content_and_ends_with_its_stream() {
    let script = Script::responses([format!("{STREAM}data: hello\n\n")]);
    let request = StreamRequest::post(&script.url("/v1"), "application/json", "{\"a\":1}").unwrap();
    let mut source = EventSource::with(request.with_field("X-Key", "k").unwrap());
    opened(&mut source);
    assert_eq!(event(&mut source).data, "hello");
    assert!(matches!(update(&mut source), Update::Ended));
    assert!(source.next_update().is_none());

    let request = &script.requests()[0];
    assert!(request.starts_with("POST /v1 HTTP/1.1\r\n"), "{request}");
    let end = "X-Key: k\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\
               Connection: close\r\n\r\n{\"a\":1}";
    assert!(request.ends_with(end), "{request}");
}

#[test]
fn a_post_is_only_sent_again_if_it_may_be() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 99\r\n\r\n\
               id: 1\ndata: a\n\n";
    let post = |script: &Script| StreamRequest::post(&script.url("/"), "text/plain", "x").unwrap();

    let script = Script::responses([cut]);
    let (before, error) = failure(EventSource::with(post(&script)));
    assert_eq!(before, ["a"]);
    assert_eq!(
        error.to_string(),
        "the connection was cut in the middle of the stream: \
                                   unexpected end of file"
    );

    let script = Script::responses([cut, NO_MORE]);
    let source = EventSource::with(post(&script)).reconnects(true);
    assert_eq!(data(source.reconnection_time(Duration::ZERO)), ["a"]);
    assert!(script.requests().iter().all(|request| request.ends_with("\r\n\r\nx")));
    assert_eq!(script.field("last-event-id"), [None, Some("1".into())]);
}

#[test]
fn a_request_that_is_set_is_that_of_the_next_connection() {
    let script = Script::responses([
        format!("{STREAM}id: 1\ndata: a\n\n"),
        format!("{STREAM}data: b\n\n"),
        NO_MORE.into(),
    ]);
    let request = |token: &str| {
        let request = StreamRequest::get(&script.url("/")).unwrap();
        request.with_field("Authorization", token).unwrap()
    };
    let mut source = EventSource::with(request("old")).reconnection_time(Duration::ZERO);
    opened(&mut source);
    source.set_request(request("new"));
    assert_eq!(event(&mut source).data, "a");
    lost(&mut source);
    opened(&mut source);
    assert_eq!(event(&mut source).data, "b");
    assert_eq!(source.request(), &request("new"));
    assert_eq!(script.field("authorization"), ["old", "new"].map(|token| Some(token.into())));
    assert_eq!(script.field("last-event-id"), [None, Some("1".into())]);
}

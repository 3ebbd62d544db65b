//! What is sent to the followed hub, and what becomes of its responses.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;
use crate::event::EventType;
use crate::order::PostKey;
use crate::order::follow::options::Follow;

fn post<'a>(events: &'a [Event], key: Option<&'a str>) -> Post<'a> {
    Post { events, key: key.map(|key| PostKey { key, digest: 0 }) }
}

/// One whose token is `secret-0`. It can be read again: then it is `secret-1`, and so on.
fn forward(url: &str) -> (Forward, Chain) {
    let (chain, times) = (Chain::new(), AtomicUsize::new(1));
    let follow = Follow::new(url).unwrap().token("secret-0").unwrap();
    let follow = follow.renew_token(move || {
        Ok(format!("secret-{}", times.fetch_add(1, Ordering::Relaxed).min(2)))
    });
    let credentials = Credentials::new(&follow, &chain).unwrap();
    (Forward::new(follow.root(), &chain, Arc::new(credentials)), chain)
}

#[test]
fn one_event_is_a_body_and_several_are_an_event_stream() {
    let (forward, chain) = forward("http://hub:3000/at");
    let text = |events: &[Event], key| {
        let asked = forward.credentials.request();
        String::from_utf8(forward.request(&asked, "a b", &post(events, key))).unwrap()
    };
    let fields = format!(
        "Host: hub:3000\r\nTidings-Hubs: {}\r\nAuthorization: Bearer secret-0\r\n",
        chain.own()
    );
    assert_eq!(
        text(&[Event::new("é\n")], None),
        format!(
            "POST /at/events/a%20b HTTP/1.1\r\n{fields}\
             Content-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n\r\né\n"
        )
    );
    let event = Event::new("x").with_type(EventType::new("a&b").unwrap());
    let event = event.with_retry(Duration::from_millis(30));
    let begin = "POST /at/events/a%20b?event=a%26b&retry=30 HTTP/1.1\r\n";
    assert!(text(std::slice::from_ref(&event), None).starts_with(begin));
    let begin = "POST /at/events/a%20b?retry=30 HTTP/1.1\r\n";
    let untyped = Event::new("x").with_retry(Duration::from_millis(30));
    assert!(text(&[untyped], None).starts_with(begin));
    assert_eq!(
        text(&[event, Event::new("y")], Some(r#"a"\ b"#)),
        format!(
            "POST /at/events/a%20b HTTP/1.1\r\n{fields}Idempotency-Key: \"a\\\"\\\\ b\"\r\n\
             Content-Type: text/event-stream\r\nContent-Length: 39\r\n\r\n\
             event: a&b\nretry: 30\ndata: x\n\ndata: y\n\n"
        )
    );
}

#[test]
fn the_response_has_one_id_a_line_and_they_are_adjacent() {
    let first = appended("7-9\n7-10\n7-11\n", 3).unwrap();
    assert_eq!((first.first, &*first.text, first.count), (Id { epoch: 7, sequence: 9 }, "7-9", 3));
    for (text, count) in [
        ("", 1),
        ("x\n", 1),
        ("7-9\n", 2),
        ("7-9\n7-10\n", 1),
        ("7-9\n7-11\n", 2),
        ("7-9\n8-10\n", 2),
        ("7-18446744073709551615\n7-0\n", 2),
    ] {
        assert!(appended(text, count).is_none(), "{text:?}");
    }
}

/// Publishes on a hub that responds so, to one connection after the other: what comes of it.
/// A response that is empty closes the connection once the request has come.
fn publish(connections: &'static [&[&str]], key: Option<&str>, times: usize) -> Vec<Result<Id>> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (forward, _) = forward(&format!("http://{}", listener.local_addr().unwrap()));
    let serve = move || {
        for responses in connections {
            let (mut socket, _) = listener.accept().unwrap();
            for response in *responses {
                take_request(&mut socket);
                socket.write_all(response.as_bytes()).unwrap();
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(serve);
        let event = [Event::new("x")];
        let publish = || forward.publish("a", &post(&event, key)).map(|appended| appended.first);
        let results = (0..times).map(|_| publish()).collect();
        assert_eq!(forward.pool().busy, 0);
        results
    })
}

fn take_request(socket: &mut TcpStream) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\nx") {
        assert_eq!(socket.read(&mut byte).unwrap(), 1, "the whole request");
        request.push(byte[0]);
    }
}

const FIRST: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n7-1\n";
const SECOND: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n7-2\n";

fn id(sequence: u64) -> Id {
    Id { epoch: 7, sequence }
}

#[test]
fn a_connection_is_kept_for_the_next_publish() {
    let published = publish(&[&[FIRST, SECOND]], None, 2);
    assert_eq!(published.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [id(1), id(2)]);
}

#[test]
fn a_publish_whose_connection_ends_goes_out_again_if_it_has_a_key() {
    let published = publish(&[&[FIRST, ""], &[SECOND]], Some("key"), 2);
    assert_eq!(published.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [id(1), id(2)]);
    let published = publish(&[&[FIRST, ""]], None, 2);
    assert!(published[1].as_ref().is_err_and(Error::is_outcome_unknown), "{published:?}");
}

#[test]
fn a_publish_that_gets_no_response_over_a_new_connection_is_unknown() {
    for response in ["", "HTTP/1.1 200", "no HTTP\r\n\r\n"] {
        let all: &'static [&[&str]] = Vec::leak(vec![&*Vec::leak(vec![response])]);
        let published = publish(all, Some("key"), 1);
        assert!(published[0].as_ref().is_err_and(Error::is_outcome_unknown), "{published:?}");
    }
}

#[test]
fn a_hub_that_can_not_be_reached_is_unavailable() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (forward, _) = forward(&format!("http://{nobody}"));
    let error = forward.publish("a", &post(&[Event::new("x")], None)).unwrap_err();
    assert!(error.is_unavailable(), "{error}");
}

#[test]
fn a_refusal_of_the_event_is_passed_on_and_one_of_this_hub_is_not() {
    let refused =
        publish(&[&["HTTP/1.1 429 \r\nRetry-After: 7\r\nContent-Length: 5\r\n\r\nlater"]], None, 1);
    let response = refused[0].as_ref().unwrap_err().response().unwrap();
    let parts = (response.status().code(), response.field("Retry-After"));
    assert_eq!((parts, response.content_bytes()), ((429, Some("7")), &b"later"[..]));
    for response in [
        "HTTP/1.1 404 \r\nContent-Length: 3\r\n\r\n404",
        "HTTP/1.1 302 \r\nContent-Length: 3\r\n\r\n302",
        "HTTP/1.1 508 \r\nContent-Length: 3\r\n\r\n508",
    ] {
        let all: &'static [&[&str]] = Vec::leak(vec![&*Vec::leak(vec![response])]);
        let error = publish(all, None, 1).remove(0).unwrap_err();
        assert!(error.is_unavailable() && error.response().is_none(), "{error}");
    }
}

const DENIED: &str = "HTTP/1.1 401 \r\nContent-Length: 31\r\n\r\n401: not secret-0, nor secret-2";

#[test]
fn where_the_token_is_refused_it_is_read_again_and_one_that_is_new_is_sent_at_once() {
    assert_eq!(publish(&[&[DENIED, FIRST]], None, 1).remove(0).unwrap(), id(1));
    // No publish goes out more than twice; and once only where the token stays the same.
    let published = publish(&[&[DENIED, DENIED, DENIED, DENIED, DENIED, FIRST]], None, 4);
    let are_good: Vec<_> = published.iter().map(Result::is_ok).collect();
    assert_eq!(are_good, [false, false, false, true]);
    let said = "the hub that this one follows refuses this hub: 401: not secret-0, nor ...";
    let error = published[1].as_ref().unwrap_err().to_string();
    assert!(error.starts_with(said), "the token is not shown: {error}");
}

#[test]
fn what_the_other_hub_says_of_the_token_is_shown_without_it() {
    const BUSY: &str = "HTTP/1.1 429 \r\nContent-Length: 13\r\n\r\nmy secret-0!\n";
    let refused = publish(&[&[BUSY]], None, 1).remove(0).unwrap_err();
    assert_eq!(refused.response().unwrap().content_bytes(), b"my ...!\n");
}

#[test]
fn no_more_publishes_are_under_way_than_connections_are_kept() {
    let (forward, _) = forward("http://hub:3000");
    let places: Vec<_> =
        (0..CONNECTIONS).map(|_| forward.take_place(Instant::now()).unwrap()).collect();
    let late = forward.take_place(Instant::now() + Duration::from_millis(1));
    assert!(late.is_err_and(|error| error.is_unavailable()));
    drop(places);
    assert!(forward.take_place(Instant::now()).is_ok());
}

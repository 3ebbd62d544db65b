//! Who is let in.

use std::sync::Arc;

use tidings::{Limits, Method, Request, Response, Result, Running, Status};

use super::site;
use crate::support::http::{Client, get, post};
use crate::support::until;

/// A site that lets everybody read, and nobody send anything.
fn read_only() -> Running {
    let admit = |head: &tidings::http::Head, peer: tidings::Peer| match head.method() {
        Method::Get => Ok(()),
        _ => {
            let ip = peer.address().expect("it comes over TCP").ip();
            Err(Response::text(format!("not from {ip}\n")).with_status(Status::FORBIDDEN))
        }
    };
    site(Limits::default()).admit(admit).start().unwrap()
}

#[test]
fn who_is_not_let_in_gets_the_response_and_no_handler_is_run() {
    let server = read_only();
    let refused = post(server.address(), "/echo", "abc");
    assert_eq!((refused.status, refused.text()), (403, "not from 127.0.0.1\n"));
    assert_eq!(get(server.address(), "/").text(), "hello");
}

#[test]
fn it_is_asked_before_anything_of_a_body_has_come() {
    let server = read_only();
    for fields in ["Content-Length: 60000", "Content-Length: 60000\r\nExpect: 100-continue"] {
        let mut client = Client::to(server.address());
        client.send(format!("POST /echo HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n\r\n"));
        assert_eq!(client.response().status, 403, "{fields}");
    }
}

#[test]
fn a_connection_goes_on_behind_a_short_body_that_was_not_let_in() {
    let server = read_only();
    let mut client = Client::to(server.address());
    client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!(client.response().status, 403);
    assert_eq!(client.get("/").text(), "hello");
}

#[test]
fn it_is_not_asked_where_there_is_nothing_to_be_let_in_to() {
    let server = read_only();
    assert_eq!(post(server.address(), "/nowhere", "abc").status, 404);
    assert_eq!(post(server.address(), "/", "abc").status, 405);
}

#[test]
fn row_36_a_panic_in_it_is_a_500_and_the_server_goes_on() {
    let admit = |head: &tidings::http::Head, _| match head.path() {
        "/" => Ok(()),
        _ => panic!("on purpose"),
    };
    let server = site(Limits::default().workers(2)).admit(admit).start().unwrap();
    for _ in 0..10 {
        let response = post(server.address(), "/echo", "abc");
        assert_eq!((response.status, response.text()), (500, "500 Internal Server Error\n"));
        assert_eq!(get(server.address(), "/").text(), "hello");
    }
}

/// Who the client is.
#[derive(Debug)]
struct User(String);

/// Greets the client by its name, which is all that was left.
fn greet(request: &Request) -> Result<String> {
    let user = request.admitted::<User>().ok_or_else(Response::not_found)?;
    assert!(request.admitted::<String>().is_none() && request.admitted::<()>().is_none());
    Ok(format!("hello, {}", user.0))
}

#[test]
fn what_it_leaves_is_there_for_pages_and_streams() {
    let server = site(Limits::default())
        .admit(|head, _peer| match head.query_value("user") {
            Some(name) => Ok(User(name)),
            None => Err(Response::text("who are you?\n").with_status(Status::UNAUTHORIZED)),
        })
        .get("/page", |request| Ok(Response::text(greet(request)?)))
        .sse("/stream", |stream, request| stream.send(greet(request)?))
        .start()
        .unwrap();
    let mut client = Client::to(server.address());
    assert_eq!(client.get("/page?user=ann+b%26").text(), "hello, ann b&");
    assert_eq!(client.get("/page?user=eve&user=ann").text(), "hello, eve");
    let refused = client.get("/page?name=ann");
    assert_eq!((refused.status, refused.text()), (401, "who are you?\n"));
    client.open("/stream?user=ann");
    assert_eq!(client.chunk().as_deref(), Some("data: hello, ann\n\n"));
}

#[test]
fn a_handler_finds_nothing_where_nothing_admits_or_nothing_is_left() {
    let found = |request: &Request| {
        let found = request.admitted::<User>().is_some() || request.admitted::<()>().is_some();
        Ok(Response::text(found.to_string()))
    };
    let free = site(Limits::default()).get("/found", found).start().unwrap();
    assert_eq!(get(free.address(), "/found").text(), "false");
    let all = site(Limits::default()).get("/found", found).admit(|_head, _peer| Ok(()));
    let all = all.start().unwrap();
    assert_eq!(get(all.address(), "/found").text(), "false");
}

#[test]
fn what_is_left_goes_with_its_request() {
    let left = Arc::new(());
    let leaves = Arc::clone(&left);
    let server =
        site(Limits::default()).admit(move |_head, _peer| Ok(Arc::clone(&leaves))).start().unwrap();
    let address = server.address();
    assert_eq!(post(address, "/echo", "abc").text(), "abc");
    assert_eq!(get(address, "/").text(), "hello");
    // One that is refused after it was admitted, as its body is too large for those here.
    let chunked = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nx";
    let mut client = Client::to(address);
    client.send(chunked);
    assert_eq!(client.response().status, 400);
    until("the requests' end", || server.stats().connections == 0);
    drop(server);
    assert_eq!(Arc::strong_count(&left), 1);
}

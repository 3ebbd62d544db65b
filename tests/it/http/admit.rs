//! Who is let in.

use tidings::{Limits, Method, Response, Running, Status};

use super::site;
use crate::support::http::{Client, get, post};

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

//! Handlers that fail.

use std::net::SocketAddr;

use tidings::{Error, Hooks, Limits, Response};

use super::{assert_answers, site};
use crate::support::http::{Client, exchange, get};
use crate::support::{Notes, until};

#[test]
fn row_36_a_handler_that_panics_is_a_500_and_the_server_goes_on() {
    let server = site(Limits::default().workers(2))
        .get("/panics", |_request| -> tidings::Result<Response> { panic!("on purpose") })
        .start()
        .unwrap();
    for _ in 0..10 {
        let answer = get(server.address(), "/panics");
        assert_eq!((answer.status, answer.text()), (500, "500 Internal Server Error\n"));
        assert_answers(server.address());
    }
    until("the connections' end", || server.stats().connections == 0);
}

#[test]
fn row_36_a_connection_outlives_a_panic() {
    let server = site(Limits::default())
        .get("/panics", |_request| -> tidings::Result<Response> { panic!("on purpose") })
        .start()
        .unwrap();
    let mut client = Client::to(server.address());
    assert_eq!(client.get("/panics").status, 500);
    assert_eq!(client.get("/").text(), "hello");
}

struct Failures(Notes<String>);

impl Hooks for Failures {
    fn failed(&self, _peer: SocketAddr, target: &str, error: &Error) {
        self.0.add(format!("{} {error}", target));
    }
}

#[test]
fn what_a_handler_failed_of_is_told_to_the_hooks_and_not_to_the_client() {
    let failures = Notes::new();
    let server = site(Limits::default())
        .hooks(Failures(failures.clone()))
        .get("/fails", |_request| -> tidings::Result<Response> {
            Err(Error::other("the password is wrong: hunter2"))
        })
        .start()
        .unwrap();
    let answer = get(server.address(), "/fails?a=b");
    assert_eq!((answer.status, answer.text()), (500, "500 Internal Server Error\n"));
    assert_eq!(failures.all(), ["/fails?a=b the password is wrong: hunter2"]);
}

#[test]
fn a_body_that_is_not_text_where_text_is_wanted_is_400() {
    let failures = Notes::new();
    let server = site(Limits::default()).hooks(Failures(failures.clone())).start().unwrap();
    let request = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nab\xFF";
    let answer = exchange(server.address(), request);
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.text(),
        "400 Bad Request: the body must be UTF-8, and is not from byte 2 on\n",
    );
    assert_eq!(failures.all(), [""; 0]);
}

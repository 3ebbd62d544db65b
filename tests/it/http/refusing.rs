//! Handlers that refuse a request by an error: with a response of their own, as a bad request, or
//! as one whose values can't be sent.

use std::net::SocketAddr;

use tidings::{
    Channel, Error, Hooks, Limits, Method, Peer, Request, Response, Result, Running, Server, Status,
};

use super::site;
use crate::support::Notes;
use crate::support::http::{Client, HttpResponse, exchange, get, post};
use crate::support::stream::{End, EventStream};

/// What the hooks are told.
struct Failures(Notes<String>);

impl Hooks for Failures {
    fn failed(&self, _peer: Peer, target: &str, error: &Error) {
        self.0.add(format!("{target} {error}"));
    }
}

fn start(server: Server) -> (Running, Notes<String>) {
    let failures = Notes::new();
    (server.hooks(Failures(failures.clone())).start().expect("a server"), failures)
}

/// Everything that is sent in response to a GET that is the connection's last, but for the date.
fn bytes(address: SocketAddr, target: &str) -> String {
    let mut client = Client::to(address);
    client.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
    let rest = client.rest();
    let date = rest.find("Date: ").expect("a date");
    let end = date + rest[date..].find("\r\n").expect("its line's end") + 2;
    format!("{}{}", &rest[..date], &rest[end..])
}

/// A check as a program has it: a response, and no error, says what is wrong.
fn check(request: &Request) -> Result<(), Response> {
    match request.query("key").as_deref() {
        Some("2YotnFZFEjr1") => Ok(()),
        _ => Response::text("which key?\n")
            .with_status(Status::UNAUTHORIZED)
            .with_field("WWW-Authenticate", "Key")
            .map_or(Ok(()), Err),
    }
}

const REFUSED: &str = "HTTP/1.1 401 Unauthorized\r\n\
                       Content-Type: text/plain; charset=utf-8\r\n\
                       X-Content-Type-Options: nosniff\r\n\
                       WWW-Authenticate: Key\r\n\
                       Content-Length: 11\r\n\
                       Connection: close\r\n\
                       \r\n\
                       which key?\n";

#[test]
fn an_error_that_has_a_response_is_responded_to_with_it_and_the_hooks_are_not_told() {
    let (server, failures) = start(
        site(Limits::default())
            .get("/page", |request| {
                check(request)?;
                Ok(Response::text("a page\n"))
            })
            .sse("/stream", |stream, request| {
                check(request)?;
                stream.send("an event")
            }),
    );
    assert_eq!(bytes(server.address(), "/page"), REFUSED);
    assert_eq!(bytes(server.address(), "/stream"), REFUSED);
    assert_eq!(get(server.address(), "/page?key=2YotnFZFEjr1").text(), "a page\n");
    let mut stream = EventStream::open(server.address(), "/stream?key=2YotnFZFEjr1");
    assert_eq!((stream.data(), stream.end()), ("an event".to_owned(), End::Whole));
    assert_eq!(failures.all(), [""; 0]);
}

#[test]
fn a_connection_goes_on_after_a_page_that_was_refused() {
    let (server, _) = start(site(Limits::default()).get("/page", |request| {
        check(request)?;
        Ok(Response::text("a page\n"))
    }));
    let mut client = Client::to(server.address());
    assert_eq!(client.get("/page").status, 401);
    assert_eq!(client.get("/").text(), "hello");
}

#[test]
fn a_stream_that_is_refused_gives_its_place_back_and_an_event_source_stays_away() {
    let limits = Limits::default().streams(1);
    let (server, _) = start(
        site(limits)
            .sse("/stream", |_stream, _request| Err::<(), _>(Response::no_content().into())),
    );
    let gone = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    for _ in 0..3 {
        assert_eq!(bytes(server.address(), "/stream"), gone);
    }
    assert_eq!(server.stats().streams, 0);
}

#[test]
fn a_response_that_comes_after_the_head_can_not_be_sent_and_the_hooks_are_told() {
    let (server, failures) = start(site(Limits::default()).sse("/stream", |stream, _request| {
        stream.send("an event")?;
        Err::<(), _>(Error::respond(Response::not_found()))
    }));
    let mut stream = EventStream::open(server.address(), "/stream");
    assert_eq!((stream.data(), stream.end()), ("an event".to_owned(), End::CutOff));
    assert_eq!(failures.all(), ["/stream the response is 404 Not Found"]);
}

#[test]
fn a_bad_request_is_400_with_what_is_wrong_with_it() {
    let wrong = || Error::bad_request("the number is missing");
    let (server, failures) = start(
        site(Limits::default())
            .get("/page", move |_request| Err::<Response, _>(wrong()))
            .sse("/stream", move |_stream, _request| Err::<(), _>(wrong())),
    );
    for target in ["/page", "/stream"] {
        let response = get(server.address(), target);
        let expected = (400, "400 Bad Request: the number is missing\n");
        assert_eq!((response.status, response.text()), expected, "{target}");
    }
    assert_eq!(failures.all(), [""; 0]);
}

/// A server whose routes put a value of the client's, or one of their own, where it can't be.
fn values() -> (Running, Notes<String>) {
    let news = Channel::new();
    let sends = |place: fn(&Request) -> String| {
        let news = news.clone();
        move |request: &Request| Ok(Response::text(news.send((place(request), "data"))?))
    };
    let followed = news.clone();
    start(
        site(Limits::default())
            .get("/query", sends(|request| request.query("type").unwrap_or_default()))
            .get("/param/{type}", sends(|request| request.param("type").unwrap_or("").to_owned()))
            .post("/body", sends(|request| String::from_utf8_lossy(request.body()).into()))
            .get("/own", sends(|_request| "its\nown".to_owned()))
            .sse("/stream", |stream, request| {
                stream.set_field("X-Name", request.query("name").unwrap_or_default())
            })
            .sse("/length", |stream, request| {
                stream.set_field("Content-Length", request.query("n").unwrap_or_default())
            })
            .sse("/twice", move |stream, _request| {
                stream.subscribe(&followed)?;
                stream.subscribe(&followed)
            })
            .fallback(|request| {
                let path = request.path().to_owned();
                Response::not_found().with_field("X-Asked", path)
            }),
    )
}

fn status_and_text(response: &HttpResponse) -> (u16, &str) {
    (response.status, response.text())
}

#[test]
fn row_24_a_value_of_the_clients_that_can_not_be_sent_is_400_and_why() {
    let (server, failures) = values();
    let expected = (
        400,
        "400 Bad Request: an event type must not contain CR, LF or NUL, as they end a field: \
         \"a\\nb\"\n",
    );
    let address = server.address();
    assert_eq!(status_and_text(&get(address, "/query?type=a%0ab")), expected);
    assert_eq!(status_and_text(&get(address, "/param/a%0ab")), expected);
    assert_eq!(status_and_text(&post(address, "/body", "a\nb")), expected);
    let field = |name: &str| {
        format!(
            "400 Bad Request: the value of the field {name} must have no control characters, and \
             no white space at its ends: \"...\"\n"
        )
    };
    let in_field = [("/stream?name=/a%0db", "X-Name"), ("/a%0db", "X-Asked")];
    for (target, name) in in_field {
        assert_eq!(status_and_text(&get(address, target)), (400, &*field(name)), "{target}");
    }
    assert_eq!(failures.all(), [""; 0]);
}

#[test]
fn a_value_of_the_handlers_own_is_its_fault_and_so_is_a_call_that_can_not_be() {
    let (server, failures) = values();
    let address = server.address();
    let expected = (500, "500 Internal Server Error\n");
    assert_eq!(status_and_text(&get(address, "/own")), expected);
    assert_eq!(status_and_text(&get(address, "/length?n=3")), expected);
    // The stream of this one follows a channel before it fails, so its head has gone out.
    assert!(bytes(address, "/twice?a=b").starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(
        failures.all(),
        [
            "/own an event type must not contain CR, LF or NUL, as they end a field: \"its\\nown\"",
            "/length?n=3 the server writes this field itself, and it can't be set: Content-Length",
            "/twice?a=b the stream follows channels already: name them all in one call of `follow`",
        ]
    );
}

#[test]
fn a_refusal_can_be_read_by_a_page_of_an_allowed_origin() {
    let server = site(Limits::default())
        .cors(tidings::Cors::any())
        .route(Method::Put, "/page", |_request| -> Result<Response> {
            Err(Response::text("no\n").with_status(Status::FORBIDDEN))?
        })
        .start()
        .unwrap();
    let request = b"PUT /page HTTP/1.1\r\nHost: localhost\r\nOrigin: http://a.example\r\n\
                    Content-Length: 0\r\n\r\n";
    let response = exchange(server.address(), request);
    let allowed = response.field("Access-Control-Allow-Origin");
    assert_eq!((response.status, response.text(), allowed), (403, "no\n", Some("*")));
}

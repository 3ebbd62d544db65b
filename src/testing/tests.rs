//! What a client for tests is told, and that it waits for nothing longer than it may.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::client::LONGEST_CONTENT;
use super::*;
use crate::channel::Channel;
use crate::error::Error;
use crate::http::{Method, Status};
use crate::server::Server;
use crate::server::running::Running;

/// A deadline that a test lets pass, so it is short.
const SHORT: Duration = Duration::from_millis(200);

/// Long enough for the slowest machine; nothing that works takes it.
const SOON: Duration = Duration::from_secs(60);

fn site(news: &Channel) -> Running {
    let (followed, published) = (news.clone(), news.clone());
    Server::new()
        .get("/hello", |request| {
            let from = request.query("from").unwrap_or_default();
            crate::Response::text(format!("hello {from}")).with_field("X-Kind", "greeting")
        })
        .sse("/events", move |stream, _| stream.subscribe(&followed))
        .sse("/fails", |stream, _| {
            stream.send("1")?;
            Err::<(), _>(Error::other("it fails on purpose"))
        })
        .post("/events", move |request| {
            Ok(crate::Response::text(published.send(request.body_text()?)?))
        })
        .start()
        .unwrap()
}

/// A server that sends these bytes and then others again and again, and never ends a connection by
/// itself.
fn says(first: &'static [u8], then: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move |mut socket: TcpStream| {
        let _ = socket.read(&mut [0; 1024]);
        let mut goes_on = socket.write_all(first).is_ok();
        while goes_on {
            thread::sleep(Duration::from_millis(5));
            // Until the client has gone.
            goes_on = match then {
                b"" => socket.read(&mut [0; 1024]).is_ok_and(|length| length > 0),
                then => socket.write_all(then).is_ok(),
            };
        }
    };
    thread::spawn(move || {
        listener.incoming().for_each(|socket| drop(thread::spawn(move || serve(socket.unwrap()))));
    });
    address
}

/// The message of the error of a time that is over, which must not take much longer than that. On a
/// slow machine more time is needed for it to be the one that is expected, which has this in it.
#[track_caller]
fn late<T: std::fmt::Debug>(
    ask: impl Fn(Client) -> Result<T>,
    address: SocketAddr,
    expected: &str,
) -> String {
    let mut within = SHORT;
    loop {
        let began = Instant::now();
        let error = ask(Client::to(address).within(within)).unwrap_err();
        assert!(error.is_timeout(), "{error}");
        assert!(began.elapsed() >= within && began.elapsed() < SOON);
        let told = error.to_string().replace(&format!("{within:?}"), "so long");
        if told.contains(expected) {
            return told;
        }
        within *= 2;
        assert!(within < SOON, "{told}");
    }
}

fn get_of(client: Client) -> Result<Response> {
    client.send(Request::get("/x").unwrap())
}

fn event_of(client: Client) -> Result<crate::MessageEvent> {
    client.stream(Request::get("/x").unwrap())?.event()
}

const EVENT_STREAM: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hi\n\n";

#[test]
fn a_response_comes_whole() {
    let news = Channel::new();
    let server = site(&news);
    let response = get(&server, "/hello?from=here").unwrap();
    assert_eq!((response.status(), &*response.text()), (Status::OK, "hello here"));
    assert_eq!(
        (response.field("x-kind"), response.content()),
        (Some("greeting"), &b"hello here"[..])
    );
    let id = post(&server, "/events", "rain").unwrap().text().into_owned();
    assert!(id.ends_with("-1"), "{id}");
    assert_eq!(get(&server, "/nowhere").unwrap().status(), Status::NOT_FOUND);
    let head = Request::get("/hello").unwrap().with_method(Method::Head);
    let head = send(&server, head).unwrap();
    assert_eq!((head.field("Content-Length"), head.content()), (Some("6"), &b""[..]));
    assert!(get(&server, "nowhere").unwrap_err().is_invalid());
}

#[test]
fn a_stream_gives_its_events_and_then_its_end() {
    let news = Channel::new();
    let server = site(&news);
    let mut all = stream(&server, "/events").unwrap();
    assert_eq!(all.field("Content-Type"), Some("text/event-stream"));
    let ids =
        ["1", "2", "3"].map(|data| post(&server, "/events", data).unwrap().text().into_owned());
    assert_eq!(all.event().unwrap().data, "1");
    assert_eq!(all.last_event_id(), ids[0]);
    let resumed = Request::get("/events").unwrap().with_field("Last-Event-ID", &ids[0]).unwrap();
    let mut resumed = Client::to(&server).within(SOON).stream(resumed).unwrap();
    news.close();
    for events in [&mut all, &mut resumed] {
        let data: Vec<String> = events.map(|event| event.unwrap().data).collect();
        assert_eq!(data, ["2", "3"]);
        assert!(events.next().is_none());
        let ended = events.event().unwrap_err().to_string();
        assert_eq!(ended, "GET /events has ended, and another event was expected");
    }
}

#[test]
fn a_stream_that_is_cut_off_is_told_after_its_events() {
    let server = site(&Channel::new());
    let mut cut = stream(&server, "/fails").unwrap();
    assert_eq!(cut.event().unwrap().data, "1");
    let error = cut.next().unwrap().unwrap_err();
    assert_eq!(
        error.to_string().split(':').next(),
        Some("the connection was cut in the middle of the stream")
    );
    assert!(!error.is_timeout() && cut.next().is_none());
}

#[test]
fn what_is_no_event_stream_is_an_error_with_its_status() {
    let server = site(&Channel::new());
    let missing = stream(&server, "/nowhere").unwrap_err();
    assert_eq!(missing.status(), Some(Status::NOT_FOUND));
    assert_eq!(
        missing.to_string(),
        "GET /nowhere is no event stream but 404 Not Found: \"404 Not Found: nothing is here\"",
    );
    assert_eq!(stream(&server, "/hello").unwrap_err().status(), Some(Status::OK));
}

#[test]
fn a_server_that_says_nothing_is_waited_for_no_longer_than_the_deadline() {
    let wanted = "the head of the response to GET /x did not come within so long";
    let nothing = format!("{wanted}: nothing has come");
    assert_eq!(late(get_of, says(b"", b""), ""), nothing);
    let told = late(event_of, says(b"HTTP/1.1 200 OK\r\n", b""), "HTTP");
    assert_eq!(told, format!("{wanted}, but this: \"HTTP/1.1 200 OK\\r\\n\""));
}

#[test]
fn a_server_that_goes_on_and_on_is_waited_for_no_longer_than_the_deadline() {
    let told = late(get_of, says(b"HTTP/1.1 200 OK\r\n\r\n", b"more "), "more ");
    assert!(told.starts_with("the whole response to GET /x did not come within so long"), "{told}");
    let told = late(event_of, says(EVENT_STREAM, b": heartbeat\n\n"), "heartbeat");
    assert!(told.starts_with("an event of GET /x did not come within so long, but "), "{told}");
    let told = late(get_of, says(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), "X: y");
    assert!(told.starts_with("the head of the response to GET /x did not come"), "{told}");
}

#[test]
fn a_response_that_has_no_end_is_not_kept_without_a_bound() {
    let server = says(b"HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 1024 * 1024]);
    let error = get_of(Client::to(server).within(SOON)).unwrap_err();
    assert!(error.is_bad_response(), "{error}");
    let told = format!("the content of the response is longer than {LONGEST_CONTENT} bytes");
    assert_eq!(error.to_string(), told);
}

#[test]
fn a_time_that_no_clock_can_tell_is_as_good_as_for_ever() {
    let server = Server::bind("127.0.0.1:0").unwrap().sse("/x", |stream, _| stream.send("hi"));
    let server = server.start().unwrap();
    let client = || Client::to(&server).within(Duration::MAX);
    assert_eq!(get_of(client()).unwrap().text(), ":\ndata: hi\n\n");
    assert_eq!(event_of(client()).unwrap().data, "hi");
}

#[test]
fn only_the_last_that_came_is_shown_of_much() {
    let told = late(event_of, says(EVENT_STREAM, &[b'x'; 5_000]), "at last these: \"xxx");
    let (before, shown) = told.split_once(" bytes, at last these: ").expect(&told);
    assert!(before.starts_with("an event of GET /x did not come within so long, but "), "{before}");
    assert_eq!(shown, format!("\"{}\"", "x".repeat(1_000)));
}

#[test]
fn a_stream_whose_event_was_late_can_be_asked_again() {
    let news = Channel::new();
    let server = site(&news);
    let mut events = stream(&server, "/events").unwrap().within(SHORT);
    assert!(events.next().unwrap().unwrap_err().is_timeout());
    news.send("at last").unwrap();
    assert_eq!(events.within(SOON).event().unwrap().data, "at last");
}

#[test]
fn nobody_to_be_asked_is_told_at_once() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = get(nobody, "/").unwrap_err().to_string();
    assert!(error.starts_with(&format!("can't connect to http://{nobody}: ")), "{error}");
}

#[test]
fn a_server_is_asked_where_it_listens() {
    let peer = |request: &Request| Ok(crate::Response::text(request.peer().to_string()));
    let server = Server::bind("0.0.0.0:0").unwrap().get("/", peer).start().unwrap();
    for place in
        [Place::from(&server), server.address().into(), server.addresses()[0].clone().into()]
    {
        assert!(get(place, "/").unwrap().text().starts_with("127.0.0.1:"));
    }
    let nowhere = Server::new().get("/", peer).start().unwrap();
    #[cfg(unix)]
    assert_eq!(get(&nowhere, "/").unwrap().text(), "unix");
    let place = Place::from(&nowhere);
    nowhere.stop().unwrap();
    assert_eq!(get(place, "/").unwrap_err().to_string(), "the server does not run");
}

#[cfg(unix)]
#[test]
fn a_server_on_a_unix_socket_is_asked_there() {
    let path = std::env::temp_dir().join(format!("tidings-testing-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let server = Server::new()
        .on(listener)
        .get("/", |request| Ok(crate::Response::text(request.peer().to_string())))
        .start()
        .unwrap();
    assert_eq!(get(&server, "/").unwrap().text(), "unix");
    drop(server);
    std::fs::remove_file(path).unwrap();
}

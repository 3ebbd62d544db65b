//! Servers that listen on several sockets, of TCP and of unix, and how their acceptors end.

use std::fs;
use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tidings::client::{EventSource, StreamRequest, Update};
use tidings::{Address, Channel, Hooks, Limits, Listener, Peer, Response, Running, Server};
use tidings::{Status, StreamInfo};

use crate::support::http::{HttpResponse, get, read_chunk, read_response};
use crate::support::{Notes, SOON, until};

/// A path for a socket that nobody else has; what is there goes with the test.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tidings-it-{}-{number}.sock", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn listen(&self) -> UnixListener {
        UnixListener::bind(&self.0).expect("nobody has it")
    }

    fn connect(&self) -> BufReader<UnixStream> {
        let socket = UnixStream::connect(&self.0).expect("the server accepts");
        socket.set_read_timeout(Some(SOON)).unwrap();
        BufReader::new(socket)
    }

    fn get(&self, target: &str) -> HttpResponse {
        let mut client = self.connect();
        ask(&mut client, target);
        read_response(&mut client, false)
    }

    /// Opens a stream, and reads its head and the first chunk.
    fn open(&self, target: &str) -> BufReader<UnixStream> {
        let mut client = self.connect();
        ask(&mut client, target);
        let head = read_response(&mut client, true);
        assert_eq!(head.field("Content-Type"), Some("text/event-stream"));
        assert!(read_chunk(&mut client).unwrap().is_some());
        client
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn ask(client: &mut BufReader<UnixStream>, target: &str) {
    let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.get_mut().write_all(request.as_bytes()).unwrap();
}

fn site() -> Server {
    Server::new().get("/peer", |request| Ok(Response::text(request.peer().to_string())))
}

#[track_caller]
fn assert_ends(server: Running) {
    server.stop().expect("all threads ended");
}

#[test]
fn a_server_accepts_on_all_its_listeners_and_names_them_in_their_order() {
    let (one, other) = (Place::new(), Place::new());
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    let server = site().on(one.listen()).on(tcp).on(other.listen()).start().unwrap();
    let unix = |place: &Place| Address::Unix(place.0.clone());
    assert_eq!(server.addresses(), [unix(&one), Address::Tcp(address), unix(&other)]);
    assert_eq!(server.address(), address);
    let shown = [format!("unix:{}", one.0.display()), format!("http://{address}")];
    assert_eq!(server.addresses()[..2].iter().map(Address::to_string).collect::<Vec<_>>(), shown);

    assert_eq!(get(address, "/peer").text().split(':').next(), Some("127.0.0.1"));
    assert_eq!((one.get("/peer").text(), other.get("/peer").text()), ("unix", "unix"));
    assert_ends(server);
    assert!(TcpStream::connect(address).is_err());
    assert!(UnixStream::connect(&one.0).is_err() && UnixStream::connect(&other.0).is_err());
}

#[test]
fn a_server_with_unix_sockets_alone_has_no_address_of_tcp() {
    let place = Place::new();
    let server = site().on(place.listen()).start().unwrap();
    assert_eq!(server.address().to_string(), "0.0.0.0:0");
    assert_ends(server);
}

#[cfg(target_os = "linux")]
#[test]
fn a_listener_that_does_not_block_is_set_to_block() {
    const O_NONBLOCK: u32 = 0o4000;
    let place = Place::new();
    let listener = place.listen();
    listener.set_nonblocking(true).unwrap();
    let info = format!("/proc/self/fdinfo/{}", listener.as_raw_fd());
    let blocks = || {
        let info = fs::read_to_string(&info).unwrap();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
        u32::from_str_radix(flags.trim(), 8).unwrap() & O_NONBLOCK == 0
    };
    assert!(!blocks());
    let _server = site().on(listener);
    assert!(blocks());
}

struct Told(Notes<String>);

impl Hooks for Told {
    fn opened(&self, stream: &StreamInfo<'_>) {
        self.0.add(format!("open {}", stream.peer));
    }

    fn closed(&self, stream: &StreamInfo<'_>, reason: tidings::CloseReason) {
        self.0.add(format!("close {}: {reason}", stream.peer));
    }
}

#[test]
fn a_stream_over_a_unix_socket_is_like_any_other() {
    let (place, news, told) = (Place::new(), Channel::new(), Notes::new());
    let followed = news.clone();
    let server = Server::new()
        .on(place.listen())
        .hooks(Told(told.clone()))
        .sse("/news", move |stream, _request| {
            assert_eq!(stream.peer(), Peer::Unix);
            stream.subscribe(&followed)
        })
        .start()
        .unwrap();
    let mut client = place.open("/news");
    let id = news.send("hello").unwrap();
    let expected = format!("id: {id}\ndata: hello\n\n");
    assert_eq!(read_chunk(&mut client).unwrap(), Some(expected.into_bytes()));
    drop(client);
    until("its end", || told.len() == 2);
    assert_eq!(told.all(), ["open unix", "close unix: the client closed the connection"]);

    let mut last = place.open("/news");
    assert_ends(server);
    let retry = read_chunk(&mut last).unwrap().expect("a reconnection time");
    assert!(retry.starts_with(b"retry: "), "{}", retry.escape_ascii());
    assert_eq!(read_chunk(&mut last).unwrap(), None);
}

#[test]
fn limit_streams_per_peer_holds_no_client_of_a_unix_socket_back() {
    let (place, tcp) = (Place::new(), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = tcp.local_addr().unwrap();
    let server = Server::new()
        .on(place.listen())
        .on(tcp)
        .limits(Limits::default().streams_per_peer(1).streams(4))
        .sse("/held", |stream, _request| {
            stream.comment("")?;
            std::mem::forget(stream);
            Ok(())
        })
        .start()
        .unwrap();
    let _held = [place.open("/held"), place.open("/held"), place.open("/held")];
    let mut first = crate::support::http::Client::to(address);
    first.open("/held");
    assert!(get(address, "/held").text().starts_with("retry: "), "the bound holds over TCP");
    let mut fifth = place.connect();
    ask(&mut fifth, "/held");
    let sent_away = read_response(&mut fifth, false);
    assert!(sent_away.text().starts_with("retry: "), "so does that on all streams");
    drop(server);
}

#[test]
fn who_is_admitted_may_depend_on_where_the_connection_came_in() {
    let (place, tcp) = (Place::new(), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = tcp.local_addr().unwrap();
    let server = site().on(place.listen()).on(tcp).admit(|_head, peer| match peer {
        Peer::Unix => Ok(()),
        _ => Err(Response::text("not from there").with_status(Status::FORBIDDEN)),
    });
    let server = server.start().unwrap();
    assert_eq!((place.get("/peer").status, get(address, "/peer").status), (200, 403));
    assert_ends(server);
}

#[test]
fn row_39_a_server_stops_whose_socket_has_no_file_any_more() {
    let place = Place::new();
    let server = site().on(place.listen()).start().unwrap();
    assert_eq!(place.get("/peer").text(), "unix");
    fs::remove_file(&place.0).unwrap();
    assert_ends(server);
}

#[test]
fn row_39_a_server_stops_whose_path_is_another_server_s_by_now() {
    let place = Place::new();
    let old = site().on(place.listen()).start().unwrap();
    fs::remove_file(&place.0).unwrap();
    let new = site().on(place.listen()).start().unwrap();
    assert_ends(old);
    assert_eq!(place.get("/peer").text(), "unix");
    assert_ends(new);
}

#[test]
fn row_39_a_server_stops_that_listens_on_every_address() {
    for every in ["0.0.0.0:0", "[::]:0"] {
        // Not every machine has IPv6.
        let Ok(listener) = TcpListener::bind(every) else { continue };
        let address = listener.local_addr().unwrap();
        let server = site().on(listener).start().unwrap();
        assert_ends(server);
        assert!(TcpStream::connect(("127.0.0.1", address.port())).is_err());
    }
}

#[test]
fn row_39_a_server_that_was_stopped_before_it_started_ends_at_once() {
    let place = Place::new();
    let server = site().on(place.listen());
    server.handle().stop();
    server.run().expect("all threads ended");
    assert!(UnixStream::connect(&place.0).is_err(), "it does not listen any more");
}

#[test]
fn a_shared_socket_outlives_the_server_that_can_not_reach_it() {
    let (place, moved) = (Place::new(), Place::new());
    let kept = place.listen();
    let listener = Listener::from(kept.try_clone().unwrap()).shared();
    let server = site().on(listener).start().unwrap();
    // The path leads nowhere, as in another mount namespace.
    fs::rename(&place.0, &moved.0).unwrap();
    assert_ends(server);
    // The acceptor, which could not be woken, takes one connection at most.
    let _first = moved.connect();
    let _second = moved.connect();
    kept.accept().expect("it still listens");
}

#[test]
fn a_shared_socket_outlives_the_server() {
    let place = Place::new();
    let kept = place.listen();
    let server = site().on(Listener::from(kept.try_clone().unwrap()).shared()).start().unwrap();
    assert_ends(server);
    let _client = place.connect();
    kept.accept().expect("it still listens");
}

#[test]
fn an_event_source_follows_a_server_on_a_unix_socket_through_redirects() {
    let (place, news) = (Place::new(), Channel::new());
    let followed = news.clone();
    let server = Server::new()
        .on(place.listen())
        .get("/moved", |_request| {
            let moved = Response::text("").with_status(Status::FOUND);
            moved.with_field("Location", "http://localhost/news")
        })
        .sse("/news", move |stream, request| {
            assert_eq!(request.field("host"), Some("localhost"));
            stream.subscribe(&followed)
        })
        .start()
        .unwrap();
    let request = StreamRequest::get("http://localhost/moved").unwrap().at_socket(&place.0);
    let mut source = EventSource::with(request);
    let Some(Ok(Update::Opened { url, .. })) = source.next_update() else { panic!("not open") };
    assert_eq!(url.to_string(), format!("unix:{}:/news", place.0.display()));
    news.send("hello").unwrap();
    assert_eq!(source.next().unwrap().unwrap().data, "hello");
    drop(source);
    assert_ends(server);
}

#[test]
fn a_connection_to_a_socket_that_accepts_nobody_has_its_deadline() {
    let place = Place::new();
    let _listener = place.listen();
    // Where the queue is long it is connected to, and does not respond: that has a deadline too.
    let request = StreamRequest::get("http://localhost/").unwrap().at_socket(&place.0);
    let short = Duration::from_millis(200);
    let source = EventSource::with(request).connect_deadline(short).response_deadline(short);
    let error = source.give_up_after(1).next().unwrap().unwrap_err();
    assert!(error.is_timeout(), "{error}");
}

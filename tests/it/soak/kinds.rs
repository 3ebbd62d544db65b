//! All the ways in which a client comes and goes.
//!
//! A socket that is closed says so with a FIN; but if it has received something that nobody has
//! read, the system resets the connection instead. So a client that waits for the first byte and
//! closes resets, and one that reads everything does not.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use crate::support::SOON;

/// A way of coming and going: what it is called, and what the client does. Some leave a socket of
/// which only the server's end is still to come.
pub(super) type Kind = (&'static str, fn(SocketAddr) -> Option<TcpStream>);

pub(super) const KINDS: [Kind; 20] = [
    ("FIN at once", |hub| leave(connect(hub))),
    ("FIN in the request line", |hub| leave(with(hub, "GET /hea"))),
    ("FIN in the head", |hub| leave(with(hub, "GET / HTTP/1.1\r\nHost: local"))),
    ("FIN in the body", |hub| leave(with(hub, &(post(9) + "abc")))),
    ("FIN in a chunk", |hub| leave(with(hub, &(chunked() + "9\r\nabc")))),
    ("FIN before the body", |hub| {
        let mut socket = with(hub, &post_with("Expect: 100-continue\r\nContent-Length: 9\r\n"));
        read_until(&mut socket, "100 Continue\r\n\r\n");
        leave(socket)
    }),
    ("FIN after a response", |hub| {
        let mut socket = with(hub, &get("/health"));
        read_until(&mut socket, "ok\n");
        leave(socket)
    }),
    ("FIN after three responses", |hub| {
        let mut socket = with(hub, &get("/health").repeat(3));
        (0..3).for_each(|_| read_until(&mut socket, "ok\n"));
        leave(socket)
    }),
    ("FIN in a stream", |hub| {
        let mut socket = with(hub, &get(QUIET));
        read_until(&mut socket, "\r\n\r\n");
        leave(socket)
    }),
    ("FIN in a stream to HTTP/1.0", |hub| {
        let mut socket = with(hub, &get(QUIET).replace("HTTP/1.1", "HTTP/1.0"));
        read_until(&mut socket, "\r\n\r\n");
        leave(socket)
    }),
    ("RST in a response", |hub| reset(with(hub, &get("/page.js")))),
    ("RST in one of many responses", |hub| reset(with(hub, &get("/page.js").repeat(50)))),
    ("RST at the head of a stream", |hub| reset(with(hub, &get(QUIET)))),
    ("RST in the events of a stream", |hub| {
        let mut socket = with(hub, &get(&format!("{LIVE}?history=100")));
        read_until(&mut socket, "\r\n\r\n");
        reset(socket)
    }),
    ("half-close at once", |hub| half_close(connect(hub))),
    ("half-close in the head", |hub| half_close(with(hub, "GET / HTTP/1.1\r\nHost: local"))),
    ("half-close behind a request", |hub| half_close(with(hub, &get("/health")))),
    ("half-close in a stream", |hub| half_close(with(hub, &get(QUIET)))),
    ("no request at all", |hub| {
        let mut socket = with(hub, "\x16\x03\x01\x02\0\x01\0\x01\x7C\r\n\r\n");
        read_until(&mut socket, "HTTP/1.1 400 Bad Request\r\n");
        half_close(socket)
    }),
    ("a body too large", |hub| {
        let mut socket = with(hub, &post(1 << 40));
        read_until(&mut socket, "HTTP/1.1 413 Content Too Large\r\n");
        half_close(socket)
    }),
];

/// A channel on which nothing is published.
const QUIET: &str = "/events/quiet";

/// A channel that has at least one event.
const LIVE: &str = "/events/live";

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

fn post_with(fields: &str) -> String {
    format!("POST /events/never HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
}

fn post(length: u64) -> String {
    post_with(&format!("Content-Length: {length}\r\n"))
}

fn chunked() -> String {
    post_with("Transfer-Encoding: chunked\r\n")
}

fn connect(hub: SocketAddr) -> TcpStream {
    loop {
        match TcpStream::connect(hub) {
            Ok(socket) => {
                socket.set_read_timeout(Some(SOON)).expect("a time limit");
                return socket;
            }
            // The ports of the connections that ended last are not free yet.
            Err(error) if error.kind() == ErrorKind::AddrNotAvailable => {
                thread::sleep(Duration::from_millis(100));
            }
            Err(error) => panic!("the hub does not accept: {error}"),
        }
    }
}

fn with(hub: SocketAddr, bytes: &str) -> TcpStream {
    let mut socket = connect(hub);
    socket.write_all(bytes.as_bytes()).expect("the hub reads");
    socket
}

/// Closes a socket of which everything was read.
fn leave(socket: TcpStream) -> Option<TcpStream> {
    drop(socket);
    None
}

/// Closes a socket that has something to read.
fn reset(socket: TcpStream) -> Option<TcpStream> {
    let some = socket.peek(&mut [0]).expect("the hub responds");
    assert_eq!(some, 1);
    leave(socket)
}

fn half_close(socket: TcpStream) -> Option<TcpStream> {
    // Where the hub has closed already there is nothing left to close.
    let _ = socket.shutdown(Shutdown::Write);
    Some(socket)
}

/// Reads up to and with these bytes, and nothing behind them.
#[track_caller]
fn read_until(socket: &mut TcpStream, end: &str) {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap_or_else(|error| {
            panic!("{error} behind {:?}", String::from_utf8_lossy(&read));
        });
        read.push(byte[0]);
    }
}

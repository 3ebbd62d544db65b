//! The rows on requests, over a real socket: tables of what is refused and of what is odd but valid.
//!
//! Each request of a table goes to a server of its test's own in three ways: in one piece, with
//! nothing behind it; byte by byte; and cut anywhere. Behind the last two comes a request that is
//! whole and good, and must be answered only where the one before it was. So a table shows at once
//! that a response does not depend on the pieces, that it needs no more bytes than the bad ones (a
//! server that waited for more would respond with 408), and that nothing after a refusal is ever taken
//! for a request. What is cut anywhere goes to a server with one worker, which may wait for nobody,
//! so that it is the watch thread that reads it.

mod accepted;
mod bodies;
mod chunks;
mod field_lines;
mod framing;
mod request_line;
mod streams;
mod target;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tidings::{Limits, Request, Response, Running, Server};

use crate::support::http::{Client, HttpResponse, connect};

const BAD_REQUEST: &str = "400 Bad Request";
const NOT_IMPLEMENTED: &str = "501 Not Implemented";

/// What follows a request on its connection.
const BEHIND: &[u8] = b"GET /behind HTTP/1.1\r\nHost: h\r\n\r\n";

/// A server that says what it understood, and how many of its handlers ran.
struct Site {
    server: Running,
    calls: Arc<AtomicUsize>,
}

impl Site {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let calls = Arc::new(AtomicUsize::new(0));
        let (seen, echo, behind, sse) =
            (calls.clone(), calls.clone(), calls.clone(), calls.clone());
        let server = Server::bind("127.0.0.1:0")
            .expect("a port is free")
            .limits(limits)
            .get("/seen", move |request| {
                seen.fetch_add(1, Ordering::Relaxed);
                Ok(Response::text(understood(request)))
            })
            .post("/echo", move |request| {
                echo.fetch_add(1, Ordering::Relaxed);
                Ok(Response::text(request.body_text()?))
            })
            .get("/behind", move |_request| {
                behind.fetch_add(1, Ordering::Relaxed);
                Ok(Response::text("behind"))
            })
            .sse("/sse", move |stream, _request| {
                sse.fetch_add(1, Ordering::Relaxed);
                stream.send("hi")
            })
            .start()
            .expect("a server");
        Self { server, calls }
    }

    fn address(&self) -> SocketAddr {
        self.server.address()
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

/// What a handler sees of a request, in one line.
fn understood(request: &Request) -> String {
    let authority = request.head().authority().unwrap_or("-");
    format!("{} {} {authority}", request.method(), request.target())
}

/// Where the next cut is: Marsaglia's xorshift, which is the same on every run.
struct Cuts(u64);

impl Cuts {
    fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    /// The same bytes in pieces of up to a third of them.
    fn cut<'a>(&mut self, bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, behind) =
                rest.split_at(rest.len().min(1 + self.below(1 + bytes.len() / 3)));
            pieces.push(piece);
            rest = behind;
        }
        pieces
    }
}

/// Sends the pieces, each by itself, and gives all that comes back up to the connection's end,
/// which must come while our side is still open.
fn outcome<'a>(address: SocketAddr, pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut socket = connect(address);
    socket.set_nodelay(true).unwrap();
    for piece in pieces {
        socket.write_all(piece).expect("the server reads on for a while");
    }
    Client::over(socket).rest()
}

/// Each of these gets a response with this status and no other, and its connection ends; no handler
/// is called for it, nor for what comes behind it.
#[track_caller]
fn refused<T: AsRef<[u8]>>(status: &str, requests: &[T]) {
    let (site, parking) = (Site::new(), Site::with(Limits::default().workers(1)));
    let mut cuts = Cuts::new();
    for request in requests.iter().map(AsRef::as_ref) {
        let followed = [request, BEHIND].concat();
        let alone = outcome(site.address(), [request]);
        let by_byte = outcome(site.address(), request.chunks(1).chain([BEHIND]));
        let cut = outcome(parking.address(), cuts.cut(&followed));
        for response in [alone, by_byte, cut] {
            assert_refusal(status, request, &response);
        }
        assert_eq!(site.calls() + parking.calls(), 0, "{}", request.escape_ascii());
    }
}

/// That this is one response, whole, with this status, and says that the connection closes.
#[track_caller]
fn assert_refusal(status: &str, request: &[u8], response: &str) {
    let shown = format!("{}\n{response}", request.escape_ascii());
    let (head, body) = response.split_once("\r\n\r\n").expect(&shown);
    let mut lines = head.split("\r\n");
    assert_eq!(lines.next(), Some(&*format!("HTTP/1.1 {status}")), "{shown}");
    let lines: Vec<&str> = lines.collect();
    let count = |begin: &str| lines.iter().filter(|line| line.starts_with(begin)).count();
    assert_eq!(count("Connection: close"), 1, "{shown}");
    assert_eq!(count("Date: "), 1, "{shown}");
    assert!(lines.contains(&&*format!("Content-Length: {}", body.len())), "{shown}");
    // A sentence that says which rule was broken, and nothing behind it.
    assert!(body.starts_with(&format!("{status}: ")) && body.ends_with('\n'), "{shown}");
    assert_eq!(body.matches('\n').count(), 1, "{shown}");
}

/// Each of these is answered, however it is cut, and so is the request behind it. The check is
/// given the request and its response.
#[track_caller]
fn answered(site: &Site, requests: &[&[u8]], check: impl Fn(&[u8], &HttpResponse)) {
    let mut cuts = Cuts::new();
    for request in requests {
        let followed = [request, BEHIND].concat();
        let ways = [
            vec![*request, BEHIND],
            request.chunks(1).chain([BEHIND]).collect(),
            cuts.cut(&followed),
        ];
        for pieces in ways {
            let mut client = Client::to(site.address());
            pieces.iter().for_each(|piece| client.send(piece));
            let is_head = request.trim_ascii_start().starts_with(b"HEAD ");
            check(request, &if is_head { client.head() } else { client.response() });
            assert_eq!(client.response().text(), "behind", "{}", request.escape_ascii());
        }
    }
}

/// Requests that have these lines before a `Host`.
fn lines(lines: &[&[u8]]) -> Vec<Vec<u8>> {
    lines.iter().map(|line| [line, &b"\r\nHost: h\r\n\r\n"[..]].concat()).collect()
}

/// A request line that a handler is there for, and the two others with which every bad field is
/// sent: where a body is expected, and where a stream would begin.
const LINES: [&[u8]; 3] = [b"GET /seen HTTP/1.1", b"POST /echo HTTP/1.1", b"GET /sse HTTP/1.1"];

/// Heads that have these field lines, each with its CRLF, on every route.
fn with_fields(fields: &[&[u8]]) -> Vec<Vec<u8>> {
    let on_each = |fields: &&[u8]| LINES.map(|line| [line, b"\r\n", fields, b"\r\n"].concat());
    fields.iter().flat_map(on_each).collect()
}

/// Heads that have these field lines beside a `Host`.
fn with_host_and(fields: &[&[u8]]) -> Vec<Vec<u8>> {
    let all: Vec<Vec<u8>> = fields.iter().map(|line| [b"Host: h\r\n", *line].concat()).collect();
    with_fields(&all.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

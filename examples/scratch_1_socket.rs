//! From scratch, the first of six programs: a socket that speaks.
//!
//! The six use std alone, nothing of this library, and at most 120 lines of code. Each is the one
//! before it and one idea more. The last one is the idea of this library.
//!
//! An event stream is the response to one HTTP request: a head, and a body that grows by a few
//! lines whenever something happens. The body of this one grows five times, once a second, and
//! ends.
//!
//! What is still wrong, and the program that mends it:
//!
//! - The body ends where the connection does. So a client takes a lost connection for the end (2).
//! - A browser reconnects some seconds after the end, and is sent everything again (3).
//! - One client is served at a time, and one that sends no request keeps all others waiting (4).
//! - Whatever a client asks for, the response is the same. That stays so in all six.
//!
//! System calls: `accept4`, `recvfrom` for the request, `sendto` for the head, `clock_nanosleep`
//! and `sendto` for each event, `close`: 14 for a client.
//!
//! ```text
//! $ cargo run --example scratch_1_socket
//! listening on http://127.0.0.1:3000
//!
//! $ curl -iN http://127.0.0.1:3000/       # in a second shell
//! HTTP/1.0 200 OK
//! Content-Type: text/event-stream
//! Access-Control-Allow-Origin: *
//!
//! data: 1
//!
//! data: 2
//! ```
//!
//! `curl -v` shows the request too. To see what a browser makes of each of the six programs, open
//! `examples/pages/scratch.html` in it, as a file. `strace -f
//! target/debug/examples/scratch_1_socket` shows the system calls.

#![forbid(unsafe_code)]

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// The head of the response. A line of it ends in CRLF, which is `\r\n` (RFC 9112 §2.1).
const HEAD: &str = concat!(
    // The version, a status code, and words for people (§4). In HTTP/1.0 one connection is for one
    // request, and if nothing else is said, its end is the end of the body (§6.3, rule 8).
    "HTTP/1.0 200 OK\r\n",
    // What the body is (RFC 9110 §8.3). A browser's EventSource refuses any other type.
    "Content-Type: text/event-stream\r\n",
    // Scripts of all origins may read it (Fetch standard, CORS protocol); curl doesn't care. The
    // page is a file and not of this origin: without the line it would be told of an error.
    "Access-Control-Allow-Origin: *\r\n",
    // An empty line ends the head (RFC 9112 §2.1). Everything after it is the body.
    "\r\n",
);

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on http://{}", listener.local_addr()?);
    for socket in listener.incoming() {
        // The fault of one client, such as that it has gone, is not the end for others.
        if let Err(error) = socket.and_then(serve) {
            eprintln!("{error}");
        }
    }
    Ok(())
}

fn serve(mut socket: TcpStream) -> io::Result<()> {
    read_request(&socket)?;
    // At once, so that the client knows that the stream is open before there is an event.
    socket.write_all(HEAD.as_bytes())?;
    for number in 1..=5 {
        thread::sleep(Duration::from_secs(1));
        // `data`, a colon, and one space that isn't part of the value; a line of an event stream
        // may end in LF alone; an empty line dispatches the event (HTML standard §9.2.5, §9.2.6).
        socket.write_all(format!("data: {number}\n\n").as_bytes())?;
    }
    Ok(())
    // `socket` is dropped here, which closes the connection.
}

/// Reads what the client asks for: a request line, such as `GET / HTTP/1.1`, field lines, such as
/// `Host: 127.0.0.1:3000`, and an empty line (RFC 9112 §2.1). All of it has to be read: a
/// connection that is closed with unread bytes is reset, and a reset can destroy what was sent
/// (§9.6).
fn read_request(socket: &TcpStream) -> io::Result<()> {
    let (mut reader, mut request) = (BufReader::new(socket.take(8 * 1024)), String::new());
    // An empty line is a CRLF, two bytes; at the end of the input there is none.
    while reader.read_line(&mut request)? > 2 {}
    Ok(())
}

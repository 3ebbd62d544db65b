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
//! and `sendto` for each event, `close`: 14 for a client. A debug build, which is what cargo makes
//! here, has an `fcntl` before each `close`: std looks whether the socket is open.
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
//!
//! $ strace -f target/debug/examples/scratch_1_socket      # in place of the first line
//! ```
//!
//! With `-i` curl shows the head, and with `-N` it shows all as it comes. `curl -v` shows the
//! request too. To see what a browser makes of each of the six programs, open
//! `examples/pages/scratch.html` in it, as a file.

#![forbid(unsafe_code)]

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// The head of the response: a status line, field lines, which are a name, a colon and a value, and
/// an empty line. Each of them ends in CRLF, which is `\r\n` (RFC 9112 §2.1, §4, §5).
const HEAD: &str = concat!(
    // The version, the status (200: here is what you asked for), and words for people. In HTTP/1.0
    // a connection is for one request. No field says how long the body is: so it ends where the
    // connection does (RFC 9112 §6.3, rule 8).
    "HTTP/1.0 200 OK\r\n",
    // What the body is (RFC 9110 §8.3). `EventSource`, which is what a browser has for event
    // streams, refuses any other type. An event stream is text, always in UTF-8 (HTML standard
    // §9.2.5).
    "Content-Type: text/event-stream\r\n",
    // Who may read it: the scripts of any page (Fetch standard, CORS protocol). Without this line,
    // those of a page that doesn't come from this server, such as one that you open as a file, are
    // told of an error by the browser, and of nothing else. curl doesn't care.
    "Access-Control-Allow-Origin: *\r\n",
    // The empty line. Everything after it is the body.
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
        // The name of a field, a colon, one space that isn't part of the value, and the value. In
        // the body, unlike in the head, a line may end in LF alone (HTML standard §9.2.5). The
        // lines up to an empty line are a block, and the empty line ends it: at that, the client
        // dispatches the event, which means that it hands the data to the page or the program. A
        // block whose empty line doesn't come before the end of the body is dropped (§9.2.6).
        socket.write_all(format!("data: {number}\n\n").as_bytes())?;
    }
    Ok(())
    // `socket` is dropped here, which closes the connection.
}

/// Reads the head of the request. It is like that of the response but for its first line, such as
/// `GET / HTTP/1.1`: a method, what it is to get, and the version (RFC 9112 §3). After the empty
/// line of a GET, as browsers and curl send it, there is no body. All of it has to be read: a
/// connection that is closed with unread bytes is reset, and a reset can destroy what was sent but
/// not read yet (§9.6). No more than 8 KiB are read, so that no client can fill the memory.
fn read_request(socket: &TcpStream) -> io::Result<()> {
    let (mut reader, mut request) = (BufReader::new(socket.take(8 * 1024)), String::new());
    // An empty line is two bytes, CR and LF; at the end of the input there are none.
    while reader.read_line(&mut request)? > 2 {}
    Ok(())
}

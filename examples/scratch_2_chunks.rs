//! From scratch, the second of six programs: chunks.
//!
//! Added: the body says where it ends. HTTP/1.1 knows a body whose length nobody knows yet: it
//! comes in chunks, each after its own length, and the last one has length zero. Here each event is
//! one chunk, and one write. A client whose connection is lost, between two chunks or in the middle
//! of one, has seen no last chunk: so it knows.
//!
//! What is still wrong, and the program that mends it:
//!
//! - A browser reconnects some seconds after the end, last chunk or not, and is sent everything
//!   again (3). It does so until the page closes the stream, or a response is no event stream, such
//!   as one of status 204.
//! - One client is served at a time, and one that sends no request keeps all others waiting (4).
//! - A client of HTTP/1.0 knows no chunks, and takes their lengths for lines of the event stream.
//!   That stays so.
//!
//! System calls: those of the first program, and one `sendto` for the last chunk: 15 for a client.
//!
//! ```text
//! $ cargo run --example scratch_2_chunks
//! listening on http://127.0.0.1:3000
//!
//! $ curl -iN --raw http://127.0.0.1:3000/ # without --raw, curl shows what is in the chunks
//! HTTP/1.1 200 OK
//! Content-Type: text/event-stream
//! Transfer-Encoding: chunked
//! Connection: close
//! Access-Control-Allow-Origin: *
//!
//! 9
//! data: 1
//!
//!
//! 9
//! data: 2
//! ```
//!
//! Then try `curl -N http://127.0.0.1:3000/; echo $?`, which prints 0 after a whole body. If you
//! end the program before the body ends, it prints 18: cut off. With the first program it prints 0
//! all the same.

#![forbid(unsafe_code)]

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// The head of the response: lines that end in CRLF, and an empty line (RFC 9112 §2.1).
const HEAD: &str = concat!(
    "HTTP/1.1 200 OK\r\n",                 // 1.1 has chunks (RFC 9112 §4)
    "Content-Type: text/event-stream\r\n", // or a browser refuses it (RFC 9110 §8.3)
    "Transfer-Encoding: chunked\r\n",      // the body comes in chunks (RFC 9112 §6.1, §7.1)
    // In HTTP/1.1 a connection is for many requests, unless one end says no (RFC 9112 §9.3, §9.6).
    "Connection: close\r\n",
    "Access-Control-Allow-Origin: *\r\n", // scripts of all pages may read it (Fetch standard)
    "\r\n",
);

/// The end of the body: a chunk of size zero, and an empty line, before which there could be more
/// field lines (RFC 9112 §7.1.2).
const LAST_CHUNK: &str = "0\r\n\r\n";

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on http://{}", listener.local_addr()?);
    for socket in listener.incoming() {
        if let Err(error) = socket.and_then(serve) {
            eprintln!("{error}");
        }
    }
    Ok(())
}

fn serve(mut socket: TcpStream) -> io::Result<()> {
    read_request(&socket)?;
    socket.write_all(HEAD.as_bytes())?;
    for number in 1..=5 {
        thread::sleep(Duration::from_secs(1));
        // A line of data, and an empty line that dispatches the event (HTML standard §9.2.6).
        socket.write_all(chunk(&format!("data: {number}\n\n")).as_bytes())?;
    }
    socket.write_all(LAST_CHUNK.as_bytes())
}

/// A chunk: how many bytes follow, in hexadecimal, CRLF, those bytes, CRLF (RFC 9112 §7.1). So 9 is
/// for `data: 1` and two LF; the last CRLF isn't counted. 17 bytes would be `11`. A character that
/// isn't ASCII is more than one byte: `é` is two.
///
/// A chunk means nothing to the event stream: the client puts the bytes together and then looks for
/// lines. An event may be in several chunks, or several events in one. If the connection is lost in
/// the middle of a chunk, what came of it counts, up to the last empty line (HTML standard §9.2.6).
fn chunk(bytes: &str) -> String {
    format!("{:x}\r\n{bytes}\r\n", bytes.len())
}

/// Reads the request up to its empty line.
fn read_request(socket: &TcpStream) -> io::Result<()> {
    let (mut reader, mut request) = (BufReader::new(socket.take(8 * 1024)), String::new());
    // An empty line is two bytes, CR and LF; at the end of the input there are none.
    while reader.read_line(&mut request)? > 2 {}
    Ok(())
}

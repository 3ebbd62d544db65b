//! From scratch, the third of six programs: ids, and how a client resumes.
//!
//! Added: an event happens each second, whether there is a client or not, and its number is its id.
//! A client keeps the last id that it was sent, once all of that event is there. When it
//! reconnects, it sends that id in the field `Last-Event-ID`, and is sent what it missed: once, and
//! in order. A page that is loaded again has no id, and begins anew. Ten events are kept here. A
//! client that missed more is told so, by an event of type `gap`.
//!
//! What is still wrong, and the program that mends it:
//!
//! - One client is served at a time, and one that sends no request keeps all others waiting (4).
//! - Nothing happens but that time passes (4).
//! - The numbers begin again when the program does. So an id of an earlier run is taken for one of
//!   this run, unless it is larger than the newest. That stays so.
//!
//! System calls: as in the second program, with the first chunk in the `sendto` of the head. There
//! is no `clock_nanosleep` for events that were missed.
//!
//! ```text
//! $ cargo run --example scratch_3_resume
//! listening on http://127.0.0.1:3000
//!
//! $ curl -N http://127.0.0.1:3000/        # some seconds later; Ctrl-C after the first event
//! retry: 2000
//! id: 7
//!
//! id: 8
//! data: 8 s
//!
//! $ curl -N -H 'Last-Event-ID: 8' http://127.0.0.1:3000/    # at once, and again a minute later
//! ```
//!
//! After the Ctrl-C, the next client waits for up to two seconds: the program finds out that a
//! client has gone when it writes to it, and not before.
//!
//! A browser does the same by itself: see it in `examples/pages/scratch.html`.

#![forbid(unsafe_code)]

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

const HEAD: &str = concat!(
    "HTTP/1.1 200 OK\r\n",                 // RFC 9112 §4
    "Content-Type: text/event-stream\r\n", // or a browser refuses it (RFC 9110 §8.3)
    "Transfer-Encoding: chunked\r\n",      // the body comes in chunks (RFC 9112 §6.1, §7.1)
    "Connection: close\r\n",               // no other request on this connection (RFC 9112 §9.6)
    "Access-Control-Allow-Origin: *\r\n",  // scripts of all pages may read it (Fetch standard)
    "\r\n",                                // the end of the head (RFC 9112 §2.1)
);

const LAST_CHUNK: &str = "0\r\n\r\n"; // RFC 9112 §7.1

/// How many events can still be had after they have happened.
const KEPT: u64 = 10;

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on http://{}", listener.local_addr()?);
    let start = Instant::now();
    for socket in listener.incoming() {
        if let Err(error) = socket.and_then(|socket| serve(socket, start)) {
            eprintln!("{error}");
        }
    }
    Ok(())
}

fn serve(mut socket: TcpStream, start: Instant) -> io::Result<()> {
    let last_event_id = read_request(&socket)?;
    let newest = start.elapsed().as_secs();
    let oldest = newest.saturating_sub(KEPT - 1).max(1);
    // The first block says how many milliseconds to wait before each reconnect, and after which id
    // the stream begins: so a client that is cut off before its first event can resume, too. There
    // is no data in it, so the client takes both and dispatches nothing (HTML standard §9.2.6).
    let (mut last, mut fields) = (last_event_id.unwrap_or(newest), String::new());
    if last > newest || last + 1 < oldest {
        // With data, the same block is an event. With a type, it goes to those parts of a page that
        // listen for "gap", and not to those that listen for "message", as events without one do.
        fields = format!("event: gap\ndata: nothing is left from before {oldest}\n");
        last = oldest - 1;
    }
    let first = chunk(&format!("retry: 2000\nid: {last}\n{fields}\n"));
    socket.write_all(format!("{HEAD}{first}").as_bytes())?;
    // What was missed, and the next five. For what was missed there is nothing to wait for.
    while last < newest + 5 {
        last += 1;
        thread::sleep(Duration::from_secs(last).saturating_sub(start.elapsed()));
        // The client takes the id, too, only when the empty line comes (HTML standard §9.2.6). So
        // an event that is cut off before that is missed, and all of it is sent again.
        socket.write_all(chunk(&format!("id: {last}\ndata: {last} s\n\n")).as_bytes())?;
    }
    socket.write_all(LAST_CHUNK.as_bytes())
}

/// A chunk: how many bytes follow, in hexadecimal, CRLF, those bytes, CRLF (RFC 9112 §7.1).
fn chunk(bytes: &str) -> String {
    format!("{:x}\r\n{bytes}\r\n", bytes.len())
}

/// Reads the request, and gives its field `Last-Event-ID`, if it is there (HTML standard §9.2.4): a
/// name in any case, a colon, and a value that may have spaces around it (RFC 9112 §5).
fn read_request(socket: &TcpStream) -> io::Result<Option<u64>> {
    let (mut reader, mut request) = (BufReader::new(socket.take(8 * 1024)), String::new());
    // An empty line is two bytes, CR and LF; at the end of the input there are none.
    while reader.read_line(&mut request)? > 2 {}
    Ok(request.to_ascii_lowercase().lines().find_map(|line| {
        let id = line.strip_prefix("last-event-id:")?.trim();
        // What is no number is no id of ours: one that hasn't been yet.
        Some(id.parse().unwrap_or(u64::MAX))
    }))
}

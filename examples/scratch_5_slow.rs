//! From scratch, the fifth of six programs: a slow reader.
//!
//! Added: no write waits for a client. What a socket doesn't take is kept with its stream, and
//! tried again ten times a second; meanwhile all others go on. If more than 64 KiB wait, the stream
//! is cut off, without its last chunk. So its client knows, and if it is a browser, it reconnects
//! and is sent the rest. A thread ends once it has read its request.
//!
//! What is still wrong, and the program that mends it:
//!
//! - What waits is a copy for each slow client: for a thousand of them, 64 MiB (6).
//! - A client is cut off too if, for a moment, events come faster than it reads. If it missed more
//!   than 64 KiB, it may be cut off again and again until it has all of them (6).
//! - The memory grows with each event, and no gap is told any more (6).
//! - At the end of the input the program ends too, and what waits is lost. That stays so.
//! - That a client has gone is noticed by a write to it, and not before: mostly by the second one,
//!   as the first one is answered with a reset. That stays so.
//!
//! System calls: for a client `accept4`, `clone3` and some 20 around it for the thread, `recvfrom`,
//! two `setsockopt`, `ioctl`, `sendto`, `close`. For a line `read`, and `sendto` to each client.
//! Ten times a second `clock_nanosleep`, and `sendto` to each client that is slow.
//!
//! ```text
//! $ cargo build --example scratch_5_slow
//! $ (sleep 10; seq 1000000) | target/debug/examples/scratch_5_slow
//! listening on http://127.0.0.1:3000
//!
//! $ curl -N http://127.0.0.1:3000/ > a    # in a second shell
//! $ curl -N http://127.0.0.1:3000/ > b    # in a third one
//! ```
//!
//! Some seconds after the events have begun, stop the first curl with Ctrl-Z. Now the other one
//! goes on, as its count of bytes shows. `fg` the first: it is sent what the kernel's buffers hold,
//! and ends with status 18 (`echo $?`).

#![forbid(unsafe_code)]

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::{env, thread, time::Duration};

const HEAD: &str = concat!(
    "HTTP/1.1 200 OK\r\n",                 // RFC 9112 §4
    "Content-Type: text/event-stream\r\n", // or a browser refuses it (RFC 9110 §8.3)
    "Transfer-Encoding: chunked\r\n",      // the body comes in chunks (RFC 9112 §6.1, §7.1)
    "Connection: close\r\n",               // no other request on this connection (RFC 9112 §9.6)
    "Access-Control-Allow-Origin: *\r\n",  // scripts of all pages may read it (Fetch standard)
    "\r\n",                                // the end of the head (RFC 9112 §2.1)
);
const LAST_CHUNK: &str = "0\r\n\r\n"; // RFC 9112 §7.1

const MOST: usize = 64 * 1024; // how many bytes may wait for one socket

/// The events' chunks. The id of the first one is 1. A thread that has this lock may take that of
/// the streams too, and never the other way round.
static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static STREAMS: Mutex<Vec<Stream>> = Mutex::new(Vec::new());

struct Stream {
    socket: TcpStream,
    /// What the socket has not taken yet.
    unsent: Vec<u8>,
}

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for socket in listener.incoming() {
            let spawn = |socket| thread::Builder::new().spawn(|| serve(socket));
            if socket.and_then(spawn).is_err() {
                // There are too many sockets, or too many threads: one that ends makes room.
                thread::sleep(Duration::from_millis(100));
            }
        }
    });
    thread::spawn(|| {
        loop {
            thread::sleep(Duration::from_millis(100));
            send("");
        }
    });
    for line in io::stdin().lines() {
        publish(&line?);
    }
    send(LAST_CHUNK);
    Ok(())
}

fn serve(socket: TcpStream) -> io::Result<()> {
    // A client that doesn't say what it wants doesn't keep the thread: after ten seconds without a
    // byte `read` fails.
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    let last_event_id = read_request(&socket)?;
    // Don't hold a small write back until what was sent before is acknowledged (Nagle's algorithm).
    socket.set_nodelay(true)?;
    // From here on `write` doesn't wait for this socket: it fails with `WouldBlock` instead.
    socket.set_nonblocking(true)?;
    let events = EVENTS.lock().unwrap();
    // As in the fourth program: the head, the id where the stream begins, and what was missed.
    let last = last_event_id.map_or(events.len(), |id| if id > events.len() { 0 } else { id });
    let begin = [HEAD, &chunk(&format!("id: {last}\n\n")), &events[last..].concat()].concat();
    STREAMS.lock().unwrap().push(Stream { socket, unsent: begin.into() });
    send("");
    Ok(())
}

fn publish(line: &str) {
    let mut events = EVENTS.lock().unwrap();
    // A CR alone ends a line of an event stream too (HTML standard §9.2.5). So this may be several,
    // each with a `data:` of its own; the client joins them again, with LF.
    let data: String = line.split('\r').map(|part| format!("data: {part}\n")).collect();
    let event = chunk(&format!("id: {}\n{data}\n", events.len() + 1));
    send(&event);
    events.push(event);
}

fn send(bytes: &str) {
    STREAMS.lock().unwrap().retain_mut(|stream| stream.send(bytes));
}

impl Stream {
    /// Sends what waits and then these bytes, as far as the socket takes them; `false` if the
    /// stream is over.
    fn send(&mut self, bytes: &str) -> bool {
        self.unsent.extend(bytes.as_bytes());
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(len) => drop(self.unsent.drain(..len)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return false,
            }
        }
        self.unsent.len() <= MOST
    }
}

/// A chunk: how many bytes follow, in hexadecimal, CRLF, those bytes, CRLF (RFC 9112 §7.1).
fn chunk(bytes: &str) -> String {
    format!("{:x}\r\n{bytes}\r\n", bytes.len())
}

/// Reads the request, and gives its field `Last-Event-ID`, if it is there (HTML standard §9.2.4).
fn read_request(socket: &TcpStream) -> io::Result<Option<usize>> {
    let (mut reader, mut request) = (BufReader::new(socket.take(8 * 1024)), String::new());
    while reader.read_line(&mut request)? > 2 {}
    Ok(request.to_ascii_lowercase().lines().find_map(|line| {
        let id = line.strip_prefix("last-event-id:")?.trim();
        Some(id.parse().unwrap_or(usize::MAX))
    }))
}

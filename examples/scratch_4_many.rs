//! From scratch, the fourth of six programs: many clients.
//!
//! Added: each connection has a thread, and all streams are in one list under a lock. Each line
//! that you type is an event, which is encoded once and written to each stream. All events are
//! kept, for clients that resume. The end of the input (Ctrl-D) ends all streams and the program.
//! There is no `retry` any more: a browser waits as long as it likes before it reconnects.
//!
//! What is still wrong, and the program that mends it:
//!
//! - A client that doesn't read stops all others: once the kernel's buffers for its connection are
//!   full, `write` waits for it, and holds the lock meanwhile (5).
//! - Each client costs a thread, which does nothing but wait for the client's end (5).
//! - The memory grows with each event, and no gap is told any more (6).
//! - A line that isn't UTF-8 is an error, which ends the program. That stays so.
//!
//! System calls: for a client `accept4`, `clone3` and some 20 around it for the thread, `recvfrom`
//! for the request, `setsockopt`, `sendto`, `recvfrom` again, which waits for the client's end, and
//! `close`. For a line `read`, and `sendto` to each client.
//!
//! ```text
//! $ cargo run --example scratch_4_many
//! listening on http://127.0.0.1:3000
//! hello                                   # type this once a curl or two are there
//!
//! $ curl -N http://127.0.0.1:3000/        # in other shells
//! ```
//!
//! Then end it and type faster, `(sleep 10; seq 1000000) | target/debug/examples/scratch_4_many`,
//! and stop one of two curls with Ctrl-Z: soon the other one stands still too. `fg` lets both go
//! on.

#![forbid(unsafe_code)]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
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

/// The events' chunks. The id of the first one is 1. A thread that has this lock may take that of
/// the streams too, and never the other way round.
static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static STREAMS: Mutex<Vec<Arc<TcpStream>>> = Mutex::new(Vec::new());

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
    for line in io::stdin().lines() {
        publish(&line?);
    }
    send(LAST_CHUNK);
    Ok(())
}

fn serve(socket: TcpStream) -> io::Result<()> {
    let last_event_id = read_request(&socket)?;
    // Don't hold a small write back until what was sent before is acknowledged (Nagle's algorithm).
    socket.set_nodelay(true)?;
    let socket = Arc::new(socket);
    begin(&socket, last_event_id)?;
    // The client has nothing more to say: this waits for its end.
    while matches!((&*socket).read(&mut [0; 512]), Ok(1..)) {}
    STREAMS.lock().unwrap().retain(|other| !Arc::ptr_eq(other, &socket));
    Ok(())
}

/// Sends what comes first, and puts the stream in the list. All the while this has the lock of the
/// events: so none can come in between, and be lost or sent twice.
fn begin(socket: &Arc<TcpStream>, last_event_id: Option<usize>) -> io::Result<()> {
    let events = EVENTS.lock().unwrap();
    // After an id that hasn't been yet, and so is of an earlier run, comes everything there is.
    let last = last_event_id.map_or(events.len(), |id| if id > events.len() { 0 } else { id });
    // The head; the id where the stream begins, which dispatches nothing, as there is no data; and
    // what was missed.
    let begin = [HEAD, &chunk(&format!("id: {last}\n\n")), &events[last..].concat()].concat();
    (&**socket).write_all(begin.as_bytes())?;
    STREAMS.lock().unwrap().push(Arc::clone(socket));
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
    // A client that can't be written to has gone: it is taken from the list.
    STREAMS.lock().unwrap().retain(|socket| (&**socket).write_all(bytes.as_bytes()).is_ok());
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

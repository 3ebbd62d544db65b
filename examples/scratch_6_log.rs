//! From scratch, the last of six programs: a channel is a log, and a stream is a cursor into it.
//!
//! Added: a channel, which is a sequence of events for all who listen to it, is a log. No stream
//! has a queue. It has a cursor, which is the id of the last event that it was given; what comes
//! next is in the log, where each event is encoded once and shared. To resume is to set the cursor
//! back. A slow reader is a cursor that stays back, and costs nothing more. The log is bounded, and
//! a stream whose cursor is older than the log is told what it lost. That is the idea of this
//! library.
//!
//! What is still wrong, and where the library mends it:
//!
//! - A client that catches up costs a write for each event, and not one for many:
//!   `src/log/batch.rs`.
//! - The log is bounded by a number of events, and not by bytes: `src/log/mod.rs`.
//! - That a client has gone is noticed by a write, and so never, if there are no events:
//!   `src/stream/delivery.rs`.
//! - At the end of the input the program ends too, and cuts off each stream whose cursor isn't
//!   there yet: `src/server/serving.rs`.
//! - All wait for one lock, and a thread tries all streams ten times a second, whether there is
//!   something to do or not: `src/channel/group.rs`, `src/net/watch.rs`.
//! - An id of an earlier run is taken for one of this run: `src/log/id.rs`.
//! - Whatever a client asks for, the response is the same: `src/http/parser.rs`,
//!   `src/server/dispatch.rs`.
//!
//! System calls: those of the fifth program.
//!
//! ```text
//! $ cargo build --example scratch_6_log
//! $ (sleep 10; seq 1000000) | target/debug/examples/scratch_6_log
//! listening on http://127.0.0.1:3000
//!
//! $ curl -N http://127.0.0.1:3000/ > b    # in a second shell, to see how long the events go on
//!
//! $ curl -N http://127.0.0.1:3000/ > a    # in a third one; Ctrl-Z once the events have begun
//! $ fg                                    # some seconds later, while the other one goes on
//! $ grep -A 1 'event: gap' a              # when it has ended
//! ```
//!
//! After a million events the fourth and the fifth program have 100 MiB of memory, this one 2.5.

#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
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

const KEPT: usize = 100; // how many events the log keeps

/// A thread that has this lock may take that of the streams too, and never the other way round.
static LOG: Mutex<Log> = Mutex::new(Log { oldest: 1, chunks: VecDeque::new() });
static STREAMS: Mutex<Vec<Stream>> = Mutex::new(Vec::new());

struct Log {
    /// The id of the oldest event that is kept, and the chunks of all that are: each exists once.
    oldest: u64,
    chunks: VecDeque<Arc<str>>,
}

struct Stream {
    socket: TcpStream,
    /// The id of the newest event that it was given.
    cursor: u64,
    /// The chunk that it sends at the moment, and how many bytes of it the socket has taken.
    chunk: Arc<str>,
    taken: usize,
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
            LOG.lock().unwrap().send();
        }
    });
    for line in io::stdin().lines() {
        LOG.lock().unwrap().publish(&line?);
    }
    // The last thing in the log: the end, for each stream that gets there before the program ends.
    LOG.lock().unwrap().push(LAST_CHUNK);
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
    let log = LOG.lock().unwrap();
    let cursor = last_event_id.map_or(log.newest(), |id| if id > log.newest() { 0 } else { id });
    // The head, and the id where the stream begins, which dispatches nothing, as there is no data.
    let begin = HEAD.to_owned() + &chunk(&format!("id: {cursor}\n\n"));
    STREAMS.lock().unwrap().push(Stream { socket, cursor, chunk: begin.into(), taken: 0 });
    log.send();
    Ok(())
}

impl Log {
    fn newest(&self) -> u64 {
        self.oldest + self.chunks.len() as u64 - 1
    }

    fn publish(&mut self, line: &str) {
        // A CR alone ends a line of an event stream too (HTML standard §9.2.5). So this may be
        // several, each with a `data:` of its own; the client joins them again, with LF.
        let data: String = line.split('\r').map(|part| format!("data: {part}\n")).collect();
        self.push(&chunk(&format!("id: {}\n{data}\n", self.newest() + 1)));
    }

    fn push(&mut self, chunk: &str) {
        self.chunks.push_back(chunk.into());
        if self.chunks.len() > KEPT {
            self.chunks.pop_front();
            self.oldest += 1;
        }
        self.send();
    }

    /// Sends to each stream what the log has for it.
    fn send(&self) {
        STREAMS.lock().unwrap().retain_mut(|stream| stream.send(self));
    }

    /// What to send after this cursor, if there is anything. It moves the cursor past that.
    fn next(&self, cursor: &mut u64) -> Option<Arc<str>> {
        if *cursor + 1 < self.oldest {
            // What comes next is in the log no more, and an event says so. It has the id of the
            // last one that is lost: so a client that is cut off after it resumes after that.
            let (first, last) = (*cursor + 1, self.oldest - 1);
            *cursor = last;
            let gap = format!("id: {last}\nevent: gap\ndata: {first} to {last} are lost\n\n");
            return Some(chunk(&gap).into());
        }
        let next = self.chunks.get((*cursor + 1 - self.oldest) as usize)?;
        *cursor += 1;
        Some(Arc::clone(next))
    }
}

impl Stream {
    /// Sends as much of the log as the socket takes; `false` if the stream is over.
    fn send(&mut self, log: &Log) -> bool {
        loop {
            while self.taken < self.chunk.len() {
                match self.socket.write(&self.chunk.as_bytes()[self.taken..]) {
                    Ok(len) => self.taken += len,
                    Err(error) => return error.kind() == ErrorKind::WouldBlock,
                }
            }
            let Some(next) = log.next(&mut self.cursor) else { return true };
            (self.chunk, self.taken) = (next, 0);
        }
    }
}

/// A chunk: how many bytes follow, in hexadecimal, CRLF, those bytes, CRLF (RFC 9112 §7.1).
fn chunk(bytes: &str) -> String {
    format!("{:x}\r\n{bytes}\r\n", bytes.len())
}

/// Reads the request, and gives its field `Last-Event-ID`, if it is there (HTML standard §9.2.4).
fn read_request(socket: &TcpStream) -> io::Result<Option<u64>> {
    let (mut reader, mut request) = (BufReader::new(socket.take(8 * 1024)), String::new());
    while reader.read_line(&mut request)? > 2 {}
    Ok(request.to_ascii_lowercase().lines().find_map(|line| {
        let id = line.strip_prefix("last-event-id:")?.trim();
        Some(id.parse().unwrap_or(u64::MAX))
    }))
}

//! `tidings mock`, as a client meets it: the bytes on the wire, and how connections end.

mod cassettes;
mod chaos;
mod report;
mod scripts;
mod wire;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::support::http::connect;
use super::*;

/// A mock, and the script that it was started with.
struct Mock {
    process: Process,
    _script: TemporaryFile,
}

impl Mock {
    /// Starts a mock; the script's name ends like this.
    fn start(ending: &str, script: impl AsRef<[u8]>, options: &[&str]) -> Self {
        let script = file(ending, script);
        let path = script.0.display().to_string();
        let process = Process::hub(&[&["mock", &path], options].concat());
        Self { process, _script: script }
    }

    fn of_script(script: &str) -> Self {
        Self::start("sse", script, &[])
    }

    fn address(&self) -> SocketAddr {
        self.process.address()
    }

    /// Connects as a browser does, with this last event ID if it is not empty.
    fn get(&self, last_event_id: &str) -> Received {
        let id = match last_event_id {
            "" => String::new(),
            id => format!("Last-Event-ID: {id}\r\n"),
        };
        let accept = "Accept: text/event-stream\r\n";
        let request = format!("GET /events HTTP/1.1\r\nHost: localhost\r\n{accept}{id}\r\n");
        Received::of(self.send(request))
    }

    /// Sends the bytes of a request.
    fn send(&self, request: impl AsRef<[u8]>) -> TcpStream {
        let mut socket = connect(self.address());
        socket.write_all(request.as_ref()).unwrap();
        socket
    }

    /// The lines that it has printed after the first, once it has ended; the client did well.
    fn said(&mut self) -> Vec<String> {
        assert_eq!(self.process.ended(), Some(0));
        assert_eq!(self.process.stderr(), [""; 0]);
        self.printed()
    }

    fn printed(&mut self) -> Vec<String> {
        // The reading thread may be a little behind.
        self.process.line("  stops at other failures");
        self.process.stdout()[1..].to_vec()
    }
}

/// A file of its own for each script.
fn file(ending: &str, content: impl AsRef<[u8]>) -> TemporaryFile {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    TemporaryFile::new(&format!("{number}.{ending}"), content)
}

/// What the mock prints that serves nothing.
fn print(ending: &str, script: impl AsRef<[u8]>, options: &[&str]) -> Vec<u8> {
    let script = file(ending, script);
    let mut command = std::process::Command::new(super::super::support::process::hub_path());
    let output = command.args(["mock", "--print"]).args(options).arg(&script.0).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    output.stdout
}

/// How a connection ended, as the client's system tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Close {
    Closed,
    Reset,
}

/// All that came on a connection.
#[derive(Debug, PartialEq, Eq)]
struct Received {
    bytes: Vec<u8>,
    close: Close,
}

impl Received {
    fn of(mut socket: TcpStream) -> Self {
        let mut bytes = Vec::new();
        let close = match socket.read_to_end(&mut bytes) {
            Ok(_) => Close::Closed,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Close::Reset,
            Err(error) => panic!("{error} after {:?}", bytes.escape_ascii().to_string()),
        };
        Self { bytes, close }
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("UTF-8")
    }

    /// What stands before the content, and the content as it came.
    fn split(&self) -> (&str, &[u8]) {
        let end = self.bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let (head, content) = self.bytes.split_at(end.expect("a head") + 4);
        (std::str::from_utf8(head).expect("a head is text"), content)
    }

    /// The chunks, and whether there was a last one. A chunk that is cut off is left out.
    fn chunks(&self) -> (Vec<Vec<u8>>, bool) {
        let (_, mut rest) = self.split();
        let mut chunks = Vec::new();
        while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
            let size = std::str::from_utf8(&rest[..end]).expect("a chunk size");
            let size = usize::from_str_radix(size, 16).expect("a chunk size");
            let Some((chunk, after)) = rest[end + 2..].split_at_checked(size + 2) else { break };
            if size == 0 {
                assert_eq!((chunk, after), (&b"\r\n"[..], &b""[..]));
                return (chunks, true);
            }
            chunks.push(chunk[..size].to_vec());
            rest = after;
        }
        (chunks, false)
    }

    fn content(&self) -> Vec<u8> {
        self.chunks().0.concat()
    }

    #[track_caller]
    fn assert(&self, head: &str, content: &str, close: Close) {
        assert_eq!((self.text(), self.close), (&*format!("{head}{content}"), close));
    }
}

/// The head of every stream.
const HEAD: &str = "HTTP/1.1 200 OK\r\n\
    Content-Type: text/event-stream\r\n\
    Cache-Control: no-cache\r\n\
    Transfer-Encoding: chunked\r\n\
    Connection: close\r\n\
    \r\n";

const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\
    Cache-Control: no-cache\r\n\
    Connection: close\r\n\
    \r\n";

/// The last chunk.
const LAST: &str = "0\r\n\r\n";

//! Raw HTTP/1.1: the bytes of a request go out as they are, the bytes of a response come back.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use super::SOON;

/// A response, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    /// Field lines without their CRLF.
    pub(crate) fields: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl HttpResponse {
    /// The value of the first field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .filter_map(|line| line.split_once(": "))
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }
}

/// A connection whose reads don't wait for ever.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).expect("the server accepts");
    socket.set_read_timeout(Some(SOON)).unwrap();
    socket.set_write_timeout(Some(SOON)).unwrap();
    socket
}

/// A connection that stays: requests go out as they are, responses come back one by one.
pub(crate) struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let socket = connect(address);
        socket.set_nodelay(true).unwrap();
        Self::over(socket)
    }

    /// A client that goes on with a connection.
    pub(crate) fn over(socket: TcpStream) -> Self {
        Self { reader: BufReader::new(socket) }
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        self.reader.get_ref()
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket().write_all(bytes.as_ref()).expect("the server reads");
    }

    pub(crate) fn response(&mut self) -> HttpResponse {
        read_response(&mut self.reader, false)
    }

    /// A response without a body, as that to a HEAD, or one whose body is read chunk by chunk.
    pub(crate) fn head(&mut self) -> HttpResponse {
        read_response(&mut self.reader, true)
    }

    /// Sends a GET and reads its response.
    pub(crate) fn get(&mut self, target: &str) -> HttpResponse {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        self.response()
    }

    /// Opens a stream, and gives the response's head and the first chunk, which comes with it.
    #[track_caller]
    pub(crate) fn open(&mut self, target: &str) -> HttpResponse {
        let accept = "Accept: text/event-stream\r\n";
        self.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{accept}\r\n"));
        let mut begin = self.head();
        assert_eq!(begin.field("Content-Type"), Some("text/event-stream"));
        begin.body = self.chunk().expect("a first chunk").into_bytes();
        begin
    }

    /// The content of the next chunk; `None` at the last.
    #[track_caller]
    pub(crate) fn chunk(&mut self) -> Option<String> {
        let chunk = read_chunk(&mut self.reader).expect("a chunk");
        chunk.map(|chunk| String::from_utf8(chunk).expect("UTF-8"))
    }

    /// Everything up to the end of the connection, which must come by itself, and soon even where
    /// the server always has something to say.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> String {
        let until = Instant::now() + SOON;
        let mut rest = Vec::new();
        loop {
            let some = self.reader.fill_buf().expect("the server closes the connection");
            if some.is_empty() {
                return String::from_utf8(rest).expect("UTF-8");
            }
            rest.extend_from_slice(some);
            let len = some.len();
            self.reader.consume(len);
            assert!(Instant::now() < until, "the server goes on and on: {} bytes", rest.len());
        }
    }
}

/// Sends a request on a connection of its own and reads the response.
pub(crate) fn exchange(address: SocketAddr, request: &[u8]) -> HttpResponse {
    let mut socket = connect(address);
    socket.write_all(request).unwrap();
    let head_only = request.starts_with(b"HEAD ");
    read_response(&mut BufReader::new(socket), head_only)
}

pub(crate) fn get(address: SocketAddr, target: &str) -> HttpResponse {
    exchange(address, format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
}

pub(crate) fn post(address: SocketAddr, target: &str, body: &str) -> HttpResponse {
    let length = body.len();
    let head = format!("POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}");
    exchange(address, format!("{head}\r\n\r\n{body}").as_bytes())
}

/// The reconnection time with which a stream ended, in milliseconds: what came of it must be these
/// bytes, one chunk with that time, and the last chunk.
#[track_caller]
pub(crate) fn retry_behind(before: &str, rest: &str) -> u32 {
    let time = rest.rsplit_once("retry: ").and_then(|(_, after)| after.split_once('\n'));
    let (time, _) = time.unwrap_or_else(|| panic!("no reconnection time: {rest:?}"));
    let retry = format!("retry: {time}\n\n");
    assert_eq!(rest, format!("{before}{:x}\r\n{retry}\r\n0\r\n\r\n", retry.len()));
    time.parse().expect("milliseconds")
}

/// Reads one response, and leaves what comes behind it.
pub(crate) fn read_response(reader: &mut impl BufRead, head_only: bool) -> HttpResponse {
    let (status, fields) = read_head(reader);
    let mut response = HttpResponse { status, fields, body: Vec::new() };
    let bodiless = head_only || status == 204 || status == 304 || status < 200;
    let length = response.field("Content-Length").map(|text| text.parse().expect("a number"));
    match length {
        _ if bodiless => {}
        Some(length) => {
            response.body = vec![0; length];
            reader.read_exact(&mut response.body).expect("the whole body");
        }
        None if response.field("Transfer-Encoding") == Some("chunked") => {
            while let Some(chunk) = read_chunk(reader).expect("a chunk") {
                response.body.extend(chunk);
            }
        }
        None => drop(reader.read_to_end(&mut response.body).expect("an end")),
    }
    response
}

/// Reads a head: the status and the field lines.
pub(crate) fn read_head(reader: &mut impl BufRead) -> (u16, Vec<String>) {
    let mut lines = std::iter::from_fn(|| {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line of the head");
        let line = line.strip_suffix("\r\n").expect("a line ends in CRLF").to_owned();
        Some(line).filter(|line| !line.is_empty())
    });
    let status_line = lines.next().expect("a status line");
    let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    (status.expect("HTTP/1.1").parse().expect("three digits"), lines.collect())
}

/// Reads one chunk; `None` for the last.
pub(crate) fn read_chunk(reader: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let cut_off = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let mut size = String::new();
    reader.read_line(&mut size)?;
    let size = size.strip_suffix("\r\n").ok_or_else(cut_off)?;
    let size = usize::from_str_radix(size, 16).expect("a chunk size");
    let mut chunk = vec![0; size + 2];
    reader.read_exact(&mut chunk)?;
    assert!(chunk.ends_with(b"\r\n"), "a chunk ends in CRLF");
    chunk.truncate(size);
    Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
}

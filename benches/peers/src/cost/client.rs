//! The client's sockets: a connection that is kept, and streams.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use memchr::memmem;

use crate::Result;

const PATIENCE: Duration = Duration::from_secs(30);

/// What an event has as data: 64 bytes, of which the first is written nowhere else.
const DATA: &str = "@..............................................................$";

fn connect(address: &str) -> Result<TcpStream> {
    let socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// A connection that is kept, for requests one after the other.
pub(super) struct Kept {
    socket: TcpStream,
    health: String,
    post: String,
}

impl Kept {
    /// Connects, to publish on this channel.
    pub(super) fn new(address: &str, channel: &str) -> Result<Self> {
        let length = DATA.len();
        Ok(Self {
            socket: connect(address)?,
            health: format!("GET /health HTTP/1.1\r\nHost: {address}\r\n\r\n"),
            post: format!(
                "POST /events/{channel} HTTP/1.1\r\nHost: {address}\r\n\
                 Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{DATA}"
            ),
        })
    }

    pub(super) fn health(&mut self) -> Result<()> {
        self.socket.write_all(self.health.as_bytes())?;
        self.response().map(drop)
    }

    /// Publishes one event, and gives its id.
    pub(super) fn publish(&mut self) -> Result<String> {
        self.socket.write_all(self.post.as_bytes())?;
        self.response()
    }

    /// Reads one response; its body is one line.
    fn response(&mut self) -> Result<String> {
        let mut bytes = Vec::new();
        loop {
            read(&mut self.socket, &mut bytes)?;
            let Some(end) = memmem::find(&bytes, b"\r\n\r\n") else { continue };
            if !bytes.starts_with(b"HTTP/1.1 200 ") {
                return Err(String::from_utf8_lossy(&bytes).into());
            }
            if bytes.len() > end + 4 && bytes.ends_with(b"\n") {
                return Ok(String::from_utf8_lossy(&bytes[end + 4..]).trim().to_owned());
            }
        }
    }
}

/// Where streams come from.
pub(super) struct Source {
    address: String,
    request: String,
}

impl Source {
    /// Streams of this target, with this field in the request.
    pub(super) fn new(address: &str, target: &str, field: Option<(&str, &str)>) -> Self {
        let field = field.map_or(String::new(), |(name, value)| format!("{name}: {value}\r\n"));
        Self {
            address: address.to_owned(),
            request: format!(
                "GET {target} HTTP/1.1\r\nHost: {address}\r\n\
                 Accept: text/event-stream\r\n{field}\r\n"
            ),
        }
    }

    pub(super) fn open_many(&self, count: usize) -> Result<Vec<Stream>> {
        (0..count).map(|_| self.open(0)).collect()
    }

    /// Opens one, and waits for its head and so many events.
    pub(super) fn open(&self, events: usize) -> Result<Stream> {
        let mut socket = connect(&self.address)?;
        socket.write_all(self.request.as_bytes())?;
        let mut bytes = Vec::new();
        while memmem::find(&bytes, b"\r\n\r\n").is_none() {
            read(&mut socket, &mut bytes)?;
        }
        if !bytes.starts_with(b"HTTP/1.1 200 ") {
            return Err(String::from_utf8_lossy(&bytes).into());
        }
        let mut stream = Stream { socket };
        stream.finish(events, bytes)?;
        Ok(stream)
    }
}

/// A stream. Dropping it closes the connection.
pub(super) struct Stream {
    socket: TcpStream,
}

impl Stream {
    /// Reads so many events.
    pub(super) fn read(&mut self, events: usize) -> Result<()> {
        self.finish(events, Vec::new())
    }

    fn finish(&mut self, events: usize, mut bytes: Vec<u8>) -> Result<()> {
        while memchr::memchr_iter(b'$', &bytes).count() < events {
            read(&mut self.socket, &mut bytes)?;
        }
        Ok(())
    }
}

fn read(socket: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<()> {
    let mut buffer = [0; 4096];
    match socket.read(&mut buffer)? {
        0 => Err("the program closed a connection".into()),
        read => {
            bytes.extend_from_slice(&buffer[..read]);
            Ok(())
        }
    }
}

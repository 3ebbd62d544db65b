//! HTTP and event streams as bytes, from hubs that may die at any of them.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Far longer than a hub may take.
const LONGEST: Duration = Duration::from_secs(10);

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(LONGEST))?;
    socket.set_write_timeout(Some(LONGEST))?;
    Ok(socket)
}

fn cut_off() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

/// Publishes, and gives the status and the body of a response that came as a whole.
pub(crate) fn post(
    address: SocketAddr,
    channel: &str,
    fields: &str,
    body: &str,
) -> io::Result<(u16, String)> {
    let mut socket = connect(address)?;
    let head = format!("POST /events/{channel} HTTP/1.1\r\nHost: localhost\r\nConnection: close");
    let length = body.len();
    write!(socket, "{head}\r\n{fields}Content-Length: {length}\r\n\r\n{body}")?;
    let mut reader = BufReader::new(socket);
    let (status, length) = head_of(&mut reader)?;
    let mut body = vec![0; length.ok_or_else(cut_off)?];
    reader.read_exact(&mut body)?;
    Ok((status, String::from_utf8_lossy(&body).into()))
}

/// Reads a head: the status, and the length of the body if there is one.
fn head_of(reader: &mut impl BufRead) -> io::Result<(u16, Option<usize>)> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(cut_off)?;
    let mut length = None;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        match line.strip_suffix("\r\n").ok_or_else(cut_off)? {
            "" => return Ok((status, length)),
            field => {
                let value = field.strip_prefix("Content-Length: ");
                length = value.and_then(|value| value.parse().ok()).or(length);
            }
        }
    }
}

/// A block of an event stream.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) id: Option<String>,
    pub(crate) event: String,
    pub(crate) data: Option<String>,
}

/// One connection with an event stream.
pub(crate) struct Stream {
    socket: TcpStream,
    pub(crate) status: u16,
    /// What is left of chunks, and of blocks.
    chunks: Vec<u8>,
    text: Vec<u8>,
    is_over: bool,
}

impl Stream {
    pub(crate) fn open(
        address: SocketAddr,
        target: &str,
        last_event_id: Option<&str>,
    ) -> io::Result<Self> {
        let mut socket = connect(address)?;
        let id = last_event_id.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let accept = "Accept: text/event-stream\r\n";
        write!(socket, "GET {target} HTTP/1.1\r\nHost: localhost\r\n{accept}{id}\r\n")?;
        let mut reader = BufReader::new(&socket);
        let (status, _) = head_of(&mut reader)?;
        let chunks = reader.buffer().to_vec();
        socket.set_read_timeout(Some(Duration::from_millis(20)))?;
        Ok(Self { socket, status, chunks, text: Vec::new(), is_over: false })
    }

    /// The blocks that have come since, after a short wait; `None` at the stream's end.
    pub(crate) fn read(&mut self) -> Option<Vec<Block>> {
        let mut buffer = [0; 16 * 1024];
        let mut blocks = self.blocks();
        if blocks.is_empty() && !self.is_over {
            match (&self.socket).read(&mut buffer) {
                Ok(0) => self.is_over = true,
                Ok(read) => self.chunks.extend(&buffer[..read]),
                Err(error) if is_early(&error) => {}
                Err(_) => self.is_over = true,
            }
            blocks = self.blocks();
        }
        if blocks.is_empty() && self.is_over { None } else { Some(blocks) }
    }

    /// Takes whole chunks.
    fn unchunk(&mut self) {
        while let Some(end) = self.chunks.windows(2).position(|two| two == b"\r\n") {
            let size = std::str::from_utf8(&self.chunks[..end]).expect("a chunk's size");
            let size = usize::from_str_radix(size, 16).expect("a chunk's size");
            let whole = end + 2 + size + 2;
            if self.chunks.len() < whole {
                return;
            }
            self.is_over |= size == 0;
            self.text.extend(&self.chunks[end + 2..whole - 2]);
            self.chunks.drain(..whole);
        }
    }

    /// Takes whole blocks.
    fn blocks(&mut self) -> Vec<Block> {
        self.unchunk();
        let mut blocks = Vec::new();
        while let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
            let mut block = Block::default();
            for line in String::from_utf8_lossy(&self.text[..end]).lines() {
                match line.split_once(": ") {
                    Some(("id", id)) => block.id = Some(id.into()),
                    Some(("event", event)) => block.event = event.into(),
                    Some(("data", data)) => block.data = Some(data.into()),
                    // A comment, or the reconnection time.
                    _ => {}
                }
            }
            self.text.drain(..end + 2);
            blocks.push(block);
        }
        blocks
    }
}

fn is_early(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

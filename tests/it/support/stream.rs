//! A client of an event stream that sees its chunks and its events.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use tidings::{MessageEvent, Parser};

use super::http::{connect, read_chunk, read_head};

pub(crate) struct EventStream {
    reader: BufReader<TcpStream>,
    parser: Parser,
    pub(crate) status: u16,
    pub(crate) fields: Vec<String>,
}

/// How a stream ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With its last chunk.
    Whole,
    /// Without it.
    CutOff,
}

impl EventStream {
    pub(crate) fn open(address: SocketAddr, target: &str) -> Self {
        Self::open_with(address, target, "")
    }

    /// Opens a stream; `fields` are whole lines, each with its CRLF.
    pub(crate) fn open_with(address: SocketAddr, target: &str, fields: &str) -> Self {
        let mut socket = connect(address);
        let accept = "Accept: text/event-stream\r\n";
        let head = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{accept}{fields}\r\n");
        socket.write_all(head.as_bytes()).unwrap();
        Self::over(socket)
    }

    /// A stream whose request has been sent.
    pub(crate) fn over(socket: TcpStream) -> Self {
        let mut reader = BufReader::new(socket);
        let (status, fields) = read_head(&mut reader);
        Self { reader, parser: Parser::new(), status, fields }
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        self.reader.get_ref()
    }

    /// The content of the next chunk; `None` at the last.
    pub(crate) fn chunk(&mut self) -> Option<String> {
        let chunk = read_chunk(&mut self.reader).expect("a chunk");
        chunk.map(|chunk| String::from_utf8(chunk).expect("UTF-8"))
    }

    /// The next event, or how the stream ended.
    pub(crate) fn next(&mut self) -> Result<MessageEvent, End> {
        loop {
            if let Some(event) = self.parser.next_event() {
                return Ok(event);
            }
            match read_chunk(&mut self.reader) {
                Ok(Some(chunk)) => self.parser.feed(&chunk).expect("an event stream"),
                Ok(None) => return Err(End::Whole),
                Err(_) => return Err(End::CutOff),
            }
        }
    }

    /// The next event's data; the stream must not have ended.
    #[track_caller]
    pub(crate) fn data(&mut self) -> String {
        self.next().expect("an event").data
    }

    /// Reads to the end, and tells how it ended.
    pub(crate) fn end(&mut self) -> End {
        loop {
            if let Err(end) = self.next() {
                return end;
            }
        }
    }

    /// Reads whatever comes behind the end: nothing, if the connection is closed.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.reader.read_to_end(&mut rest);
        rest
    }

    pub(crate) fn parser(&self) -> &Parser {
        &self.parser
    }
}

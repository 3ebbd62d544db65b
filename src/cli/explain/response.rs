//! What each piece of a response means: bytes of a read in; rows out, each with its meaning.
//!
//! ```text
//! bytes of one read           rows
//! "HTTP/1.1 200 OK\r\n"       head      HTTP/1.1 200 OK␍␊     status line
//! "\r\n"                      head      ␍␊                    end of the head; chunks follow
//! "9\r\n"                     frame     9␍␊                   chunk: 9 bytes
//! "data: a\n"                 stream    data: a␊              data, a line of it
//! "\n"                        stream    ␊                     blank line: dispatch "message"
//! "\r\n"                      frame     ␍␊                    end of the chunk
//! ```
//!
//! A row ends where a line ends, where frame and content meet, and where the read ends. So a line
//! may take several rows; its meaning stands at the last.

use std::mem;

use tidings::http::Framing;
use tidings::trace::Piece;
use tidings::{Parser, Status};

use super::frame::{Around, Frame};
use super::pieces::{self, Block};
use super::row::{Layer, Means, Row, Rows};
use super::words;
use crate::cli::client::{Ending, Part, Reader};

/// Explains one response, from its first byte on.
pub(crate) struct Response {
    reader: Reader,
    /// Tells which blank line dispatches an event.
    parser: Parser,
    /// The current line of the head or of the stream, as far as it has come.
    line: Vec<u8>,
    /// The current line of the frame, which may interrupt one of the stream.
    frame: Frame,
    is_stream: bool,
    /// The head says so far that it is an event stream.
    is_stream_head: bool,
    /// The response has no body, whatever its head says.
    is_to_head: bool,
    block: Block,
    after_cr: bool,
    /// No line of the stream has come yet, so a byte order mark may.
    at_start: bool,
    rows: Rows,
}

impl Response {
    pub(crate) fn new() -> Self {
        Self {
            reader: Reader::new(),
            // The client says what is too long.
            parser: Parser::new().max_line(usize::MAX).max_event(usize::MAX),
            line: Vec::new(),
            frame: Frame::default(),
            is_stream: false,
            is_stream_head: false,
            is_to_head: false,
            block: Block::default(),
            after_cr: false,
            at_start: true,
            rows: Rows::default(),
        }
    }

    /// One to a request with the method HEAD, which has no body.
    pub(crate) fn to_head() -> Self {
        Self { is_to_head: true, ..Self::new() }
    }

    /// Whether all of it has come.
    pub(crate) fn is_over(&self) -> bool {
        self.reader.ending() == Ending::Done
            || self.is_to_head && matches!(self.reader.ending(), Ending::Cut(_) | Ending::Whole)
    }

    /// Whether it is an event stream that goes on.
    pub(crate) fn is_open_stream(&self) -> bool {
        self.is_stream && !self.is_over()
    }

    pub(crate) fn read(&mut self, bytes: &[u8]) -> Vec<Row> {
        let mut rest = bytes;
        self.block.begin_call();
        while let Some((part, bytes)) = self.reader.next(&mut rest) {
            if !matches!(part, Part::Content) {
                self.close_content();
            }
            match part {
                Part::Head => self.take_head(bytes),
                Part::Begin(head) => {
                    self.line.clear();
                    self.is_stream = head.is_event_stream() && head.status() == Status::OK;
                    let means = words::end_of_head(&head, self.is_to_head);
                    let means = (means, Piece::EndOfHead);
                    self.rows.add(Layer::Head, bytes, means);
                }
                Part::Frame => self.take_frame(bytes),
                Part::Content => bytes.iter().for_each(|&byte| self.take_content(byte)),
                Part::End => {}
                Part::Excess => self.rows.add(Layer::Unknown, bytes, "after the end"),
                Part::Broken(refusal) => self.rows.add(Layer::Unknown, bytes, refusal.why()),
                Part::Unknown => self.rows.add(Layer::Unknown, bytes, ""),
            }
        }
        self.close_content();
        if pieces::is_heartbeat(bytes) {
            for row in self.rows.since(0) {
                let is_frame = row.layer == Layer::Frame;
                row.piece = Some(if is_frame { Piece::HeartbeatFrame } else { Piece::Heartbeat });
            }
        }
        self.rows.take()
    }

    fn take_head(&mut self, bytes: &[u8]) {
        let line = words::whole_line(&mut self.line, bytes);
        let means: Means = match line.as_deref().unwrap_or_default() {
            [] => "".into(),
            b"\r\n" | b"\n" => {
                ("end of an interim response; another follows", Piece::Continue).into()
            }
            [b' ' | b'\t', ..] => "goes on with the value before, after a space".into(),
            line if line.starts_with(b"HTTP/1.1 100 ") => {
                (words::STATUS_LINE, Piece::Continue).into()
            }
            line if line.starts_with(b"HTTP/") => (words::STATUS_LINE, Piece::StatusLine).into(),
            line => {
                let piece = pieces::of_response_field(line, &mut self.is_stream_head);
                (words::field_line(line), piece).into()
            }
        };
        self.rows.add(Layer::Head, bytes, means);
    }

    fn take_frame(&mut self, bytes: &[u8]) {
        let whole = if self.is_stream { "stream" } else { "response" };
        let means: Means = match self.frame.take(bytes) {
            None => "".into(),
            Some(Around::Size(words)) => (words, Piece::ChunkSize).into(),
            Some(Around::EndOfData) => ("end of the chunk", Piece::ChunkEnd).into(),
            Some(Around::Last) => {
                (format!("last chunk: the {whole} is whole"), Piece::LastChunk).into()
            }
            Some(Around::Trailer) => "a trailer: dropped".into(),
            Some(Around::End) => (format!("end of the {whole}"), Piece::LastChunk).into(),
        };
        self.rows.add(Layer::Frame, bytes, means);
    }

    fn take_content(&mut self, byte: u8) {
        if mem::take(&mut self.after_cr) && byte == b'\n' {
            return self.join_lf();
        }
        self.rows.push(Layer::Stream, byte);
        if !matches!(byte, b'\r' | b'\n') {
            if self.is_stream {
                self.line.push(byte);
            }
            return;
        }
        self.after_cr = byte == b'\r';
        let line = mem::take(&mut self.line);
        let at_start = mem::take(&mut self.at_start);
        if !self.is_stream {
            return self.close_content();
        }
        let means = words::stream_line(&line, at_start, &mut self.parser);
        let piece = self.block.take(&line, &mut self.rows);
        self.rows.close((means, piece));
    }

    /// What has come of content that is no stream needs no more words.
    fn close_content(&mut self) {
        let is_content = |row: &mut Row| row.layer == Layer::Stream;
        if !self.is_stream && self.rows.last_mut().is_some_and(is_content) {
            self.rows.close(("content, but no event stream", Piece::Content));
        }
    }

    /// An LF after a CR belongs to it, and to its row if that is still open to change.
    fn join_lf(&mut self) {
        match self.rows.last_mut().filter(|row| row.layer == Layer::Stream) {
            Some(row) => row.bytes.push(b'\n'),
            None => self.rows.add(Layer::Stream, b"\n", "belongs to the CR before: one line end"),
        }
    }

    /// What it means that the server ends the connection here.
    pub(crate) fn end(&self) -> &'static str {
        match self.reader.ending() {
            Ending::Done => "all of the response is here",
            Ending::Whole => "and the response with it",
            Ending::Cut(Framing::Chunked) => "it was cut, as the last chunk has not come",
            Ending::Cut(_) => "it was cut, as its length says",
            Ending::NoHead => "before the head was whole",
        }
    }
}

#[cfg(test)]
mod tests;

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
use tidings::{Parser, Status};

use super::row::{Layer, Row, Rows};
use super::words;
use crate::cli::client::{Ending, Part, Reader};

/// Explains one response, from its first byte on.
pub(super) struct Explainer {
    reader: Reader,
    /// Tells which blank line dispatches an event.
    parser: Parser,
    /// The current line of the head or of the stream, as far as it has come.
    line: Vec<u8>,
    /// The current line of the frame, which may interrupt one of the stream.
    frame: Vec<u8>,
    next_frame: Frame,
    is_stream: bool,
    after_cr: bool,
    /// No line of the stream has come yet, so a byte order mark may.
    at_start: bool,
    rows: Rows,
}

/// What the next line of the frame is.
#[derive(Clone, Copy)]
enum Frame {
    Size,
    AfterData,
    Trailers,
}

impl Explainer {
    pub(super) fn new() -> Self {
        Self {
            reader: Reader::new(),
            // The client says what is too long.
            parser: Parser::new().max_line(usize::MAX).max_event(usize::MAX),
            line: Vec::new(),
            frame: Vec::new(),
            next_frame: Frame::Size,
            is_stream: false,
            after_cr: false,
            at_start: true,
            rows: Rows::default(),
        }
    }

    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<Row> {
        let mut rest = bytes;
        while let Some((part, bytes)) = self.reader.next(&mut rest) {
            match part {
                Part::Head => self.take_head(bytes),
                Part::Begin(head) => {
                    self.line.clear();
                    self.is_stream = head.is_event_stream() && head.status() == Status::OK;
                    self.rows.add(Layer::Head, bytes, &words::end_of_head(&head));
                }
                Part::Frame => self.take_frame(bytes),
                Part::Content => bytes.iter().for_each(|&byte| self.take_content(byte)),
                Part::End => {}
                Part::Excess => self.rows.add(Layer::Unknown, bytes, "after the end"),
                Part::Broken(refusal) => self.rows.add(Layer::Unknown, bytes, refusal.why()),
                Part::Unknown => self.rows.add(Layer::Unknown, bytes, ""),
            }
        }
        self.rows.take()
    }

    fn take_head(&mut self, bytes: &[u8]) {
        let line = words::whole_line(&mut self.line, bytes);
        let means = match line.as_deref().unwrap_or_default() {
            [] => "",
            b"\r\n" | b"\n" => "end of an interim response; another follows",
            [b' ' | b'\t', ..] => "goes on with the value before, after a space",
            line if line.starts_with(b"HTTP/") => words::STATUS_LINE,
            line => words::field_line(line),
        };
        self.rows.add(Layer::Head, bytes, means);
    }

    fn take_frame(&mut self, bytes: &[u8]) {
        let Some(line) = words::whole_line(&mut self.frame, bytes) else {
            return self.rows.add(Layer::Frame, bytes, "");
        };
        let (means, next) = match self.next_frame {
            Frame::Size => {
                let is_last =
                    line.iter().take_while(|byte| byte.is_ascii_hexdigit()).all(|&b| b == b'0');
                let next = if is_last { Frame::Trailers } else { Frame::AfterData };
                (words::chunk_size(&line), next)
            }
            Frame::AfterData => ("end of the chunk".into(), Frame::Size),
            Frame::Trailers if line == b"\r\n" => ("end of the stream".into(), Frame::Trailers),
            Frame::Trailers => ("a trailer: dropped".into(), Frame::Trailers),
        };
        self.rows.add(Layer::Frame, bytes, &means);
        self.next_frame = next;
    }

    fn take_content(&mut self, byte: u8) {
        if mem::take(&mut self.after_cr) && byte == b'\n' {
            return self.join_lf();
        }
        self.rows.push(Layer::Stream, byte);
        if !matches!(byte, b'\r' | b'\n') {
            self.line.push(byte);
            return;
        }
        self.after_cr = byte == b'\r';
        let line = mem::take(&mut self.line);
        let at_start = mem::take(&mut self.at_start);
        let means = match self.is_stream {
            true => words::stream_line(&line, at_start, &mut self.parser),
            false => "content, but no event stream".into(),
        };
        self.rows.close(means);
    }

    /// An LF after a CR belongs to it, and to its row if that is still open to change.
    fn join_lf(&mut self) {
        match self.rows.last_mut().filter(|row| row.layer == Layer::Stream) {
            Some(row) => row.bytes.push(b'\n'),
            None => self.rows.add(Layer::Stream, b"\n", "belongs to the CR before: one line end"),
        }
    }

    /// What it means that the server ends the connection here.
    pub(super) fn end(&self) -> &'static str {
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

//! What each piece of an answer is: bytes in, as they were read; rows out, each with its meaning.
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
//! A row ends where a line ends, where chunk and content meet, and where the read ends; so a line
//! may take several rows, and its meaning stands at the last. The head and the body are taken apart
//! by the library's own parsers, one byte at a time: whatever the body's decoder makes no content
//! of is the frame.

use std::mem;

use tidings::http::{BodyDecoder, Framing, ResponseHeadParser};
use tidings::{Parser, Status};

use super::row::{Lines, Part, Row, Rows};
use super::words;

/// As much as the client takes for a head.
const LONGEST_HEAD: usize = 64 * 1024;

/// Explains one answer, from its first byte on.
pub(super) struct Explainer {
    state: State,
    /// Outlives the connection only in the client; here it tells which blank line dispatches.
    parser: Parser,
    /// The current line of the head, the frame or the stream: as much as has come of it.
    line: Vec<u8>,
    /// The frame's line, which the stream's goes on behind.
    frame: Vec<u8>,
    /// The last byte of the stream was CR.
    after_cr: bool,
    /// No line of the stream has come yet, so that a byte order mark may stand before it.
    at_start: bool,
    lines: Lines,
    rows: Rows,
}

enum State {
    Head {
        parser: ResponseHeadParser,
        bytes: Vec<u8>,
    },
    Body(Body),
    /// Nobody can know what comes.
    Lost,
}

struct Body {
    decoder: BodyDecoder,
    framing: Framing,
    frame: Frame,
    is_stream: bool,
}

/// Where in the frame the next line of it stands.
#[derive(Clone, Copy)]
enum Frame {
    Size,
    BehindData,
    Trailers,
}

impl Explainer {
    pub(super) fn new() -> Self {
        let parser = ResponseHeadParser::new(LONGEST_HEAD);
        Self {
            state: State::Head { parser, bytes: Vec::new() },
            // What is too long is for the client to say.
            parser: Parser::new().max_line(usize::MAX).max_event(usize::MAX),
            line: Vec::new(),
            frame: Vec::new(),
            after_cr: false,
            at_start: true,
            lines: Lines::default(),
            rows: Rows::default(),
        }
    }

    /// The rows of one read.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<Row> {
        for &byte in bytes {
            match mem::replace(&mut self.state, State::Lost) {
                State::Head { parser, bytes } => self.take_head(byte, parser, bytes),
                State::Body(body) => self.take_body(byte, body),
                State::Lost => self.rows.push(Part::Unknown, byte),
            }
        }
        let mut rows = self.rows.take();
        self.lines.mark(&mut rows);
        rows
    }

    fn take_head(&mut self, byte: u8, mut parser: ResponseHeadParser, mut head: Vec<u8>) {
        self.rows.push(Part::Head, byte);
        head.push(byte);
        self.line.push(byte);
        let parsed = parser.parse(&head);
        let line = if byte == b'\n' { mem::take(&mut self.line) } else { Vec::new() };
        match parsed {
            Err(refusal) => return self.rows.close(refusal.why()),
            Ok(Some((whole, _))) => {
                self.rows.close(words::end_of_head(&whole));
                let (framing, frame) = (whole.framing(), Frame::Size);
                let decoder = BodyDecoder::endless(framing);
                let is_stream = whole.is_event_stream() && whole.status() == Status::OK;
                self.state = State::Body(Body { decoder, framing, frame, is_stream });
                return;
            }
            Ok(None) if matches!(&line[..], b"\r\n" | b"\n") => {
                self.rows.close("end of an interim answer; another follows")
            }
            Ok(None) if !line.is_empty() => self.rows.close(head_line(&line)),
            Ok(None) => {}
        }
        self.state = State::Head { parser, bytes: head };
    }

    fn take_body(&mut self, byte: u8, mut body: Body) {
        if body.decoder.is_done() {
            self.rows.push(Part::Unknown, byte);
            return self.rows.close("behind the end");
        }
        let mut content = Vec::new();
        if let Err(refusal) = body.decoder.decode(&[byte], &mut content) {
            self.rows.push(Part::Unknown, byte);
            return self.rows.close(refusal.why());
        }
        if content.is_empty() {
            body.frame = self.take_frame(byte, body.frame);
        } else {
            body.frame = Frame::BehindData;
            self.take_content(byte, body.is_stream);
        }
        self.state = State::Body(body);
    }

    fn take_frame(&mut self, byte: u8, frame: Frame) -> Frame {
        self.rows.push(Part::Frame, byte);
        self.frame.push(byte);
        if byte != b'\n' {
            return frame;
        }
        let line = mem::take(&mut self.frame);
        let (means, next) = match frame {
            Frame::Size => {
                let is_last =
                    line.iter().take_while(|byte| byte.is_ascii_hexdigit()).all(|&b| b == b'0');
                let next = if is_last { Frame::Trailers } else { Frame::BehindData };
                (words::chunk_size(&line), next)
            }
            Frame::BehindData => ("end of the chunk".into(), Frame::Size),
            Frame::Trailers if line == b"\r\n" => ("end of the stream".into(), Frame::Trailers),
            Frame::Trailers => ("a trailer: dropped".into(), Frame::Trailers),
        };
        self.rows.close(means);
        next
    }

    fn take_content(&mut self, byte: u8, is_stream: bool) {
        if mem::take(&mut self.after_cr) && byte == b'\n' {
            return self.join_lf();
        }
        self.rows.push(Part::Stream, byte);
        if !matches!(byte, b'\r' | b'\n') {
            self.line.push(byte);
            return;
        }
        self.after_cr = byte == b'\r';
        let line = mem::take(&mut self.line);
        let at_start = mem::take(&mut self.at_start);
        let means = match is_stream {
            true => words::stream_line(&line, at_start, &mut self.parser),
            false => "content, but no event stream".into(),
        };
        self.rows.close(means);
    }

    /// An LF behind a CR belongs to it, and so to its row if that is still there.
    fn join_lf(&mut self) {
        match self.rows.last_mut().filter(|row| row.part == Part::Stream) {
            Some(row) => row.bytes.push(b'\n'),
            None => {
                self.rows.push(Part::Stream, b'\n');
                self.rows.close("belongs to the CR before: one line end");
            }
        }
    }

    /// What it means that the server ends the connection here.
    pub(super) fn end(&self) -> &'static str {
        match &self.state {
            State::Body(body) if body.decoder.is_done() => "all of the answer is here",
            State::Body(Body { framing: Framing::UntilClose, .. }) => "and the answer with it",
            State::Body(Body { framing: Framing::Chunked, .. }) => {
                "it was cut, as the last chunk has not come"
            }
            State::Body(_) => "it was cut, as its length says",
            _ => "before the head was whole",
        }
    }
}

/// A line of a head, with its line end.
fn head_line(line: &[u8]) -> &'static str {
    match line {
        [b' ' | b'\t', ..] => "goes on with the value before, behind a space",
        _ if line.starts_with(b"HTTP/") => words::STATUS_LINE,
        _ => words::field_line(line),
    }
}

#[cfg(test)]
mod tests;

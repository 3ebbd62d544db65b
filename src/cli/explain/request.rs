//! What each piece of the requests on a connection means, in however many calls they go over it.
//!
//! ```text
//! "POST /events/a HTTP/1.1\r\n"   head     request line: method, target, version
//! "Content-Length: 2\r\n"         head     how many bytes follow the head
//! "\r\n"                          head     end of the head; 2 bytes to come
//! "hi"                            stream   content
//! "GET / HTTP/1.1\r\n"            head     the next request
//! ```
//!
//! The library's parser decides what a head is, and its decoder where a body ends. What a proxy
//! says before the first request (the PROXY protocol) is a row of its own, if it comes at once.

use std::mem;

use tidings::Limits;
use tidings::http::{BodyDecoder, Framing, Head, HeadParser};
use tidings::trace::Piece;

use super::pieces;
use super::row::{Layer, Means, Row, Rows};
use super::words;

/// Explains one request after the other, from the first byte of a connection on.
pub(crate) struct Request {
    state: State,
    /// The current line, as far as it has come.
    line: Vec<u8>,
    rows: Rows,
    /// Nothing has come yet.
    at_start: bool,
    /// The request lines that have come since they were last taken.
    begun: Vec<RequestLine>,
}

/// What a request line asks for.
pub(crate) struct RequestLine {
    pub(crate) method: String,
    pub(crate) target: String,
}

enum State {
    /// All of the head that has come.
    Head(HeadParser, Vec<u8>),
    Body(BodyDecoder, Framing),
    /// What came is no request, so the bytes after it have no meaning.
    Lost,
}

impl State {
    fn new() -> Self {
        Self::Head(HeadParser::new(&Limits::default()), Vec::new())
    }
}

impl Request {
    pub(crate) fn new() -> Self {
        let (line, begun) = (Vec::new(), Vec::new());
        Self { state: State::new(), line, rows: Rows::of_request(), at_start: true, begun }
    }

    /// Takes the next bytes.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Vec<Row> {
        let mut rest = bytes;
        if mem::take(&mut self.at_start) {
            let preface;
            (preface, rest) = bytes.split_at(preface_len(bytes));
            let means = ("PROXY protocol: who the client is", Piece::ProxyPreface);
            self.rows.add(Layer::Preface, preface, means);
        }
        while !rest.is_empty() {
            let length = match &self.state {
                State::Head(..) | State::Lost => line_len(rest),
                // One byte at a time shows which of them are no content.
                State::Body(_, Framing::Chunked) => 1,
                State::Body(..) => rest.len(),
            };
            let taken = self.take_some(&rest[..length]);
            rest = &rest[taken..];
        }
        self.close_content();
        self.rows.take()
    }

    /// Whether the next byte is the first of a request.
    pub(crate) fn is_new(&self) -> bool {
        matches!(&self.state, State::Head(_, head) if head.is_empty() && self.line.is_empty())
    }

    /// The requests that have begun since this was last called.
    pub(crate) fn begun(&mut self) -> Vec<RequestLine> {
        mem::take(&mut self.begun)
    }

    /// Returns how many of the bytes it took.
    fn take_some(&mut self, bytes: &[u8]) -> usize {
        match &mut self.state {
            State::Head(..) => self.take_head(bytes),
            State::Lost => self.rows.add(Layer::Unknown, bytes, ""),
            State::Body(decoder, _) => {
                let mut content = Vec::new();
                match decoder.decode(bytes, &mut content) {
                    Ok(taken) => {
                        let is_over = decoder.is_done();
                        self.take_body(&bytes[..taken], !content.is_empty());
                        if is_over {
                            self.begin_again();
                        }
                        return taken;
                    }
                    Err(refusal) => self.lose(bytes, refusal.why()),
                }
            }
        }
        bytes.len()
    }

    fn take_head(&mut self, piece: &[u8]) {
        let State::Head(parser, head) = &mut self.state else { return };
        let before = head.len() - self.line.len();
        let is_first = head[..before].iter().all(|byte| matches!(byte, b'\r' | b'\n'));
        head.extend_from_slice(piece);
        let parsed = parser.parse(head);
        let line = words::whole_line(&mut self.line, piece);
        match (parsed, line) {
            (Err(refusal), _) => self.lose(piece, refusal.why()),
            (Ok(Some((head, _))), _) => self.end_head(piece, &head),
            (Ok(None), None) => self.rows.add(Layer::Head, piece, ""),
            (Ok(None), Some(line)) => self.take_line(piece, &line, is_first),
        }
    }

    fn take_line(&mut self, piece: &[u8], line: &[u8], is_first: bool) {
        let means: Means = match (is_first, line.trim_ascii()) {
            (true, b"") => "an empty line before a request: skipped".into(),
            (true, _) => {
                self.begun.push(RequestLine::of(line));
                (words::REQUEST_LINE, Piece::RequestLine).into()
            }
            _ => (words::field_line(line), pieces::of_request_field(line)).into(),
        };
        self.rows.add(Layer::Head, piece, means);
    }

    fn end_head(&mut self, piece: &[u8], head: &Head) {
        let framing = head.framing();
        let means = (words::end_of(framing), Piece::EndOfRequestHead);
        self.rows.add(Layer::Head, piece, means);
        let decoder = BodyDecoder::endless(framing);
        match decoder.is_done() {
            true => self.begin_again(),
            false => self.state = State::Body(decoder, framing),
        }
    }

    fn take_body(&mut self, bytes: &[u8], is_content: bool) {
        if is_content {
            for line in bytes.split_inclusive(|&byte| byte == b'\n') {
                self.rows.extend(Layer::Stream, line);
                if line.ends_with(b"\n") {
                    self.close_content();
                }
            }
            return;
        }
        self.close_content();
        let Some(line) = words::whole_line(&mut self.line, bytes) else {
            return self.rows.extend(Layer::Frame, bytes);
        };
        let means = match &*line {
            b"\r\n" => "end of the chunk, or of the body".into(),
            line => words::chunk_size(line, "body"),
        };
        self.rows.add(Layer::Frame, bytes, (means, Piece::RequestChunk));
    }

    /// What has come of the content in this call needs no more words.
    fn close_content(&mut self) {
        if self.rows.last_mut().is_some_and(|row| row.layer == Layer::Stream) {
            self.rows.close(("content", Piece::RequestBody));
        }
    }

    fn begin_again(&mut self) {
        self.close_content();
        self.rows.begin_request();
        self.state = State::new();
    }

    fn lose(&mut self, bytes: &[u8], why: &str) {
        self.rows.add(Layer::Unknown, bytes, why);
        self.state = State::Lost;
    }
}

impl RequestLine {
    fn of(line: &[u8]) -> Self {
        let text = String::from_utf8_lossy(line);
        let mut words = text.split_ascii_whitespace().map(str::to_owned);
        let mut next = || words.next().unwrap_or_default();
        Self { method: next(), target: next() }
    }
}

/// How long it is what a proxy says first; often nothing.
fn preface_len(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"PROXY ") {
        return line_len(bytes);
    }
    match bytes.strip_prefix(b"\r\n\r\n\0\r\nQUIT\n") {
        Some([_, _, high, low, ..]) => {
            (16 + usize::from(u16::from_be_bytes([*high, *low]))).min(bytes.len())
        }
        _ => 0,
    }
}

/// How long the first line is, with its LF if that is there.
fn line_len(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of each call, as text.
    fn explained(calls: &[&[u8]]) -> Vec<(Layer, String, String)> {
        let mut request = Request::new();
        let told = |row: Row| (row.layer, row.bytes.escape_ascii().to_string(), row.means);
        calls.iter().flat_map(|bytes| request.take(bytes)).map(told).collect()
    }

    fn rows(expected: &[(Layer, &str, &str)]) -> Vec<(Layer, String, String)> {
        let owned = |&(layer, bytes, means): &(Layer, &str, &str)| {
            (layer, bytes.to_owned(), means.to_owned())
        };
        expected.iter().map(owned).collect()
    }

    #[test]
    fn requests_on_one_connection_are_told_one_after_the_other() {
        let calls: [&[u8]; 2] = [
            b"POST /events/a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\na\nb",
            b"cGET / HTTP/1.1\r\nHost: h\r\n\r\n",
        ];
        let host = (Layer::Head, "Host: h\\r\\n", "the server's name, as the URL has it");
        let expected = rows(&[
            (Layer::Head, "POST /events/a HTTP/1.1\\r\\n", words::REQUEST_LINE),
            host,
            (Layer::Head, "Content-Length: 4\\r\\n", "how many bytes follow the head"),
            (Layer::Head, "\\r\\n", "end of the head; 4 bytes to come"),
            (Layer::Stream, "a\\n", "content"),
            (Layer::Stream, "b", "content"),
            (Layer::Stream, "c", "content"),
            (Layer::Head, "GET / HTTP/1.1\\r\\n", words::REQUEST_LINE),
            host,
            (Layer::Head, "\\r\\n", "end of the head"),
        ]);
        assert_eq!(explained(&calls), expected);
    }

    #[test]
    fn a_body_in_chunks_is_told_with_what_stands_around_its_content() {
        let call = b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\
                     2\r\nhi\r\n0\r\n\r\n";
        let expected = rows(&[
            (Layer::Head, "\\r\\n", "end of the head; chunks follow"),
            (Layer::Frame, "2\\r\\n", "chunk: 2 bytes"),
            (Layer::Stream, "hi", "content"),
            (Layer::Frame, "\\r\\n", "end of the chunk, or of the body"),
            (Layer::Frame, "0\\r\\n", "last chunk: the body is whole"),
            (Layer::Frame, "\\r\\n", "end of the chunk, or of the body"),
        ]);
        assert_eq!(explained(&[call])[3..], expected);
    }

    #[test]
    fn what_a_proxy_says_first_is_no_request() {
        let request = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";
        let binary = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\x02ab";
        for preface in [&b"PROXY UNKNOWN\r\n"[..], binary] {
            let told = explained(&[&[preface, request].concat()]);
            assert_eq!(told[0].0, Layer::Preface);
            assert_eq!(told[0].1, preface.escape_ascii().to_string());
            assert_eq!(told[1].1, "GET / HTTP/1.1\\r\\n");
        }
    }

    #[test]
    fn what_is_no_request_is_told_by_the_rule_that_it_breaks() {
        let told = explained(&[b"GET / HTTP/1.1\r\nHost : h\r\nA: b\r\n"]);
        assert!(told[1].2.contains("there must be no white space"), "{told:?}");
        assert_eq!(told[2], (Layer::Unknown, "A: b\\r\\n".into(), String::new()));
    }

    #[test]
    fn row_48_a_secret_of_any_request_on_the_connection_is_marked() {
        let mut request = Request::new();
        let bytes = b"GET /?token=SECRET HTTP/1.1\r\nHost: h\r\nCookie: SECRET\r\n\r\n";
        let two = bytes.repeat(2);
        for calls in [vec![&bytes[..]; 3], two.chunks(1).collect()] {
            let shown = calls.into_iter().flat_map(|bytes| request.take(bytes));
            let shown: Vec<u8> = shown.flat_map(|row| row.public().concat()).collect();
            let shown = String::from_utf8(shown).expect("text");
            assert!(!shown.contains("SEC") && !shown.contains("RET"), "{shown}");
        }
    }

    #[test]
    fn each_request_line_is_told_once() {
        let mut request = Request::new();
        request.take(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\nHEAD /b HT");
        request.take(b"TP/1.1\r\n");
        let begun = request.begun();
        let begun: Vec<_> = begun.iter().map(|line| (&*line.method, &*line.target)).collect();
        assert_eq!(begun, [("GET", "/a"), ("HEAD", "/b")]);
        assert!(request.begun().is_empty());
    }
}

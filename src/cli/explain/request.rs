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
//! The library's parser decides what a head is, and its decoder where a body ends. Where a proxy
//! may say something before the first request (the PROXY protocol), rows of their own tell it.

use std::mem;

use tidings::Limits;
use tidings::http::{BodyDecoder, Framing, Head, HeadParser};
use tidings::trace::Piece;

use super::frame::{Around, Frame};
use super::pieces;
use super::row::{Layer, Means, Row, Rows};
use super::words;

/// What it means that bytes come where no request is read.
const DROPPED: &str = "dropped: no request is read here any more";

/// How the lines begin in which a proxy says something first. Others may be a request's.
const LINES: [&[u8]; 3] = [b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN"];

/// Explains one request after the other, from the first byte of a connection on.
pub(crate) struct Request {
    state: State,
    /// The current line, as far as it has come.
    line: Vec<u8>,
    rows: Rows,
    /// What has come of what a proxy may say first. None once that is over.
    preface: Option<Vec<u8>>,
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
    Body(BodyDecoder, Framing, Frame),
    /// No request is read any more: what came is none, or nobody responds to one.
    Over,
}

impl State {
    fn new() -> Self {
        Self::Head(HeadParser::new(&Limits::default()), Vec::new())
    }
}

impl Request {
    pub(crate) fn new() -> Self {
        let (line, begun) = (Vec::new(), Vec::new());
        Self { state: State::new(), line, rows: Rows::of_request(), preface: None, begun }
    }

    /// Those of a connection that a proxy may begin with the PROXY protocol.
    pub(crate) fn after_preface() -> Self {
        Self { preface: Some(Vec::new()), ..Self::new() }
    }

    /// Takes the next bytes.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Vec<Row> {
        let preface = self.preface.take();
        let mut rest = preface.map_or(bytes, |came| self.take_preface(came, bytes));
        while !rest.is_empty() {
            let length = match &self.state {
                State::Head(..) | State::Over => line_len(rest),
                // One byte at a time shows which of them are no content.
                State::Body(_, Framing::Chunked, _) => 1,
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

    /// What comes from now on is no request, nor what a proxy says before one.
    pub(crate) fn end(&mut self) {
        self.preface = None;
        self.state = State::Over;
    }

    /// Whether a request has begun, and its target is still to come.
    pub(crate) fn waits_for_target(&self) -> bool {
        let is_some = |head: &[u8]| !head.is_empty() && !head.trim_ascii_start().contains(&b'\n');
        matches!(&self.state, State::Head(_, head) if is_some(head))
    }

    /// Takes what a proxy says first, or may still become that; returns what comes after it.
    fn take_preface<'a>(&mut self, mut came: Vec<u8>, bytes: &'a [u8]) -> &'a [u8] {
        let before = came.len();
        came.extend_from_slice(bytes);
        let Some(length) = preface_len(&came) else {
            self.rows.add(Layer::Preface, bytes, "");
            self.preface = Some(came);
            return &[];
        };
        if let Some(taken) = length.checked_sub(before) {
            let means = ("PROXY protocol: who the client is", Piece::ProxyPreface);
            self.rows.add(Layer::Preface, &bytes[..taken], means);
            return &bytes[taken..];
        }
        // It is a request after all.
        if let State::Head(_, head) = &mut self.state {
            head.extend_from_slice(&came[..before]);
            let line = came[..before].rsplit(|&byte| byte == b'\n').next();
            self.line = line.unwrap_or_default().to_vec();
        }
        bytes
    }

    /// Returns how many of the bytes it took.
    fn take_some(&mut self, bytes: &[u8]) -> usize {
        match &mut self.state {
            State::Head(..) => self.take_head(bytes),
            State::Over => self.rows.add(Layer::Unknown, bytes, DROPPED),
            State::Body(decoder, ..) => {
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
            false => self.state = State::Body(decoder, framing, Frame::default()),
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
        let State::Body(.., frame) = &mut self.state else { return };
        let means: Means = match frame.take(bytes) {
            None => return self.rows.extend(Layer::Frame, bytes),
            Some(Around::Size(words)) => (words, Piece::RequestChunk).into(),
            Some(Around::EndOfData) => ("end of the chunk", Piece::RequestChunkEnd).into(),
            Some(Around::Last) => ("last chunk: the body is whole", Piece::RequestChunk).into(),
            Some(Around::Trailer) => ("a trailer: dropped", Piece::RequestTrailers).into(),
            Some(Around::End) => ("end of the body", Piece::RequestTrailers).into(),
        };
        self.rows.add(Layer::Frame, bytes, means);
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
        self.state = State::Over;
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

/// How long it is what a proxy says first, perhaps nothing. `None` where that goes on, or is not
/// known yet.
fn preface_len(came: &[u8]) -> Option<usize> {
    let begins = |with: &[u8]| came.iter().zip(with).all(|(one, other)| one == other);
    if LINES.iter().any(|line| begins(line)) {
        return came.iter().position(|&byte| byte == b'\n').map(|end| end + 1);
    } else if begins(b"\r\n\r\n\0\r\nQUIT\n") {
        let [.., high, low] = *came.first_chunk::<16>()?;
        let length = 16 + usize::from(u16::from_be_bytes([high, low]));
        return (length <= came.len()).then_some(length);
    }
    Some(0)
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
                     2\r\nhi\r\n0\r\nAge: 5\r\n\r\n";
        let expected = rows(&[
            (Layer::Head, "\\r\\n", "end of the head; chunks follow"),
            (Layer::Frame, "2\\r\\n", "chunk: 2 bytes"),
            (Layer::Stream, "hi", "content"),
            (Layer::Frame, "\\r\\n", "end of the chunk"),
            (Layer::Frame, "0\\r\\n", "last chunk: the body is whole"),
            (Layer::Frame, "Age: 5\\r\\n", "a trailer: dropped"),
            (Layer::Frame, "\\r\\n", "end of the body"),
        ]);
        assert_eq!(explained(&[call])[3..], expected);
    }

    /// What comes after a preface, or in its place, in these calls.
    fn explained_after_preface(calls: &[&[u8]]) -> Vec<Row> {
        let mut request = Request::after_preface();
        calls.iter().flat_map(|bytes| request.take(bytes)).collect()
    }

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";

    #[test]
    fn what_a_proxy_says_first_is_no_request_wherever_a_read_cuts_it() {
        let binary = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\x02ab";
        for preface in [&b"PROXY UNKNOWN\r\n"[..], binary] {
            let calls = [preface, GET].concat();
            for cut in 0..preface.len() {
                let calls = [&calls[..cut], &calls[cut..]];
                let rows = explained_after_preface(&calls[usize::from(cut == 0)..]);
                let (told, after) = rows.split_at(rows.len() - 3);
                assert!(told.iter().all(|row| row.layer == Layer::Preface), "{cut}: {told:?}");
                assert_eq!(
                    told.iter().flat_map(|row| row.bytes.clone()).collect::<Vec<_>>(),
                    preface
                );
                assert_eq!(told.last().and_then(|row| row.piece), Some(Piece::ProxyPreface));
                assert_eq!(after[0].means, words::REQUEST_LINE);
            }
        }
    }

    #[test]
    fn what_only_began_like_a_preface_is_a_request() {
        for (request, cut) in [
            (&b"POST / HTTP/1.1\r\nHost: h\r\n\r\n"[..], 1),
            (b"PROXY/ / HTTP/1.1\r\nHost: h\r\n\r\n", 5),
            (b"PROXY / HTTP/1.1\r\nHost: h\r\n\r\n", 6),
            (b"\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 4),
        ] {
            let mut at_once = Request::new();
            let expected = at_once.take(request).pop().map(|row| (row.bytes, row.means));
            let mut rows = explained_after_preface(&[&request[..cut], &request[cut..]]);
            assert_eq!(rows.pop().map(|row| (row.bytes, row.means)), expected);
        }
        let told = explained(&[b"PROXY UNKNOWN\r\n"]);
        assert_eq!(told[0].0, Layer::Unknown, "where no proxy is believed, it is a bad request");
    }

    #[test]
    fn each_piece_of_a_request_is_one_of_the_library_s() {
        let call = b"PROXY UNKNOWN\r\nPOST /a HTTP/1.1\r\nHost: h\r\nA: b\r\nConnection: close\r\n\
                     Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
        let pieces: Vec<_> =
            explained_after_preface(&[call]).into_iter().map(|row| row.piece).collect();
        let expected = [
            Piece::ProxyPreface,
            Piece::RequestLine,
            Piece::Host,
            Piece::FieldLine,
            Piece::RequestConnection,
            Piece::RequestCoding,
            Piece::EndOfRequestHead,
            Piece::RequestChunk,
            Piece::RequestBody,
            Piece::RequestChunkEnd,
            Piece::RequestChunk,
            Piece::RequestTrailers,
        ];
        assert_eq!(pieces, expected.map(Some));
    }

    #[test]
    fn what_is_no_request_is_told_by_the_rule_that_it_breaks() {
        let told = explained(&[b"GET / HTTP/1.1\r\nHost : h\r\nA: b\r\n"]);
        assert!(told[1].2.contains("there must be no white space"), "{told:?}");
        assert_eq!(told[2], (Layer::Unknown, "A: b\\r\\n".into(), DROPPED.into()));
    }

    /// What is shown of the bytes of these calls.
    fn public(request: &mut Request, calls: &[&[u8]]) -> String {
        let shown = calls.iter().flat_map(|bytes| request.take(bytes));
        let shown: Vec<u8> = shown.flat_map(|row| row.public().concat()).collect();
        String::from_utf8(shown).expect("text")
    }

    #[test]
    fn row_48_a_secret_of_any_request_on_the_connection_is_marked() {
        let mut request = Request::new();
        let bytes = b"GET /?token=SECRET HTTP/1.1\r\nHost: h\r\nCookie: SECRET\r\n\r\n";
        let two = bytes.repeat(2);
        for calls in [vec![&bytes[..]; 3], two.chunks(1).collect()] {
            let shown = public(&mut request, &calls);
            assert!(!shown.contains("SEC") && !shown.contains("RET"), "{shown}");
        }
    }

    #[test]
    fn row_48_a_request_that_begins_like_a_preface_shows_no_secret() {
        let bytes = b"PROXY /?token=SECRET HTTP/1.1\r\n";
        for cut in 0..bytes.len() {
            let shown = public(&mut Request::after_preface(), &[&bytes[..cut], &bytes[cut..]]);
            assert!(!shown.contains("SEC") && !shown.contains("RET"), "{cut}: {shown}");
        }
    }

    #[test]
    fn a_preface_that_nobody_reads_is_dropped() {
        let mut request = Request::after_preface();
        assert_eq!(request.take(b"PROXY TCP4 x")[0].layer, Layer::Preface);
        request.end();
        assert_eq!(request.take(b"PROXY TCP4 x")[0].means, DROPPED);
    }

    #[test]
    fn row_48_what_breaks_the_rules_shows_no_secret() {
        const TO: &str = "GET /a HTTP/1.1\r\nHost: h\r\n";
        const CHUNKS: &str = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
        const NEXT: &str = "GET /b?token=SECRET HTTP/1.1\r\nCookie: SECRET\r\n\r\n";
        for bytes in [
            format!("\r\n{NEXT}"),
            format!("\r\n\r\n\r\n\r\n{NEXT}"),
            "GET  /a?token=SECRET HTTP/1.1\r\n".into(),
            "GET\t/a?token=SECRET HTTP/1.1\r\n".into(),
            "GET /a b?token=SECRET HTTP/1.1\r\n".into(),
            "GET /a?token= SECRET HTTP/1.1\r\n".into(),
            "GET /a?token=SECRET http/1.1\r\n".into(),
            "/a?token=SECRET HTTP/1.1\r\n".into(),
            "/a?token=SECRET\r\n".into(),
            format!("{TO}Authorization Bearer SECRET\r\n\r\n"),
            format!("{TO}GET /?token=SECRET&channel=a:b\r\n\r\n"),
            format!("{TO}Accept: a\rCookie: SECRET\r\n\r\n"),
            format!("{TO}Host: h\rCookie: SECRET\r\n\r\n"),
            format!("GET /a HTTP/1.1\r\nHost : h\r\n\r\n{NEXT}"),
            format!("{TO}Content-Length: 5x\r\n\r\n{NEXT}"),
            format!("{CHUNKS}1;a=SECRET\r\nx\r\n0\r\nAuthorization: SECRET\r\n\r\n"),
            format!("{CHUNKS}zz\r\nx\r\n{NEXT}"),
        ] {
            for size in [bytes.len(), 1, 2, 7] {
                let calls: Vec<_> = bytes.as_bytes().chunks(size).collect();
                let shown = public(&mut Request::new(), &calls);
                let shows = |part| shown.contains(part);
                assert!(!shows("SEC") && !shows("CRE") && !shows("RET"), "{bytes:?}: {shown:?}");
            }
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

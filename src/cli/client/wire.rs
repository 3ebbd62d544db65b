//! The reader of responses: what each of their bytes belongs to.
//!
//! ```text
//! HTTP/1.1 200 OK CRLF        Head       a line, or as much of it as has come
//! CRLF                        Begin      the last line of the head, which is whole
//! 9 CRLF                      Frame      what stands around content, byte by byte
//! data: a LF LF               Content    byte by byte in chunks, and else all that has come
//! CRLF 0 CRLF CRLF            Frame
//!                             End        told once, without bytes
//! x                           Excess     what no request asked for
//! ```
//!
//! A part may continue in the next read, but no split of the reads changes what a byte belongs to.
//! The library's parsers decide: bytes of a body from which its decoder makes no content are frame.

use std::io::{self, ErrorKind};

use tidings::http::{BodyDecoder, Framing, Refusal, ResponseHead, ResponseHeadParser};

/// As much as the library's client takes for a head.
const LONGEST_HEAD: usize = 64 * 1024;

/// Reads one response, from its first byte on.
#[derive(Debug)]
pub(crate) struct Reader {
    state: State,
    /// The content of one step; a field to reuse its memory.
    content: Vec<u8>,
}

#[derive(Debug)]
enum State {
    /// All of the head that has come.
    Head(ResponseHeadParser, Vec<u8>),
    Body(BodyDecoder, Framing),
    Done,
    /// The server broke a rule, so its further bytes have no meaning.
    Lost,
}

pub(crate) enum Part {
    Head,
    Begin(ResponseHead),
    Frame,
    Content,
    End,
    Excess,
    Broken(Refusal),
    /// Bytes after those that break a rule.
    Unknown,
}

/// What it means that the server ends the connection here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Done,
    /// The response ends with its connection.
    Whole,
    /// The response is cut off: by its length, or its last chunk has not come.
    Cut(Framing),
    NoHead,
}

impl Reader {
    pub(crate) fn new() -> Self {
        let parser = ResponseHeadParser::new(LONGEST_HEAD);
        Self { state: State::Head(parser, Vec::new()), content: Vec::new() }
    }

    /// Takes the next part from the start of `bytes`; `None` where more has to come.
    pub(crate) fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<(Part, &'a [u8])> {
        let (part, length) = self.take(bytes)?;
        match &part {
            Part::Begin(head) => {
                let framing = head.framing();
                self.state = State::Body(BodyDecoder::endless(framing), framing);
            }
            Part::End => self.state = State::Done,
            Part::Broken(_) => self.state = State::Lost,
            _ => {}
        }
        let (taken, rest) = bytes.split_at(length);
        *bytes = rest;
        Some((part, taken))
    }

    fn take(&mut self, bytes: &[u8]) -> Option<(Part, usize)> {
        match &mut self.state {
            State::Body(decoder, _) if decoder.is_done() => Some((Part::End, 0)),
            _ if bytes.is_empty() => None,
            State::Head(parser, head) => {
                let end = bytes.iter().position(|&byte| byte == b'\n');
                let length = end.map_or(bytes.len(), |end| end + 1);
                head.extend_from_slice(&bytes[..length]);
                let part = match parser.parse(head) {
                    Ok(None) => Part::Head,
                    Ok(Some((head, _))) => Part::Begin(head),
                    Err(refusal) => Part::Broken(refusal),
                };
                Some((part, length))
            }
            State::Body(decoder, framing) => {
                // One byte at a time shows which of them are no content.
                let length = if *framing == Framing::Chunked { 1 } else { bytes.len() };
                self.content.clear();
                Some(match decoder.decode(&bytes[..length], &mut self.content) {
                    Ok(length) if self.content.is_empty() => (Part::Frame, length),
                    Ok(length) => (Part::Content, length),
                    Err(refusal) => (Part::Broken(refusal), length),
                })
            }
            State::Done => Some((Part::Excess, bytes.len())),
            State::Lost => Some((Part::Unknown, bytes.len())),
        }
    }

    pub(crate) fn ending(&self) -> Ending {
        match &self.state {
            State::Done => Ending::Done,
            State::Body(_, Framing::UntilClose) => Ending::Whole,
            State::Body(_, framing) => Ending::Cut(*framing),
            State::Head(..) | State::Lost => Ending::NoHead,
        }
    }

    pub(crate) fn cut(&self) -> io::Error {
        let when = match self.ending() {
            Ending::NoHead => "before the server had responded",
            _ => "in the middle of the response",
        };
        io::Error::new(ErrorKind::UnexpectedEof, format!("the connection was cut {when}"))
    }
}

pub(crate) fn broken(refusal: &Refusal) -> io::Error {
    let what = format!("the response breaks the rules of HTTP: {}", refusal.why());
    io::Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n";

    /// What each byte of these reads is, as a letter of its own, with `|` where the response ends.
    fn parts<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut reader = Reader::new();
        let mut parts = String::new();
        for mut rest in reads {
            while let Some((part, bytes)) = reader.next(&mut rest) {
                let letter = match part {
                    Part::Head | Part::Begin(_) => "h",
                    Part::Frame => "f",
                    Part::Content => "c",
                    Part::End => "|",
                    Part::Excess => "x",
                    Part::Broken(_) => "b",
                    Part::Unknown => "u",
                };
                parts += &letter.repeat(bytes.len().max((letter == "|").into()));
            }
        }
        parts
    }

    #[test]
    fn each_byte_is_the_same_part_however_the_reads_are_split() {
        let head = "h".repeat(HEAD.len());
        for (fields, body, expected) in [
            (
                "Transfer-Encoding: chunked\r\n",
                "2;a=b\r\n:\n\r\n0\r\nA: b\r\n\r\nxx",
                "fffffffccfffffffffffff|xx",
            ),
            ("Content-Length: 3\r\n", "abcde", "ccc|xx"),
            ("Content-Length: 0\r\n", "", "|"),
            ("", "abc", "ccc"),
            ("Transfer-Encoding: chunked\r\n", "1\r\nabc\r\n", "fffcbuuu"),
        ] {
            let whole = format!("{HEAD}{fields}\r\n{body}");
            let expected = format!("{head}{}{expected}", "h".repeat(fields.len() + 2));
            for step in 1..=whole.len() {
                assert_eq!(parts(whole.as_bytes().chunks(step)), expected, "{whole:?} by {step}");
            }
        }
    }

    #[test]
    fn what_the_end_of_the_connection_means_is_known_at_any_point() {
        let ending = |bytes: &str| {
            let (mut reader, mut rest) = (Reader::new(), bytes.as_bytes());
            while reader.next(&mut rest).is_some() {}
            (reader.ending(), reader.cut().to_string())
        };
        let (early, late) = (
            "the connection was cut before the server had responded",
            "the connection was cut in the middle of the response",
        );
        assert_eq!(ending("HTTP/1.1 200 OK\r\n"), (Ending::NoHead, early.into()));
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
        assert_eq!(ending(chunked), (Ending::Cut(Framing::Chunked), late.into()));
        assert_eq!(ending(&format!("{chunked}\r\n")).0, Ending::Done);
        assert_eq!(ending("HTTP/1.1 200 OK\r\n\r\na").0, Ending::Whole);
        assert_eq!(ending("HTTP/1.1 204 No Content\r\n\r\n").0, Ending::Done);
    }
}

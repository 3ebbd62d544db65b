//! Answers: the bytes that a client gets on one connection, from the head to the events.

use super::random::{Random, cuts};
use crate::http::{BodyDecoder, Framing, Refusal, ResponseHead, ResponseHeadParser, Version};
use crate::sse::parser::{MessageEvent, Parser};

/// Gives 1 if the bytes begin with a whole head, else 0.
pub fn answers(bytes: &[u8]) -> usize {
    let whole = read_in_any_pieces(usize::MAX, bytes);
    let longest = Random::of(bytes).below(bytes.len() + 1);
    let bounded = read_in_any_pieces(longest, bytes);
    let Some(head) = &whole.head else {
        assert!(bounded == whole || matches!(bounded.end, End::Bad(_)));
        return 0;
    };
    assert_eq!(bounded == whole, head.length <= longest, "the bound is exact");
    check(&bytes[..head.length], head);

    let mut again = written(head);
    let length = again.len();
    again.extend_from_slice(&bytes[head.length..]);
    let mut again = read_in_any_pieces(usize::MAX, &again);
    again.head.as_mut().expect("whoever reads what we would write reads what we read").length =
        head.length;
    assert_eq!(again, whole, "of {length} bytes");
    1
}

/// What came of the bytes.
#[derive(Debug, PartialEq)]
struct Answer {
    head: Option<Head>,
    content: Vec<u8>,
    events: Vec<MessageEvent>,
    end: End,
}

#[derive(Debug, PartialEq)]
enum End {
    /// Nothing is wrong yet.
    GoesOn,
    Whole,
    Bad(Refusal),
}

#[derive(Debug, PartialEq)]
struct Head {
    /// In bytes, those of interim answers included.
    length: usize,
    code: u16,
    version: Version,
    reason: String,
    fields: Vec<(String, Vec<u8>)>,
    framing: Framing,
    is_event_stream: bool,
}

impl Head {
    fn new(head: &ResponseHead, length: usize) -> Self {
        Self {
            length,
            code: head.status().code(),
            version: head.version(),
            reason: head.reason().into(),
            fields: head.fields().map(|(name, value)| (name.into(), value.into())).collect(),
            framing: head.framing(),
            is_event_stream: head.is_event_stream(),
        }
    }
}

fn read_in_any_pieces(longest: usize, bytes: &[u8]) -> Answer {
    let whole = read(longest, [bytes]);
    for pieces in cuts(bytes) {
        assert_eq!(read(longest, pieces.iter().copied()), whole, "cut to {pieces:?}");
    }
    whole
}

/// Reads as a client does: a head, a body, a stream.
fn read<'a>(longest: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Answer {
    let mut parser = ResponseHeadParser::new(longest);
    let mut received = Vec::new();
    let mut body: Option<BodyDecoder> = None;
    let mut stream = Parser::new();
    let mut answer =
        Answer { head: None, content: Vec::new(), events: Vec::new(), end: End::GoesOn };
    for piece in pieces {
        let mut piece = piece.to_vec();
        if body.is_none() {
            received.append(&mut piece);
            match parser.parse(&received) {
                Ok(None) => continue,
                Ok(Some((head, length))) => {
                    answer.head = Some(Head::new(&head, length));
                    body = Some(BodyDecoder::endless(head.framing()));
                    piece = received.split_off(length);
                }
                Err(refusal) => return Answer { end: End::Bad(refusal), ..answer },
            }
        }
        let decoder = body.as_mut().expect("it was made");
        let start = answer.content.len();
        let decoded = decoder.decode(&piece, &mut answer.content);
        stream.feed(&answer.content[start..]).expect("it is short");
        answer.events.extend(stream.drain());
        if let Err(refusal) = decoded {
            return Answer { end: End::Bad(refusal), ..answer };
        }
    }
    if body.is_some_and(|body| body.is_done()) {
        answer.end = End::Whole;
    }
    answer
}

/// The second reader: RFC 9112 in the plainest words, only for what was accepted.
fn check(sent: &[u8], head: &Head) {
    // Every byte becomes the character of its number.
    let sent: String = sent.iter().map(|&byte| char::from(byte)).collect();
    let mut heads: Vec<&str> = sent.split("\r\n\r\n").collect();
    assert_eq!(heads.pop(), Some(""), "an empty line ends it");
    let last = heads.pop().expect("a head");
    for interim in heads {
        assert!(interim[8..].starts_with(" 1"), "{interim:?}");
    }
    let mut lines = last.split("\r\n");
    let status_line = lines.next().expect("a status line");
    let (version, code) = (&status_line[..8], &status_line[9..12]);
    assert_eq!(version == "HTTP/1.0", head.version == Version::Http10);
    assert!(version.starts_with("HTTP/1."), "{status_line:?}");
    assert_eq!(code.parse(), Ok(head.code));
    assert!(matches!(status_line[12..].chars().next(), None | Some(' ')), "{status_line:?}");

    let fields: Vec<_> = lines.map(|line| line.split_once(':').expect("a colon")).collect();
    let text = |value: &[u8]| value.iter().map(|&byte| char::from(byte)).collect::<String>();
    let read = head.fields.iter().map(|(name, value)| (name.clone(), text(value)));
    let trimmed = |value: &str| value.trim_matches([' ', '\t']).to_owned();
    assert!(read.eq(fields.iter().map(|(name, value)| ((*name).into(), trimmed(value)))));

    let has = |wanted: &str| fields.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let expected = match head.framing {
        Framing::None => [204, 304].contains(&head.code),
        Framing::Length(_) => has("content-length") && !has("transfer-encoding"),
        Framing::Chunked => has("transfer-encoding") && !has("content-length"),
        Framing::UntilClose => !has("transfer-encoding") && !has("content-length"),
    };
    assert!(expected, "{head:?}");
}

/// The head in its plainest form.
fn written(head: &Head) -> Vec<u8> {
    let version = if head.version == Version::Http10 { "HTTP/1.0" } else { "HTTP/1.1" };
    let mut out = format!("{version} {} {}\r\n", head.code, head.reason).into_bytes();
    for (name, value) in &head.fields {
        out.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    out.extend_from_slice(b"\r\n");
    out
}

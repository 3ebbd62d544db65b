//! Responses: the bytes that a server sends to a client that asked for a stream.

use super::plain::{self, Plain, assert_no_control, text};
use super::random::cuts;
use crate::http::{BodyDecoder, Framing, Refusal, ResponseHead, ResponseHeadParser, Version};
use crate::limits::Limits;

/// More than any response is long here.
const LONGEST: usize = 1024 * 1024;

/// Gives 1 if there is a response, else 0.
pub fn responses(bytes: &[u8]) -> usize {
    let whole = read_in_any_pieces(LONGEST, bytes);
    let Some((response, consumed)) = &whole.response else { return 0 };
    check(&bytes[..*consumed], response);
    check_content(&bytes[*consumed..], &whole, response.framing);
    for longest in [consumed - 1, *consumed] {
        let same = read_in_any_pieces(longest, bytes) == whole;
        assert_eq!(same, longest == *consumed, "{longest}");
    }
    let again = read(LONGEST, [&*write(response)]);
    assert_eq!(again.response.map(|(response, _)| response).as_ref(), Some(response));
    1
}

/// What came of the bytes.
#[derive(Debug, PartialEq)]
struct Read {
    /// With the length of its head, interim ones included.
    response: Option<(Response, usize)>,
    content: Vec<u8>,
    refused: Option<Refusal>,
}

/// The head of a response, as far as it can be compared.
#[derive(Debug, PartialEq)]
struct Response {
    version: Version,
    status: u16,
    reason: String,
    fields: Vec<(String, Vec<u8>)>,
    framing: Framing,
    is_event_stream: bool,
}

impl Response {
    fn new(head: &ResponseHead) -> Self {
        let shown = format!("{head:?}");
        assert!(shown.bytes().all(|byte| !byte.is_ascii_control()), "{shown:?}");
        Self {
            version: head.version(),
            status: head.status().code(),
            reason: head.reason().into(),
            fields: head.fields().map(|(name, value)| (name.into(), value.into())).collect(),
            framing: head.framing(),
            is_event_stream: head.is_event_stream(),
        }
    }
}

fn read_in_any_pieces(longest: usize, bytes: &[u8]) -> Read {
    let whole = read(longest, [bytes]);
    for pieces in cuts(bytes) {
        assert_eq!(read(longest, pieces.iter().copied()), whole, "cut to {pieces:?}");
    }
    whole
}

fn read<'a>(longest: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Read {
    let mut parser = ResponseHeadParser::new(longest);
    let mut received = Vec::new();
    let mut body = None;
    let mut read = Read { response: None, content: Vec::new(), refused: None };
    read.refused = pieces
        .into_iter()
        .try_for_each(|piece| {
            received.extend_from_slice(piece);
            if body.is_none() {
                let Some((head, consumed)) = parser.parse(&received)? else { return Ok(()) };
                received.drain(..consumed);
                body = Some(BodyDecoder::endless(head.framing()));
                read.response = Some((Response::new(&head), consumed));
            }
            let decoder = body.as_mut().expect("it was set after the head");
            decoder.decode(&received, &mut read.content)?;
            received.clear();
            Ok(())
        })
        .err();
    read
}

/// Panics if the head breaks a rule, or says anything else than was understood.
fn check(sent: &[u8], response: &Response) {
    // RFC 9112, section 2.2: a line may end in LF alone.
    let sent = text(sent).replace("\r\n", "\n").replace('\n', "\r\n");
    let sent = plain::unfolded(&sent);
    let mut heads: Vec<_> = sent.split("\r\n\r\n").collect();
    assert_eq!(heads.pop(), Some(""), "an empty line ends it");
    let last = Plain::of_response(heads.pop().expect("a response"));
    for interim in heads {
        let (_, status, _) = status_line(Plain::of_response(interim).first_line);
        assert!((100..200).contains(&status) && status != 101, "{interim:?}");
    }
    let (version, status, reason) = status_line(last.first_line);
    assert!((200..600).contains(&status), "{status}");
    assert_eq!((version, status), (response.version, response.status));
    if reason.is_ascii() {
        assert_eq!(reason, response.reason);
    }
    last.assert_fields_are(&response.fields);
    let framing = match status {
        204 | 304 => Framing::None,
        _ => last.framing_of_response(version).unwrap_or(Framing::UntilClose),
    };
    assert_eq!(framing, response.framing);
    let is_type = |value: &&str| {
        let media_type = value.split(';').next().expect("a first part");
        media_type.trim_end_matches([' ', '\t']).eq_ignore_ascii_case("text/event-stream")
    };
    let types = last.values("content-type").join(",");
    if !types.contains('"') {
        let types = types.split(',').map(|value| value.trim_matches([' ', '\t']));
        let types: Vec<_> = types.filter(|value| !value.is_empty()).collect();
        assert_eq!(response.is_event_stream, !types.is_empty() && types.iter().all(is_type));
    }
}

/// RFC 9112, section 4.
fn status_line(line: &str) -> (Version, u16, &str) {
    let (version, rest) = line.split_once(' ').expect("a space");
    let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    assert!(status.len() == 3 && status.chars().all(|c| c.is_ascii_digit()), "{line:?}");
    assert_no_control(reason);
    (plain::version(version), status.parse().expect("digits"), reason)
}

/// What is content where no chunks are.
fn check_content(body: &[u8], read: &Read, framing: Framing) {
    let length = match framing {
        Framing::None => 0,
        Framing::Length(length) => body.len().min(usize::try_from(length).unwrap_or(usize::MAX)),
        Framing::UntilClose => body.len(),
        Framing::Chunked => return check_chunks(body, read),
    };
    assert_eq!((&read.content[..], &read.refused), (&body[..length], &None));
}

/// A request's decoder, which is stricter, finds the same content in the chunks if it accepts them.
/// If it does not, removing what pads the lines with sizes must make them right.
fn check_chunks(body: &[u8], read: &Read) {
    let strict = |bytes: &[u8]| {
        let limits = Limits::default().chunk_extensions(usize::MAX).body(usize::MAX);
        let mut decoder = BodyDecoder::new(Framing::Chunked, &limits);
        let mut content = Vec::new();
        let decoded = decoder.decode(bytes, &mut content);
        (decoded.is_ok() && decoder.is_done()).then_some(content)
    };
    let mut decoder = BodyDecoder::endless(Framing::Chunked);
    let decoded = decoder.decode(body, &mut Vec::new());
    if let Some(content) = strict(body) {
        // Only room may be missing.
        assert!(decoded.is_err() || content == read.content);
    } else if decoded.is_ok() && decoder.is_done() {
        assert_eq!(strict(&unpadded(body)).as_deref(), Some(&read.content[..]));
    }
}

/// A whole chunked body, without the white space after sizes and their extensions.
fn unpadded(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = body;
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").expect("a line with a size");
        let (line, after) = rest.split_at(end);
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let size = std::str::from_utf8(&line[..digits]).expect("digits");
        let size = usize::from_str_radix(size, 16).expect("a size that memory can have");
        let blanks = line.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        out.extend_from_slice(&line[..line.len() - blanks]);
        if size == 0 {
            out.extend_from_slice(after);
            return out;
        }
        let (chunk, after) = after.split_at(size + 4);
        out.extend_from_slice(chunk);
        rest = after;
    }
}

fn write(response: &Response) -> Vec<u8> {
    let version = match response.version {
        Version::Http10 => "HTTP/1.0",
        Version::Http11 => "HTTP/1.1",
    };
    let mut out = format!("{version} {} {}\r\n", response.status, response.reason).into_bytes();
    for (name, value) in &response.fields {
        out.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    out.extend_from_slice(b"\r\n");
    out
}

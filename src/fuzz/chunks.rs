//! Chunked bodies: the bytes as they come, and content that is put into chunks.

use super::random::{Random, cuts};
use crate::http::chunk;
use crate::http::{BodyDecoder, Framing, Refusal};
use crate::limits::Limits;

/// Gives 1 if the bytes begin with a whole body, else 0.
pub fn chunks(bytes: &[u8]) -> usize {
    let wide = Limits::default();
    let whole = decode_in_any_pieces(&wide, bytes);
    assert!(whole.content.len() <= bytes.len(), "content out of nothing");
    match whole.end {
        Ok(Some(taken)) => {
            assert_eq!(plain(&bytes[..taken]), whole.content);
            for end in [taken - 1, taken] {
                let ended = decode(&wide, [&bytes[..end]]).end == Ok(Some(taken));
                assert_eq!(ended, end == taken, "a body ends at its last byte");
            }
        }
        Ok(None) => assert!(whole.content.len() <= wide.body),
        Err(_) => {}
    }
    check_content(bytes);
    usize::from(matches!(whole.end, Ok(Some(_))))
}

/// What came of the bytes of a body.
#[derive(Debug, PartialEq)]
struct Decoded {
    content: Vec<u8>,
    /// How many bytes the body took, if it has ended.
    end: Result<Option<usize>, Refusal>,
}

fn decode<'a>(limits: &Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Decoded {
    let mut decoder = BodyDecoder::new(Framing::Chunked, limits);
    let mut content = Vec::new();
    let taken = pieces.into_iter().try_fold(0, |taken, piece| {
        let more = decoder.decode(piece, &mut content)?;
        assert!(more == piece.len() || decoder.is_done(), "a body that goes on takes all there is");
        Ok(taken + more)
    });
    Decoded { content, end: taken.map(|taken| decoder.is_done().then_some(taken)) }
}

fn decode_in_any_pieces(limits: &Limits, bytes: &[u8]) -> Decoded {
    let whole = decode(limits, [bytes]);
    assert!(whole.content.len() <= limits.body, "past its limit");
    for pieces in cuts(bytes) {
        assert_eq!(decode(limits, pieces.iter().copied()), whole, "cut to {pieces:?}");
    }
    whole
}

/// The content of a body that was accepted, read without any state but where we are.
fn plain(body: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    let mut rest = body;
    loop {
        let line = take_line(&mut rest);
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (size, extensions) = line.split_at(digits);
        assert!((1..=16).contains(&digits), "{}", line.escape_ascii());
        assert!(matches!(extensions, [] | [b';' | b' ' | b'\t', .., _]));
        let size = std::str::from_utf8(size).expect("digits");
        match usize::from_str_radix(size, 16).expect("a size that memory can have") {
            0 => break,
            size => {
                content.extend_from_slice(&rest[..size]);
                rest = rest[size..].strip_prefix(b"\r\n").expect("CRLF after the data");
            }
        }
    }
    while let [_, ..] = take_line(&mut rest) {}
    assert!(rest.is_empty(), "the body goes on: {}", rest.escape_ascii());
    content
}

/// A line up to its CRLF. Neither CR nor LF may stand in it.
fn take_line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = rest.windows(2).position(|two| two == b"\r\n").expect("the end of a line");
    let line = &rest[..end];
    assert!(!line.contains(&b'\r') && !line.contains(&b'\n'), "{}", line.escape_ascii());
    *rest = &rest[end + 2..];
    line
}

/// Whatever the content and however it is put into chunks: it comes back, within exact limits.
fn check_content(content: &[u8]) {
    let mut random = Random::of(content);
    let mut body = Vec::new();
    let longest = [1, 20, 300, usize::MAX - 1][random.below(4)];
    let mut extensions = 0;
    for piece in random.cut(content, longest) {
        extensions += write_chunk(piece, &mut random, &mut body);
    }
    let trailers: &[u8] = random.pick(&[b"", b"A:\r\n", b"A: b\r\nC:\t\"\xFF\"\r\n"]);
    body.extend_from_slice(random.pick(&[b"0\r\n", b"00\r\n", b"0000000000000000\r\n"]));
    body.extend_from_slice(trailers);
    body.extend_from_slice(b"\r\n");
    let expected = Decoded { content: content.into(), end: Ok(Some(body.len())) };
    let roomy = Limits::default().chunk_extensions(usize::MAX);
    assert_eq!(decode_in_any_pieces(&roomy, &body), expected);

    let near = |size: usize, random: &mut Random| (size + random.below(3)).saturating_sub(1);
    let limits = Limits::default()
        .body(near(content.len(), &mut random))
        .chunk_extensions(near(extensions, &mut random))
        .trailer_section(near(trailers.len(), &mut random));
    let fits = content.len() <= limits.body
        && extensions <= limits.chunk_extensions
        && trailers.len() <= limits.trailer_section;
    assert_eq!(decode_in_any_pieces(&limits, &body) == expected, fits, "{limits:?}");
}

/// Writes a chunk as the server does, or as the grammar allows. Returns how long its extensions
/// are.
fn write_chunk(content: &[u8], random: &mut Random, out: &mut Vec<u8>) -> usize {
    if content.is_empty() || random.once_in(2) {
        chunk::encode(content, out);
        return 0;
    }
    let zeros = random.below(5);
    out.extend_from_slice(format!("{:0zeros$X}", content.len()).as_bytes());
    let extensions: &[u8] = random.pick(&[b"", b";a", b" ; a = b;c", b";a=\"\\\";\xFF\t\""]);
    for part in [extensions, b"\r\n", content, b"\r\n"] {
        out.extend_from_slice(part);
    }
    extensions.len()
}

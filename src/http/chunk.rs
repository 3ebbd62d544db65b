//! Chunks, written and read: how HTTP/1.1 carries a body whose length is not known yet (RFC 9112,
//! section 7.1).
//!
//! ```text
//! chunked-body   = *chunk last-chunk trailer-section CRLF
//! chunk          = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
//! chunk-size     = 1*HEXDIG
//! last-chunk     = 1*"0" [ chunk-ext ] CRLF
//! chunk-ext      = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
//! chunk-ext-name = token
//! chunk-ext-val  = token / quoted-string
//! quoted-string  = DQUOTE *( qdtext / quoted-pair ) DQUOTE
//! qdtext         = HTAB / SP / %x21 / %x23-5B / %x5D-7E / obs-text
//! quoted-pair    = "\" ( HTAB / SP / VCHAR / obs-text )
//! ```
//!
//! [`encode`], and for a log [`encode_with`], writes an event of 10 bytes as these 15:
//!
//! ```text
//! a\r\n            the size line: the length in hexadecimal
//! data: hi\n\n     the data: the event, whose own lines end in LF
//! \r\n             the end of the chunk
//! ```
//!
//! [`LAST`] ends the body. A peer that sees the connection end without it knows that the stream was
//! cut off. The server sends no extensions and no trailer fields, as no reader of an event stream
//! asks for any.
//!
//! [`ChunkLine`] reads what a peer may write in place of `a\r\n`. Extensions mean nothing here, but
//! they are parsed to the letter all the same: a parser that skips "everything up to the line end"
//! is fooled by what others take for a line end. The grammar is read one byte at a time:
//!
//! ```text
//!          ┌── ";" ──────────────────────────────────────────────┐
//! Size ────┤                                                     ▼
//!          └── BWS ─► BeforeSemicolon ── ";" ─────────────► BeforeName ─► Name ─┬─► AfterName
//!                         ▲                                      ▲         │    │       │
//!                         └── BWS ── Value, AfterQuoted ── ";" ──┘         "=" ◄┼───────┘
//!                                      ▲        ▲                          │    └─► ";" as above
//!                                      │      Quoted ⇄ QuotedPair          ▼
//!                                      └────────┴───────────────────── BeforeValue
//!
//! A CR ends the line where a part has just ended: after Size, Name, Value and AfterQuoted. In a
//! response also after BWS: some servers pad a size to a fixed width with spaces, and a client
//! that reads the digits reads the same size. A server takes no such padding.
//! ```

use super::percent::hex;
use super::refusal::Refusal;
use super::syntax::{TCHAR, is_blank, is_value_byte};
use crate::digits::Digits;

/// Sixteen hex digits are the largest number of 64 bits. More of them could only be leading zeros
/// or an overflow.
const MOST_DIGITS: u8 = 16;

const BAD_SIZE: Refusal = Refusal::bad_request(
    "a chunk must begin with its size in one to sixteen hex digits, and nothing else may stand \
     there but an extension (RFC 9112, section 7.1)",
);
const BAD_EXTENSION: Refusal = Refusal::bad_request(
    "a chunk extension must be a semicolon and a name, and may have = and a value, which is a \
     token or quoted (RFC 9112, section 7.1.1)",
);
const LONG_EXTENSIONS: Refusal = Refusal::bad_request(
    "these chunk extensions are longer together than this server takes (RFC 9112, section 7.1.1)",
);
const BARE_CR: Refusal = Refusal::bad_request(
    "the line with the size of a chunk must end in CRLF (RFC 9112, section 7.1)",
);

/// One such line, as far as it has come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChunkLine {
    at: At,
    size: u64,
    digits: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum At {
    #[default]
    Size,
    BeforeSemicolon,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    Value,
    Quoted,
    QuotedPair,
    AfterQuoted,
    LineFeed,
}

impl ChunkLine {
    /// Takes the next byte; gives the size when that was the LF. Bytes of extensions are taken
    /// off `room`. White space may stand before the CR of a line that `may_be_padded`.
    pub(crate) fn take(
        &mut self,
        byte: u8,
        may_be_padded: bool,
        room: &mut usize,
    ) -> Result<Option<u64>, Refusal> {
        match self.at {
            At::LineFeed if byte == b'\n' => return Ok(Some(self.size)),
            At::LineFeed => return Err(BARE_CR),
            At::Size => self.at = self.digit(byte)?,
            At::BeforeSemicolon | At::AfterName if byte == b'\r' && may_be_padded => {
                self.at = At::LineFeed;
            }
            extension => self.at = extension.next(byte).ok_or(BAD_EXTENSION)?,
        }
        if !matches!(self.at, At::Size | At::LineFeed) {
            *room = room.checked_sub(1).ok_or(LONG_EXTENSIONS)?;
        }
        Ok(None)
    }

    fn digit(&mut self, byte: u8) -> Result<At, Refusal> {
        if let Some(digit) = hex(byte) {
            if self.digits == MOST_DIGITS {
                return Err(BAD_SIZE);
            }
            self.digits += 1;
            self.size = self.size << 4 | u64::from(digit);
            return Ok(At::Size);
        }
        match byte {
            _ if self.digits == 0 => Err(BAD_SIZE),
            b'\r' => Ok(At::LineFeed),
            b';' => Ok(At::BeforeName),
            _ if is_blank(byte) => Ok(At::BeforeSemicolon),
            _ => Err(BAD_SIZE),
        }
    }
}

impl At {
    /// Where the byte leads from within an extension; `None` if the grammar has no such way.
    fn next(self, byte: u8) -> Option<Self> {
        let tchar = TCHAR[usize::from(byte)];
        let blank = is_blank(byte);
        Some(match (self, byte) {
            (Self::BeforeSemicolon | Self::BeforeName | Self::AfterName | Self::BeforeValue, _)
                if blank =>
            {
                self
            }
            (Self::Name, _) if blank => Self::AfterName,
            (Self::Value | Self::AfterQuoted, _) if blank => Self::BeforeSemicolon,
            (Self::BeforeName | Self::Name, _) if tchar => Self::Name,
            (Self::BeforeValue | Self::Value, _) if tchar => Self::Value,
            (Self::Name | Self::AfterName, b'=') => Self::BeforeValue,
            (Self::BeforeValue, b'"') => Self::Quoted,
            (Self::Quoted, b'"') => Self::AfterQuoted,
            (Self::Quoted, b'\\') => Self::QuotedPair,
            (Self::Quoted | Self::QuotedPair, _) if is_value_byte(byte) => Self::Quoted,
            (Self::Name | Self::Value | Self::AfterQuoted, b'\r') => Self::LineFeed,
            (
                Self::BeforeSemicolon
                | Self::Name
                | Self::AfterName
                | Self::Value
                | Self::AfterQuoted,
                b';',
            ) => Self::BeforeName,
            _ => return None,
        })
    }
}

pub(crate) const CRLF: &[u8] = b"\r\n";

/// The last chunk and the empty trailer section: the stream has ended, and ended well.
pub(crate) const LAST: &[u8] = b"0\r\n\r\n";

/// Appends the content as one chunk. An empty content is not written, since a chunk of size 0 is
/// the last chunk and would end the stream.
pub(crate) fn encode(content: &[u8], out: &mut Vec<u8>) {
    if !content.is_empty() {
        encode_with(content.len(), |out| out.extend_from_slice(content), out);
    }
}

/// Appends the content that `write` appends as one chunk. It must have that length, which is not
/// zero.
pub(crate) fn encode_with(length: usize, write: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
    let chunk = size_line_len(length) + length + CRLF.len();
    let end = out.len() + chunk;
    out.reserve_exact(chunk);
    encode_size_line(length, out);
    write(out);
    out.extend_from_slice(CRLF);
    debug_assert_eq!(out.len(), end, "a content has the length that was counted");
}

/// Appends what stands before a content of that length.
pub(crate) fn encode_size_line(length: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(Digits::hexadecimal(length as u64).as_bytes());
    out.extend_from_slice(CRLF);
}

/// The length of the content, from that of its chunk.
#[cfg_attr(not(feature = "journal"), allow(dead_code))]
pub(crate) fn content_len(chunk: usize) -> usize {
    let rest = chunk.saturating_sub(CRLF.len());
    let is_it = |length: &usize| size_line_len(*length) + length == rest;
    // The size has at most 16 digits.
    (1..=16).map(|digits| rest.saturating_sub(digits + CRLF.len())).find(is_it).unwrap_or(0)
}

/// How many bytes stand before a content of that length: its size, and CRLF.
pub(crate) fn size_line_len(length: usize) -> usize {
    let digits = (usize::BITS - length.leading_zeros()).div_ceil(4).max(1);
    digits as usize + CRLF.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_its_size_in_hexadecimal_then_its_content() {
        let mut out = b"before ".to_vec();
        encode(b"data: hi\n\n", &mut out);
        encode(b"data: something longer\n\n", &mut out);
        let expected = "before a\r\ndata: hi\n\n\r\n18\r\ndata: something longer\n\n\r\n";
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn an_empty_content_does_not_end_the_stream() {
        let mut out = Vec::new();
        encode(b"", &mut out);
        assert_eq!(out, b"");
    }

    #[test]
    fn a_chunk_is_written_into_room_that_was_reserved_once() {
        let mut out = Vec::new();
        encode(&[b'x'; 100], &mut out);
        assert_eq!(out.capacity(), out.len());
    }

    #[test]
    fn the_last_chunk_is_a_size_of_zero_and_an_empty_trailer_section() {
        assert_eq!(LAST, b"0\r\n\r\n");
    }

    #[test]
    fn the_line_with_the_size_has_each_digit_and_crlf() {
        for length in [1, 9, 10, 15, 16, 255, 256, 4095, 4096, 0xdead_beef, usize::MAX] {
            assert_eq!(size_line_len(length), format!("{length:x}\r\n").len(), "{length}");
        }
    }

    #[test]
    fn a_chunk_says_by_its_length_how_long_its_content_is() {
        for length in (1..5_000).chain([65_535, 65_536, 1_048_575, 1_048_576, 0xdead_beef]) {
            assert_eq!(content_len(size_line_len(length) + length + CRLF.len()), length);
        }
    }
}

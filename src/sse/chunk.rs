//! Chunks: how HTTP/1.1 carries a body whose length nobody knows yet (RFC 9112, section 7.1).
//!
//! ```text
//! chunked-body = *chunk last-chunk trailer-section CRLF
//! chunk        = chunk-size CRLF chunk-data CRLF      ; chunk-size in hexadecimal digits
//! last-chunk   = 1*"0" CRLF
//! ```
//!
//! So an event of 10 bytes goes out as these 15:
//!
//! ```text
//! a\r\n
//! data: hi\n
//! \n
//! \r\n
//! ```
//!
//! A peer that sees the connection end without the last chunk knows that the stream was cut off.
//! We send no chunk extensions and no trailer fields, as no reader of an event stream asks for any.

/// The last chunk and the empty trailer section: the stream has ended, and ended well.
pub(crate) const LAST: &[u8] = b"0\r\n\r\n";

/// Every digit of the largest size, and CRLF.
const LONGEST_SIZE_LINE: usize = usize::BITS as usize / 4 + 2;

/// Appends the content as one chunk. An empty content is not written, since a chunk of size 0 is
/// the last chunk and would end the stream.
pub(crate) fn encode(content: &[u8], out: &mut Vec<u8>) {
    if content.is_empty() {
        return;
    }
    out.reserve(LONGEST_SIZE_LINE + content.len() + 2);
    out.extend_from_slice(size_line(content.len()).as_bytes());
    out.extend_from_slice(content);
    out.extend_from_slice(b"\r\n");
}

/// The line that stands before a chunk's content, with its CRLF.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SizeLine {
    bytes: [u8; LONGEST_SIZE_LINE],
    /// The line is all from here on: it is written from its end, lowest digit first.
    start: usize,
}

impl SizeLine {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

/// The size line for a content of that length. It is on the stack, so that a log can store size
/// line, content and CRLF one after the other without a copy of them all in between.
pub(crate) fn size_line(length: usize) -> SizeLine {
    let mut bytes = [0; LONGEST_SIZE_LINE];
    let mut start = LONGEST_SIZE_LINE - 2;
    bytes[start..].copy_from_slice(b"\r\n");
    let mut rest = length;
    loop {
        start -= 1;
        bytes[start] = b"0123456789abcdef"[rest % 16];
        rest /= 16;
        if rest == 0 {
            return SizeLine { bytes, start };
        }
    }
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
    fn a_size_line_has_no_leading_zero_and_every_digit() {
        for length in [1, 9, 10, 15, 16, 255, 256, 4096, 0xdead_beef, usize::MAX] {
            let line = size_line(length);
            assert_eq!(line.as_bytes(), format!("{length:x}\r\n").as_bytes());
        }
    }

    #[test]
    fn a_chunk_is_written_into_room_that_was_reserved_once() {
        let mut out = Vec::new();
        encode(&[b'x'; 100], &mut out);
        // The largest size has 16 digits where a usize has 64 bits.
        assert_eq!(out.capacity(), usize::BITS as usize / 4 + 2 + 100 + 2);
        assert_eq!(size_line(usize::MAX).start, 0, "the largest size fills the room for it");
    }

    #[test]
    fn the_last_chunk_is_a_size_of_zero_and_an_empty_trailer_section() {
        assert_eq!(size_line(0).as_bytes(), b"0\r\n");
        assert_eq!(LAST, b"0\r\n\r\n");
    }
}

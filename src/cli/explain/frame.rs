//! What stands around the content of a body in chunks, line by line.
//!
//! ```text
//! 5 CRLF          the size of a chunk
//! hello           content
//! CRLF            the end of its data
//! 0 CRLF          the last chunk
//! Name: value     trailers
//! CRLF            the end
//! ```

use super::words;

/// Follows these lines.
#[derive(Default)]
pub(super) struct Frame {
    /// The current line, as far as it has come.
    line: Vec<u8>,
    next: Next,
}

/// What the next line is.
#[derive(Clone, Copy, Default)]
enum Next {
    #[default]
    Size,
    EndOfData,
    Trailers,
}

/// What a line is.
pub(super) enum Around {
    /// The size of a chunk, in words.
    Size(String),
    EndOfData,
    Last,
    Trailer,
    End,
}

impl Frame {
    /// Adds a piece to the line. `None` if that goes on.
    pub(super) fn take(&mut self, piece: &[u8]) -> Option<Around> {
        let line = words::whole_line(&mut self.line, piece)?;
        let (around, next) = match self.next {
            Next::Size if is_last(&line) => (Around::Last, Next::Trailers),
            Next::Size => (Around::Size(words::chunk_size(&line)), Next::EndOfData),
            Next::EndOfData => (Around::EndOfData, Next::Size),
            Next::Trailers if line == b"\r\n" => (Around::End, Next::Size),
            Next::Trailers => (Around::Trailer, Next::Trailers),
        };
        self.next = next;
        Some(around)
    }
}

fn is_last(line: &[u8]) -> bool {
    line.iter().take_while(|byte| byte.is_ascii_hexdigit()).all(|&byte| byte == b'0')
}

//! What each piece of a request means, in however many writes it goes out.

use super::row::{Layer, Row, Rows};
use super::words;

/// Explains one request, from its first byte on.
pub(super) struct Asked {
    place: Place,
    /// The current line of the head, as far as it has gone out.
    line: Vec<u8>,
    rows: Rows,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    RequestLine,
    Fields,
    Content,
}

impl Asked {
    pub(super) fn new() -> Self {
        Self { place: Place::RequestLine, line: Vec::new(), rows: Rows::of_request() }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Vec<Row> {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            match self.place {
                Place::Content => self.rows.add(Layer::Stream, piece, ""),
                _ => self.take_head(piece),
            }
        }
        if self.place == Place::Content {
            self.rows.close("content");
        }
        self.rows.take()
    }

    fn take_head(&mut self, piece: &[u8]) {
        let (means, next) = match (self.place, words::whole_line(&mut self.line, piece)) {
            (place, None) => ("", place),
            (Place::RequestLine, Some(_)) => (words::REQUEST_LINE, Place::Fields),
            (_, Some(line)) if line == b"\r\n" => ("end of the head", Place::Content),
            (_, Some(line)) => (words::field_line(&line), Place::Fields),
        };
        self.rows.add(Layer::Head, piece, means);
        self.place = next;
    }
}

//! What each piece of a request is. It goes out in as many writes as the connection takes it in.

use super::row::{Layer, Lines, Row, Rows};
use super::words;

/// Explains one request, from its first byte on.
pub(super) struct Asked {
    place: Place,
    /// The current line of the head: as much as has gone out of it.
    line: Vec<u8>,
    lines: Lines,
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
        let (line, rows) = (Vec::new(), Rows::default());
        Self { place: Place::RequestLine, line, lines: Lines::of_request(), rows }
    }

    /// The rows of one write.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Vec<Row> {
        for &byte in bytes {
            match self.place {
                Place::Content => self.rows.push(Layer::Stream, byte),
                _ => self.take_head(byte),
            }
        }
        if self.place == Place::Content {
            self.rows.close("content");
        }
        let mut rows = self.rows.take();
        self.lines.mark(&mut rows);
        rows
    }

    fn take_head(&mut self, byte: u8) {
        self.rows.push(Layer::Head, byte);
        self.line.push(byte);
        if byte != b'\n' {
            return;
        }
        let line = std::mem::take(&mut self.line);
        let (means, next) = match self.place {
            Place::RequestLine => (words::REQUEST_LINE, Place::Fields),
            _ if line == b"\r\n" => ("end of the head", Place::Content),
            _ => (words::field_line(&line), Place::Fields),
        };
        self.rows.close(means);
        self.place = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of each write: what of each is no secret, and what it means.
    fn explained(writes: &[&str]) -> Vec<Vec<(String, String)>> {
        let mut asked = Asked::new();
        let told = |row: Row| (row.public().concat().escape_ascii().to_string(), row.means.clone());
        let rows = writes.iter().map(|write| asked.write(write.as_bytes()));
        rows.map(|rows| rows.into_iter().map(told).collect()).collect()
    }

    fn row(bytes: &str, means: &str) -> (String, String) {
        (bytes.into(), means.into())
    }

    #[test]
    fn a_request_is_told_line_by_line_however_it_goes_out() {
        let writes =
            ["POST / HTTP/1.1\r\nCook", "ie: a=", "b\r\nHost: h\r\n\r\nGET x\r\n", "Cookie: c\r\n"];
        let rows = explained(&writes);
        let first = row("POST / HTTP/1.1\\r\\n", "request line: method, target, version");
        assert_eq!(rows[0], [first, row("Cook", "")]);
        assert_eq!(rows[1], [row("ie: ", "")]);
        let host = row("Host: h\\r\\n", "which of the server's names is meant");
        let end = row("\\r\\n", "end of the head");
        assert_eq!(rows[2], [row("\\r\\n", "who asks"), host, end, row("GET x\\r\\n", "content")]);
        assert_eq!(rows[3], [row("Cookie: c\\r\\n", "content")]);
    }
    #[test]
    fn row_48_a_request_line_and_fields_show_what_is_known_to_be_harmless() {
        let head = "GET /events;s=SECRET?channel=a&token=SECRET HTTP/1.1\r\n\
                    Host: h\r\nX-Key: SECRET\r\nLast-Event-ID: 7\r\n\r\n";
        let public = |writes: &[&str]| -> String {
            explained(writes).into_iter().flatten().map(|(bytes, _)| bytes).collect()
        };
        let expected = "GET /events;?channel=a&token= HTTP/1.1\\r\\n\
                        Host: h\\r\\nX-Key: \\r\\nLast-Event-ID: 7\\r\\n\\r\\n";
        assert_eq!(public(&[head]), expected);
        for end in 0..head.len() {
            let (one, other) = head.split_at(end);
            let shown = public(&[one, other]);
            assert!(!shown.contains("SEC") && !shown.contains("RET"), "cut at {end}: {shown}");
            assert!(
                shown.ends_with("Last-Event-ID: 7\\r\\n\\r\\n") || end > head.len() - 25,
                "{shown}"
            );
        }
    }
}

//! What each piece of a request is. It goes out in as many writes as the connection takes it in.

use super::row::{Part, Row, Rows, Secrets};
use super::words;

/// Explains one request, from its first byte on.
#[derive(Default)]
pub(super) struct Asked {
    place: Place,
    /// The current line of the head: as much as has gone out of it.
    line: Vec<u8>,
    secrets: Secrets,
    rows: Rows,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    RequestLine,
    Fields,
    Content,
}

impl Asked {
    /// The rows of one write.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Vec<Row> {
        for &byte in bytes {
            match self.place {
                Place::Content => self.rows.push(Part::Stream, byte),
                _ => self.take_head(byte),
            }
        }
        if self.place == Place::Content {
            self.rows.close("content");
        }
        self.rows.take()
    }

    fn take_head(&mut self, byte: u8) {
        if self.secrets.hide(byte) {
            self.rows.push_secret(Part::Head, byte);
        } else {
            self.rows.push(Part::Head, byte);
        }
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
        let mut asked = Asked::default();
        let told = |row: Row| {
            let (bytes, secret) = (row.bytes, row.secret);
            let shown = [&bytes[..secret.start], &bytes[secret.end..]].concat();
            (shown.escape_ascii().to_string(), row.means)
        };
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
}

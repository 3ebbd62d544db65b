//! Borders: where in an event stream a comment may stand without changing its events.
//!
//! ```text
//! data: a LF | LF | : comment LF | data: b CR LF CR LF |
//!            ·    ↑               ↑                     ↑
//! ```
//!
//! A comment may stand between any two lines. Here only those borders count at which no field is
//! pending: if the stream ends there, nothing is unfinished. After a CR an LF may still belong to
//! the same line end, so there is no border until the next byte is known.

/// Follows a stream, byte by byte.
#[derive(Debug, Default)]
pub(super) struct Border {
    /// A line has begun.
    in_line: bool,
    /// A field has come since the last blank line.
    in_block: bool,
    after_cr: bool,
}

impl Border {
    /// Takes more of the stream, and returns where in it the last border is, if there is one.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut last = None;
        for (at, &byte) in bytes.iter().enumerate() {
            // The byte after a CR tells whether there was a border.
            let was_here = self.after_cr && byte != b'\n' && self.is_here_if_nothing_comes();
            last = if was_here { Some(at) } else { last };
            self.pass_byte(byte);
            let is_here = self.is_here_if_nothing_comes() && !self.after_cr;
            last = if is_here { Some(at + 1) } else { last };
        }
        last
    }

    /// A byte order mark counts as the start of a field, which at most delays a border.
    fn pass_byte(&mut self, byte: u8) {
        match byte {
            b'\n' if self.after_cr => self.after_cr = false,
            b'\r' | b'\n' => {
                self.in_block &= self.in_line;
                self.in_line = false;
                self.after_cr = byte == b'\r';
            }
            _ => {
                self.in_block |= !self.in_line && byte != b':';
                self.in_line = true;
                self.after_cr = false;
            }
        }
    }

    /// Whether there is a border here, should the stream end.
    pub(super) fn is_here_if_nothing_comes(&self) -> bool {
        !self.in_block && !self.in_line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Marks the borders with `|`.
    fn marked(stream: &str) -> String {
        let mut border = Border::default();
        let mut marked = String::new();
        for byte in stream.bytes() {
            let found = border.pass(&[byte]);
            marked.push_str(if found == Some(0) { "|" } else { "" });
            marked.push(byte.into());
            marked.push_str(if found == Some(1) { "|" } else { "" });
        }
        marked
    }

    #[test]
    fn a_border_is_where_no_field_is_pending() {
        assert_eq!(marked("data: a\n\ndata: b\n\n"), "data: a\n\n|data: b\n\n|");
        assert_eq!(marked(": x\n\n\ndata\n: y\n\n"), ": x\n|\n|\n|data\n: y\n\n|");
        assert_eq!(marked("a: x"), "a: x");
    }

    #[test]
    fn after_a_cr_the_next_byte_decides() {
        assert_eq!(marked("a\r\r: x\rb"), "a\r\r|: x\r|b");
        assert_eq!(marked("a\r\n\r\nb\r\n\n"), "a\r\n\r\n|b\r\n\n|");
        assert_eq!(marked(":\r\n\r\r\n"), ":\r\n|\r|\r\n|");
        let mut border = Border::default();
        assert_eq!(border.pass(b"data\r\r"), None);
        assert!(border.is_here_if_nothing_comes());
        assert_eq!(border.pass(b"data\n\n:"), Some(6));
    }
}

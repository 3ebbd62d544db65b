//! Lines of an event stream: where they end, and what a field in one is.
//!
//! A line ends in CR LF, LF or CR (HTML standard, section 9.2.5). Nothing is lost here: together
//! the lines and their ends are the bytes as they were.

/// A line: its content, and its end, which only the last line of a stream may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub(crate) content: &'a [u8],
    pub(crate) end: &'a [u8],
}

pub(crate) fn lines(stream: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut rest = stream;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let (content, after) = rest.split_at(at.unwrap_or(rest.len()));
        let end = match after {
            [b'\r', b'\n', ..] => 2,
            _ => after.len().min(1),
        };
        let (end, after) = after.split_at(end);
        rest = after;
        Some(Line { content, end })
    })
}

/// The name and the value of the field in a line; the name of a comment is empty.
pub(crate) fn field(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|&byte| byte == b':') {
        Some(colon) => {
            let value = &line[colon + 1..];
            (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
        }
        None => (line, &[]),
    }
}

#[cfg(test)]
mod tests {
    use std::str;

    use super::*;

    #[test]
    fn lines_and_their_ends_are_all_there_is() {
        let stream = b"a\n\nb\r\n\r\nc\rd\r\re";
        let lines: Vec<_> = lines(stream).map(|line| (line.content, line.end)).collect();
        let expected: [(&[u8], &[u8]); 8] = [
            (b"a", b"\n"),
            (b"", b"\n"),
            (b"b", b"\r\n"),
            (b"", b"\r\n"),
            (b"c", b"\r"),
            (b"d", b"\r"),
            (b"", b"\r"),
            (b"e", b""),
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn one_space_after_the_colon_is_not_part_of_the_value() {
        let split = |line: &'static str| {
            let (name, value) = field(line.as_bytes());
            (str::from_utf8(name).unwrap(), str::from_utf8(value).unwrap())
        };
        assert_eq!(split("data:  a:b"), ("data", " a:b"));
        assert_eq!(split("data:a"), ("data", "a"));
        assert_eq!(split("data"), ("data", ""));
        assert_eq!(split(": a"), ("", "a"));
    }
}

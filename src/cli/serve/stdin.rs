//! Standard input as a source of events: each line is one.
//!
//! A line ends in LF or CRLF, and what comes after the last line end is a line as well. Bytes that
//! are not UTF-8 become U+FFFD. The hub leaves out a line past the bound, or one that makes too
//! large an event, and says so on standard error.

use std::io::{self, BufRead, Read};

use tidings::Channel;

use crate::cli::say;

#[derive(Debug, PartialEq, Eq)]
enum Line {
    Whole(String),
    TooLong,
    End,
}

/// Publishes each line of up to `longest` bytes until the input ends or can't be read any more.
/// Without a channel, it only waits for the end.
pub(super) fn publish(input: &mut impl BufRead, channel: Option<&Channel>, longest: usize) {
    let Some(channel) = channel else {
        let _ = io::copy(input, &mut io::sink());
        return;
    };
    loop {
        match next(input, longest) {
            Ok(Line::Whole(line)) => match channel.send(line) {
                Ok(_) => {}
                Err(error) if error.is_too_large() => {
                    say(&format!("a line was left out: {error} (--max-event)"));
                }
                Err(error) => say(&format!("a line was not published: {error}")),
            },
            Ok(Line::TooLong) => {
                say(&format!("a line was left out: it is over {longest} bytes long (--max-body)"));
            }
            Ok(Line::End) => return,
            Err(error) => return say(&format!("can't read standard input any more: {error}")),
        }
    }
}

fn next(input: &mut impl BufRead, longest: usize) -> io::Result<Line> {
    let mut line = Vec::new();
    // Room for the line and the longer of its ends.
    input.by_ref().take(longest as u64 + 2).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(Line::End);
    }
    let ended = line.strip_suffix(b"\n");
    let content = ended.map_or(&*line, |content| content.strip_suffix(b"\r").unwrap_or(content));
    if content.len() <= longest {
        return Ok(Line::Whole(String::from_utf8_lossy(content).into_owned()));
    }
    if ended.is_none() {
        input.skip_until(b'\n')?;
    }
    Ok(Line::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mut input: &[u8], longest: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        loop {
            match next(&mut input, longest).expect("a slice can be read") {
                Line::End => return lines,
                line => lines.push(line),
            }
        }
    }

    fn whole(line: &str) -> Line {
        Line::Whole(line.into())
    }

    #[test]
    fn each_line_is_taken_without_its_end() {
        let expected = ["a", "", "b\rc", "d"].map(whole);
        assert_eq!(lines(b"a\n\nb\rc\r\nd", 9), expected);
        assert_eq!(lines(b"", 9), []);
    }

    #[test]
    fn what_is_not_text_is_replaced() {
        assert_eq!(lines(b"a\xFFb\n", 9), [whole("a\u{FFFD}b")]);
    }

    #[test]
    fn a_line_past_the_bound_is_left_out_and_no_other() {
        for end in ["\n", "\r\n"] {
            let input = format!("1234{end}12345{end}{}{end}1234{end}12345", "x".repeat(100));
            let expected =
                [whole("1234"), Line::TooLong, Line::TooLong, whole("1234"), Line::TooLong];
            assert_eq!(lines(input.as_bytes(), 4), expected, "{end:?}");
        }
    }
}

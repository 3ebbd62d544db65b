//! The file that the mock plays, and what kind of file it is: a script, a cassette or a text.
//!
//! ```text
//! ": tidings cassette 1" LF ...   a cassette
//! a name in .txt, or --tokens     a text, sent token by token
//! everything else                 a script
//! ```
//!
//! All three are UTF-8. A file in UTF-16, as some editors and shells of Windows write it, would go
//! out as a stream in which no client finds an event, so it is refused.

use std::fs;
use std::io::{self, Read};
use std::time::Duration;

use super::options::Options;
use super::step::Step;
use super::{script, tape, tokens};
use crate::cli::{Failure, cassette, say};

/// The path that stands for standard input.
pub(super) const STANDARD_INPUT: &str = "-";

/// What the file is called in messages.
pub(super) fn name(path: &str) -> &str {
    if path == STANDARD_INPUT { "standard input" } else { path }
}

/// Reads the file and makes steps of it.
pub(super) fn steps(options: &Options, path: &str, is_text: bool) -> Result<Vec<Step>, Failure> {
    let bytes = read(path).map_err(|error| refused(path, &error.to_string()))?;
    if is_utf_16(&bytes) {
        return Err(refused(path, "it is UTF-16: save it as UTF-8, as event streams are"));
    }
    if bytes.is_empty() {
        return Err(refused(path, "it is empty: an event is 'data: hello' and a blank line"));
    }
    if is_text {
        let text = String::from_utf8(bytes)
            .map_err(|_| refused(path, "a text must be UTF-8: save it as that"))?;
        return Ok(tokens::steps(&text, Duration::from_secs_f64(1.0 / options.rate)));
    }
    let wrong = |line: usize, what: &str| Failure::Failed(format!("{}:{line}: {what}", name(path)));
    if !cassette::is_cassette(&bytes) {
        return script::parse(&bytes).map_err(|flaw| wrong(flaw.line, &flaw.what));
    }
    let tape = cassette::read(&bytes).map_err(|flaw| wrong(flaw.line, &flaw.what))?;
    if let Some(line) = tape.broken_off {
        let what = "the file ends within this, so it is left out: was the recording broken off, \
                    or the file edited?";
        say(&format!("{}:{line}: {what}", name(path)));
    }
    Ok(tape::steps(&tape.entries))
}

fn read(path: &str) -> io::Result<Vec<u8>> {
    if path != STANDARD_INPUT {
        return fs::read(path);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
}

fn refused(path: &str, why: &str) -> Failure {
    Failure::Failed(format!("can't read the script {}: {why}", name(path)))
}

/// By the byte order mark, or where there is none by the other half of the first character, which
/// is one of ASCII: a NUL. UTF-32 begins likewise.
fn is_utf_16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_16_is_known_with_and_without_its_mark() {
        let utf_16 = |text: &str, unit: fn(u16) -> [u8; 2]| {
            is_utf_16(&text.encode_utf16().flat_map(unit).collect::<Vec<u8>>())
        };
        for text in ["data: a", "\u{feff}data: a", "\u{feff}größe", ": é", "\n"] {
            assert!(utf_16(text, u16::to_le_bytes) && utf_16(text, u16::to_be_bytes), "{text:?}");
        }
        for text in ["", "a", "data: a", "\u{feff}data: a", "id:\0\n", "é", ": \0"] {
            assert!(!is_utf_16(text.as_bytes()), "{text:?}");
        }
    }
}

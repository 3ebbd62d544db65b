//! Loading: the file that the mock plays, which is a script, a cassette or a text.
//!
//! ```text
//! ": tidings cassette 1" LF ...   a cassette
//! a name in .txt, or --tokens     a text, sent token by token
//! everything else                 a script
//! ```
//!
//! All three are UTF-8. The mock refuses a file in UTF-16, as some editors and shells of Windows
//! write it: no client would find an event in it.

use std::time::Duration;

use super::step::Step;
use super::{script, tape, tokens};
use crate::cli::cassette::{self, Flaw};
use crate::cli::{Failure, file, say};

/// The path that stands for standard input.
pub(super) const STANDARD_INPUT: &str = "-";

pub(super) fn name(path: &str) -> &str {
    if path == STANDARD_INPUT { "standard input" } else { path }
}

/// Reads the file and makes a list of steps of it: with a `rate`, of a text of so many tokens a
/// second.
pub(super) fn steps(path: &str, rate: Option<f64>) -> Result<Vec<Step>, Failure> {
    let bytes = file::read(path).map_err(|error| refused(path, &error.to_string()))?;
    if file::is_utf_16(&bytes) {
        return Err(refused(path, "it is UTF-16: save it as UTF-8, as event streams are"));
    }
    if cassette::is_changed(&bytes) {
        let why = "it is a cassette that was changed, such as its line ends: record it again, and \
                   keep it as it was recorded (in git, with '*.sse -text')";
        return Err(refused(path, why));
    }
    if bytes.is_empty() {
        return Err(refused(
            path,
            "it is empty: write an event into it, such as 'data: hello' and a blank line",
        ));
    }
    if let Some(rate) = rate {
        let text = String::from_utf8(bytes)
            .map_err(|_| refused(path, "a text must be UTF-8: save it as that"))?;
        return Ok(tokens::steps(&text, Duration::from_secs_f64(1.0 / rate)));
    }
    let wrong = |Flaw { line, what }| Failure::Failed(format!("{}:{line}: {what}", name(path)));
    if !cassette::is_cassette(&bytes) {
        return script::parse(&bytes).map_err(wrong);
    }
    let tape = cassette::read(&bytes).map_err(wrong)?;
    if let Some(line) = tape.broken_off {
        let what = "the file ends within this, so it is left out: was the recording broken off, \
                    or the file edited?";
        say(&format!("{}:{line}: {what}", name(path)));
    }
    Ok(tape::steps(&tape.entries))
}

fn refused(path: &str, why: &str) -> Failure {
    Failure::Failed(format!("can't read the script {}: {why}", name(path)))
}

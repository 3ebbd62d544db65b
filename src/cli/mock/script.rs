//! Scripts: an event stream as it goes over the wire, with comments that direct it.
//!
//! ```text
//! retry: 500
//! id: 1
//! data: this event is one chunk
//!
//! : wait 200ms
//! id: 2
//! data: this one is cut off, and was never an event
//! : reset
//! : status 503
//! id: 2
//! data: this is what the third connection gets
//!
//! : # this comment is sent, like every one whose first word is no directive
//! : no-content
//! ```
//!
//! A comment whose first word is one of [`DIRECTIVES`] is done and not sent. Everything else is
//! sent as it is, line ends included; each block goes out as one chunk. As a directive that nobody
//! obeys is hard to find, a comment whose first word is all but a directive is refused.
//!
//! A directive that ends a connection is done once. The next connection goes on behind it, or
//! behind the event whose id it comes with.

use tidings::Status;

use super::lines::{Line, lines};
use super::step::{Ending, Head, Step};
use crate::cli::duration;
use crate::cli::flags::distance;

/// What is wrong with a script, and in which line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) line: usize,
    pub(super) what: String,
}

/// What a comment can ask for.
pub(super) struct Directive {
    pub(super) name: &'static str,
    /// What it takes, as the help shows it; empty if nothing.
    pub(super) takes: &'static str,
    pub(super) doc: &'static str,
    /// What it comes to; the error says what was expected.
    steps: fn(&str) -> Result<Vec<Step>, String>,
}

/// All of them, in the order of the alphabet.
pub(super) static DIRECTIVES: [Directive; 11] = [
    Directive {
        name: "close",
        takes: "",
        doc: "ends the stream as it should be, with the last chunk",
        steps: |_| Ok(vec![Step::End(Ending::Close)]),
    },
    Directive {
        name: "cut",
        takes: "",
        doc: "ends the connection without the last chunk",
        steps: |_| Ok(vec![Step::End(Ending::Cut)]),
    },
    Directive {
        name: "end",
        takes: "",
        doc: "ends the stream, and the mock with its report card",
        steps: |_| Ok(vec![Step::End(Ending::Finish)]),
    },
    Directive {
        name: "flush",
        takes: "",
        doc: "ends the chunk here",
        steps: |_| Ok(vec![Step::Flush]),
    },
    Directive {
        name: "no-content",
        takes: "",
        doc: "answers 204, which tells the client to stop",
        steps: |_| Ok(vec![Step::Head(Head::no_content()), Step::End(Ending::Close)]),
    },
    Directive {
        name: "repeat",
        takes: "[N]",
        doc: "does all since the start or the last repeat N times in all; for ever without N",
        steps: repeat,
    },
    Directive {
        name: "reset",
        takes: "",
        doc: "resets the connection",
        steps: |_| Ok(vec![Step::End(Ending::Reset)]),
    },
    Directive {
        name: "stall",
        takes: "",
        doc: "sends nothing more, and waits for the client to go",
        steps: |_| Ok(vec![Step::End(Ending::Stall)]),
    },
    Directive {
        name: "status",
        takes: "N [LOCATION]",
        doc: "answers this status, and perhaps where to go, in place of a stream",
        steps: status,
    },
    Directive {
        name: "type",
        takes: "TYPE",
        doc: "gives the stream that begins here this content type",
        steps: content_type,
    },
    Directive {
        name: "wait",
        takes: "DURATION",
        doc: "sends nothing for so long: 200ms, 1.5s, 2m",
        steps: |text| {
            let time = duration::parse(text).ok_or_else(|| duration::FORM.to_owned())?;
            Ok(vec![Step::Wait(time)])
        },
    },
];

fn repeat(text: &str) -> Result<Vec<Step>, String> {
    let times = match text {
        "" => None,
        text => match text.parse() {
            Ok(times @ 1..) if !text.starts_with('+') => Some(times),
            _ => return Err("how many times in all, or nothing, for ever".into()),
        },
    };
    Ok(vec![Step::Repeat(times)])
}

fn status(text: &str) -> Result<Vec<Step>, String> {
    let (code, location) = text.split_once(' ').map_or((text, None), |(a, b)| (a, Some(b)));
    let code = code.parse().ok().filter(|code| *code != 200);
    let Some(status) = code.and_then(|code| Status::new(code).ok()) else {
        return Err("a status from 201 to 599".into());
    };
    if status == Status::NO_CONTENT {
        return Ok(vec![Step::Head(Head::no_content()), Step::End(Ending::Close)]);
    }
    let location = location.map(field_text).transpose()?;
    let head = Head { status, content_type: "text/plain".into(), location };
    let body = format!("{status}\n").into_bytes();
    Ok(vec![Step::Head(head), Step::Bytes(body), Step::End(Ending::Close)])
}

fn content_type(text: &str) -> Result<Vec<Step>, String> {
    match text {
        "" => Err("a content type such as text/html".into()),
        text => Ok(vec![Step::Head(Head::stream(field_text(text)?))]),
    }
}

/// What may stand in a head: visible ASCII and spaces.
fn field_text(text: &str) -> Result<String, String> {
    let good = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    good.then(|| text.to_owned()).ok_or_else(|| "visible ASCII alone".to_owned())
}

/// Reads a whole script.
pub(super) fn parse(script: &[u8]) -> Result<Vec<Step>, Flaw> {
    let mut steps = Vec::new();
    let mut section = 0;
    // A field has come since the last blank line.
    let mut in_block = false;
    for (number, line) in (1..).zip(lines(script)) {
        let flaw = |what: String| Flaw { line: number, what };
        if matches!(steps.last(), Some(Step::Repeat(None))) {
            if line.content.is_empty() {
                continue;
            }
            return Err(flaw("'repeat' without a number never comes to an end".into()));
        }
        let directed = directive(number, &line).map_err(flaw)?;
        if matches!(directed.as_deref(), Some([Step::Repeat(_)])) {
            check_section(&steps[section..], in_block).map_err(flaw)?;
            section = steps.len() + 1;
        }
        match directed {
            Some(directed) => {
                in_block &= !directed.iter().any(|step| matches!(step, Step::End(_)));
                steps.extend(directed);
            }
            None => {
                in_block |= !line.content.starts_with(b":");
                in_block &= !line.content.is_empty();
                send(&line, &mut steps);
            }
        }
    }
    Ok(steps)
}

/// A round in which nothing happens would go round for ever and do nothing; one that ends within a
/// block would make another event of the next.
fn check_section(steps: &[Step], in_block: bool) -> Result<(), String> {
    if !steps.iter().any(|step| matches!(step, Step::Bytes(_) | Step::End(_))) {
        return Err("there is nothing to repeat".into());
    }
    if in_block {
        return Err("a blank line must come before 'repeat', as an event is unfinished".into());
    }
    Ok(())
}

/// Lines go out together up to the end of their block.
fn send(line: &Line<'_>, steps: &mut Vec<Step>) {
    let whole = [line.content, line.end].concat();
    match steps.last_mut() {
        Some(Step::Bytes(bytes)) => bytes.extend(whole),
        _ => steps.push(Step::Bytes(whole)),
    }
    if line.content.is_empty() {
        steps.push(Step::Flush);
    }
}

/// What a line directs; `None` if it is to be sent. A byte order mark belongs to no line.
fn directive(number: usize, line: &Line<'_>) -> Result<Option<Vec<Step>>, String> {
    let content = match line.content.strip_prefix("\u{feff}".as_bytes()) {
        Some(content) if number == 1 => content,
        _ => line.content,
    };
    let Some(comment) = content.strip_prefix(b":") else { return Ok(None) };
    let Ok(comment) = str::from_utf8(comment.strip_prefix(b" ").unwrap_or(comment)) else {
        return Ok(None);
    };
    let (word, text) = comment.split_once(' ').unwrap_or((comment, ""));
    let Some(found) = DIRECTIVES.iter().find(|directive| directive.name == word) else {
        return almost(word).map_or(Ok(None), Err);
    };
    let text = text.trim();
    let as_comment = format!("a comment to be sent can begin with '#': ': # {comment}'");
    if found.takes.is_empty() && !text.is_empty() {
        return Err(format!("{word} takes nothing, and was given {text:?}; {as_comment}"));
    }
    let expected = |expected| format!("{word} takes {expected}, and not {text:?}; {as_comment}");
    (found.steps)(text).map(Some).map_err(expected)
}

/// What to say of a word that was most likely meant to be a directive.
fn almost(word: &str) -> Option<String> {
    let letters = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    let near =
        |name: &str| letters(name) == letters(word) || name.len() > 3 && distance(word, name) == 1;
    let meant = DIRECTIVES.iter().find(|directive| near(directive.name))?.name;
    let known = DIRECTIVES.iter().map(|directive| directive.name).collect::<Vec<_>>().join(", ");
    Some(format!(
        "unknown directive '{word}': did you mean {meant}? Known are {known}; a comment to be sent \
         can begin with '#'"
    ))
}

#[cfg(test)]
mod tests;

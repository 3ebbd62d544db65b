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

mod directives;

use std::str;

use super::lines::{Line, lines};
use super::step::Step;
use crate::cli::flags::distance;

pub(super) use directives::{DIRECTIVES, Directive};

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What is wrong with a script, and in which line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) line: usize,
    pub(super) what: String,
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
            if section == 0 {
                set_mark_apart(&mut steps);
            }
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

/// A byte order mark belongs to the file, and not to what is repeated in it.
fn set_mark_apart(steps: &mut Vec<Step>) {
    let Some(Step::Bytes(bytes)) = steps.first_mut() else { return };
    if let Some(rest) = bytes.strip_prefix(BYTE_ORDER_MARK) {
        *bytes = rest.to_vec();
        steps.splice(..0, [Step::Bytes(BYTE_ORDER_MARK.to_vec()), Step::Repeat(Some(1))]);
    }
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
    let content = match line.content.strip_prefix(BYTE_ORDER_MARK) {
        Some(content) if number == 1 => content,
        _ => line.content,
    };
    let Some(comment) = content.strip_prefix(b":") else { return Ok(None) };
    let Ok(comment) = str::from_utf8(comment) else { return Ok(None) };
    let comment = comment.trim();
    let (word, text) = comment.split_once(char::is_whitespace).unwrap_or((comment, ""));
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
    let lower = &*word.to_lowercase();
    let letters = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    let near = |name: &str| {
        letters(name) == letters(lower) || name.len() > 3 && distance(lower, name) == 1
    };
    let meant = DIRECTIVES.iter().find(|directive| near(directive.name))?.name;
    let known = DIRECTIVES.iter().map(|directive| directive.name).collect::<Vec<_>>().join(", ");
    Some(format!(
        "unknown directive '{word}': did you mean {meant}? Known are {known}; a comment to be sent \
         can begin with '#'"
    ))
}

#[cfg(test)]
mod tests;

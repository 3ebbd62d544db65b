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
//! A comment whose first word is one of [`DIRECTIVES`] is carried out and not sent. Every other
//! line is sent as it is, line ends included; each block goes out as one chunk. A comment whose
//! first word is almost a directive is refused, since a misspelt directive would be hard to find.
//!
//! A directive that ends a connection is carried out once. The next connection goes on after it, or
//! after the event whose id the client sends.
//!
//! `repeat N` is unrolled: the script means the same as if the repeated lines stood there N times.
//! An unrolled script takes at most [`LARGEST`] bytes, so that a short one can't fill the memory.
//! `repeat` without a number repeats for ever, so nothing can follow it.

mod directives;

use std::mem;
use std::str;

use super::step::Step;
use crate::cli::cassette::{BYTE_ORDER_MARK, Flaw};
use crate::cli::flags::nearest::distance;
use crate::cli::lines::{Line, lines};

use directives::Meaning;
pub(super) use directives::{DIRECTIVES, Directive};

/// The most memory that an unrolled script may take: about 120,000 short events.
const LARGEST: usize = 16 * 1024 * 1024;

pub(super) fn parse(script: &[u8]) -> Result<Vec<Step>, Flaw> {
    let mark = script.strip_prefix(BYTE_ORDER_MARK);
    let mut reader = Reader { lacks_mark: mark.is_some(), ..Reader::default() };
    for (number, line) in (1..).zip(lines(mark.unwrap_or(script))) {
        reader.take(&line).map_err(|what| Flaw { line: number, what })?;
    }
    Ok(reader.steps)
}

#[derive(Default)]
struct Reader {
    steps: Vec<Step>,
    /// Where the steps begin that the next `repeat` repeats.
    section: usize,
    /// A field has come since the last blank line.
    in_block: bool,
    is_endless: bool,
    /// The byte order mark before the first line has still to be sent with it. It belongs to the
    /// file, so a directive has none, and it is not repeated.
    lacks_mark: bool,
}

impl Reader {
    fn take(&mut self, line: &Line<'_>) -> Result<(), String> {
        if self.is_endless {
            return match line.content {
                [] => Ok(()),
                _ => Err("'repeat' without a number never comes to an end".into()),
            };
        }
        let has_mark = mem::take(&mut self.lacks_mark);
        match directive(line.content)? {
            Some(Meaning::Repeat(times)) => self.repeat(times)?,
            Some(Meaning::Steps(steps)) => {
                self.in_block &= !steps.iter().any(|step| matches!(step, Step::End(_)));
                self.steps.extend(steps);
            }
            None => {
                if has_mark {
                    self.steps.push(Step::Bytes(BYTE_ORDER_MARK.into()));
                    self.section = 1;
                }
                self.send(line);
            }
        }
        Ok(())
    }

    /// Lines go out together, up to the end of their block.
    fn send(&mut self, line: &Line<'_>) {
        self.in_block |= !line.content.starts_with(b":");
        self.in_block &= !line.content.is_empty();
        let whole = [line.content, line.end].concat();
        match self.steps[self.section..].last_mut() {
            Some(Step::Bytes(bytes)) => bytes.extend(whole),
            _ => self.steps.push(Step::Bytes(whole)),
        }
        if line.content.is_empty() {
            self.steps.push(Step::Flush);
        }
    }

    /// A round in which nothing happens would go round for ever and do nothing; one that ends
    /// within a block would make another event of the next.
    fn repeat(&mut self, times: Option<u32>) -> Result<(), String> {
        let section = &self.steps[self.section..];
        if !section.iter().any(|step| matches!(step, Step::Bytes(_) | Step::End(_))) {
            return Err("there is nothing to repeat".into());
        }
        if self.in_block {
            return Err("a blank line must come before 'repeat', as an event is unfinished".into());
        }
        match times {
            None => {
                self.steps.insert(self.section, Step::Forever);
                self.is_endless = true;
            }
            Some(times) => self.unroll(times as usize)?,
        }
        Ok(())
    }

    fn unroll(&mut self, times: usize) -> Result<(), String> {
        let size = |steps: &[Step]| steps.iter().map(size).sum::<usize>();
        let section = self.steps[self.section..].to_vec();
        let more = size(&section).saturating_mul(times - 1);
        if more > 0 && more.saturating_add(size(&self.steps)) > LARGEST {
            return Err(format!(
                "repeated {times} times, the script takes more than {} MiB: give a smaller number, \
                 or none to repeat this for ever at the end of the script",
                LARGEST / 1024 / 1024,
            ));
        }
        (1..times).for_each(|_| self.steps.extend_from_slice(&section));
        self.section = self.steps.len();
        Ok(())
    }
}

fn size(step: &Step) -> usize {
    let bytes = if let Step::Bytes(bytes) = step { bytes.len() } else { 0 };
    mem::size_of::<Step>() + bytes
}

/// What a line directs; `None` if it is to be sent.
fn directive(content: &[u8]) -> Result<Option<Meaning>, String> {
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
    (found.read)(text).map(Some).map_err(expected)
}

/// What is wrong with a word that was most likely meant to be a directive.
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

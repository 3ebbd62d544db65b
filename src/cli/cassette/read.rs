//! From bytes to entries: what a cassette says, or which line of it is wrong.

use std::str;
use std::time::Duration;

use tidings::Status;

use super::{BYTE_ORDER_MARK, End, Entry, FIRST_LINE, Head, ON};
use crate::cli::duration;

/// What is wrong, and in which line, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) line: usize,
    pub(crate) what: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) entries: Vec<Entry>,
    /// The line in which something begins that the file does not contain to its end. It is not
    /// among the entries.
    pub(crate) broken_off: Option<usize>,
}

/// Why the reader stops; `None` where the file ends within a line or a group.
type Stop = Option<Flaw>;

/// What may have happened to a cassette whose lengths are wrong.
const EDITED: &str = "has it been edited, or its line ends been changed?";

pub(crate) fn is_cassette(bytes: &[u8]) -> bool {
    bytes.starts_with(FIRST_LINE)
}

/// Whether this was a cassette whose first line has been changed: by a byte order mark before it,
/// or a CR at its end. The mock would play it as a script, with other times.
pub(crate) fn is_changed(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    text.starts_with(FIRST_LINE.trim_ascii()) && !is_cassette(bytes)
}

/// Reads a cassette. It understands any way of grouping the pieces, not only the recorder's. What
/// was broken off within a group lacks that group alone.
pub(crate) fn read(bytes: &[u8]) -> Result<Reading, Flaw> {
    let Some(rest) = bytes.strip_prefix(FIRST_LINE) else {
        let what = "a cassette begins with ': tidings cassette 1'".into();
        return Err(Flaw { line: 1, what });
    };
    let mut reader = Reader { rest, line: 1, entries: Vec::new() };
    while !reader.rest.is_empty() {
        let line = reader.line + 1;
        match reader.take_line() {
            Ok(()) => {}
            Err(None) => {
                return Ok(Reading { entries: reader.entries, broken_off: Some(line) });
            }
            Err(Some(flaw)) => return Err(flaw),
        }
    }
    Ok(Reading { entries: reader.entries, broken_off: None })
}

/// When it came, unless it is the rest of the one before, and how many bytes there are.
type Piece = (Option<Duration>, usize);

struct Reader<'a> {
    rest: &'a [u8],
    /// The number of the line that was taken last.
    line: usize,
    entries: Vec<Entry>,
}

impl<'a> Reader<'a> {
    fn flaw(&self, what: impl Into<String>) -> Flaw {
        Flaw { line: self.line, what: what.into() }
    }

    fn next_line(&mut self) -> Result<&'a [u8], Stop> {
        self.line += 1;
        let end = self.rest.iter().position(|&byte| byte == b'\n').ok_or(None)?;
        let line = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Ok(line)
    }

    /// The next line of the cassette's own: its word, and the text after it.
    fn next_word(&mut self) -> Result<(&'a [u8], &'a [u8]), Stop> {
        let line = self.next_line()?;
        let expected = || self.flaw(format!("a line of the cassette was expected here: {EDITED}"));
        let line = line.strip_prefix(b": ").ok_or_else(expected)?;
        let end = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
        Ok((&line[..end], line.get(end + 1..).unwrap_or_default()))
    }

    /// Takes an `about`, `open`, `location` or `end`, or a whole group.
    fn take_line(&mut self) -> Result<(), Stop> {
        let (word, text) = self.next_word()?;
        match word {
            b"about" => {}
            b"open" => {
                let (after, response) = self.time_and(text)?;
                let response = self.response(response)?;
                self.entries.push(Entry::Open { after, response });
            }
            b"location" => self.take_location(text)?,
            _ if !self.is_open() => return Err(self.flaw("': open' must come before this").into()),
            b"end" => {
                let (after, how) = self.time_and(text)?;
                let known = End::ALL.iter().find(|(name, _)| name.as_bytes() == how);
                let (_, how) = known.ok_or_else(|| {
                    self.flaw("how it ended must be close, cut, reset, stall or left")
                })?;
                self.entries.push(Entry::End { after, how: *how });
            }
            _ => self.take_group(word, text)?,
        }
        Ok(())
    }

    /// Only an `open` with a status can have one location, directly after it.
    fn take_location(&mut self, text: &[u8]) -> Result<(), Flaw> {
        let misplaced = self.flaw("a location must stand directly after the status");
        let Some(Entry::Open { response: Some(response), .. }) = self.entries.last_mut() else {
            return Err(misplaced);
        };
        match field_text(text).filter(|text| !text.is_empty()) {
            _ if response.location.is_some() => Err(misplaced),
            None => Err(self.flaw("visible ASCII was expected here")),
            Some(location) => {
                response.location = Some(location.into());
                Ok(())
            }
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.entries.last(), Some(Entry::Open { .. } | Entry::Read { .. }))
    }

    /// Takes a group, after its first line.
    fn take_group(&mut self, word: &'a [u8], text: &'a [u8]) -> Result<(), Stop> {
        let (mut word, mut text) = (word, text);
        let mut pieces = Vec::new();
        let mut bytes = Vec::new();
        if word == b"bom" {
            bytes.extend_from_slice(BYTE_ORDER_MARK);
            (word, text) = self.next_word()?;
        }
        while word == b"part" {
            pieces.push(self.piece(text)?);
            (word, text) = self.next_word()?;
        }
        match word {
            b"read" => {
                pieces.push(self.piece(text)?);
                self.take_verbatim(total(&pieces), &mut bytes)?;
            }
            b"rest" => self.take_rest(text, total(&pieces), &mut bytes)?,
            _ => {
                let known = "about, open, location, bom, part, read, rest and end";
                return Err(self.flaw(format!("unexpected word: a cassette has {known}")).into());
            }
        }
        let mut rest = bytes.as_slice();
        for (after, length) in pieces {
            let bytes;
            (bytes, rest) = rest.split_at(length);
            match (after, self.entries.last_mut()) {
                (Some(after), _) => self.entries.push(Entry::Read { after, bytes: bytes.to_vec() }),
                (None, Some(Entry::Read { bytes: before, .. })) => before.extend_from_slice(bytes),
                (None, _) => return Err(self.flaw("there is no piece that could go on").into()),
            }
        }
        Ok(())
    }

    /// Takes as many bytes as are missing.
    fn take_verbatim(&mut self, total: usize, bytes: &mut Vec<u8>) -> Result<(), Stop> {
        let too_few = || self.flaw(format!("the byte order mark alone has more than {total}"));
        let missing = total.checked_sub(bytes.len()).ok_or_else(too_few)?;
        let (verbatim, rest) = self.rest.split_at_checked(missing).ok_or(None)?;
        self.line += verbatim.iter().filter(|&&byte| byte == b'\n').count();
        bytes.extend_from_slice(verbatim);
        self.rest = rest;
        Ok(())
    }

    /// Takes `: rest` lines until there are enough bytes.
    fn take_rest(&mut self, text: &[u8], total: usize, bytes: &mut Vec<u8>) -> Result<(), Stop> {
        let mut text = text;
        loop {
            let more = unescape(text).ok_or_else(|| self.flaw("this is not escaped as it must be"));
            bytes.extend_from_slice(&more?);
            if bytes.len() == total {
                return Ok(());
            }
            match self.next_word()? {
                (b"rest", next) if bytes.len() < total => text = next,
                _ => {
                    let what = format!("{total} bytes should stand before this");
                    return Err(self.flaw(what).into());
                }
            }
        }
    }

    /// `"+" duration [ SP text ]`
    fn time_and<'t>(&self, text: &'t [u8]) -> Result<(Duration, &'t [u8]), Flaw> {
        let end = text.iter().position(|&byte| byte == b' ').unwrap_or(text.len());
        let time = str::from_utf8(&text[..end]).ok().and_then(|time| time.strip_prefix('+'));
        let time = time.and_then(duration::parse);
        let time = time.ok_or_else(|| self.flaw("a time such as +12ms was expected here"))?;
        Ok((time, text.get(end + 1..).unwrap_or_default()))
    }

    /// `( after / "on" ) SP size`
    fn piece(&self, text: &[u8]) -> Result<Piece, Flaw> {
        let on = text.strip_prefix(ON.as_bytes()).and_then(|text| text.strip_prefix(b" "));
        let (after, size) = match on {
            Some(size) => (None, size),
            None => self.time_and(text).map(|(after, size)| (Some(after), size))?,
        };
        let size = str::from_utf8(size).ok().and_then(|size| size.parse::<u64>().ok());
        // On a 32-bit machine no file that is read has more bytes than a `usize` counts.
        let size = size.map(|size| usize::try_from(size).unwrap_or(usize::MAX));
        let size = size.filter(|size| *size > 0);
        Ok((after, size.ok_or_else(|| self.flaw("a number of bytes was expected here"))?))
    }

    /// `[ status [ SP content-type ] ]`
    fn response(&self, text: &[u8]) -> Result<Option<Head>, Flaw> {
        if text.is_empty() {
            return Ok(None);
        }
        let text = field_text(text).unwrap_or_default();
        let (status, content_type) = text.split_once(' ').unwrap_or((text, ""));
        match status.parse().ok().and_then(|code| Status::new(code).ok()) {
            Some(status) => {
                let content_type = content_type.into();
                Ok(Some(Head { status, content_type, location: None }))
            }
            None => Err(self.flaw("a status and perhaps a content type were expected here")),
        }
    }
}

/// What may stand in a field's value that goes into a head as it is.
fn field_text(text: &[u8]) -> Option<&str> {
    let text = str::from_utf8(text).ok()?;
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')).then_some(text)
}

fn total(pieces: &[Piece]) -> usize {
    pieces.iter().fold(0, |total, (_, size)| total.saturating_add(*size))
}

/// Undoes `escape_ascii`; `None` if this is no such text.
fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'x' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
                itself @ (b'\\' | b'\'' | b'"') => itself,
                _ => return None,
            },
            b' '..=b'~' => byte,
            _ => return None,
        });
    }
    Some(bytes)
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        let text = all.escape_ascii().to_string();
        assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{text}");
        assert_eq!(unescape(text.as_bytes()), Some(all));
        assert_eq!("a\\é\n".as_bytes().escape_ascii().to_string(), r"a\\\xc3\xa9\n");
    }

    #[test]
    fn what_is_not_escaped_is_refused() {
        for text in [r"\", r"\q", r"\x", r"\x1", r"\xg1", "\t", "é"] {
            assert_eq!(unescape(text.as_bytes()), None, "{text}");
        }
    }
}

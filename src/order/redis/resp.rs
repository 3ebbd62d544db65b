//! *Pure*: Redis' wire, RESP2. Commands out, replies in.
//!
//! ```text
//! command = "*" count CRLF *bulk
//! reply   = "+" text CRLF | "-" text CRLF | ":" number CRLF | bulk | array
//! bulk    = "$" length CRLF *OCTET CRLF | "$-1" CRLF
//! array   = "*" count CRLF *reply | "*-1" CRLF
//! ```
//!
//! A [`Reply`] is a tree of bounded size: what is too large for it is received and left out. A
//! large array is read [head](Replies::head) first, and then one reply after the other. Nothing is
//! allocated by a length that the peer names: memory grows with what has come. What is no RESP2,
//! which RESP3 is not either, is an error of the kind `InvalidData`. After any error the connection
//! is of no use.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use crate::digits::Digits;

/// Redis' own lines are shorter than 1 KiB; an error may quote a script.
const LONGEST_LINE: usize = 64 * 1024;

/// What one read may take. An idle connection keeps so much.
const READ: usize = 64 * 1024;

/// An entry of a stream in `XINFO` needs three.
const DEEPEST: usize = 8;

/// So much of an error is kept. What is at its beginning says what it is.
const LONGEST_ERROR: usize = 240;

/// Appends a command.
pub(crate) fn command(out: &mut Vec<u8>, arguments: &[&[u8]]) {
    array(out, arguments.len());
    for argument in arguments {
        bulk(out, argument);
    }
}

/// Begins a command of so many arguments.
pub(crate) fn array(out: &mut Vec<u8>, count: usize) {
    out.push(b'*');
    out.extend_from_slice(Digits::decimal(count as u64).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends an argument.
pub(crate) fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'$');
    out.extend_from_slice(Digits::decimal(bytes.len() as u64).as_bytes());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// A reply, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Of either kind.
    Text(Vec<u8>),
    /// Its beginning.
    Error(String),
    Integer(i64),
    Null,
    Array(Vec<Reply>),
    /// A text or an array that was too large.
    Oversized,
}

/// How a reply begins.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// All of it is here.
    Whole(Reply),
    /// So many bytes follow.
    Bulk(usize),
    /// So many replies follow.
    Array(usize),
}

/// Replies as they come from a source.
#[derive(Debug)]
pub(crate) struct Replies<R> {
    input: BufReader<R>,
    /// The last line, without its end.
    line: Vec<u8>,
}

impl<R: Read> Replies<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { input: BufReader::with_capacity(READ, source), line: Vec::new() }
    }

    pub(crate) fn source(&mut self) -> &mut R {
        self.input.get_mut()
    }

    /// The next reply. What does not fit into so many bytes of memory is received, and not kept.
    pub(crate) fn reply(&mut self, most: usize) -> io::Result<Reply> {
        self.part(&mut { most }, DEEPEST)
    }

    fn part(&mut self, left: &mut usize, deeper: usize) -> io::Result<Reply> {
        match self.head()? {
            // One in another array takes half of what is left at most: what follows has room, too.
            Head::Array(count) => {
                let share = if deeper < DEEPEST { *left / 2 } else { *left };
                let mut rest = share;
                let array = self.array(count, &mut rest, deeper)?;
                *left -= share - rest;
                Ok(array)
            }
            Head::Bulk(length) => self.bulk(length, left),
            Head::Whole(Reply::Text(text)) if !take(left, text.len()) => Ok(Reply::Oversized),
            Head::Whole(Reply::Error(error)) if !take(left, error.len()) => Ok(Reply::Oversized),
            Head::Whole(reply) => Ok(reply),
        }
    }

    /// How the next reply begins: an array, whose replies can be read one after the other, or
    /// something else.
    pub(crate) fn head(&mut self) -> io::Result<Head> {
        if let Some(head) = self.short_length() {
            return Ok(head);
        }
        self.line()?;
        let (&kind, text) = self.line.split_first().unwrap_or((&0, b""));
        let number = || {
            let text = std::str::from_utf8(text).ok().filter(|text| !text.starts_with('+'));
            text.and_then(|text| text.parse::<i64>().ok()).ok_or_else(|| fault("a number is none"))
        };
        let length = || match number()? {
            -1 => Ok(None),
            // More than memory has never comes to its end.
            length => match u64::try_from(length) {
                Ok(length) => Ok(Some(usize::try_from(length).unwrap_or(usize::MAX))),
                Err(_) => Err(fault("a length is negative")),
            },
        };
        let shown = &text[..text.len().min(LONGEST_ERROR)];
        Ok(match kind {
            b'+' => Head::Whole(Reply::Text(text.into())),
            b'-' => Head::Whole(Reply::Error(String::from_utf8_lossy(shown).into())),
            b':' => Head::Whole(Reply::Integer(number()?)),
            b'$' => length()?.map_or(Head::Whole(Reply::Null), Head::Bulk),
            b'*' => length()?.map_or(Head::Whole(Reply::Null), Head::Array),
            _ => return Err(fault("what was received is not Redis' protocol, RESP2")),
        })
    }

    /// The length of a bulk or an array, as nearly all lines are, if it is short and all of it is
    /// here.
    fn short_length(&mut self) -> Option<Head> {
        let [kind @ (b'$' | b'*'), rest @ ..] = self.input.buffer() else { return None };
        let digits = rest.iter().take(7).take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, [b'\r', b'\n', ..]) = rest.split_at(digits) else { return None };
        if digits.is_empty() {
            return None;
        }
        let add = |length, digit: &u8| 10 * length + usize::from(digit - b'0');
        let (length, size) = (digits.iter().fold(0, add), digits.len() + 3);
        let head = if *kind == b'$' { Head::Bulk(length) } else { Head::Array(length) };
        self.input.consume(size);
        Some(head)
    }

    fn line(&mut self) -> io::Result<()> {
        self.line.clear();
        let most = LONGEST_LINE + 2;
        self.input.by_ref().take(most as u64).read_until(b'\n', &mut self.line)?;
        match self.line.strip_suffix(b"\r\n").map(|line| line.contains(&b'\r')) {
            Some(false) => self.line.truncate(self.line.len() - 2),
            None if self.line.len() == most => return Err(fault("a line is longer than 64 KiB")),
            None if !self.line.ends_with(b"\n") => return Err(ErrorKind::UnexpectedEof.into()),
            _ => return Err(fault("a line does not end in CRLF")),
        }
        Ok(())
    }

    fn array(&mut self, count: usize, left: &mut usize, deeper: usize) -> io::Result<Reply> {
        let deeper =
            deeper.checked_sub(1).ok_or_else(|| fault("arrays are nested deeper than 8"))?;
        let (before, mut parts) = (*left, Some(Vec::with_capacity(count.min(8))));
        for _ in 0..count {
            let part = self.part(left, deeper)?;
            parts = parts.filter(|_| take(left, size_of::<Reply>()));
            if let Some(parts) = &mut parts {
                parts.push(part);
            }
        }
        if parts.is_none() {
            *left = before;
        }
        Ok(parts.map_or(Reply::Oversized, Reply::Array))
    }

    fn bulk(&mut self, length: usize, left: &mut usize) -> io::Result<Reply> {
        // Nearly always all of it is here.
        let here = self.input.buffer().split_at_checked(length);
        if let Some((bytes, [b'\r', b'\n', ..])) = here
            && take(left, length)
        {
            let bytes = bytes.to_vec();
            self.input.consume(length + 2);
            return Ok(Reply::Text(bytes));
        }
        let mut bytes = take(left, length).then(|| Vec::with_capacity(length.min(READ)));
        let mut input = self.input.by_ref().take(length as u64);
        match &mut bytes {
            Some(bytes) => _ = input.read_to_end(bytes)?,
            None => _ = io::copy(&mut input, &mut io::sink())?,
        }
        let mut end = [0; 2];
        self.input.read_exact(&mut end)?;
        match end == *b"\r\n" {
            true => Ok(bytes.map_or(Reply::Oversized, Reply::Text)),
            false => Err(fault("a bulk does not end where its length says")),
        }
    }
}

/// Takes so much of what is left, if it is enough.
fn take(left: &mut usize, size: usize) -> bool {
    let rest = left.checked_sub(size);
    *left = rest.unwrap_or(*left);
    rest.is_some()
}

fn fault(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

impl Reply {
    /// Its text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    pub(crate) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => String::from_utf8(text).ok(),
            _ => None,
        }
    }

    /// How many bytes of text it has; or many, if that is not known.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Array(parts) => parts.iter().map(Self::len).sum(),
            Self::Oversized => 16 * 1024 * 1024,
            Self::Error(_) | Self::Integer(_) | Self::Null => 0,
        }
    }

    /// Its parts; none if it is no array.
    pub(crate) fn parts(&self) -> &[Self] {
        match self {
            Self::Array(parts) => parts,
            _ => &[],
        }
    }

    /// What follows this name, in an array of names and values as `XINFO` gives it.
    pub(crate) fn value(&self, name: &str) -> Option<&Self> {
        let mut pairs = self.parts().chunks_exact(2);
        pairs.find(|pair| pair[0].text() == Some(name)).map(|pair| &pair[1])
    }
}

#[cfg(test)]
mod tests;

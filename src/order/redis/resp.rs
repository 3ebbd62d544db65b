//! *Pure*: Redis' wire, RESP2. Commands out, tokens in.
//!
//! ```text
//! command = "*" count CRLF *bulk
//! reply   = "+" text CRLF | "-" text CRLF | ":" number CRLF | bulk | array
//! bulk    = "$" length CRLF *OCTET CRLF | "$-1" CRLF
//! array   = "*" count CRLF *reply | "*-1" CRLF
//! ```
//!
//! A [`Parser`] gives one [`Token`] after the other, so that a reply of any size passes through a
//! small buffer; a [`Reply`] is a whole short one. Nothing is allocated by a length that the peer
//! names: the buffer grows with what has come. A bulk that is longer than the bound is skipped as
//! it comes. What is no RESP2, which RESP3 is not either, is a [`Fault`], and ends the connection.

use std::fmt;
use std::ops::Range;

use crate::digits::Digits;
use crate::search::first_of;

/// Redis' own lines are shorter than 1 KiB; an error may quote a script.
const LONGEST_LINE: usize = 64 * 1024;

/// What one read may take, at least half of it. An idle connection keeps so much.
const READ: usize = 64 * 1024;

/// More than the entries that one command of ours asks for, and than the fields that one has.
const LONGEST_ARRAY: u64 = 1 << 20;

/// `XREAD` needs five.
const DEEPEST: usize = 8;

/// What a [`Reply`] may take in memory. Where an entry of a stream is a part of it, that may be
/// larger, and is left out.
const LARGEST_REPLY: usize = 256 * 1024;

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

/// A piece of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<T> {
    Simple(T),
    Error(T),
    Integer(i64),
    Bulk(T),
    /// A bulk of so many bytes, which was skipped.
    Oversized(u64),
    Null,
    /// So many replies follow.
    Array(usize),
}

impl<T> Token<T> {
    fn map<U>(self, to: impl FnOnce(T) -> U) -> Token<U> {
        match self {
            Self::Simple(text) => Token::Simple(to(text)),
            Self::Error(text) => Token::Error(to(text)),
            Self::Integer(number) => Token::Integer(number),
            Self::Bulk(bytes) => Token::Bulk(to(bytes)),
            Self::Oversized(length) => Token::Oversized(length),
            Self::Null => Token::Null,
            Self::Array(count) => Token::Array(count),
        }
    }
}

/// What the peer sent that is no RESP2, or past a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault(&'static str);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Finds tokens in bytes that come in any pieces. After a fault it is of no use.
#[derive(Debug)]
pub(crate) struct Parser {
    longest_bulk: u64,
    /// What was received and not yet parsed lies in `start..end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// So many bytes after `start` hold no CR.
    searched: usize,
    /// The length of the bulk that is being received, and how much of it is still to come: all of
    /// it until it is whole, if it is not skipped.
    bulk: Option<(u64, u64)>,
    /// How many replies are still to come of each array that is not whole, the outermost first.
    arrays: Vec<usize>,
}

impl Parser {
    pub(crate) fn new(longest_bulk: usize) -> Self {
        Self {
            longest_bulk: longest_bulk as u64,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            searched: 0,
            bulk: None,
            arrays: Vec::new(),
        }
    }

    /// The next token. Where more bytes are needed, `fill` puts some at the beginning of the
    /// buffer that it is given, and says how many; or it fails, and may be called again later.
    pub(crate) fn token<E: From<Fault>>(
        &mut self,
        fill: &mut impl FnMut(&mut [u8]) -> Result<usize, E>,
    ) -> Result<Token<&[u8]>, E> {
        loop {
            if let Some(token) = self.advance()? {
                return Ok(token.map(|range| &self.buffer[range]));
            }
            self.end += fill(self.room())?;
        }
    }

    /// The next reply as a whole, for short ones.
    pub(crate) fn reply<E: From<Fault>>(
        &mut self,
        fill: &mut impl FnMut(&mut [u8]) -> Result<usize, E>,
    ) -> Result<Reply, E> {
        self.part(fill, &mut { LARGEST_REPLY })
    }

    /// What does not fit into `left` is received, and not kept.
    fn part<E: From<Fault>>(
        &mut self,
        fill: &mut impl FnMut(&mut [u8]) -> Result<usize, E>,
        left: &mut usize,
    ) -> Result<Reply, E> {
        let count = match self.token(fill)? {
            Token::Simple(text) | Token::Bulk(text) => return Ok(Reply::text_within(text, left)),
            Token::Error(text) => return Ok(Reply::error_within(text, left)),
            Token::Integer(number) => return Ok(Reply::Integer(number)),
            Token::Oversized(length) => return Ok(Reply::Oversized(length)),
            Token::Null => return Ok(Reply::Null),
            Token::Array(count) => count,
        };
        let (before, mut parts) = (*left, Some(Vec::new()));
        for _ in 0..count {
            let part = self.part(fill, left)?;
            match (&mut parts, left.checked_sub(size_of::<Reply>())) {
                (Some(kept), Some(rest)) => {
                    *left = rest;
                    kept.push(part);
                }
                _ => parts = None,
            }
        }
        if parts.is_none() {
            *left = before;
        }
        Ok(parts.map_or(Reply::Oversized(count as u64), Reply::Array))
    }

    /// Whether the reply of the last token is whole.
    pub(crate) fn is_whole(&self) -> bool {
        self.arrays.is_empty()
    }

    /// Where there is room for more.
    fn room(&mut self) -> &mut [u8] {
        let is_short = |parser: &Self| parser.buffer.len() - parser.end < READ / 2;
        if self.start > 0 && (self.start == self.end || is_short(self)) {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == 0 && self.buffer.len() > READ {
            self.buffer.truncate(READ);
            self.buffer.shrink_to_fit();
        } else if is_short(self) {
            // Only what is new is zeroed.
            self.buffer.resize(READ.max(2 * self.buffer.len()), 0);
        }
        &mut self.buffer[self.end..]
    }

    /// The next token, if all of it has come.
    fn advance(&mut self) -> Result<Option<Token<Range<usize>>>, Fault> {
        let (length, mut left) = match self.bulk.take() {
            Some(bulk) => bulk,
            None => match self.head()? {
                Some(Head::Token(token)) => return self.found(token),
                Some(Head::Bulk(length)) => (length, length),
                None => return Ok(None),
            },
        };
        let is_oversized = length > self.longest_bulk;
        let received = (self.end - self.start) as u64;
        if is_oversized {
            let skipped = received.min(left);
            self.start += skipped as usize;
            left -= skipped;
        }
        if ((self.end - self.start) as u64) < left + 2 {
            self.bulk = Some((length, left));
            return Ok(None);
        }
        let bytes = self.start..self.start + left as usize;
        self.start = bytes.end + 2;
        if self.buffer[bytes.end..self.start] != *b"\r\n" {
            return Err(Fault("a bulk does not end where its length says"));
        }
        self.found(if is_oversized { Token::Oversized(length) } else { Token::Bulk(bytes) })
    }

    /// The next line, if all of it has come, as what it begins.
    fn head(&mut self) -> Result<Option<Head>, Fault> {
        let received = &self.buffer[self.start..self.end];
        if received.first().is_some_and(|kind| !b"+-:$*".contains(kind)) {
            return Err(Fault("what was received is not Redis' protocol, RESP2"));
        }
        let end = first_of([b'\r'], &received[self.searched..]).map(|at| self.searched + at);
        self.searched = end.unwrap_or(received.len());
        if self.searched > LONGEST_LINE {
            return Err(Fault("a line is longer than 64 KiB"));
        }
        let Some(end) = end.filter(|end| end + 1 < received.len()) else { return Ok(None) };
        if received[end + 1] != b'\n' || received[1..end].contains(&b'\n') {
            return Err(Fault("a line does not end in CRLF"));
        }
        let (kind, text) = (received[0], self.start + 1..self.start + end);
        let number = number(&self.buffer[text.clone()]);
        let length = || match number.ok_or(Fault("a number is none"))? {
            -1 => Ok(None),
            length => u64::try_from(length).map(Some).map_err(|_| Fault("a length is negative")),
        };
        self.start += end + 2;
        self.searched = 0;
        Ok(Some(match kind {
            b'+' => Head::Token(Token::Simple(text)),
            b'-' => Head::Token(Token::Error(text)),
            b':' => Head::Token(Token::Integer(number.ok_or(Fault("a number is none"))?)),
            b'$' => length()?.map_or(Head::Token(Token::Null), Head::Bulk),
            _ => Head::Token(match length()? {
                None => Token::Null,
                Some(count) if count <= LONGEST_ARRAY => Token::Array(count as usize),
                Some(_) => return Err(Fault("an array has more than 1,048,576 elements")),
            }),
        }))
    }

    /// Counts a token among those of the arrays that it belongs to.
    fn found(&mut self, token: Token<Range<usize>>) -> Result<Option<Token<Range<usize>>>, Fault> {
        match token {
            Token::Array(count @ 1..) if self.arrays.len() < DEEPEST => self.arrays.push(count),
            Token::Array(1..) => return Err(Fault("arrays are nested deeper than 8")),
            _ => {
                while let Some(left) = self.arrays.last_mut() {
                    *left -= 1;
                    if *left > 0 {
                        break;
                    }
                    self.arrays.pop();
                }
            }
        }
        Ok(Some(token))
    }
}

/// What a line is.
enum Head {
    Token(Token<Range<usize>>),
    /// So many bytes follow.
    Bulk(u64),
}

/// `["-"] 1*DIGIT`, of 64 bits.
fn number(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok().filter(|text| !text.starts_with('+'))?;
    text.parse().ok()
}

/// A whole reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Of either kind.
    Text(Box<[u8]>),
    /// Its beginning.
    Error(Box<str>),
    Integer(i64),
    /// A bulk of so many bytes, or an array of so many replies, which was skipped.
    Oversized(u64),
    Null,
    Array(Vec<Reply>),
}

impl Reply {
    fn text_within(text: &[u8], left: &mut usize) -> Self {
        match left.checked_sub(text.len()) {
            Some(rest) => {
                *left = rest;
                Self::Text(text.into())
            }
            None => Self::Oversized(text.len() as u64),
        }
    }

    fn error_within(text: &[u8], left: &mut usize) -> Self {
        let shown = text.len().min(LONGEST_ERROR).min(*left);
        *left -= shown;
        Self::Error(String::from_utf8_lossy(&text[..shown]).into())
    }

    /// Its text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => std::str::from_utf8(text).ok(),
            _ => None,
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
        let pairs = self.parts().chunks_exact(2);
        pairs
            .map(|pair| (&pair[0], &pair[1]))
            .find(|pair| pair.0.text() == Some(name))
            .map(|of| of.1)
    }
}

#[cfg(test)]
mod tests;

//! A block: one event of the journal, with what is known of it, as an event stream has it.
//!
//! ```text
//! block  = id channel time [ synced ] [ batch ] [ key digest ] event crc LF
//!
//! id      = "id: " epoch "-" sequence LF          decimal, without leading zeros
//! channel = "channel: " name LF
//! time    = "time: " ms LF                        since 1970
//! synced  = "synced: " epoch "-" sequence LF      all up to this id was durable by then
//! batch   = "batch: " count LF                    first of so many that are all or none
//! key     = "key: " key LF                        an idempotency key
//! digest  = "digest: " 16HEXDIG LF                and of what it was used for
//! event   = [ "event: " type LF ] [ "retry: " ms LF ] 1*( "data: " line LF )
//! crc     = "crc: " 8HEXDIG LF                    CRC-32 of everything before this line
//! ```
//!
//! Clients ignore the fields that they don't know, so a segment can be read as it is. What a stream
//! is sent is the line of the id, `event`, and a blank line: copied, and never encoded again.
//!
//! Each line begins with its name and ends with LF. So a line that begins with `id: ` is the first
//! of a block and nothing else, and a blank line is the end of one. Whoever writes makes sure that
//! there is no CR, LF or NUL in a name or a key.

use std::fmt;
use std::io::ErrorKind;

use super::crc::crc32;
use crate::digits::Digits;
use crate::event::Event;
pub(crate) use crate::log::id::Id;
use crate::search::first_of;

/// The largest block that is written, and that a reader believes in.
pub(crate) const LARGEST: usize = 64 * 1024 * 1024;

/// The longest name of a channel in a journal, in bytes.
pub(crate) const LONGEST_NAME: usize = 1024;

/// The longest idempotency key, in bytes.
pub(crate) const LONGEST_KEY: usize = 255;

/// The longest id: two numbers of 20 digits, and a hyphen.
const LONGEST_ID: usize = 41;

/// More than everything before the event takes.
pub(crate) const LONGEST_HEAD: usize = 2048;

/// What every block begins with, and no other line.
pub(crate) const FIRST: &[u8] = b"id: ";

/// How many bytes come after the event: the line of the sum, and the blank line.
pub(crate) const END: u64 = b"crc: 01234567\n\n".len() as u64;

/// What comes after the event.
const CRC: &[u8] = b"crc: ";

/// Reads an id as it is written, and no other form.
fn parse_id(text: &[u8]) -> Option<Id> {
    Id::parse(str::from_utf8(text).ok()?)
}

/// What the journal knows of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    pub(crate) id: Id,
    pub(crate) channel: &'a str,
    /// In milliseconds since 1970.
    pub(crate) time: u64,
    pub(crate) synced: Option<Id>,
    /// How many adjacent events, of which this is the first, are all or none.
    pub(crate) batch: Option<u64>,
    /// An idempotency key, and the digest of what it was used for.
    pub(crate) key: Option<(&'a str, u64)>,
}

/// A whole block, out of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    pub(crate) head: Head<'a>,
    /// The line of the id. With `event` and a blank line, it is what a stream is sent.
    pub(crate) id_line: &'a [u8],
    /// The lines of the event itself, each with its LF.
    pub(crate) event: &'a [u8],
    /// How many bytes the block has.
    pub(crate) len: usize,
}

/// Why bytes are no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// They end within the block, as far as they go: there may be more to come.
    Cut,
    /// The line that begins at this byte isn't one that may stand there.
    Line(usize),
    /// The line of this name, which begins at this byte, has no such value.
    Value(usize, &'static str),
    Crc {
        written: u32,
        computed: u32,
    },
    TooLarge,
    /// The disk can't read them.
    Unread(ErrorKind),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => f.write_str("it ends within an event"),
            Self::Line(at) => write!(f, "the line at its byte {at} is none that may stand there"),
            Self::Value(at, name) => {
                write!(f, "the line {name:?} at its byte {at} has a value that was never written")
            }
            Self::Crc { written, computed } => {
                write!(f, "its crc says {written:08x}, and its bytes have {computed:08x}")
            }
            Self::Unread(kind) => write!(f, "the disk can't read it: {kind}"),
            Self::TooLarge => write!(f, "it is larger than {LARGEST} bytes"),
        }
    }
}

/// Whether a journal can have this name of a channel.
pub(crate) fn is_name(name: &str) -> bool {
    is_text(name.as_bytes(), LONGEST_NAME)
}

fn is_text(bytes: &[u8], most: usize) -> bool {
    bytes.len() <= most && !bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n' | b'\0'))
}

impl Head<'_> {
    /// Appends the block of this event.
    pub(crate) fn encode(&self, event: &Event, out: &mut Vec<u8>) {
        out.reserve(LONGEST_HEAD.min(256 + self.channel.len()) + event.len_with(None));
        self.encode_with(|out| event.encode_with(None, out), out);
    }

    /// Appends the block of an event that this writes, without an id and with its blank line.
    pub(crate) fn encode_with(&self, event: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
        let start = out.len();
        self.encode_lines(out);
        event(out);
        // Its blank line comes after the sum.
        out.pop();
        let crc = crc32(&out[start..]);
        out.extend_from_slice(CRC);
        hexadecimal(u64::from(crc), 8, out);
        out.extend_from_slice(b"\n\n");
    }

    fn encode_lines(&self, out: &mut Vec<u8>) {
        let id = |name: &str, id: Id, out: &mut Vec<u8>| {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(id.text().as_str().as_bytes());
            out.push(b'\n');
        };
        let text = |name: &str, text: &str, out: &mut Vec<u8>| {
            [name, text, "\n"].iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
        };
        id("id: ", self.id, out);
        text("channel: ", self.channel, out);
        text("time: ", Digits::decimal(self.time).as_str(), out);
        if let Some(synced) = self.synced {
            id("synced: ", synced, out);
        }
        if let Some(count) = self.batch {
            text("batch: ", Digits::decimal(count).as_str(), out);
        }
        if let Some((key, digest)) = self.key {
            text("key: ", key, out);
            out.extend_from_slice(b"digest: ");
            hexadecimal(digest, 16, out);
            out.push(b'\n');
        }
    }
}

/// In so many digits, lower case.
fn hexadecimal(number: u64, digits: usize, out: &mut Vec<u8>) {
    let number = Digits::hexadecimal(number);
    out.extend(std::iter::repeat_n(b'0', digits - number.as_bytes().len()));
    out.extend_from_slice(number.as_bytes());
}

/// Reads digits as they are written, without a sign or leading zeros.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    let is_short = matches!(digits, [b'0'] | [b'1'..=b'9', ..]);
    if !is_short || digits.len() > 20 {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

fn from_hexadecimal(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(digit))
    })
}

/// The lines of a block, taken one by one.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    /// The value of the next line, if it has this name. It is `Cut` where the bytes end within a
    /// line that may have it, and `TooLarge` where the line goes on past `most` bytes.
    fn take(&mut self, name: &'static str, most: usize) -> Result<Option<&'a [u8]>, Fault> {
        let rest = &self.bytes[self.at..];
        let Some(value) = rest.strip_prefix(name.as_bytes()) else {
            return if name.as_bytes().starts_with(rest) { Err(Fault::Cut) } else { Ok(None) };
        };
        match first_of([b'\n'], &value[..value.len().min(most + 1)]) {
            Some(len) => {
                self.at += name.len() + len + 1;
                Ok(Some(&value[..len]))
            }
            None if value.len() > most => Err(Fault::TooLarge),
            None => Err(Fault::Cut),
        }
    }

    /// The same, for a line whose value is read by this.
    fn read<T>(
        &mut self,
        name: &'static str,
        most: usize,
        read: impl FnOnce(&'a [u8]) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let at = self.at;
        let value = self.take(name, most)?;
        value.map(|value| read(value).ok_or(Fault::Value(at, name))).transpose()
    }

    /// The same, for a line that has to be there.
    fn need<T>(
        &mut self,
        name: &'static str,
        most: usize,
        read: impl FnOnce(&'a [u8]) -> Option<T>,
    ) -> Result<T, Fault> {
        let at = self.at;
        self.read(name, most, read)?.ok_or(Fault::Line(at))
    }
}

fn text(most: usize) -> impl Fn(&[u8]) -> Option<&str> {
    move |bytes| str::from_utf8(bytes).ok().filter(|_| is_text(bytes, most))
}

impl<'a> Head<'a> {
    /// Reads everything before the event. Returns with it where the line of the id ends, and where
    /// the event begins.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<(Self, usize, usize), Fault> {
        let mut lines = Lines { bytes, at: 0 };
        let id = lines.need("id: ", LONGEST_ID, parse_id)?;
        let id_line = lines.at;
        let channel = lines.need("channel: ", LONGEST_NAME, text(LONGEST_NAME))?;
        let time = lines.need("time: ", 20, number)?;
        let synced = lines.read("synced: ", LONGEST_ID, parse_id)?;
        let batch = lines.read("batch: ", 20, number)?;
        let mut key = None;
        if let Some(text) = lines.read("key: ", LONGEST_KEY, text(LONGEST_KEY))? {
            let digits = |value: &[u8]| (value.len() == 16).then(|| from_hexadecimal(value))?;
            key = Some((text, lines.need("digest: ", 16, digits)?));
        }
        Ok((Self { id, channel, time, synced, batch, key }, id_line, lines.at))
    }
}

impl<'a> Block<'a> {
    /// Reads the block that these bytes begin with, and checks all of it.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Fault> {
        // What is too large is never said to be cut: nobody should wait for its end.
        let is_all = bytes.len() <= LARGEST;
        let bytes = &bytes[..bytes.len().min(LARGEST)];
        Self::parse_within(bytes)
            .map_err(|fault| if fault == Fault::Cut && !is_all { Fault::TooLarge } else { fault })
    }

    fn parse_within(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (head, id_line, begin) = Head::parse(bytes)?;
        let mut lines = Lines { bytes, at: begin };
        lines.take("event: ", LARGEST)?;
        lines.read("retry: ", 20, number)?;
        let at = lines.at;
        lines.take("data: ", LARGEST)?.ok_or(Fault::Line(at))?;
        while lines.take("data: ", LARGEST)?.is_some() {}
        let end = lines.at;
        let digits = |value: &[u8]| (value.len() == 8).then(|| from_hexadecimal(value))?;
        let written = lines.need("crc: ", 8, digits)? as u32;
        match bytes.get(lines.at) {
            Some(b'\n') => {}
            Some(_) => return Err(Fault::Line(lines.at)),
            None => return Err(Fault::Cut),
        }
        let computed = crc32(&bytes[..end]);
        if written != computed {
            return Err(Fault::Crc { written, computed });
        }
        let (id_line, event) = (&bytes[..id_line], &bytes[begin..end]);
        Ok(Self { head, id_line, event, len: lines.at + 1 })
    }

    /// How many bytes a stream is sent of it, without chunk framing.
    pub(crate) fn content_len(&self) -> usize {
        self.id_line.len() + self.event.len() + 1
    }
}

#[cfg(test)]
mod tests;

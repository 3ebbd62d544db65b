//! A reader of JSON (RFC 8259), as strict as a word about who may do what needs: each text means
//! one thing, to this reader and to every other that takes it.
//!
//! ```text
//! value  = object / array / string / number / "true" / "false" / "null"
//! object = "{" [ string ":" value *( "," string ":" value ) ] "}"
//! array  = "[" [ value *( "," value ) ] "]"
//! number = [ "-" ] ( "0" / 1*DIGIT that begin with 1-9 ) [ "." 1*DIGIT ] [ exponent ]
//! ```
//!
//! The reader is asked for what is expected next. It refuses what readers are known to disagree on:
//! a name that an object has twice (section 4), half of a surrogate pair (section 8.2), a byte
//! order mark (section 8.1), and values deeper than [`DEEPEST`].

use std::borrow::Cow;

use super::Refused;

/// How many objects and arrays may be in one another.
const DEEPEST: u32 = 8;

/// The largest number that every reader understands (RFC 8259, section 6).
const LARGEST: u64 = (1 << 53) - 1;

/// What reads the value of a member. The name is given.
pub(super) type Member<'a, 'f> = &'f mut dyn FnMut(&mut Reader<'a>, &str) -> Result<(), Refused>;

/// A text, and how far it has been read.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

/// Reads a text that is one object. `member` must read each value, or skip it.
pub(super) fn read<'a>(text: &'a str, member: Member<'a, '_>) -> Result<(), Refused> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    reader.object(member)?;
    match reader.next() {
        None => Ok(()),
        Some(_) => Err(Refused::MALFORMED),
    }
}

impl<'a> Reader<'a> {
    /// The next byte that is no white space, which is not taken.
    fn next(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                next => return next.copied(),
            }
        }
    }

    /// Takes this byte if it is the next one here.
    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Takes this byte, after white space.
    fn expect(&mut self, byte: u8) -> Result<(), Refused> {
        self.next();
        if self.takes(byte) { Ok(()) } else { Err(Refused::MALFORMED) }
    }

    /// Goes through what stands in brackets, with commas between.
    fn each(
        &mut self,
        [begin, end]: [u8; 2],
        item: &mut dyn FnMut(&mut Self) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        self.expect(begin)?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Refused::DEEP);
        }
        if self.next() != Some(end) {
            item(self)?;
            while self.next() == Some(b',') {
                self.at += 1;
                item(self)?;
            }
        }
        self.depth -= 1;
        self.expect(end)
    }

    fn object(&mut self, member: Member<'a, '_>) -> Result<(), Refused> {
        let mut names: Vec<Cow<'a, str>> = Vec::new();
        self.each(*b"{}", &mut |reader| {
            let name = reader.string()?;
            if names.contains(&name) {
                return Err(Refused::TWICE);
            }
            reader.expect(b':')?;
            member(reader, &name)?;
            names.push(name);
            Ok(())
        })
    }

    /// Reads a list. `item` must read each value in it, or skip it.
    pub(super) fn list(
        &mut self,
        item: &mut dyn FnMut(&mut Self) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        self.is_typed(b"[")?;
        self.each(*b"[]", item)
    }

    /// Reads a string.
    pub(super) fn text(&mut self) -> Result<Cow<'a, str>, Refused> {
        self.is_typed(b"\"")?;
        self.string()
    }

    /// Whether the next value is of a type that begins with one of these.
    fn is_typed(&mut self, begins: &[u8]) -> Result<(), Refused> {
        match self.next() {
            Some(next) if begins.contains(&next) => Ok(()),
            _ => Err(Refused::TYPE),
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Refused> {
        self.expect(b'"')?;
        let mut string = Cow::Borrowed("");
        loop {
            let rest = &self.text[self.at..];
            let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
            let plain = rest.bytes().position(|byte| !is_plain(byte)).ok_or(Refused::MALFORMED)?;
            string += &rest[..plain];
            self.at += plain;
            if self.takes(b'"') {
                return Ok(string);
            }
            string.to_mut().push(self.escaped()?);
        }
    }

    /// `"\" ( %x22 / "\" / "/" / "b" / "f" / "n" / "r" / "t" / "u" 4HEXDIG )`
    fn escaped(&mut self) -> Result<char, Refused> {
        if !self.takes(b'\\') {
            return Err(Refused::MALFORMED);
        }
        let letter = self.next_at_once();
        self.at += 1;
        Ok(match letter {
            Some(same @ (b'"' | b'\\' | b'/')) => same.into(),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => self.unicode()?,
            _ => return Err(Refused::MALFORMED),
        })
    }

    fn next_at_once(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// One unit of UTF-16, or a pair of them.
    fn unicode(&mut self) -> Result<char, Refused> {
        let first = self.unit()?;
        let is_half = (0xd800..0xdc00).contains(&first);
        let second = if is_half && self.takes(b'\\') && self.takes(b'u') {
            Some(self.unit()?)
        } else {
            None
        };
        let units = [first].into_iter().chain(second);
        let mut decoded = char::decode_utf16(units);
        decoded.next().and_then(Result::ok).ok_or(Refused::MALFORMED)
    }

    fn unit(&mut self) -> Result<u16, Refused> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(Refused::MALFORMED)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(Refused::MALFORMED);
        }
        self.at += 4;
        u16::from_str_radix(digits, 16).map_err(|_| Refused::MALFORMED)
    }

    /// Reads a number, and gives how it is written.
    fn number(&mut self) -> Result<&'a str, Refused> {
        let begin = self.at;
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _ = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        Ok(&self.text[begin..self.at])
    }

    fn digits(&mut self) -> Result<(), Refused> {
        let begin = self.at;
        while self.next_at_once().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > begin { Ok(()) } else { Err(Refused::MALFORMED) }
    }

    /// Reads a number of seconds since 1970, without an exponent. A fraction is cut off, and a time
    /// before 1970 is its beginning.
    pub(super) fn date(&mut self) -> Result<u64, Refused> {
        self.is_typed(b"-0123456789")?;
        let number = self.number()?;
        let whole = number.split('.').next().unwrap_or_default();
        match whole.parse() {
            _ if number.contains(['e', 'E']) => Err(Refused::TYPE),
            _ if whole.starts_with('-') => Ok(0),
            Ok(date @ ..=LARGEST) => Ok(date),
            _ => Err(Refused::TYPE),
        }
    }

    /// Reads a value of any type.
    pub(super) fn skip(&mut self) -> Result<(), Refused> {
        let word = match self.next() {
            Some(b'{') => return self.object(&mut |reader, _| reader.skip()),
            Some(b'[') => return self.each(*b"[]", &mut Self::skip),
            Some(b'"') => return self.string().map(drop),
            Some(b't') => "true",
            Some(b'f') => "false",
            Some(b'n') => "null",
            _ => return self.number().map(drop),
        };
        if !self.text[self.at..].starts_with(word) {
            return Err(Refused::MALFORMED);
        }
        self.at += word.len();
        Ok(())
    }
}

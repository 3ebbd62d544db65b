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

/// The last second of the year 9999. A later one is in milliseconds by mistake, so that a token
/// which was to hold for an hour would hold for ever.
const LAST: u64 = 253_402_300_799;

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
        let mut names: Vec<Cow<'a, str>> = Vec::with_capacity(8);
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
            let begin = self.at;
            let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
            while self.next_at_once().is_some_and(is_plain) {
                self.at += 1;
            }
            string += &self.text[begin..self.at];
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

    /// Reads a number. Gives its whole part, without the sign, unless it has an exponent.
    fn number(&mut self) -> Result<Option<u64>, Refused> {
        self.takes(b'-');
        let whole = if self.takes(b'0') { 0 } else { self.digits()? };
        if self.takes(b'.') {
            self.digits()?;
        }
        if !self.takes(b'e') && !self.takes(b'E') {
            return Ok(Some(whole));
        }
        let _ = self.takes(b'+') || self.takes(b'-');
        self.digits().map(|_| None)
    }

    /// Reads digits, one at least. The largest number stands for all that are larger.
    fn digits(&mut self) -> Result<u64, Refused> {
        let begin = self.at;
        let mut number = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.next_at_once() {
            number = number.saturating_mul(10).saturating_add((digit - b'0').into());
            self.at += 1;
        }
        if self.at > begin { Ok(number) } else { Err(Refused::MALFORMED) }
    }

    /// Reads a number of seconds since 1970, without an exponent. A fraction is cut off, and a time
    /// before 1970 is its beginning.
    pub(super) fn date(&mut self) -> Result<u64, Refused> {
        self.is_typed(b"-0123456789")?;
        let is_negative = self.next_at_once() == Some(b'-');
        match self.number()? {
            Some(_) if is_negative => Ok(0),
            Some(date @ ..=LAST) => Ok(date),
            Some(_) => Err(Refused::DATE),
            None => Err(Refused::TYPE),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a text through, and skips all values.
    fn skim(text: &str) -> Result<(), Refused> {
        read(text, &mut |value, _| value.skip())
    }

    /// What `member` gives for the value of this text.
    fn value<T>(
        text: &str,
        member: impl Fn(&mut Reader<'_>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let mut found = Err(Refused::MALFORMED);
        read(&format!("{{\"a\":{text}}}"), &mut |value, _| {
            found = member(value);
            found.as_ref().map(drop).map_err(|why| *why)
        })
        .and(found)
    }

    #[test]
    fn what_the_grammar_allows_is_read() {
        for text in [
            "{}",
            " {\t}\r\n",
            r#"{"a":1}"#,
            r#" { "a" : 1 , "b" : [ ] , "" : { } } "#,
            r#"{"a":[true,false,null,"",-0,0.0,10e5,1E-2,-1.5e+10]}"#,
            r#"{"a":{"a":{"a":{"a":{"a":{"a":{"a":0}}}}}}}"#,
            r#"{"a":[[[[[[[]]]]]]]}"#,
            r#"{"\"\\\/\b\f\n\r\t\u0000\ud83d\uDE00":"é𝄞"}"#,
            "{\"\u{7f}\u{2028}\u{feff}\":0}",
        ] {
            assert_eq!(skim(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_it_does_not_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "}",
            "[]",
            "\"\"",
            "0",
            "null",
            "{}{}",
            "{},",
            "{}\0",
            "\u{feff}{}",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{,"a":1}"#,
            r#"{"a":1 "b":2}"#,
            r#"{"a":1;"b":2}"#,
            r#"{a:1}"#,
            r#"{'a':1}"#,
            r#"{1:1}"#,
            r#"{"a"=1}"#,
            r#"{"a":1"#,
            r#"{"a":1]"#,
            r#"{"a":[1}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":[,1]}"#,
            r#"{"a":[1 2]}"#,
            r#"{"a":tru}"#,
            r#"{"a":True}"#,
            r#"{"a":truely}"#,
            r#"{"a":nul"#,
            r#"{"a":NaN}"#,
            r#"{"a":Infinity}"#,
            r#"{"a":-Infinity}"#,
            r#"{"a":undefined}"#,
            r#"{"a":01}"#,
            r#"{"a":-}"#,
            r#"{"a":+1}"#,
            r#"{"a":.5}"#,
            r#"{"a":1.}"#,
            r#"{"a":1.e5}"#,
            r#"{"a":1e}"#,
            r#"{"a":1e+}"#,
            r#"{"a":0x1}"#,
            r#"{"a":1_0}"#,
            r#"{"a":--1}"#,
            r#"{"a":00}"#,
            r#"{"a":-01}"#,
            r#"{"a":١}"#,
            r#"{"a":"}"#,
            r#"{"a":"\"}"#,
            r#"{"a":"\x41"}"#,
            r#"{"a":"\u12"}"#,
            r#"{"a":"\u12g4"}"#,
            r#"{"a":"\u+123"}"#,
            r#"{"a":"\u00é"}"#,
            r#"{"a":"\U0041"}"#,
            r#"{"a":"\é"}"#,
            r#"{"a":"\"#,
            r#"{"a":"\u"#,
            "{\"a\":\"\n\"}",
            "{\"a\":\"\t\"}",
            "{\"a\":\"\0\"}",
            "{\"a\":\u{a0}1}",
            "{\"a\":1}//",
            "{/**/\"a\":1}",
            r#"{"a":"\ud83d"}"#,
            r#"{"a":"\ud83d\ud83d"}"#,
            r#"{"a":"\ude00"}"#,
            r#"{"a":"\ude00\ud83d"}"#,
            r#"{"a":"\ud83dx"}"#,
            r#"{"a":"\ud83d\n"}"#,
            r#"{"a":"\ud83d\u0041"}"#,
            r#"{"\ud83d":1}"#,
        ] {
            assert_eq!(skim(text), Err(Refused::MALFORMED), "{text}");
        }
    }

    #[test]
    fn a_name_stands_once_in_an_object_however_it_is_written() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"\u0061":1}"#,
            r#"{"":1,"":2}"#,
            r#"{"b":{"a":1,"a":1}}"#,
            r#"{"b":[0,{"a":1,"a":1}]}"#,
        ] {
            assert_eq!(skim(text), Err(Refused::TWICE), "{text}");
        }
        assert_eq!(skim(r#"{"a":{"a":1},"b":{"a":1},"A":[{"a":1},{"a":1}]}"#), Ok(()));
    }

    #[test]
    fn what_is_too_deep_is_refused() {
        assert_eq!(skim(r#"{"a":[[[[[[[[]]]]]]]]}"#), Err(Refused::DEEP));
        assert_eq!(
            skim(r#"{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}}"#),
            Err(Refused::DEEP)
        );
        assert_eq!(skim(&format!("{{\"a\":{}", "[".repeat(3000))), Err(Refused::DEEP));
    }

    #[test]
    fn a_string_is_read_without_its_escapes() {
        let text = |json: &str| value(json, |value| value.text().map(String::from));
        for (json, expected) in [
            (r#""""#, ""),
            (r#""é a""#, "é a"),
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r#""a\u00e9\uD834\udd1Eb""#, "a\u{e9}\u{1d11e}b"),
            (r#""\u0000""#, "\0"),
            (r#""\uffff""#, "\u{ffff}"),
        ] {
            assert_eq!(text(json).as_deref(), Ok(expected), "{json}");
        }
        for other in ["1", "null", "true", r#"["a"]"#, r#"{"a":"a"}"#, "x", ""] {
            assert_eq!(text(other), Err(Refused::TYPE), "{other}");
        }
    }

    #[test]
    fn a_date_is_a_whole_number() {
        let date = |json: &str| value(json, |value| value.date());
        for (json, expected) in [
            ("0", 0),
            ("1300819380", 1_300_819_380),
            ("1300819380.999", 1_300_819_380),
            ("253402300799", LAST),
            ("253402300799.999", LAST),
            ("-1", 0),
            ("-0", 0),
            ("-99999999999999999999", 0),
        ] {
            assert_eq!(date(json), Ok(expected), "{json}");
        }
        for milliseconds in
            ["253402300800", "1795222923000", "9007199254740992", "18446744073709551616"]
        {
            assert_eq!(date(milliseconds), Err(Refused::DATE), "{milliseconds}");
        }
        for other in
            ["1e9", "1E9", "1.5e9", "-1e9", "\"1\"", "null", "true", "[1]", "{}", "x", "+1", ""]
        {
            assert_eq!(date(other), Err(Refused::TYPE), "{other}");
        }
        for other in ["01", "-", "1."] {
            assert_eq!(date(other), Err(Refused::MALFORMED), "{other}");
        }
    }
}

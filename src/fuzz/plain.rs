//! The second reader of heads: RFC 9112 in the plainest words, only for what was accepted.
//!
//! Every byte becomes the character of its number, so that the text is as long as the bytes. What
//! breaks a rule is a panic.

use crate::http::{Framing, Version};

pub(super) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// A head without its folds: RFC 9112, section 5.2, "replace each received obs-fold with one or
/// more SP octets". Here they are as many as the fold is long.
pub(super) fn unfolded(head: &str) -> String {
    let mut unfolded = String::new();
    for line in head.split("\r\n") {
        let goes_on = line.starts_with([' ', '\t']);
        if goes_on {
            let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
            let kept = unfolded.trim_end_matches([' ', '\t']).len();
            let fold = unfolded.len() - kept + "\r\n".len() + blanks;
            unfolded.truncate(kept);
            unfolded += &" ".repeat(fold);
            unfolded += &line[blanks..];
        } else {
            unfolded += if unfolded.is_empty() { "" } else { "\r\n" };
            unfolded += line;
        }
    }
    unfolded
}

/// The lines of one head, given without the empty line that ends it.
pub(super) struct Plain<'a> {
    pub(super) first_line: &'a str,
    /// Names, and values without the white space around them.
    pub(super) fields: Vec<(&'a str, &'a str)>,
}

impl<'a> Plain<'a> {
    pub(super) fn of(head: &'a str) -> Self {
        Self::read(head, |name| name)
    }

    /// The same for a response, in which white space may stand before a colon if no two readers
    /// then see different responses.
    pub(super) fn of_response(head: &'a str) -> Self {
        Self::read(head, |padded| {
            let name = padded.trim_end_matches([' ', '\t']);
            let lower = name.to_ascii_lowercase();
            let matters = ["encoding", "length", "type"].map(|part| format!("content-{part}"));
            let matters =
                matters.contains(&lower) || ["transfer-encoding", "location"].contains(&&*lower);
            if matters { padded } else { name }
        })
    }

    fn read(head: &'a str, name_of: impl Fn(&'a str) -> &'a str) -> Self {
        let mut lines = head.split("\r\n");
        let first_line = lines.next().expect("a first line");
        let fields = lines.map(|line| {
            let (name, value) = line.split_once(':').expect("a colon");
            let name = name_of(name);
            assert!(!name.is_empty() && name.chars().all(is_token_character), "{name:?}");
            assert_no_control(value);
            (name, value.trim_matches([' ', '\t']))
        });
        Self { first_line, fields: fields.collect() }
    }

    pub(super) fn assert_fields_are(&self, fields: &[(String, Vec<u8>)]) {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, text(value))).collect();
        assert!(
            self.fields.iter().copied().eq(fields.iter().map(|(name, value)| (*name, &**value)))
        );
    }

    /// The values of all fields of this name, in any case.
    pub(super) fn values(&self, name: &str) -> Vec<&'a str> {
        let named = self.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, value)| *value).collect()
    }

    /// What the fields of a request say of the body: RFC 9112, section 6.3, of which we take only
    /// what can't be read in two ways.
    pub(super) fn framing(&self, version: Version) -> Option<Framing> {
        let (lengths, codings) = (self.values("content-length"), self.values("transfer-encoding"));
        match (&lengths[..], &codings[..]) {
            ([], []) => None,
            ([length], []) => {
                assert!(length.chars().all(|c| c.is_ascii_digit()), "{length:?}");
                Some(Framing::Length(length.parse().expect("a number")))
            }
            ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => {
                assert_eq!(version, Version::Http11);
                Some(Framing::Chunked)
            }
            doubtful => panic!("accepted, and could be read in two ways: {doubtful:?}"),
        }
    }

    /// The same for a response, of which a client takes more.
    pub(super) fn framing_of_response(&self, version: Version) -> Option<Framing> {
        let (lengths, codings) = (self.values("content-length"), self.values("transfer-encoding"));
        if !codings.is_empty() {
            let codings = codings.join(",");
            let mut codings = codings.split(',').map(|coding| coding.trim_matches([' ', '\t']));
            assert!(codings.all(|coding| coding.eq_ignore_ascii_case("chunked")));
            assert_eq!(version, Version::Http11);
            return Some(Framing::Chunked);
        }
        let lengths = lengths.join(",");
        let mut lengths = lengths.split(',').map(|length| length.trim_matches([' ', '\t']));
        let first = lengths.next().filter(|length| !length.is_empty())?;
        let number = |length: &str| {
            assert!(length.chars().all(|c| c.is_ascii_digit()), "{length:?}");
            length.parse::<u64>().expect("a number")
        };
        assert!(lengths.all(|length| number(length) == number(first)));
        Some(Framing::Length(number(first)))
    }
}

/// RFC 9110, section 5.6.2: any visible character but a delimiter.
fn is_token_character(c: char) -> bool {
    c.is_ascii_graphic() && !"\"(),/:;<=>?@[\\]{}".contains(c)
}

/// RFC 9110, section 5.5.
pub(super) fn assert_no_control(value: &str) {
    assert!(value.chars().all(|c| c == '\t' || !c.is_ascii_control()), "{value:?}");
}

/// RFC 9112, section 2.3, of which we speak HTTP/1.
pub(super) fn version(version: &str) -> Version {
    let minor = version.strip_prefix("HTTP/1.").expect("HTTP/1");
    assert!(minor.len() == 1 && minor.chars().all(|c| c.is_ascii_digit()), "{version}");
    if minor == "0" { Version::Http10 } else { Version::Http11 }
}

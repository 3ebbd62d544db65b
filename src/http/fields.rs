//! The field lines of one head, and the bytes in which they stand.
//!
//! Names are compared in any case (RFC 9110, section 5.1). Lines of one name come in their order,
//! and where the field is a list, they are one list (section 5.3).

use std::str;

use super::field_line::FieldLine;
use super::known::{Known, Name};
use super::syntax::list_elements;
use super::target::Span;

#[derive(Clone)]
pub(crate) struct Fields {
    /// The whole head, from its first byte to the LF of its empty line.
    bytes: Box<[u8]>,
    lines: Vec<FieldLine>,
    /// Which fields are there. Most that are looked up are not, and for these no line is read.
    known: Known,
    /// Which have more than one line.
    repeated: Known,
}

/// A part of a head that its parser has found to be ASCII, as text.
pub(crate) fn ascii(part: &[u8]) -> &str {
    str::from_utf8(part).expect("targets, hosts and names are checked to be ASCII")
}

impl Fields {
    pub(crate) fn new(bytes: Box<[u8]>, lines: Vec<FieldLine>) -> Self {
        let (mut known, mut repeated) = (Known::NONE, Known::NONE);
        for line in &lines {
            if line.known.is_among(known) {
                repeated = repeated.and(line.known);
            }
            known = known.and(line.known);
        }
        Self { bytes, lines, known, repeated }
    }

    /// A part of the head.
    #[inline]
    pub(crate) fn part(&self, span: Span) -> &[u8] {
        span.of(&self.bytes)
    }

    /// Whether there may be a line of this name; and there is, if the name is known.
    #[inline]
    pub(crate) fn has(&self, name: Name<'_>) -> bool {
        name.known.is_among(self.known)
    }

    /// Whether there is more than one line of this name, which is known.
    #[inline]
    pub(crate) fn repeats(&self, name: Name<'_>) -> bool {
        debug_assert!(name.known != Known::OTHER);
        name.known.is_among(self.repeated)
    }

    /// All names and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.lines.iter().map(|line| (ascii(self.part(line.name)), self.part(line.value)))
    }

    /// The value of the first line of this name.
    #[inline]
    pub(crate) fn first(&self, name: Name<'_>) -> Option<&[u8]> {
        self.values(name).next()
    }

    /// The same as text, if it is UTF-8.
    pub(crate) fn first_text(&self, name: Name<'_>) -> Option<&str> {
        str::from_utf8(self.first(name)?).ok()
    }

    /// The values of all lines of this name.
    #[inline]
    pub(crate) fn values(&self, name: Name<'_>) -> impl Iterator<Item = &[u8]> {
        self.spans(name).map(|value| self.part(value))
    }

    /// Where those values are.
    #[inline]
    pub(crate) fn spans(&self, name: Name<'_>) -> impl Iterator<Item = Span> {
        let known = name.known;
        let lines = if self.has(name) { &*self.lines } else { &[] };
        let is_named =
            move |line: &FieldLine| known != Known::OTHER || name.is(self.part(line.name));
        lines
            .iter()
            .filter(move |line| line.known == known && is_named(line))
            .map(|line| line.value)
    }

    /// The elements of all lines of this name.
    #[inline]
    pub(crate) fn elements(&self, name: Name<'_>) -> impl Iterator<Item = &[u8]> {
        self.values(name).flat_map(list_elements)
    }

    /// Whether one of those is this token, in any case.
    #[inline]
    pub(crate) fn has_token(&self, name: Name<'_>, token: &str) -> bool {
        self.has(name)
            && self.elements(name).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
    }
}

//! The field lines of one head, and the bytes in which they stand.
//!
//! Names are compared in any case (RFC 9110, section 5.1). Lines of one name come in their order,
//! and where the field is a list, they are one list (section 5.3).

use std::str;

use super::field_line::FieldLine;
use super::syntax::list_elements;
use super::target::Span;

#[derive(Clone)]
pub(crate) struct Fields {
    /// The whole head, from its first byte to the LF of its empty line.
    bytes: Box<[u8]>,
    lines: Vec<FieldLine>,
    /// A bit for each length that a name has. Most names that are looked up are not there, and for
    /// these no line is read.
    lengths: u64,
}

/// A part of a head that its parser has found to be ASCII, as text.
pub(crate) fn ascii(part: &[u8]) -> &str {
    str::from_utf8(part).expect("targets, hosts and names are checked to be ASCII")
}

/// Names whose lengths are 64 apart have the same.
fn length_bit(length: usize) -> u64 {
    1 << (length % 64)
}

impl Fields {
    pub(crate) fn new(bytes: Box<[u8]>, lines: Vec<FieldLine>) -> Self {
        let lengths = lines.iter().fold(0, |bits, line| bits | length_bit(line.name.len()));
        Self { bytes, lines, lengths }
    }

    /// A part of the head.
    pub(crate) fn part(&self, span: Span) -> &[u8] {
        span.of(&self.bytes)
    }

    /// All names and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.lines.iter().map(|line| (ascii(self.part(line.name)), self.part(line.value)))
    }

    /// The value of the first line of this name.
    pub(crate) fn first(&self, name: &str) -> Option<&[u8]> {
        self.values(name).next()
    }

    /// The same as text, if it is UTF-8.
    pub(crate) fn first_text(&self, name: &str) -> Option<&str> {
        str::from_utf8(self.first(name)?).ok()
    }

    /// The values of all lines of this name.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.spans(name).map(|value| self.part(value))
    }

    /// Where those values are.
    pub(crate) fn spans(&self, name: &str) -> impl Iterator<Item = Span> {
        let may_be_there = self.lengths & length_bit(name.len()) != 0;
        let lines = if may_be_there { &*self.lines } else { &[] };
        lines
            .iter()
            .filter(move |line| line.name.len() == name.len())
            .filter(move |line| self.part(line.name).eq_ignore_ascii_case(name.as_bytes()))
            .map(|line| line.value)
    }

    /// The elements of all lines of this name.
    pub(crate) fn elements(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.values(name).flat_map(list_elements)
    }
}

//! One flag: what a user sees of it, and what it does.
//!
//! An operand is a row too. Its name is what an error calls it, such as "a URL".

use std::fmt::Display;
use std::ops::RangeInclusive as Range;
use std::str::FromStr;
use std::time::Duration;

use super::LETTERS;
use crate::cli::{digits, duration};

/// The largest number that a flag takes without a reason for a smaller bound.
pub(crate) const MOST: u32 = u32::MAX;

/// The placeholder of a number of bytes.
const BYTES: Str = "BYTES";

/// One row of a table, whose options are an `O`.
pub(crate) struct Flag<O: 'static> {
    pub(super) row: Row,
    pub(super) takes: Takes<O>,
}

/// What a user sees of a flag.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// Without its dashes.
    pub(super) name: Str,
    /// The placeholder of its value in capitals, or all words that it can be; empty if it takes no
    /// value. One that may be left out is `[=PLACEHOLDER]`, and can only be attached.
    pub(super) value: Str,
    /// May be given more than once.
    pub(super) repeats: bool,
    /// Only a flag with a value has a default.
    pub(super) default: Preset,
    doc: Str,
}

/// The kind of a flag's value, and what sets the option to it.
pub(super) enum Takes<O> {
    Nothing(fn(&mut O)),
    Number(Range<u32>, Set<O, u32>),
    /// Bytes that need not fit into memory.
    Large(Range<u64>, Set<O, u64>),
    Duration(Range<Duration>, Set<O, Duration>),
    Text(fn(&mut O, &str)),
    /// Text that may be refused. The error is the reason.
    Checked(Check<O>),
}

/// The default of a flag.
#[derive(Clone, Copy)]
pub(super) enum Preset {
    /// As if this value were given.
    Value(Str),
    /// Something that no value expresses.
    Words(Str),
    None,
}

type Str = &'static str;
type Set<O, V> = fn(&mut O, V);
type Check<O> = fn(&mut O, &str) -> Result<(), String>;

impl<O> Flag<O> {
    /// The rows that every table has.
    pub(super) const COMMON: [Self; 2] = [
        Self::switch("help", |_| ()).repeats().doc(" Prints this."),
        Self::switch("version", |_| ()).repeats().doc(" Prints the version."),
    ];

    const fn new(name: Str, value: Str, takes: Takes<O>) -> Self {
        let row = Row { name, value, repeats: false, default: Preset::None, doc: "" };
        Self { row, takes }
    }

    /// Takes no value.
    pub(crate) const fn switch(name: Str, set: fn(&mut O)) -> Self {
        Self::new(name, "", Takes::Nothing(set))
    }

    pub(crate) const fn number(name: Str, value: Str, range: Range<u32>, set: Set<O, u32>) -> Self {
        Self::new(name, value, Takes::Number(range, set))
    }

    pub(crate) const fn large(name: Str, range: Range<u64>, set: Set<O, u64>) -> Self {
        Self::new(name, BYTES, Takes::Large(range, set))
    }

    pub(crate) const fn duration(name: Str, range: Range<Duration>, set: Set<O, Duration>) -> Self {
        Self::new(name, duration::NAME, Takes::Duration(range, set))
    }

    pub(crate) const fn text(name: Str, value: Str, set: fn(&mut O, &str)) -> Self {
        Self::new(name, value, Takes::Text(set))
    }

    /// Takes text that `set` may refuse. Its error is the reason.
    pub(crate) const fn checked(name: Str, value: Str, set: Check<O>) -> Self {
        Self::new(name, value, Takes::Checked(set))
    }

    /// Sets the value that the flag has if it isn't given.
    pub(crate) const fn default(mut self, value: Str) -> Self {
        self.row.default = Preset::Value(value);
        self
    }

    /// Describes the default in words, if no value expresses it.
    pub(crate) const fn otherwise(mut self, words: Str) -> Self {
        self.row.default = Preset::Words(words);
        self
    }

    /// May be given more than once.
    pub(crate) const fn repeats(mut self) -> Self {
        self.row.repeats = true;
        self
    }

    /// Sets its text in the help. A doc comment begins with a space.
    pub(crate) const fn doc(mut self, doc: Str) -> Self {
        self.row.doc = doc;
        self
    }

    /// Sets the option to the value. An error names the flag by `label`.
    pub(super) fn apply(&self, options: &mut O, label: &str, value: &str) -> Result<(), String> {
        self.row.check_word(label, value)?;
        match &self.takes {
            Takes::Nothing(set) => set(options),
            Takes::Number(range, set) => set(options, self.row.number(range, label, value)?),
            Takes::Large(range, set) => set(options, self.row.number(range, label, value)?),
            Takes::Duration(range, set) => set(options, time(range, label, value)?),
            Takes::Text(set) => set(options, value),
            Takes::Checked(set) => set(options, value).map_err(|why| refused(label, &why))?,
        }
        Ok(())
    }
}

fn time(range: &Range<Duration>, label: &str, value: &str) -> Result<Duration, String> {
    let time = duration::parse(value).ok_or_else(|| expected(label, duration::FORM, value))?;
    if range.contains(&time) {
        return Ok(time);
    }
    let (least, most) = (duration::exact(*range.start()), duration::exact(*range.end()));
    Err(expected(label, &format!("a duration from {least} to {most}"), value))
}

fn expected(label: &str, what: &str, value: &str) -> String {
    format!("{label} must be {what}, and not {value:?}")
}

fn refused(label: &str, why: &str) -> String {
    format!("{label}: {why}")
}

impl Row {
    /// Refuses what is none of its words, if it has some.
    fn check_word(&self, label: &str, value: &str) -> Result<(), String> {
        let mut words = self.words().peekable();
        if words.peek().is_some() && !words.any(|word| word == value) {
            return Err(expected(label, &self.value.replace('|', " or "), value));
        }
        Ok(())
    }

    fn number<N: FromStr + PartialOrd + Display>(
        &self,
        range: &Range<N>,
        label: &str,
        value: &str,
    ) -> Result<N, String> {
        digits(value).filter(|number| range.contains(number)).ok_or_else(|| {
            let [least, most] = [range.start(), range.end()];
            let unit = if self.value == BYTES { ", in bytes without a unit" } else { "" };
            expected(label, &format!("a number from {least} to {most}{unit}"), value)
        })
    }

    /// All words that its value can be; none if it can be anything.
    pub(super) fn words(&self) -> impl Iterator<Item = &'static str> {
        let is_word = |word: &&str| word.starts_with(|first: char| first.is_ascii_lowercase());
        self.value.split('|').filter(is_word)
    }

    /// The placeholder of a value that may be left out.
    pub(super) fn optional(&self) -> Option<&'static str> {
        self.value.strip_prefix("[=")?.strip_suffix(']')
    }

    /// How it is typed with its value.
    pub(super) fn form(&self) -> String {
        match self.value {
            "" => format!("--{}", self.name),
            value if self.optional().is_some() => format!("--{}{value}", self.name),
            value => format!("--{} {value}", self.name),
        }
    }

    pub(super) fn letter(&self) -> Option<char> {
        LETTERS.iter().find(|(_, name)| *name == self.name).map(|(letter, _)| *letter)
    }

    pub(super) fn doc(&self) -> String {
        let mut doc = self.doc.trim_start().to_owned();
        if self.repeats && !self.value.is_empty() {
            doc.push_str(" May be given several times.");
        }
        if let Some(letter) = self.letter() {
            doc.push_str(&format!(" Also -{letter}."));
        }
        doc
    }
}

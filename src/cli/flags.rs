//! Flags: one table for each command, from which its parser, its help and its tests are made.
//!
//! ```text
//! argument = "--" name [ "=" value ]   the value may be the next argument
//!          / "-" letter [ value ]      the same, for one of LETTERS
//!          / "--"                      all that follows is operands
//!          / operand                   also "-", which is standard input or output
//! ```
//!
//! A row says what a flag is called, what it takes, what it does to the command's options, and
//! what the help says of it; so none of these can disagree. Whatever the table does not allow is
//! [`Wrong`], which says what was expected and, for a name nobody knows, which one is nearest.
//! There are no abbreviations: one that is unique today would be ambiguous tomorrow.

mod help;
mod wrong;

use std::ffi::OsString;
use std::time::Duration;

use tidings::http::masked_url;

use super::duration;

pub(crate) use help::{rows, wrap};
pub(crate) use wrong::{Wrong, distance, nearest};

/// What a command's arguments can be. `O` is what they are parsed to.
pub(crate) struct Table<O: 'static> {
    /// The command's name.
    pub(crate) command: &'static str,
    /// The first line of its help: what is typed.
    pub(crate) usage: &'static str,
    /// What the command does, in full sentences.
    pub(crate) about: &'static str,
    /// What its operands are called; no more of them are taken.
    pub(crate) operands: &'static [&'static str],
    pub(crate) flags: &'static [Flag<O>],
    /// What its exit statuses mean, where it has some of its own; each with its words.
    pub(crate) exits: &'static [(u8, &'static str)],
}

/// One row of a table.
pub(crate) struct Flag<O: 'static> {
    /// Without its dashes.
    pub(crate) name: &'static str,
    pub(crate) takes: Takes<O>,
    /// May be given more than once.
    pub(crate) repeats: bool,
    /// What holds where it is not given. Only a flag that takes something has a default.
    pub(crate) default: Preset,
    /// What the help says.
    pub(crate) doc: &'static str,
}

/// What a flag takes, and what is done with it. Text that its `set` refuses is wrong for the
/// reason that it gives.
pub(crate) enum Takes<O> {
    Nothing(fn(&mut O)),
    Number { name: &'static str, least: u32, most: u32, set: fn(&mut O, u32) },
    Duration { least: Duration, most: Duration, set: fn(&mut O, Duration) },
    OneOf { choices: &'static [&'static str], set: fn(&mut O, &str) },
    Text { name: &'static str, set: fn(&mut O, &str) -> Result<(), String> },
    Help,
    Version,
}

/// What holds where a flag is not given.
pub(crate) enum Preset {
    /// The same as if this value were given.
    Value(&'static str),
    /// Something that no value says.
    Words(&'static str),
    None,
}

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed<O> {
    Run(O, Vec<String>),
    Help,
    Version,
}

/// The flags that have a letter, which means the same in every command: `-H` and `-d` are curl's.
const LETTERS: [(char, &str); 4] =
    [('H', "header"), ('V', "version"), ('d', "data"), ('h', "help")];

/// A flag that was named, and the value that was attached to its name.
type Named<'a, O> = (&'a Flag<O>, Option<String>);

impl<O> Flag<O> {
    /// The row that every table has.
    pub(crate) const fn help() -> Self {
        let doc = "Prints this.";
        Self { name: "help", takes: Takes::Help, repeats: true, default: Preset::None, doc }
    }

    /// The row that every table has.
    pub(crate) const fn version() -> Self {
        let doc = "Prints the version.";
        Self { name: "version", takes: Takes::Version, repeats: true, default: Preset::None, doc }
    }

    /// What the value is called in the help; `None` where none is taken.
    fn value_name(&self) -> Option<String> {
        match &self.takes {
            Takes::Number { name, .. } | Takes::Text { name, .. } => Some((*name).into()),
            Takes::Duration { .. } => Some("DURATION".into()),
            Takes::OneOf { choices, .. } => Some(choices.join("|")),
            Takes::Nothing(_) | Takes::Help | Takes::Version => None,
        }
    }

    /// The value, which was attached or is the next argument; empty where none is taken.
    fn value(
        &self,
        attached: Option<String>,
        next: impl FnOnce() -> Option<Result<String, Wrong>>,
    ) -> Result<String, Wrong> {
        match (self.value_name(), attached) {
            (None, None) => Ok(String::new()),
            (None, Some(value)) => Err(Wrong::no_value_wanted(self.name, &value)),
            (Some(_), Some(value)) => Ok(value),
            (Some(name), None) => next().unwrap_or_else(|| Err(Wrong::no_value(self.name, &name))),
        }
    }

    /// Does what the flag does with its value.
    fn apply(&self, options: &mut O, value: &str) -> Result<(), Wrong> {
        match &self.takes {
            Takes::Nothing(set) => set(options),
            Takes::Number { least, most, set, .. } => {
                set(
                    options,
                    number(value, *least, *most).ok_or_else(|| {
                        let expected = format!("a number from {least} to {most}");
                        Wrong::value(self.name, &expected, value)
                    })?,
                );
            }
            Takes::Duration { least, most, set } => {
                let expected = |what: String| Wrong::value(self.name, &what, value);
                let time = duration::parse(value).ok_or_else(|| expected(duration::FORM.into()))?;
                if !(*least..=*most).contains(&time) {
                    let [least, most] = [*least, *most].map(duration::exact);
                    return Err(expected(format!("a duration from {least} to {most}")));
                }
                set(options, time);
            }
            Takes::OneOf { choices, set } if choices.contains(&value) => set(options, value),
            Takes::OneOf { choices, .. } => {
                return Err(Wrong::value(self.name, &choices.join(" or "), value));
            }
            Takes::Text { set, .. } => {
                set(options, value).map_err(|why| Wrong::text(self.name, &why))?;
            }
            Takes::Help | Takes::Version => {}
        }
        Ok(())
    }
}

/// Digits alone: no sign, no space.
fn number(text: &str, least: u32, most: u32) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<u32> = text.parse().ok().filter(|_| digits);
    number.filter(|number| (least..=most).contains(number))
}

impl<O: Default> Table<O> {
    /// Reads the arguments behind the command. The first that is wrong ends it; so does a call
    /// for help.
    pub(crate) fn parse(
        &self,
        arguments: &mut dyn Iterator<Item = OsString>,
    ) -> Result<Parsed<O>, Wrong> {
        let (mut options, mut operands) = (O::default(), Vec::new());
        let mut given = Vec::new();
        let mut arguments = arguments.map(text).peekable();
        let mut are_operands = false;
        while let Some(argument) = arguments.next().transpose()? {
            if argument == "--" && !are_operands {
                are_operands = true;
                continue;
            }
            let named = if are_operands { None } else { self.flag(&argument)? };
            let Some((flag, value)) = named else {
                self.check_room(&operands, &argument)?;
                operands.push(argument);
                continue;
            };
            if given.contains(&flag.name) && !flag.repeats {
                return Err(Wrong::new(format!("--{} can be given only once", flag.name)));
            }
            given.push(flag.name);
            let value = flag.value(value, || {
                arguments.next_if(|next| !matches!(next, Ok(next) if next.starts_with("--")))
            })?;
            match flag.takes {
                Takes::Help => return Ok(Parsed::Help),
                Takes::Version => return Ok(Parsed::Version),
                _ => flag.apply(&mut options, &value)?,
            }
        }
        Ok(Parsed::Run(options, operands))
    }

    /// The flag that an argument names; `None` for an operand.
    fn flag(&self, argument: &str) -> Result<Option<Named<'_, O>>, Wrong> {
        let Some(rest) = argument.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            return Ok(None);
        };
        let (name, value) = match rest.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (rest, None),
        };
        let find = |name: &str| self.flags.iter().find(|flag| flag.name == name);
        let named = match name.strip_prefix('-') {
            Some(name) => find(name).map(|flag| (flag, value)),
            // Somebody who types -data wants --data, and not to send "ata".
            None if find(name).is_some() => None,
            None => lettered(rest).and_then(|(name, value)| {
                let flag = find(name)?;
                let is_whole = value.is_none() || flag.value_name().is_some();
                is_whole.then_some((flag, value))
            }),
        };
        // What is attached to a letter may be a secret, which this command does not even take.
        let known = lettered(rest).filter(|(long, _)| find(name).or_else(|| find(long)).is_none());
        let shown = known.map_or(name.len(), |_| 1);
        named.map(Some).ok_or_else(|| Wrong::unknown(&argument[..1 + shown], self.names()))
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.flags.iter().map(|flag| flag.name)
    }

    fn check_room(&self, operands: &[String], argument: &str) -> Result<(), Wrong> {
        if operands.len() < self.operands.len() {
            return Ok(());
        }
        let takes = match self.operands {
            [] => format!("{} takes options alone", self.command),
            _ => self.usage.into(),
        };
        Err(Wrong::new(format!("unexpected argument {:?}: {takes}", masked_url(argument))))
    }
}

/// The flag that the letter of an argument stands for, and what is attached to it.
fn lettered(argument: &str) -> Option<(&'static str, Option<String>)> {
    let (letter, name) = LETTERS.iter().find(|(letter, _)| argument.starts_with(*letter))?;
    let value = &argument[letter.len_utf8()..];
    Some((name, (!value.is_empty()).then(|| value.to_owned())))
}

fn text(argument: OsString) -> Result<String, Wrong> {
    argument.into_string().map_err(|argument| {
        let shown = format!("{argument:?}");
        Wrong::new(format!("an argument must be UTF-8: {}", masked_url(&shown)))
    })
}

#[cfg(test)]
pub(crate) mod support;
#[cfg(test)]
mod tests;

//! Reads the arguments of a command by the rows of its table.

use std::ffi::OsString;
use std::iter::Peekable;

use tidings::http::masked_url;

use super::nearest::nearest;
use super::{LETTERS, Preset, Row, Shown};
use crate::cli::{OF_THE_HUB, visible, without};

pub(crate) type Arguments<'a> = &'a mut dyn Iterator<Item = OsString>;

/// Sets the option of the row at a place to a value. An error names the row by the label.
type Set<'a> = &'a mut dyn FnMut(Place, &str, &str) -> Result<(), String>;

/// Which row of a table.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Operand(usize),
    Flag(usize),
}

/// What the arguments ask for.
pub(super) enum Asked {
    Run,
    Help,
    Version,
}

/// The place of a flag that was named, and the value that was attached to its name.
type Named = (usize, Option<String>);

/// The name of a flag that other programs call so.
fn own_name(given: &str) -> &str {
    match given {
        "bind" | "p" | "port" => "listen",
        "token" => "token-file",
        name => name,
    }
}

impl Shown {
    /// Hands each value to `set`, up to the first that is wrong or the first flag that asks for the
    /// help or the version.
    pub(super) fn parse(&self, arguments: Arguments<'_>, set: Set<'_>) -> Result<Asked, String> {
        let mut given = Vec::new();
        let mut operands = self.operands.iter().enumerate();
        let mut arguments = arguments.map(text).peekable();
        let mut are_operands = false;
        while let Some(argument) = arguments.next().transpose()? {
            if argument == "--" && !are_operands {
                are_operands = true;
                continue;
            }
            let named = if are_operands { None } else { self.flag(&argument)? };
            let Some((at, value)) = named else {
                let (at, row) = operands.next().ok_or_else(|| self.unexpected(&argument))?;
                set(Place::Operand(at), row.name, &argument)?;
                continue;
            };
            let row = &self.flags[at];
            let name = row.name;
            if given.contains(&at) && !row.repeats {
                return Err(format!("--{name} can be given only once"));
            }
            given.push(at);
            let value = value_of(row, value, &mut arguments)?;
            match name {
                "help" => return Ok(Asked::Help),
                "version" => return Ok(Asked::Version),
                _ => set(Place::Flag(at), &format!("--{name}"), &value)?,
            }
        }
        match operands.next() {
            Some((_, Row { name, default: Preset::None, .. })) => {
                Err(format!("{name} is missing: {}", self.usage))
            }
            _ => Ok(Asked::Run),
        }
    }

    /// The flag that an argument names; `None` for an operand.
    fn flag(&self, argument: &str) -> Result<Option<Named>, String> {
        let Some(rest) = argument.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            return Ok(None);
        };
        let (name, value) = match rest.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (rest, None),
        };
        let find = |name: &str| self.flags.iter().position(|flag| flag.name == name);
        let named = match name.strip_prefix('-') {
            Some(name) => find(name).map(|at| (at, value)),
            // A user who types -data wants --data, and not to send "ata".
            None if find(name).is_some() => None,
            None => lettered(rest).and_then(|(name, value)| {
                let at = find(name)?;
                let is_whole = value.is_none() || !self.flags[at].value.is_empty();
                is_whole.then_some((at, value))
            }),
        };
        // The text attached to a letter may be a secret, even if this command has no such flag.
        let known = lettered(rest).filter(|(long, _)| find(name).or_else(|| find(long)).is_none());
        let shown = known.map_or(name.len(), |_| 1);
        named.map(Some).ok_or_else(|| self.unknown(&argument[..1 + shown]))
    }

    /// `given` has its dashes.
    fn unknown(&self, given: &str) -> String {
        let name = given.trim_start_matches('-');
        if name == "man" {
            return match cfg!(feature = "tools") {
                true => format!("unknown option {given}: did you mean 'tidings help --man'?"),
                false => without("--man", "tools"),
            };
        }
        let is_of = |feature: &str| {
            let rest = name.strip_prefix(feature);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let lacks = OF_THE_HUB.iter().find(|(feature, has)| !has && is_of(feature));
        if let Some((feature, _)) = lacks {
            return without(given, feature);
        }
        let mut names = self.flags.iter().map(|flag| flag.name);
        let hint = nearest(own_name(name), &mut names);
        let hint = hint.map(|name| format!(": did you mean --{name}?")).unwrap_or_default();
        format!("unknown option {}{hint}", visible::line(given))
    }

    fn unexpected(&self, argument: &str) -> String {
        let takes = match self.operands[..] {
            [] => format!("{} takes only options", self.name),
            _ => self.usage.into(),
        };
        format!("unexpected argument {:?}: {takes}", masked_url(argument))
    }
}

/// The value of a flag, which was attached or is the next argument; empty where none is taken.
fn value_of(
    row @ Row { name, value, .. }: &Row,
    attached: Option<String>,
    arguments: &mut Peekable<impl Iterator<Item = Result<String, String>>>,
) -> Result<String, String> {
    match (*value, attached) {
        ("", None) => Ok(String::new()),
        ("", Some(given)) => Err(format!("--{name} takes no value, but was given {given:?}")),
        (_, Some(given)) => Ok(given),
        _ if row.optional().is_some() => Ok(String::new()),
        (_, None) => arguments
            .next_if(|next| !matches!(next, Ok(next) if next.starts_with("--")))
            .unwrap_or_else(|| Err(format!("--{name} needs a value: --{name} {value}"))),
    }
}

/// The flag that the letter of an argument stands for, and what is attached to it.
fn lettered(argument: &str) -> Option<(&'static str, Option<String>)> {
    let (letter, name) = LETTERS.iter().find(|(letter, _)| argument.starts_with(*letter))?;
    let value = &argument[letter.len_utf8()..];
    Some((name, (!value.is_empty()).then(|| value.to_owned())))
}

fn text(argument: OsString) -> Result<String, String> {
    argument.into_string().map_err(|argument| {
        let shown = format!("{argument:?}");
        format!("an argument must be UTF-8: {}", masked_url(&shown))
    })
}

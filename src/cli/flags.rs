//! Command lines: one table for each command drives its parser, its help, the man page, the
//! completions of shells, and tests of the table itself.
//!
//! ```text
//! argument = "--" name [ "=" value ]   the value may be the next argument
//!          / "-" letter [ value ]      the same, for one of LETTERS
//!          / "--"                      everything after it is operands
//!          / operand                   also "-", which is standard input or output
//!
//! Table<O> ─┬─ parse ─► O ─► run
//!           └─ shown ─► Shown ─► help, man page, completions
//! ```
//!
//! A row gives a flag's name, its value, its effect on the command's options, and its text in the
//! help, so none of these can disagree. An argument that the table doesn't allow is an error, which
//! says what was expected and suggests the nearest name. There are no abbreviations: one that is
//! unique today would be ambiguous tomorrow.

/// The flags of a table with options of this type. The doc of each is its text in the help.
///
/// ```text
/// flags![Options,
///     /// Ends after N events.
///     number("count", "N", 1..=MOST, |o, n| o.count = Some(n)).otherwise("no end"),
/// ]
/// ```
macro_rules! flags {
    ($options:ty, $($(#[doc = $doc:literal])+
        $kind:ident($($argument:tt)*) $(.$and:ident($($value:tt)*))*),* $(,)?) => {
        [$($crate::cli::flags::Flag::<$options>::$kind($($argument)*)
            $(.$and($($value)*))*.doc(concat!($($doc),+))),*]
    };
}

mod completions;
mod flag;
mod help;
mod man;
pub(super) mod nearest;

use std::ffi::OsString;
use std::iter::Peekable;

use tidings::http::masked_url;

use super::{Failure, Outcome, VERSION, print, visible};
use nearest::nearest;

pub(crate) use completions::{SHELLS, completions};
pub(crate) use flag::{Flag, MOST};
use flag::{Preset, Row};
pub(crate) use flags;
pub(crate) use help::{Block, rows, wrap};
pub(crate) use man::man_page;

/// A command. `O` holds its options and operands.
pub(crate) struct Table<O: 'static> {
    pub(crate) name: &'static str,
    /// What the command does, in one line.
    pub(crate) summary: &'static str,
    /// How to type it; the first line of its help.
    pub(crate) usage: &'static str,
    /// What the command does, in paragraphs of full sentences.
    pub(crate) about: &'static [&'static str],
    /// In order. An operand with a default may be left out, and so may all after it.
    pub(crate) operands: &'static [Flag<O>],
    /// Grouped by concern.
    pub(crate) flags: &'static [&'static [Flag<O>]],
    /// What each exit status means; empty if the command has none of its own.
    pub(crate) exits: &'static [(u8, &'static str)],
    pub(crate) more: fn() -> Vec<Block>,
    pub(crate) run: fn(O) -> Outcome,
}

#[derive(Debug, PartialEq, Eq)]
enum Parsed<O> {
    Run(O),
    Help,
    Version,
}

/// A command, without the type of its options.
pub(crate) trait Command: Sync {
    fn shown(&self) -> Shown;

    /// Runs it with the arguments after its name, or calls `help` if they ask for that.
    fn run(&self, arguments: Arguments<'_>, help: fn(&Shown) -> Outcome) -> Outcome;
}

type Arguments<'a> = &'a mut dyn Iterator<Item = OsString>;

/// What a user sees of a command.
pub(crate) struct Shown {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    usage: &'static str,
    about: &'static [&'static str],
    operands: Vec<Row>,
    flags: Vec<Row>,
    exits: &'static [(u8, &'static str)],
    more: Vec<Block>,
}

/// The flags that have a letter, which means the same in every command: `-H` and `-d` are curl's.
const LETTERS: [(char, &str); 4] =
    [('H', "header"), ('V', "version"), ('d', "data"), ('h', "help")];

/// A flag that was named, and the value that was attached to its name.
type Named<'a, O> = (&'a Flag<O>, Option<String>);

impl<O: Default> Command for Table<O> {
    fn shown(&self) -> Shown {
        let Self { name, summary, usage, about, exits, .. } = *self;
        let operands = self.operands.iter().map(|operand| operand.row).collect();
        let flags = self.flags().map(|flag| flag.row).collect();
        Shown { name, summary, usage, about, operands, flags, exits, more: (self.more)() }
    }

    fn run(&self, arguments: Arguments<'_>, help: fn(&Shown) -> Outcome) -> Outcome {
        match self.parse(arguments).map_err(Failure::Usage)? {
            Parsed::Run(options) => (self.run)(options),
            Parsed::Help => help(&self.shown()),
            Parsed::Version => print(&format!("{VERSION}\n")),
        }
    }
}

impl<O: Default> Table<O> {
    fn flags(&self) -> impl Iterator<Item = &Flag<O>> {
        self.flags.iter().copied().flatten().chain(&Flag::COMMON)
    }

    /// The options if no argument is given.
    pub(crate) fn defaults(&self) -> O {
        let mut options = O::default();
        for flag in self.flags() {
            if let Preset::Value(value) = flag.row.default {
                flag.apply(&mut options, flag.row.name, value)
                    .expect("a default is right, as a test checks");
            }
        }
        options
    }

    /// Reads the arguments, up to the first that is wrong or that asks for the help or the version.
    fn parse(&self, arguments: Arguments<'_>) -> Result<Parsed<O>, String> {
        let mut options = self.defaults();
        let mut given = Vec::new();
        let mut operands = self.operands.iter();
        let mut arguments = arguments.map(text).peekable();
        let mut are_operands = false;
        while let Some(argument) = arguments.next().transpose()? {
            if argument == "--" && !are_operands {
                are_operands = true;
                continue;
            }
            let named = if are_operands { None } else { self.flag(&argument)? };
            let Some((flag, value)) = named else {
                let operand = operands.next().ok_or_else(|| self.unexpected(&argument))?;
                operand.apply(&mut options, operand.row.name, &argument)?;
                continue;
            };
            let Row { name, repeats, .. } = flag.row;
            if given.contains(&name) && !repeats {
                return Err(format!("--{name} can be given only once"));
            }
            given.push(name);
            let value = value_of(&flag.row, value, &mut arguments)?;
            match name {
                "help" => return Ok(Parsed::Help),
                "version" => return Ok(Parsed::Version),
                _ => flag.apply(&mut options, &format!("--{name}"), &value)?,
            }
        }
        match operands.next() {
            Some(Flag { row: Row { name, default: Preset::None, .. }, .. }) => {
                Err(format!("{name} is missing: {}", self.usage))
            }
            _ => Ok(Parsed::Run(options)),
        }
    }

    /// The flag that an argument names; `None` for an operand.
    fn flag(&self, argument: &str) -> Result<Option<Named<'_, O>>, String> {
        let Some(rest) = argument.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            return Ok(None);
        };
        let (name, value) = match rest.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (rest, None),
        };
        let find = |name: &str| self.flags().find(|flag| flag.row.name == name);
        let named = match name.strip_prefix('-') {
            Some(name) => find(name).map(|flag| (flag, value)),
            // A user who types -data wants --data, and not to send "ata".
            None if find(name).is_some() => None,
            None => lettered(rest).and_then(|(name, value)| {
                let flag = find(name)?;
                let is_whole = value.is_none() || !flag.row.value.is_empty();
                is_whole.then_some((flag, value))
            }),
        };
        // The text attached to a letter may be a secret, even if this command has no such flag.
        let known = lettered(rest).filter(|(long, _)| find(name).or_else(|| find(long)).is_none());
        let shown = known.map_or(name.len(), |_| 1);
        named.map(Some).ok_or_else(|| self.unknown(&argument[..1 + shown]))
    }

    /// `given` has its dashes.
    fn unknown(&self, given: &str) -> String {
        let hint = nearest(given.trim_start_matches('-'), self.flags().map(|flag| flag.row.name));
        let hint = hint.map(|name| format!(": did you mean --{name}?")).unwrap_or_default();
        format!("unknown option {}{hint}", visible::line(given))
    }

    fn unexpected(&self, argument: &str) -> String {
        let takes = match self.operands {
            [] => format!("{} takes only options", self.name),
            _ => self.usage.into(),
        };
        format!("unexpected argument {:?}: {takes}", masked_url(argument))
    }
}

/// The value of a flag, which was attached or is the next argument; empty where none is taken.
fn value_of(
    Row { name, value, .. }: &Row,
    attached: Option<String>,
    arguments: &mut Peekable<impl Iterator<Item = Result<String, String>>>,
) -> Result<String, String> {
    match (*value, attached) {
        ("", None) => Ok(String::new()),
        ("", Some(given)) => Err(format!("--{name} takes no value, but was given {given:?}")),
        (_, Some(given)) => Ok(given),
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

#[cfg(test)]
pub(crate) mod support;
#[cfg(test)]
mod tests;

//! Command lines: one table for each command drives its parser, its help, the man page, the
//! completions of shells, and tests of the table itself.
//!
//! ```text
//! argument = "--" name [ "=" value ]   the value may be the next argument, if it is needed
//!          / "-" letter [ value ]      the same, for one of LETTERS
//!          / "--"                      everything after it is operands
//!          / operand                   also "-", which is standard input or output
//!
//! Table<O> ── shown ─► Shown ─┬─ parse ─► each value, to set it in an O ─► run
//!                             └─ help, man page, completions
//! ```
//!
//! All but what sets a value is of the [`Shown`] form, which doesn't know the type of the options:
//! so a program has it once, and not once for each command.
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

#[cfg(feature = "tools")]
mod completions;
mod flag;
mod help;
#[cfg(feature = "tools")]
mod man;
pub(super) mod nearest;
mod parser;

use super::{Failure, Outcome, VERSION, print};

#[cfg(feature = "tools")]
pub(crate) use completions::{SHELLS, completions};
pub(crate) use flag::{Flag, MOST};
use flag::{Preset, Row};
pub(crate) use flags;
pub(crate) use help::{Block, rows, wrap};
#[cfg(feature = "tools")]
pub(crate) use man::man_page;
use parser::{Arguments, Asked, Place};

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

/// What a user sees of a command.
pub(crate) struct Shown {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    usage: &'static str,
    about: &'static [&'static str],
    operands: Vec<Row>,
    flags: Vec<Row>,
    exits: &'static [(u8, &'static str)],
    more: fn() -> Vec<Block>,
}

/// The flags that have a letter, which means the same in every command: `-H` and `-d` are curl's.
const LETTERS: [(char, &str); 4] =
    [('H', "header"), ('V', "version"), ('d', "data"), ('h', "help")];

impl<O: Default> Command for Table<O> {
    fn shown(&self) -> Shown {
        let Self { name, summary, usage, about, exits, more, .. } = *self;
        let operands = self.operands.iter().map(|operand| operand.row).collect();
        let flags = self.flags().map(|flag| flag.row).collect();
        Shown { name, summary, usage, about, operands, flags, exits, more }
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
        let asked = self.shown().parse(arguments, &mut |place, label, value| {
            let flag = match place {
                Place::Operand(at) => self.operands.get(at),
                Place::Flag(at) => self.flags().nth(at),
            };
            flag.map_or(Ok(()), |flag| flag.apply(&mut options, label, value))
        })?;
        Ok(match asked {
            Asked::Run => Parsed::Run(options),
            Asked::Help => Parsed::Help,
            Asked::Version => Parsed::Version,
        })
    }
}

#[cfg(test)]
pub(crate) mod support;
#[cfg(test)]
mod tests;

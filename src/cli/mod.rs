//! The command line: which command runs, and how its outcome becomes an exit status.
//!
//! ```text
//! tidings [COMMAND] [options]       without a command: serve
//! ```
//!
//! | exit status | means |
//! | --- | --- |
//! | 0 | the command succeeded, or nobody reads its output any more (a verdict stands) |
//! | 1 | the command failed: standard error says why, and what to do |
//! | 2 | the command line is wrong: the same |
//! | 3 and up | specific to a command: its help says what they mean |
//!
//! To read on: [`flags`] is the type of each command's table, [`help`] prints what is made from all
//! of them, [`serve`] is the hub, [`tail`] shows a stream, [`record`] keeps one and [`mod@bench`]
//! measures a server, [`doctor`] finds what stands in a stream's way (what these four share is
//! [`client`]), [`mock`] is a server that can be
//! broken, and [`cassette`] is what it plays back. [`journal`] shows what a hub has on disk.
//! [`names`] are those of channels, and [`access`] is what a token allows of them. [`listen`] is
//! where the servers listen, [`signals`] end all commands, and [`notify`] tells a supervisor.
//! [`mod@file`], [`json`], [`visible`], [`paint`] and [`width`] are how things are read and
//! written, and [`sys`] is what std lacks.
//!
//! Nothing here uses `println!` or `eprintln!`, which panic when the other end is closed.

// Files that the hub needs also hold functions that only these parts call.
#![cfg_attr(not(all(feature = "tools", feature = "journal")), expect(dead_code))]

#[cfg_attr(not(feature = "key"), path = "access/none.rs")]
mod access;
#[cfg(feature = "tools")]
#[path = "../net/atomic.rs"]
mod atomic;
#[cfg(feature = "tools")]
mod bench;
#[cfg(feature = "tools")]
mod cassette;
#[cfg(feature = "tools")]
mod client;
mod descriptors;
#[cfg(feature = "tools")]
mod doctor;
mod duration;
#[cfg(feature = "tools")]
mod explain;
#[cfg(feature = "tools")]
mod file;
mod flags;
mod help;
#[cfg(feature = "journal")]
mod journal;
#[cfg(any(feature = "page", feature = "tools"))]
mod json;
#[cfg(feature = "tools")]
mod lines;
mod listen;
#[cfg(feature = "tools")]
mod mock;
mod names;
mod notify;
#[cfg(feature = "tools")]
mod paint;
#[cfg(feature = "tools")]
mod record;
mod secret;
#[cfg(feature = "tools")]
mod seeded;
mod serve;
mod signals;
mod sys;
#[cfg(feature = "tools")]
mod tail;
#[cfg(feature = "tools")]
mod token;
mod visible;
mod width;

use std::ffi::OsString;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use std::str::FromStr;

use tidings::http::masked_url;

use flags::Command;
use flags::nearest::nearest;

/// Why a command ended early.
#[derive(Debug)]
enum Failure {
    /// The command line is wrong: what is wrong, and what was expected.
    Usage(String),
    /// The command failed, with this message.
    Failed(String),
    /// The same, with an exit status that is specific to the command.
    Ended { status: u8, said: String },
    /// The reader of standard output has gone, which is no error.
    Unread,
}

type Outcome = Result<(), Failure>;

/// All commands, in the order of their names. Features plug theirs in here.
static COMMANDS: &[&dyn Command] = &[
    #[cfg(feature = "tools")]
    &bench::TABLE,
    #[cfg(feature = "tools")]
    &help::COMPLETIONS,
    #[cfg(feature = "tools")]
    &doctor::TABLE,
    &help::HELP,
    #[cfg(feature = "journal")]
    &journal::TABLE,
    #[cfg(feature = "tools")]
    &mock::TABLE,
    #[cfg(feature = "tools")]
    &record::TABLE,
    &serve::TABLE,
    #[cfg(feature = "tools")]
    &tail::TABLE,
    #[cfg(feature = "tools")]
    &token::TABLE,
];

/// The commands that a build without the feature `tools` lacks.
const TOOLS: [&str; 7] = ["bench", "completions", "doctor", "mock", "record", "tail", "token"];

/// The command that a build without the feature `journal` lacks.
const JOURNAL: &str = "journal";

/// Features of the hub, and whether this build has them. Their flags are called so, or begin so.
const OF_THE_HUB: [(&str, bool); 4] = [
    ("follow", cfg!(feature = "follow")),
    (JOURNAL, cfg!(feature = "journal")),
    ("key", cfg!(feature = "key")),
    ("redis", cfg!(feature = "redis")),
];

const DEFAULT: &str = "serve";

const VERSION: &str = concat!("tidings ", env!("CARGO_PKG_VERSION"));

/// Runs the command that the arguments name. They don't include the program's name.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    #[cfg(unix)]
    listen::handed::read_environment();
    signals::start();
    let mut arguments = arguments.peekable();
    let command = command(&mut arguments);
    let outcome = match &command {
        Ok(command) => command.run(&mut arguments, help::print_help),
        Err(given) => Err(Failure::Usage(unknown_command(given))),
    };
    signals::before_end();
    let (said, status) = match outcome {
        Ok(()) | Err(Failure::Unread) => return ExitCode::SUCCESS,
        Err(Failure::Failed(said)) => (said, 1),
        Err(Failure::Ended { status, said }) => (said, status),
        Err(Failure::Usage(wrong)) => {
            (format!("{wrong}\n'{}' lists the options", help_line(command.ok())), 2)
        }
    };
    // If standard error is closed too, the status alone tells.
    say(&said);
    ExitCode::from(status)
}

/// The command line that prints a command's help. The program's help includes that of the default
/// command.
fn help_line(command: Option<&dyn Command>) -> String {
    match command.map(|command| command.shown().name) {
        None | Some("help" | DEFAULT) => "tidings --help".into(),
        Some(name) => format!("tidings {name} --help"),
    }
}

fn find(name: &str) -> Option<&'static dyn Command> {
    COMMANDS.iter().copied().find(|command| command.shown().name == name)
}

/// Finds the command, or returns the name that is unknown. An argument with a dash is an option of
/// the default command.
fn command(
    arguments: &mut std::iter::Peekable<impl Iterator<Item = OsString>>,
) -> Result<&'static dyn Command, String> {
    let first = arguments.peek().map(|first| first.to_string_lossy().into_owned());
    let found = match first.as_deref() {
        Some("--help" | "-h") => find("help"),
        Some(name) if !name.starts_with('-') => find(name).inspect(|_| drop(arguments.next())),
        _ => find(DEFAULT),
    };
    found.ok_or(first.unwrap_or_default())
}

fn unknown_command(given: &str) -> String {
    if TOOLS.contains(&given) {
        return without(given, "tools");
    }
    if given == JOURNAL {
        return without(given, "journal");
    }
    let names = || COMMANDS.iter().map(|command| command.shown().name);
    let meant = nearest(given, &mut names());
    let is_place = is_place(given);
    let given = masked_url(given);
    let (option, meant) = match meant {
        None if is_place => ("--listen ", &*given),
        meant => ("", meant.unwrap_or_default()),
    };
    let hint = match meant {
        "" => String::new(),
        meant => format!(": did you mean {option}{meant}?"),
    };
    let all = names().collect::<Vec<_>>().join(", ");
    format!("unknown command {given:?}{hint}\nthe commands are {all}")
}

/// What to say of a command or a flag that only this feature has.
fn without(name: &str, feature: &str) -> String {
    format!("this tidings was built without {name}: build it with --features {feature}")
}

/// Whether an argument looks as if it were meant for `--listen`.
fn is_place(given: &str) -> bool {
    match given.split_once(':') {
        Some((_, rest)) => !rest.starts_with("//"),
        None => given.bytes().next().is_some_and(|first| first.is_ascii_digit()),
    }
}

/// Ignores that nobody reads the output, for a command whose verdict stands nevertheless.
fn even_if_unread(outcome: Outcome) -> Outcome {
    match outcome {
        Err(Failure::Unread) => Ok(()),
        outcome => outcome,
    }
}

/// So many of these, in words.
fn plural(n: u64, name: &str) -> String {
    format!("{n} {name}{}", if n == 1 { "" } else { "s" })
}

/// Reads a number that consists of digits alone: no sign, no space.
fn digits<N: FromStr>(text: &str) -> Option<N> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Prints a message on standard error, if that is open. A message may quote a server, so whatever
/// a terminal would act on is escaped.
fn say(what: &str) {
    let lines: Vec<_> = what.split('\n').map(visible::line).collect();
    let _ = writeln!(io::stderr(), "tidings: {}", lines.join("\n"));
}

/// Writes bytes that a server sent. On a terminal, those that aren't visible are escaped.
fn print_sent(bytes: &[u8]) -> Outcome {
    if !io::stdout().is_terminal() {
        return print(bytes);
    }
    let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').map(visible::bytes).collect();
    print(&lines.join("\n"))
}

/// Writes to standard output, and flushes it.
fn print(text: &(impl AsRef<[u8]> + ?Sized)) -> Outcome {
    let mut out = io::stdout().lock();
    out.write_all(text.as_ref()).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::Unread,
        _ => Failure::Failed(format!("can't write to standard output: {error}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_help_is_wider_than_there_are_columns_unless_a_word_is() {
        for command in COMMANDS.iter().map(|command| command.shown()) {
            let name = command.name;
            for columns in [40, 80] {
                let fits = |line: &&str| {
                    let is_word = !line.trim_start().contains(' ');
                    line.chars().count() <= columns || is_word || is_form(line)
                };
                let help = help::help(&command, columns);
                let wide: Vec<_> = help.lines().filter(|line| !fits(line)).collect();
                assert!(wide.is_empty(), "{name} at {columns}: {wide:?}");
            }
        }
    }

    /// What is typed stands in one piece: a flag and the name of its value.
    fn is_form(line: &str) -> bool {
        line.starts_with("  --") && line.len() < 40
    }

    #[test]
    fn commands_are_unique_and_sorted_and_each_is_told_about() {
        let shown: Vec<_> = COMMANDS.iter().map(|command| command.shown()).collect();
        assert!(shown.is_sorted_by(|a, b| a.name < b.name));
        assert!(shown.iter().all(|command| !command.summary.is_empty()));
    }

    #[test]
    fn an_unknown_command_is_met_with_the_nearest() {
        let said = unknown_command;
        let names: Vec<_> = COMMANDS.iter().map(|command| command.shown().name).collect();
        let all = format!("the commands are {}", names.join(", "));
        assert_eq!(said("sevre"), format!("unknown command \"sevre\": did you mean serve?\n{all}"));
        assert_eq!(said("cheese"), format!("unknown command \"cheese\"\n{all}"));
        for place in ["3000", "localhost:3000", "unix:/run/a.sock"] {
            let hint = format!("unknown command {place:?}: did you mean --listen {place}?\n{all}");
            assert_eq!(said(place), hint);
        }
        for (name, feature) in [("tail", "tools"), ("journal", "journal")] {
            let why = "this tidings was built without";
            assert_eq!(said(name), format!("{why} {name}: build it with --features {feature}"));
        }
    }
}

//! The command line: which command is meant, and how its end becomes an exit status.
//!
//! ```text
//! tidings [COMMAND] [options]       without a command: serve
//! ```
//!
//! | exit status | means |
//! | --- | --- |
//! | 0 | it did what it was asked to, or nobody reads its output any more |
//! | 1 | it could not: one line on standard error says why and what to do |
//! | 2 | it was asked for what it does not understand: the same |
//! | 3 and up | a command's own: its help says what they mean |
//!
//! To read on: [`flags`] is the parser that each command has a table for, [`serve`] is the hub,
//! [`tail`] shows a stream and [`record`] keeps one (what these two share is [`follow`]), [`bench`]
//! measures a server, [`mock`] is a server that can be broken, and [`cassette`] is what it plays
//! back. [`json`], [`visible`] and [`paint`] are how things are written.
//!
//! Nothing here uses `println!` or `eprintln!`, which panic when the other end is closed.

mod bench;
mod cassette;
mod duration;
mod flags;
mod follow;
mod json;
mod listen;
mod mock;
mod paint;
mod random;
mod record;
mod serve;
mod tail;
mod visible;

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use flags::{Wrong, nearest};

/// Why a command ended without having done what it was asked to.
#[derive(Debug)]
enum Failure {
    /// The command line is wrong.
    Usage(Wrong),
    /// What to say on standard error.
    Failed(String),
    /// The same, with an exit status of the command's own.
    Ended { status: u8, said: String },
    /// Whoever read standard output has gone. That is nobody's mistake.
    Unread,
}

type Outcome = Result<(), Failure>;

type Arguments<'a> = &'a mut dyn Iterator<Item = OsString>;

/// One row for each command.
struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(Arguments<'_>) -> Outcome,
}

const COMMANDS: &[Command] = &[
    Command { name: "bench", about: "measures how well a server delivers", run: bench::run },
    Command { name: "help", about: "tells what is here", run: help },
    Command {
        name: "mock",
        about: "serves streams from a script, as well or as badly as it says",
        run: mock::run,
    },
    Command {
        name: "record",
        about: "keeps a stream in a file, with the borders and times of its chunks",
        run: record::run,
    },
    Command {
        name: "serve",
        about: "runs the hub; what is done without a command",
        run: serve::run,
    },
    Command { name: "tail", about: "prints the events of a stream as they come", run: tail::run },
];

/// Does what the arguments say; the program's name is not among them.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.peekable();
    let command = command(&mut arguments);
    let outcome = match &command {
        Ok(command) => (command.run)(&mut arguments),
        Err(given) => Err(Failure::Usage(unknown_command(given))),
    };
    let (said, status) = match outcome {
        Ok(()) | Err(Failure::Unread) => return ExitCode::SUCCESS,
        Err(Failure::Failed(said)) => (said, 1),
        Err(Failure::Ended { status, said }) => (said, status),
        Err(Failure::Usage(wrong)) => {
            let help = command.map_or(HELP.into(), Command::help);
            (format!("{wrong}\n'{help}' tells what can be said"), 2)
        }
    };
    // Where standard error is closed too, the status says it all.
    say(&said);
    ExitCode::from(status)
}

/// What is typed to be told about the program.
const HELP: &str = "tidings --help";

impl Command {
    /// What is typed to be told about this command. As `serve` is what is done unasked, the
    /// program's help tells about it.
    fn help(&self) -> String {
        match self.name {
            "help" | DEFAULT => HELP.into(),
            name => format!("tidings {name} --help"),
        }
    }
}

/// What is done without a command.
const DEFAULT: &str = "serve";

/// Finds the command, or gives back what is none. An argument with a dash is an option, so the
/// command was left out.
fn command(
    arguments: &mut std::iter::Peekable<impl Iterator<Item = OsString>>,
) -> Result<&'static Command, String> {
    let first = arguments.peek().map(|first| first.to_string_lossy().into_owned());
    let named = |name: &str| COMMANDS.iter().find(|command| command.name == name);
    let found = match first.as_deref() {
        Some("--help" | "-h") => named("help"),
        Some(name) if !name.starts_with('-') => {
            let command = named(name);
            if command.is_some() {
                arguments.next();
            }
            command
        }
        _ => named(DEFAULT),
    };
    found.ok_or(first.unwrap_or_default())
}

fn unknown_command(given: &str) -> Wrong {
    let names = COMMANDS.iter().map(|command| command.name);
    let hint = nearest(given, names).map(|name| format!(": did you mean {name}?"));
    Wrong::new(format!("unknown command {given:?}{}", hint.unwrap_or_default()))
}

/// Prints what the program can do. As `serve` is what it does unasked, its options follow.
fn help(_arguments: Arguments<'_>) -> Outcome {
    let width = COMMANDS.iter().map(|command| command.name.len()).max().unwrap_or(0);
    let rows =
        COMMANDS.iter().map(|Command { name, about, .. }| format!("  {name:width$}  {about}\n"));
    let commands: String = rows.collect();
    let more = "tidings COMMAND --help tells of each. Without a command it serves:";
    print(&format!("{VERSION}\n\nCommands:\n{commands}\n{more}\n\n{}", serve::help()))
}

const VERSION: &str = concat!("tidings ", env!("CARGO_PKG_VERSION"));

fn version() -> Outcome {
    print(&format!("{VERSION}\n"))
}

/// Says something on standard error, if anybody listens.
fn say(what: &str) {
    let _ = writeln!(io::stderr(), "tidings: {what}");
}

/// Writes to standard output, so that it is seen at once.
fn print(text: &str) -> Outcome {
    print_bytes(text.as_bytes())
}

fn print_bytes(bytes: &[u8]) -> Outcome {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::Unread,
        _ => Failure::Failed(format!("can't write to standard output: {error}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_unique_and_sorted_and_each_is_told_about() {
        assert!(COMMANDS.is_sorted_by(|a, b| a.name < b.name));
        assert!(COMMANDS.iter().all(|command| !command.about.is_empty()));
    }

    #[test]
    fn an_unknown_command_is_met_with_the_nearest() {
        let said = |given| unknown_command(given).to_string();
        assert_eq!(said("sevre"), "unknown command \"sevre\": did you mean serve?");
        assert_eq!(said("cheese"), "unknown command \"cheese\"");
    }
}

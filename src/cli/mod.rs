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
//!
//! To read on: [`flags`] is the parser that each command has a table for, [`serve`] is the hub.
//!
//! Nothing here uses `println!` or `eprintln!`, which panic when the other end is closed.

mod bench;
mod flags;
mod serve;

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
        name: "serve",
        about: "runs the hub; what is done without a command",
        run: serve::run,
    },
];

/// Does what the arguments say; the program's name is not among them.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let (said, status) = match dispatch(&mut arguments.peekable()) {
        Ok(()) | Err(Failure::Unread) => return ExitCode::SUCCESS,
        Err(Failure::Failed(said)) => (said, 1),
        Err(Failure::Usage(wrong)) => {
            (format!("{wrong}\n'tidings --help' tells what can be said"), 2)
        }
    };
    // Where standard error is closed too, the status says it all.
    let _ = writeln!(io::stderr(), "tidings: {said}");
    ExitCode::from(status)
}

/// Finds the command. An argument with a dash is an option, so the command was left out.
fn dispatch(arguments: &mut std::iter::Peekable<impl Iterator<Item = OsString>>) -> Outcome {
    match arguments.peek().map(|first| first.to_string_lossy().into_owned()) {
        Some(first) if matches!(&*first, "--help" | "-h") => help(arguments),
        Some(first) if !first.starts_with('-') => {
            let Some(command) = COMMANDS.iter().find(|command| command.name == first) else {
                return Err(Failure::Usage(unknown_command(&first)));
            };
            arguments.next();
            (command.run)(arguments)
        }
        _ => serve::run(arguments),
    }
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
    print(&format!("{VERSION}\n\nCommands:\n{commands}\n{}", serve::help()))
}

const VERSION: &str = concat!("tidings ", env!("CARGO_PKG_VERSION"));

fn version() -> Outcome {
    print(&format!("{VERSION}\n"))
}

/// Writes to standard output, so that it is seen at once.
fn print(text: &str) -> Outcome {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| match error.kind() {
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

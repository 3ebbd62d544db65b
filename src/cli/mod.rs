//! The command line: which command is meant, and how its end becomes an exit status.
//!
//! ```text
//! tidings [COMMAND] [options]       without a command: serve
//! ```
//!
//! | exit status | means |
//! | --- | --- |
//! | 0 | it did what it was asked to, or nobody reads its output any more (a verdict stands) |
//! | 1 | it could not: one line on standard error says why and what to do |
//! | 2 | it was asked for what it does not understand: the same |
//! | 3 and up | a command's own: its help says what they mean |
//!
//! To read on: [`flags`] is the parser that each command has a table for, [`serve`] is the hub,
//! [`tail`] shows a stream, [`record`] keeps one and [`bench`] measures a server (what these three
//! share is [`client`]), [`mock`] is a server that can be broken, and [`cassette`] is what it plays
//! back. [`file`], [`json`], [`visible`], [`paint`] and [`width`] are how things are written.
//!
//! Nothing here uses `println!` or `eprintln!`, which panic when the other end is closed.

mod bench;
mod cassette;
mod client;
mod descriptors;
mod duration;
mod file;
mod flags;
mod json;
mod listen;
mod mock;
mod paint;
mod random;
mod record;
mod serve;
mod tail;
mod visible;
mod width;

use std::ffi::OsString;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use tidings::http::masked_url;

use flags::{Wrong, nearest, rows, wrap};

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
    /// For so many columns.
    help: fn(usize) -> String,
    run: fn(Arguments<'_>) -> Outcome,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "bench",
        about: "measures how well a server delivers",
        help: bench::help,
        run: bench::run,
    },
    Command { name: "help", about: "prints this help, or that of a command", help, run: run_help },
    Command {
        name: "mock",
        about: "serves streams from a script, as well or as badly as it says",
        help: mock::help,
        run: mock::run,
    },
    Command {
        name: "record",
        about: "records a stream to a file, chunk by chunk",
        help: record::help,
        run: record::run,
    },
    Command {
        name: "serve",
        about: "runs the hub (the default command)",
        help: serve::help,
        run: serve::run,
    },
    Command {
        name: "tail",
        about: "prints the events of a stream as they come",
        help: tail::help,
        run: tail::run,
    },
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
            (format!("{wrong}\n'{help}' lists the options"), 2)
        }
    };
    // Where standard error is closed too, the status says it all.
    say(&said);
    ExitCode::from(status)
}

/// What is typed to be told about the program.
const HELP: &str = "tidings --help";

impl Command {
    fn find(name: &str) -> Option<&'static Self> {
        COMMANDS.iter().find(|command| command.name == name)
    }

    /// What is typed to be told about this command. As `serve` is the default command, the
    /// program's help tells about it.
    fn help(&self) -> String {
        match self.name {
            "help" | DEFAULT => HELP.into(),
            name => format!("tidings {name} --help"),
        }
    }
}

/// The command that runs when none is named.
const DEFAULT: &str = "serve";

/// Finds the command, or gives back what is none. An argument with a dash is an option, so the
/// command was left out.
fn command(
    arguments: &mut std::iter::Peekable<impl Iterator<Item = OsString>>,
) -> Result<&'static Command, String> {
    let first = arguments.peek().map(|first| first.to_string_lossy().into_owned());
    let found = match first.as_deref() {
        Some("--help" | "-h") => Command::find("help"),
        Some(name) if !name.starts_with('-') => {
            let command = Command::find(name);
            if command.is_some() {
                arguments.next();
            }
            command
        }
        _ => Command::find(DEFAULT),
    };
    found.ok_or(first.unwrap_or_default())
}

fn unknown_command(given: &str) -> Wrong {
    let names = || COMMANDS.iter().map(|command| command.name);
    let hint = nearest(given, names()).map(|name| format!(": did you mean {name}?"));
    let (hint, all) = (hint.unwrap_or_default(), names().collect::<Vec<_>>().join(", "));
    let given = masked_url(given);
    Wrong::new(format!("unknown command {given:?}{hint}\nthe commands are {all}"))
}

/// Prints the help of a command, or that of the program.
fn run_help(arguments: Arguments<'_>) -> Outcome {
    let named = arguments.next().map(|name| name.to_string_lossy().into_owned());
    let command = match named.as_deref() {
        // The whole program was asked about, in whichever way.
        None | Some("--help" | "-h") => help,
        Some(name) => {
            Command::find(name).ok_or_else(|| Failure::Usage(unknown_command(name)))?.help
        }
    };
    if let Some(more) = arguments.next() {
        let more = format!("{more:?}");
        let what = format!("unexpected argument {}: help takes one COMMAND", masked_url(&more));
        return Err(Failure::Usage(Wrong::new(what)));
    }
    print(&command(width::columns()))
}

/// What the program can do. The options of the default command follow.
fn help(columns: usize) -> String {
    let commands: Vec<_> =
        COMMANDS.iter().map(|command| (command.name.to_owned(), command.about)).collect();
    let commands = rows(&commands, columns);
    let more =
        "'tidings help COMMAND' prints the help of each. Without a command, tidings runs the hub:";
    let more = wrap(more, "", columns);
    format!("{VERSION}\n\nCommands:\n{commands}\n{more}\n{}", serve::help(columns))
}

/// For a command that comes to a verdict: it stands, whether or not anybody reads the output.
fn even_if_unread(outcome: Outcome) -> Outcome {
    match outcome {
        Err(Failure::Unread) => Ok(()),
        outcome => outcome,
    }
}

const VERSION: &str = concat!("tidings ", env!("CARGO_PKG_VERSION"));

fn version() -> Outcome {
    print(&format!("{VERSION}\n"))
}

/// Says something on standard error, if anybody listens. It may quote what a server sent, so here
/// it is made fit for a terminal, whatever it is.
fn say(what: &str) {
    let lines: Vec<_> = what.split('\n').map(visible::line).collect();
    let _ = writeln!(io::stderr(), "tidings: {}", lines.join("\n"));
}

/// Writes to standard output, so that it is seen at once.
fn print(text: &str) -> Outcome {
    print_bytes(text.as_bytes())
}

/// Writes what a server sent, which goes to a terminal only as far as it can be seen.
fn print_sent(bytes: &[u8]) -> Outcome {
    if !io::stdout().is_terminal() {
        return print_bytes(bytes);
    }
    let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').map(visible::bytes).collect();
    print(&lines.join("\n"))
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
    fn no_line_of_a_help_is_wider_than_there_are_columns_unless_a_word_is() {
        for Command { name, help, .. } in COMMANDS {
            for columns in [40, 80] {
                let fits = |line: &&str| {
                    let is_word = !line.trim_start().contains(' ');
                    line.chars().count() <= columns || is_word || is_form(line)
                };
                let help = help(columns);
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
        assert!(COMMANDS.is_sorted_by(|a, b| a.name < b.name));
        assert!(COMMANDS.iter().all(|command| !command.about.is_empty()));
    }

    #[test]
    fn an_unknown_command_is_met_with_the_nearest() {
        let said = |given| unknown_command(given).to_string();
        let all = "the commands are bench, help, mock, record, serve, tail";
        assert_eq!(said("sevre"), format!("unknown command \"sevre\": did you mean serve?\n{all}"));
        assert_eq!(said("cheese"), format!("unknown command \"cheese\"\n{all}"));
    }
}

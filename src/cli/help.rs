//! The commands that describe the program: its help, its man page, and completions for shells. The
//! hub alone has no more than its help.

use super::flags::{Command, Flag, Shown, Table, rows, wrap};
#[cfg(feature = "tools")]
use super::flags::{SHELLS, completions, flags, man_page};
use super::{COMMANDS, DEFAULT, Failure, Outcome, VERSION, find, print, unknown_command, width};

/// Which help is asked for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    command: Option<String>,
    man: bool,
}

pub(super) static HELP: Table<Asked> = Table {
    name: "help",
    summary: "prints the help of the program or of a command",
    usage: if cfg!(feature = "tools") {
        "tidings help [--man] [COMMAND]"
    } else {
        "tidings help [COMMAND]"
    },
    about: &["Prints the help of the program, or of a command."],
    operands: &[Flag::<Asked>::text("a command", "COMMAND", |o, command| {
        o.command = Some(command.into())
    })
    .otherwise("the program")],
    #[cfg(not(feature = "tools"))]
    flags: &[],
    #[cfg(feature = "tools")]
    flags: &[&flags![Asked,
        /// Prints a man page of all commands, for 'tidings help --man | man -l -'.
        switch("man", |o| o.man = true),
    ]],
    exits: &[],
    more: Vec::new,
    run: |asked| {
        #[cfg(feature = "tools")]
        if asked.man && asked.command.is_some() {
            let what = "--man prints one page of all commands: leave the command out, or --man";
            return Err(Failure::Usage(what.into()));
        } else if asked.man {
            return print(&man());
        }
        let Some(name) = &asked.command else { return print_help(&HELP.shown()) };
        let command = find(name).ok_or_else(|| Failure::Usage(unknown_command(name)))?;
        print(&command.shown().help(width::columns()))
    },
};

#[cfg(feature = "tools")]
pub(super) static COMPLETIONS: Table<String> = Table {
    name: "completions",
    summary: "prints a script that makes a shell complete commands and flags",
    usage: "tidings completions bash|zsh|fish",
    about: &[
        "Prints a script that makes a shell complete commands, flags and their values.",
        "Each new shell loads it with eval \"$(tidings completions bash)\" in ~/.bashrc, with eval \
         \"$(tidings completions zsh)\" in ~/.zshrc after compinit, or with 'tidings completions \
         fish | source' in ~/.config/fish/config.fish.",
    ],
    operands: &[Flag::<String>::text("a shell", SHELLS, |o, shell| *o = shell.into())],
    flags: &[],
    exits: &[],
    more: Vec::new,
    run: |shell| print(&completions(&shell, &all(), DEFAULT)),
};

#[cfg(feature = "tools")]
fn man() -> String {
    let mut commands = all();
    commands.sort_by_key(|command| command.name != DEFAULT);
    man_page(VERSION, ABOUT, &commands)
}

#[cfg(feature = "tools")]
const ABOUT: &str = "tidings is a hub for Server-Sent Events: programs publish over HTTP, and \
    pages and programs follow. Its other commands show, record, serve and measure event streams";

const MAN: &str = ", and 'tidings help --man' a man page of all";

const BARE: &str = "Without a command, tidings runs the hub:";

fn all() -> Vec<Shown> {
    COMMANDS.iter().map(|command| command.shown()).collect()
}

pub(super) fn print_help(command: &Shown) -> Outcome {
    print(&help(command, width::columns()))
}

/// The help of a command, wrapped to `columns`. That of `help` is the program's: all commands, and
/// the options of the default one. (`tidings help help` prints its own.)
pub(super) fn help(command: &Shown, columns: usize) -> String {
    if command.name != HELP.name {
        return command.help(columns);
    }
    let commands: Vec<_> =
        all().iter().map(|command| (command.name.to_owned(), command.summary)).collect();
    let commands = rows(&commands, columns);
    let man = if cfg!(feature = "tools") { MAN } else { "" };
    let more = format!("'tidings help COMMAND' prints the help of each{man}. {BARE}");
    let more = wrap(&more, "", columns);
    let default = find(DEFAULT).map(|default| default.shown().help(columns)).unwrap_or_default();
    format!("{VERSION}\n\nCommands:\n{commands}\n{more}\n{default}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::TOOLS;
    use crate::cli::flags::support::{check, parse};

    #[test]
    fn the_tables_keep_the_rules_of_all_tables() {
        check(&HELP);
        #[cfg(feature = "tools")]
        check(&COMPLETIONS);
    }

    #[test]
    fn a_man_page_that_is_looked_for_elsewhere_is_told_where_it_is() {
        let said = match cfg!(feature = "tools") {
            true => "unknown option --man: did you mean 'tidings help --man'?",
            false => "this tidings was built without --man: build it with --features tools",
        };
        let wrong = parse(&crate::cli::serve::TABLE, &["--man"]).map(drop);
        assert_eq!(wrong, Err(said.into()));
        if cfg!(not(feature = "tools")) {
            assert_eq!(parse(&HELP, &["--man"]).map(drop), Err(said.into()));
        }
    }

    #[cfg(feature = "tools")]
    #[test]
    fn the_man_page_is_of_the_program_and_the_default_command_comes_first() {
        let page = man();
        let about = ".SH DESCRIPTION\ntidings is a hub for Server\\-Sent Events";
        assert!(page.contains(about), "{page}");
        let sections: Vec<_> = page.lines().filter_map(|line| line.strip_prefix(".SS ")).collect();
        let mut expected = vec![
            "serve",
            "bench",
            "completions",
            "doctor",
            "help",
            "mock",
            "record",
            "tail",
            "token",
        ];
        if cfg!(feature = "journal") {
            expected.insert(5, "journal");
        }
        assert_eq!(sections, expected);
    }

    #[test]
    fn only_what_is_built_in_is_told() {
        let (tools, page) = (cfg!(feature = "tools"), cfg!(feature = "page"));
        let told = help(&HELP.shown(), 80);
        for name in TOOLS {
            assert_eq!(find(name).is_some(), tools, "{name}");
            assert_eq!(told.contains(&format!("\n  {name} ")), tools, "{name}");
        }
        assert_eq!(told.contains("--man"), tools);
        assert_eq!(told.contains("GET / "), page);
    }
}

//! The commands that describe the program: its help, its man page, and completions for shells.

use super::flags::{Flag, SHELLS, Shown, Table, completions, flags, man_page, rows, wrap};
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
    usage: "tidings help [--man] [COMMAND]",
    about: &["Prints the help of the program, or of a command."],
    operands: &[Flag::<Asked>::text("a command", "COMMAND", |o, command| {
        o.command = Some(command.into())
    })
    .otherwise("the program")],
    flags: &[&flags![Asked,
        /// Prints a man page of all commands, for 'tidings help --man | man -l -'.
        switch("man", |o| o.man = true),
    ]],
    exits: &[],
    more: Vec::new,
    run: |asked| {
        if asked.man {
            return print(&man_page(VERSION, env!("CARGO_PKG_DESCRIPTION"), &all()));
        }
        let name = asked.command.as_deref().unwrap_or(HELP.name);
        let command = find(name).ok_or_else(|| Failure::Usage(unknown_command(name)))?;
        print_help(&command.shown())
    },
};

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

fn all() -> Vec<Shown> {
    COMMANDS.iter().map(|command| command.shown()).collect()
}

pub(super) fn print_help(command: &Shown) -> Outcome {
    print(&help(command, width::columns()))
}

/// The help of a command, wrapped to `columns`. The help of `help` is the program's: all commands,
/// and the options of the default one.
pub(super) fn help(command: &Shown, columns: usize) -> String {
    if command.name != HELP.name {
        return command.help(columns);
    }
    let commands: Vec<_> =
        all().iter().map(|command| (command.name.to_owned(), command.summary)).collect();
    let commands = rows(&commands, columns);
    let more = "'tidings help COMMAND' prints the help of each, and 'tidings help --man' a man \
                page of all. Without a command, tidings runs the hub:";
    let more = wrap(more, "", columns);
    let default = find(DEFAULT).map(|default| default.shown().help(columns)).unwrap_or_default();
    format!("{VERSION}\n\nCommands:\n{commands}\n{more}\n{default}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::TOOLS;
    use crate::cli::flags::Command;
    use crate::cli::flags::support::check;

    #[test]
    fn the_tables_keep_the_rules_of_all_tables() {
        check(&HELP);
        check(&COMPLETIONS);
    }

    #[test]
    fn only_what_is_built_in_is_told() {
        let (tools, page) = (cfg!(feature = "tools"), cfg!(feature = "page"));
        let told = [
            help(&HELP.shown(), 80),
            man_page(VERSION, "", &all()),
            completions("bash", &all(), DEFAULT),
        ];
        for name in TOOLS {
            assert_eq!(find(name).is_some(), tools, "{name}");
            let row = [format!("\n  {name} "), format!("\n.SS {name}\n"), format!(" {name}:")];
            let has = told.iter().zip(row).filter(|(told, row)| told.contains(row)).count();
            assert_eq!(has, if tools { 3 } else { 0 }, "{name}");
        }
        assert!(told[..2].iter().all(|told| told.contains("GET / ") == page));
    }
}

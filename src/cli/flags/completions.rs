//! Completions for shells, made from the tables: one script for each of [`SHELLS`].
//!
//! A script completes every command and flag, and a value that is one of some words or a file.
//! Until a command is typed, it completes the flags of the default command.

use std::fmt::Write as _;

use super::{Row, Shown};

pub(crate) const SHELLS: &str = "bash|zsh|fish";

/// The script for one of [`SHELLS`]. `default` is the command that runs if none is named.
pub(crate) fn completions(shell: &str, commands: &[Shown], default: &str) -> String {
    let shell = match shell {
        "bash" => bash,
        "zsh" => zsh,
        _ => fish,
    };
    shell(commands, default)
}

impl Row {
    /// The words that complete its value, if any do; `None` for a file.
    fn completed(&self, commands: &[Shown]) -> Option<String> {
        match self.value {
            "FILE" | "SCRIPT" => None,
            "COMMAND" => Some(names(commands, " ")),
            _ => Some(self.words().collect::<Vec<_>>().join(" ")),
        }
    }

    /// How it can be typed: `-H` if it has a letter, and `--header`.
    fn forms(&self) -> impl Iterator<Item = String> {
        let letter = self.letter().map(|letter| format!("-{letter}"));
        letter.into_iter().chain([format!("--{}", self.name)])
    }

    fn brief(&self) -> String {
        let doc = self.doc();
        doc.split_once(". ").map_or(doc.trim_end_matches('.'), |(first, _)| first).into()
    }
}

fn names(commands: &[Shown], between: &str) -> String {
    commands.iter().map(|command| command.name).collect::<Vec<_>>().join(between)
}

/// The text as one word of zsh or fish.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn bash(commands: &[Shown], default: &str) -> String {
    let mut cases = String::new();
    let mut case = |pattern: String, words: Option<String>| {
        let reply = words.map_or("compopt -o default".into(), |words| format!("words='{words}'"));
        let _ = writeln!(cases, "        {pattern}) {reply} ;;");
    };
    for command in commands {
        let name = command.name;
        let takes_next = |flag: &&Row| !flag.value.is_empty() && flag.optional().is_none();
        for flag in command.flags.iter().filter(takes_next) {
            let forms: Vec<_> = flag.forms().map(|form| format!("{name}:{form}:*")).collect();
            case(forms.join("|"), flag.completed(commands));
        }
        let forms: Vec<_> = command.flags.iter().flat_map(Row::forms).collect();
        case(format!("{name}:*:-*"), Some(forms.join(" ")));
        let operand = command.operands.last().map(|operand| operand.completed(commands));
        case(format!("{name}:*"), operand.unwrap_or(Some(String::new())));
    }
    case("::*".into(), Some(names(commands, " ")));
    let names = names(commands, "|");
    format!(
        "_tidings() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}}
    local command={default} words=
    # In --flag=value, bash takes the = for a word of its own.
    if [[ $cur == = ]]; then cur=
    elif [[ $prev == = ]]; then prev=${{COMP_WORDS[COMP_CWORD-2]}}
    fi
    if [[ $COMP_CWORD -gt 1 ]]; then
        case ${{COMP_WORDS[1]}} in {names}) command=${{COMP_WORDS[1]}} ;; esac
    elif [[ $cur != -* ]]; then
        prev= command=
    fi
    case $command:$prev:$cur in
{cases}    esac
    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))
}}
complete -F _tidings tidings
"
    )
}

fn zsh(commands: &[Shown], default: &str) -> String {
    let (mut about, mut cases) = (String::new(), String::new());
    let value = |row: &Row| {
        let words = row.completed(commands);
        let action = words.map_or("_files".into(), |words| format!("({words})"));
        format!(":{}:{action}", row.value.replace(':', "\\:"))
    };
    for command in commands {
        let name = command.name;
        let _ = write!(about, "{} ", quoted(&format!("{name}:{}", command.summary)));
        let _ = write!(cases, "        {name}) _arguments -S");
        let mut spec = |spec: String| {
            let _ = write!(cases, " \\\n            {}", quoted(&spec));
        };
        for flag in &command.flags {
            let repeats = if flag.repeats { "*" } else { "" };
            let doc = flag.brief().replace('[', "\\[").replace(']', "\\]").replace(':', "\\:");
            for form in flag.forms() {
                spec(match (flag.value, flag.optional()) {
                    ("", _) => format!("{repeats}{form}[{doc}]"),
                    (_, Some(value)) => format!("{repeats}{form}=-[{doc}]::{value}:()"),
                    _ if form.starts_with("--") => {
                        format!("{repeats}{form}=[{doc}]{}", value(flag))
                    }
                    _ => format!("{repeats}{form}+[{doc}]{}", value(flag)),
                });
            }
        }
        let operands = (1..).zip(&command.operands);
        operands.for_each(|(position, operand)| spec(format!("{position}{}", value(operand))));
        cases.push_str(" ;;\n");
    }
    let names = names(commands, "|");
    format!(
        "#compdef tidings
_tidings() {{
    local command={default}
    local -a commands=({about})
    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
        _describe command commands
        return
    fi
    case $words[2] in {names}) command=$words[2]; shift words; (( CURRENT-- )) ;; esac
    case $command in
{cases}    esac
}}
if [[ $funcstack[1] == _tidings ]]; then _tidings \"$@\"; else compdef _tidings tidings; fi
"
    )
}

fn fish(commands: &[Shown], default: &str) -> String {
    let mut script = String::from("complete -c tidings -f\n");
    let mut line = |condition: &str, rest: String| {
        let _ = writeln!(script, "complete -c tidings -n '{condition}' {rest}");
    };
    let value = |row: &Row| {
        row.completed(commands).map_or("-r -F".into(), |words| format!("-x -a '{words}'"))
    };
    // Without a description of its own, even an empty one, a word has that of the flag.
    let words = |row: &Row| row.words().map(|word| format!(r"{word}\t")).collect::<Vec<_>>();
    let flag_value = |row: &Row| match &*words(row) {
        [] => value(row),
        words => format!("-x -a '{}'", words.join(" ")),
    };
    for command in commands {
        let (name, summary) = (command.name, quoted(command.summary));
        line("__fish_use_subcommand", format!("-a {name} -d {summary}"));
        let condition = match name == default {
            true => {
                let others = names(commands, " ").replace(default, "");
                format!("not __fish_seen_subcommand_from {others}")
            }
            false => format!("__fish_seen_subcommand_from {name}"),
        };
        for flag in &command.flags {
            let letter = flag.letter().map(|letter| format!("-s {letter} ")).unwrap_or_default();
            let has_next = !flag.value.is_empty() && flag.optional().is_none();
            let value = if has_next { flag_value(flag) } else { String::new() };
            let doc = quoted(&flag.brief());
            line(&condition, format!("-l {} {letter}{value} -d {doc}", flag.name));
        }
        command.operands.iter().for_each(|operand| line(&condition, value(operand)));
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{COMMANDS, DEFAULT};

    fn script(shell: &str) -> String {
        let commands: Vec<_> = COMMANDS.iter().map(|command| command.shown()).collect();
        completions(shell, &commands, DEFAULT)
    }

    #[track_caller]
    fn has_lines(shell: &str, lines: &[&str]) {
        let script = script(shell);
        for line in lines {
            assert!(script.lines().any(|there| there.trim() == *line), "{line} in {script}");
        }
    }

    #[test]
    fn every_command_and_flag_is_in_every_script() {
        let commands: Vec<_> = COMMANDS.iter().map(|command| command.shown()).collect();
        let [bash, zsh, fish] = ["bash", "zsh", "fish"].map(script);
        for command in &commands {
            let name = command.name;
            let of_bash = bash.split_once(&format!(" {name}:*:-*) words='")).expect(name).1;
            let of_bash = of_bash.split('\'').next().unwrap_or_default();
            let of_zsh = zsh.split_once(&format!("        {name}) _arguments")).expect(name).1;
            let of_zsh = of_zsh.split(";;").next().unwrap_or_default();
            let condition = match name {
                DEFAULT => "not __fish_seen_subcommand_from ".to_owned(),
                name => format!("'__fish_seen_subcommand_from {name}'"),
            };
            for flag in &command.flags {
                let typed = format!("--{}", flag.name);
                assert!(of_bash.split(' ').any(|word| word == typed), "bash: {name} {typed}");
                let in_zsh = ["[", "=[", "=-["].map(|end| format!("{typed}{end}"));
                assert!(in_zsh.iter().any(|spec| of_zsh.contains(spec)), "zsh: {name} {typed}");
                let in_fish = format!(" -l {} ", flag.name);
                let of_fish = fish.lines().filter(|line| line.contains(&condition));
                assert_eq!(of_fish.filter(|line| line.contains(&in_fish)).count(), 1, "{typed}");
            }
        }
    }

    #[test]
    fn a_value_is_completed_with_its_words_or_with_files() {
        has_lines(
            "bash",
            &[
                "serve:--lag:*) words='skip close conflate' ;;",
                "serve:--token-file:*) compopt -o default ;;",
                "serve:--history:*) words='' ;;",
                "completions:*) words='bash zsh fish' ;;",
            ],
        );
        has_lines(
            "zsh",
            &[
                "'--history-age=[Keeps each event for this long]:DURATION:()' \\",
                "'1:bash|zsh|fish:(bash zsh fish)' ;;",
            ],
        );
        let fish = script("fish");
        // The doc is that of the flag, and not of each word that may follow it.
        let lag = r"-l lag -x -a 'skip\t close\t conflate\t' -d 'Decides";
        for end in [lag, "-l token-file -r -F -d 'Requires"] {
            assert!(fish.contains(end), "{end} in {fish}");
        }
    }

    #[test]
    fn a_quote_in_a_doc_ends_no_word_of_a_script() {
        assert_eq!(quoted("the hub's"), r"'the hub'\''s'");
        for script in ["zsh", "fish"].map(script) {
            for line in script.lines().filter(|line| !line.contains("_describe")) {
                let quotes = line.replace(r"'\''", "").matches('\'').count();
                assert_eq!(quotes % 2, 0, "{line}");
            }
        }
    }
}

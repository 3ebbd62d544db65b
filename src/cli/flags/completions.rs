//! Completions for shells, made of the tables: one script for each of [`SHELLS`].
//!
//! A shell is told every command and flag, and for a value: the words that it can be, that it is a
//! file, or that nobody knows. Where no command is typed, the flags are those of the default one.

use std::fmt::Write as _;

use super::{Row, Shown};

pub(crate) const SHELLS: &str = "bash|zsh|fish";

/// What a value can be completed with.
enum Value {
    Words(String),
    File,
    Unknown,
}

/// The script for one of [`SHELLS`]. `default` is the command that runs when none is typed.
pub(crate) fn completions(shell: &str, commands: &[Shown], default: &str) -> String {
    let shell = match shell {
        "bash" => bash,
        "zsh" => zsh,
        _ => fish,
    };
    shell(commands, default)
}

impl Row {
    fn completed(&self, commands: &[Shown]) -> Value {
        let words: Vec<_> = self.words().collect();
        match self.value {
            _ if !words.is_empty() => Value::Words(words.join(" ")),
            "COMMAND" => Value::Words(names(commands, " ")),
            name if name.contains("FILE") || name == "SCRIPT" => Value::File,
            _ => Value::Unknown,
        }
    }

    /// As it is typed: `-H` where it has a letter, and `--header`.
    fn forms(&self) -> impl Iterator<Item = String> {
        let letter = self.letter().map(|letter| format!("-{letter}"));
        letter.into_iter().chain([format!("--{}", self.name)])
    }

    /// The first sentence of its doc, as one word of zsh and fish.
    fn brief(&self) -> String {
        let doc = self.doc();
        doc.split_once(". ").map_or(doc.trim_end_matches('.'), |(first, _)| first).to_owned()
    }
}

fn names(commands: &[Shown], between: &str) -> String {
    commands.iter().map(|command| command.name).collect::<Vec<_>>().join(between)
}

/// One word of zsh and of fish.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

const BASH: &str = "_tidings() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=DEFAULT words=
    # In --flag=value, bash takes the = for a word of its own.
    if [[ $cur == = ]]; then cur=
    elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    if [[ $COMP_CWORD -gt 1 ]]; then
        case ${COMP_WORDS[1]} in NAMES) command=${COMP_WORDS[1]} ;; esac
    elif [[ $cur != -* ]]; then
        prev= command=
    fi
    case $command:$prev:$cur in
CASES        ::*) words='COMMANDS' ;;
    esac
    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))
}
complete -F _tidings tidings
";

fn bash(commands: &[Shown], default: &str) -> String {
    let mut cases = String::new();
    let mut case = |patterns: String, value| {
        let reply = match value {
            Value::Words(words) => format!("words='{words}'"),
            Value::File => "compopt -o default".into(),
            Value::Unknown => String::new(),
        };
        let _ = writeln!(cases, "        {patterns}) {reply} ;;");
    };
    for command in commands {
        let name = command.name;
        for flag in command.flags.iter().filter(|flag| !flag.value.is_empty()) {
            let forms: Vec<_> = flag.forms().map(|form| format!("{name}:{form}:*")).collect();
            case(forms.join("|"), flag.completed(commands));
        }
        let forms: Vec<_> = command.flags.iter().flat_map(Row::forms).collect();
        case(format!("{name}:*:-*"), Value::Words(forms.join(" ")));
        let operand = command.operands.last().map(|operand| operand.completed(commands));
        case(format!("{name}:*"), operand.unwrap_or(Value::Unknown));
    }
    let names = [
        ("DEFAULT", default),
        ("NAMES", &names(commands, "|")),
        ("COMMANDS", &names(commands, " ")),
        ("CASES", &cases),
    ];
    names.iter().fold(BASH.to_owned(), |script, (name, text)| script.replace(name, text))
}

fn zsh(commands: &[Shown], default: &str) -> String {
    let (mut about, mut cases) = (String::new(), String::new());
    let value = |row: &Row| {
        let action = match row.completed(commands) {
            Value::Words(words) => format!("({words})"),
            Value::File => "_files".into(),
            Value::Unknown => " ".into(),
        };
        format!(":{}:{action}", row.value.replace(':', "\\:"))
    };
    for command in commands {
        let name = command.name;
        let _ = write!(about, "{} ", quoted(&format!("{name}:{}", command.summary)));
        let _ = write!(cases, "        {name}) _arguments -S");
        for flag in &command.flags {
            let repeats = if flag.repeats { "*" } else { "" };
            let doc = flag.brief().replace('[', "\\[").replace(']', "\\]").replace(':', "\\:");
            for form in flag.forms() {
                let value = match flag.value {
                    "" => format!("[{doc}]"),
                    _ if form.starts_with("--") => format!("=[{doc}]{}", value(flag)),
                    _ => format!("+[{doc}]{}", value(flag)),
                };
                let _ = write!(
                    cases,
                    " \\\n            {}",
                    quoted(&format!("{repeats}{form}{value}"))
                );
            }
        }
        for (position, operand) in (1..).zip(&command.operands) {
            let _ = write!(
                cases,
                " \\\n            {}",
                quoted(&format!("{position}{}", value(operand)))
            );
        }
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
    let value = |row: &Row| match row.completed(commands) {
        Value::Words(words) => format!(" -a '{words}'"),
        Value::File => " -F".into(),
        Value::Unknown => String::new(),
    };
    let others = names(commands, " ").replace(default, "");
    for command in commands {
        let (name, summary) = (command.name, quoted(command.summary));
        line("__fish_use_subcommand", format!("-a {name} -d {summary}"));
        let condition = match name == default {
            true => format!("not __fish_seen_subcommand_from {others}"),
            false => format!("__fish_seen_subcommand_from {name}"),
        };
        for flag in &command.flags {
            let letter = flag.letter().map(|letter| format!(" -s {letter}")).unwrap_or_default();
            let takes = if flag.value.is_empty() { "" } else { " -r" };
            let (value, doc) = (value(flag), quoted(&flag.brief()));
            line(&condition, format!("-l {}{letter}{takes}{value} -d {doc}", flag.name));
        }
        for operand in &command.operands {
            line(&condition, value(operand));
        }
    }
    script
}

//! The man page, made from the tables, in the macros of man(7).
//!
//! ```text
//! .SH COMMANDS
//! .SS tail
//! .TP
//! \fB\-\-count\fR \fIN\fR
//! Ends after N events.
//! ```

use std::fmt::Write as _;

use super::{Block, Shown};

/// One page for all commands. `version` is the program's name and version.
pub(crate) fn man_page(version: &str, about: &str, commands: &[Shown]) -> String {
    let usages: Vec<_> = commands.iter().map(|command| escaped(command.usage)).collect();
    let (usages, about) = (usages.join("\n.br\n"), escaped(about));
    let mut page = format!(
        ".TH TIDINGS 1 \"\" \"{version}\"
.SH NAME
tidings \\- a hub for Server\\-Sent Events
.SH SYNOPSIS
{usages}
.SH DESCRIPTION
{about}.
Without a command, it runs the hub.
.SH COMMANDS
"
    );
    for command in commands {
        let (name, summary) = (command.name, escaped(command.summary));
        let _ = write!(page, ".SS {name}\n\\fBtidings {name}\\fR {summary}.\n");
        command.blocks().iter().for_each(|block| page.push_str(&block.as_roff()));
    }
    page
}

impl Block {
    fn as_roff(&self) -> String {
        match self {
            Self::Title(title) => format!(".PP\n\\fB{title}:\\fR\n"),
            Self::Text(text) => format!(".PP\n{}\n", escaped(text)),
            Self::Rows(rows) => rows.iter().map(|(term, doc)| row(term, &[doc])).collect(),
            Self::Row(term, paragraphs) => {
                row(term, &paragraphs.iter().map(String::as_str).collect::<Vec<_>>())
            }
        }
    }
}

/// A flag is bold, and the placeholder after it is italic.
fn row(term: &str, paragraphs: &[&str]) -> String {
    let (typed, value) =
        term.split_once(' ').filter(|_| term.starts_with('-')).unwrap_or((term, ""));
    let paragraphs: Vec<_> = paragraphs.iter().map(|text| escaped(text)).collect();
    let text = paragraphs.join("\n.br\n");
    format!(".TP\n\\fB{}\\fR \\fI{}\\fR\n{text}\n", escaped(typed), escaped(value))
}

/// Escapes text for roff. A hyphen becomes the character that users type.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            '`' => out.push_str("\\(ga"),
            '^' => out.push_str("\\(ha"),
            '~' => out.push_str("\\(ti"),
            c => out.push(c),
        }
    }
    if out.starts_with('.') { format!("\\&{out}") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{COMMANDS, VERSION};

    fn page() -> (String, Vec<Shown>) {
        let commands: Vec<_> = COMMANDS.iter().map(|command| command.shown()).collect();
        (man_page(VERSION, "About.", &commands), commands)
    }

    #[test]
    fn the_page_has_the_sections_of_a_man_page_in_their_order() {
        let (page, commands) = page();
        let version = env!("CARGO_PKG_VERSION");
        assert!(page.starts_with(&format!(".TH TIDINGS 1 \"\" \"tidings {version}\"\n.SH NAME\n")));
        let macros = |name: &str| -> Vec<String> {
            page.lines().filter_map(|line| Some(line.strip_prefix(name)?.to_owned())).collect()
        };
        assert_eq!(macros(".SH "), ["NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS"]);
        let names: Vec<_> = commands.iter().map(|command| command.name).collect();
        assert_eq!(macros(".SS "), names);
    }

    #[test]
    fn every_flag_and_exit_status_is_in_the_section_of_its_command() {
        let (page, commands) = page();
        for command in &commands {
            let section = page.split_once(&format!(".SS {}\n", command.name)).expect("a section").1;
            let section = section.split(".SS ").next().unwrap_or_default();
            for flag in &command.flags {
                let form = flag.form();
                let (name, value) = form.split_once(' ').unwrap_or((&form, ""));
                let [name, value, doc] = [name, value, &flag.doc()].map(escaped);
                let row = format!(".TP\n\\fB{name}\\fR \\fI{value}\\fR\n{doc}\n");
                assert!(section.contains(&row), "{row} in {section}");
            }
            for (status, means) in command.exits {
                let row = format!(".TP\n\\fB{status}\\fR \\fI\\fR\n{}\n", escaped(means));
                assert!(section.contains(&row), "{row} in {section}");
            }
        }
    }

    #[test]
    fn a_line_is_a_macro_that_is_known_or_text_that_is_none() {
        let known = [".TH ", ".SH ", ".SS ", ".PP", ".TP", ".br"];
        let (page, _) = page();
        for line in page.lines() {
            let is_macro = known.iter().any(|name| line.starts_with(name));
            assert!(is_macro || !line.starts_with(['.', '\'']) && !line.is_empty(), "{line:?}");
            let escapes = line.split('\\').skip(1);
            let is_known =
                |escape: &str| ["e", "-", "(", "f", "&"].iter().any(|c| escape.starts_with(c));
            assert!(line.starts_with(".TH") || escapes.into_iter().all(is_known), "{line:?}");
        }
        assert_eq!(escaped(".a'b\\c-d`^~"), r"\&.a\(aqb\ec\-d\(ga\(ha\(ti");
    }
}

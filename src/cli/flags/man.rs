//! The man page, made of the tables, in the macros of man(7).
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
    let mut page = format!(
        ".TH TIDINGS 1 \"\" \"{version}\"\n.SH NAME\ntidings \\- a hub for Server\\-Sent Events\n\
         .SH SYNOPSIS\n{}\n.SH DESCRIPTION\n{}\n.SH COMMANDS\n",
        usages.join("\n.br\n"),
        escaped(about),
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

/// What is typed as it is, is bold; the value after it stands for something.
fn row(term: &str, paragraphs: &[&str]) -> String {
    let (typed, value) =
        term.split_once(' ').filter(|_| term.starts_with('-')).unwrap_or((term, ""));
    let paragraphs: Vec<_> = paragraphs.iter().map(|text| escaped(text)).collect();
    let text = paragraphs.join("\n.br\n");
    format!(".TP\n\\fB{}\\fR \\fI{}\\fR\n{text}\n", escaped(typed), escaped(value))
}

/// Text that means nothing to roff. A hyphen is the character that is typed.
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

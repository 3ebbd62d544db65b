//! A command's help, made of its table.
//!
//! ```text
//! Usage: tidings ...
//!
//! What it does.
//!
//! Options:
//!   --name VALUE
//!       What it is for.
//!       [default: this]
//!
//! Exit status:
//!   0   it did what it was asked to
//! ```

use super::{Flag, Preset, Table};

/// Text is wrapped here, so that it fits a terminal of the usual width.
const WIDTH: usize = 80;

/// What stands before each line of a flag's text.
const INDENT: &str = "      ";

impl<O> Table<O> {
    /// The whole help, each line with its end.
    pub(crate) fn help(&self) -> String {
        let flags: String = self.flags.iter().map(Flag::help_text).collect();
        let about = wrap(self.about, "");
        let exits = self.exits_text();
        format!("Usage: {}\n\n{about}\nOptions:\n{flags}{exits}", self.usage)
    }

    /// Nothing for a command that has no exit statuses of its own.
    fn exits_text(&self) -> String {
        let row = |(status, means): &(u8, &str)| {
            let lines = wrap(means, INDENT);
            format!("  {status:<4}{}", lines.trim_start())
        };
        let rows: String = self.exits.iter().map(row).collect();
        if rows.is_empty() { rows } else { format!("\nExit status:\n{rows}") }
    }
}

impl<O> Flag<O> {
    fn help_text(&self) -> String {
        let value = self.value_name().map(|name| format!(" {name}")).unwrap_or_default();
        let mut doc = self.doc.to_owned();
        if self.repeats && self.value_name().is_some() {
            doc.push_str(" May be given several times.");
        }
        let mut text = format!("  --{}{value}\n{}", self.name, wrap(&doc, INDENT));
        // On a line of its own, as what can be typed should stand in one piece.
        if let Preset::Value(default) | Preset::Words(default) = self.default {
            text.push_str(&format!("{INDENT}[default: {default}]\n"));
        }
        text
    }
}

/// Breaks text into lines at its spaces.
fn wrap(text: &str, indent: &str) -> String {
    let mut wrapped = String::new();
    let mut line = indent.to_owned();
    for word in text.split(' ') {
        if line.len() > indent.len() && line.len() + 1 + word.len() > WIDTH {
            wrapped.push_str(&line);
            wrapped.push('\n');
            line = indent.to_owned();
        }
        if line.len() > indent.len() {
            line.push(' ');
        }
        line.push_str(word);
    }
    wrapped + &line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        let wrapped = wrap(&"word ".repeat(50), INDENT);
        assert!(wrapped.lines().count() > 1);
        assert!(wrapped.lines().all(|line| line.len() <= WIDTH && line.starts_with(INDENT)));
    }
}

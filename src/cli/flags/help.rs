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
//!
//! Lines are as long as there are columns, up to [`WIDEST`]: only a word that is longer stands out.

use super::{Flag, LETTERS, Preset, Table, Takes};
use crate::cli::duration;

/// Longer lines are hard to read.
const WIDEST: usize = 100;

/// What stands before each line of a flag's text.
const INDENT: &str = "      ";

impl<O> Table<O> {
    /// The whole help, each line with its end, for so many columns.
    pub(crate) fn help(&self, columns: usize) -> String {
        let flags: String = self.flags.iter().map(|flag| flag.help_text(columns)).collect();
        let usage = wrap(&format!("Usage: {}", self.usage), "  ", columns);
        let about = wrap(self.about, "", columns);
        let has_durations =
            self.flags.iter().any(|flag| matches!(flag.takes, Takes::Duration { .. }));
        let rule = has_durations.then(|| format!("\n{}", wrap(duration::RULE, "", columns)));
        let (rule, exits) = (rule.unwrap_or_default(), self.exits_text(columns));
        let usage = usage.trim_start();
        format!("{usage}\n{about}\nOptions:\n{flags}{rule}{exits}")
    }

    /// Nothing for a command that has no exit statuses of its own.
    fn exits_text(&self, columns: usize) -> String {
        let row = |(status, means): &(u8, &str)| {
            let lines = wrap(means, INDENT, columns);
            format!("  {status:<4}{}", lines.trim_start())
        };
        let rows: String = self.exits.iter().map(row).collect();
        if rows.is_empty() { rows } else { format!("\nExit status:\n{rows}") }
    }
}

impl<O> Flag<O> {
    fn help_text(&self, columns: usize) -> String {
        let value = self.value_name().map(|name| format!(" {name}")).unwrap_or_default();
        let mut doc = self.doc.to_owned();
        if self.repeats && self.value_name().is_some() {
            doc.push_str(" May be given several times.");
        }
        if let Some((letter, _)) = LETTERS.iter().find(|(_, name)| *name == self.name) {
            doc.push_str(&format!(" Also -{letter}."));
        }
        let mut text = format!("  --{}{value}\n{}", self.name, wrap(&doc, INDENT, columns));
        // On a line of its own, as what can be typed should stand in one piece.
        if let Preset::Value(default) | Preset::Words(default) = self.default {
            text.push_str(&wrap(&format!("[default: {default}]"), INDENT, columns));
        }
        text
    }
}

/// Rows of what can be typed and what it does: side by side where there is room for both, and else
/// below each other.
pub(crate) fn rows(rows: &[(String, &str)], columns: usize) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let is_wide = |(_, doc): &(String, &str)| 2 + width + 2 + doc.chars().count() > columns;
    if rows.iter().any(is_wide) {
        let row = |(name, doc): &(String, &str)| {
            format!("  {}\n{}", name.trim_end(), wrap(doc, INDENT, columns))
        };
        return rows.iter().map(row).collect();
    }
    rows.iter().map(|(name, doc)| format!("  {name:width$}  {doc}\n")).collect()
}

/// Breaks text into lines at its spaces.
pub(crate) fn wrap(text: &str, indent: &str, columns: usize) -> String {
    let columns = columns.min(WIDEST);
    let mut wrapped = String::new();
    let mut line = indent.to_owned();
    let width = |text: &str| text.chars().count();
    for word in text.split(' ') {
        if width(&line) > indent.len() && width(&line) + 1 + width(word) > columns {
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
    fn no_line_is_wider_than_there_are_columns_unless_a_word_is() {
        for columns in [20, 40, 80] {
            let wrapped = wrap(&"word ".repeat(50), INDENT, columns);
            assert!(wrapped.lines().count() > 1);
            let fits = |line: &str| line.len() <= columns && line.starts_with(INDENT);
            assert!(wrapped.lines().all(fits), "{wrapped}");
        }
        let long = wrap(&format!("a {} b", "x".repeat(30)), "  ", 20);
        assert_eq!(long, format!("  a\n  {}\n  b\n", "x".repeat(30)));
        assert!(wrap(&"word ".repeat(50), "", 1_000).lines().all(|line| line.len() <= WIDEST));
    }

    #[test]
    fn rows_stand_below_each_other_where_there_is_no_room_beside() {
        let table = [("a".to_owned(), "does this"), ("bcd".to_owned(), "does that")];
        assert_eq!(rows(&table, 16), "  a    does this\n  bcd  does that\n");
        let below = "  a\n      does this\n  bcd\n      does that\n";
        assert_eq!(rows(&table, 15), below);
    }
}

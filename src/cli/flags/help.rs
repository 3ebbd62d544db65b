//! A command's help, made from its table.
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
//! Lines are wrapped to the columns there are, at most [`WIDEST`]. Only a longer word exceeds them.

use super::{Preset, Row, Shown};
use crate::cli::duration;

/// Longer lines are hard to read.
const WIDEST: usize = 100;

/// The indent of a flag's text.
const INDENT: &str = "      ";

/// A part of a help and of the man page.
#[derive(Clone)]
pub(crate) enum Block {
    /// The title of the blocks after it.
    Title(&'static str),
    Text(String),
    /// A flag or an exit status, and its paragraphs.
    Row(String, Vec<String>),
    /// Terms with a short text each, side by side if there is room.
    Rows(Vec<(String, &'static str)>),
}

impl Shown {
    /// The whole help, wrapped to `columns`.
    pub(crate) fn help(&self, columns: usize) -> String {
        let usage = wrap(&format!("Usage: {}", self.usage), "  ", columns);
        let blocks = self.blocks();
        let blocks = blocks.iter().map(|block| block.as_text(columns));
        usage.trim_start().to_owned() + &blocks.collect::<String>()
    }

    /// What follows the usage.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<_> =
            self.about.iter().map(|text| Block::Text((*text).into())).collect();
        blocks.push(Block::Title("Options"));
        blocks.extend(self.flags.iter().map(Row::block));
        if self.flags.iter().any(|flag| flag.value == duration::NAME) {
            blocks.push(Block::Text(duration::RULE.into()));
        }
        if !self.exits.is_empty() {
            blocks.push(Block::Title("Exit status"));
        }
        let exit =
            |(status, means): &(u8, &str)| Block::Row(status.to_string(), vec![(*means).into()]);
        blocks.extend(self.exits.iter().map(exit));
        blocks.extend((self.more)());
        blocks
    }
}

impl Row {
    fn block(&self) -> Block {
        let mut paragraphs = vec![self.doc()];
        // On a line of its own, so that a value that can be typed isn't broken.
        if let Preset::Value(default) | Preset::Words(default) = self.default {
            paragraphs.push(format!("[default: {default}]"));
        }
        Block::Row(self.form(), paragraphs)
    }
}

impl Block {
    fn as_text(&self, columns: usize) -> String {
        match self {
            Self::Title(title) => format!("\n{title}:\n"),
            Self::Text(text) => format!("\n{}", wrap(text, "", columns)),
            Self::Rows(table) => rows(table, columns),
            Self::Row(term, paragraphs) => {
                let text: String =
                    paragraphs.iter().map(|text| wrap(text, INDENT, columns)).collect();
                match INDENT.len().checked_sub(term.len() + 3) {
                    Some(_) => format!("  {term:<4}{}", text.trim_start()),
                    None => format!("  {term}\n{text}"),
                }
            }
        }
    }
}

/// Terms with a text each: side by side if there is room for all, or else below each other.
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

/// Breaks text into lines at spaces.
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

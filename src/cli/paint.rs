//! Colours, and other escapes, for terminals alone.
//!
//! ```text
//! SGR = ESC "[" number "m"       ECMA-48, section 8.3.117
//! ```
//!
//! There are none if the output is no terminal, if `NO_COLOR` is set and not empty (no-color.org),
//! or if the terminal says that it is dumb.

use std::env;

/// What a part of the output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// A remark beside the content.
    Aside,
    /// The name of something.
    Name,
    /// The frame around the content.
    Frame,
    /// The beginning of something.
    Title,
    /// The content itself.
    Plain,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(bool);

impl Paint {
    /// Colours for this stream, if it is a terminal and no variable objects.
    pub(crate) fn on(stream: &impl std::io::IsTerminal) -> Self {
        Self::decide(stream.is_terminal(), |name| {
            env::var_os(name).is_some_and(|set| match name {
                "TERM" => set == "dumb",
                _ => !set.is_empty(),
            })
        })
    }

    fn decide(is_terminal: bool, objects: impl Fn(&str) -> bool) -> Self {
        Self(is_terminal && !objects("NO_COLOR") && !objects("TERM"))
    }

    /// Whether what is written may hold escapes.
    pub(crate) fn has_escapes(self) -> bool {
        self.0
    }

    /// No colours.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self(false)
    }

    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        if !self.0 || text.is_empty() {
            return text.to_owned();
        }
        let number = match style {
            Style::Plain => return text.to_owned(),
            Style::Aside => 2,  // faint
            Style::Name => 36,  // cyan
            Style::Frame => 33, // yellow
            Style::Title => 1,  // bold
        };
        format!("\x1b[{number}m{text}\x1b[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_colours_on_a_terminal_unless_a_variable_objects() {
        let name = |paint: Paint| paint.paint(Style::Name, "x");
        assert_eq!(name(Paint::decide(true, |_| false)), "\x1b[36mx\x1b[0m");
        assert_eq!(name(Paint::decide(false, |_| false)), "x");
        for objection in ["NO_COLOR", "TERM"] {
            assert_eq!(name(Paint::decide(true, |name| name == objection)), "x");
        }
        assert_eq!(Paint(true).paint(Style::Frame, ""), "");
    }
}

//! Rows in columns.
//!
//! ```text
//! data: hello␊            data, a line of it          src/event/encode.rs:57  HTML, section 9.2.6
//! ```
//!
//! On a terminal with fewer than 80 columns, each meaning stands below its bytes. Where there is no
//! room for the places, each stands below its meaning. All bytes are shown as they came, except
//! what may be a secret in the request line and in fields.

use std::fmt::Write as _;

use tidings::trace::Piece;

use super::row::{Layer, Row};
use crate::cli::flags::wrap;
use crate::cli::paint::{Paint, Style};
use crate::cli::{plural, visible, width};

/// Puts each row to the right of the time.
const INDENT: &str = "           ";
/// The indents of bytes and of meanings where there are few columns.
const NARROW: [&str; 2] = ["  ", "      "];

/// The column of the meanings, if the bytes leave them room.
const COLUMN: usize = 41;
/// That of the places, after the meanings, and how many columns there must be for them.
const PLACES: usize = 52;
const WIDE: usize = 160;

/// How rows are laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) paint: Paint,
    pub(crate) columns: usize,
    /// Whether each row says where in the source it comes from.
    pub(crate) places: bool,
}

impl Layout {
    /// What stands above the rows: when, and what happened.
    pub(crate) fn title(self, seconds: f64, title: &str) -> String {
        let title = visible::line(title);
        if self.is_narrow() {
            let title = wrap(&format!("{seconds:.3} s {title}"), "", self.columns);
            return self.paint.paint(Style::Title, &title);
        }
        format!("{seconds:7.3} s  {}\n", self.paint.paint(Style::Title, &title))
    }

    fn is_narrow(self) -> bool {
        self.columns < width::USUAL
    }

    pub(crate) fn row(self, row: &Row) -> String {
        let shown = shown(row);
        let style = match row.layer {
            Layer::Head => Style::Name,
            Layer::Preface | Layer::Frame | Layer::Unknown => Style::Frame,
            Layer::Stream => Style::Plain,
        };
        let painted = self.paint.paint(style, &shown);
        let means = if row.means.is_empty() { "..." } else { &row.means };
        if self.is_narrow() {
            let means = self.aside(&wrap(means, NARROW[1], self.columns));
            let place = match self.place(row.piece) {
                place if place.is_empty() => String::new(),
                place => self.aside(&wrap(&place, NARROW[1], self.columns)),
            };
            return format!("{}{painted}\n{means}{place}", NARROW[0]);
        }
        let space = COLUMN.saturating_sub(shown.chars().count()).max(2);
        let place = match self.place(row.piece) {
            place if place.is_empty() => place,
            place if self.columns >= WIDE => {
                let taken = (shown.chars().count() + space).saturating_sub(COLUMN);
                let space = PLACES.saturating_sub(taken + means.chars().count()).max(2);
                format!("{:space$}{}", "", self.aside(&place))
            }
            place => format!("\n{INDENT}{:COLUMN$}{}", "", self.aside(&place)),
        };
        format!("{INDENT}{painted}{:space$}{}{place}\n", "", self.aside(means))
    }

    /// A remark among rows.
    pub(crate) fn note(self, text: &str) -> String {
        let indent = if self.is_narrow() { NARROW[0] } else { INDENT };
        format!("{indent}{}\n", self.aside(text))
    }

    fn aside(self, text: &str) -> String {
        self.paint.paint(Style::Aside, text)
    }

    /// Where in the source it comes from, and by which section of the standard.
    pub(crate) fn place(self, piece: Option<Piece>) -> String {
        let Some(piece) = piece.filter(|_| self.places) else { return String::new() };
        match piece.section() {
            "" => piece.place().to_string(),
            section => format!("{}  {section}", piece.place()),
        }
    }
}

fn shown(row: &Row) -> String {
    let mut public = row.public().into_iter().map(visible::bytes);
    let mut shown = public.next().unwrap_or_default();
    for (secret, public) in row.secrets.iter().zip(public) {
        let _ = write!(shown, "({}){public}", plural(secret.len() as u64, "byte"));
    }
    if row.left_out > 0 {
        let _ = write!(shown, "(and {} more)", plural(row.left_out as u64, "byte"));
    }
    shown
}

//! What the learner's view is made of: rows of bytes, each with its meaning, and in the lines of a
//! head the values that are secrets.
//!
//! A line may come in several reads, cut anywhere. So whether a byte is a part of a secret is told
//! from the line so far, and not from the row that it stands in:
//!
//! ```text
//! "Set-Coo"                    Set-Coo                  ...
//! "kie: sid=31d4"              kie: (8 bytes)           ...
//! "d96e; Secure\r\n"           (12 bytes)␍␊             what to send along the next time
//! ```

use std::mem;
use std::ops::Range;

use super::words;

/// No name of a field that is a secret is as long.
const LONGEST_NAME: usize = 64;

/// What a row is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Head,
    /// What chunks have around their data.
    Frame,
    Stream,
    /// Nothing that is understood.
    Unknown,
}

/// Some bytes that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) part: Part,
    pub(super) bytes: Vec<u8>,
    /// Which of the bytes are not for a screen.
    pub(super) secret: Range<usize>,
    pub(super) means: String,
}

/// The rows of one read or write, as they grow.
#[derive(Default)]
pub(super) struct Rows(Vec<Row>);

impl Rows {
    /// Puts a byte into the row that is open, or into a new one.
    pub(super) fn push(&mut self, part: Part, byte: u8) {
        // What nobody understands has lines all the same.
        let ended = |row: &Row| part == Part::Unknown && row.bytes.ends_with(b"\n");
        let open = |row: &&mut Row| row.part == part && row.means.is_empty() && !ended(row);
        match self.0.last_mut().filter(open) {
            Some(row) => row.bytes.push(byte),
            None => {
                let (bytes, means) = (vec![byte], String::new());
                self.0.push(Row { part, bytes, secret: 0..0, means });
            }
        }
    }

    /// The same for a byte that is a part of a secret.
    pub(super) fn push_secret(&mut self, part: Part, byte: u8) {
        self.push(part, byte);
        if let Some(row) = self.0.last_mut() {
            let end = row.bytes.len();
            let start = if row.secret.is_empty() { end - 1 } else { row.secret.start };
            row.secret = start..end;
        }
    }

    /// Says what the row that is open means, and closes it.
    pub(super) fn close(&mut self, means: impl Into<String>) {
        if let Some(row) = self.0.last_mut().filter(|row| row.means.is_empty()) {
            row.means = means.into();
        }
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut Row> {
        self.0.last_mut()
    }

    pub(super) fn take(&mut self) -> Vec<Row> {
        mem::take(&mut self.0)
    }
}

/// Follows the lines of a head, valid or not, and tells which bytes are those of a secret.
#[derive(Default)]
pub(super) struct Secrets {
    /// As much of the line's name as has come.
    name: Vec<u8>,
    place: Place,
    /// The value of this line's field is a secret.
    is_secret: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    LineStart,
    Name,
    /// Where white space is no part of the value yet.
    BeforeValue,
    Value,
}

impl Secrets {
    /// Whether the next byte is a part of a secret.
    pub(super) fn hide(&mut self, byte: u8) -> bool {
        let blank = matches!(byte, b' ' | b'\t');
        self.place = match (self.place, byte) {
            (_, b'\n') => Place::LineStart,
            // A line that begins like this goes on with the value of the one before.
            (Place::LineStart, _) if blank => Place::BeforeValue,
            (Place::LineStart, _) => {
                self.name = vec![byte];
                self.is_secret = false;
                Place::Name
            }
            (Place::Name, b':') => {
                let name = String::from_utf8_lossy(&self.name);
                self.is_secret = words::is_secret(name.trim());
                Place::BeforeValue
            }
            (Place::Name, _) => {
                self.name.truncate(LONGEST_NAME);
                self.name.push(byte);
                Place::Name
            }
            (Place::BeforeValue, _) if blank => Place::BeforeValue,
            (Place::BeforeValue | Place::Value, _) => Place::Value,
        };
        self.is_secret && self.place == Place::Value && byte != b'\r'
    }
}

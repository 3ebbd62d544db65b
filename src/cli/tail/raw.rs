//! The learner's view: what goes over the wire, with times and meanings.
//!
//! ```text
//!   0.512 s  received 24 bytes
//!            e␍␊                                      chunk: 14 bytes
//!            data: hello␊                             data, a line of it
//!            ␊                                        blank line: dispatch "message", 5 bytes
//!            ␍␊                                       end of the chunk
//! ```
//!
//! The bytes are all there, as they came; only the values of fields that are secrets are not shown,
//! as screens are looked at by others.

use std::time::{Duration, Instant};

use tidings::client::Traffic;

use super::explain::{Explainer, Part, Row};
use super::words;
use crate::cli::paint::{Paint, Style};
use crate::cli::visible;

/// What stands before each row, so that it stands behind the time.
const INDENT: &str = "           ";

/// From here on stand the meanings, if the bytes leave them room.
const COLUMN: usize = 41;

/// Lays out one connection after the other.
pub(super) struct View {
    paint: Paint,
    start: Instant,
    explainer: Explainer,
}

impl View {
    pub(super) fn new(paint: Paint) -> Self {
        Self { paint, start: Instant::now(), explainer: Explainer::new() }
    }

    /// The lines for what has just gone over the wire.
    pub(super) fn show(&mut self, traffic: Traffic<'_>) -> String {
        self.show_at(traffic, self.start.elapsed())
    }

    fn show_at(&mut self, traffic: Traffic<'_>, time: Duration) -> String {
        let (title, rows) = match traffic {
            Traffic::Connected(url) => {
                self.explainer = Explainer::new();
                (format!("connected to {} port {}", url.host(), url.port()), Vec::new())
            }
            Traffic::Sent(bytes) => {
                (format!("sent {}", words::count(bytes.len() as u64)), request(bytes))
            }
            Traffic::Received(bytes) => {
                let title = format!("received {}", words::count(bytes.len() as u64));
                (title, self.explainer.read(bytes))
            }
            Traffic::Ended => {
                (format!("the server ends the connection: {}", self.explainer.end()), Vec::new())
            }
            _ => return String::new(),
        };
        let title = self.paint.paint(Style::Title, &title);
        let rows: String = rows.iter().map(|row| self.row(row)).collect();
        format!("{:7.3} s  {title}\n{rows}", time.as_secs_f64())
    }

    fn row(&self, row: &Row) -> String {
        let shown = shown(row);
        let style = match row.part {
            Part::Head => Style::Name,
            Part::Frame | Part::Unknown => Style::Frame,
            Part::Stream => Style::Plain,
        };
        let painted = self.paint.paint(style, &shown);
        let means = if row.means.is_empty() { "..." } else { &row.means };
        let space = COLUMN.saturating_sub(shown.chars().count()).max(2);
        format!("{INDENT}{painted}{:space$}{}\n", "", self.paint.paint(Style::Aside, means))
    }
}

/// The bytes of a row, to be seen.
fn shown(row: &Row) -> String {
    let colon = row.bytes.iter().position(|&byte| byte == b':');
    let secret = colon
        .filter(|_| row.part == Part::Head)
        .filter(|&colon| std::str::from_utf8(&row.bytes[..colon]).is_ok_and(words::is_secret));
    match secret {
        Some(colon) => {
            let length = row.bytes[colon + 1..].trim_ascii().len();
            format!("{}: ({length} bytes)␍␊", visible::bytes(&row.bytes[..colon]))
        }
        None => visible::bytes(&row.bytes),
    }
}

/// The rows of a request, which is sent in one piece.
fn request(bytes: &[u8]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
        let (line, behind) = rest.split_at(end + 1);
        rest = behind;
        let text = String::from_utf8_lossy(line);
        let means = match text.split_once(':') {
            _ if rows.is_empty() => words::first_line(&text),
            _ if line == b"\r\n" => "end of the head",
            Some((name, _)) => words::field(name),
            None => "",
        };
        rows.push(Row { part: Part::Head, bytes: line.into(), means: means.into() });
        if line == b"\r\n" {
            break;
        }
    }
    if !rest.is_empty() {
        rows.push(Row { part: Part::Stream, bytes: rest.into(), means: "content".into() });
    }
    rows
}

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
//! On a terminal with fewer than 80 columns, each meaning stands below its bytes. All bytes are
//! shown as they came, except what may be a secret in the request line and in fields.

use std::fmt::Write as _;
use std::time::Instant;

use tidings::client::Traffic;

use super::asked::Asked;
use super::explain::Explainer;
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

/// Lays out one connection after another.
pub(super) struct View {
    paint: Paint,
    columns: usize,
    start: Instant,
    asked: Asked,
    explainer: Explainer,
}

impl View {
    pub(super) fn new(paint: Paint, columns: usize) -> Self {
        let (asked, explainer) = (Asked::new(), Explainer::new());
        Self { paint, columns, start: Instant::now(), asked, explainer }
    }

    pub(super) fn show(&mut self, traffic: Traffic<'_>) -> String {
        let seconds = self.start.elapsed().as_secs_f64();
        let (title, rows) = match traffic {
            Traffic::Connected(url) => {
                (self.asked, self.explainer) = (Asked::new(), Explainer::new());
                let port = || format!("{} port {}", url.host(), url.port());
                let server = url.socket().map(|path| format!("unix:{}", path.display()));
                (format!("connected to {}", server.unwrap_or_else(port)), Vec::new())
            }
            Traffic::Sent(bytes) => {
                let title = format!("sent {}", plural(bytes.len() as u64, "byte"));
                (title, self.asked.write(bytes))
            }
            Traffic::Received(bytes) => {
                let title = format!("received {}", plural(bytes.len() as u64, "byte"));
                (title, self.explainer.read(bytes))
            }
            Traffic::Ended => {
                (format!("the server ends the connection: {}", self.explainer.end()), Vec::new())
            }
            _ => return String::new(),
        };
        let title = visible::line(&title);
        let rows: String = rows.iter().map(|row| self.row(row)).collect();
        if self.is_narrow() {
            let title = wrap(&format!("{seconds:.3} s {title}"), "", self.columns);
            return self.paint.paint(Style::Title, &title) + &rows;
        }
        format!("{seconds:7.3} s  {}\n{rows}", self.paint.paint(Style::Title, &title))
    }

    fn is_narrow(&self) -> bool {
        self.columns < width::USUAL
    }

    fn row(&self, row: &Row) -> String {
        let shown = shown(row);
        let style = match row.layer {
            Layer::Head => Style::Name,
            Layer::Frame | Layer::Unknown => Style::Frame,
            Layer::Stream => Style::Plain,
        };
        let painted = self.paint.paint(style, &shown);
        let means = if row.means.is_empty() { "..." } else { &row.means };
        if self.is_narrow() {
            let means = self.paint.paint(Style::Aside, &wrap(means, NARROW[1], self.columns));
            return format!("{}{painted}\n{means}", NARROW[0]);
        }
        let space = COLUMN.saturating_sub(shown.chars().count()).max(2);
        format!("{INDENT}{painted}{:space$}{}\n", "", self.paint.paint(Style::Aside, means))
    }
}

fn shown(row: &Row) -> String {
    let mut public = row.public().into_iter().map(visible::bytes);
    let mut shown = public.next().unwrap_or_default();
    for (secret, public) in row.secrets.iter().zip(public) {
        let _ = write!(shown, "({}){public}", plural(secret.len() as u64, "byte"));
    }
    shown
}

//! How far it is: one line on standard error, over and over on a terminal, and else each second.
//!
//! A line that is written over must not be longer than the terminal is wide, or a row of it stays:
//! so it is cut to `COLUMNS`, or 80. A terminal that does not know escapes (`TERM=dumb`), or whose
//! user wants none (`NO_COLOR`), gets a line each second as a file does.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::options::Options;
use super::tally::{Tally, get};
use super::text;
use crate::cli::paint::Paint;
use crate::cli::width;

const OVER_AND_OVER: Duration = Duration::from_millis(200);
const LINE_BY_LINE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Progress {
    /// How long a line may be that is written over; `None` where none is.
    most: Option<usize>,
    begin: Instant,
    last: Option<Instant>,
    streams: u32,
}

impl Progress {
    pub(super) fn new(options: &Options) -> Self {
        let is_over = Paint::on(&io::stderr()).has_escapes();
        // A terminal may go on to the next row as soon as the last column is taken.
        let most = is_over.then(|| width::columns() - 1);
        Self { most, begin: Instant::now(), last: None, streams: options.streams }
    }

    pub(super) fn show(&mut self, doing: &str, tally: &Tally) {
        let pause = if self.most.is_some() { OVER_AND_OVER } else { LINE_BY_LINE };
        if self.last.unwrap_or(self.begin).elapsed() < pause {
            return;
        }
        self.last = Some(Instant::now());
        let counts = &tally.counts;
        let latency = tally.times.latency.snapshot();
        let p99 = match latency.count() {
            0 => String::new(),
            _ => format!(", p99 {}", text::time(latency.quantile(0.99))),
        };
        let line = format!(
            "{doing} {:.1} s: {} of {} streams, {} events published, {} delivered{p99}",
            self.begin.elapsed().as_secs_f64(),
            get(&counts.open),
            self.streams,
            get(&counts.published),
            get(&counts.deliveries) + get(&counts.foreign),
        );
        // Nobody has to read it.
        let _ = io::stderr().write_all(shown(&line, self.most).as_bytes());
    }
}

/// The line as it goes out: cut, and over the one before, or in full.
fn shown(line: &str, most: Option<usize>) -> String {
    match most {
        Some(most) => format!("\r{}\x1b[K", line.chars().take(most).collect::<String>()),
        None => format!("{line}\n"),
    }
}

/// Makes room for the report, or for why there is none.
impl Drop for Progress {
    fn drop(&mut self) {
        if self.most.is_some() && self.last.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_written_over_is_no_longer_than_the_terminal_is_wide() {
        assert_eq!(shown("running 1.0 s", Some(7)), "\rrunning\x1b[K");
        assert_eq!(shown("running, p99 9 µs", Some(79)), "\rrunning, p99 9 µs\x1b[K");
        assert_eq!(shown("running 1.0 s", None), "running 1.0 s\n");
    }
}

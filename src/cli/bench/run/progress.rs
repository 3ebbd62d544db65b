//! How far the run is: one line on standard error, rewritten on a terminal, and elsewhere a new one
//! each second.
//!
//! A line that is rewritten must fit the terminal, or a row of it stays, so it is cut to `COLUMNS`,
//! or 80. A terminal without escapes (`TERM=dumb`), or whose user wants none (`NO_COLOR`), gets a
//! line each second. Notes go out here too, or they would stand at the end of that line.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cli::bench::books::counts::{Count, Time, get};
use crate::cli::bench::books::histogram::shown_time;
use crate::cli::bench::options::Options;
use crate::cli::bench::wire::tally::Tally;
use crate::cli::paint::Paint;
use crate::cli::width;

const OVER_AND_OVER: Duration = Duration::from_millis(200);
const LINE_BY_LINE: Duration = Duration::from_secs(1);

pub(crate) struct Progress<W: Write = io::Stderr> {
    out: W,
    /// How long a line may be that is rewritten; `None` if none is.
    most: Option<usize>,
    begin: Instant,
    last: Option<Instant>,
    streams: u32,
    tally: Arc<Tally>,
    noted: bool,
}

impl Progress {
    pub(crate) fn new(options: &Options, tally: Arc<Tally>) -> Self {
        let is_over = Paint::on(&io::stderr()).has_escapes();
        // A terminal may begin the next row as soon as the last column is taken.
        let most = is_over.then(|| width::columns() - 1);
        let (begin, streams) = (Instant::now(), options.streams);
        Self { out: io::stderr(), most, begin, last: None, streams, tally, noted: false }
    }
}

impl<W: Write> Progress<W> {
    pub(crate) fn show(&mut self, doing: &str) {
        self.print_note();
        let pause = if self.most.is_some() { OVER_AND_OVER } else { LINE_BY_LINE };
        if self.last.unwrap_or(self.begin).elapsed() < pause {
            return;
        }
        self.last = Some(Instant::now());
        let counts = &self.tally.counts;
        let latency = self.tally.times[Time::Latency].snapshot();
        let p99 = match latency.count() {
            0 => String::new(),
            _ => format!(", p99 {}", shown_time(latency.quantile(0.99))),
        };
        let line = format!(
            "{doing} {:.1} s: {} of {} streams, {} events published, {} delivered{p99}",
            self.begin.elapsed().as_secs_f64(),
            get(&self.tally.open),
            self.streams,
            get(&counts[Count::Published]),
            get(&counts[Count::Deliveries]) + get(&counts[Count::Foreign]),
        );
        // Nothing depends on its being read.
        let _ = self.out.write_all(shown(&line, self.most).as_bytes());
    }

    /// Prints the note once, and not at the end of a line.
    fn print_note(&mut self) {
        let note = self.tally.note.get().filter(|_| !self.noted).cloned();
        let Some(note) = note else { return };
        self.noted = true;
        self.make_room();
        let _ = writeln!(self.out, "tidings: {note}");
    }

    fn make_room(&mut self) {
        if self.most.is_some() && self.last.is_some() {
            let _ = write!(self.out, "{}", shown("", self.most));
        }
    }
}

/// The line as it goes out: cut, and in place of the one before, or in full.
fn shown(line: &str, most: Option<usize>) -> String {
    match most {
        Some(most) => format!("\r{}\x1b[K", line.chars().take(most).collect::<String>()),
        None => format!("{line}\n"),
    }
}

/// Makes room for the report, or for the reason why there is none.
impl<W: Write> Drop for Progress<W> {
    fn drop(&mut self) {
        self.print_note();
        self.make_room();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_rewritten_is_no_longer_than_the_terminal_is_wide() {
        assert_eq!(shown("running 1.0 s", Some(7)), "\rrunning\x1b[K");
        assert_eq!(shown("running, p99 9 µs", Some(79)), "\rrunning, p99 9 µs\x1b[K");
        assert_eq!(shown("running 1.0 s", None), "running 1.0 s\n");
    }
    #[test]
    fn a_note_does_not_stand_at_the_end_of_a_line_that_is_rewritten() {
        for (most, expected) in
            [(Some(79), "\r\x1b[Ktidings: why\n\r\x1b[K"), (None, "tidings: why\n")]
        {
            let tally = Arc::new(Tally::new(1));
            tally.note(&tidings::Error::other("why"));
            tally.note(&tidings::Error::other("why not"));
            let mut out = Vec::new();
            // A line has been written a moment ago.
            let last = Instant::now() + Duration::from_secs(3600);
            let (begin, last) = (last, Some(last));
            let mut progress =
                Progress { out: &mut out, most, begin, last, streams: 1, tally, noted: false };
            progress.show("running");
            progress.show("running");
            drop(progress);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}

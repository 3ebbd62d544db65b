//! How far it is: one line on standard error, over and over on a terminal, and else each second.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::options::Options;
use super::tally::{Tally, get};
use super::text;

const ON_TERMINAL: Duration = Duration::from_millis(200);
const ELSEWHERE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Progress {
    terminal: bool,
    begin: Instant,
    last: Option<Instant>,
    streams: u32,
}

impl Progress {
    pub(super) fn new(options: &Options) -> Self {
        let terminal = io::stderr().is_terminal();
        Self { terminal, begin: Instant::now(), last: None, streams: options.streams }
    }

    pub(super) fn show(&mut self, doing: &str, tally: &Tally) {
        let pause = if self.terminal { ON_TERMINAL } else { ELSEWHERE };
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
        let _ = match self.terminal {
            true => write!(io::stderr(), "\r{line}\x1b[K"),
            false => writeln!(io::stderr(), "{line}"),
        };
    }

    /// Makes room for the report.
    pub(super) fn clear(&self) {
        if self.terminal && self.last.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

//! The report: a row for each finding, and below it what to do.
//!
//! ```text
//! fault  compression  a client that accepts it, as every browser, gets the stream in gzip: …
//!                     nginx: gzip off; in the location of the stream
//! ```

use std::io;

use super::finding::{Finding, Level};
use super::proxies::{Proxy, Seen};
use super::remedy::Remedy;
use crate::cli::flags::wrap;
use crate::cli::paint::{Paint, Style};
use crate::cli::{Outcome, even_if_unread, plural, print, visible, width};

/// The columns of the level and of the topic, with the space after each.
const LEVEL: usize = 7;
const TOPIC: usize = 13;

/// The findings so far, each printed as soon as it is there.
pub(super) struct Report {
    findings: Vec<Finding>,
    /// The proxies whose lines are told. If none was seen, the report has the lines for all.
    pub(super) seen: Seen,
    paint: Paint,
    columns: usize,
}

impl Report {
    pub(super) fn new() -> Self {
        let (paint, columns) = (Paint::on(&io::stdout()), width::columns());
        Self { findings: Vec::new(), seen: Seen::default(), paint, columns }
    }

    pub(super) fn title(&self, title: &str) -> Outcome {
        let title = visible::line(title);
        even_if_unread(print(&format!("{}\n\n", self.paint.paint(Style::Title, &title))))
    }

    pub(super) fn add(&mut self, finding: Finding) -> Outcome {
        let row = self.row(&finding);
        self.findings.push(finding);
        // The verdict stands all the same.
        even_if_unread(print(&row))
    }

    fn row(&self, finding: &Finding) -> String {
        let (level, style) = match finding.level {
            Level::Good => ("ok", Style::Aside),
            Level::Note => ("note", Style::Name),
            Level::Fault => ("fault", Style::Title),
        };
        let indent = " ".repeat(LEVEL + TOPIC);
        let said = wrap(&visible::line(&finding.said), &indent, self.columns);
        let level = format!("{level:LEVEL$}");
        let begin = format!("{}{:TOPIC$}", self.paint.paint(style, &level), finding.topic);
        let row = begin + said.trim_start();
        match finding.remedy {
            Some(remedy) => row + &self.aside(&self.remedies(remedy, &indent)),
            None => row,
        }
    }

    fn remedies(&self, remedy: Remedy, indent: &str) -> String {
        let seen = &self.seen.proxies;
        let proxies = if seen.is_empty() { &Proxy::ALL[..] } else { seen };
        let lines = proxies.iter().filter_map(|proxy| Some((proxy.name(), remedy.at(*proxy)?)));
        let lines = lines.chain([("server", remedy.at_server())]);
        lines.map(|(name, line)| wrap(&format!("{name}: {line}"), indent, self.columns)).collect()
    }

    /// Each line by itself, as an escape that goes over lines colours the indent too.
    fn aside(&self, text: &str) -> String {
        text.lines().map(|line| self.paint.paint(Style::Aside, line) + "\n").collect()
    }

    /// What it comes to: an error if there is a fault.
    pub(super) fn verdict(&self) -> Result<String, String> {
        let of = |level| self.findings.iter().filter(|finding| finding.level == level).count();
        let notes = match of(Level::Note) {
            0 => String::new(),
            notes => format!("; {}", plural(notes as u64, "note")),
        };
        match of(Level::Fault) {
            0 => Ok(format!("nothing stands in the way of this stream{notes}")),
            1 => Err(format!("1 fault stands in the way of this stream{notes}")),
            faults => Err(format!("{faults} faults stand in the way of this stream{notes}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_remedies_of_those_that_were_seen() {
        let finding = Finding::fault("buffering", "late", Remedy::NoDelay);
        let mut report = Report { paint: Paint::none(), columns: 80, ..Report::new() };
        report.seen.proxies = vec![Proxy::Nginx];
        let expected = "fault  buffering    late\n\
            \x20                   nginx: tcp_nodelay on; as it is by default\n\
            \x20                   server: set TCP_NODELAY on the connections of streams\n";
        assert_eq!(report.row(&finding), expected);
        // Where none was, any may be there.
        report.seen.proxies.clear();
        let shown = report.row(&finding);
        assert!(shown.contains(" nginx: ") && shown.contains(" Apache: "), "{shown}");
    }
}

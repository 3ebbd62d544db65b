//! The report: a row for each finding, and below it what to do.
//!
//! ```text
//! fault  compression  a client that accepts it, as every browser, gets the stream in gzip: …
//!                     nginx: gzip off; in the location of the stream
//! ```

use super::finding::{Finding, Level};
use super::proxies::{Proxy, Seen};
use super::remedy::Remedy;
use crate::cli::flags::wrap;
use crate::cli::paint::{Paint, Style};
use crate::cli::{plural, visible};

/// The columns of the level and of the topic, with the space after each.
const LEVEL: usize = 7;
const TOPIC: usize = 13;

/// The row of a finding. Of its remedies, those for the proxies that were seen, if any were.
pub(super) fn row(finding: &Finding, seen: &Seen, paint: Paint, columns: usize) -> String {
    let (level, style) = match finding.level {
        Level::Good => ("ok", Style::Aside),
        Level::Note => ("note", Style::Name),
        Level::Fault => ("fault", Style::Title),
    };
    let indent = " ".repeat(LEVEL + TOPIC);
    let said = wrap(&visible::line(&finding.said), &indent, columns);
    let level = format!("{level:LEVEL$}");
    let begin = format!("{}{:TOPIC$}", paint.paint(style, &level), finding.topic);
    let row = begin + said.trim_start();
    match finding.remedy {
        Some(remedy) => row + &paint_all(paint, &remedies(remedy, seen, &indent, columns)),
        None => row,
    }
}

fn remedies(remedy: Remedy, seen: &Seen, indent: &str, columns: usize) -> String {
    let proxies = if seen.proxies.is_empty() { &Proxy::ALL[..] } else { &seen.proxies };
    let lines = proxies.iter().filter_map(|proxy| Some((proxy.name(), remedy.at(*proxy)?)));
    let lines = lines.chain([("server", remedy.at_server())]);
    lines.map(|(name, line)| wrap(&format!("{name}: {line}"), indent, columns)).collect()
}

/// Each line by itself, as an escape that goes over lines colours the indent too.
fn paint_all(paint: Paint, text: &str) -> String {
    text.lines().map(|line| paint.paint(Style::Aside, line) + "\n").collect()
}

/// What it comes to.
pub(super) fn verdict(findings: &[Finding]) -> Result<String, String> {
    let count = |level| findings.iter().filter(|finding| finding.level == level).count() as u64;
    let notes = match count(Level::Note) {
        0 => String::new(),
        notes => format!("; {}", plural(notes, "note")),
    };
    match count(Level::Fault) {
        0 => Ok(format!("nothing stands in the way of this stream{notes}")),
        1 => Err(format!("1 fault stands in the way of this stream{notes}")),
        faults => Err(format!("{faults} faults stand in the way of this stream{notes}")),
    }
}

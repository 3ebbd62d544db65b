//! The report for a terminal.

use std::fmt::Write;
use std::time::Duration;

use super::histogram::Summary;
use super::report::Report;

/// How wide the longest bar is.
const BAR: u64 = 40;
/// A bar grows by eighths of a character.
const EIGHTHS: [char; 8] = ['█', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// The whole report, each line with its end.
pub(super) fn report(report: &Report) -> String {
    let parts = [head(report), counts(report), latency(report), own(report)];
    parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("\n")
}

/// What was done.
pub(super) fn head(report: &Report) -> String {
    let asked = &report.asked;
    let mut text = format!("{} streams of {}", asked.streams, asked.url);
    if asked.slow > 0 {
        text += &format!(", {} of them slow", asked.slow);
    }
    if let Some(churn) = asked.churn {
        let how = if asked.resume { "cut and resumed" } else { "replaced" };
        text += &format!(", {churn} {how}");
    }
    text.push('\n');
    let whole = (asked.warm_up + asked.duration).as_secs();
    text += &match &asked.sink {
        Some(sink) => format!(
            "{} events a second for {whole} s from {} by {sink}\n",
            asked.rate,
            plural(asked.publishers.into(), "publisher"),
        ),
        None => format!("listened for {whole} s, and published nothing\n"),
    };
    text
}

/// What came of it.
fn counts(report: &Report) -> String {
    let (counts, found) = (&report.counts, &report.findings);
    let mut rows = Vec::new();
    let mut row = |name: &'static str, value: String| rows.push((name, value));
    if report.asked.sink.is_some() {
        let mut value = counts.published.to_string();
        let others = [
            (counts.refused, "refused"),
            (counts.in_doubt, "in doubt"),
            (counts.again, "sent again on a fresh connection"),
            (report.course.unsent, "not sent"),
        ];
        for (count, name) in others.into_iter().filter(|(count, _)| *count > 0) {
            value += &format!(", {count} {name}");
        }
        row("published", value);
    }
    let came = report.came();
    let of = report.asked.sink.as_ref().map_or(String::new(), |_| format!(" of {}", report.owed()));
    let received = if of.is_empty() { came } else { found.received };
    row("deliveries", format!("{received}{of}, {:.0} a second", report.per_second(came)));
    row(
        "lost",
        match report.asked.sink {
            Some(_) if found.lost == 0 => "0".into(),
            Some(_) => {
                let waited = report.asked.drain.as_secs();
                format!("{}, and nothing new came for {waited} s (--drain)", found.lost)
            }
            None => "can't be known without publishing".into(),
        },
    );
    if counts.gaps > 0 {
        let gaps = plural(counts.gaps, "gap event");
        row("told lost", format!("{}, by {gaps}", found.told));
    }
    row("doubled", found.doubled.to_string());
    row("out of order", found.disordered.to_string());
    if report.asked.resume && came > 0 && !report.ids {
        row("caught up", "nothing: the server sends no ids, so nothing can be resumed".into());
    } else if report.asked.resume || counts.replayed > 0 {
        let untimed = match counts.untimed {
            0 => String::new(),
            untimed => format!(", {untimed} of them not timed"),
        };
        let caught_up = plural(counts.replayed, "event");
        row("caught up", format!("{caught_up} from when streams were away{untimed}"));
    }
    if report.asked.sink.is_some() && counts.foreign > 0 {
        let others = plural(counts.foreign, "event");
        row("foreign", format!("{others} without the mark of this run"));
    }
    row("bytes", format!("{}, {:.0} a second", counts.bytes, report.per_second(counts.bytes)));
    row(
        "connects",
        format!(
            "{}, the first {} at {:.0} a second",
            counts.connects,
            report.asked.streams,
            report.connects_per_second(),
        ),
    );
    if counts.cuts + counts.drops + counts.refusals > 0 {
        row(
            "ends",
            format!(
                "{} cut by the bench, {} by the server or the network; {} attempts in vain",
                counts.cuts, counts.drops, counts.refusals,
            ),
        );
    }
    let mut open = format!("{} of {}", report.course.open, report.asked.streams);
    if report.course.shut_out > 0 {
        open += &format!(", {} not let in again", report.course.shut_out);
    }
    row("open at end", open);
    rows.iter().map(|(name, value)| format!("{name:12}  {value}\n")).collect()
}

fn latency(report: &Report) -> String {
    let (times, counts) = (&report.times, &report.counts);
    let rows = [
        ("latency", &times.latency),
        ("  served", &times.served),
        ("publish", &times.publish),
        ("connect", &times.connect),
        ("reconnect", &times.reconnect),
        ("away", &times.away),
    ];
    let mut text = table(&rows);
    if times.reconnect.count > 0 {
        text += "connect and reconnect count from the begin of the connection to the stream's \
                 head; away\nfrom the end of one stream to the head of the next, with the pause \
                 that is in between\n";
    }
    if counts.untimed > 0 {
        text +=
            "not timed is what was sent before a stream was open again that the bench had cut\n";
    }
    if times.latency.count > 0 {
        text += "latency counts from when an event was due to its receipt; served is without what \
                 the\nbench was late itself\n\n";
        text += &histogram(report);
    }
    text
}

/// What the bench itself adds, and how far it can be believed.
fn own(report: &Report) -> String {
    let times = &report.times;
    let rows = [("late", &times.late), ("idle", &times.idle), ("loaded", &times.loaded)];
    let mut text = format!("the bench's own delays\n{}", table(&rows));
    text += "late: publishing after an event was due, by the bench's fault\n\
             idle, loaded: a ping over loopback to a thread of its own, before the run and as\n\
             events arrived: no latency is told more finely\n";
    if let Some(effort) = report.course.effort.filter(|_| report.came() > 0) {
        let cores = effort.processor.as_secs_f64() / report.course.whole.as_secs_f64().max(1e-9);
        let queued = time(effort.queued());
        let _ = writeln!(
            text,
            "{queued} a stream's thread waited for a core, on average, when something came; the\n\
             bench took {cores:.2} cores"
        );
    }
    if let Some(doubt) = report.doubt() {
        let _ = writeln!(text, "note: {doubt}");
    }
    text
}

fn table(rows: &[(&str, &Summary)]) -> String {
    let mut text = format!("{:12}", "");
    for name in ["p50", "p90", "p99", "p99.9", "max"] {
        let _ = write!(text, "{name:>10}");
    }
    text.push('\n');
    for (name, summary) in rows.iter().filter(|(_, summary)| summary.count > 0) {
        let Summary { p50, p90, p99, p999, max, .. } = **summary;
        let _ = write!(text, "{name:12}");
        for value in [p50, p90, p99, p999, max] {
            let _ = write!(text, "{:>10}", time(value));
        }
        text.push('\n');
    }
    text
}

/// Latencies as bars, two rows for each doubling.
fn histogram(report: &Report) -> String {
    let rows = report.latency.rows(2);
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let line = |(last, count): &(Duration, u64)| {
        format!("{:>12}  {:40}  {count}\n", format!("≤ {}", time(*last)), bar(*count, most))
    };
    rows.iter().map(line).collect()
}

/// A bar, which is there as soon as there is one to be counted.
fn bar(count: u64, most: u64) -> String {
    let eighths = (count * BAR * 8).div_ceil(most);
    let mut bar = "█".repeat((eighths / 8) as usize);
    if eighths % 8 > 0 {
        bar.push(EIGHTHS[(eighths % 8) as usize]);
    }
    bar
}

/// Three digits and a unit.
pub(super) fn time(time: Duration) -> String {
    let nanoseconds = time.as_nanos() as f64;
    let (value, unit) = match nanoseconds {
        n if n < 1e3 => return format!("{n} ns"),
        n if n < 1e6 => (n / 1e3, "µs"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    let places = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.places$} {unit}")
}

fn plural(count: u64, name: &str) -> String {
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_three_digits_and_a_unit() {
        for (nanoseconds, expected) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_234, "1.23 µs"),
            (9_999, "10.0 µs"),
            (12_345_678, "12.3 ms"),
            (99_960_000, "100 ms"),
            (2_000_000_000, "2.00 s"),
            (3_600_000_000_000, "3600 s"),
        ] {
            assert_eq!(time(Duration::from_nanos(nanoseconds)), expected);
        }
    }

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        assert_eq!(bar(0, 100), "");
        assert_eq!(bar(1, 1_000_000), "▏");
        assert_eq!(bar(50, 100), "█".repeat(20));
        assert_eq!(bar(100, 100), "█".repeat(40));
    }
}

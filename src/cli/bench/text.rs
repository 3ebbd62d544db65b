//! The report for a terminal.

use std::fmt::Write;
use std::time::Duration;

use super::histogram::Summary;
use super::report::Report;
use super::verdict::{Grade, Verdict};
use crate::cli::flags::wrap;

/// How wide the longest bar is.
const BAR: u64 = 40;
/// A bar grows by eighths of a character.
const EIGHTHS: [char; 8] = ['█', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// How wide the first column is.
const NAMES: usize = 12;

/// Linux buffers about as much of what a connection's reader does not read. The server feels only
/// what is beyond it.
const BUFFERED: u64 = 4 << 20;

/// What is counted, with its name.
type Row = (&'static str, String);

/// The whole report, each line with its end. Sentences are wrapped for so many columns; rows of
/// numbers are as wide as they are.
pub(super) fn report(report: &Report, columns: usize) -> String {
    let head = head(report).join("\n") + "\n";
    let parts = [head, counts(report, columns), latency(report, columns), own(report, columns)];
    parts.join("\n")
}

/// What was done, in two lines.
pub(super) fn head(report: &Report) -> [String; 2] {
    let asked = &report.asked;
    let mut whom = format!("{} of {}", plural(asked.streams.into(), "stream"), asked.url);
    if asked.slow > 0 {
        whom += &format!(", {} of them slow", asked.slow);
    }
    if let Some(churn) = asked.churn {
        let how = if asked.resume { "cut and resumed" } else { "replaced" };
        whom += &format!(", {churn} {how}");
    }
    let whole = (asked.warm_up + asked.duration).as_secs_f64();
    let how = match &asked.sink {
        Some(sink) => format!(
            "{} a second for {whole} s from {} by {sink}",
            plural(asked.rate.into(), "event"),
            plural(asked.publishers.into(), "publisher"),
        ),
        None => format!("listened for {whole} s, and published nothing"),
    };
    [whom, how]
}

/// What came of it.
fn counts(report: &Report, columns: usize) -> String {
    let rows = [published(report), delivered(report), connected(report)].concat();
    let mut text: String =
        rows.iter().map(|(name, value)| format!("{name:NAMES$}  {value}\n")).collect();
    let verdict = Verdict::new(report);
    if verdict.grade == Grade::Doubtful {
        text += &wrap(&format!("note: doubtful: {}", verdict.said), "", columns);
    }
    text
}

fn published(report: &Report) -> Vec<Row> {
    let counts = &report.counts;
    let others = [
        (counts.refused, "refused"),
        (counts.in_doubt, "in doubt"),
        (report.course.unsent, "not sent"),
        (counts.again, "sent again on a fresh connection"),
    ];
    let others = others.iter().filter(|(count, _)| *count > 0);
    let others: String = others.map(|(count, name)| format!(", {count} {name}")).collect();
    let row = ("published", format!("{}{others}", counts.published));
    Vec::from_iter(report.asked.sink.as_ref().map(|_| row))
}

fn delivered(report: &Report) -> Vec<Row> {
    let (counts, found) = (&report.counts, &report.findings);
    let came = report.came();
    let (received, mut lost) = match report.asked.sink {
        Some(_) => (format!("{} of {}", found.received, report.owed()), found.lost.to_string()),
        None => (came.to_string(), "can't be known without publishing".into()),
    };
    if found.lost > 0 {
        let waited = report.asked.drain.as_secs_f64();
        lost += &format!(", and nothing new came for {waited} s (--drain)");
    }
    let mut rows = vec![
        ("deliveries", format!("{received}, {:.0} a second", report.per_second(came))),
        ("lost", lost),
        ("doubled", found.doubled.to_string()),
        ("out of order", found.disordered.to_string()),
    ];
    if counts.gaps > 0 {
        let gaps = plural(counts.gaps, "gap event");
        rows.insert(2, ("told lost", format!("{}, by {gaps}", found.told)));
    }
    rows.extend(caught_up(report).map(|value| ("caught up", value)));
    if report.asked.sink.is_some() && counts.foreign > 0 {
        let others = plural(counts.foreign, "event");
        rows.push(("foreign", format!("{others} without the mark of this run")));
    }
    if report.asked.slow > 0 && report.asked.sink.is_some() {
        let (events, bytes) = (plural(report.course.behind, "event"), report.bytes_behind());
        let unfelt = if bytes < BUFFERED { ": the system may have buffered all of it" } else { "" };
        rows.push((
            "slow",
            format!("up to {events} behind at the end, some {bytes} bytes{unfelt}"),
        ));
    }
    rows
}

/// What came that was sent while a stream was away.
fn caught_up(report: &Report) -> Option<String> {
    let (counts, resume) = (&report.counts, report.asked.resume);
    if resume && report.came() > 0 && !report.ids {
        return Some("nothing: the server sends no ids, so nothing can be resumed".into());
    }
    let untimed = match counts.untimed {
        0 => String::new(),
        untimed if untimed == counts.replayed => ", not timed".into(),
        untimed => format!(", {untimed} of them not timed"),
    };
    let events = plural(counts.replayed, "event");
    let told = resume || counts.replayed > 0;
    told.then(|| format!("{events} from when streams were away{untimed}"))
}

fn connected(report: &Report) -> Vec<Row> {
    let counts = &report.counts;
    let mut rows = vec![
        ("bytes", format!("{}, {:.0} a second", counts.bytes, report.per_second(counts.bytes))),
        (
            "connects",
            format!(
                "{}, the first {} at {:.0} a second",
                counts.connects,
                report.asked.streams,
                report.connects_per_second(),
            ),
        ),
    ];
    let due = report.cuts_due().filter(|due| counts.cuts * 100 < due * 95);
    if counts.cuts + counts.drops + counts.refusals + due.unwrap_or(0) > 0 {
        let due = due.map_or(String::new(), |due| format!(" of {due} that were due"));
        rows.push((
            "ends",
            format!(
                "{} cut by the bench{due}, {} by the server or the network; {} attempts in vain",
                counts.cuts, counts.drops, counts.refusals,
            ),
        ));
    }
    let mut open = format!("{} of {}", report.course.open, report.asked.streams);
    if report.course.shut_out > 0 {
        open += &format!(", {} not let in again", report.course.shut_out);
    }
    rows.push(("open at end", open));
    rows
}

fn latency(report: &Report, columns: usize) -> String {
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
        let what = "connect and reconnect count from the begin of the connection to the stream's \
                    head; away from the end of one stream to the head of the next, with the pause \
                    that is in between";
        text += &wrap(what, "", columns);
    }
    if counts.untimed > 0 {
        let what =
            "not timed is what was sent before a stream was open again that the bench had cut";
        text += &wrap(what, "", columns);
    }
    if times.latency.count > 0 {
        let what = "latency counts from when an event was due to its receipt; served is without \
                    what the bench was late itself. A time is at most 1/128 too long; – stands \
                    where too few came";
        text += &wrap(what, "", columns);
        text += &format!("\n{}", histogram(report));
    }
    text
}

/// What the bench itself adds, and how far it can be believed.
fn own(report: &Report, columns: usize) -> String {
    let times = &report.times;
    let rows = [
        ("late", &times.late),
        ("idle", &times.idle),
        ("loaded", &times.loaded),
        ("queued", &times.queued),
    ];
    let mut text = format!("the bench's own delays\n{}", table(&rows));
    let late = "late: publishing after an event was due, by the bench's fault";
    let ping = "idle, loaded: a ping over loopback to a thread of its own, before the run and as \
                events arrived: no latency is told more finely";
    let queued = "queued: how long a stream's thread waited for a core when something came; the \
                  streams take turns at measuring it";
    let lines = [(true, late), (true, ping), (times.queued.count > 0, queued)];
    let lines = lines.into_iter().filter(|(is_told, _)| *is_told);
    text.extend(lines.map(|(_, line)| wrap(line, "", columns)));
    if let Some(effort) = report.course.effort.filter(|_| report.came() > 0) {
        let cores = effort.processor.as_secs_f64() / report.course.whole.as_secs_f64().max(1e-9);
        let _ = writeln!(text, "the bench took {cores:.2} cores");
    }
    if let Some(doubt) = report.doubt() {
        text += &wrap(&format!("note: {doubt}"), "", columns);
    }
    text
}

fn table(rows: &[(&str, &Summary)]) -> String {
    let mut text = format!("{:NAMES$}{:>10}", "", "count");
    for (name, _) in Summary::default().quantiles() {
        let _ = write!(text, "{name:>10}");
    }
    text.push('\n');
    for (name, summary) in rows.iter().filter(|(_, summary)| summary.count > 0) {
        let _ = write!(text, "{name:NAMES$}{:>10}", summary.count);
        for (_, value) in summary.quantiles() {
            let _ = write!(text, "{:>10}", value.map_or("–".into(), time));
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

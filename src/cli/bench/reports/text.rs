//! The report for a terminal.

use std::fmt::{Display, Write};
use std::time::Duration;

use super::verdict::{DOUBTFUL, Verdict};
use crate::cli::bench::books::counts::{Count, Time};
use crate::cli::bench::books::histogram::{QUANTILES, shown_time};
use crate::cli::bench::books::results::{CutShort, Results};
use crate::cli::flags::wrap;
use crate::cli::plural;

const BAR: u64 = 40;
/// A bar grows by eighths of a character.
const EIGHTHS: [char; 8] = ['█', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

const NAMES: usize = 12;

const OWN: &str = "own_";

/// Linux buffers about this much for a connection whose reader doesn't read. The server notices
/// only what is beyond it.
const BUFFERED: u64 = 4 << 20;

/// The whole report. Sentences are wrapped for this many columns, rows of numbers are not.
pub(crate) fn report(results: &Results<'_>, columns: usize) -> String {
    let head = head(results).join("\n") + "\n";
    let parts = [head, counts(results, columns), latency(results, columns), own(results, columns)];
    parts.join("\n")
}

/// What was done, in two lines.
pub(crate) fn head(results: &Results<'_>) -> [String; 2] {
    let options = results.options;
    let mut whom = format!("{} of {}", plural(options.streams.into(), "stream"), results.url);
    if results.slow() > 0 {
        whom += &format!(", {} of them slow", results.slow());
    }
    if let Some(churn) = results.churn {
        let how = if options.resume { "cut and resumed" } else { "replaced" };
        whom += &format!(", {churn} {how}");
    }
    let mut time = format!("{} s", results.planned().as_secs_f64());
    if let Some(CutShort { signal, after }) = results.cut_short {
        time = format!("{:.1} s of {time} (cut short by {signal})", after.as_secs_f64());
    }
    let how = match &results.sink {
        Some(sink) => format!(
            "{} a second for {time} from {} by {sink}",
            plural(options.rate.into(), "event"),
            plural(options.publishers.into(), "publisher"),
        ),
        None => format!("listened for {time}, and published nothing"),
    };
    [whom, how]
}

fn counts(results: &Results<'_>, columns: usize) -> String {
    let mut text = delivered(results) + &connected(results);
    let verdict = Verdict::new(results);
    if verdict.grade == DOUBTFUL {
        text += &wrap(&format!("note: doubtful: {}", verdict.said), "", columns);
    }
    text
}

fn row(name: &str, value: impl Display) -> String {
    format!("{name:NAMES$}  {value}\n")
}

fn delivered(results: &Results<'_>) -> String {
    let Results { counts, findings, sink, .. } = results;
    let came = results.came();
    let mut text = String::new();
    let (received, mut lost) = match sink {
        Some(_) => {
            text += &published(results);
            (format!("{} of {}", findings.received, results.owed()), findings.lost.to_string())
        }
        None => (came.to_string(), "can't be known without publishing".into()),
    };
    if findings.lost > 0 {
        let waited = results.options.drain.as_secs_f64();
        lost += &format!(", and nothing new came for {waited} s (--drain)");
    }
    text += &row("deliveries", format!("{received}, {:.0} a second", results.per_second(came)));
    text += &row("lost", lost);
    if counts[Count::GapEvents] > 0 {
        let gaps = plural(counts[Count::GapEvents], "gap event");
        text += &row("told lost", format!("{}, by {gaps}", findings.told));
    }
    text += &row("doubled", findings.doubled);
    text += &row("out of order", findings.disordered);
    text.extend(caught_up(results).map(|value| row("caught up", value)));
    if sink.is_some() && counts[Count::Foreign] > 0 {
        let others = plural(counts[Count::Foreign], "event");
        text += &row("foreign", format!("{others} without the mark of this run"));
    }
    if sink.is_some() && results.slow() > 0 {
        let (events, bytes) = (plural(results.behind, "event"), results.bytes_behind());
        let unfelt = if bytes < BUFFERED { ": the system may have buffered all of it" } else { "" };
        let what = format!("up to {events} behind at the end, some {bytes} bytes{unfelt}");
        text += &row("slow", what);
    }
    text
}

fn published(results: &Results<'_>) -> String {
    let others = [
        (Count::Refused, "refused"),
        (Count::InDoubt, "in doubt"),
        (Count::NotSent, "not sent"),
        (Count::SentAgain, "sent again on a fresh connection"),
    ];
    let others = results.above_zero(&others).into_iter();
    let others: String = others.map(|other| format!(", {other}")).collect();
    row("published", format!("{}{others}", results.counts[Count::Published]))
}

/// Events that were sent while a stream was away.
fn caught_up(results: &Results<'_>) -> Option<String> {
    let [caught_up, not_timed] =
        [Count::CaughtUp, Count::NotTimed].map(|count| results.counts[count]);
    let resume = results.options.resume;
    if resume && results.came() > 0 && !results.ids {
        return Some("nothing: the server sends no ids, so nothing can be resumed".into());
    }
    let not_timed = match not_timed {
        0 => String::new(),
        _ if not_timed == caught_up => ", not timed".into(),
        _ => format!(", {not_timed} of them not timed"),
    };
    let events = plural(caught_up, "event");
    let told = resume || caught_up > 0;
    told.then(|| format!("{events} from when streams were away{not_timed}"))
}

fn connected(results: &Results<'_>) -> String {
    let [bytes, connects, cuts, drops, in_vain] =
        [Count::Bytes, Count::Connects, Count::Cuts, Count::Drops, Count::InVain]
            .map(|count| results.counts[count]);
    let (streams, rate) = (results.options.streams, results.connects_per_second());
    let mut text = row("bytes", format!("{bytes}, {:.0} a second", results.per_second(bytes)));
    let what = format!("{connects}, the first {streams} at {rate:.0} a second");
    text += &row("connects", what);
    let due = results.cuts_due().filter(|due| cuts * 100 < due * 95);
    if cuts + drops + in_vain + due.unwrap_or(0) > 0 {
        let due = due.map_or(String::new(), |due| format!(" of {due} that were due"));
        let what = format!("{cuts} cut by the bench{due}, {drops} by the server or the network");
        text += &row("ends", format!("{what}; {in_vain} failed attempts"));
    }
    let shut_out = match results.shut_out {
        0 => String::new(),
        shut_out => format!(", {shut_out} not let in again"),
    };
    text + &row("open at end", format!("{} of {streams}{shut_out}", results.open))
}

fn latency(results: &Results<'_>, columns: usize) -> String {
    let Results { times, counts, .. } = results;
    let mut text = table(results, false);
    if times[Time::Reconnect].count() > 0 {
        let what = "connect and reconnect count from the start of the connection to the stream's \
                    head; away from the end of one stream to the head of the next, with the pause \
                    between";
        text += &wrap(what, "", columns);
    }
    if counts[Count::NotTimed] > 0 {
        let what = "events that were sent while the bench had cut their stream are not timed";
        text += &wrap(what, "", columns);
    }
    if times[Time::Latency].count() > 0 {
        let what = "latency counts from when an event was due to its receipt; served is without \
                    the bench's own lateness. A time is at most 1/128 too long; – stands where too \
                    few events came";
        text += &wrap(what, "", columns);
        text += &format!("\n{}", histogram(results));
    }
    text
}

/// What the bench itself adds to the latencies.
fn own(results: &Results<'_>, columns: usize) -> String {
    let times = &results.times;
    let mut text = format!("the bench's own delays\n{}", table(results, true));
    let late = "late: publishing after an event was due, by the bench's fault";
    let ping = "idle, loaded: a ping over loopback to a thread of its own, before the run and as \
                events arrived: smaller differences of latency mean nothing";
    let queued = "queued: how long a stream's thread waited for a core when something came; the \
                  streams take turns at measuring it";
    let queued = (times[Time::Queued].count() > 0).then_some(queued);
    text.extend([late, ping].into_iter().chain(queued).map(|line| wrap(line, "", columns)));
    if let Some(effort) = results.effort.filter(|_| results.came() > 0) {
        let cores = effort.processor.as_secs_f64() / results.whole.as_secs_f64().max(1e-9);
        let _ = writeln!(text, "the bench took {cores:.2} cores");
    }
    if let Some(doubt) = results.doubt() {
        text += &wrap(&format!("note: {doubt}"), "", columns);
    }
    text
}

/// The times of the server, or the bench's own.
fn table(results: &Results<'_>, own: bool) -> String {
    let mut text = format!("{:NAMES$}{:>10}", "", "count");
    for (name, ..) in QUANTILES {
        let _ = write!(text, "{name:>10}");
    }
    text.push('\n');
    for (time, name) in Time::ALL.iter().filter(|(_, name)| name.starts_with(OWN) == own) {
        let (times, count) = (&results.times[*time], results.times[*time].count());
        if count == 0 {
            continue;
        }
        let indent = if *time == Time::Served { "  " } else { "" };
        let name = format!("{indent}{}", name.trim_start_matches(OWN));
        let _ = write!(text, "{name:NAMES$}{count:>10}");
        for (_, value) in times.quantiles() {
            let _ = write!(text, "{:>10}", value.map_or("–".into(), shown_time));
        }
        text.push('\n');
    }
    text
}

/// Latencies as bars, two rows for each doubling.
fn histogram(results: &Results<'_>) -> String {
    let rows = results.times[Time::Latency].rows(2);
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let line = |(last, count): &(Duration, u64)| {
        format!("{:>12}  {:40}  {count}\n", format!("≤ {}", shown_time(*last)), bar(*count, most))
    };
    rows.iter().map(line).collect()
}

/// A bar, which is never empty for a count of one or more.
fn bar(count: u64, most: u64) -> String {
    let eighths = (count * BAR * 8).div_ceil(most);
    let mut bar = "█".repeat((eighths / 8) as usize);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[(eighths % 8) as usize]);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        assert_eq!(bar(0, 100), "");
        assert_eq!(bar(1, 1_000_000), "▏");
        assert_eq!(bar(50, 100), "█".repeat(20));
        assert_eq!(bar(100, 100), "█".repeat(40));
    }
}

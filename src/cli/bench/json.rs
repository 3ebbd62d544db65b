//! The report as one JSON object (RFC 8259).
//!
//! A name says the unit of its value, but for counts. Null is what is not known, or what there was
//! too little of to tell.

use std::fmt::Write;
use std::time::Duration;

use super::histogram::Summary;
use super::report::Report;
use super::verdict::Verdict;
use crate::cli::json::string;

/// An object that is being written.
struct Object(String);

impl Object {
    fn new() -> Self {
        Self(String::from("{"))
    }

    /// A member whose value is JSON already.
    fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        let comma = if self.0.len() > 1 { "," } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{comma}\"{name}\":{value}");
        self
    }

    fn end(self) -> String {
        self.0 + "}"
    }
}

/// The whole report on one line.
pub(super) fn report(report: &Report) -> String {
    let findings = &report.findings;
    let known = report.asked.sink.is_some();
    let or_null = |count: u64| if known { count.to_string() } else { "null".into() };
    let slow = (known && report.asked.slow > 0).then_some(report.course.behind);
    let verdict = Verdict::new(report);
    Object::new()
        .with("verdict", string(verdict.grade.name()))
        .with("said", string(&verdict.said))
        .with("asked", asked(report))
        .with("owed", or_null(report.owed()))
        .with("received", findings.received)
        .with("lost", or_null(findings.lost))
        .with("told_lost", findings.told)
        .with("slow_behind", slow.map_or("null".into(), |behind| behind.to_string()))
        .with("doubled", findings.doubled)
        .with("out_of_order", findings.disordered)
        .with("ids", report.ids)
        .with("open_at_end", report.course.open)
        .with("not_let_in_again", report.course.shut_out)
        .with("counts", counts(report))
        .with("opening_ns", report.course.opening.as_nanos())
        .with("connects_per_second", number(report.connects_per_second()))
        .with("elapsed_ns", report.course.elapsed.as_nanos())
        .with("deliveries_per_second", number(report.per_second(report.came())))
        .with("bytes_per_second", number(report.per_second(report.counts.bytes)))
        .with("times_ns", times(report))
        .with("own", own(report))
        .with("latency_histogram_ns", histogram(report))
        .with("samples", samples(report))
        .with("note", report.doubt().map_or("null".into(), string))
        .end()
        + "\n"
}

fn asked(report: &Report) -> String {
    let asked = &report.asked;
    Object::new()
        .with("url", string(&asked.url))
        .with("publish", asked.sink.as_deref().map_or("null".into(), string))
        .with("streams", asked.streams)
        .with("slow", asked.slow)
        .with("publishers", asked.publishers)
        .with("rate_per_second", asked.rate)
        .with("size_bytes", asked.size)
        .with("duration_s", asked.duration.as_secs_f64())
        .with("warm_up_s", asked.warm_up.as_secs_f64())
        .with("drain_s", asked.drain.as_secs_f64())
        .with("churn", asked.churn.map_or("null".into(), |churn| string(&churn.to_string())))
        .with("resume", asked.resume)
        .end()
}

fn counts(report: &Report) -> String {
    let counts = &report.counts;
    Object::new()
        .with("published", counts.published)
        .with("refused", counts.refused)
        .with("in_doubt", counts.in_doubt)
        .with("sent_again", counts.again)
        .with("not_sent", report.course.unsent)
        .with("deliveries", counts.deliveries)
        .with("caught_up", counts.replayed)
        .with("not_timed", counts.untimed)
        .with("foreign", counts.foreign)
        .with("gap_events", counts.gaps)
        .with("bytes", counts.bytes)
        .with("connects", counts.connects)
        .with("cuts", counts.cuts)
        .with("cuts_due", report.cuts_due().map_or("null".into(), |due| due.to_string()))
        .with("drops", counts.drops)
        .with("attempts_in_vain", counts.refusals)
        .end()
}

fn times(report: &Report) -> String {
    let times = &report.times;
    let rows = [
        ("latency", &times.latency),
        ("served", &times.served),
        ("publish", &times.publish),
        ("connect", &times.connect),
        ("reconnect", &times.reconnect),
        ("away", &times.away),
        ("own_late", &times.late),
        ("own_idle", &times.idle),
        ("own_loaded", &times.loaded),
        ("own_queued", &times.queued),
    ];
    let row = |object: Object, (name, summary): (&str, &Summary)| {
        object.with(name, self::summary(summary))
    };
    rows.into_iter().fold(Object::new(), row).end()
}

/// What the bench took of the processor; null where the system does not tell.
fn own(report: &Report) -> String {
    report.course.effort.map_or("null".into(), |effort| {
        Object::new()
            .with("processor_ns", effort.processor.as_nanos())
            .with("queued_ns", effort.queued().as_nanos())
            .end()
    })
}

/// What too few times can't tell is null.
fn summary(summary: &Summary) -> String {
    let count = Object::new().with("count", summary.count);
    let quantiles = summary.quantiles().into_iter();
    quantiles
        .fold(count, |object, (name, time)| object.with(&name.replace('.', ""), or_null(time)))
        .end()
}

fn or_null(time: Option<Duration>) -> String {
    time.map_or("null".into(), |time| time.as_nanos().to_string())
}

/// Pairs of the largest time of a row and how many it has.
fn histogram(report: &Report) -> String {
    let rows = report.latency.rows(8);
    list(rows.iter().map(|(last, count)| format!("[{},{count}]", last.as_nanos())))
}

fn samples(report: &Report) -> String {
    list(report.samples.iter().map(|sample| {
        let time = |time: Duration| or_null(Some(time).filter(|_| !sample.max.is_zero()));
        Object::new()
            .with("at_ns", sample.at.as_nanos())
            .with("deliveries_per_second", number(sample.deliveries))
            .with("published_per_second", number(sample.published))
            .with("p50_ns", time(sample.p50))
            .with("p99_ns", time(sample.p99))
            .with("max_ns", time(sample.max))
            .with("open", sample.open)
            .end()
    }))
}

fn list(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(","))
}

/// JSON has no infinity.
fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:.1}") } else { "null".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_separated_by_commas() {
        assert_eq!(Object::new().end(), "{}");
        assert_eq!(Object::new().with("a", 1).with("b", string("c")).end(), r#"{"a":1,"b":"c"}"#);
        assert_eq!(list(["1", "2"].iter().map(ToString::to_string)), "[1,2]");
        assert_eq!(number(1.0 / 0.0), "null");
    }
}

//! The report as one JSON object (RFC 8259).
//!
//! A name says the unit of its value, but for counts. Null is what is not known, or what there was
//! too little of to tell.

use std::fmt::Write;
use std::time::Duration;

use super::verdict::Verdict;
use crate::cli::bench::books::counts::{Count, Time};
use crate::cli::bench::books::histogram::Summary;
use crate::cli::bench::books::results::Results;
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
pub(crate) fn report(results: &Results<'_>) -> String {
    let findings = &results.findings;
    let known = results.sink.is_some();
    let or_null = |count: u64| if known { count.to_string() } else { "null".into() };
    let slow = (known && results.slow() > 0).then_some(results.behind);
    let verdict = Verdict::new(results);
    Object::new()
        .with("verdict", string(verdict.grade.name()))
        .with("said", string(&verdict.said))
        .with("asked", asked(results))
        .with("owed", or_null(results.owed()))
        .with("received", findings.received)
        .with("lost", or_null(findings.lost))
        .with("told_lost", findings.told)
        .with("slow_behind", slow.map_or("null".into(), |behind| behind.to_string()))
        .with("doubled", findings.doubled)
        .with("out_of_order", findings.disordered)
        .with("ids", results.ids)
        .with("open_at_end", results.open)
        .with("not_let_in_again", results.shut_out)
        .with("counts", counts(results))
        .with("opening_ns", results.opening.as_nanos())
        .with("connects_per_second", number(results.connects_per_second()))
        .with("elapsed_ns", results.elapsed.as_nanos())
        .with("deliveries_per_second", number(results.per_second(results.came())))
        .with("bytes_per_second", number(results.per_second(results.counts[Count::Bytes])))
        .with("times_ns", times(results))
        .with("own", own(results))
        .with("latency_histogram_ns", histogram(results))
        .with("samples", samples(results))
        .with("note", results.doubt().map_or("null".into(), string))
        .end()
        + "\n"
}

fn asked(results: &Results<'_>) -> String {
    let options = results.options;
    Object::new()
        .with("url", string(&results.url))
        .with("publish", results.sink.as_deref().map_or("null".into(), string))
        .with("streams", options.streams)
        .with("slow", results.slow())
        .with("publishers", options.publishers)
        .with("rate_per_second", options.rate)
        .with("size_bytes", options.size)
        .with("duration_s", options.duration.as_secs_f64())
        .with("warm_up_s", options.warm_up.as_secs_f64())
        .with("drain_s", options.drain.as_secs_f64())
        .with("churn", results.churn.map_or("null".into(), |churn| string(&churn.to_string())))
        .with("resume", options.resume)
        .end()
}

fn counts(results: &Results<'_>) -> String {
    let due = results.cuts_due().map_or("null".into(), |due| due.to_string());
    let row = |object: Object, (count, name): &(Count, &str)| {
        let object = object.with(name, results.counts[*count]);
        if *count == Count::Cuts { object.with("cuts_due", &due) } else { object }
    };
    Count::ALL.iter().fold(Object::new(), row).end()
}

fn times(results: &Results<'_>) -> String {
    let row = |object: Object, (time, name): &(Time, &str)| {
        object.with(name, summary(&results.times[*time]))
    };
    Time::ALL.iter().fold(Object::new(), row).end()
}

/// What the bench took of the processor; null where the system does not tell.
fn own(results: &Results<'_>) -> String {
    results.effort.map_or("null".into(), |effort| {
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
fn histogram(results: &Results<'_>) -> String {
    let rows = results.latency.rows(8);
    list(rows.iter().map(|(last, count)| format!("[{},{count}]", last.as_nanos())))
}

fn samples(results: &Results<'_>) -> String {
    list(results.samples.iter().map(|sample| {
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

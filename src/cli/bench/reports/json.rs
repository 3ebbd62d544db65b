//! The report as one JSON object (RFC 8259).
//!
//! Names say the unit of their value, except for counts. Null stands where a value is unknown, or
//! where there were too few to tell.

use std::fmt::{Display, Write};
use std::time::Duration;

use super::verdict::Verdict;
use crate::cli::bench::books::counts::{Count, Time};
use crate::cli::bench::books::effort::Effort;
use crate::cli::bench::books::histogram::Snapshot;
use crate::cli::bench::books::results::Results;
use crate::cli::json::string;

struct Object(String);

impl Object {
    fn new() -> Self {
        Self(String::from("{"))
    }

    /// A member whose value is JSON already.
    fn with(mut self, name: &str, value: impl Display) -> Self {
        let comma = if self.0.len() > 1 { "," } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{comma}\"{name}\":{value}");
        self
    }

    /// The same, or null.
    fn with_some(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self.with(name, "null"),
        }
    }

    fn end(self) -> String {
        self.0 + "}"
    }
}

pub(crate) fn report(results: &Results<'_>) -> String {
    let findings = &results.findings;
    let known = |count: u64| results.sink.as_ref().map(|_| count);
    let verdict = Verdict::new(results);
    Object::new()
        .with("verdict", string(verdict.grade))
        .with("said", string(&verdict.said))
        .with("asked", asked(results))
        .with_some("cut_short_by", results.cut_short.map(|cut| string(cut.signal)))
        .with_some("cut_short_after_s", results.cut_short.map(|cut| cut.after.as_secs_f64()))
        .with_some("owed", known(results.owed()))
        .with("received", findings.received)
        .with_some("lost", known(findings.lost))
        .with("told_lost", findings.told)
        .with_some("slow_behind", known(results.behind).filter(|_| results.slow() > 0))
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
        .with_some("own", results.effort.map(own))
        .with("latency_histogram_ns", histogram(results))
        .with("samples", samples(results))
        .with_some("note", results.doubt().map(string))
        .end()
        + "\n"
}

fn asked(results: &Results<'_>) -> String {
    let options = results.options;
    Object::new()
        .with("url", string(&results.url))
        .with_some("publish", results.sink.as_deref().map(string))
        .with("streams", options.streams)
        .with("slow", results.slow())
        .with("publishers", options.publishers)
        .with("rate_per_second", options.rate)
        .with("size_bytes", options.size)
        .with("duration_s", options.duration.as_secs_f64())
        .with("warm_up_s", options.warm_up.as_secs_f64())
        .with("drain_s", options.drain.as_secs_f64())
        .with_some("churn", results.churn.map(|churn| string(&churn.to_string())))
        .with("resume", options.resume)
        .end()
}

fn counts(results: &Results<'_>) -> String {
    let row = |object: Object, (count, name): &(Count, &str)| {
        let object = object.with(name, results.counts[*count]);
        match count {
            Count::Cuts => object.with_some("cuts_due", results.cuts_due()),
            _ => object,
        }
    };
    Count::ALL.iter().fold(Object::new(), row).end()
}

fn times(results: &Results<'_>) -> String {
    let row = |object: Object, (time, name): &(Time, &str)| {
        object.with(name, quantiles(&results.times[*time]))
    };
    Time::ALL.iter().fold(Object::new(), row).end()
}

fn own(effort: Effort) -> String {
    let object = Object::new().with("processor_ns", effort.processor.as_nanos());
    object.with("queued_ns", effort.queued().as_nanos()).end()
}

/// Quantiles are null where there were too few times.
fn quantiles(times: &Snapshot) -> String {
    let row = |object: Object, (name, time): (&str, Option<Duration>)| {
        object.with_some(&name.replace('.', ""), time.as_ref().map(Duration::as_nanos))
    };
    let count = Object::new().with("count", times.count());
    times.quantiles().into_iter().fold(count, row).end()
}

/// Pairs: the largest time of a row, and the number of times in it.
fn histogram(results: &Results<'_>) -> String {
    let rows = results.times[Time::Latency].rows(8);
    list(rows.iter().map(|(last, count)| format!("[{},{count}]", last.as_nanos())))
}

fn samples(results: &Results<'_>) -> String {
    list(results.samples.iter().map(|sample| {
        let time = |time: Duration| (!sample.max.is_zero()).then_some(time.as_nanos());
        Object::new()
            .with("at_ns", sample.at.as_nanos())
            .with("deliveries_per_second", number(sample.deliveries))
            .with("published_per_second", number(sample.published))
            .with_some("p50_ns", time(sample.p50))
            .with_some("p99_ns", time(sample.p99))
            .with_some("max_ns", time(sample.max))
            .with("open", sample.open)
            .end()
    }))
}

fn list(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(","))
}

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

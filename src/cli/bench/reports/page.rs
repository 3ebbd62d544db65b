//! The report as a page that needs nothing else: no script, no style or font from elsewhere.
//!
//! The verdict comes first, then the curves, and last the report as the terminal shows it.

use std::time::Duration;

use super::chart::{Axis, Line, chart};
use super::text;
use super::verdict::Verdict;
use crate::cli::bench::books::counts::Time;
use crate::cli::bench::books::histogram::shown_time;
use crate::cli::bench::books::results::{Results, Sample};
use crate::cli::width;

const STYLE: &str = include_str!("page/page.css");

pub(crate) fn report(results: &Results<'_>) -> String {
    let title = escape(&format!("tidings bench {}", results.url));
    let verdict = Verdict::new(results);
    let (grade, said) = (verdict.grade, escape(&verdict.said));
    let is_timed = results.times[Time::Latency].count() > 0;
    let mut curves = if is_timed { latency(results) + &quantiles(results) } else { String::new() };
    curves += &count_chart("Deliveries a second", results, |sample| sample.deliveries);
    curves += &count_chart("Streams that are open", results, |sample| sample.open as f64);
    let head = text::head(results).map(|line| escape(&line)).join("<br>\n");
    let whole = escape(&text::report(results, width::USUAL));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{head}</p>\n\
         <p class=\"{grade}\">{said}</p>\n\
         {curves}<pre>{whole}</pre>\n</body>\n</html>\n"
    )
}

fn latency(results: &Results<'_>) -> String {
    let name = |name, value: fn(&Sample) -> Duration| Line {
        name,
        points: along(results, |sample| nanoseconds(value(sample))),
    };
    let lines = [
        name("p50", |sample| sample.p50),
        name("p99", |sample| sample.p99),
        name("max", |sample| sample.max),
    ];
    chart("Latency, from due to received", &time_axis(results), &latency_axis(&lines), &lines)
}

/// Latency by quantile: each step to the right is one more nine.
fn quantiles(results: &Results<'_>) -> String {
    let nines = (results.times[Time::Latency].count() as f64).log10().clamp(1.0, 6.0);
    let points = (0..=100).map(|step| {
        let nines = nines * f64::from(step) / 100.0;
        let part = 1.0 - 10_f64.powf(-nines);
        (nines, nanoseconds(results.times[Time::Latency].quantile(part)))
    });
    let lines = [Line { name: "", points: points.collect() }];
    let names = ["0%", "90%", "99%", "99.9%", "99.99%", "99.999%", "99.9999%"];
    let ticks = (0..).map(f64::from).zip(names.map(String::from));
    let ticks = ticks.take(nines.ceil() as usize + 1).collect();
    chart("Latency by quantile", &Axis::at(ticks), &latency_axis(&lines), &lines)
}

fn count_chart(title: &'static str, results: &Results<'_>, value: fn(&Sample) -> f64) -> String {
    let lines = [Line { name: "", points: along(results, value) }];
    let up = Axis::counts(most(&lines));
    chart(title, &time_axis(results), &up, &lines)
}

fn along(results: &Results<'_>, value: impl Fn(&Sample) -> f64) -> Vec<(f64, f64)> {
    results.samples.iter().map(|sample| (sample.at.as_secs_f64(), value(sample))).collect()
}

fn time_axis(results: &Results<'_>) -> Axis {
    let end = results.samples.last().map_or(1.0, |sample| sample.at.as_secs_f64());
    let axis = Axis::linear(end, |value| format!("{} s", (value * 10.0).round() / 10.0));
    axis.up_to(end)
}

fn latency_axis(lines: &[Line]) -> Axis {
    let values = lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value);
    let least = values.filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
    let show = |value: f64| shown_time(Duration::from_nanos(value as u64));
    Axis::powers(if least.is_finite() { least } else { 1.0 }, most(lines), show)
}

fn most(lines: &[Line]) -> f64 {
    let values = lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value);
    values.fold(0.0, f64::max)
}

fn nanoseconds(time: Duration) -> f64 {
    time.as_nanos() as f64
}

/// Escapes text for HTML and its attributes.
fn escape(text: &str) -> String {
    let pairs = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;")];
    pairs.iter().fold(text.to_owned(), |text, (c, entity)| text.replace(*c, entity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_mean_something_is_escaped() {
        assert_eq!(escape("<a b=\"c\">&amp;"), "&lt;a b=&quot;c&quot;&gt;&amp;amp;");
    }
}

//! Tables, for a terminal and as Markdown alike.

use std::fmt::Write;

use super::cases::{self, Case};
use super::machine;
use super::options::Options;
use super::required::{self, Limit};
use super::results::{Outcome, Results};

/// Which numbers a case shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Columns {
    Throughput,
    Volley,
    Latency,
    Rest,
    Tool,
    Channels,
    Ticks,
    Memory,
    Idle,
    Gone,
    Allocations,
    Sends,
}

type Column = (&'static str, &'static str);

const SERVER: Column = ("server CPU", "server_cpu");
const LOAD: Column = ("load CPU", "load_cpu");
const PER_CPU: Column = ("deliveries per CPU-second", "per_cpu_second");
const PER_SECOND: Column = ("deliveries per second", "per_second");
const P50: Column = ("p50 µs", "p50");
const P99: Column = ("p99 µs", "p99");
const P999: Column = ("p99.9 µs", "p999");
const EACH: Column = ("CPU µs per delivery", "cpu_us_per_delivery");

impl Columns {
    fn title(self) -> &'static str {
        match self {
            Self::Throughput => "Burst: one post after the other",
            Self::Volley => "64 posts back to back, then a rest",
            Self::Latency => "Paced: from publish to receipt",
            Self::Rest => "One event to streams at rest",
            Self::Tool => "The same by `tidings bench`",
            Self::Channels => "An event to one of many channels with one stream each",
            Self::Ticks => "4,000 streams that tick each second",
            Self::Memory => "Memory for each idle stream",
            Self::Idle => "CPU of idle streams",
            Self::Gone => "Until a peer that has gone is noticed",
            Self::Allocations => "Heap allocations",
            Self::Sends => "Calls that write, for each delivery",
        }
    }

    fn columns(self) -> &'static [Column] {
        match self {
            Self::Throughput => &[
                PER_CPU,
                PER_SECOND,
                ("events", "events"),
                ("oldest in a read: p50 µs", "p50"),
                P99,
                SERVER,
                LOAD,
            ],
            Self::Volley => &[PER_CPU, P50, P99, P999, SERVER, LOAD],
            Self::Latency => &[
                P50,
                P99,
                P999,
                ("p50 µs, write to first stream", "first_written_p50"),
                EACH,
                SERVER,
                LOAD,
                ("load late, p99 µs", "late_p99"),
            ],
            Self::Rest => &[
                ("post answered, p50 µs", "answered_p50"),
                ("p99 µs", "answered_p99"),
                ("last receipt, p50 µs", "last_p50"),
                ("p99 µs", "last_p99"),
                EACH,
            ],
            Self::Tool => &[
                ("deliveries", "received"),
                ("lost", "lost"),
                ("doubled", "doubled"),
                ("out of order", "out_of_order"),
                P50,
                P99,
                P999,
                ("own wait for a core, p50 µs", "own_p50"),
                ("p99 µs", "own_p99"),
            ],
            Self::Channels => &[P50, P99, P999, EACH, SERVER, LOAD],
            Self::Ticks => &[
                ("late, p50 µs", "p50"),
                ("late, p99 µs", "p99"),
                ("late, p99.9 µs", "p999"),
                EACH,
                SERVER,
                LOAD,
                ("threads", "threads"),
            ],
            Self::Memory => &[
                ("resident bytes for each stream", "bytes_per_stream"),
                ("heap bytes for each stream", "heap_per_stream"),
            ],
            Self::Idle => &[("% of a core", "cpu_percent")],
            Self::Gone => &[
                ("closed, p50 µs", "closed_p50"),
                ("closed, p99 µs", "closed_p99"),
                ("reset, p50 µs", "reset_p50"),
                ("reset, p99 µs", "reset_p99"),
            ],
            Self::Allocations => &[
                ("per `send`", "send_per_publish"),
                ("per delivery", "send_per_delivery"),
                ("per POST", "post_per_publish"),
                ("per delivery after POST", "post_per_delivery"),
            ],
            Self::Sends => &[("calls per delivery", "sends_per_delivery")],
        }
    }
}

const ALL: [Columns; 12] = [
    Columns::Throughput,
    Columns::Volley,
    Columns::Latency,
    Columns::Rest,
    Columns::Tool,
    Columns::Channels,
    Columns::Ticks,
    Columns::Memory,
    Columns::Idle,
    Columns::Gone,
    Columns::Allocations,
    Columns::Sends,
];

/// One line on one run.
pub(super) fn brief(case: &Case, outcome: &Outcome) -> String {
    let columns = case.columns.columns().iter();
    let shown = columns.filter_map(|(title, key)| Some((title, outcome.get(key)?)));
    shown.map(|(title, value)| format!("{title} {}", number(value))).collect::<Vec<_>>().join(", ")
}

/// All tables.
pub(super) fn report(options: &Options, servers: &[&'static str], results: &Results) -> String {
    let mut out = String::new();
    if options.markdown {
        out.push_str(&environment(servers));
    }
    for columns in ALL {
        let mut rows = Vec::new();
        for case in cases::all(options.quick).iter().filter(|case| case.columns == columns) {
            rows.extend(servers.iter().filter_map(|server| row(case, server, results)));
        }
        if !rows.is_empty() {
            let mut head = vec!["case".to_owned(), "server".to_owned()];
            head.extend(columns.columns().iter().map(|(title, _)| (*title).to_owned()));
            let _ = write!(out, "\n## {}\n\n{}", columns.title(), grid(&head, &rows));
        }
    }
    let _ = write!(out, "\n## What must show\n\n{}", must_show(results));
    out
}

fn row(case: &Case, server: &'static str, results: &Results) -> Option<Vec<String>> {
    let values = case.columns.columns().iter();
    let values: Vec<_> = values.map(|(_, key)| results.median(case.name, server, key)).collect();
    values.iter().any(Option::is_some).then(|| {
        let shown = values.iter().map(|value| value.map_or("–".to_owned(), number));
        [case.name.to_owned(), server.to_owned()].into_iter().chain(shown).collect()
    })
}

fn must_show(results: &Results) -> String {
    let head = ["what", "wanted", "measured", ""].map(str::to_owned);
    let rows = required::all(results).into_iter().filter_map(|required| {
        let verdict = if required.is_met()? { "yes" } else { "NO" };
        let wanted = match required.limit {
            Limit::AtLeast(limit) => format!("≥ {limit}"),
            Limit::AtMost(limit) => format!("≤ {limit}"),
        };
        let measured = number(required.measured?);
        Some(vec![required.what.to_owned(), wanted, measured, verdict.to_owned()])
    });
    grid(&head, &rows.collect::<Vec<_>>())
}

fn environment(servers: &[&str]) -> String {
    let versions = servers.iter().map(|server| machine::version(server)).collect::<Vec<_>>();
    format!(
        "Measured on {} with {}; server on one core, load on the other, medians.\n\n{}.\n",
        machine::today(),
        machine::machine(),
        versions.join("; ")
    )
}

/// A Markdown table whose columns line up.
fn grid(head: &[String], rows: &[Vec<String>]) -> String {
    let width = |at: usize| {
        let cells = rows.iter().map(|row| &row[at]).chain([&head[at]]);
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).map(|(cell, &width)| format!(" {cell:<width$} "));
        format!("|{}|\n", cells.collect::<Vec<_>>().join("|"))
    };
    let rule = widths.iter().map(|&width| "-".repeat(width + 2)).collect::<Vec<_>>().join("|");
    let rows: String = rows.iter().map(|row| line(row)).collect();
    format!("{}|{rule}|\n{rows}", line(head))
}

/// Three digits that matter.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1e6 => format!("{:.2} M", value / 1e6),
        size if size >= 1e4 => format!("{:.0} k", value / 1e3),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.0005 => format!("{value:.3}"),
        _ => "0".to_owned(),
    }
}

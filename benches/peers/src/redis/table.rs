//! Medians of the rounds, as tables.

use std::fmt;

use super::measures::{Bench, HUB, NCHAN, Row};
use crate::Result;
use crate::harness::median;

/// One thing that is measured, once a round.
pub(super) struct Case {
    pub(super) name: &'static str,
    title: &'static str,
    /// Of the rows' names, and then of the numbers. The first number is shown with the least and
    /// the most.
    columns: &'static [&'static str],
    pub(super) measure: fn(&Bench<'_>) -> Result<Vec<Row>>,
}

const CASES: [Case; 6] = [
    Case {
        name: "throughput",
        title: "Publishes a second, each once the one before has its response",
        columns: &[
            "server, publishers",
            "a second",
            "server CPU",
            "Redis CPU",
            "load CPU",
            "idle",
            "others",
        ],
        measure: |bench| bench.throughput(),
    },
    Case {
        name: "latency",
        title: "500 events a second: from publish to receipt, µs",
        columns: &[
            "server, how many",
            "p50 above PING",
            "p50",
            "p99",
            "PING p50",
            "p99",
            "servers' CPU",
            "Redis CPU",
            "load CPU",
            "idle",
            "others",
        ],
        measure: |bench| bench.latency(),
    },
    Case {
        name: "memory",
        title: "Redis' memory for an event of 64 bytes, of 100,000",
        columns: &["server", "bytes, by the keys", "bytes, by used_memory", "published a second"],
        measure: |bench| bench.memory(),
    },
    Case {
        name: "start",
        title: "From exec to the first response",
        columns: &["a hub", "ms", "Redis CPU"],
        measure: |bench| bench.start(),
    },
    Case {
        name: "idle",
        title: "Four idle hubs, for 12 seconds",
        columns: &["", "commands", "commands in 5 s", "CPU, ‰"],
        measure: |bench| bench.idle(),
    },
    Case {
        name: "chain",
        title: "A chain of three hubs that follow each other after a hub: 500 events a second, µs",
        columns: &["a stream", "p50", "p99", "p50 more than before"],
        measure: |bench| bench.chain(),
    },
];

/// A case, and what its rounds came to.
pub(super) struct Table {
    pub(super) case: Case,
    rounds: Vec<Vec<Row>>,
}

/// One for each case.
pub(super) fn all() -> Vec<Table> {
    CASES.into_iter().map(|case| Table { case, rounds: Vec::new() }).collect()
}

impl Table {
    pub(super) fn add(&mut self, rows: Vec<Row>) {
        self.rounds.push(rows);
    }

    /// What the last round came to.
    pub(super) fn newest(&self) -> String {
        let shown = self.rounds.last().into_iter().flatten().map(|(name, numbers)| {
            let numbers: Vec<_> = numbers.iter().copied().map(cell).collect();
            format!("    {name}: {}", numbers.join(" "))
        });
        shown.collect::<Vec<_>>().join("\n")
    }

    /// A number of all rounds.
    fn values(&self, row: usize, column: usize) -> Vec<f64> {
        self.rounds.iter().filter_map(|rows| *rows.get(row)?.1.get(column)?).collect()
    }

    fn row(&self, name: &str) -> Option<usize> {
        self.rounds.first()?.iter().position(|(other, _)| other == name)
    }

    fn median(&self, row: &str, column: usize) -> Option<f64> {
        median(self.values(self.row(row)?, column))
    }

    /// The median of the quotients of each round.
    fn ratio(&self, over: &str, under: &str) -> Option<f64> {
        let [over, under] = [self.row(over)?, self.row(under)?].map(|row| self.values(row, 0));
        median(over.into_iter().zip(under).map(|(over, under)| over / under).collect())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { title, columns, .. } = &self.case;
        let mut head: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        head.insert(2, "least–most".into());
        writeln!(f, "### {title}\n\n| {} |", head.join(" | "))?;
        writeln!(f, "| --- |{}", " ---: |".repeat(head.len() - 1))?;
        for (row, (name, numbers)) in self.rounds.first().into_iter().flatten().enumerate() {
            write!(f, "| {name} |")?;
            for column in 0..numbers.len() {
                let values = self.values(row, column);
                write!(f, " {} |", cell(median(values.clone())))?;
                if column == 0 {
                    let least = values.iter().copied().reduce(f64::min);
                    let most = values.iter().copied().reduce(f64::max);
                    match least {
                        Some(_) => write!(f, " {}–{} |", cell(least), cell(most))?,
                        None => write!(f, " – |")?,
                    }
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn cell(number: Option<f64>) -> String {
    match number {
        None => "–".into(),
        Some(number) if number.abs() >= 100.0 => super::super::cost::thousands(number),
        Some(number) if number.abs() >= 10.0 => format!("{number:.1}"),
        Some(number) => format!("{number:.2}"),
    }
}

/// What must show.
pub(super) fn required(tables: &[Table]) -> String {
    let of = |case: &str| tables.iter().find(|table| table.case.name == case);
    let median = |case: &str, row: &str, column| of(case)?.median(row, column);
    let many = [HUB, NCHAN].map(|name| format!("{name}, 32"));
    let one = format!("{HUB}, 1");
    let rows = [
        ("publishes a second, 32 publishers", "≥ 40,000", median("throughput", &many[0], 0)),
        (
            "the same, × nchan",
            "≥ 2.5",
            of("throughput").and_then(|table| table.ratio(&many[0], &many[1])),
        ),
        ("from publish to receipt, p50 above Redis' PING, µs", "≤ 250", median("latency", &one, 0)),
        ("Redis' memory for an event of 64 bytes, bytes", "≤ 110", median("memory", HUB, 1)),
        ("an idle hub's commands in 5 seconds", "≤ 1", median("idle", "a hub", 1)),
        ("start with 100,000 events, ms", "≤ 1,000", median("start", "100,000 events", 0)),
        ("added p50 for each hub in a chain, µs", "≤ 200", median("chain", "added per hop", 2)),
    ];
    let mut out = "| what | wanted | measured |\n| --- | ---: | ---: |\n".to_owned();
    for (what, wanted, measured) in rows.into_iter().filter(|row| row.2.is_some()) {
        out.push_str(&format!("| {what} | {wanted} | {} |\n", cell(measured)));
    }
    out
}

//! A run in one line: what went wrong, or that nothing did, and how reliable that is.

use crate::cli::bench::books::counts::Count;
use crate::cli::bench::books::results::Results;

/// What the run says about the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grade {
    Good,
    /// Nothing went wrong, but too few events were published.
    Doubtful,
    Bad,
}

#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) grade: Grade,
    pub(crate) said: String,
}

/// If the server did not take one event in this many, the plan was not carried out.
const FEW: u64 = 100;

impl Grade {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Doubtful => "doubtful",
            Self::Bad => "bad",
        }
    }
}

impl Verdict {
    pub(crate) fn new(results: &Results<'_>) -> Self {
        let (bad, silent) = (results.faults(), results.came() == 0);
        let not_taken = not_taken(results);
        let grade = match (&bad, &not_taken) {
            (Some(_), _) => Grade::Bad,
            (None, Some((true, _))) => Grade::Doubtful,
            (None, _) if silent => Grade::Doubtful,
            (None, _) => Grade::Good,
        };
        let mut said = bad.unwrap_or_else(|| if silent { NOTHING.into() } else { good(results) });
        if let Some((_, words)) = not_taken {
            said = format!("{said}; {words}");
        }
        Self { grade, said }
    }
}

const NOTHING: &str = "no event came";

fn good(results: &Results<'_>) -> String {
    let found = &results.findings;
    let told = match found.told {
        0 => String::new(),
        told => format!("; {told} missed, as the server said itself"),
    };
    let lost = if results.sink.is_some() { "nothing lost, nothing" } else { "nothing" };
    format!("{lost} doubled, nothing out of order in {} deliveries{told}", found.received)
}

/// Whether too few events were published, and how many were not; `None` if all were.
fn not_taken(results: &Results<'_>) -> Option<(bool, String)> {
    let counts = &results.counts;
    let parts = [
        (counts[Count::Refused], "refused"),
        (counts[Count::InDoubt], "in doubt"),
        (results.counts[Count::NotSent], "not sent"),
    ];
    let missing: u64 = parts.iter().map(|(count, _)| count).sum();
    let planned = counts[Count::Published] + missing;
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<_> = parts.map(|(count, name)| format!("{count} {name}")).collect();
    let words = format!("{planned} events to publish: {}", parts.join(", "));
    (missing > 0).then_some((missing.saturating_mul(FEW) > planned, words))
}

//! A run in one line: what went wrong, or that nothing did, and how reliable that is.

use crate::cli::bench::books::counts::Count;
use crate::cli::bench::books::results::Results;

pub(crate) struct Verdict {
    /// `good`, `bad` or [`DOUBTFUL`].
    pub(crate) grade: &'static str,
    pub(crate) said: String,
}

/// Nothing went wrong, but too few events were published.
pub(crate) const DOUBTFUL: &str = "doubtful";

/// If the server did not take one event in this many, the plan was not carried out.
const FEW: u64 = 100;

impl Verdict {
    pub(crate) fn new(results: &Results<'_>) -> Self {
        let is_silent = results.came() == 0;
        let parts = [
            (Count::Refused, "refused"),
            (Count::InDoubt, "in doubt"),
            (Count::NotSent, "not sent"),
        ];
        let missing: u64 = parts.iter().map(|(count, _)| results.counts[*count]).sum();
        let planned = results.counts[Count::Published] + missing;
        let (grade, mut said) = match results.faults() {
            Some(faults) => ("bad", faults),
            None if is_silent => (DOUBTFUL, "no event came".into()),
            None if missing.saturating_mul(FEW) > planned => (DOUBTFUL, good(results)),
            None => ("good", good(results)),
        };
        if missing > 0 {
            let parts = results.above_zero(&parts).join(", ");
            said = format!("{said}; {planned} events to publish: {parts}");
        }
        Self { grade, said }
    }
}

fn good(results: &Results<'_>) -> String {
    let found = &results.findings;
    let told = match found.told {
        0 => String::new(),
        told => format!("; {told} missed, as the server said itself"),
    };
    let lost = if results.sink.is_some() { "nothing lost, nothing" } else { "nothing" };
    format!("{lost} doubled, nothing out of order in {} deliveries{told}", found.received)
}

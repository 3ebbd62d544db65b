//! What a run has found, in numbers. The text, the JSON and the page show it.

use std::time::Duration;

use super::counts::{Count, Counts, Time, Times};
use super::effort::Effort;
use super::histogram::Snapshot;
use super::ledger::Findings;
use crate::cli::bench::options::Options;
use crate::cli::bench::values::churn::Churn;

pub(crate) struct Results<'a> {
    pub(crate) options: &'a Options,
    pub(crate) url: String,
    /// How events got to the server; `None` where the bench only listened.
    pub(crate) sink: Option<String>,
    pub(crate) churn: Option<Churn>,
    /// A signal ended publishing early.
    pub(crate) cut_short: Option<CutShort>,
    pub(crate) findings: Findings,
    pub(crate) counts: Counts<u64>,
    /// Whether events have ids, by which a stream can be resumed.
    pub(crate) ids: bool,
    pub(crate) times: Times<Snapshot>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) opening: Duration,
    /// From the first event that was due to the last response or the last receipt.
    pub(crate) elapsed: Duration,
    /// From there to the end of the wait for what was missing.
    pub(crate) whole: Duration,
    /// How many events the slowest stream had not read when publishing ended.
    pub(crate) behind: u64,
    pub(crate) open: u64,
    /// Streams that are not, as the server did not let them in again.
    pub(crate) shut_out: u64,
    pub(crate) effort: Option<Effort>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct CutShort {
    pub(crate) signal: &'static str,
    /// Since publishing began.
    pub(crate) after: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sample {
    /// Since publishing began.
    pub(crate) at: Duration,
    /// Deliveries a second since the sample before.
    pub(crate) deliveries: f64,
    pub(crate) published: f64,
    /// Latencies since then; zero without any.
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) max: Duration,
    pub(crate) open: u64,
}

/// A publisher that is so busy has no time left to catch up.
const BUSY: f64 = 0.9;

impl Results<'_> {
    pub(crate) fn slow(&self) -> u32 {
        self.options.slow.min(self.options.streams)
    }

    pub(crate) fn owed(&self) -> u64 {
        let Findings { received, lost, told, .. } = self.findings;
        (received + lost).saturating_add(told)
    }

    /// Events that came, whoever published them.
    pub(crate) fn came(&self) -> u64 {
        let of_this_run = self.sink.is_some();
        self.counts[if of_this_run { Count::Deliveries } else { Count::Foreign }]
    }

    pub(crate) fn per_second(&self, count: u64) -> f64 {
        count as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Each of these counts that is not zero, with its word.
    pub(crate) fn above_zero(&self, counts: &[(Count, &str)]) -> Vec<String> {
        let counts = counts.iter().map(|(count, word)| (self.counts[*count], word));
        counts.filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect()
    }

    /// About how many bytes a slow stream had not read.
    pub(crate) fn bytes_behind(&self) -> u64 {
        let events = self.counts[Count::Deliveries] + self.counts[Count::Foreign];
        let bytes = self.counts[Count::Bytes];
        (self.behind as f64 * bytes as f64 / events.max(1) as f64) as u64
    }

    /// How long it was to publish or listen.
    pub(crate) fn planned(&self) -> Duration {
        self.options.warm_up + self.options.duration
    }

    pub(crate) fn cuts_due(&self) -> Option<u64> {
        let length = self.cut_short.map_or(self.planned(), |cut| cut.after);
        self.churn.map(|churn| churn.due(self.options.streams as usize, length))
    }

    pub(crate) fn connects_per_second(&self) -> f64 {
        f64::from(self.options.streams) / self.opening.as_secs_f64().max(1e-9)
    }

    /// Why the latencies say less about the server than they seem to, if they do.
    pub(crate) fn doubt(&self) -> Option<&'static str> {
        let [p50, p99] = [0.5, 0.99].map(|part| {
            [Time::Latency, Time::Loaded, Time::Queued, Time::Late]
                .map(|time| self.times[time].quantile(part))
        });
        let most_is_own =
            |[latency, loaded, queued, _]: [Duration; 4]| 2 * queued.max(loaded) > latency;
        let doubts = [
            (
                self.publishing() > BUSY,
                "each publisher waits for the response to an event before the next, and together \
                 they could not keep to the rate: take more of them (--publishers), or a lower \
                 rate",
            ),
            (
                most_is_own(p50) || most_is_own(p99),
                "half of a latency or more is the bench's own delay: take fewer streams, or \
                 another machine than the server's",
            ),
            (2 * p99[3] > p99[0], "half of p99 or more is the bench's own lateness in publishing"),
        ];
        let is_timed = self.times[Time::Latency].count() > 0;
        doubts.into_iter().find(|(is_so, _)| is_timed && *is_so).map(|(_, doubt)| doubt)
    }

    /// The part of its time that a publisher needs for the rate, with responses at their median.
    fn publishing(&self) -> f64 {
        let Options { rate, publishers, .. } = self.options;
        let each = f64::from(*rate) / f64::from((*publishers).max(1));
        each * self.times[Time::Publish].quantile(0.5).as_secs_f64()
    }

    /// What went wrong and the server did not admit, as one line; `None` if nothing did.
    pub(crate) fn faults(&self) -> Option<String> {
        let Findings { lost, doubled, disordered, .. } = self.findings;
        let shut_out = self.shut_out;
        let lost = self.sink.as_ref().map(|_| format!("{lost} lost, "));
        let lost = lost.unwrap_or_default();
        let found = format!("{lost}{doubled} doubled, {disordered} out of order");
        let outside = format!("{shut_out} of {} streams not let in again", self.options.streams);
        let said = [(self.findings.are_bad(), found), (shut_out > 0, outside)];
        let said = said.into_iter().filter(|(bad, _)| *bad).map(|(_, said)| said);
        said.reduce(|all, said| all + ", " + &said)
    }
}

//! Samples of the run over time, for the curves.

use std::time::Duration;

use crate::cli::bench::books::counts::{Count, Time, get, nanoseconds};
use crate::cli::bench::books::histogram::Snapshot;
use crate::cli::bench::books::results::Sample;
use crate::cli::bench::wire::tally::Tally;

/// How many points a curve can show.
const POINTS: u32 = 120;
const FINEST: Duration = Duration::from_millis(100);

pub(crate) struct Samples {
    interval: u64,
    start: u64,
    last: u64,
    deliveries: u64,
    published: u64,
    latency: Snapshot,
    pub(crate) all: Vec<Sample>,
}

impl Samples {
    pub(crate) fn new(tally: &Tally, length: Duration) -> Self {
        let now = tally.clock.now();
        Self {
            interval: nanoseconds((length / POINTS).max(FINEST)),
            start: now,
            last: now,
            deliveries: came(tally),
            published: get(&tally.counts[Count::Published]),
            latency: tally.times[Time::Latency].snapshot(),
            all: Vec::new(),
        }
    }

    pub(crate) fn take_if_due(&mut self, tally: &Tally) {
        if tally.clock.now() - self.last >= self.interval {
            self.take(tally);
        }
    }

    /// Takes the last sample, unless it is too close to the one before.
    pub(crate) fn finish(&mut self, tally: &Tally) {
        if self.all.is_empty() || tally.clock.now() - self.last >= self.interval / 2 {
            self.take(tally);
        }
    }

    fn take(&mut self, tally: &Tally) {
        let now = tally.clock.now();
        let seconds = (now - self.last) as f64 / 1e9;
        let latency = tally.times[Time::Latency].snapshot();
        let since = latency.since(&self.latency);
        let (deliveries, published) = (came(tally), get(&tally.counts[Count::Published]));
        self.all.push(Sample {
            at: Duration::from_nanos(now - self.start),
            deliveries: (deliveries - self.deliveries) as f64 / seconds,
            published: (published - self.published) as f64 / seconds,
            p50: since.quantile(0.5),
            p99: since.quantile(0.99),
            max: since.max(),
            open: get(&tally.open),
        });
        (self.last, self.latency) = (now, latency);
        (self.deliveries, self.published) = (deliveries, published);
    }
}

fn came(tally: &Tally) -> u64 {
    get(&tally.counts[Count::Deliveries]) + get(&tally.counts[Count::Foreign])
}

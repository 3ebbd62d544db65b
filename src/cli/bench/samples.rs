//! The run as it goes: a row of numbers each moment, for the curves.

use std::time::Duration;

use super::histogram::Snapshot;
use super::tally::{Tally, get, nanoseconds};

/// As many points as a curve can show.
const POINTS: u32 = 120;
const FINEST: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sample {
    /// Since publishing began.
    pub(super) at: Duration,
    /// Deliveries a second since the sample before.
    pub(super) deliveries: f64,
    /// Events published a second since then.
    pub(super) published: f64,
    /// Latencies since then; zero if there were none.
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    pub(super) max: Duration,
    /// Streams that are open.
    pub(super) open: u64,
}

#[derive(Debug)]
pub(super) struct Samples {
    interval: u64,
    start: u64,
    last: u64,
    deliveries: u64,
    published: u64,
    latency: Snapshot,
    pub(super) all: Vec<Sample>,
}

impl Samples {
    pub(super) fn new(tally: &Tally, length: Duration) -> Self {
        let now = tally.clock.now();
        Self {
            interval: nanoseconds((length / POINTS).max(FINEST)),
            start: now,
            last: now,
            deliveries: came(tally),
            published: get(&tally.counts.published),
            latency: tally.times.latency.snapshot(),
            all: Vec::new(),
        }
    }

    /// Takes a sample if it is time for one.
    pub(super) fn look(&mut self, tally: &Tally) {
        if tally.clock.now() - self.last >= self.interval {
            self.take(tally);
        }
    }

    /// Takes the last one, unless the time since the one before says too little.
    pub(super) fn finish(&mut self, tally: &Tally) {
        if self.all.is_empty() || tally.clock.now() - self.last >= self.interval / 2 {
            self.take(tally);
        }
    }

    fn take(&mut self, tally: &Tally) {
        let now = tally.clock.now();
        let seconds = (now - self.last) as f64 / 1e9;
        let latency = tally.times.latency.snapshot();
        let since = latency.since(&self.latency);
        let (deliveries, published) = (came(tally), get(&tally.counts.published));
        self.all.push(Sample {
            at: Duration::from_nanos(now - self.start),
            deliveries: (deliveries - self.deliveries) as f64 / seconds,
            published: (published - self.published) as f64 / seconds,
            p50: since.quantile(0.5),
            p99: since.quantile(0.99),
            max: since.max(),
            open: get(&tally.counts.open),
        });
        (self.last, self.latency) = (now, latency);
        (self.deliveries, self.published) = (deliveries, published);
    }
}

/// Events of whatever origin.
fn came(tally: &Tally) -> u64 {
    get(&tally.counts.deliveries) + get(&tally.counts.foreign)
}

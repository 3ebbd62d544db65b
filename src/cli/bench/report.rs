//! What a run has found, in numbers: what the text, the JSON and the page are made of.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::churn::Churn;
use super::histogram::{Snapshot, Summary};
use super::ledger::Findings;
use super::options::Options;
use super::probe::Probe;
use super::samples::{Sample, Samples};
use super::system::Effort;
use super::tally::{Tally, get};

#[derive(Debug)]
pub(super) struct Report {
    pub(super) asked: Asked,
    pub(super) findings: Findings,
    pub(super) counts: Counted,
    /// Whether events have ids, by which a stream can be resumed.
    pub(super) ids: bool,
    pub(super) course: Course,
    pub(super) latency: Snapshot,
    pub(super) times: Times,
    pub(super) samples: Vec<Sample>,
}

/// How the run went, as only the run as a whole knows it.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// How long it took to open all streams.
    pub(super) opening: Duration,
    /// From the first event that was due to the last answer or the last receipt.
    pub(super) elapsed: Duration,
    /// From there to the end of the wait for what was missing.
    pub(super) whole: Duration,
    /// Events that were due, and were not even sent.
    pub(super) unsent: u64,
    /// How many events one of the slow streams had still not read when publishing ended, at most.
    pub(super) behind: u64,
    /// Streams that are open at the end.
    pub(super) open: u64,
    /// Those that are not, and were not let in again.
    pub(super) shut_out: u64,
    /// What the bench itself took, where the system tells it.
    pub(super) effort: Option<Effort>,
}

/// A publisher that is so busy has no time left to catch up.
const BUSY: f64 = 0.9;

/// What was asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) url: String,
    /// How events got in; `None` where the bench only listened.
    pub(super) sink: Option<String>,
    pub(super) streams: u32,
    pub(super) slow: u32,
    pub(super) publishers: u32,
    pub(super) rate: u32,
    pub(super) size: u32,
    pub(super) duration: Duration,
    pub(super) warm_up: Duration,
    pub(super) drain: Duration,
    pub(super) churn: Option<Churn>,
    pub(super) resume: bool,
}

/// Every count, with its name in the reports.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) deliveries: u64,
    pub(super) replayed: u64,
    pub(super) untimed: u64,
    pub(super) foreign: u64,
    pub(super) gaps: u64,
    pub(super) bytes: u64,
    pub(super) published: u64,
    pub(super) refused: u64,
    pub(super) in_doubt: u64,
    pub(super) again: u64,
    pub(super) connects: u64,
    pub(super) cuts: u64,
    pub(super) drops: u64,
    pub(super) refusals: u64,
}

/// Every histogram.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) latency: Summary,
    pub(super) served: Summary,
    pub(super) publish: Summary,
    pub(super) connect: Summary,
    pub(super) reconnect: Summary,
    pub(super) away: Summary,
    pub(super) queued: Summary,
    pub(super) late: Summary,
    pub(super) idle: Summary,
    pub(super) loaded: Summary,
}

impl Report {
    /// What the threads have counted.
    pub(super) fn new(
        tally: &Tally,
        probe: &Probe,
        options: &Options,
        url: String,
        sink: Option<String>,
        churn: Option<Churn>,
    ) -> Self {
        let asked = Asked {
            url,
            sink,
            streams: options.streams,
            slow: options.slow.min(options.streams),
            publishers: options.publishers,
            rate: options.rate,
            size: options.size,
            duration: options.duration,
            warm_up: options.warm_up,
            drain: options.drain,
            churn,
            resume: options.resume,
        };
        let times = Times {
            latency: tally.times.latency.summary(),
            served: tally.times.served.summary(),
            publish: tally.times.publish.summary(),
            connect: tally.times.connect.summary(),
            reconnect: tally.times.reconnect.summary(),
            away: tally.times.away.summary(),
            queued: tally.times.queued.summary(),
            late: tally.times.late.summary(),
            idle: probe.idle.summary(),
            loaded: probe.loaded.summary(),
        };
        Self {
            asked,
            findings: Findings::default(),
            counts: Counted::new(tally),
            ids: tally.ids.load(Relaxed),
            course: Course::default(),
            latency: tally.times.latency.snapshot(),
            times,
            samples: Vec::new(),
        }
    }

    /// The same with what only the run as a whole knows.
    pub(super) fn with(mut self, findings: Findings, samples: Samples, course: Course) -> Self {
        self.findings = findings;
        self.samples = samples.all;
        self.course = course;
        self
    }

    /// How many deliveries there should have been.
    pub(super) fn owed(&self) -> u64 {
        let Findings { received, lost, told, .. } = self.findings;
        (received + lost).saturating_add(told)
    }

    /// Events that came, of whatever origin.
    pub(super) fn came(&self) -> u64 {
        if self.asked.sink.is_some() { self.counts.deliveries } else { self.counts.foreign }
    }

    pub(super) fn per_second(&self, count: u64) -> f64 {
        count as f64 / self.course.elapsed.as_secs_f64().max(1e-9)
    }

    /// About how many bytes a slow stream had not read.
    pub(super) fn bytes_behind(&self) -> u64 {
        let Counted { bytes, deliveries, foreign, .. } = self.counts;
        (self.course.behind as f64 * bytes as f64 / (deliveries + foreign).max(1) as f64) as u64
    }

    /// How many streams should have been cut.
    pub(super) fn cuts_due(&self) -> Option<u64> {
        let Asked { churn, streams, warm_up, duration, .. } = &self.asked;
        churn.map(|churn| churn.due(*streams as usize, *warm_up + *duration))
    }

    pub(super) fn connects_per_second(&self) -> f64 {
        f64::from(self.asked.streams) / self.course.opening.as_secs_f64().max(1e-9)
    }

    /// Why the latencies say less of the server than they seem to, if they do.
    pub(super) fn doubt(&self) -> Option<&'static str> {
        let Times { latency, loaded, queued, late, .. } = &self.times;
        if latency.count == 0 {
            None
        } else if self.publishing() > BUSY {
            Some(
                "each publisher waits for the answer to an event before the next, and together \
                  they could not keep to the rate: take more of them (--publishers), or a lower \
                  rate",
            )
        } else if 2 * queued.p50.max(loaded.p50) > latency.p50
            || 2 * queued.p99.max(loaded.p99) > latency.p99
        {
            Some(
                "half of a latency or more is the bench's own delay: take fewer streams, or \
                  another machine than the server's",
            )
        } else if 2 * late.p99 > latency.p99 {
            Some("half of p99 or more is the bench's own lateness in publishing")
        } else {
            None
        }
    }

    /// Which part of its time a publisher needs for the rate, if an answer takes what most take.
    fn publishing(&self) -> f64 {
        let Asked { sink, rate, publishers, .. } = &self.asked;
        let each = f64::from(*rate) / f64::from((*publishers).max(1));
        if sink.is_some() { each * self.times.publish.p50.as_secs_f64() } else { 0.0 }
    }

    /// What went wrong without a word, as one line; `None` if nothing did.
    pub(super) fn faults(&self) -> Option<String> {
        let Findings { lost, doubled, disordered, .. } = self.findings;
        let Course { shut_out, .. } = self.course;
        let lost = self.asked.sink.as_ref().map(|_| format!("{lost} lost, "));
        let lost = lost.unwrap_or_default();
        let found = format!("{lost}{doubled} doubled, {disordered} out of order");
        let outside = format!("{shut_out} of {} streams not let in again", self.asked.streams);
        let said = [(self.findings.are_bad(), found), (shut_out > 0, outside)];
        let said = said.into_iter().filter(|(bad, _)| *bad).map(|(_, said)| said);
        said.reduce(|all, said| all + ", " + &said)
    }
}

impl Counted {
    fn new(tally: &Tally) -> Self {
        let counts = &tally.counts;
        Self {
            deliveries: get(&counts.deliveries),
            replayed: get(&counts.replayed),
            untimed: get(&counts.untimed),
            foreign: get(&counts.foreign),
            gaps: get(&counts.gaps),
            bytes: get(&counts.bytes),
            published: get(&counts.published),
            refused: get(&counts.refused),
            in_doubt: get(&counts.in_doubt),
            again: get(&counts.again),
            connects: get(&counts.connects),
            cuts: get(&counts.cuts),
            drops: get(&counts.drops),
            refusals: get(&counts.refusals),
        }
    }
}

//! The cases, as one table.

use super::table::Columns;

/// The load of a case that `tidings bench` measures.
pub(super) const TOOL: &str = "tidings bench";

/// One thing that is measured.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    /// What the load calls it, and what it is to do.
    pub(super) load: &'static str,
    pub(super) wants: Vec<(&'static str, u64)>,
    /// Empty for all.
    servers: &'static [&'static str],
    /// At most so many: what hardly varies, or takes long, need not be run often.
    pub(super) rounds: usize,
    pub(super) columns: Columns,
    /// Whether the server's allocations are counted.
    pub(super) counted: bool,
    /// Whether the server's calls are counted, which slows it: nothing timed counts then.
    pub(super) strace: bool,
}

impl Case {
    fn new(name: &'static str, load: &'static str, columns: Columns) -> Self {
        Self {
            name,
            load,
            wants: Vec::new(),
            servers: &[],
            rounds: usize::MAX,
            columns,
            counted: false,
            strace: false,
        }
    }

    fn with(mut self, key: &'static str, value: u64) -> Self {
        self.wants.push((key, value));
        self
    }

    fn only(mut self, servers: &'static [&'static str]) -> Self {
        self.servers = servers;
        self
    }

    fn rounds(mut self, rounds: usize) -> Self {
        self.rounds = rounds;
        self
    }

    pub(super) fn is_for(&self, server: &str) -> bool {
        self.servers.is_empty() || self.servers.contains(&server)
    }

    pub(super) fn number(&self, key: &str) -> Option<u64> {
        self.wants.iter().find(|(name, _)| *name == key).map(|&(_, value)| value)
    }
}

/// All cases. A quick run shortens the times.
pub(super) fn all(quick: bool) -> Vec<Case> {
    let time = |millis| if quick { millis / 2 } else { millis };
    let mut cases = Vec::new();
    for (name, streams) in
        [("burst-10", 10), ("burst-100", 100), ("burst-1000", 1_000), ("burst-8000", 8_000)]
    {
        let case = Case::new(name, "burst", Columns::Throughput);
        cases.push(case.with("streams", streams).with("millis", time(2_000)));
    }
    let volley = |name| Case::new(name, "volley", Columns::Volley).with("streams", 1_000);
    cases.push(volley("volley-1000").with("millis", time(2_000)));
    for (name, streams) in [("paced-1x500", 1), ("paced-100x500", 100)] {
        let case = paced(name, streams, 500_000).with("millis", time(6_000));
        cases.push(case.only(&["tidings", "floor", "axum"]));
    }
    let rest = Case::new("rest-8000", "rest", Columns::Rest).with("streams", 8_000);
    cases.push(rest.with("millis", time(6_000)).only(&["tidings", "floor", "axum"]));
    cases.extend([
        paced("pause-10x1", 10, 1_000).with("millis", time(12_000)),
        paced("pause-10x100", 10, 100_000).with("millis", time(4_000)),
    ]);
    cases.extend(tool(&time));
    cases.extend(reading(&time));
    cases.extend(channels(&time));
    cases.extend(ticks(&time));
    cases.extend(costs(&time));
    cases
}

fn paced(name: &'static str, streams: u64, per_1000s: u64) -> Case {
    let case = Case::new(name, "paced", Columns::Latency);
    case.with("streams", streams).with("per_1000s", per_1000s)
}

/// What users see who measure with `tidings bench`.
fn tool(time: &dyn Fn(u64) -> u64) -> [Case; 3] {
    [("tool-1x500", 1, 500), ("tool-100x100", 100, 100), ("tool-1000x10", 1_000, 10)].map(
        |(name, streams, rate)| {
            let case = Case::new(name, TOOL, Columns::Tool).with("streams", streams);
            case.with("rate", rate).with("millis", time(8_000)).rounds(1)
        },
    )
}

/// One reader of a thousand has stopped, or not. A loop of blocking writes would stop with
/// it, and the preparation is a burst that takes minutes at a peer's pace.
fn reading(time: &dyn Fn(u64) -> u64) -> [Case; 2] {
    [("stopped-none", 0), ("stopped-one", 1)].map(|(name, stopped)| {
        let case = paced(name, 1_000, 20_000).with("stopped", stopped).with("millis", time(6_000));
        case.only(&["tidings"])
    })
}

/// An event to one of many channels costs what it costs to one of few.
fn channels(time: &dyn Fn(u64) -> u64) -> [Case; 2] {
    [("channels-10", 10), ("channels-10000", 10_000)].map(|(name, streams)| {
        let case = Case::new(name, "channels", Columns::Channels).with("streams", streams);
        case.with("millis", time(3_000)).only(&["tidings"])
    })
}

/// Each stream with an interval of its own, or all with the ticker of a channel.
fn ticks(time: &dyn Fn(u64) -> u64) -> [Case; 2] {
    [("ticks-own-4000", 0), ("ticks-shared-4000", 1)].map(|(name, shared)| {
        let case = Case::new(name, "ticks", Columns::Ticks).with("streams", 4_000);
        let case = case.with("shared", shared).with("millis", time(10_000)).rounds(1);
        case.only(&["tidings"])
    })
}

fn costs(time: &dyn Fn(u64) -> u64) -> Vec<Case> {
    let memory = Case::new("memory-8000", "memory", Columns::Memory).rounds(1);
    let heap = Case::new("heap-8000", "heap", Columns::Memory).rounds(1).only(&["tidings"]);
    let idle = Case::new("idle-10000", "idle", Columns::Idle).rounds(1);
    let gone = Case::new("gone-8000", "gone", Columns::Gone).rounds(1).only(&["tidings"]);
    let allocations = Case::new("allocations", "allocations", Columns::Allocations);
    let sends = [
        paced("sends-paced", 100, 100_000).with("millis", 1_000),
        Case::new("sends-volley", "volley", Columns::Sends)
            .with("streams", 100)
            .with("millis", 1_000),
    ];
    let mut cases = vec![
        memory.with("from", 1_000).with("streams", 8_000),
        Case { counted: true, ..heap }.with("from", 1_000).with("streams", 8_000),
        idle.with("streams", 10_000).with("millis", time(40_000)),
        gone.with("streams", 8_000),
        Case { counted: true, ..allocations.rounds(1).only(&["tidings"]) }
            .with("from", 10)
            .with("streams", 110)
            .with("events", 500),
    ];
    cases.extend(sends.map(|case| {
        let case = case.rounds(1).only(&["tidings", "floor", "axum", "actix"]);
        Case { strace: true, columns: Columns::Sends, ..case }
    }));
    cases
}

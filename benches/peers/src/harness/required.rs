//! What must show: the ratios that the product promises.

use super::results::Results;

/// One promise.
pub(super) struct Required {
    pub(super) what: &'static str,
    pub(super) limit: Limit,
    pub(super) measured: Option<f64>,
}

/// Which side of a number is kept.
#[derive(Clone, Copy)]
pub(super) enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

impl Required {
    pub(super) fn is_met(&self) -> Option<bool> {
        self.measured.map(|measured| match self.limit {
            Limit::AtLeast(limit) => measured >= limit,
            Limit::AtMost(limit) => measured <= limit,
        })
    }
}

const US: &str = "tidings";

/// All promises, with what these results say of them.
pub(super) fn all(results: &Results) -> Vec<Required> {
    use Limit::{AtLeast, AtMost};
    let beside = |case, peer, key| results.ratio((case, US), (case, peer), key);
    let between = |case, other, key| results.ratio((case, US), (other, US), key);
    let own = |case, key| results.median(case, US, key);
    let rows = [
        (
            "burst-1000: deliveries per CPU-second, × axum",
            AtLeast(8.0),
            beside("burst-1000", "axum", "per_cpu_second"),
        ),
        (
            "burst-1000: deliveries per CPU-second, × floor",
            AtLeast(10.0),
            beside("burst-1000", "floor", "per_cpu_second"),
        ),
        (
            "burst-8000: deliveries per CPU-second, × axum",
            AtLeast(4.0),
            beside("burst-8000", "axum", "per_cpu_second"),
        ),
        (
            "burst-8000: deliveries per CPU-second, × floor",
            AtLeast(12.0),
            beside("burst-8000", "floor", "per_cpu_second"),
        ),
        ("paced-100x500: p50, × floor", AtMost(1.1), beside("paced-100x500", "floor", "p50")),
        ("paced-100x500: p99, × axum", AtMost(1.0), beside("paced-100x500", "axum", "p99")),
        (
            "paced-100x500: CPU per delivery, × floor",
            AtMost(1.15),
            beside("paced-100x500", "floor", "cpu_us_per_delivery"),
        ),
        ("paced-1x500: p50, × floor", AtMost(1.1), beside("paced-1x500", "floor", "p50")),
        (
            "rest-8000: µs until a post is answered, p50",
            AtMost(1000.0),
            own("rest-8000", "answered_p50"),
        ),
        ("`send`s per delivery, paced", AtMost(1.01), own("sends-paced", "sends_per_delivery")),
        (
            "`send`s per delivery, 64 at once",
            AtMost(0.05),
            own("sends-volley", "sends_per_delivery"),
        ),
        ("heap allocations per delivery", AtMost(0.005), own("allocations", "send_per_delivery")),
        // The checks for closed peers make one each, beside the publishes.
        ("heap allocations per publish", AtMost(2.01), own("allocations", "send_per_publish")),
        (
            "10,000 channels: CPU per event, × 10 channels",
            AtMost(1.5),
            between("channels-10000", "channels-10", "cpu_us_per_delivery"),
        ),
        ("resident bytes per idle stream", AtMost(512.0), own("memory-8000", "bytes_per_stream")),
        ("heap bytes per idle stream", AtMost(256.0), own("heap-8000", "heap_per_stream")),
        ("10,000 idle streams: % of a core", AtMost(1.5), own("idle-10000", "cpu_percent")),
        (
            "one reader of 1,000 stopped: p99 of the others, × none stopped",
            AtMost(1.1),
            between("stopped-one", "stopped-none", "p99"),
        ),
        (
            "a second between events: p50 to first receipt, × no pause",
            AtMost(1.3),
            between("pause-10x1", "pause-10x100", "first_written_p50"),
        ),
        (
            "a peer closes: ms until it is noticed, p99",
            AtMost(1000.0),
            own("gone-8000", "closed_p99").map(|micros| micros / 1000.0),
        ),
        (
            "a peer resets: ms until it is noticed, p99",
            AtMost(1000.0),
            own("gone-8000", "reset_p99").map(|micros| micros / 1000.0),
        ),
    ];
    rows.map(|(what, limit, measured)| Required { what, limit, measured }).into()
}

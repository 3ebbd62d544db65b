//! What a case prints: the costs of a span of time, and the quantiles of latencies.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::streams::Load;
use crate::{Result, system};

#[derive(Clone, Copy)]
pub(super) struct Server {
    pub(super) pid: i32,
}

/// A span of time, and where everything stood when it began.
pub(super) struct Span {
    server: Server,
    began: Instant,
    server_cpu: Duration,
    load_cpu: Duration,
    delivered: u64,
    next: u64,
}

impl Span {
    pub(super) fn begin(server: Server, load: &Load) -> Result<Self> {
        Ok(Self {
            server,
            began: Instant::now(),
            server_cpu: system::cpu_time(server.pid)?,
            load_cpu: system::own_cpu_time()?,
            delivered: load.delivered,
            next: load.next,
        })
    }

    /// Prints what the span cost.
    pub(super) fn end(self, load: &Load) -> Result<()> {
        let wall = self.began.elapsed().as_secs_f64();
        let cpu = (system::cpu_time(self.server.pid)? - self.server_cpu).as_secs_f64();
        let own = (system::own_cpu_time()? - self.load_cpu).as_secs_f64();
        let deliveries = (load.delivered - self.delivered) as f64;
        put("events", (load.next - self.next) as f64);
        put("deliveries", deliveries);
        put("all_events", load.next as f64);
        put("all_deliveries", load.delivered as f64);
        put("wall", wall);
        put("server_cpu", cpu / wall);
        put("load_cpu", own / wall);
        put("per_second", deliveries / wall);
        put("per_cpu_second", deliveries / cpu);
        put("cpu_us_per_delivery", cpu * 1e6 / deliveries);
        Ok(())
    }
}

/// Latencies, in nanoseconds.
pub(super) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(super) fn new() -> Self {
        let longest = Duration::from_secs(60).as_nanos() as u64;
        Self(Histogram::new_with_max(longest, 3).expect("three digits are allowed"))
    }

    pub(super) fn record(&mut self, latency: Duration) {
        self.0.saturating_record(latency.as_nanos() as u64);
    }

    /// Prints the quantiles, in microseconds.
    pub(super) fn put(&self, name: &str) {
        for (key, quantile) in [("p50", 0.5), ("p99", 0.99), ("p999", 0.999)] {
            put(&format!("{name}{key}"), self.0.value_at_quantile(quantile) as f64 / 1000.0);
        }
    }
}

pub(super) fn put(key: &str, value: f64) {
    println!("{key}={value}");
}

//! A histogram of times with log-linear buckets: each is as fine as its value needs.
//!
//! ```text
//! value   0 … 127    128 … 255    256 … 511    512 … 1023    nanoseconds
//! bucket  1 each     1 each       2 each       4 each        128 in each doubling
//! ```
//!
//! So a bucket is never wider than 1/128 of its values, as in Gil Tene's HdrHistogram. The buckets
//! are atomics: thousands of threads record into one histogram.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::cli::atomic::AtomicU64;

/// Each doubling of the value has 2 to this power buckets.
const FINENESS: u32 = 7;
const PER_DOUBLING: usize = 1 << FINENESS;
/// 2 to this power nanoseconds are 78 hours: no benchmark waits so long for an event.
const LARGEST: u32 = 48;
const BUCKETS: usize = (LARGEST - FINENESS + 1) as usize * PER_DOUBLING;

/// The quantiles of a report: name, part, and how many times can tell it.
pub(crate) const QUANTILES: [(&str, f64, u64); 5] = [
    ("p50", 0.5, 2),
    ("p90", 0.9, 10),
    ("p99", 0.99, 100),
    ("p99.9", 0.999, 1000),
    ("max", 1.0, 1),
];

/// Any thread may record times.
#[derive(Debug)]
pub(crate) struct Histogram {
    buckets: Vec<AtomicU64>,
    /// The exact maximum, in nanoseconds.
    max: AtomicU64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    buckets: Vec<u64>,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        let buckets = (0..BUCKETS).map(|_| AtomicU64::new(0)).collect();
        Self { buckets, max: AtomicU64::new(0) }
    }
}

impl Histogram {
    pub(crate) fn record(&self, nanoseconds: u64) {
        self.buckets[bucket(nanoseconds)].fetch_add(1, Relaxed);
        self.max.fetch_max(nanoseconds, Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let buckets = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        Snapshot { buckets, max: self.max.load(Relaxed) }
    }
}

impl Snapshot {
    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// What has been recorded since an earlier snapshot. Its maximum is that of a bucket.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let pairs = self.buckets.iter().zip(&earlier.buckets);
        let buckets: Vec<u64> = pairs.map(|(now, then)| now - then).collect();
        let highest = buckets.iter().rposition(|&count| count > 0);
        let max = highest.map_or(0, |index| largest_in(index).min(self.max));
        Self { buckets, max }
    }

    /// The time that this part of all times, 0 to 1, doesn't exceed; zero if there is none.
    pub(crate) fn quantile(&self, part: f64) -> Duration {
        let rank = ((self.count() as f64 * part).ceil() as u64).max(1);
        let mut passed = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            passed += count;
            if passed >= rank {
                return Duration::from_nanos(largest_in(index).min(self.max));
            }
        }
        self.max()
    }

    pub(crate) fn max(&self) -> Duration {
        Duration::from_nanos(self.max)
    }

    /// The quantiles with their names. `None` where there are too few times: at least one must be
    /// above a quantile, or it would be the maximum by another name.
    pub(crate) fn quantiles(&self) -> [(&'static str, Option<Duration>); 5] {
        let count = self.count();
        let time = |part| if part < 1.0 { self.quantile(part) } else { self.max() };
        QUANTILES.map(|(name, part, least)| (name, (count >= least).then(|| time(part))))
    }

    /// This many rows for each doubling, at most [`PER_DOUBLING`]: the largest time of each row,
    /// and the number of times in it. Empty rows at both ends are left out.
    pub(crate) fn rows(&self, per_doubling: usize) -> Vec<(Duration, u64)> {
        let width = PER_DOUBLING / per_doubling;
        let rows: Vec<(Duration, u64)> = (self.buckets.chunks(width).enumerate())
            .map(|(row, counts)| {
                let last = largest_in(row * width + width - 1);
                (Duration::from_nanos(last), counts.iter().sum())
            })
            .collect();
        let filled = |(_, count): &(Duration, u64)| *count > 0;
        let first = rows.iter().position(filled).unwrap_or(0);
        let end = rows.iter().rposition(filled).map_or(0, |last| last + 1);
        rows[first..end].to_vec()
    }
}

fn bucket(value: u64) -> usize {
    let value = value.min((1 << LARGEST) - 1);
    let magnitude = value.max(1).ilog2();
    if magnitude < FINENESS {
        return value as usize;
    }
    let shift = magnitude - FINENESS;
    // The highest bit is in `magnitude`; the next ones say which bucket of the doubling.
    let within = (value >> shift) as usize - PER_DOUBLING;
    (shift as usize + 1) * PER_DOUBLING + within
}

fn largest_in(bucket: usize) -> u64 {
    if bucket < PER_DOUBLING {
        return bucket as u64;
    }
    let shift = bucket / PER_DOUBLING - 1;
    let within = (bucket % PER_DOUBLING + PER_DOUBLING) as u64;
    ((within + 1) << shift) - 1
}

/// Three digits and a unit.
pub(crate) fn shown_time(time: Duration) -> String {
    let nanoseconds = time.as_nanos() as f64;
    let (value, unit) = match nanoseconds {
        n if n < 1e3 => return format!("{n} ns"),
        n if n < 1e6 => (n / 1e3, "µs"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    let places = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.places$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_three_digits_and_a_unit() {
        for (nanoseconds, expected) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_234, "1.23 µs"),
            (9_999, "10.0 µs"),
            (12_345_678, "12.3 ms"),
            (99_960_000, "100 ms"),
            (2_000_000_000, "2.00 s"),
            (3_600_000_000_000, "3600 s"),
        ] {
            assert_eq!(shown_time(Duration::from_nanos(nanoseconds)), expected);
        }
    }

    fn of(values: impl IntoIterator<Item = u64>) -> Snapshot {
        let histogram = Histogram::default();
        values.into_iter().for_each(|value| histogram.record(value));
        histogram.snapshot()
    }

    #[test]
    fn buckets_follow_each_other_without_hole_or_overlap() {
        for index in 0..BUCKETS {
            let last = largest_in(index);
            assert_eq!(bucket(last), index);
            assert_eq!(bucket(last + 1), (index + 1).min(BUCKETS - 1), "after {last}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn a_quantile_is_within_one_part_in_128_of_the_exact_one() {
        let all = of((1..=100_000).map(|n| n * 1000));
        for (part, exact) in [(0.5, 50_000_000), (0.9, 90_000_000), (0.999, 99_900_000_u64)] {
            let found = all.quantile(part).as_nanos() as u64;
            assert!(found >= exact && found - exact <= exact / 128, "{part}: {found}");
        }
        assert_eq!(all.max(), Duration::from_millis(100));
        assert_eq!(all.quantile(1.0), Duration::from_millis(100));
    }

    #[test]
    fn small_values_are_exact() {
        let few = of([1, 2, 3, 100]);
        assert_eq!(
            [0.25, 0.5, 0.75, 1.0].map(|part| few.quantile(part).as_nanos()),
            [1, 2, 3, 100]
        );
    }

    #[test]
    fn nothing_recorded_is_zero() {
        let none = of([]);
        assert_eq!((none.count(), none.quantile(0.5), none.max()), (0, Duration::ZERO, none.max()));
        assert_eq!(none.rows(2), []);
    }

    #[test]
    fn few_times_tell_few_quantiles() {
        let told = |count| {
            let told = of(0..count).quantiles();
            told.iter().filter(|(_, time)| time.is_some()).map(|(name, _)| *name).collect()
        };
        let told: [Vec<&str>; 4] = [0, 1, 10, 999].map(told);
        assert_eq!(told[0], [""; 0]);
        assert_eq!(told[1], ["max"]);
        assert_eq!(told[2], ["p50", "p90", "max"]);
        assert_eq!(told[3], ["p50", "p90", "p99", "max"]);
    }

    #[test]
    fn a_difference_holds_what_came_between() {
        let histogram = Histogram::default();
        histogram.record(1_000_000);
        let before = histogram.snapshot();
        histogram.record(10);
        let between = histogram.snapshot().since(&before);
        assert_eq!((between.count(), between.max().as_nanos()), (1, 10));
    }

    #[test]
    fn rows_are_coarser_and_lose_nothing() {
        let rows = of([1000, 1001, 5000]).rows(1);
        let counts: Vec<u64> = rows.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [2, 0, 0, 1]);
        assert_eq!(rows[0].0.as_nanos(), 1023);
    }
}

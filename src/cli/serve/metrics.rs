//! Metrics: what the hub counts, in Prometheus's text format.
//!
//! ```text
//! # HELP tidings_streams Event streams that are open.
//! # TYPE tidings_streams gauge
//! tidings_streams 3
//! ```
//!
//! There is no series for each channel: strangers make up channels, and a collector keeps each
//! series for ever.

use std::fmt::Write;
use std::time::Duration;

use tidings::{Hub, Response, Stats};

use super::order::Order;

/// The version of the format is a part of its media type.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One series: its name without `tidings_`, its help and its value. Only the names of counters end
/// in `_total`. Names that end in `_seconds` have a value in thousandths, and all others whole
/// numbers: floating point would be 13 KiB of a small program. A name may have a label after it;
/// series that differ in it alone are adjacent, and the first has the help of all.
type Series = (&'static str, &'static str, u64);

#[cfg(any(feature = "journal", feature = "redis", feature = "follow"))]
const REFUSED: &str = "Publishes that the journal, Redis or the followed hub did not take.";

pub(super) fn response(hub: &Hub, order: Order, stats: Stats, uptime: Duration) -> Response {
    Response::bytes(CONTENT_TYPE, text(&all(hub, order, stats, uptime)))
}

/// All series at one moment. This must not hold a channel, or the hub couldn't forget that one.
fn all(hub: &Hub, order: Order, stats: Stats, uptime: Duration) -> Vec<Series> {
    let open = "Connections that are open, those of streams included.";
    let panics = "Panics of the hub's own threads, which went on.";
    let refused = "Requests and connections that were refused, by the bound that was reached.";
    let ids = "Where events get their ids: in memory, a journal, redis or another hub.";
    let count = |count: usize| count as u64;
    let all = vec![
        ("connections", open, count(stats.connections)),
        ("streams", "Event streams that are open.", count(stats.streams)),
        ("intervals", "Interval threads that are running.", count(stats.intervals)),
        ("workers", "Worker threads.", count(stats.workers)),
        ("channels", "Channels that have events or streams.", count(hub.len())),
        ("events_kept", "Events in the logs of all channels.", count(hub.kept())),
        ("uptime_seconds", "Time since the hub started.", milliseconds(uptime)),
        ("accepted_total", "Connections that were accepted.", stats.accepted),
        ("requests_total", "Requests whose heads were read.", stats.requests),
        ("streams_begun_total", "Event streams that began.", stats.streams_begun),
        ("panics_total", panics, stats.panics),
        ("refused_total{bound=\"max-connections\"}", refused, stats.refused_connections),
        ("refused_total{bound=\"max-streams\"}", "", stats.refused_streams),
        ("refused_total{bound=\"max-streams-per-peer\"}", "", stats.refused_streams_per_peer),
        ("events_published_total", "Events that were published.", hub.published()),
        (order.series, ids, 1),
    ];
    #[cfg(feature = "journal")]
    let all = [all, of_journal(hub)].concat();
    #[cfg(any(feature = "redis", feature = "follow"))]
    let all = [all, of_order(hub)].concat();
    all
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Those of the journal, if there is one.
#[cfg(feature = "journal")]
fn of_journal(hub: &Hub) -> Vec<Series> {
    let failed = "Whether a sync of the journal has failed, after which nothing is published.";
    let Some(stats) = hub.journal_stats() else { return Vec::new() };
    vec![
        ("journal_segments", "Files of the journal.", stats.segments),
        ("journal_bytes", "Bytes in the files of the journal.", stats.bytes),
        ("journal_failed", failed, u64::from(stats.failed)),
        ("publishes_refused_total", REFUSED, stats.refused),
    ]
}

/// Those of an order that lies elsewhere, if it does.
#[cfg(any(feature = "redis", feature = "follow"))]
fn of_order(hub: &Hub) -> Vec<Series> {
    let reachable = "Whether the order of events can be reached: Redis or the followed hub.";
    let silence = "Time since the hub last heard from the order.";
    let epochs = "Epochs that the hub began in the order.";
    let gaps = "Gaps that all streams of the hub were told of, by their reason.";
    let unknown = "Publishes that failed of which nobody knows whether they were published.";
    let ignored = "Entries of the order that were left out, as they are no events.";
    let Some(stats) = hub.order_stats() else { return Vec::new() };
    vec![
        ("order_reachable", reachable, u64::from(stats.reachable)),
        ("order_silence_seconds", silence, milliseconds(stats.silence)),
        ("order_reconnects_total", "Times the hub connected again.", stats.reconnects),
        ("order_epochs_total", epochs, stats.epochs),
        ("order_gaps_total{reason=\"evicted\"}", gaps, stats.gaps_evicted),
        ("order_gaps_total{reason=\"failover\"}", "", stats.gaps_failover),
        ("order_gaps_total{reason=\"passed_on\"}", "", stats.gaps_passed_on),
        ("order_ignored_total", ignored, stats.ignored),
        ("publishes_refused_total", REFUSED, stats.refused),
        ("publishes_unknown_total", unknown, stats.unknown),
    ]
}

fn text(series: &[Series]) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for (series, help, value) in series {
        let name = series.split('{').next().unwrap_or_default();
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        if !help.is_empty() {
            let _ = write!(text, "# HELP tidings_{name} {help}\n# TYPE tidings_{name} {kind}\n");
        }
        let _ = match name.ends_with("_seconds") {
            true => writeln!(text, "tidings_{series} {}.{:03}", value / 1000, value % 1000),
            false => writeln!(text, "tidings_{series} {value}"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::order::MEMORY;
    use super::*;
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    #[test]
    fn a_series_is_its_help_its_type_and_its_value() {
        let text = text(&[
            ("channels", "Channels that have events or streams.", 2),
            ("uptime_seconds", "Time since the hub started.", 1_500),
            ("events_published_total", "Events that were published.", 12_345_678_901),
            ("gaps_total{reason=\"a\"}", "Gaps by their reason.", 3),
            ("gaps_total{reason=\"b\"}", "", 4),
        ]);
        for series in [
            "# HELP tidings_channels Channels that have events or streams.\n\
             # TYPE tidings_channels gauge\n\
             tidings_channels 2\n",
            "\ntidings_uptime_seconds 1.500\n",
            "\n# TYPE tidings_events_published_total counter\n\
             tidings_events_published_total 12345678901\n",
            "# HELP tidings_gaps_total Gaps by their reason.\n\
             # TYPE tidings_gaps_total counter\n\
             tidings_gaps_total{reason=\"a\"} 3\n\
             tidings_gaps_total{reason=\"b\"} 4\n",
        ] {
            assert!(text.contains(series), "{series} in {text}");
        }
    }

    #[test]
    fn reading_the_metrics_keeps_no_channel_from_being_forgotten() {
        let hub = Hub::new();
        let asks = AtomicBool::new(true);
        thread::scope(|scope| {
            scope.spawn(|| {
                while asks.load(Ordering::Relaxed) {
                    drop(response(&hub, MEMORY, Stats::default(), Duration::ZERO));
                }
            });
            // The hub checks for channels to forget when there are 64.
            let most = (0..20_000).map(|n| {
                hub.channel(&n.to_string());
                hub.len()
            });
            let most = most.max();
            asks.store(false, Ordering::Relaxed);
            assert_eq!(most, Some(64));
        });
    }

    #[test]
    fn names_are_unique_and_helps_are_sentences() {
        let mut names = HashSet::new();
        for (name, help, _) in all(&Hub::new(), MEMORY, Stats::default(), Duration::ZERO) {
            assert!(names.insert(name), "{name} is there twice");
            // The first of those that differ in their label has the help of all.
            let is_later = name.contains('{') && help.is_empty();
            assert!(is_later || help.ends_with('.'), "{name}");
            assert!(!help.contains(['\n', '\\']), "{name}");
        }
    }
}

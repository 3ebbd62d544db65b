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

/// The version of the format is a part of its media type.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One series: its name without `tidings_`, its help and its value. Only the names of counters end
/// in `_total`.
type Series = (&'static str, &'static str, u64);

/// The one series that is no whole number. Its value is in thousandths: floating point would be 13
/// KiB of a small program.
const UPTIME: &str = "uptime_seconds";

pub(super) fn response(hub: &Hub, stats: Stats, uptime: Duration) -> Response {
    Response::bytes(CONTENT_TYPE, text(&all(hub, stats, uptime)))
}

/// All series at one moment. This must not hold a channel, or the hub couldn't forget that one.
fn all(hub: &Hub, stats: Stats, uptime: Duration) -> Vec<Series> {
    let open = "Connections that are open, those of streams included.";
    let panics = "Panics of the hub's own threads, which went on.";
    let uptime = u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX);
    let count = |count: usize| count as u64;
    let all = vec![
        ("connections", open, count(stats.connections)),
        ("streams", "Event streams that are open.", count(stats.streams)),
        ("intervals", "Interval threads that are running.", count(stats.intervals)),
        ("workers", "Worker threads.", count(stats.workers)),
        ("channels", "Channels that have events or streams.", count(hub.len())),
        ("events_kept", "Events in the logs of all channels.", count(hub.kept())),
        (UPTIME, "Time since the hub started.", uptime),
        ("accepted_total", "Connections that were accepted.", stats.accepted),
        ("requests_total", "Requests whose heads were read.", stats.requests),
        ("streams_begun_total", "Event streams that began.", stats.streams_begun),
        ("panics_total", panics, stats.panics),
        ("events_published_total", "Events that were published.", hub.published()),
    ];
    #[cfg(feature = "journal")]
    let all = [all, of_journal(hub)].concat();
    all
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
    ]
}

fn text(series: &[Series]) -> String {
    let mut text = String::new();
    for (name, help, value) in series {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "# HELP tidings_{name} {help}\n# TYPE tidings_{name} {kind}\ntidings_{name} "
        );
        let _ = match *name {
            UPTIME => writeln!(text, "{}.{:03}", value / 1000, value % 1000),
            _ => writeln!(text, "{value}"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    #[test]
    fn a_series_is_its_help_its_type_and_its_value() {
        let text = text(&[
            ("channels", "Channels that have events or streams.", 2),
            (UPTIME, "", 1_500),
            ("events_published_total", "Events that were published.", 12_345_678_901),
        ]);
        for series in [
            "# HELP tidings_channels Channels that have events or streams.\n\
             # TYPE tidings_channels gauge\n\
             tidings_channels 2\n",
            "\ntidings_uptime_seconds 1.500\n",
            "\n# TYPE tidings_events_published_total counter\n\
             tidings_events_published_total 12345678901\n",
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
                    drop(response(&hub, Stats::default(), Duration::ZERO));
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
        for (name, help, _) in all(&Hub::new(), Stats::default(), Duration::ZERO) {
            assert!(names.insert(name), "{name} is there twice");
            assert!(help.ends_with('.') && !help.contains(['\n', '\\']), "{name}");
        }
    }
}

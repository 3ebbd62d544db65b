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

/// All counts at one moment.
#[derive(Clone, Copy, Debug)]
struct Counted {
    stats: Stats,
    channels: usize,
    published: u64,
    kept: usize,
    uptime: Duration,
}

/// One series: its name without `tidings_`, its type, its help and its value.
type Series = (&'static str, &'static str, &'static str, fn(&Counted) -> f64);

const SERIES: &[Series] = &[
    ("connections", "gauge", "Connections that are open, those of streams included.", |all| {
        all.stats.connections as f64
    }),
    ("streams", "gauge", "Event streams that are open.", |all| all.stats.streams as f64),
    ("intervals", "gauge", "Interval threads that are running.", |all| all.stats.intervals as f64),
    ("workers", "gauge", "Worker threads.", |all| all.stats.workers as f64),
    ("channels", "gauge", "Channels that have events or streams.", |all| all.channels as f64),
    ("events_kept", "gauge", "Events in the logs of all channels.", |all| all.kept as f64),
    ("uptime_seconds", "gauge", "Time since the hub started.", |all| all.uptime.as_secs_f64()),
    ("accepted_total", "counter", "Connections that were accepted.", |all| {
        all.stats.accepted as f64
    }),
    ("requests_total", "counter", "Requests whose heads were read.", |all| {
        all.stats.requests as f64
    }),
    ("streams_begun_total", "counter", "Event streams that began.", |all| {
        all.stats.streams_begun as f64
    }),
    ("panics_total", "counter", "Panics of the hub's own threads, which went on.", |all| {
        all.stats.panics as f64
    }),
    ("events_published_total", "counter", "Events that were published.", |all| {
        all.published as f64
    }),
];

pub(super) fn response(hub: &Hub, stats: Stats, uptime: Duration) -> Response {
    // Nothing here may hold a channel, as the hub can't forget one that is held.
    let counted = Counted {
        stats,
        channels: hub.len(),
        published: hub.published(),
        kept: hub.kept(),
        uptime,
    };
    Response::bytes(CONTENT_TYPE, text(&counted))
}

fn text(counted: &Counted) -> String {
    let mut text = String::new();
    for (name, kind, help, value) in SERIES {
        let value = value(counted);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "# HELP tidings_{name} {help}\n# TYPE tidings_{name} {kind}\ntidings_{name} {value}\n"
        );
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
        let stats = Stats::default();
        let uptime = Duration::from_millis(1_500);
        let text =
            text(&Counted { stats, channels: 2, published: 12_345_678_901, kept: 0, uptime });
        for series in [
            "# HELP tidings_channels Channels that have events or streams.\n\
             # TYPE tidings_channels gauge\n\
             tidings_channels 2\n",
            "\ntidings_uptime_seconds 1.5\n",
            "\ntidings_events_published_total 12345678901\n",
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
    fn names_are_unique_and_say_what_is_a_counter() {
        let mut names = HashSet::new();
        for (name, kind, help, _) in SERIES {
            assert!(names.insert(name), "{name} is there twice");
            assert_eq!(*kind == "counter", name.ends_with("_total"), "{name}");
            assert!(help.ends_with('.') && !help.contains(['\n', '\\']), "{name}");
        }
    }
}

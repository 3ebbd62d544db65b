//! What the bench writes into each event, so that it knows it again.
//!
//! ```text
//! tidings-bench:9f2c41d07e55a1b3:0:17:1250000000:83211:xxxxxxxx
//!               └──── run ─────┘ │ │  └─ due ──┘ late  filling up to the size asked for
//!                           lane ┘ └ number
//! ```
//!
//! It is made of characters that no server has a reason to change: it is found again within JSON,
//! HTML or whatever a server wraps the data in. Another run's events are told by the run, and each
//! publisher numbers its own in a lane of its own, since nobody says which of two publishers comes
//! first.

use std::fmt::Write;

const NAME: &str = "tidings-bench:";

/// An event's origin. Times are in nanoseconds since the bench began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    pub(super) run: u64,
    /// Which publisher.
    pub(super) lane: usize,
    /// Each publisher counts from 0.
    pub(super) number: u64,
    /// When it should have been published.
    pub(super) due: u64,
    /// How much later the bench itself published it, by its own fault.
    pub(super) late: u64,
}

impl Marker {
    /// The event's data, filled up to `size` bytes.
    pub(super) fn write(&self, size: usize, out: &mut String) {
        let Self { run, lane, number, due, late } = self;
        out.clear();
        // Writing to a String cannot fail.
        let _ = write!(out, "{NAME}{run:016x}:{lane}:{number}:{due}:{late}:");
        out.extend(std::iter::repeat_n('x', size.saturating_sub(out.len())));
    }

    /// Finds the marker in the data of an event, wherever it stands in it.
    pub(super) fn find(data: &str) -> Option<Self> {
        let (_, behind) = data.split_once(NAME)?;
        let mut parts = behind.splitn(6, ':');
        let marker = Self {
            run: u64::from_str_radix(parts.next()?, 16).ok()?,
            lane: parts.next()?.parse().ok()?,
            number: parts.next()?.parse().ok()?,
            due: parts.next()?.parse().ok()?,
            late: parts.next()?.parse().ok()?,
        };
        // Without the colon behind it, the last number may be half of one.
        parts.next().map(|_| marker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKER: Marker = Marker { run: 0xAB, lane: 1, number: 17, due: 1_250_000_000, late: 9 };

    fn written(size: usize) -> String {
        let mut data = String::from("old");
        MARKER.write(size, &mut data);
        data
    }

    #[test]
    fn what_is_written_is_plain_and_has_the_size_asked_for() {
        assert_eq!(written(0), "tidings-bench:00000000000000ab:1:17:1250000000:9:");
        assert_eq!(written(60), "tidings-bench:00000000000000ab:1:17:1250000000:9:xxxxxxxxxxx");
    }

    #[test]
    fn it_is_found_in_whatever_a_server_wraps_around_it() {
        for size in [0, 1000] {
            let data = written(size);
            let json = format!(r#"{{"id":":","text":"{data}"}}"#);
            for wrapped in [data.clone(), json, format!("a\n{data}\nb")] {
                assert_eq!(Marker::find(&wrapped), Some(MARKER), "{wrapped}");
            }
        }
    }

    #[test]
    fn what_is_no_marker_or_half_of_one_is_none() {
        let whole = written(0);
        for end in 0..whole.len() {
            assert_eq!(Marker::find(&whole[..end]), None, "{}", &whole[..end]);
        }
        for data in ["", "hello", "tidings-bench:x:1:1:1:1:", "tidings-bench:a:1:-1:1:1:"] {
            assert_eq!(Marker::find(data), None, "{data}");
        }
    }
}

//! What the bench writes into each event to recognize it.
//!
//! ```text
//! tidings-bench:9f2c41d07e55a1b3:0:17:1250000000:1250083211:83211:xxxxxxxx
//!               └──── run ─────┘ │ │  └─ due ──┘ └─ sent ─┘ late  filling up to the size asked for
//!                           lane ┘ └ number
//! ```
//!
//! No server has a reason to change these characters, so the bench finds them within JSON, HTML or
//! whatever else a server wraps the data in. The run tells its events from those of other runs.
//! Each publisher numbers its events in a lane of its own, as two publishers have no order.

use std::fmt::Write;

const NAME: &str = "tidings-bench:";

/// An event's origin. Times are in nanoseconds since the bench began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) run: u64,
    /// The number of the publisher.
    pub(crate) lane: usize,
    /// Each publisher counts from 0.
    pub(crate) number: u64,
    /// When it should have been published.
    pub(crate) due: u64,
    /// When it was published.
    pub(crate) sent: u64,
    /// How much of the delay is the bench's own fault.
    pub(crate) late: u64,
}

impl Marker {
    /// The event's data, filled up to `size` bytes.
    pub(crate) fn write(&self, size: usize, out: &mut String) {
        let Self { run, lane, number, due, sent, late } = self;
        out.clear();
        // Writing to a String cannot fail.
        let _ = write!(out, "{NAME}{run:016x}:{lane}:{number}:{due}:{sent}:{late}:");
        out.extend(std::iter::repeat_n('x', size.saturating_sub(out.len())));
    }

    /// All markers in the data of an event: a server may send several events as one.
    pub(crate) fn all(data: &str) -> impl Iterator<Item = Self> {
        data.match_indices(NAME).filter_map(|(at, _)| Self::parse(&data[at + NAME.len()..]))
    }

    /// Reads what stands after the name.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(7, ':');
        let marker = Self {
            run: u64::from_str_radix(parts.next()?, 16).ok()?,
            lane: parts.next()?.parse().ok()?,
            // There must be a next one.
            number: parts.next()?.parse().ok().filter(|number| *number < u64::MAX)?,
            due: parts.next()?.parse().ok()?,
            sent: parts.next()?.parse().ok()?,
            late: parts.next()?.parse().ok()?,
        };
        // Without a colon after it, the last number may be cut.
        parts.next().map(|_| marker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKER: Marker =
        Marker { run: 0xAB, lane: 1, number: 17, due: 1_250_000_000, sent: 1_250_000_030, late: 9 };

    fn found(data: &str) -> Vec<Marker> {
        Marker::all(data).collect()
    }

    fn written(size: usize) -> String {
        let mut data = String::from("old");
        MARKER.write(size, &mut data);
        data
    }

    #[test]
    fn what_is_written_is_plain_and_has_the_size_asked_for() {
        let plain = "tidings-bench:00000000000000ab:1:17:1250000000:1250000030:9:";
        assert_eq!(written(0), plain);
        assert_eq!(written(65), format!("{plain}{}", "x".repeat(65 - plain.len())));
    }

    #[test]
    fn it_is_found_in_whatever_a_server_wraps_around_it() {
        for size in [0, 1000] {
            let data = written(size);
            let json = format!(r#"{{"id":":","text":"{data}"}}"#);
            for wrapped in [data.clone(), json, format!("a\n{data}\nb")] {
                assert_eq!(found(&wrapped), [MARKER], "{wrapped}");
            }
        }
    }

    #[test]
    fn all_are_found_that_a_server_sends_as_one_event() {
        let (one, long) = (written(0), written(100));
        for batch in
            [format!("{one}\n{one}"), format!("[\"{long}\",\"{one}\"]"), one.clone() + &one]
        {
            assert_eq!(found(&batch), [MARKER, MARKER], "{batch}");
        }
        assert_eq!(found(&format!("tidings-bench:half {one}")), [MARKER]);
    }

    #[test]
    fn what_is_no_marker_or_half_of_one_is_none() {
        let whole = written(0);
        for end in 0..whole.len() {
            assert_eq!(found(&whole[..end]), [], "{}", &whole[..end]);
        }
        for data in ["", "hello", "tidings-bench:x:1:1:1:1:1:", "tidings-bench:a:1:-1:1:1:1:"] {
            assert_eq!(found(data), [], "{data}");
        }
        let number = |number: u64| found(&format!("tidings-bench:a:1:{number}:1:1:1:")).len();
        assert_eq!((number(u64::MAX), number(u64::MAX - 1)), (0, 1));
    }
}

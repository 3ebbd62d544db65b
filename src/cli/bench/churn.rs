//! Streams that leave: how many of them, and which.
//!
//! ```text
//! rate = ( share "%" / number ) [ "/s" ]
//! ```

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::stream::Stream;
use super::tally::Tally;
use crate::cli::random::Random;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Churn {
    /// Of all streams, in a second.
    Share(f64),
    /// Streams in a second.
    Number(f64),
}

/// More than the bench could do.
const MOST: f64 = 100_000.0;

impl Churn {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let rate = text.strip_suffix("/s").unwrap_or(text);
        let (number, share) = match rate.strip_suffix('%') {
            Some(number) => (number, true),
            None => (rate, false),
        };
        let digits = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        match number.parse() {
            Ok(number) if digits && number > 0.0 && number <= MOST => {
                Ok(if share { Self::Share(number / 100.0) } else { Self::Number(number) })
            }
            _ => Err(format!("{text:?} is not a rate, such as 5%/s or 20/s")),
        }
    }

    /// How long one stream leaves after the other.
    fn interval(self, streams: usize) -> Duration {
        let rate = match self {
            Self::Share(share) => share * streams as f64,
            Self::Number(number) => number,
        };
        Duration::from_secs_f64(1.0 / rate)
    }

    /// Cuts one stream after the other, until nothing is published any more.
    pub(super) fn run(self, streams: &[Arc<Stream>], tally: &Tally) {
        let interval = self.interval(streams.len());
        let mut random = Random::new(tally.run);
        while tally.wait(interval) && !tally.draining.load(Relaxed) {
            streams[random.below(streams.len())].cut();
        }
    }
}

impl fmt::Display for Churn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(share) => write!(f, "{}%/s", share * 100.0),
            Self::Number(number) => write!(f, "{number}/s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_share_or_a_number() {
        for (text, churn) in [
            ("5%/s", Churn::Share(0.05)),
            ("0.5%", Churn::Share(0.005)),
            ("20/s", Churn::Number(20.0)),
            ("3", Churn::Number(3.0)),
        ] {
            assert_eq!(Churn::parse(text), Ok(churn));
        }
        assert_eq!(Churn::Share(0.05).to_string(), "5%/s");
        assert_eq!(Churn::Share(0.05).interval(200), Duration::from_millis(100));
        assert_eq!(Churn::Number(20.0).interval(200), Duration::from_millis(50));
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in ["", "%", "0", "-1/s", "5 %", "inf", "NaN", "1e3", "5%/m", "100001"] {
            assert!(Churn::parse(text).is_err(), "{text}");
        }
    }
}

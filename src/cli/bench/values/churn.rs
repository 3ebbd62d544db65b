//! `--churn`: how many streams leave.
//!
//! ```text
//! rate = ( share "%" / number ) [ "/s" ]
//! ```

use std::fmt;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Churn {
    /// Percent of all streams, in a second.
    Share(f64),
    /// Streams in a second.
    Number(f64),
}

/// No run is long enough for less.
const LEAST: f64 = 0.000_1;
/// The bench can't do more.
const MOST: f64 = 100_000.0;
impl Churn {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let rate = text.strip_suffix("/s").unwrap_or(text);
        let (number, make): (_, fn(f64) -> Self) = match rate.strip_suffix('%') {
            Some(number) => (number, Self::Share),
            None => (rate, Self::Number),
        };
        let digits = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        match number.parse() {
            Ok(number) if digits && (LEAST..=MOST).contains(&number) => Ok(make(number)),
            Ok(_) if digits => Err(format!("{text:?} is not from {LEAST} to {MOST} a second")),
            _ => Err(format!("{text:?} is not a rate, such as 5%/s or 20/s")),
        }
    }

    pub(crate) fn rate(self, streams: usize) -> f64 {
        match self {
            Self::Share(percent) => percent / 100.0 * streams as f64,
            Self::Number(number) => number,
        }
    }

    /// How many streams should have left in this time.
    pub(crate) fn due(self, streams: usize, time: Duration) -> u64 {
        (self.rate(streams) * time.as_secs_f64()) as u64
    }
}

impl fmt::Display for Churn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(percent) => write!(f, "{percent}%/s"),
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
            ("5%/s", Churn::Share(5.0)),
            ("0.5%", Churn::Share(0.5)),
            ("20/s", Churn::Number(20.0)),
            ("3", Churn::Number(3.0)),
        ] {
            assert_eq!(Churn::parse(text), Ok(churn));
        }
    }

    #[test]
    fn a_rate_is_told_as_it_was_given() {
        for text in ["7%/s", "0.1%/s", "33.3%/s", "20/s", "0.3/s"] {
            assert_eq!(Churn::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn as_many_are_due_as_the_rate_and_the_time_make() {
        let time = Duration::from_secs(10);
        assert_eq!(Churn::Share(5.0).due(200, time), 100);
        assert_eq!(Churn::Number(20.0).due(7, time), 200);
        assert_eq!(Churn::Number(LEAST).due(7, time), 0);
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in [
            "",
            "%",
            "0",
            "-1/s",
            "5 %",
            "inf",
            "NaN",
            "1e3",
            "5%/m",
            "100001",
            "0.00000000000000000001",
        ] {
            assert!(Churn::parse(text).is_err(), "{text}");
        }
    }
}

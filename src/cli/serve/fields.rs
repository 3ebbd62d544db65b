//! The fields of an event that a publisher may choose: its type, and its time to reconnect.

use std::fmt;
use std::time::Duration;

use tidings::EventType;

use crate::cli::digits;

/// A client that is told to stay away for longer than a day is as good as told to go.
const LONGEST_RETRY: Duration = Duration::from_secs(24 * 60 * 60);

/// The types of what the hub itself tells clients, which nobody else may publish.
const OWN_TYPES: &str = "tidings.";

/// The event type of this name, or why nobody may publish one.
pub(super) fn event_type(name: String) -> Result<EventType, String> {
    match name.starts_with(OWN_TYPES) {
        true => Err("event types that begin with tidings. are the hub's own".into()),
        false => EventType::new(name).map_err(|error| error.to_string()),
    }
}

/// The reconnection time that this text is, or why it is none.
pub(super) fn retry(time: &str) -> Result<Duration, String> {
    let milliseconds = digits(time).map(Duration::from_millis);
    milliseconds.ok_or_else(|| wrong_retry(format_args!("{time:?}"))).and_then(bounded_retry)
}

/// The same time, if it is no longer than one may be.
pub(super) fn bounded_retry(time: Duration) -> Result<Duration, String> {
    match time <= LONGEST_RETRY {
        true => Ok(time),
        false => Err(wrong_retry(format_args!("{}", time.as_millis()))),
    }
}

fn wrong_retry(given: fmt::Arguments<'_>) -> String {
    let longest = LONGEST_RETRY.as_millis();
    format!("retry is a number of milliseconds from 0 to {longest}, and not {given}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reconnection_time_is_whole_milliseconds_up_to_a_day() {
        assert_eq!(retry("0"), Ok(Duration::ZERO));
        assert_eq!(retry("86400000"), Ok(Duration::from_secs(86_400)));
        for time in ["", "-1", "+1", "1.5", "1s", "86400001", "99999999999999999999999"] {
            assert!(retry(time).is_err(), "{time}");
        }
    }
}

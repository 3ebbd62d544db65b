//! Publishing on a channel.
//!
//! ```text
//! POST /events/NAME?event=TYPE&retry=MS     the body is the data, as UTF-8
//! 200 OK                                    the event's id and a line feed
//! ```
//!
//! The hub responds once the event is in the channel's log, so a client that reconnects with an
//! older last event ID receives it. It refuses other parameters: they were meant to say something.

use std::time::Duration;

use tidings::{Event, EventType, Request, Response, Status};

use super::channels::{Channels, check_name};
use super::query;
use super::refuse::{bad_request, refuse};
use crate::cli::digits;

/// A client that is told to stay away for longer than a day is as good as told to go.
const LONGEST_RETRY: u64 = 24 * 60 * 60 * 1000;

/// The types of what the hub itself tells clients, which nobody else may publish.
const OWN_TYPES: &str = "tidings.";

/// Publishes the text of the request's body. The guard has admitted the request already.
pub(super) fn publish(
    channels: &Channels,
    request: &Request,
    text: &str,
) -> Result<Response, Response> {
    let name = request.param("name").unwrap_or_default();
    check_name(name).map_err(bad_request)?;
    let [event_type, retry_time] = query::only(request, ["event", "retry"])?;
    let mut event = Event::new(text);
    if let Some(event_type) = event_type {
        if event_type.starts_with(OWN_TYPES) {
            return Err(bad_request("event types that begin with tidings. are the hub's own"));
        }
        event = event.with_type(EventType::new(event_type).map_err(bad_request)?);
    }
    if let Some(time) = retry_time {
        event = event.with_retry(retry(&time)?);
    }
    let channel = channels.hub.channel_within(name, channels.most).ok_or_else(|| full(channels))?;
    let id = channel.send(event).map_err(|error| match error.is_too_large() {
        true => refuse(
            Status::CONTENT_TOO_LARGE,
            format_args!("{error}: split it, or start the hub with a larger --max-event"),
        ),
        false => refuse(Status::INTERNAL_SERVER_ERROR, error),
    })?;
    let mut text = String::from(id);
    text.push('\n');
    Ok(Response::text(text))
}

/// There may be room later, so the client is told when to try again.
fn full(channels: &Channels) -> Response {
    let why = format_args!(
        "there are {} channels already: publish on one of them, or start the hub with a larger \
         --max-channels",
        channels.most
    );
    refuse(Status::SERVICE_UNAVAILABLE, why)
        .with_field("Retry-After", "30")
        .expect("the name is a token and the value is text")
}

fn retry(time: &str) -> Result<Duration, Response> {
    match digits(time).filter(|milliseconds| *milliseconds <= LONGEST_RETRY) {
        Some(milliseconds) => Ok(Duration::from_millis(milliseconds)),
        None => Err(bad_request(format_args!(
            "retry is a number of milliseconds from 0 to {LONGEST_RETRY}, and not {time:?}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reconnection_time_is_whole_milliseconds_up_to_a_day() {
        assert_eq!(retry("0").ok(), Some(Duration::ZERO));
        assert_eq!(retry("86400000").ok(), Some(Duration::from_secs(86_400)));
        for time in ["", "-1", "+1", "1.5", "1s", "86400001", "99999999999999999999999"] {
            assert!(retry(time).is_err(), "{time}");
        }
    }
}

//! Publishing on a channel: an event, or several as one.
//!
//! ```text
//! POST /events/NAME?event=TYPE&retry=MS     the body is the data, as UTF-8
//! 200 OK                                    the event's id and a line feed
//!
//! POST /events/NAME                         the body is an event stream: a batch, of which all
//! Content-Type: text/event-stream           events are published, with none between, or none is
//! 200 OK                                    their ids, each with a line feed
//!
//! Idempotency-Key: "KEY"                    with either, so that it can be sent again
//! ```
//!
//! The hub responds once the events are in the channel's log, so a client that reconnects with an
//! older last event ID receives them. It refuses other parameters: they were meant to say
//! something.
//!
//! A publisher that got no response can't know whether the events were published. It sends the
//! request again, with the same key; if they were, it gets the first response again, for five
//! minutes, and nothing is published twice. With a journal, this holds over a restart. Other
//! events or other parameters under the same key are refused; each channel has keys of its own.
//! What was refused for another reason is not remembered.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tidings::{Channel, Error, Event, Request, Response, Status};

use super::channels::{Channels, check_name};
use super::refuse::{bad_request, later, refuse};
use super::{batch, fields, key, query};
use crate::cli::say;

/// Publishes the text of the request's body. The guard has admitted the request already.
pub(super) fn publish(
    channels: &Channels,
    request: &Request,
    text: &str,
) -> Result<Response, Response> {
    let name = request.param("name").unwrap_or_default();
    check_name(name).map_err(bad_request)?;
    if key::is_given(request.head()) || request.is_event_stream() {
        return publish_at_once(channels, request, text);
    }
    let event = event(request, text)?;
    let id = channel(channels, name)?.send(event).map_err(|error| refusal(&error, false))?;
    let mut text = String::from(id);
    text.push('\n');
    Ok(Response::text(text))
}

/// Publishes a batch, or what has a key. It stands apart, so that other publishes don't pay for it.
#[cold]
fn publish_at_once(
    channels: &Channels,
    request: &Request,
    text: &str,
) -> Result<Response, Response> {
    let key = key::of(request.head())?;
    let is_batch = request.is_event_stream();
    let events = match is_batch {
        true => batch(channels, request, text)?,
        false => vec![event(request, text)?],
    };
    let channel = channel(channels, request.param("name").unwrap_or_default())?;
    let ids = match key {
        Some(key) => channel.send_once(&key, events),
        None => channel.send_all(events),
    };
    let ids = ids.map_err(|error| refusal(&error, is_batch))?;
    Ok(Response::text(ids.into_iter().map(|id| String::from(id) + "\n").collect::<String>()))
}

/// The channel to publish on.
fn channel(channels: &Channels, name: &str) -> Result<Channel, Response> {
    channels.hub.channel_within(name, channels.most).ok_or_else(|| {
        let why = format_args!(
            "there are {} channels already: publish on one of them, or start the hub with a larger \
             --max-channels",
            channels.most
        );
        later(Status::SERVICE_UNAVAILABLE, "30", why)
    })
}

/// The event whose data is this text.
#[inline(always)]
fn event(request: &Request, text: &str) -> Result<Event, Response> {
    let event = Event::new(text);
    match request.head().query() {
        None => Ok(event),
        Some(_) => with_parameters(event, request),
    }
}

/// The event with what the query says of it.
fn with_parameters(mut event: Event, request: &Request) -> Result<Event, Response> {
    let [type_name, retry_time] =
        query::only(request, PARAMETERS, "those of a publish are event and retry")?;
    if let Some(name) = type_name {
        event = event.with_type(fields::event_type(name).map_err(bad_request)?);
    }
    if let Some(time) = retry_time {
        event = event.with_retry(fields::retry(&time).map_err(bad_request)?);
    }
    Ok(event)
}

const PARAMETERS: [&str; 2] = ["event", "retry"];

/// The events of a body that is an event stream.
fn batch(channels: &Channels, request: &Request, text: &str) -> Result<Vec<Event>, Response> {
    if request.head().values("content-type").nth(1).is_some() {
        return Err(bad_request("there may be only one field Content-Type"));
    }
    let given = query::only(request, PARAMETERS, "those of a publish are event and retry")?;
    let given = PARAMETERS.iter().zip(given).find(|(_, value)| value.is_some());
    if let Some((parameter, _)) = given {
        return Err(bad_request(format_args!(
            "the events of a body of type text/event-stream have fields of their own: leave the \
             parameter {parameter} out, and write a line {parameter}: VALUE in each event"
        )));
    }
    batch::read(text, channels.batch).map_err(|(status, why)| refuse(status, why))
}

/// The response to events that could not be published, and what would help.
fn refusal(error: &Error, is_batch: bool) -> Response {
    if let Some(response) = error.response() {
        // What is wrong there is for whoever runs this hub to know, and a bad request is not.
        if response.status().code() >= 500 {
            tell(&format!("a publish was refused: {error}"));
        }
        return response.clone();
    }
    let (status, remedy) = match error {
        // Each event of a batch has been found to be small enough: they are too many bytes.
        error if error.is_too_large() && is_batch => {
            (Status::CONTENT_TOO_LARGE, ", or start the hub with a larger --history-bytes")
        }
        error if error.is_too_large() => {
            (Status::CONTENT_TOO_LARGE, ": split it, or start the hub with a larger --max-event")
        }
        error if error.is_key_reused() => (
            Status::UNPROCESSABLE_CONTENT,
            ": use a new key for each publish, and send the same request when you try one again",
        ),
        error if error.is_key_in_use() => {
            let why = format_args!("{error}: try again with the same key");
            return later(Status::CONFLICT, "1", why);
        }
        error if error.is_too_many_keys() => {
            let why = format_args!("{error}: try again later, or publish without a key");
            return later(Status::SERVICE_UNAVAILABLE, "30", why);
        }
        error if error.is_storage_full() => (
            Status::INSUFFICIENT_STORAGE,
            ": make room on it, or start the hub with a smaller --journal-bytes",
        ),
        error if error.is_storage_failed() => (Status::SERVICE_UNAVAILABLE, ""),
        error if error.is_unavailable() || error.is_outcome_unknown() => return not_taken(error),
        _ => (Status::INTERNAL_SERVER_ERROR, ""),
    };
    if error.is_storage_full() || error.is_storage_failed() {
        tell(&format!("a publish was refused: {error}{remedy}"));
    }
    refuse(status, format_args!("{error}{remedy}"))
}

/// The response where the order lies elsewhere, and has not said that it took the events.
fn not_taken(error: &Error) -> Response {
    if error.is_unavailable() {
        tell(&format!("a publish was refused: {error}"));
        let why = format_args!("{error}: nothing was published, so send it again later");
        return later(Status::SERVICE_UNAVAILABLE, "1", why);
    }
    tell(&format!("a publish has an unknown outcome: {error}"));
    let why = format_args!(
        "{error}: it may have been published, or not, so send the same request again with the same \
         Idempotency-Key; without one, it may be published twice"
    );
    refuse(Status::GATEWAY_TIMEOUT, why)
}

/// Publishers who try again and again are one line each so often, and not more.
const TOLD_FOR: Duration = Duration::from_secs(60);

/// Says what whoever runs the hub has to see to, as publishers can't.
fn tell(what: &str) {
    static TOLD: Mutex<Option<Instant>> = Mutex::new(None);
    let is_due = |at: &Instant| at.elapsed() >= TOLD_FOR;
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.as_ref().is_none_or(is_due) {
        *told = Some(Instant::now());
        drop(told);
        say(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_that_knows_too_many_keys_says_when_to_try_again() {
        let channel = Channel::new();
        let publish = |n: u32| channel.send_once(&n.to_string(), ["x"]);
        (0..100_000).try_for_each(|n| publish(n).map(drop)).expect("there is room");
        let refused = refusal(&publish(100_000).expect_err("a key too many"), false);
        assert_eq!((refused.status().code(), refused.field("Retry-After")), (503, Some("30")));
        let said = "503 Service Unavailable: 100000 idempotency keys were used in the last five \
                    minutes, and no more are known: try again later, or publish without a key\n";
        assert_eq!(str::from_utf8(refused.content_bytes()), Ok(said));
        assert!(publish(7).is_ok(), "those that are known still are");
    }
}

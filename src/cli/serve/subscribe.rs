//! Following channels.
//!
//! ```text
//! GET /events/NAME
//! GET /events?channel=NAME&channel=NAME...
//! ```
//!
//! A stream begins, in this order of precedence:
//!
//! | with | it begins |
//! | --- | --- |
//! | the field `Last-Event-ID` | after that event |
//! | `?last-event-id=ID` | the same, where a field can't be set |
//! | `?history=N` | with the newest N events |
//! | nothing | with the next event |
//!
//! The field comes first, since an `EventSource` that comes back sends it to the address that it
//! was given, and that has its old query. In a query its name may be spelled in any common way:
//! case, `-` and `_` don't matter. Other parameters are ignored, as scripts and proxies add some
//! of their own against caches.

use std::time::Duration;

use tidings::{Reply, Request, Response, SseWriter, Start};

use super::options::NAME_RULE;
use super::query;
use super::refuse::bad_request;
use super::routes::Channels;

/// The longest name, so that a name fits a line of any tool.
const LONGEST_NAME: usize = 128;

/// A stream is looked at for each event of each of its channels; 64 are more than a page needs.
const MOST_CHANNELS: usize = 64;

/// Channels are forgotten about as seldom, so coming back earlier is of little use.
const COME_BACK: Duration = Duration::from_secs(15);

/// Where a stream begins: a [`Start`] that owns its id.
#[derive(Debug, PartialEq, Eq)]
enum Begin {
    Live,
    After(String),
    Newest(usize),
}

/// `1*128( ALPHA / DIGIT / "." / "_" / "~" / "-" )`: what stands in a path without encoding.
pub(super) fn is_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(good)
}

pub(super) fn check_name(name: &str) -> Result<(), Response> {
    match is_name(name) {
        true => Ok(()),
        false => Err(bad_request(format_args!("{name:?} is not a channel's name: {NAME_RULE}"))),
    }
}

/// Answers with the stream of the channel in the path.
pub(super) fn one(hub: &Channels, request: &Request) -> Result<Reply, Response> {
    let name = request.param("name").unwrap_or_default();
    if request.query("channel").is_some() {
        return Err(bad_request(
            "name the channels in the path or in the query, not in both: \
             /events?channel=A&channel=B, or /events/A",
        ));
    }
    stream(hub, vec![name.into()], begin(request)?)
}

/// Answers with the stream of the channels in the query.
pub(super) fn several(hub: &Channels, request: &Request) -> Result<Reply, Response> {
    let names: Vec<String> = request.query_all("channel").take(MOST_CHANNELS + 1).collect();
    match names.len() {
        0 => Err(bad_request("name the channels: /events?channel=A&channel=B, or /events/A")),
        1..=MOST_CHANNELS => stream(hub, names, begin(request)?),
        _ => Err(bad_request(format_args!("one stream may follow {MOST_CHANNELS} channels"))),
    }
}

fn stream(hub: &Channels, names: Vec<String>, begin: Begin) -> Result<Reply, Response> {
    names.iter().try_for_each(|name| check_name(name))?;
    let hub = hub.clone();
    // Runs only when there is a stream, so a HEAD makes no channel.
    Ok(Reply::event_stream(move |stream| {
        let peer = stream.peer().ip();
        let channels = names.iter().map(|name| hub.followed(name, peer));
        match channels.collect::<Option<Vec<_>>>() {
            Some(channels) => stream.follow(&channels, begin.start()),
            None => send_away(&stream),
        }
    }))
}

/// There are too many channels for another one. A browser's `EventSource` gives up for good on a
/// 503, so it gets a stream that tells it to come back later, and ends.
fn send_away(stream: &SseWriter) -> tidings::Result<()> {
    // Not all at once: ports differ.
    let later = Duration::from_secs(u64::from(stream.peer().port() % 30));
    stream.retry(COME_BACK + later)?;
    stream.close();
    Ok(())
}

fn begin(request: &Request) -> Result<Begin, Response> {
    let is_id = |(name, _): &(&str, &[u8])| name.eq_ignore_ascii_case("last-event-id");
    let text = |(name, id): (&str, &[u8])| (name.into(), String::from_utf8_lossy(id).into());
    query::one(request.head().fields().filter(is_id).map(text))?;
    let asked = query::last_event_id(request)?;
    let newest = query::value(request, "history")?.map(|count| newest(&count)).transpose()?;
    Ok(match (request.last_event_id(), asked) {
        (Some(id), _) => Begin::After(id.into()),
        (None, Some(id)) => Begin::After(id),
        (None, None) => newest.map_or(Begin::Live, Begin::Newest),
    })
}

fn newest(count: &str) -> Result<usize, Response> {
    let digits = count.bytes().all(|byte| byte.is_ascii_digit());
    match count.parse::<u32>() {
        Ok(count) if digits => Ok(count as usize),
        _ => Err(bad_request(format_args!(
            "history is how many of the newest events to begin with, and not {count:?}"
        ))),
    }
}

impl Begin {
    fn start(&self) -> Start<'_> {
        match self {
            Self::Live => Start::Live,
            Self::After(id) => Start::Behind(id),
            Self::Newest(count) => Start::Newest(*count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_needs_no_encoding() {
        for name in ["a", "A-Z.a_z~0", "..", &"n".repeat(128)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "a b", "a/b", "a%b", "é", "a\n", "a\0", "*", &"n".repeat(129)] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn the_length_of_the_history_is_a_number() {
        assert_eq!(newest("0").ok(), Some(0));
        assert_eq!(newest("4294967295").ok(), Some(4_294_967_295));
        for count in ["", "-1", "+1", "1.0", "a", "4294967296"] {
            assert!(newest(count).is_err(), "{count}");
        }
    }
}

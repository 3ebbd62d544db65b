//! Following channels.
//!
//! ```text
//! GET /events/NAME
//! GET /events?channel=NAME&channel=NAME...
//! ```
//!
//! In place of a name, `NAME.*` stands for all channels whose names begin with `NAME.`, and `*` for
//! all channels, those included that are made later.
//!
//! A stream begins, in this order of precedence:
//!
//! | with | it begins |
//! | --- | --- |
//! | the field `Last-Event-ID` | after that event |
//! | `?last-event-id=ID` | the same, where a field can't be set |
//! | `?history=N` | with the newest N events: [`Start::Newest`] |
//! | `?latest=N` | with the newest N events of each channel: [`Start::NewestOfEach`] |
//! | nothing | with the next event |
//!
//! The field comes first: an `EventSource` that reconnects sends it to the URL that it was given,
//! which has the old query.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use tidings::{Reply, Request, Response, SseWriter, Start};

use super::channels::{Channels, check_followed};
use super::guard::{Bound, Guard};
use super::query;
use super::refuse::bad_request;
use crate::cli::digits;

/// Each event of each of its channels costs a stream some work; 64 are more than a page needs.
const MOST_CHANNELS: usize = 64;

/// How long a client stays away that finds too many channels. The hub forgets unused channels about
/// as seldom, so coming back earlier is of little use.
const COME_BACK: Duration = Duration::from_secs(15);

pub(super) fn one(
    channels: &Channels,
    guard: &Guard,
    request: &Request,
) -> Result<Reply, Response> {
    let name = request.param("name").unwrap_or_default();
    if request.query("channel").is_some() {
        return Err(bad_request(
            "name the channels in the path or in the query, not in both: \
             /events?channel=A&channel=B, or /events/A",
        ));
    }
    stream(channels, guard, [name.into()], request)
}

pub(super) fn several(
    channels: &Channels,
    guard: &Guard,
    request: &Request,
) -> Result<Reply, Response> {
    let names: Vec<String> = request.query_all("channel").take(MOST_CHANNELS + 1).collect();
    match names.len() {
        0 => Err(bad_request("name the channels: /events?channel=A&channel=B, or /events/A")),
        1..=MOST_CHANNELS => stream(channels, guard, names, request),
        _ => Err(bad_request(format_args!("one stream may follow {MOST_CHANNELS} channels"))),
    }
}

fn stream(
    channels: &Channels,
    guard: &Guard,
    names: impl AsRef<[String]> + Send + 'static,
    request: &Request,
) -> Result<Reply, Response> {
    let Asked { begin, bound, needs_token } = Asked::of(guard, names.as_ref(), request)?;
    let channels = channels.clone();
    // Runs only when there is a stream, so a HEAD makes no channel.
    let reply = Reply::event_stream(move |stream| {
        let peer = stream.peer();
        let mut followed = Vec::new();
        for name in names.as_ref() {
            match channels.followed(name, peer)? {
                Some(channel) => followed.push(channel),
                None => return send_away(&stream),
            }
        }
        if let Some(bound) = bound {
            bound.set(&stream);
        }
        stream.follow(&followed, begin.start())
    });
    Ok(if needs_token { reply.no_store() } else { reply })
}

/// What is asked for, and may be.
struct Asked {
    begin: Begin,
    bound: Option<Box<Bound>>,
    needs_token: bool,
}

impl Asked {
    /// Stands apart, so that it is in the program once.
    #[inline(never)]
    fn of(guard: &Guard, names: &[String], request: &Request) -> Result<Self, Response> {
        let begin = Begin::of(request)?;
        names.iter().try_for_each(|name| check_followed(name)).map_err(bad_request)?;
        let bound = guard.check_follow(request, names)?;
        Ok(Self { begin, bound, needs_token: guard.needs_token(names) })
    }
}

/// There are too many channels for another one. A browser's `EventSource` gives up for good on a
/// 503, so it gets a stream that tells it to come back later, and ends.
fn send_away(stream: &SseWriter) -> tidings::Result<()> {
    // Each is told another time, so they don't all come back at once. Where the server itself sends
    // clients away, its `come_back_after` in `src/stream/runtime.rs` does the same.
    let later = Duration::from_secs(RandomState::new().build_hasher().finish() % 30);
    stream.retry(COME_BACK + later)?;
    stream.close();
    Ok(())
}

/// Where a stream is to begin.
#[derive(Debug)]
pub(super) struct Begin {
    last_event_id: Option<String>,
    /// How many of the newest events.
    newest: Option<usize>,
    /// How many of each channel.
    latest: Option<usize>,
}

impl Begin {
    pub(super) fn of(request: &Request) -> Result<Self, Response> {
        if request.head().field("last-event-id").is_some() {
            let is_id = |(name, _): &(&str, &[u8])| name.eq_ignore_ascii_case("last-event-id");
            let text =
                |(name, id): (&str, &[u8])| (name.into(), String::from_utf8_lossy(id).into());
            query::one(&mut request.head().fields().filter(is_id).map(text))?;
        }
        let asked = query::last_event_id(request)?;
        let [newest, latest] = ["history", "latest"].map(|name| count(request, name));
        let (newest, latest) = (newest?, latest?);
        if newest.is_some() && latest.is_some() {
            return Err(bad_request(
                "history is how many of the newest events of all channels to begin with, and \
                 latest how many of each channel: give one of them",
            ));
        }
        let last_event_id = request.last_event_id().map(Into::into).or(asked);
        Ok(Self { last_event_id, newest, latest })
    }

    /// The same for a feed, whose events are those of all channels.
    #[cfg(feature = "follow")]
    pub(super) fn of_feed(request: &Request) -> Result<Self, Response> {
        match Self::of(request)? {
            Self { latest: Some(_), .. } => {
                Err(bad_request("the feed can't begin with the latest events of each channel"))
            }
            begin => Ok(begin),
        }
    }

    pub(super) fn start(&self) -> Start<'_> {
        match (&self.last_event_id, self.newest, self.latest) {
            (Some(id), ..) => Start::After(id),
            (None, Some(count), _) => Start::Newest(count),
            (None, None, Some(each)) => Start::NewestOfEach(each),
            (None, None, None) => Start::Live,
        }
    }
}

/// What a parameter says, if it is given, that is a number of events.
fn count(request: &Request, name: &str) -> Result<Option<usize>, Response> {
    let is_it = |(given, _): &(String, String)| given == name;
    let given = query::one(&mut request.query_pairs().filter(is_it))?;
    given.map(|count| newest(name, &count)).transpose()
}

fn newest(name: &str, count: &str) -> Result<usize, Response> {
    match digits::<u32>(count) {
        Some(count) => Ok(count as usize),
        None => Err(bad_request(format_args!(
            "{name} is how many of the newest events to begin with, and not {count:?}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_the_history_is_a_number() {
        assert_eq!(newest("history", "0").ok(), Some(0));
        assert_eq!(newest("history", "4294967295").ok(), Some(4_294_967_295));
        for count in ["", "-1", "+1", "1.0", "a", "4294967296"] {
            assert!(newest("history", count).is_err(), "{count}");
        }
    }
}

//! *Pure*: events as entries of the stream in Redis, both ways.
//!
//! ```text
//! XADD tidings:hub … c news  d rain  t 1764314275000  e weather  r 3000  k 7f3a
//!                    channel data    time in ms       type       retry   idempotency key
//! ```
//!
//! The last three are left out where the event has none. Redis stores the names of fields once for
//! some forty entries, if all of these have the same ones in the same order: so what is written
//! here has. An event of 64 bytes then takes 100 bytes in Redis.
//!
//! An epoch begins with an entry that is no event: it has one field, `lost`.
//!
//! **What others add** is read with its fields in any order, and may have more of them; of two
//! fields of one name the first counts. Without `t`, the time is that of the entry's id. An entry
//! is no event, and left out, if it has no `c` or `d`, if these or `e` are not UTF-8, or if `c` or
//! `e` is a text that the wire can't carry (CR, LF, NUL). `t` and `r` count only if they are
//! numbers.

use std::borrow::Cow;
use std::time::Duration;

use super::resp::Reply;
use crate::event::{Event, EventType};
use crate::log::id::{Id, number};

/// The longest name of a channel, in bytes.
const LONGEST_NAME: usize = 1024;

/// The fields that are read: channel, data, time, type, reconnection time, and what is lost.
const NAMES: [&str; 6] = ["c", "d", "t", "e", "r", LOST];

/// The field of a [mark](super::rules): the greatest id that is known to be lost, or nothing.
pub(crate) const LOST: &str = "lost";

/// Whether a channel of this name can be in the stream.
pub(crate) fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME && !name.contains(['\r', '\n', '\0'])
}

/// The names and values that an event is written as, at this time in milliseconds since 1970.
pub(crate) fn fields<'a>(
    channel: &'a str,
    event: &'a Event,
    time: u64,
    key: Option<&'a str>,
) -> Vec<(&'static str, Cow<'a, str>)> {
    let milliseconds = |of: Duration| u64::try_from(of.as_millis()).unwrap_or(u64::MAX);
    let mut fields =
        vec![("c", channel.into()), ("d", event.data().into()), ("t", time.to_string().into())];
    fields.extend(event.event_type().map(|name| ("e", name.into())));
    fields.extend(event.retry().map(|retry| ("r", milliseconds(retry).to_string().into())));
    fields.extend(key.map(|key| ("k", key.into())));
    fields
}

/// What an entry is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Event {
        channel: String,
        event: Event,
        /// In milliseconds since 1970, if it says so.
        time: Option<u64>,
    },
    /// The beginning of an epoch, and the greatest id that is known to be lost before it.
    Mark(Option<Id>),
    /// It would be an event if it were not too large to be received.
    TooLarge,
    /// No event.
    Other,
}

/// What the names and values of an entry mean.
pub(crate) fn read(fields: Reply) -> Entry {
    let Reply::Array(fields) = fields else {
        return if fields == Reply::Oversized { Entry::TooLarge } else { Entry::Other };
    };
    let mut values = NAMES.map(|_| None);
    let mut fields = fields.into_iter();
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        let known = NAMES.iter().position(|known| name.text() == Some(known));
        if let Some(at) = known {
            values[at].get_or_insert(value);
        }
    }
    let [channel, data, time, event_type, retry, lost] = values;
    if let (None, None, Some(Reply::Text(lost))) = (&channel, &data, &lost) {
        return Entry::Mark(str::from_utf8(lost).ok().and_then(Id::parse));
    }
    if data == Some(Reply::Oversized) && matches!(channel, Some(Reply::Text(_))) {
        return Entry::TooLarge;
    }
    let number = |value: Option<Reply>| number(value?.text()?);
    let (time, retry) = (number(time), number(retry));
    event(channel, data, event_type, retry).map_or(Entry::Other, |(channel, event)| Entry::Event {
        channel,
        event,
        time,
    })
}

fn event(
    channel: Option<Reply>,
    data: Option<Reply>,
    event_type: Option<Reply>,
    retry: Option<u64>,
) -> Option<(String, Event)> {
    let channel = channel?.into_text().filter(|name| is_name(name))?;
    let mut event = Event::new(data?.into_text()?);
    if let Some(name) = event_type {
        event = event.with_type(EventType::new(name.into_text()?).ok()?);
    }
    if let Some(retry) = retry {
        event = event.with_retry(Duration::from_millis(retry));
    }
    Some((channel, event))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(event: &Event, time: u64, key: Option<&str>) -> Vec<String> {
        let fields = fields("news", event, time, key);
        fields.into_iter().flat_map(|(name, value)| [name.to_owned(), value.into()]).collect()
    }

    fn text(part: impl AsRef<[u8]>) -> Reply {
        Reply::Text(part.as_ref().to_vec())
    }

    fn read(parts: &[impl AsRef<[u8]>]) -> Entry {
        super::read(Reply::Array(parts.iter().map(text).collect()))
    }

    fn full() -> Event {
        let event = Event::new("heavy\nrain").with_retry(Duration::from_secs(3));
        event.with_type(EventType::new("weather").unwrap())
    }

    #[test]
    fn an_event_is_written_in_the_same_fields_in_the_same_order() {
        let event = Event::new("rain");
        let parts = written(&event, 1_764_314_275_000, None);
        assert_eq!(parts, ["c", "news", "d", "rain", "t", "1764314275000"]);

        let parts = written(&full(), 5, Some("7f3a"));
        let all = "c news d heavy\nrain t 5 e weather r 3000 k 7f3a";
        assert_eq!(parts, all.split(' ').collect::<Vec<_>>());
    }

    #[test]
    fn an_entry_is_read_as_the_event_that_was_written() {
        for event in [Event::new(""), Event::new("rain"), full()] {
            let parts = written(&event, 5, Some("7f3a"));
            assert_eq!(read(&parts), Entry::Event { channel: "news".into(), event, time: Some(5) });
        }
    }

    #[test]
    fn fields_of_others_come_in_any_order_and_the_first_of_a_name_counts() {
        let entry = read(&["x", "1", "d", "rain", "e", "", "c", "news", "c", "other", "", "y"]);
        let (channel, event) = ("news".into(), Event::new("rain"));
        assert_eq!(entry, Entry::Event { channel, event, time: None });
    }

    #[test]
    fn a_time_or_reconnection_time_that_is_no_number_counts_for_nothing() {
        let entry = read(&["c", "news", "d", "rain", "t", "now", "r", "-1"]);
        let (channel, event) = ("news".into(), Event::new("rain"));
        assert_eq!(entry, Entry::Event { channel, event, time: None });
    }

    #[test]
    fn an_entry_that_the_wire_cannot_carry_is_no_event() {
        let long = "n".repeat(LONGEST_NAME + 1);
        let none: [&[&[u8]]; 9] = [
            &[],
            &[b"c", b"news"],
            &[b"d", b"rain"],
            &[b"c", b"news", b"d", b"\xff"],
            &[b"c", b"\xff", b"d", b"rain"],
            &[b"c", b"two\nlines", b"d", b"rain"],
            &[b"c", long.as_bytes(), b"d", b"rain"],
            &[b"c", b"news", b"d", b"rain", b"e", b"a\rb"],
            &[b"c", b"news", b"d", b"rain", b"e", b"\xff"],
        ];
        for parts in none {
            assert_eq!(read(parts), Entry::Other, "{parts:?}");
        }
    }

    #[test]
    fn an_event_that_is_too_large_is_told_from_what_is_no_event() {
        for (name, is_event) in [("d", true), ("e", false), ("c", false)] {
            let fields = [text("c"), text("news"), text(name), Reply::Oversized];
            let [c, news, name, large] = fields;
            let fields = match name.text() {
                Some("c") => vec![name, large, text("d"), text("rain")],
                _ => vec![c, news, name, large, text("d"), text("rain")],
            };
            let entry = super::read(Reply::Array(fields));
            assert_eq!(entry, if is_event { Entry::TooLarge } else { Entry::Other });
        }
        assert_eq!(super::read(Reply::Oversized), Entry::TooLarge);
        let others = ["a picture", "c", "news", "d", "rain"].map(text);
        let mut others = others.to_vec();
        others.insert(1, Reply::Oversized);
        let entry = super::read(Reply::Array(others));
        assert!(matches!(entry, Entry::Event { .. }), "what means nothing may be of any size");
    }
}

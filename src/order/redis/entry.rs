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
//! **What others add** is read with its fields in any order, and may have more of them; of two
//! fields of one name the first counts. Without `t`, the time is that of the entry's id. An entry
//! is no event, and left out, if it has no `c` or `d`, if these or `e` are not UTF-8, or if `c` or
//! `e` is a text that the wire can't carry (CR, LF, NUL). `t` and `r` count only if they are
//! numbers.

use std::time::Duration;

use crate::digits::Digits;
use crate::event::{Event, EventType};
use crate::log::id::number;

/// The longest name of a channel, in bytes.
const LONGEST_NAME: usize = 1024;

/// Whether a channel of this name can be in the stream.
pub(crate) fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME && !name.contains(['\r', '\n', '\0'])
}

/// What an entry is written of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) channel: &'a str,
    pub(crate) event: &'a Event,
    /// In milliseconds since 1970.
    pub(crate) time: u64,
    pub(crate) key: Option<&'a str>,
}

impl Draft<'_> {
    /// How many names and values [`each`](Self::each) gives.
    pub(crate) fn count(&self) -> usize {
        let optional =
            [self.event.event_type().is_some(), self.event.retry().is_some(), self.key.is_some()];
        6 + 2 * optional.iter().filter(|is| **is).count()
    }

    /// Gives each field's name, and then its value.
    pub(crate) fn each(&self, mut put: impl FnMut(&[u8])) {
        let mut field = |name: &str, value: &[u8]| {
            put(name.as_bytes());
            put(value);
        };
        field("c", self.channel.as_bytes());
        field("d", self.event.data().as_bytes());
        field("t", Digits::decimal(self.time).as_bytes());
        if let Some(name) = self.event.event_type() {
            field("e", name.as_bytes());
        }
        if let Some(retry) = self.event.retry() {
            let milliseconds = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX);
            field("r", Digits::decimal(milliseconds).as_bytes());
        }
        if let Some(key) = self.key {
            field("k", key.as_bytes());
        }
    }
}

/// An entry as it is read, piece by piece.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    /// Of the field whose value is next.
    name: Option<Name>,
    channel: Option<Vec<u8>>,
    data: Option<Vec<u8>>,
    event_type: Option<Vec<u8>>,
    retry: Option<u64>,
    time: Option<u64>,
    /// The field whose value was too large to be received.
    oversized: Option<Name>,
}

/// The fields that mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Channel,
    Data,
    Time,
    Type,
    Retry,
}

/// What an entry is, if it is an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) channel: String,
    pub(crate) event: Event,
    /// In milliseconds since 1970, if it says so.
    pub(crate) time: Option<u64>,
}

impl Fields {
    /// Takes a field's name. Its value follows.
    pub(crate) fn name(&mut self, name: &[u8]) {
        self.name = match name {
            b"c" => Some(Name::Channel),
            b"d" => Some(Name::Data),
            b"t" => Some(Name::Time),
            b"e" => Some(Name::Type),
            b"r" => Some(Name::Retry),
            _ => None,
        };
    }

    pub(crate) fn value(&mut self, value: &[u8]) {
        let number = || std::str::from_utf8(value).ok().and_then(number);
        match self.name.take() {
            Some(Name::Channel) => keep(&mut self.channel, value),
            Some(Name::Data) => keep(&mut self.data, value),
            Some(Name::Type) => keep(&mut self.event_type, value),
            Some(Name::Time) => self.time = self.time.or_else(number),
            Some(Name::Retry) => self.retry = self.retry.or_else(number),
            None => {}
        }
    }

    /// The value is too large to be received.
    pub(crate) fn oversized(&mut self) {
        self.oversized = self.oversized.or(self.name.take());
    }

    /// Whether it would be an event if its data were not too large.
    pub(crate) fn lacks_data(&self) -> bool {
        self.oversized == Some(Name::Data) && self.channel.is_some()
    }

    /// The event that the fields are, and begins the next entry.
    pub(crate) fn take(&mut self) -> Option<Entry> {
        let Self { channel, data, event_type, retry, time, oversized, .. } = std::mem::take(self);
        if oversized.is_some() {
            return None;
        }
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).ok();
        let channel = text(channel?).filter(|name| is_name(name))?;
        let mut event = Event::new(text(data?)?);
        if let Some(name) = event_type {
            event = event.with_type(EventType::new(text(name)?).ok()?);
        }
        if let Some(retry) = retry {
            event = event.with_retry(Duration::from_millis(retry));
        }
        Some(Entry { channel, event, time })
    }
}

fn keep(place: &mut Option<Vec<u8>>, value: &[u8]) {
    place.get_or_insert_with(|| value.to_vec());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(draft: &Draft<'_>) -> Vec<String> {
        let mut parts = Vec::new();
        draft.each(|part| parts.push(String::from_utf8(part.to_vec()).unwrap()));
        assert_eq!(parts.len(), draft.count());
        parts
    }

    fn read(parts: &[impl AsRef<[u8]>]) -> Option<Entry> {
        let mut fields = Fields::default();
        for pair in parts.chunks_exact(2) {
            fields.name(pair[0].as_ref());
            fields.value(pair[1].as_ref());
        }
        fields.take()
    }

    fn full() -> Event {
        let event = Event::new("heavy\nrain").with_retry(Duration::from_secs(3));
        event.with_type(EventType::new("weather").unwrap())
    }

    #[test]
    fn an_event_is_written_in_the_same_fields_in_the_same_order() {
        let event = Event::new("rain");
        let draft = Draft { channel: "news", event: &event, time: 1_764_314_275_000, key: None };
        assert_eq!(written(&draft), ["c", "news", "d", "rain", "t", "1764314275000"]);

        let draft = Draft { channel: "news", event: &full(), time: 5, key: Some("7f3a") };
        let all = "c news d heavy\nrain t 5 e weather r 3000 k 7f3a";
        assert_eq!(written(&draft), all.split(' ').collect::<Vec<_>>());
    }

    #[test]
    fn an_entry_is_read_as_the_event_that_was_written() {
        for event in [Event::new(""), Event::new("rain"), full()] {
            let draft = Draft { channel: "news", event: &event, time: 5, key: Some("7f3a") };
            let entry = Entry { channel: "news".into(), event: event.clone(), time: Some(5) };
            assert_eq!(read(&written(&draft)), Some(entry));
        }
    }

    #[test]
    fn fields_of_others_come_in_any_order_and_the_first_of_a_name_counts() {
        let entry = read(&["x", "1", "d", "rain", "e", "", "c", "news", "c", "other", "", "y"]);
        let event = Event::new("rain");
        assert_eq!(entry, Some(Entry { channel: "news".into(), event, time: None }));
    }

    #[test]
    fn a_time_or_reconnection_time_that_is_no_number_counts_for_nothing() {
        let entry = read(&["c", "news", "d", "rain", "t", "now", "r", "-1"]).unwrap();
        assert_eq!((entry.time, entry.event.retry()), (None, None));
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
            assert_eq!(read(parts), None, "{parts:?}");
        }
    }

    fn with(fields: &mut Fields, name: &str, value: &str) {
        fields.name(name.as_bytes());
        fields.value(value.as_bytes());
    }

    #[test]
    fn after_an_entry_the_next_one_begins_without_fields() {
        let mut fields = Fields::default();
        with(&mut fields, "c", "news");
        with(&mut fields, "e", "weather");
        assert_eq!(fields.take(), None);
        with(&mut fields, "d", "rain");
        assert_eq!(fields.take(), None);
    }

    #[test]
    fn an_event_whose_data_is_too_large_is_told_from_what_is_no_event() {
        for (name, lacks) in [("d", true), ("e", false), ("c", false)] {
            let mut fields = Fields::default();
            with(&mut fields, "c", "news");
            fields.name(name.as_bytes());
            fields.oversized();
            with(&mut fields, "d", "rain");
            assert_eq!((fields.lacks_data(), fields.take()), (lacks, None), "{name}");
            assert!(!fields.lacks_data());
        }
        let mut fields = Fields::default();
        ["c", "d"].iter().for_each(|name| with(&mut fields, name, "x"));
        fields.name(b"a picture");
        fields.oversized();
        assert!(fields.take().is_some(), "what means nothing may be as large as it likes");
    }
}

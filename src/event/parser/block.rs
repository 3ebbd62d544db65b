//! The fields of one event, from its lines to its dispatch.
//!
//! ```text
//! data        appended, and LF      ┐
//! event       kept for this event   ├ at the blank line they become one MessageEvent
//! id          kept until replaced   ┘
//! retry       sets the reconnection time at once, and is told with the next event
//! channel     kept for this event, for whoever follows a hub's feed; no rule of the standard's
//! ```
//!
//! A field that no rule knows is ignored, and so is an `id` with NUL in it and a `retry` that is
//! not all digits.
//!
//! The standard decodes the whole stream from UTF-8, with U+FFFD for what is malformed. We decode
//! one value at a time, which comes to the same: a value is cut at CR, LF, colon and space, these
//! are ASCII, and an ASCII byte always stands for itself and ends a malformed sequence before it.
//! Only whole lines are decoded, so a character that came in two pieces is whole again.

use std::str;
use std::sync::Arc;
use std::time::Duration;

use super::{KEPT, MessageEvent, TooLong};

/// The event so far, and what outlives it: the ids and the reconnection time.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// The lines of the event so far, each followed by an LF: empty only if there was none.
    data: String,
    /// Empty where the event named none.
    event_type: String,
    /// Empty where the event named none.
    channel: String,
    /// The reconnection time that the event so far has set.
    retry: Option<Duration>,
    /// That of a block without data, which the next event tells of.
    untold: Option<Duration>,
    /// The id named last. Only the next blank line makes it the last event ID.
    pub(super) id: String,
    /// Shared by the events that wait, lest a long id with many tiny events after it be copied
    /// for each of them.
    pub(super) last_event_id: Arc<str>,
    pub(super) reconnection_time: Option<Duration>,
}

impl Block {
    /// Takes an id that was named before this stream.
    pub(super) fn resume(&mut self, id: &str) {
        self.id = id.into();
        self.last_event_id = id.into();
    }

    /// Drops what is unfinished, and keeps what outlives a connection.
    pub(super) fn start_over(&mut self) {
        *self = Self {
            id: self.last_event_id.as_ref().into(),
            last_event_id: Arc::clone(&self.last_event_id),
            reconnection_time: self.reconnection_time,
            untold: self.untold,
            ..Self::default()
        };
    }

    /// Takes a line without its end; the event and its channel if the line was blank and there is
    /// one.
    pub(super) fn take_line(
        &mut self,
        line: &[u8],
        max_event: usize,
    ) -> Result<Option<(MessageEvent, String)>, TooLong> {
        if line.is_empty() {
            return Ok(self.dispatch());
        }
        let (name, value) = match line.iter().position(|&byte| byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[line.len()..]),
        };
        self.take_field(name, value.strip_prefix(b" ").unwrap_or(value), max_event)?;
        Ok(None)
    }

    /// A comment comes here as a field without a name, which no rule knows.
    fn take_field(&mut self, name: &[u8], value: &[u8], max_event: usize) -> Result<(), TooLong> {
        match name {
            b"data" => {
                decode(value, &mut self.data);
                if self.data.len() > max_event {
                    return Err(TooLong::Event);
                }
                self.data.push('\n');
            }
            b"event" => {
                self.event_type.clear();
                decode(value, &mut self.event_type);
            }
            b"id" if !value.contains(&b'\0') => {
                self.id.clear();
                decode(value, &mut self.id);
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                self.retry = Some(milliseconds(value));
                self.reconnection_time = self.retry;
            }
            b"channel" => {
                self.channel.clear();
                decode(value, &mut self.channel);
            }
            _ => {}
        }
        Ok(())
    }

    /// What a blank line does. The event has no last event ID yet: that is copied into its place
    /// when it is taken.
    fn dispatch(&mut self) -> Option<(MessageEvent, String)> {
        if *self.last_event_id != self.id {
            self.last_event_id = self.id.as_str().into();
        }
        self.untold = self.retry.take().or(self.untold);
        let event = self.data.strip_suffix('\n').map(|data| MessageEvent {
            event_type: if self.event_type.is_empty() { "message" } else { &self.event_type }
                .into(),
            data: data.into(),
            last_event_id: String::new(),
            retry: self.untold.take(),
        });
        self.data.clear();
        self.data.shrink_to(KEPT);
        self.event_type.clear();
        let channel = std::mem::take(&mut self.channel);
        event.map(|event| (event, channel))
    }
}

fn decode(value: &[u8], text: &mut String) {
    match str::from_utf8(value) {
        Ok(valid) => text.push_str(valid),
        Err(_) => text.push_str(&String::from_utf8_lossy(value)),
    }
}

/// A number too large to be told stands for the longest time there is.
fn milliseconds(digits: &[u8]) -> Duration {
    let number = digits.iter().fold(0_u64, |number, digit| {
        number.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
    });
    Duration::from_millis(number)
}

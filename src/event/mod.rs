//! The event stream format, both ways: [`encode`] writes it, [`parser`] reads it.
//!
//! An event stream is UTF-8 text made of lines. A blank line ends an event; every other line is a
//! comment or a field of the event. This is all of its grammar (HTML standard, section 9.2.5):
//!
//! ```text
//! stream      = [ bom ] *event
//! event       = *( comment / field ) end-of-line
//! comment     = ":" *any-char end-of-line
//! field       = 1*name-char [ ":" [ space ] *any-char ] end-of-line
//! end-of-line = CR LF / CR / LF
//! ```
//!
//! Four field names mean something; all others are ignored:
//!
//! ```text
//! id: 17           the last event ID, with which a client that comes back asks for the rest
//! event: number    the event type, "message" where there is none
//! retry: 3000      the reconnection time, in milliseconds
//! data: one        the data; several such lines are joined by LF
//! data: two
//!                  the blank line: the client dispatches the event
//! ```
//!
//! Nothing can be escaped. So a line break in an id or an event type can't be sent, and is refused
//! when the value is made; one in the data starts another `data` line. A reader must take three
//! line ends for the same; we write LF alone, since some clients look for nothing else.
//!
//! # Event
//!
//! What can be sent: data, and perhaps an event type, an id and a reconnection time.
//!
//! An event type and an id each fill one line, and the grammar has no way to write a line break
//! within one. If a caller's CR or LF went out there, the rest of the value would be read as fields
//! or events of its own; and an id with NUL in it is ignored by every reader. So both are types
//! whose constructors refuse those three. Data is free: it is split at line breaks, one field for
//! each line, and the reader joins them again.
//!
//! ```
//! use std::time::Duration;
//! use tidings::{Event, EventId, EventType};
//!
//! # fn main() -> tidings::Result<()> {
//! let event = Event::new("first line\r\nsecond line")
//!     .with_id(EventId::new("17")?)
//!     .with_type(EventType::new("report")?)
//!     .with_retry(Duration::from_secs(3));
//!
//! assert_eq!(
//!     String::from_utf8_lossy(&event.to_bytes()),
//!     "id: 17\nevent: report\nretry: 3000\ndata: first line\ndata: second line\n\n",
//! );
//! assert!(EventId::new("17\ndata: smuggled").is_err());
//! # Ok(())
//! # }
//! ```

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

pub(crate) mod encode;
pub(crate) mod line;
pub(crate) mod parser;

use crate::error::{Error, Result};

/// The name under which a client's code listens for an event.
///
/// Names are compared to the letter, in any script. An empty one is the same as none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventType(Cow<'static, str>);

impl EventType {
    /// Makes an event type; a literal is not copied.
    ///
    /// # Errors
    ///
    /// If the name holds CR, LF or NUL.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Result<Self> {
        let name = name.into();
        check("an event type", &name)?;
        Ok(Self(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a client that comes back sends as `Last-Event-ID`, so that it gets what came after.
///
/// An id that a channel gives has the form `<epoch>-<sequence>`: two decimal numbers, ordered as a
/// pair. An epoch is one start of a hub, or of a channel that is in none, and the sequence counts
/// the events of all channels since then, from 1. Epochs are random in memory, and rise with a
/// journal.
///
/// An empty one makes the client forget the id that it had.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventId(String);

impl EventId {
    /// Makes an event id.
    ///
    /// # Errors
    ///
    /// If the id holds CR, LF or NUL.
    pub fn new(id: impl Into<String>) -> Result<Self> {
        let id = id.into();
        check("an event id", &id)?;
        Ok(Self(id))
    }

    /// An id that a channel has drawn, which holds digits and a hyphen.
    pub(crate) fn of_channel(id: String) -> Self {
        Self(id)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(what: &str, value: &str) -> Result<()> {
    if value.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | b'\0')) {
        return Err(Error::invalid_value(format!(
            "{what} must not contain CR, LF or NUL, as they end a field: {value:?}"
        )));
    }
    Ok(())
}

/// What is shown and taken as its text.
macro_rules! texts {
    ($($text:ty),*) => {$(
        impl fmt::Display for $text {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $text {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<$text> for String {
            fn from(text: $text) -> Self {
                text.0.into()
            }
        }
    )*};
}

texts!(EventType, EventId);

/// One event, ready to be sent any number of times.
///
/// What a parser makes of its bytes is exactly this event, whatever its data is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Never the empty type, which could not be told from none on the wire.
    event_type: Option<EventType>,
    id: Option<EventId>,
    /// Its line breaks are LF alone.
    data: String,
    /// How many lines the data has: one more than it has line breaks.
    lines: usize,
    /// Whole milliseconds, and no more of them than a `u64` holds.
    retry: Option<Duration>,
}

impl Event {
    /// Makes an event of its data, which may be any text, or empty.
    ///
    /// CR, LF and CRLF are line breaks alike, and CRLF is one. The wire can't tell them apart, so
    /// they all become LF here:
    ///
    /// ```
    /// # use tidings::Event;
    /// assert_eq!(Event::new("a\r\nb\rc\nd").data(), "a\nb\nc\nd");
    /// ```
    pub fn new(data: impl Into<String>) -> Self {
        let (mut data, mut lines) = (data.into(), 1);
        if may_have_breaks(&data) {
            if data.contains('\r') {
                data = with_lf(&data);
            }
            lines += data.matches('\n').count();
        }
        Self { event_type: None, id: None, data, lines, retry: None }
    }

    /// Sets the event type. Defaults to none, which clients take for `message`.
    #[must_use]
    pub fn with_type(mut self, event_type: EventType) -> Self {
        self.event_type = Some(event_type).filter(|name| !name.as_str().is_empty());
        self
    }

    /// Sets the id, which replaces the client's last event ID. Defaults to none, which leaves the
    /// client's as it was.
    ///
    /// A channel numbers its events itself, and sends its own id in place of this one.
    #[must_use]
    pub fn with_id(mut self, id: EventId) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the reconnection time: how long the client waits before it comes back when its
    /// connection has ended. What is less than a millisecond is cut off. Defaults to none, which
    /// leaves the client's as it was.
    #[must_use]
    pub fn with_retry(mut self, time: Duration) -> Self {
        self.retry = Some(Duration::from_millis(milliseconds(time)));
        self
    }

    /// The event type, if one was set that is not empty.
    pub fn event_type(&self) -> Option<&str> {
        self.event_type.as_ref().map(EventType::as_str)
    }

    /// The id, if one was set.
    pub fn id(&self) -> Option<&str> {
        self.id.as_ref().map(EventId::as_str)
    }

    /// The data, whose line breaks are LF.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The reconnection time, if one was set.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }
}

/// Whether a text has a line break, or another character that is no greater. Most texts have none:
/// so this does not stop at the first, and can look at many bytes at once.
fn may_have_breaks(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | (byte <= b'\r'))
}

fn with_lf(data: &str) -> String {
    let mut text = String::with_capacity(data.len());
    for line in line::all(data) {
        text.push_str(line);
        text.push('\n');
    }
    text.pop();
    text
}

/// The longest reconnection time stands for all that are longer.
fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What can be sent as an event.
///
/// | value | is |
/// | --- | --- |
/// | a `&str`, `String` or `&String` | its data |
/// | `(type, data)` | an event type and the data |
/// | `(id, type, data)` | all three |
/// | an [`Event`] or `&Event` | itself |
///
/// The data and the id of a tuple may be anything that can be displayed: text, a number, a type of
/// your own. Its type may be anything that becomes a `String`; an [`EventType`] does as well. (A
/// large `String` is moved, and not copied, as data alone or in an [`Event`].)
///
/// ```
/// use tidings::IntoEvent;
///
/// let event = ("number", 17).into_event()?;
/// assert_eq!(event.to_bytes(), b"event: number\ndata: 17\n\n");
/// # Ok::<(), tidings::Error>(())
/// ```
///
/// Types of your own can implement the trait:
///
/// ```
/// use tidings::{Event, IntoEvent, Result};
///
/// struct Temperature(f32);
///
/// impl IntoEvent for Temperature {
///     fn into_event(self) -> Result<Event> {
///         ("temperature", format!("{:.1}", self.0)).into_event()
///     }
/// }
///
/// let event = Temperature(21.46).into_event()?;
/// assert_eq!(event.to_bytes(), b"event: temperature\ndata: 21.5\n\n");
/// # Ok::<(), tidings::Error>(())
/// ```
pub trait IntoEvent {
    /// Makes the event.
    ///
    /// # Errors
    ///
    /// If an event type or an id holds CR, LF or NUL.
    fn into_event(self) -> Result<Event>;
}

impl IntoEvent for Event {
    fn into_event(self) -> Result<Event> {
        Ok(self)
    }
}

impl IntoEvent for &Event {
    fn into_event(self) -> Result<Event> {
        Ok(self.clone())
    }
}

macro_rules! data {
    ($($text:ty),*) => {$(
        impl IntoEvent for $text {
            fn into_event(self) -> Result<Event> {
                Ok(Event::new(self))
            }
        }
    )*};
}

data!(&str, String, &String);

impl<T: Into<String>, D: fmt::Display> IntoEvent for (T, D) {
    fn into_event(self) -> Result<Event> {
        let (event_type, data) = self;
        Ok(Event::new(data.to_string()).with_type(EventType::new(event_type.into())?))
    }
}

impl<I: fmt::Display, T: Into<String>, D: fmt::Display> IntoEvent for (I, T, D) {
    fn into_event(self) -> Result<Event> {
        let (id, event_type, data) = self;
        Ok((event_type, data).into_event()?.with_id(EventId::new(id.to_string())?))
    }
}

#[cfg(test)]
mod tests;

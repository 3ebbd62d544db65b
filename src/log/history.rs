//! How much of its past a channel keeps: by count, by bytes and by age.

use std::time::Duration;

use super::FRAMING;
use crate::error::{Error, Result};
use crate::event::Event;

/// How much of its past a channel keeps.
///
/// What is kept serves streams that come back with a last event ID and streams that read slowly.
/// The newest event is kept even if it alone has more bytes, until it is too old. So a channel
/// takes memory for `bytes` or one largest [`event`](Self::event), whichever is more; for one more
/// such event that streams are still being sent when it has left the log; and 48 bytes for each
/// event that it keeps.
///
/// ```
/// use std::time::Duration;
/// use tidings::{Channel, History};
///
/// let history = History::default().events(100).bytes(64 * 1024).age(Duration::from_secs(60));
/// let channel = Channel::with_history(history);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
    pub(crate) age: Duration,
    pub(crate) event: usize,
}

/// Enough for a client that comes back after a minute, at a dozen events a second.
const EVENTS: usize = 1_000;
/// A thousand events of a kilobyte; what one channel may cost in memory.
const BYTES: usize = 1024 * 1024;
/// A client that has been away for longer is better served by the state than by its changes.
const AGE: Duration = Duration::from_secs(60 * 60);
/// What one event may cost the log, a batch and the socket. A body of as many bytes in one line is
/// seven bytes past it: its `data: ` and its line ends count too.
const EVENT: usize = 1024 * 1024;

impl Default for History {
    fn default() -> Self {
        Self { events: EVENTS, bytes: BYTES, age: AGE, event: EVENT }
    }
}

impl History {
    /// The newest event alone, whatever its age: for a channel that says how something is now.
    /// A new stream begins with it ([`Start::NewestOfEach`]), and a lagging stream skips to it
    /// ([`Lag::Conflate`]). To lag is to have more than one event unread; on a stream of a pattern
    /// ([`Hub::matching`]), more than 1,000.
    ///
    /// ```
    /// use tidings::{Channel, History, Lag};
    ///
    /// let temperature = Channel::with(History::latest(), Lag::Conflate);
    /// temperature.send("20.5")?;
    /// temperature.send("20.6")?;
    /// assert_eq!(temperature.kept(), 1);
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// A hub never forgets a channel that has such an event. Where the names are not its own,
    /// bound how many it makes ([`Hub::channel_within`]).
    ///
    /// [`Start::NewestOfEach`]: crate::Start::NewestOfEach
    /// [`Lag::Conflate`]: crate::Lag::Conflate
    /// [`Hub::channel_within`]: crate::Hub::channel_within
    /// [`Hub::matching`]: crate::Hub::matching
    pub fn latest() -> Self {
        Self::default().events(1).age(Duration::MAX)
    }

    /// How many events are kept. Defaults to 1,000.
    #[must_use]
    pub fn events(mut self, events: usize) -> Self {
        self.events = events;
        self
    }

    /// How many bytes of encoded events are kept. Defaults to 1 MiB.
    #[must_use]
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// How many bytes one event may take, as it goes over the wire without the line of its id and
    /// without chunk framing: each line of its data costs seven bytes more. A larger one is not
    /// published: [`Channel::send`](crate::Channel::send) fails, and
    /// [`is_too_large`](crate::Error::is_too_large) says so. Defaults to 1 MiB.
    #[must_use]
    pub fn event(mut self, event: usize) -> Self {
        self.event = event;
        self
    }

    /// How long an event is kept, at least a second, so that it can be delivered;
    /// [`Duration::MAX`] is for ever. Defaults to one hour.
    #[must_use]
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age.max(Duration::from_secs(1));
        self
    }

    /// That of a log which has the events of many channels that keep so much: `times` as many, in
    /// `times` as many bytes, each of which may be `longer` than theirs.
    pub(crate) fn of_many(self, times: usize, longer: usize) -> Self {
        Self {
            events: self.events.saturating_mul(times),
            bytes: self.bytes.saturating_mul(times),
            age: self.age,
            event: self.event.saturating_add(longer),
        }
    }

    /// Returns how many bytes the events take without ids. Fails if one is larger than it may be;
    /// or if there are so many that the first would be gone by the time the last is appended,
    /// before a stream could be sent them.
    pub(crate) fn check(&self, events: &[Event]) -> Result<usize> {
        if let [event] = events {
            return event.check_len(None, self.event);
        }
        let mut bytes = 0;
        for event in events {
            bytes += event.check_len(None, self.event)?;
        }
        let kept = bytes + events.len() * FRAMING;
        if events.len() > self.events {
            return Err(Error::batch_too_large("events", events.len(), self.events));
        }
        if kept > self.bytes {
            return Err(Error::batch_too_large("bytes", kept, self.bytes));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(history: History, events: usize, data: usize) -> Result<(), String> {
        let events = vec![Event::new("x".repeat(data)); events];
        let checked = history.check(&events).map_err(|error| error.to_string());
        checked.map(|bytes| assert_eq!(bytes, events.len() * events[0].len_with(None)))
    }

    #[test]
    fn limit_history_a_batch_is_no_more_than_is_kept() {
        // An event takes its data, 8 bytes, and room for its id and its chunk.
        let history = History::default().events(3).bytes(3 * (8 + 100 + FRAMING)).event(1000);
        assert_eq!(check(history, 3, 100), Ok(()));
        let too_many = "the batch is too large: it takes 4 events of its channel's history, which \
                        keeps 3, so its first events would be gone before a stream could be sent \
                        them; publish it in parts";
        assert_eq!(check(history, 4, 10), Err(too_many.into()));
        let too_long = too_many.replace("4 events", "711 bytes").replace("keeps 3", "keeps 708");
        assert_eq!(check(history, 3, 101), Err(too_long));
        assert_eq!(check(history, 1, 900), Ok(()), "one alone is kept whatever it takes");
        assert!(check(history, 2, 1000).is_err_and(|error| error.starts_with("the event is too")));
    }
}

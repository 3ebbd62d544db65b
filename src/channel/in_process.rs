//! Reading a channel in this process: an iterator over its events, on the thread that asks.
//!
//! ```text
//! publisher ─► log ─► group of the inline shard ─► note that there is news, wake
//!               │                                                           │
//!               └── log[cursor..] ─► parser ─► event ◄── ChannelReader ◄────┘
//! ```
//!
//! It is one more [`Reader`], whose place in the channel is a [`Subscription`] like that of a
//! stream. But nobody sends it anything: whoever publishes notes that there is news, and the
//! reader's own thread reads the log, and the past of its hub. So a publisher never waits for it,
//! and a reader that rests costs nothing but its place in the list.
//!
//! **No wake-up is lost.** The reader takes the news before it reads the log; a publisher appends
//! to the log before it brings news. So what the reader doesn't find in the log is announced later.
//! A channel is closed before its readers are told, and nothing is appended after that: whoever was
//! told and then finds nothing has read everything.

use std::fmt;
use std::io::{self, ErrorKind};
use std::iter::FusedIterator;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::Channel;
use super::batches::Batches;
use super::fanout::Shard;
use super::reader::{Advance, Reader};
use super::subscription::Subscription;
use crate::error::{CloseReason, Error, Result};
use crate::event::parser::{MessageEvent, Parser};
use crate::log::batch::{Batch, Rest};
use crate::log::cursor::{Evicted, Start};
use crate::net::moment::Moment;
use crate::net::sync::{Condvar, Instant, Mutex, MutexGuard, PoisonError};
use crate::order::past;

/// The events of a channel, read in this process: made by [`Channel::reader`].
///
/// As an iterator it blocks until there is another event. It ends when the channel is closed, after
/// the events that came before that. It also ends after an error. Events are what a client would
/// get over the wire: where some are gone, the reader is told by an event of type `tidings.gap`.
///
/// It keeps no events of its own but those of the read before: like a stream, it is a place in the
/// channel's log. If it reads more slowly than others publish, its next event leaves the log, and
/// the channel's [`Lag`](crate::Lag) says what happens then. Nobody who publishes waits for it.
///
/// It holds its channel. Dropping it leaves the channel, so there is no more to close or to join.
pub struct ChannelReader {
    subscription: Subscription,
    waiting: Arc<Waiting>,
    batches: Batches,
    parser: Parser,
    last_channel: String,
    /// Nothing more is read.
    is_over: bool,
}

/// What publishers know of a reader.
struct Waiting {
    /// No other lock is taken while this one is held.
    state: Mutex<State>,
    /// Notified when there is news, and at the end. The reader's thread waits for both.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Something was appended since the reader has begun to read.
    news: bool,
    /// Nothing more will be.
    ended: bool,
}

impl Channel {
    /// Reads the channel in this process: an iterator over the events after `start`, for tests,
    /// logs, and bridges to something else. It has no thread: whoever asks it for an event waits.
    ///
    /// It may be a channel of [`Hub::matching`](crate::Hub::matching) or
    /// [`Hub::feed`](crate::Hub::feed) too. In a hub with a journal it reads from there what has
    /// left the channel's log. A closed channel gives what it still has, and then its end. The
    /// reader counts as one of the channel's [`streams`](Self::streams).
    ///
    /// ```
    /// use tidings::{Channel, Start};
    ///
    /// let news = Channel::new();
    /// let mut reader = news.reader(Start::Live)?;
    /// news.send(("headline", "rain"))?;
    /// let event = reader.next().expect("an event")?;
    /// assert_eq!((&*event.event_type, &*event.data), ("headline", "rain"));
    ///
    /// news.close();
    /// assert!(reader.next().is_none());
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where the channel's order lies elsewhere, when nobody can say now what comes after `start`
    /// ([`is_unavailable`](Error::is_unavailable)).
    pub fn reader(&self, start: Start<'_>) -> Result<ChannelReader> {
        let (subscription, first) = Subscription::new(std::slice::from_ref(self), start)?;
        // Whoever publishes in this process has no bound for an event but the channel's.
        let mut parser = Parser::new().max_line(usize::MAX).max_event(usize::MAX);
        parser.feed(&first.content)?;
        let waiting = Arc::new(Waiting { state: Mutex::default(), changed: Condvar::new() });
        let followed = subscription.followed.clone();
        let mut reader = ChannelReader {
            subscription,
            waiting,
            batches: Batches::default(),
            parser,
            last_channel: String::new(),
            is_over: false,
        };
        followed.enter(&(Arc::clone(&reader.waiting) as _), |joined| {
            reader.subscription.followed = joined;
            Ok(())
        });
        Ok(reader)
    }
}

impl ChannelReader {
    /// The next event, if it comes within this time; `None` once the channel is closed and all its
    /// events were read. With no time at all it gives an event that is there.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tidings::{Channel, Start};
    ///
    /// let news = Channel::new();
    /// let mut reader = news.reader(Start::Live)?;
    /// let late = reader.next_within(Duration::from_millis(1)).unwrap_err();
    /// assert!(late.is_timeout());
    ///
    /// news.send("rain")?;
    /// news.close();
    /// assert_eq!(reader.next_within(Duration::ZERO)?.expect("an event").data, "rain");
    /// assert_eq!(reader.next_within(Duration::ZERO)?, None);
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the time is over ([`is_timeout`](Error::is_timeout)): it can be asked again. When the
    /// reader lags on a channel with [`Lag::Close`](crate::Lag::Close), or the journal of
    /// its hub can't be read: that is its end, and another one may go on after its
    /// [`last_event_id`](Self::last_event_id). The first of these is told as a stream is:
    /// [`close_reason`](Error::close_reason) gives [`CloseReason::Lagged`].
    pub fn next_within(&mut self, time: Duration) -> Result<Option<MessageEvent>> {
        self.take(Some(time))
    }

    /// The id after which another reader, or a client, would get what this one has not given out;
    /// where it began, if it has given out none.
    pub fn last_event_id(&self) -> &str {
        self.parser.taken_last_event_id()
    }

    /// The name of the channel that the newest event was published on, where this reads
    /// [`Hub::feed`](crate::Hub::feed); empty elsewhere.
    pub fn last_channel(&self) -> &str {
        &self.last_channel
    }

    /// The next event, or `None` at the end; an error if it doesn't come within this time.
    fn take(&mut self, within: Option<Duration>) -> Result<Option<MessageEvent>> {
        // A time that no clock can tell is for ever.
        let deadline = within.and_then(|time| Instant::now().checked_add(time));
        loop {
            if let Some((event, channel)) = self.parser.next_with_channel() {
                self.last_channel = channel;
                return Ok(Some(event));
            }
            if self.is_over {
                return Ok(None);
            }
            // Before the log is read.
            let has_ended = self.waiting.take_news();
            let has_read = self.read().inspect_err(|_| self.is_over = true)?;
            if self.parser.has_event() {
                continue;
            }
            self.is_over = has_ended && !has_read;
            let is_late = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
            let late = if has_read { is_late() } else { !self.waiting.wait(deadline) };
            if late && !self.is_over {
                let time = within.unwrap_or_default();
                return Err(Error::timed_out(format!("no event came within {time:?}")));
            }
        }
    }

    /// Gives the parser the next batch; `false` if there is none.
    fn read(&mut self) -> Result<bool> {
        self.batches.forget();
        match self.subscription.next(true, &mut self.batches) {
            Ok(batch) => {
                self.subscription.cursor = batch.cursor;
                self.parser.feed(batch.bytes())?;
                Ok(!batch.bytes().is_empty())
            }
            Err(Evicted::Lagged) => Err(Error::closed(CloseReason::Lagged)),
            Err(Evicted::Past) => self.read_past().map(|()| true),
        }
    }

    /// Gives the parser what comes next in the past of the hub.
    fn read_past(&mut self) -> Result<()> {
        let Self { subscription: Subscription { followed, cursor }, parser, .. } = self;
        let lagged = || Error::closed(CloseReason::Lagged);
        let past = followed.past().filter(|_| past::IS_BUILT_IN).ok_or_else(lagged)?;
        if followed.closes() && past.has_lost(cursor.place) {
            return Err(lagged());
        }
        let unreadable = |error: io::Error| match error.kind() {
            ErrorKind::NotFound => lagged(),
            _ => Error::io("can't read the past of the hub", error),
        };
        let (names, mut batch, mut piece) = (followed.names(), Batch::default(), Vec::new());
        past.read(&names, *cursor, true, &mut batch).map_err(unreadable)?;
        parser.feed(batch.bytes())?;
        // Of a large event, the batch has only the beginning.
        let mut at = batch.bytes().len();
        while let Rest::Past(part, _) = batch.rest(at..batch.len()) {
            piece.clear();
            past.read_part(&names, &part, &mut piece).map_err(unreadable)?;
            parser.feed(&piece)?;
            at += piece.len();
        }
        *cursor = batch.cursor;
        Ok(())
    }
}

impl Iterator for ChannelReader {
    type Item = Result<MessageEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take(None).transpose()
    }
}

impl FusedIterator for ChannelReader {}

impl Drop for ChannelReader {
    fn drop(&mut self) {
        self.subscription.followed.leave(self.waiting.shard());
    }
}

impl fmt::Debug for ChannelReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last_event_id = &self.last_event_id();
        f.debug_struct("ChannelReader")
            .field("last_event_id", last_event_id)
            .finish_non_exhaustive()
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing more will be appended. What is appended from now on is news again.
    fn take_news(&self) -> bool {
        let mut state = self.lock();
        state.news = false;
        state.ended
    }

    /// Waits for news or the end; `false` if the deadline passes first.
    fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut state = self.lock();
        while !state.news && !state.ended {
            state = match deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }
}

impl Reader for Waiting {
    fn shard(&self) -> &Arc<Shard> {
        Shard::inline()
    }

    /// Brings news.
    fn advance(&self, _newest: u64, _batches: &mut Batches, _now: Moment) -> Advance {
        // Only one thread waits, and it is woken once.
        if !mem::replace(&mut self.lock().news, true) {
            self.changed.notify_one();
        }
        Advance::Idle
    }

    fn settle(self: Arc<Self>, _advance: Advance) {}

    fn channel_closed(self: Arc<Self>) {
        self.end(CloseReason::Channel);
    }

    fn end(&self, _reason: CloseReason) {
        self.lock().ended = true;
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests;

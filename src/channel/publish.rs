//! Publishing: one event or several in one step, and once for each idempotency key.
//!
//! ```text
//! append to the order, which delivers to the log ─► pass: here if the streams are few,
//!                                                         else on the fan-out threads
//! ```

use std::sync::Arc;

use super::{Channel, Inner};
use crate::error::Result;
use crate::event::{Event, EventId, IntoEvent};
use crate::log::id::Id;
use crate::net::moment::Moment;
use crate::order::keys::{self, Begun};
use crate::order::{Appended, Post, PostKey};

/// A publisher sends to the streams of a channel itself if there are no more than this. It costs
/// some 30 µs to wake a thread instead. That is little beside the sends to more streams, which take
/// over half a millisecond: so the publisher leaves those to the threads.
pub(super) const FEW: usize = 128;

impl Channel {
    /// Publishes an event: appends it to the log under a new id, and sends it to every stream that
    /// follows the channel. The id replaces one that the event has.
    ///
    /// It never waits for a peer: a stream that does not take it now gets it later, or a gap event.
    /// Where no more than 128 streams follow the channel, and they are not being sent to already,
    /// it sends to them itself, for a few milliseconds at most. Otherwise the fan-out threads do,
    /// one for each core. In a hub with a journal, it first waits until the event is written, and
    /// synced if that was asked for: for ten seconds at most while others write, and then for as
    /// long as the disk takes.
    ///
    /// # Errors
    ///
    /// When the channel is closed ([`is_channel_closed`]), when the event is larger than
    /// [`History::event`] allows ([`is_too_large`]), or an id or type holds CR, LF or NUL. In a hub
    /// with a journal, also when that can't take the event ([`is_storage_full`],
    /// [`is_storage_failed`]), or the channel's name can't stand in one line. What failed was not
    /// published, but for a journal whose sync failed: it may have the event after a restart.
    ///
    /// [`is_channel_closed`]: crate::Error::is_channel_closed
    /// [`is_too_large`]: crate::Error::is_too_large
    /// [`History::event`]: crate::History::event
    /// [`is_storage_full`]: crate::Error::is_storage_full
    /// [`is_storage_failed`]: crate::Error::is_storage_failed
    #[inline]
    pub fn send(&self, event: impl IntoEvent) -> Result<EventId> {
        let event = event.into_event()?;
        let appended = self.append(std::slice::from_ref(&event), None)?;
        self.pass(appended.at);
        Ok(EventId::of_channel(appended.text))
    }

    /// Publishes several events, all or none of them: they are adjacent in the order of the hub,
    /// so no stream is sent another channel's event between two of them. Returns their ids. No
    /// events at all are published without an id.
    ///
    /// ```
    /// let channel = tidings::Channel::new();
    /// let ids = channel.send_all([("price", "17"), ("volume", "4")])?;
    /// assert!(ids[0].as_str().ends_with("-1") && ids[1].as_str().ends_with("-2"));
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send). And when there are more of them than the channel's [`History`]
    /// keeps events, or than it keeps bytes, at 128 bytes more for each than it has without an id:
    /// the first would be gone before a stream could be sent them ([`is_too_large`]).
    ///
    /// [`History`]: crate::History
    /// [`is_too_large`]: crate::Error::is_too_large
    pub fn send_all<E: IntoEvent>(
        &self,
        events: impl IntoIterator<Item = E>,
    ) -> Result<Vec<EventId>> {
        let events = all(events)?;
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let appended = self.append(&events, None)?;
        self.pass(appended.at);
        Ok(ids(appended.first, appended.count))
    }

    /// Publishes events as [`send_all`](Self::send_all) does, once for each key: whoever does not
    /// know whether a call came through makes it again under the same key. Where the events were
    /// published within the last five minutes, the ids of that time are returned, and nothing is
    /// published. A call that failed is not remembered.
    ///
    /// Of several calls with one key at the same time, one publishes and the others wait for it,
    /// for five seconds at most. Each channel has keys of its own, and a hub knows 100,000 of all
    /// its channels at once.
    ///
    /// ```
    /// let orders = tidings::Channel::new();
    /// let first = orders.send_once("e5b3c2", ["order 17"])?;
    /// assert_eq!(orders.send_once("e5b3c2", ["order 17"])?, first, "nothing was published");
    /// assert!(orders.send_once("e5b3c2", ["order 18"]).unwrap_err().is_key_reused());
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for `send_all`. And when the key is not 1 to 255 characters of printable ASCII
    /// ([`is_invalid`]), when it was used for other events
    /// ([`is_key_reused`]), when the call that others wait for takes too long, or when too many
    /// keys are known.
    ///
    /// [`is_invalid`]: crate::Error::is_invalid
    /// [`is_key_reused`]: crate::Error::is_key_reused
    pub fn send_once<E: IntoEvent>(
        &self,
        key: &str,
        events: impl IntoIterator<Item = E>,
    ) -> Result<Vec<EventId>> {
        let events = all(events)?;
        let Inner { order, sequence, log, .. } = &*self.0;
        let name = log.name().unwrap_or_default();
        let digest = keys::digest(name, &events);
        let claim = match order.keys().begin(name, key, digest, || sequence.now())? {
            Begun::New(claim) => claim,
            Begun::Again { first, count } => return Ok(ids(first, count)),
        };
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let Appended { first, count, at, .. } =
            self.append(&events, Some(PostKey { key, digest }))?;
        claim.finish(first, count, sequence.time(at));
        self.pass(at);
        Ok(ids(first, count))
    }

    fn append(&self, events: &[Event], key: Option<PostKey<'_>>) -> Result<Appended> {
        self.0.order.append(&self.0.log, &Post { events, key })
    }

    /// Brings what was appended at this time to the streams, and to those of the channel's views.
    pub(super) fn pass(&self, at: Moment) {
        let now = self.0.pass_alone(at);
        if self.0.log.feeds_views() {
            self.0.log.views().pass(now);
        }
    }
}

impl Inner {
    /// Brings what was appended at this time to the streams of this channel alone. Returns what is
    /// `now` after it.
    pub(super) fn pass_alone(&self, at: Moment) -> Moment {
        let (groups, streams) = {
            let groups = self.lock_groups();
            (Arc::clone(&groups.list), groups.streams)
        };
        groups.iter().fold(at, |now, group| group.publish(streams <= FEW, now))
    }
}

fn all<E: IntoEvent>(events: impl IntoIterator<Item = E>) -> Result<Vec<Event>> {
    events.into_iter().map(IntoEvent::into_event).collect()
}

/// The ids of so many adjacent events.
fn ids(first: Id, count: usize) -> Vec<EventId> {
    let sequences = (0..count as u64).map(|further| first.sequence.wrapping_add(further));
    sequences.map(|sequence| event_id(Id { sequence, ..first })).collect()
}

fn event_id(id: Id) -> EventId {
    EventId::of_channel(id.text().into_string())
}

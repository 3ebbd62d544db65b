//! The order of a hub that remembers nothing: an event is in it once it has its number.
//!
//! The number is drawn while the channel's log is locked, so a reader who holds the logs of several
//! channels sees all numbers up to the newest. No lock spans the hub.

use std::sync::Arc;

use super::keys::Keys;
use super::sequence::Sequence;
use super::shared_log::SharedLog;
use super::{Appended, Order, Post};
use crate::error::Result;
use crate::log::id::Id;
use crate::net::moment::Moment;

/// One for each hub, and for each channel that is in none.
pub(crate) struct Memory {
    sequence: Arc<Sequence>,
    keys: Keys<Id>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self { sequence: Arc::new(Sequence::new()), keys: Keys::new() }
    }
}

impl Order for Memory {
    fn sequence(&self) -> &Arc<Sequence> {
        &self.sequence
    }

    fn keys(&self) -> &Keys<Id> {
        &self.keys
    }

    fn append(&self, to: &Arc<SharedLog>, post: &Post<'_>) -> Result<Appended> {
        let mut log = to.lock();
        to.admit(&log, post)?;
        let count = post.events.len();
        let first = self.sequence.draw(count as u64);
        let at = Moment::now();
        let events = (first..).zip(post.events).map(|(place, event)| {
            let id = self.sequence.id(place).text();
            let len = event.len_with(Some(id.as_str()));
            (len, move |out: &mut Vec<u8>| event.encode_with(Some(id.as_str()), out))
        });
        to.append(&mut log, first, self.sequence.time(at), events);
        Ok(Appended { first: self.sequence.id(first), count, at })
    }
}

//! The batches of one slice of a pass, so that streams at the same place share one.

use crate::log::batch::Batch;
use crate::log::cursor::{Cursor, Evicted};

/// What a batch is read for. Streams whose keys are the same are sent the same bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a> {
    /// The numbers of all channels that the stream follows, in order. No two channels alive have
    /// the same.
    pub(crate) numbers: &'a [u64],
    pub(crate) cursor: Cursor,
    /// Whether the stream has no chunk framing (HTTP/1.0).
    pub(crate) plain: bool,
}

/// Most streams of a channel stand at the same place, so two batches are enough: one that they
/// share, and one for those elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    shared: Slot,
    own: Slot,
}

/// A batch, and the key that it was read for. The numbers keep their memory, so that a batch costs
/// no allocation.
#[derive(Debug, Default)]
struct Slot {
    /// The key's cursor, and whether it is plain; `None` while there is no batch.
    at: Option<(Cursor, bool)>,
    numbers: Vec<u64>,
    batch: Batch,
}

impl Slot {
    fn is_for(&self, key: &Key<'_>) -> bool {
        // One by one, as there is nearly always one: to compare slices takes a call.
        self.at == Some((key.cursor, key.plain)) && self.numbers.iter().eq(key.numbers)
    }

    fn fill(
        &mut self,
        key: Key<'_>,
        read: impl FnOnce(&mut Batch) -> Result<(), Evicted>,
    ) -> Result<(), Evicted> {
        // A read that fails has emptied the batch.
        self.at = None;
        read(&mut self.batch)?;
        self.numbers.clear();
        self.numbers.extend_from_slice(key.numbers);
        self.at = Some((key.cursor, key.plain));
        Ok(())
    }
}

impl Batches {
    /// The logs may have grown: nothing that was read before is served again. And one huge event
    /// does not hold its memory until the next.
    pub(crate) fn forget(&mut self) {
        for slot in [&mut self.shared, &mut self.own] {
            slot.at = None;
            slot.batch.give_back();
        }
    }

    /// A batch for one stream alone, and no other after it.
    pub(crate) fn alone(&mut self) -> &mut Batch {
        self.own.at = None;
        &mut self.own.batch
    }

    pub(crate) fn own(&self) -> &Batch {
        &self.own.batch
    }

    /// Whether the batch that many streams share is for this key.
    #[inline]
    pub(crate) fn is_shared(&self, key: &Key<'_>) -> bool {
        self.shared.is_for(key)
    }

    pub(crate) fn shared(&self) -> &Batch {
        &self.shared.batch
    }

    /// The batch for the key, which `read` fills if no stream was here before.
    #[inline]
    pub(crate) fn next(
        &mut self,
        key: Key<'_>,
        read: impl FnOnce(&mut Batch) -> Result<(), Evicted>,
    ) -> Result<&Batch, Evicted> {
        if self.shared.is_for(&key) {
            return Ok(&self.shared.batch);
        }
        let slot = if self.shared.at.is_some() { &mut self.own } else { &mut self.shared };
        if !slot.is_for(&key) {
            slot.fill(key, read)?;
        }
        Ok(&slot.batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Channel;
    use crate::channel::hub::Hub;
    use crate::channel::subscription::Subscription;
    use crate::log::History;
    use crate::log::cursor::{Lag, Start};

    fn live(channels: &[Channel]) -> Subscription {
        Subscription::new(channels, Start::Live).unwrap().0
    }

    #[test]
    fn a_stream_that_lags_does_not_empty_the_batch_of_the_next() {
        let channel = Channel::with(History::default().events(2), Lag::Close);
        let here = || live(std::slice::from_ref(&channel));
        let mut lags = here();
        channel.send("1").unwrap();
        let mut second = here();
        channel.send("2").unwrap();
        let mut third = here();
        channel.send("3").unwrap();

        let mut batches = Batches::default();
        assert_eq!(second.next(false, &mut batches).unwrap().events(), 2);
        assert_eq!(third.next(false, &mut batches).unwrap().events(), 1);
        assert!(lags.next(false, &mut batches).is_err());
        assert_eq!(third.next(false, &mut batches).unwrap().events(), 1);
    }

    #[test]
    fn streams_of_the_same_channels_share_a_batch_and_others_do_not() {
        let hub = Hub::new();
        let [a, b, c] = ["a", "b", "c"].map(|name| hub.channel(name));
        let follow = |channels: [&Channel; 2]| live(&channels.map(Channel::clone));
        let one = || live(std::slice::from_ref(&a));
        let streams = [follow([&a, &b]), follow([&a, &b]), follow([&a, &c]), one(), one()];
        a.send("1").unwrap();
        b.send("2").unwrap();

        let mut batches = Batches::default();
        let mut reads = 0;
        for (stream, events) in streams.iter().zip([2, 2, 1, 1, 1]) {
            let batch = batches.next(stream.key(false), |batch| {
                reads += 1;
                stream.read(false, batch)
            });
            assert_eq!(batch.unwrap().events(), events);
        }
        assert_eq!(reads, 3);
        // Another framing, and another place, are another batch.
        assert!(!batches.shared.is_for(&streams[0].key(true)));
        let mut ahead = live(&[a.clone(), b.clone()]);
        assert!(!batches.shared.is_for(&ahead.key(false)));
        ahead.cursor = streams[0].cursor;
        assert!(batches.shared.is_for(&ahead.key(false)));
    }
}

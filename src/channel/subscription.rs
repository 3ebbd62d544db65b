//! A stream's place in the channels that it follows.

use std::sync::{Arc, MutexGuard};

use super::Channel;
use super::batch::Batch;
use super::cursor::{self, Cursor, Lag, Lagged, Start};
use super::fanout::Shard;
use super::log::Log;
use crate::error::{CloseReason, Error, Result};
use crate::sse::stream::Stream;

/// The channels, all of one hub, and the cursor into them. Owned by the stream; the channels' own
/// lists of streams are joined and left with [`join`] and [`leave`].
#[derive(Debug)]
pub(crate) struct Subscription {
    /// At least one, in the order in which their logs are locked, none twice.
    channels: Box<[Channel]>,
    cursor: Cursor,
}

impl Subscription {
    /// Finds the place where a stream begins, and the content that says so to its client: the
    /// place's id; or where events from there on are gone, the gap event, which has that id too.
    pub(crate) fn new(channels: &[Channel], start: Start<'_>) -> Result<(Self, Vec<u8>)> {
        let mut channels = channels.to_vec();
        channels.sort_by_key(|channel| channel.0.number);
        channels.dedup_by_key(|channel| channel.0.number);
        let Some(first) = channels.first() else {
            return Err(Error::invalid("a stream must follow at least one channel"));
        };
        let sequence = Arc::clone(&first.0.sequence);
        if !channels.iter().all(|channel| Arc::ptr_eq(&channel.0.sequence, &sequence)) {
            return Err(Error::invalid(
                "a stream can only follow channels of one hub, as others have another order",
            ));
        }
        if channels.iter().any(Channel::is_closed) {
            return Err(Error::closed(CloseReason::Channel));
        }
        let mut logs = lock_all(&channels);
        logs.iter_mut().for_each(|log| log.evict(sequence.now()));
        let (cursor, gap) = cursor::start(&logs, sequence.epoch, sequence.newest(), start);
        drop(logs);
        let begin = || cursor::begin(sequence.epoch, cursor.sequence);
        let first = gap.map_or_else(begin, |gap| gap.content());
        Ok((Self { channels: channels.into(), cursor }, first))
    }

    pub(crate) fn channels(&self) -> &[Channel] {
        &self.channels
    }

    pub(crate) fn cursor(&self) -> Cursor {
        self.cursor
    }

    pub(crate) fn set_cursor(&mut self, cursor: Cursor) {
        self.cursor = cursor;
    }

    /// Fills the batch with what comes next.
    pub(crate) fn read(&self, plain: bool, batch: &mut Batch) -> Result<(), Lagged> {
        let epoch = self.channels[0].0.sequence.epoch;
        match &*self.channels {
            [channel] => {
                cursor::read(&[channel.log()], epoch, self.cursor, channel.0.lag, plain, batch)
            }
            channels => {
                let closes = channels.iter().any(|channel| channel.0.lag == Lag::Close);
                let lag = if closes { Lag::Close } else { Lag::Skip };
                cursor::read(&lock_all(channels), epoch, self.cursor, lag, plain, batch)
            }
        }
    }

    /// The one channel that it follows, as a key that no other channel alive has.
    pub(crate) fn only_channel(&self) -> Option<u64> {
        match &*self.channels {
            [channel] => Some(channel.0.number),
            _ => None,
        }
    }
}

/// Adds the stream to each channel's list.
pub(crate) fn join(channels: &[Channel], stream: &Arc<Stream>) {
    for channel in channels {
        channel.join(stream);
    }
}

/// Removes the stream from each channel's list.
pub(crate) fn leave(channels: &[Channel], stream: &Stream) {
    for channel in channels {
        channel.leave(stream);
    }
}

/// Has the shard's fan-out thread look at the channels' streams.
pub(crate) fn leave_to_the_thread(channels: &[Channel], shard: &Arc<Shard>) {
    for group in channels.iter().filter_map(|channel| channel.group_of(shard)) {
        group.leave_to_the_thread();
    }
}

fn lock_all(channels: &[Channel]) -> Vec<MutexGuard<'_, Log>> {
    channels.iter().map(Channel::log).collect()
}

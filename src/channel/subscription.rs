//! A stream's place in the channels that it follows.

use std::sync::Arc;

use super::Channel;
use super::batches::{Batches, Key};
use super::fanout::Shard;
use super::reader::{Advance, Reader};
use crate::error::{Error, Result};
use crate::log::Log;
use crate::log::batch::Batch;
use crate::log::cursor::{Cursor, Evicted, Lag, OnLag, Start};
use crate::log::gap::Reason;
#[cfg(any(feature = "redis", feature = "follow"))]
use crate::log::id::Found;
use crate::log::id::Id;
use crate::log::read::{self, First};
use crate::net::moment::Moment;
use crate::net::sync::{MutexGuard, Ordering};
use crate::order::past::{self, Of, Past};
use crate::order::sequence::Sequence;
use crate::order::shared_log::view;

/// What a stream follows, and its cursor into the logs. Owned by the stream.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// Replaced by a copy that has joined the channels.
    pub(crate) followed: Followed,
    pub(crate) cursor: Cursor,
}

/// At least one channel, all of one hub, in the order in which their logs are locked, none twice.
/// Nearly all streams follow one channel and need no more than this for it.
#[derive(Clone, Debug)]
pub(crate) enum Followed {
    One(Place),
    Many(Box<Many>),
}

/// A channel, and the stream's slot in its list once it has joined that.
type Place = (Channel, Option<u32>);

#[derive(Clone, Debug)]
pub(crate) struct Many {
    places: Box<[Place]>,
    numbers: Box<[u64]>,
}

/// How many batches a stream is sent in one go, when it begins or is no longer blocked. A publisher
/// may be as fast as its reader; then the rest is a fan-out thread's business.
const BATCHES: usize = 16;

impl Subscription {
    /// Finds the place where a stream begins, and the content that says so to its client: the
    /// place's id; or where events from there on are gone, the gap event, which has that id too.
    pub(crate) fn new(channels: &[Channel], start: Start<'_>) -> Result<(Self, First)> {
        let followed = Followed::new(channels)?;
        let sequence = followed.sequence();
        if !followed.channels().all(|channel| std::ptr::eq(&*channel.0.sequence, sequence)) {
            return Err(Error::invalid(
                "a stream can only follow channels of one hub, as others have another order",
            ));
        }
        if view::HAS_FEED && matches!(followed, Followed::Many(_)) && followed.has_feed() {
            return Err(Error::invalid(
                "a stream that follows a hub's feed can follow no other channel: the feed has the \
                 events of all",
            ));
        }
        #[cfg(any(feature = "redis", feature = "follow"))]
        followed.come_up_to(start)?;
        let (cursor, first) = match followed.past() {
            Some(past) => followed.start_with(past, start),
            None => followed.with_logs(|logs| {
                let now = sequence.now();
                logs.iter_mut().for_each(|log| log.evict(now));
                let (cursor, gap) = read::start(logs, sequence, sequence.newest(), start);
                (cursor, First::at(logs, sequence, start, cursor, gap.as_ref()))
            }),
        };
        Ok((Self { followed, cursor }, first))
    }

    /// Fills the batch with what comes next.
    pub(crate) fn read(&self, plain: bool, batch: &mut Batch) -> Result<(), Evicted> {
        let Self { followed, cursor } = self;
        let (sequence, on_lag) = (followed.sequence(), followed.on_lag());
        followed.with_logs(|logs| read::read(logs, sequence, *cursor, on_lag, plain, batch))
    }

    /// What the stream is to be sent next.
    pub(crate) fn next<'a>(
        &self,
        plain: bool,
        batches: &'a mut Batches,
    ) -> Result<&'a Batch, Evicted> {
        batches.next(self.key(plain), |batch| self.read(plain, batch))
    }

    /// Whether it has been sent everything that will ever come.
    pub(crate) fn has_all(&self, plain: bool) -> bool {
        // Asked first: nothing is appended after that.
        self.followed.is_over()
            && self.next(plain, &mut Batches::default()).is_ok_and(|batch| batch.bytes().is_empty())
    }

    pub(crate) fn key(&self, plain: bool) -> Key<'_> {
        let numbers = match &self.followed {
            Followed::One((channel, _)) => std::slice::from_ref(&channel.0.number),
            Followed::Many(many) => &many.numbers,
        };
        Key { numbers, cursor: self.cursor, plain }
    }
}

impl Followed {
    fn new(channels: &[Channel]) -> Result<Self> {
        if let [channel] = channels {
            return Ok(Self::One((channel.clone(), None)));
        }
        let mut places: Vec<Place> = Vec::with_capacity(channels.len());
        let views: Vec<_> = channels.iter().filter(|of| of.0.log.viewed().is_some()).collect();
        // A view has the events of others that are named too.
        let is_covered = |of: &&Channel| views.iter().any(|view| view.covers(of));
        for channel in channels.iter().filter(|channel| !is_covered(channel)) {
            // Each once, in order. A sort would be far more code.
            let number = |(channel, _): &Place| channel.0.number;
            if let Err(at) = places.binary_search_by_key(&channel.0.number, number) {
                places.insert(at, (channel.clone(), None));
            }
        }
        match places.len() {
            0 => Err(Error::invalid("a stream must follow at least one channel")),
            1 => Ok(Self::One(places.swap_remove(0))),
            _ => {
                let numbers = places.iter().map(|(channel, _)| channel.0.number).collect();
                Ok(Self::Many(Box::new(Many { places: places.into(), numbers })))
            }
        }
    }

    fn places(&self) -> &[Place] {
        match self {
            Self::One(place) => std::slice::from_ref(place),
            Self::Many(many) => &many.places,
        }
    }

    fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.places().iter().map(|(channel, _)| channel)
    }

    /// The order in which all the channels have their events.
    fn sequence(&self) -> &Sequence {
        &self.places()[0].0.0.sequence
    }

    fn has_feed(&self) -> bool {
        self.channels().any(|channel| channel.0.log.is_labelled())
    }

    /// What the hub remembers beyond the logs, if it does. Not to be read while a lock is held.
    pub(crate) fn past(&self) -> Option<&dyn Past> {
        let channel = &self.places()[0].0.0;
        (past::IS_BUILT_IN && channel.remembers).then(|| channel.order.past()).flatten()
    }

    /// The channels, as the past of a hub knows them.
    pub(crate) fn names(&self) -> Vec<Of<'_>> {
        self.channels().filter_map(|channel| channel.0.log.of()).collect()
    }

    /// Whether all channels are closed: a stream that has been sent everything has to end.
    pub(crate) fn is_over(&self) -> bool {
        self.channels().all(Channel::is_closed)
    }

    /// Whether a stream that has lost events is closed.
    pub(crate) fn closes(&self) -> bool {
        self.channels().any(|channel| channel.0.lag == Lag::Close)
    }

    fn on_lag(&self) -> OnLag {
        if self.past().is_some() {
            OnLag::Past
        } else if self.closes() {
            OnLag::Close
        } else {
            OnLag::Gap
        }
    }

    /// Finds where a stream begins in a hub that has a past. Any place that the past knows will do:
    /// what has left the logs comes from there, and so does word of what is gone.
    fn start_with(&self, past: &dyn Past, start: Start<'_>) -> (Cursor, First) {
        let (sequence, at) = (self.sequence(), |place| Cursor { place, seen: 0 });
        let place = match start {
            Start::Live => sequence.newest(),
            Start::Newest(count) => {
                let (kept, more, gone) =
                    self.with_logs(|logs| read::before_newest_kept(logs, sequence.newest(), count));
                let older = (more > 0).then(|| past.before_newest(&self.names(), more, gone));
                older.flatten().unwrap_or(kept)
            }
            Start::After(id) => {
                let known = Id::parse(id).ok_or(Reason::Restarted).and_then(|id| past.resume(id));
                match known {
                    Ok(place) => place,
                    Err(reason) => {
                        let gap = read::gap_before(sequence, id, at(past.beginning()), reason);
                        return (gap.resume, First::gap(&gap));
                    }
                }
            }
        };
        (at(place), First::id(sequence.id(place).text().as_str()))
    }

    /// Where the order lies elsewhere, another hub may be ahead of this one, and a client may come
    /// from there. Waits for what it has seen already.
    ///
    /// # Errors
    ///
    /// If nobody can say now whether that comes: whoever comes again with the same id loses
    /// nothing.
    #[cfg(any(feature = "redis", feature = "follow"))]
    fn come_up_to(&self, start: Start<'_>) -> Result<()> {
        let (Some(remote), Start::After(text)) = (self.places()[0].0.0.order.remote(), start)
        else {
            return Ok(());
        };
        let Some((id, _)) = read::split(text) else { return Ok(()) };
        let sequence = self.sequence();
        let has_come = || match sequence.find(id) {
            Found::At(place) => place <= sequence.newest(),
            found => found != Found::Ahead,
        };
        // An epoch that the hub doesn't know is as unknown with each of its numbers.
        let is_of_another = sequence.id(sequence.newest()).epoch != id.epoch;
        let asked = if is_of_another { Id { sequence: 0, ..id } } else { id };
        if has_come() || remote.wait(asked, has_come) {
            return Ok(());
        }
        Err(Error::unavailable(
            "the stream can't begin after an id that this hub has not come to: its order can't be \
             reached now, or too many others wait for it",
        ))
    }

    /// Locks all logs, for as long as this takes. One is locked without a list on the heap.
    fn with_logs<T>(&self, run: impl FnOnce(&mut [MutexGuard<'_, Log>]) -> T) -> T {
        match self {
            Self::One((channel, _)) => run(&mut [channel.log()]),
            Self::Many(_) => run(&mut self.channels().map(Channel::log).collect::<Vec<_>>()),
        }
    }

    /// The newest place that one of the channels has.
    fn newest(&self) -> u64 {
        let newest = |channel: &Channel| channel.0.log.newest().load(Ordering::Acquire);
        self.channels().map(newest).max().unwrap_or(0)
    }

    /// Has a stream, which has this subscription's cursor, join the channels. Until the stream is
    /// in a channel's list, publishers and `close` don't see it. So the order of the steps matters:
    /// the stream reads the logs after it has joined, and finds then if its channels are closed.
    /// `keep` has the stream keep its slots, to leave them at its end, or gives them back
    /// if the stream has ended.
    pub(crate) fn enter(
        &self,
        reader: &Arc<dyn Reader>,
        keep: impl FnOnce(Self) -> Result<(), Self>,
    ) {
        let mut joined = self.clone();
        joined.join(reader);
        if let Err(joined) = keep(joined) {
            // The stream ended before it had slots, so its end left none.
            return joined.leave(reader.shard());
        }
        if self.is_over() {
            return Arc::clone(reader).channel_closed();
        }
        self.catch_up(reader);
    }

    /// Adds the stream to each channel's list.
    fn join(&mut self, reader: &Arc<dyn Reader>) {
        let places = match self {
            Self::One(place) => std::slice::from_mut(place),
            Self::Many(many) => &mut many.places,
        };
        for (channel, slot) in places {
            *slot = Some(channel.join(Arc::clone(reader)));
        }
    }

    /// Removes a stream of this shard from the lists that it has joined.
    pub(crate) fn leave(&self, shard: &Arc<Shard>) {
        for (channel, slot) in self.places() {
            if let Some(slot) = slot {
                channel.leave(shard, *slot);
            }
        }
    }

    /// Sends the stream what its channels' logs have for it, and leaves what is too much to the
    /// shard's fan-out thread. Where all channels are closed it sends all of it: that has an end,
    /// which the stream is to find. No lock may be held.
    pub(crate) fn catch_up(&self, reader: &Arc<dyn Reader>) {
        let (mut batches, is_over) = (Batches::default(), self.is_over());
        let mut sent = 0;
        while is_over || sent < BATCHES {
            batches.forget();
            let newest = if is_over { u64::MAX } else { self.newest() };
            let advance = reader.advance(newest, &mut batches, Moment::now());
            Arc::clone(reader).settle(advance);
            if !(advance.has_more() || is_over && matches!(advance, Advance::Sent { .. })) {
                return;
            }
            sent += 1;
        }
        let shard = reader.shard();
        let groups = self.channels().filter_map(|channel| channel.lock_groups().of(shard));
        groups.for_each(|group| group.leave_to_the_thread());
    }
}

#[cfg(test)]
mod tests;

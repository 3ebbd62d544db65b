//! The channels that a stream follows, and how it joins and leaves them.

use std::sync::Arc;

use crate::channel::Channel;
use crate::channel::batches::Batches;
use crate::channel::fanout::Shard;
use crate::channel::reader::{Advance, Reader};
use crate::channel::survey::Survey;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::log::batch::Batch;
use crate::log::cursor::{Lag, OnLag};
use crate::log::id::Id;
use crate::net::moment::Moment;
use crate::net::sync::{MutexGuard, Ordering};
use crate::order::past::{self, Of, Past};
use crate::order::sequence::Sequence;
use crate::order::shared_log::SharedLog;

/// At least one channel, all of one hub, in the order in which their logs are locked, none twice.
/// Nearly all streams follow one channel and need no more than this for it.
#[derive(Clone, Debug)]
pub(crate) enum Followed {
    One(Place),
    Many(Box<Many>),
}

/// A channel, and the stream's slot in its list once it has joined that.
type Place = (Channel, Option<u32>);

/// Also one channel, while a stream is sent the newest events of each.
#[derive(Clone, Debug)]
pub(crate) struct Many {
    places: Box<[Place]>,
    numbers: Box<[u64]>,
    /// What the stream is sent before all else. Over once its cursor has come to the end of that.
    survey: Option<Survey>,
}

/// How many batches a stream is sent in one go, when it begins or is no longer blocked. A publisher
/// may be as fast as its reader; then the rest is a fan-out thread's business.
const BATCHES: usize = 16;

impl Followed {
    pub(super) fn new(channels: &[Channel]) -> Result<Self> {
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
        if places.is_empty() {
            return Err(Error::invalid("a stream must follow at least one channel"));
        }
        Ok(Self::of(places, None))
    }

    pub(super) fn of(mut places: Vec<Place>, survey: Option<Survey>) -> Self {
        if places.len() == 1 && survey.is_none() {
            return Self::One(places.swap_remove(0));
        }
        let numbers = places.iter().map(|(channel, _)| channel.0.number).collect();
        Self::Many(Box::new(Many { places: places.into(), numbers, survey }))
    }

    pub(super) fn places(&self) -> &[Place] {
        match self {
            Self::One(place) => std::slice::from_ref(place),
            Self::Many(many) => &many.places,
        }
    }

    pub(super) fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.places().iter().map(|(channel, _)| channel)
    }

    /// The order in which all the channels have their events.
    pub(super) fn sequence(&self) -> &Sequence {
        &self.places()[0].0.0.sequence
    }

    pub(crate) fn id(&self, place: u64) -> Id {
        self.sequence().id(place)
    }

    /// What the stream is sent before all else, if that may still be under way.
    pub(super) fn survey(&self) -> Option<Survey> {
        match self {
            Self::One(_) => None,
            Self::Many(many) => many.survey,
        }
    }

    /// The numbers of the channels.
    pub(super) fn numbers(&self) -> &[u64] {
        match self {
            Self::One((channel, _)) => std::slice::from_ref(&channel.0.number),
            Self::Many(many) => &many.numbers,
        }
    }

    pub(super) fn has_feed(&self) -> bool {
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

    /// What becomes of a stream that has lost events. All channels of a hub say the same.
    pub(super) fn lag(&self) -> Lag {
        self.places()[0].0.0.lag
    }

    /// Whether such a stream is closed.
    pub(crate) fn closes(&self) -> bool {
        self.lag() == Lag::Close
    }

    pub(super) fn on_lag(&self) -> OnLag {
        match self.lag() {
            Lag::Conflate => OnLag::Conflate,
            _ if self.past().is_some() => OnLag::Past,
            Lag::Close => OnLag::Close,
            Lag::Skip => OnLag::Gap,
        }
    }

    /// The logs whose events the channels have, of those that may have any after this place.
    pub(super) fn members(&self, after: u64) -> Vec<Arc<SharedLog>> {
        let mut logs = Vec::new();
        let has_more = |log: &&Arc<SharedLog>| log.newest().load(Ordering::Acquire) > after;
        for channel in self.channels() {
            let add = |of: &[Arc<SharedLog>]| logs.extend(of.iter().filter(has_more).cloned());
            channel.0.log.with_members(add);
        }
        logs
    }

    /// Fills a batch that has begun with what comes after its cursor in a survey.
    pub(super) fn fill(&self, survey: Survey, batch: &mut Batch) {
        let after = batch.cursor.place;
        let is_all = survey.fill(&self.members(after), after, self.sequence(), batch);
        batch.full = !is_all || self.newest() > survey.until.place;
    }

    /// Locks all logs, for as long as this takes. One is locked without a list on the heap.
    pub(super) fn with_logs<T>(&self, run: impl FnOnce(&mut [MutexGuard<'_, Log>]) -> T) -> T {
        match self {
            Self::One((channel, _)) => run(&mut [channel.log()]),
            Self::Many(_) => run(&mut self.channels().map(Channel::log).collect::<Vec<_>>()),
        }
    }

    /// The newest place that one of the channels has.
    pub(super) fn newest(&self) -> u64 {
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

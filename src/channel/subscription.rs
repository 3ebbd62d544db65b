//! A stream's place in the channels that it follows.

mod followed;

use super::Channel;
use super::batches::{Batches, Key};
use super::survey::Survey;
use crate::error::{Error, Result};
use crate::log::batch::Batch;
use crate::log::cursor::{Cursor, Evicted, Lag, OnLag, Start};
use crate::log::gap::Reason;
#[cfg(any(feature = "redis", feature = "follow"))]
use crate::log::id::Found;
use crate::log::id::Id;
use crate::log::read::{self, First};
use crate::order::past::Past;
use crate::order::shared_log::view;
pub(crate) use followed::Followed;

/// What a stream follows, and its cursor into the logs. Owned by the stream.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// Replaced by a copy that has joined the channels.
    pub(crate) followed: Followed,
    pub(crate) cursor: Cursor,
}

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
        if view::HAS_FEED && matches!(start, Start::NewestOfEach(_)) && followed.has_feed() {
            return Err(Error::invalid(
                "a stream of a hub's feed can't begin with the newest events of each channel: \
                 follow `Hub::matching(\"*\")` instead",
            ));
        }
        #[cfg(any(feature = "redis", feature = "follow"))]
        followed.come_up_to(start)?;
        let conflates = followed.lag() == Lag::Conflate;
        // For those who are told nothing it is not read, and only says which ids it has.
        let is_asked = !conflates || matches!(start, Start::After(_));
        let (cursor, first) = match followed.past().filter(|_| is_asked) {
            Some(past) => followed.start_with(past, start, conflates),
            None => followed.with_logs(|logs| {
                let now = sequence.now();
                logs.iter_mut().for_each(|log| log.evict(now));
                let newest = sequence.newest();
                let (cursor, gap) = read::start(logs, sequence, newest, start, conflates);
                // Where nothing is told, an id has not to say what was.
                let told = if conflates { &logs[..0] } else { &*logs };
                (cursor, First::at(told, sequence, start, cursor, gap.as_ref()))
            }),
        };
        let stream = Self { followed, cursor };
        match start {
            Start::NewestOfEach(each) => Ok(stream.surveying(each).unwrap_or((stream, first))),
            _ => Ok((stream, first)),
        }
    }

    /// The same live stream, which begins with the newest `each` of each channel, if there are any.
    fn surveying(&self, each: usize) -> Option<(Self, First)> {
        let Self { followed, cursor: until } = self;
        let (survey, sequence) = (Survey { until: *until, each }, followed.sequence());
        let place = survey.begin(&followed.members(0), sequence)?;
        let followed = Followed::of(followed.places().to_vec(), Some(survey));
        let first = First::id(sequence.id(place).text().as_str());
        Some((Self { followed, cursor: Cursor { place, seen: 0 } }, first))
    }

    /// Fills the batch with what comes next once no survey is under way.
    pub(crate) fn read(&self, plain: bool, batch: &mut Batch) -> Result<(), Evicted> {
        let Self { followed, cursor } = self;
        let (sequence, on_lag) = (followed.sequence(), followed.on_lag());
        let read =
            followed.with_logs(|logs| read::read(logs, sequence, *cursor, on_lag, plain, batch));
        match read {
            Err(Evicted::Lagged) if on_lag == OnLag::Conflate => {
                let place = followed.with_logs(|_| sequence.newest());
                followed.fill(Survey::of_all(Cursor { place, seen: 0 }), batch);
                Ok(())
            }
            read => read,
        }
    }

    /// What the stream is to be sent next. Nearly always another stream at the same place has had
    /// it, so that path is short, and inlined.
    #[inline]
    pub(crate) fn next<'a>(
        &mut self,
        plain: bool,
        batches: &'a mut Batches,
    ) -> Result<&'a Batch, Evicted> {
        if self.followed.survey().is_none() && batches.is_shared(&self.key(plain)) {
            return Ok(batches.shared());
        }
        self.next_of_its_own(plain, batches)
    }

    #[inline(never)]
    fn next_of_its_own<'a>(
        &mut self,
        plain: bool,
        batches: &'a mut Batches,
    ) -> Result<&'a Batch, Evicted> {
        if let Some(survey) = self.followed.survey()
            && self.go_on_with(survey, plain, batches.alone())
        {
            return Ok(batches.own());
        }
        batches.next(self.key(plain), |batch| self.read(plain, batch))
    }

    /// Fills the batch with what comes next of a survey. Returns whether there was anything; else
    /// the survey is over.
    #[cold]
    fn go_on_with(&mut self, survey: Survey, plain: bool, batch: &mut Batch) -> bool {
        let until = survey.until;
        batch.begin(self.cursor, plain);
        if self.cursor.place < until.place {
            self.followed.fill(survey, batch);
        }
        let is_over = batch.events() == 0;
        if is_over {
            self.followed = Followed::of(self.followed.places().to_vec(), None);
            // Its own events are not counted.
            if self.cursor.place <= until.place {
                self.cursor = until;
            }
        }
        !is_over
    }

    /// Whether it has been sent everything that will ever come.
    pub(crate) fn has_all(&mut self, plain: bool) -> bool {
        // Asked first: nothing is appended after that.
        self.followed.is_over()
            && self.next(plain, &mut Batches::default()).is_ok_and(|batch| batch.bytes().is_empty())
    }

    pub(crate) fn key(&self, plain: bool) -> Key<'_> {
        Key { numbers: self.followed.numbers(), cursor: self.cursor, plain }
    }
}

impl Followed {
    /// Finds where a stream begins in a hub that has a past. Any place that the past knows will do:
    /// what has left the logs comes from there, and so does word of what is gone.
    fn start_with(&self, past: &dyn Past, start: Start<'_>, conflates: bool) -> (Cursor, First) {
        let (sequence, at) = (self.sequence(), |place| Cursor { place, seen: 0 });
        let place = match start {
            // Those of each come before that.
            Start::Live | Start::NewestOfEach(_) => sequence.newest(),
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
                    Err(_) if conflates => 0,
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
}

#[cfg(test)]
mod tests;

//! What other threads see of a stream: its account, where it is, and how to end it.

use std::mem;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard};

use tidings::client::Closer;

use crate::cli::bench::books::account::Account;
use crate::cli::bench::values::churn::Churn;
use crate::cli::bench::wire::tally::{Tally, lock};
use crate::cli::seeded::Random;

/// What a stream's thread shares with the others.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Held for no longer than an event is entered.
    account: Mutex<Account>,
    source: Mutex<Source>,
    /// It resumes where it was cut.
    pub(crate) resumes: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) closer: Option<Closer>,
    pub(crate) place: Place,
    cut: bool,
}

/// Where a stream is. Times are in nanoseconds since the bench began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Open,
    /// It has no connection, and tries to get one from this time on, after a pause of this length.
    Outside {
        asks: u64,
        pause: u64,
    },
    /// The server has said that there is no more.
    Gone,
}

impl Default for Place {
    fn default() -> Self {
        Self::Outside { asks: 0, pause: 0 }
    }
}

impl Place {
    /// Whether it has no connection, and tries to get one by this time.
    pub(crate) fn asks_before(self, time: u64) -> bool {
        matches!(self, Self::Outside { asks, .. } if asks < time)
    }
}

impl Stream {
    pub(crate) fn new(resumes: bool) -> Self {
        Self { resumes, ..Self::default() }
    }

    pub(crate) fn source(&self) -> MutexGuard<'_, Source> {
        lock(&self.source)
    }

    /// Cuts its connection, and returns whether there was one. A stream that is to resume is not
    /// cut before its first event.
    pub(crate) fn cut(&self) -> bool {
        if self.resumes && self.account().is_untouched() {
            return false;
        }
        let mut source = self.source();
        if source.place != Place::Open {
            return false;
        }
        let closer = source.closer.take();
        source.cut |= closer.is_some();
        drop(source);
        closer.inspect(Closer::close).is_some()
    }

    pub(crate) fn close(&self) {
        let closer = self.source().closer.take();
        closer.inspect(Closer::close);
    }

    /// Whether the bench cut it. Returns true once.
    pub(crate) fn was_cut(&self) -> bool {
        mem::take(&mut self.source().cut)
    }

    pub(crate) fn account(&self) -> MutexGuard<'_, Account> {
        lock(&self.account)
    }
}

/// How many streams are tried to find one that is open, when most are not.
const TRIES: usize = 10;

/// Cuts one stream after another, until publishing ends.
pub(crate) fn cut_at(churn: Churn, streams: &[Arc<Stream>], tally: &Tally) {
    let begin = tally.clock.now();
    let mut random = Random::new(tally.run);
    for count in 1_u64.. {
        let due = begin + (count as f64 * 1e9 / churn.rate(streams.len())) as u64;
        if !tally.wait_until(due) || tally.draining.load(Relaxed) {
            return;
        }
        // If none of these is open, there is one cut less.
        (0..TRIES).any(|_| streams[random.below(streams.len())].cut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings::client::EventSource;

    /// Whether a stream that is open can be cut, before it has had an event and then.
    fn can_be_cut(resumes: bool) -> [bool; 2] {
        let stream = Stream::new(resumes);
        let open = || {
            stream.source().closer = Some(EventSource::new("http://localhost/").unwrap().closer());
            stream.source().place = Place::Open;
        };
        open();
        let before = stream.cut();
        open();
        stream.account().ledger.enter(0, 0);
        [before, stream.cut()]
    }

    #[test]
    fn a_stream_with_nothing_to_resume_after_is_not_cut_to_be_resumed() {
        assert_eq!(can_be_cut(true), [false, true]);
        assert_eq!(can_be_cut(false), [true, true]);
    }

    #[test]
    fn what_is_not_open_is_not_cut() {
        let stream = Stream::new(false);
        stream.source().closer = Some(EventSource::new("http://localhost/").unwrap().closer());
        assert!(!stream.cut() && !stream.was_cut());
        stream.source().place = Place::Open;
        assert!(stream.cut() && stream.was_cut() && !stream.was_cut());
    }
}

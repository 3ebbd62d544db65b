//! How long to wait for events that are still missing.
//!
//! ```text
//! the last publish      new     new                      settle
//!        ├───────────────┴───────┴─────────────────────────►│
//!        └ all there?            └──────── --drain ─────────┘
//! ```
//!
//! Only an event that is new to its stream prolongs the wait: heartbeats, events of other
//! publishers and new connections may go on for ever.

use super::*;

/// The most runs that all ledgers may have. They take 100 MB, and more of them tell nothing new.
const MOST_PIECES: usize = 4_000_000;
/// How often it checks for missing events, which goes through each account.
const CHECK: Duration = Duration::from_millis(100);
/// A stream that the server told to stay away for longer than this is not waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Where new events come again and again, the wait is no longer than the run and this.
const LONGEST_DRAIN: Duration = Duration::from_secs(60);

impl Run<'_> {
    /// Waits until all events have come and all streams are back, or until nothing new comes.
    pub(super) fn drain(&mut self, samples: &mut Samples) {
        self.tally.draining.store(true, Relaxed);
        let begin = self.tally.clock.now();
        let Options { warm_up, duration, drain, .. } = *self.options;
        let (quiet, longest) =
            (nanoseconds(drain), nanoseconds(warm_up + duration + LONGEST_DRAIN));
        let (mut seen, mut since) = (get(&self.tally.fresh), begin);
        loop {
            let (now, fresh) = (self.tally.clock.now(), get(&self.tally.fresh));
            if fresh != seen {
                (seen, since) = (fresh, now);
            }
            // What is missing is known only if the bench itself published.
            let missing = !self.logs.is_empty() && self.settle(&self.streams).lost > 0;
            let back = if missing { self.last_back(begin, quiet) } else { 0 };
            let patience = since.max(back) + quiet;
            let comes = |stream: &Arc<Stream>| stream.source().place.asks_before(patience);
            let waits = missing || self.streams.iter().any(comes);
            if !waits || now >= patience.min(begin + longest) || !self.tally.wait(CHECK) {
                break;
            }
            samples.take_if_due(&self.tally);
            self.progress.show("draining");
        }
        samples.finish(&self.tally);
    }

    /// How many events the slowest stream has not read. The first streams are the slow ones.
    pub(super) fn behind(&self) -> u64 {
        let slow = self.streams.iter().take(self.options.slow as usize);
        slow.map(|stream| self.settle(&[Arc::clone(stream)]).lost).max().unwrap_or(0)
    }

    /// When the last of the streams with a long pause reconnects.
    fn last_back(&self, begin: u64, quiet: u64) -> u64 {
        let back = |stream: &Arc<Stream>| match stream.source().place {
            Place::Outside { asks, pause } if pause > quiet / 2 => asks,
            _ => 0,
        };
        let last = self.streams.iter().map(back).max().unwrap_or(0);
        last.min(begin + nanoseconds(LONGEST_PAUSE))
    }

    /// How many streams are open, and how many have not been let in for half of `--drain`.
    pub(super) fn places(&self) -> (u64, u64) {
        let (now, patience) = (self.tally.clock.now(), nanoseconds(self.options.drain) / 2);
        let places: Vec<Place> = self.streams.iter().map(|stream| stream.source().place).collect();
        let count = |is: &dyn Fn(&Place) -> bool| places.iter().filter(|place| is(place)).count();
        let open = count(&|place| *place == Place::Open);
        let in_vain = now.saturating_sub(patience);
        let shut_out = count(&|place| *place == Place::Gone || place.asks_before(in_vain));
        (open as u64, shut_out as u64)
    }

    /// Settles what is over, and ends the run if the rest takes too much memory.
    pub(super) fn tidy(&self) {
        let logs: Vec<_> = self.logs.iter().map(|log| lock(log)).collect();
        let published: Vec<&Published> = logs.iter().map(|log| &**log).collect();
        let now = self.tally.clock.now();
        let each = self.streams.iter().map(|stream| stream.account().tidy(&published, now));
        let taken = published.iter().map(|published| published.acknowledged.pieces());
        let pieces: usize = each.chain(taken).sum();
        if pieces > MOST_PIECES {
            self.tally.end(Err(format!(
                "what came has {pieces} holes, and to keep account of more takes too much memory: \
                 give fewer --streams, a lower --rate or a shorter --duration"
            )));
        }
    }

    pub(super) fn settle(&self, streams: &[Arc<Stream>]) -> Findings {
        let logs: Vec<_> = self.logs.iter().map(|log| lock(log)).collect();
        let published: Vec<&Published> = logs.iter().map(|log| &**log).collect();
        let each = streams.iter().map(|stream| stream.account().settle(&published));
        each.fold(Findings::default(), Findings::plus)
    }

    pub(super) fn by_ids(&self) -> Findings {
        let each = self.streams.iter().map(|stream| stream.account().by_ids());
        each.fold(Findings::default(), Findings::plus)
    }
}

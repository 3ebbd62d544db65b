//! The ids of a hub whose order lies elsewhere, as runs of adjacent ones.
//!
//! ```text
//! places   40    41      …  139     140        141     142
//! ids      7-0   7-1     …  7-99    9-4        9-5     12-0
//!          └──── a run ─────────┘   └ a loss ──────┘   └ a run
//! ```
//!
//! The ids of such a hub are not its own: other hubs begin epochs whenever they have to, and
//! whoever adds an entry to a stream of Redis by hand may make one with each. So places are counted
//! here, one for each event that comes and one for each *loss*, which stands for events that never
//! will, and has the id of the newest of them. Adjacent ids share one entry of this table.

use std::collections::VecDeque;

use super::gap::Reason;
use super::id::{Found, Id};

/// How many runs are known, the newest: 4 MiB of them. An order that nobody else writes to has one
/// for each epoch.
const MOST: usize = 128 * 1024;

#[derive(Debug)]
pub(crate) struct Runs {
    /// At least one, by rising places.
    runs: VecDeque<Run>,
    /// The newest place.
    newest: u64,
    /// Whether each id is greater than those before it. The epochs of a hub that remembers nothing
    /// are random.
    rises: bool,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    /// Its first place, and that one's id.
    place: u64,
    id: Id,
    is_loss: bool,
}

impl Runs {
    /// None yet: what comes is kept from after this place, and has no id before.
    pub(crate) fn new(place: u64, id: Id) -> Self {
        let run = Run { place, id, is_loss: false };
        Self { runs: [run].into(), newest: place, rises: true }
    }

    /// The next event has this id: its place.
    pub(crate) fn push(&mut self, id: Id) -> u64 {
        self.add(id, false)
    }

    /// The next events up to this id will never come. Where nobody knows which they are, it is that
    /// of the newest event.
    pub(crate) fn lose(&mut self, through: Id) -> u64 {
        self.add(through, true)
    }

    fn add(&mut self, id: Id, is_loss: bool) -> u64 {
        let last = self.id(self.newest);
        self.newest += 1;
        self.rises &= last < id || is_loss && last == id;
        if is_loss || (last.epoch, last.sequence.wrapping_add(1)) != (id.epoch, id.sequence) {
            if self.runs.len() >= MOST {
                self.runs.pop_front();
            }
            self.runs.push_back(Run { place: self.newest, id, is_loss });
        }
        self.newest
    }

    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// Whether this place is one of a loss.
    pub(crate) fn is_loss(&self, place: u64) -> bool {
        let at = self.runs.binary_search_by_key(&place, |run| run.place);
        at.is_ok_and(|at| self.runs[at].is_loss)
    }

    /// The id of a place; that of the oldest one that is known, if it is older.
    pub(crate) fn id(&self, place: u64) -> Id {
        let after = self.runs.partition_point(|run| run.place <= place);
        let run = self.runs[after.saturating_sub(1)];
        Id { sequence: run.id.sequence + place.saturating_sub(run.place), ..run.id }
    }

    pub(crate) fn find(&self, id: Id) -> Found {
        let of_epoch = |run: &Run| run.id.epoch == id.epoch && run.id.sequence <= id.sequence;
        if let Some(mut at) = self.runs.iter().rposition(of_epoch) {
            // A loss of nobody knows what has the id of the event before it, and is told after it.
            if self.runs[at].is_loss && at > 0 && self.id(self.runs[at].place - 1) == id {
                at -= 1;
            }
            let run = self.runs[at];
            let further = id.sequence - run.id.sequence;
            let is_in_it = further <= self.last(at) - run.place;
            return if is_in_it { Found::At(run.place + further) } else { self.beyond(at) };
        }
        if id > self.id(self.newest) {
            return Found::Ahead;
        }
        match self.runs.iter().rposition(|run| run.id < id) {
            _ if !self.rises => Found::Unknown,
            Some(at) => self.beyond(at),
            None => Found::After(self.runs[0].place, Reason::Evicted),
        }
    }

    /// The last place of a run.
    fn last(&self, at: usize) -> u64 {
        self.runs.get(at + 1).map_or(self.newest, |next| next.place - 1)
    }

    /// Where an id is that comes after all of a run and before the next.
    fn beyond(&self, at: usize) -> Found {
        match self.runs.get(at + 1) {
            None => Found::Ahead,
            // That one tells of it.
            Some(next) if next.is_loss => Found::At(self.last(at)),
            Some(_) => Found::After(self.last(at), Reason::Failover),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Id {
        Id::parse(text).expect("an id")
    }

    /// The picture at the top of the file, after a stream of which nothing before 7-0 is known.
    fn runs() -> Runs {
        let mut runs = Runs::new(39, id("6-18446744073709551615"));
        for sequence in 0..100 {
            assert_eq!(runs.push(Id { epoch: 7, sequence }), 40 + sequence);
        }
        assert_eq!(runs.lose(id("9-4")), 140);
        assert_eq!((runs.push(id("9-5")), runs.push(id("12-0")), runs.newest()), (141, 142, 142));
        assert_eq!(
            [139, 140, 141, 142].map(|place| runs.is_loss(place)),
            [false, true, false, false]
        );
        runs
    }

    #[test]
    fn every_place_has_its_id_and_every_event_its_place() {
        let runs = runs();
        assert_eq!(runs.runs.len(), 4, "{runs:?}");
        let known = [(40, "7-0"), (41, "7-1"), (139, "7-99"), (140, "9-4"), (141, "9-5")];
        for (place, text) in known.into_iter().chain([(142, "12-0")]) {
            assert_eq!((runs.id(place), runs.find(id(text))), (id(text), Found::At(place)));
        }
        assert_eq!(runs.find(runs.id(39)), Found::At(39), "the place before the first event");
    }

    #[test]
    fn an_id_among_those_that_are_lost_is_told_of_them() {
        for lost in ["7-100", "7-18446744073709551615", "8-3", "9-0", "9-3"] {
            assert_eq!(runs().find(id(lost)), Found::At(139), "{lost}");
        }
    }

    #[test]
    fn an_id_between_two_epochs_goes_on_with_the_next_event_and_is_told() {
        for unknown in ["9-6", "10-0", "11-7"] {
            assert_eq!(runs().find(id(unknown)), Found::After(141, Reason::Failover), "{unknown}");
        }
    }

    #[test]
    fn an_id_from_before_everything_is_evicted_and_one_after_it_may_come() {
        for old in ["0-0", "6-17"] {
            assert_eq!(runs().find(id(old)), Found::After(39, Reason::Evicted), "{old}");
        }
        for new in ["12-1", "13-0"] {
            assert_eq!(runs().find(id(new)), Found::Ahead, "{new}");
        }
    }

    #[test]
    fn a_loss_of_nobody_knows_what_is_told_after_the_newest_event() {
        let mut runs = Runs::new(0, Id::default());
        runs.push(id("7-0"));
        runs.push(id("7-1"));
        assert_eq!((runs.lose(id("7-1")), runs.push(id("9-0"))), (3, 4));
        assert_eq!(runs.find(id("7-1")), Found::At(2));
        assert_eq!(runs.find(id("7-2")), Found::After(3, Reason::Failover));
        assert_eq!(runs.find(id("9-0")), Found::At(4));
        assert!(runs.rises);
    }

    #[test]
    fn where_epochs_are_random_an_unknown_one_is_not_placed_by_its_number() {
        let mut runs = Runs::new(0, Id::default());
        runs.push(id("900-1"));
        runs.lose(id("300-0"));
        runs.push(id("300-1"));
        assert_eq!(runs.find(id("900-1")), Found::At(1));
        assert_eq!((runs.find(id("300-1")), runs.find(id("300-2"))), (Found::At(3), Found::Ahead));
        assert_eq!(
            (runs.find(id("200-1")), runs.find(id("950-1"))),
            (Found::Unknown, Found::Ahead)
        );
    }

    #[test]
    fn the_newest_runs_are_known_if_there_are_too_many() {
        let mut runs = Runs::new(0, Id::default());
        let count = 2 * MOST as u64;
        for epoch in 1..=count {
            assert_eq!(runs.push(Id { epoch, sequence: 0 }), epoch);
        }
        assert_eq!(runs.runs.len(), MOST);
        let oldest = count - MOST as u64 + 1;
        assert_eq!(runs.find(Id { epoch: oldest, sequence: 0 }), Found::At(oldest));
        let gone = Found::After(oldest, Reason::Evicted);
        assert_eq!(runs.find(Id { epoch: oldest - 1, sequence: 0 }), gone);
        assert_eq!(runs.id(1), Id { epoch: oldest, sequence: 0 });
    }
}

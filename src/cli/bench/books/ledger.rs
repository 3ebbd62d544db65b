//! What one stream has received, compared with what was published.
//!
//! ```text
//! published    0 1 2 3 4 5 6 7      acknowledged by the server
//! received     0 1 3 2 5 5 7        2 out of order, 5 doubled, 4 and 6 lost
//! ```
//!
//! An event is *doubled* each time that it comes again. It is *out of order* if it is new and an
//! event of the same publisher with a higher number came before it. It is *lost* if it was
//! acknowledged and never came. What a `tidings.gap` event admits as missed counts as *told* in
//! place of lost. The gap ends at the next event of each publisher, and what it admits beyond is
//! ignored.

use super::runs::Runs;

/// The account of one reader, over all its connections.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    lanes: Vec<Lane>,
    /// What each gap event has admitted and has not been found missing yet. A gap is kept until an
    /// event of every publisher has come after it.
    gaps: Vec<u64>,
}

/// How many gaps are kept while no event of some publisher comes.
const MOST_GAPS: usize = 64;

/// What came from one publisher.
#[derive(Clone, Debug, Default)]
struct Lane {
    seen: Runs,
    doubled: u64,
    disordered: u64,
    told: u64,
    /// The first gap after which no event of this publisher has come; the number of gaps if there
    /// is none.
    gap: usize,
}

/// What is wrong with the events that a stream, or all streams, received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// Different events that came.
    pub(crate) received: u64,
    pub(crate) lost: u64,
    /// Missing events that the server admits.
    pub(crate) told: u64,
    pub(crate) doubled: u64,
    pub(crate) disordered: u64,
}

/// Which events of one publisher a stream should have.
pub(crate) struct Owed<'a> {
    pub(crate) acknowledged: &'a Runs,
    /// The first event for which the stream was surely there.
    pub(crate) from: u64,
    /// Whether the stream was followed to the end. If not, events after its last are not owed.
    pub(crate) to_the_end: bool,
}

impl Ledger {
    /// Enters an event, and returns whether it is new.
    pub(crate) fn enter(&mut self, lane: usize, number: u64) -> bool {
        if self.lanes.len() <= lane {
            self.lanes.resize_with(lane + 1, Lane::default);
        }
        let lane = &mut self.lanes[lane];
        let highest = lane.seen.last();
        if !lane.seen.insert(number) {
            lane.doubled += 1;
            return false;
        }
        if highest.is_some_and(|highest| number < highest) {
            lane.disordered += 1;
        } else if lane.gap < self.gaps.len() {
            let mut hole = number - highest.map_or(0, |highest| highest + 1);
            for admitted in &mut self.gaps[lane.gap..] {
                let told = hole.min(*admitted);
                lane.told += told;
                *admitted -= told;
                hole -= told;
            }
            lane.gap = self.gaps.len();
            let passed = self.lanes.iter().map(|lane| lane.gap).min().unwrap_or(0);
            self.gaps.drain(..passed);
            self.lanes.iter_mut().for_each(|lane| lane.gap -= passed);
        }
        true
    }

    /// Enters a gap event and how many events it admits; `None` where it does not say.
    pub(crate) fn enter_gap(&mut self, missed: Option<u64>, lanes: usize) {
        self.lanes.resize_with(lanes.max(self.lanes.len()), Lane::default);
        self.gaps.push(missed.unwrap_or(u64::MAX));
        if self.gaps.len() > MOST_GAPS {
            let oldest = self.gaps.remove(0);
            self.gaps[0] = self.gaps[0].saturating_add(oldest);
            self.lanes.iter_mut().for_each(|lane| lane.gap = lane.gap.saturating_sub(1));
        }
    }

    pub(crate) fn pieces(&self) -> usize {
        self.lanes.iter().map(|lane| lane.seen.pieces()).sum()
    }

    pub(crate) fn is_untouched(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Draws the balance. `owed` has one entry for each publisher.
    pub(crate) fn settle(&self, owed: &[Owed<'_>]) -> Findings {
        let none = Lane::default();
        let lanes = owed.iter().enumerate().map(|(n, owed)| (self.lanes.get(n), owed));
        lanes.fold(Findings::default(), |sum, (lane, owed)| {
            sum.plus(lane.unwrap_or(&none).settle(owed, &self.gaps))
        })
    }
}

impl Lane {
    fn settle(&self, owed: &Owed<'_>, gaps: &[u64]) -> Findings {
        let from = self.seen.first().map_or(owed.from, |first| first.min(owed.from));
        let missing = self.missing(owed, from);
        // A gap with no event after it covers all that is missing at the end.
        let end = self.seen.last().map_or(from, |last| last + 1);
        let admitted = gaps[self.gap..].iter().fold(0, |sum: u64, gap| sum.saturating_add(*gap));
        let told = self.told + admitted.min(self.missing(owed, end));
        let told = told.min(missing);
        Findings {
            received: self.seen.len(),
            lost: missing - told,
            told,
            doubled: self.doubled,
            disordered: self.disordered,
        }
    }

    /// How many owed events from this one on did not come.
    fn missing(&self, owed: &Owed<'_>, from: u64) -> u64 {
        let to = if owed.to_the_end { Some(u64::MAX) } else { self.seen.last() };
        // A reader that left before its first event is owed none.
        to.map_or(0, |to| self.seen.missing(owed.acknowledged, &(from..=to)))
    }
}

impl Findings {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            received: self.received + other.received,
            lost: self.lost + other.lost,
            // Servers may claim any number.
            told: self.told.saturating_add(other.told),
            doubled: self.doubled + other.doubled,
            disordered: self.disordered + other.disordered,
        }
    }

    /// Whether something went wrong that the server did not admit.
    pub(crate) fn are_bad(&self) -> bool {
        self.lost + self.doubled + self.disordered > 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::runs::tests::runs;
    use super::*;

    fn owed(acknowledged: &Runs) -> Owed<'_> {
        Owed { acknowledged, from: 0, to_the_end: true }
    }

    fn ledger(numbers: &[u64]) -> Ledger {
        let mut ledger = Ledger::default();
        for &number in numbers {
            ledger.enter(0, number);
        }
        ledger
    }

    #[test]
    fn a_loss_a_double_and_a_swap_are_counted_each_as_what_it_is() {
        let found = ledger(&[0, 1, 3, 2, 5, 5, 7]).settle(&[owed(&runs(0..8))]);
        let expected = Findings { received: 7 - 1, lost: 2, told: 0, doubled: 1, disordered: 1 };
        assert_eq!(found, expected);
        assert!(found.are_bad());
    }

    #[test]
    fn all_in_order_is_good_and_so_is_what_was_never_acknowledged() {
        let found = ledger(&[0, 1, 2, 4]).settle(&[owed(&runs([0, 1, 2]))]);
        assert_eq!(found, Findings { received: 4, ..Findings::default() });
        assert!(!found.are_bad());
    }

    #[test]
    fn publishers_are_in_no_order_among_each_other() {
        let mut ledger = Ledger::default();
        for (lane, number) in [(1, 0), (1, 1), (0, 0), (1, 2), (0, 1)] {
            assert!(ledger.enter(lane, number));
        }
        let (zero, one) = (runs(0..2), runs(0..3));
        assert!(!ledger.settle(&[owed(&zero), owed(&one)]).are_bad());
    }

    #[test]
    fn what_a_gap_admits_is_told_and_not_lost() {
        let mut ledger = ledger(&[0, 1]);
        ledger.enter_gap(Some(3), 1);
        for number in [5, 6, 8] {
            ledger.enter(0, number);
        }
        let found = ledger.settle(&[owed(&runs(0..9))]);
        assert_eq!((found.told, found.lost), (3, 1), "7 is lost without a word");
    }

    #[test]
    fn a_gap_tells_no_more_than_it_admits() {
        let mut ledger = ledger(&[0]);
        ledger.enter_gap(Some(2), 1);
        ledger.enter(0, 5);
        let found = ledger.settle(&[owed(&runs(0..6))]);
        assert_eq!((found.told, found.lost), (2, 2));
    }

    #[test]
    fn a_gap_excuses_nothing_after_the_next_event_nor_before_itself() {
        let mut ledger = ledger(&[0, 2]);
        ledger.enter_gap(None, 1);
        ledger.enter(0, 5);
        let found = ledger.settle(&[owed(&runs(0..6))]);
        assert_eq!((found.told, found.lost), (2, 1), "1 was lost before");
        ledger.enter_gap(Some(1), 1);
        ledger.enter(0, 9);
        let found = ledger.settle(&[owed(&runs(0..10))]);
        assert_eq!((found.told, found.lost), (3, 3));
        ledger.enter_gap(None, 1);
        let found = ledger.settle(&[owed(&runs(0..12))]);
        assert_eq!((found.told, found.lost), (5, 3));
    }

    #[test]
    fn a_gap_speaks_of_the_next_event_of_each_publisher() {
        let mut ledger = Ledger::default();
        (0..2).for_each(|lane| assert!(ledger.enter(lane, 0)));
        ledger.enter_gap(Some(3), 2);
        ledger.enter(0, 2);
        ledger.enter(0, 4);
        ledger.enter_gap(Some(1), 2);
        ledger.enter(1, 4);
        ledger.enter(0, 7);
        let both = runs(0..8);
        let found = ledger.settle(&[owed(&both), Owed { to_the_end: false, ..owed(&both) }]);
        assert_eq!((found.told, found.lost), (4, 3), "of the second gap the other has used all");
    }

    #[test]
    fn gaps_with_no_event_after_them_are_not_kept_for_ever() {
        let mut ledger = Ledger::default();
        for number in 0..1000 {
            ledger.enter_gap(Some(1), 2);
            ledger.enter(0, 2 * number + 1);
        }
        assert!(ledger.gaps.len() <= MOST_GAPS);
        assert_eq!(ledger.settle(&[owed(&runs(0..2000))]).lost, 0);
    }

    #[test]
    fn a_gap_with_nothing_after_it_covers_the_end() {
        let mut ledger = ledger(&[0]);
        ledger.enter_gap(None, 1);
        let found = ledger.settle(&[owed(&runs(0..6))]);
        assert_eq!((found.told, found.lost), (5, 0));
    }

    #[test]
    fn a_stream_that_left_is_owed_what_lies_between_its_first_and_its_last() {
        let left = |from| {
            ledger(&[3, 4, 6]).settle(&[Owed {
                acknowledged: &runs(0..9),
                from,
                to_the_end: false,
            }])
        };
        assert_eq!([left(2), left(3), left(9)].map(|found| found.lost), [2, 1, 1]);
        let nothing = Owed { acknowledged: &runs(0..9), from: 0, to_the_end: false };
        assert_eq!(Ledger::default().settle(&[nothing]), Findings::default());
    }

    #[test]
    fn a_stream_that_received_nothing_has_lost_everything() {
        assert!(Ledger::default().is_untouched() && !ledger(&[0]).is_untouched());
        assert_eq!(Ledger::default().settle(&[owed(&runs(0..9))]).lost, 9);
    }
}

//! A set of numbers, kept as runs of consecutive ones.
//!
//! ```text
//! 0 1 2 3 . 5 6 . . 9      [0..=3, 5..=6, 9..=9]
//! ```
//!
//! A stream without a loss is one run, however long it is. So thousands of streams can each account
//! for every event.

use std::ops::RangeInclusive;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Runs {
    /// In order; between two of them there is at least one number.
    runs: Vec<RangeInclusive<u64>>,
}

impl Runs {
    /// Adds a number, and returns whether it is new.
    pub(crate) fn insert(&mut self, number: u64) -> bool {
        // The first run that does not end before the number.
        let at = self.runs.partition_point(|run| *run.end() < number);
        if self.runs.get(at).is_some_and(|run| run.contains(&number)) {
            return false;
        }
        let joins_left = at > 0 && *self.runs[at - 1].end() + 1 == number;
        let joins_right = self.runs.get(at).is_some_and(|run| *run.start() - 1 == number);
        match (joins_left, joins_right) {
            (true, true) => {
                let right = self.runs.remove(at);
                self.runs[at - 1] = *self.runs[at - 1].start()..=*right.end();
            }
            (true, false) => self.runs[at - 1] = *self.runs[at - 1].start()..=number,
            (false, true) => self.runs[at] = number..=*self.runs[at].end(),
            (false, false) => self.runs.insert(at, number..=number),
        }
        true
    }

    pub(crate) fn first(&self) -> Option<u64> {
        self.runs.first().map(|run| *run.start())
    }

    pub(crate) fn last(&self) -> Option<u64> {
        self.runs.last().map(|run| *run.end())
    }

    pub(crate) fn len(&self) -> u64 {
        self.runs.iter().map(length).sum()
    }

    pub(crate) fn pieces(&self) -> usize {
        self.runs.len()
    }

    /// Forgets the lowest runs if there are more than twice this many.
    pub(crate) fn keep(&mut self, runs: usize) {
        if self.runs.len() > 2 * runs {
            self.runs.drain(..self.runs.len() - runs);
        }
    }

    /// All numbers, from the highest down.
    pub(crate) fn newest(&self) -> impl Iterator<Item = u64> {
        self.runs.iter().rev().flat_map(|run| run.clone().rev())
    }

    /// How many numbers of `these` within the bounds are not in this set.
    pub(crate) fn missing(&self, these: &Self, bounds: &RangeInclusive<u64>) -> u64 {
        let clipped = these.runs.iter().filter_map(|run| overlap(run, bounds));
        clipped.map(|run| length(&run) - self.count_in(&run)).sum()
    }

    fn count_in(&self, range: &RangeInclusive<u64>) -> u64 {
        let begin = self.runs.partition_point(|run| run.end() < range.start());
        let within = self.runs[begin..].iter().map_while(|run| overlap(run, range));
        within.map(|part| length(&part)).sum()
    }
}

fn length(run: &RangeInclusive<u64>) -> u64 {
    run.end() - run.start() + 1
}

fn overlap(a: &RangeInclusive<u64>, b: &RangeInclusive<u64>) -> Option<RangeInclusive<u64>> {
    let both = *a.start().max(b.start())..=*a.end().min(b.end());
    (!both.is_empty()).then_some(both)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn runs(numbers: impl IntoIterator<Item = u64>) -> Runs {
        let mut runs = Runs::default();
        numbers.into_iter().for_each(|number| assert!(runs.insert(number)));
        runs
    }

    #[test]
    fn numbers_that_follow_each_other_are_one_run_in_whatever_order_they_come() {
        assert_eq!(runs(0..100).runs, [0..=99]);
        assert_eq!(runs([3, 1, 0, 2]).runs, [0..=3]);
        assert_eq!(runs([9, 5, 0, 6]).runs, [0..=0, 5..=6, 9..=9]);
    }

    #[test]
    fn a_number_is_put_in_once() {
        let mut set = runs([1, 2, 5]);
        assert!(![1, 2, 5].map(|number| set.insert(number)).contains(&true));
        assert!(set.insert(0) && set.insert(3) && set.insert(4));
        assert_eq!((set.len(), set.first(), set.last()), (6, Some(0), Some(5)));
    }

    #[test]
    fn what_is_missing_is_counted_within_the_bounds() {
        let (seen, sent) = (runs([0, 1, 3, 7, 8]), runs((0..10).filter(|n| *n != 5)));
        assert_eq!(seen.missing(&sent, &(0..=u64::MAX)), 4);
        assert_eq!(seen.missing(&sent, &(3..=6)), 2);
        assert_eq!(seen.missing(&sent, &(0..=1)), 0);
        assert_eq!(seen.missing(&Runs::default(), &(0..=9)), 0);
        assert_eq!(Runs::default().missing(&sent, &(0..=u64::MAX)), 9);
    }
}

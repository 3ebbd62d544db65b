//! The accounts of all readers that one stream has had.
//!
//! A stream that is cut and resumes with its last event ID is the same reader, and its account goes
//! on. A stream that churn replaces is a new reader with a new account, which is owed nothing from
//! before. The end settles all of them.

use std::collections::VecDeque;
use std::mem;

use super::ids::Ids;
use super::ledger::{Findings, Ledger, Owed};
use super::published::Published;

/// When a stream has been open for this long, the server has surely subscribed it, although that
/// may be after it has sent the head. From then on, a reader that the [run](crate::cli::bench::run)
/// doesn't wait for is owed everything.
const SUBSCRIBED: u64 = 1_000_000_000;
/// When a reader has been gone for this long, the responses to all publishes that it received have
/// come.
const RESPONDED: u64 = 30_000_000_000;

#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) ledger: Ledger,
    /// From when on the reader is owed everything.
    since: u64,
    pub(crate) ids: Ids,
    left: VecDeque<Left>,
    /// The findings of readers that left long ago.
    settled: Findings,
    /// What the ids told of readers that left.
    told_by_ids: Findings,
}

#[derive(Debug)]
struct Left {
    ledger: Ledger,
    since: u64,
    at: u64,
}

impl Account {
    pub(crate) fn enter_gap(&mut self, data: &str, lanes: usize) {
        let missed = missed(data);
        self.ledger.enter_gap(missed, lanes);
        self.ids.enter_gap(missed);
    }

    /// Whether the present reader has received nothing.
    pub(crate) fn is_untouched(&self) -> bool {
        self.ledger.is_untouched() && self.ids.findings().received == 0
    }

    /// Closes the account at this time, and opens one for a reader that is still to come.
    pub(crate) fn leave(&mut self, at: u64) {
        self.left.push_back(Left { ledger: mem::take(&mut self.ledger), since: self.since, at });
        self.since = u64::MAX;
        self.told_by_ids = self.told_by_ids.plus(mem::take(&mut self.ids).findings());
    }

    /// A new reader has come, at this time.
    pub(crate) fn arrive(&mut self, time: u64) {
        if self.since == u64::MAX {
            self.since = time + SUBSCRIBED;
        }
    }

    /// What is missing, doubled and out of order, over all readers.
    pub(crate) fn settle(&self, published: &[&Published]) -> Findings {
        let left = self.left.iter().map(|left| balance(&left.ledger, left.since, false, published));
        let here = balance(&self.ledger, self.since, true, published);
        left.fold(here.plus(self.settled), Findings::plus)
    }

    /// Settles the readers that left long before this time, once and for all. Returns the number
    /// of runs in the present ledger.
    pub(crate) fn tidy(&mut self, published: &[&Published], now: u64) -> usize {
        while self.left.front().is_some_and(|left| left.at + RESPONDED < now) {
            let left = self.left.pop_front();
            let found = left.map(|left| balance(&left.ledger, left.since, false, published));
            self.settled = self.settled.plus(found.unwrap_or_default());
        }
        self.ledger.pieces()
    }

    pub(crate) fn by_ids(&self) -> Findings {
        self.told_by_ids.plus(self.ids.findings())
    }
}

fn balance(ledger: &Ledger, since: u64, to_the_end: bool, published: &[&Published]) -> Findings {
    let owed = published.iter().map(|published| Owed {
        acknowledged: &published.acknowledged,
        from: published.first_since(since),
        to_the_end,
    });
    ledger.settle(&owed.collect::<Vec<_>>())
}

/// How many events a gap event admits, from its JSON; `None` where it does not know.
fn missed(data: &str) -> Option<u64> {
    let (_, missed) = data.rsplit_once("\"missed\":")?;
    let missed = missed.trim_start();
    let end = missed.find(|c: char| !c.is_ascii_digit()).unwrap_or(missed.len());
    missed[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_says_how_many_or_that_it_does_not_know() {
        let gap = |missed| format!(r#"{{"from":"a","to":"b","missed":{missed},"reason":"x"}}"#);
        assert_eq!(missed(&gap("23")), Some(23));
        assert_eq!(missed(&gap("null")), None);
        assert_eq!(missed("something else"), None);
    }

    #[test]
    fn a_gap_may_admit_more_than_can_be_counted() {
        let mut account = Account::default();
        for _ in 0..2 {
            account.enter_gap(&format!("{{\"missed\":{}}}", u64::MAX), 0);
            account.leave(0);
        }
        assert_eq!(account.by_ids().told, u64::MAX);
    }

    #[test]
    fn a_reader_that_comes_later_is_owed_nothing_from_before() {
        let mut published = Published::default();
        for number in 0..4 {
            published.send(number * SUBSCRIBED);
            published.acknowledged.insert(number);
        }
        let published = [&published];
        let mut account = Account::default();
        for number in [0, 1] {
            account.ledger.enter(0, number);
        }
        assert_eq!(account.settle(&published).lost, 2);
        account.leave(SUBSCRIBED);
        assert_eq!(account.settle(&published).lost, 0, "no reader is there");
        account.arrive(SUBSCRIBED);
        let found = account.settle(&published);
        assert_eq!((found.lost, found.received), (2, 2), "a new reader came, and lost 2 and 3");
        account.leave(3 * SUBSCRIBED);
        account.ledger.enter(0, 3);
        assert_eq!(account.settle(&published).lost, 0);
    }

    #[test]
    fn a_reader_that_left_long_ago_is_settled_and_forgotten() {
        let mut published = Published::default();
        for number in 0..4 {
            published.send(number);
            published.acknowledged.insert(number);
        }
        let mut account = Account::default();
        for at in [0, RESPONDED] {
            assert!([0, 2].iter().all(|number| account.ledger.enter(0, *number)));
            account.leave(at);
            account.since = 0;
        }
        let found = account.settle(&[&published]);
        assert_eq!((found.received, found.lost), (4, 4 + 2));
        account.tidy(&[&published], RESPONDED + 1);
        assert_eq!((account.left.len(), account.settle(&[&published])), (1, found));
    }
}

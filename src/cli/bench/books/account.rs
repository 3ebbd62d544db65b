//! The accounts of everybody who was ever on one stream.
//!
//! A stream that is cut and comes back with its last event ID is the same reader: one account goes
//! on. One that is cut by churn is followed by somebody new, with an account of their own, who is
//! owed nothing from before; so what is settled at the end are all of them.

use std::collections::VecDeque;
use std::mem;

use tidings::MessageEvent;

use super::ids::Ids;
use super::ledger::{Findings, Ledger, Owed};
use super::published::Published;

/// When a stream has been open for so long, the server has surely put it where events go, although
/// that may be after it has sent the head. From then on, a reader that the
/// [run](crate::cli::bench::run) doesn't wait for is owed everything.
const KNOWN: u64 = 1_000_000_000;
/// When a stream has left for so long, no answer is on its way that says which of the events it has
/// had the server has taken.
const ANSWERED: u64 = 30_000_000_000;

#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) ledger: Ledger,
    /// From when on it is owed everything.
    since: u64,
    ids: Ids,
    /// Those who left.
    left: VecDeque<Left>,
    /// What was found of those who left long ago.
    settled: Findings,
    /// What the ids told of those who left.
    told_by_ids: Findings,
}

/// The account of somebody who left.
#[derive(Debug)]
struct Left {
    ledger: Ledger,
    since: u64,
    at: u64,
}

impl Account {
    pub(crate) fn enter_id(&mut self, event: &MessageEvent) {
        self.ids.enter(event);
    }

    pub(crate) fn enter_gap(&mut self, data: &str, lanes: usize) {
        let missed = missed(data);
        self.ledger.enter_gap(missed, lanes);
        self.ids.enter_gap(missed);
    }

    /// Whether nothing has been entered since somebody came.
    pub(crate) fn is_untouched(&self) -> bool {
        self.ledger.is_untouched() && self.ids.findings().received == 0
    }

    /// Closes the account at that time, and opens one for somebody who is still to come.
    pub(crate) fn leave(&mut self, at: u64) {
        self.left.push_back(Left { ledger: mem::take(&mut self.ledger), since: self.since, at });
        self.since = u64::MAX;
        self.told_by_ids = self.told_by_ids.plus(mem::take(&mut self.ids).findings());
    }

    /// Somebody new has come, at that time.
    pub(crate) fn arrive(&mut self, time: u64) {
        if self.since == u64::MAX {
            self.since = time + KNOWN;
        }
    }

    /// What is missing, doubled and out of order, of all who were here.
    pub(crate) fn settle(&self, published: &[&Published]) -> Findings {
        let left = self.left.iter().map(|left| left.settle(published));
        let here = balance(&self.ledger, self.since, true, published);
        left.fold(here.plus(self.settled), Findings::plus)
    }

    /// Settles with those who left long before this time, once and for all; gives of how many runs
    /// the ledger is that goes on.
    pub(crate) fn tidy(&mut self, published: &[&Published], now: u64) -> usize {
        while self.left.front().is_some_and(|left| left.at + ANSWERED < now) {
            let left = self.left.pop_front().map(|left| left.settle(published));
            self.settled = self.settled.plus(left.unwrap_or_default());
        }
        self.ledger.pieces()
    }

    /// What the ids alone tell.
    pub(crate) fn by_ids(&self) -> Findings {
        self.told_by_ids.plus(self.ids.findings())
    }
}

impl Left {
    fn settle(&self, published: &[&Published]) -> Findings {
        balance(&self.ledger, self.since, false, published)
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

/// How many events a gap event admits, out of its JSON; `None` where it does not know.
fn missed(data: &str) -> Option<u64> {
    let (_, behind) = data.rsplit_once("\"missed\":")?;
    let behind = behind.trim_start();
    let end = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
    behind[..end].parse().ok()
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
    fn who_comes_later_is_owed_nothing_from_before() {
        let mut published = Published::default();
        for number in 0..4 {
            published.send(number * KNOWN);
            published.acknowledged.insert(number);
        }
        let published = [&published];
        let mut account = Account::default();
        for number in [0, 1] {
            account.ledger.enter(0, number);
        }
        assert_eq!(account.settle(&published).lost, 2);
        account.leave(KNOWN);
        assert_eq!(account.settle(&published).lost, 0, "nobody is there");
        account.arrive(KNOWN);
        let found = account.settle(&published);
        assert_eq!((found.lost, found.received), (2, 2), "somebody new came, and lost 2 and 3");
        account.leave(3 * KNOWN);
        account.ledger.enter(0, 3);
        assert_eq!(account.settle(&published).lost, 0);
    }

    #[test]
    fn who_left_long_ago_is_settled_with_and_forgotten() {
        let mut published = Published::default();
        for number in 0..4 {
            published.send(number);
            published.acknowledged.insert(number);
        }
        let mut account = Account::default();
        for at in [0, ANSWERED] {
            assert!([0, 2].iter().all(|number| account.ledger.enter(0, *number)));
            account.leave(at);
            account.since = 0;
        }
        let found = account.settle(&[&published]);
        assert_eq!((found.received, found.lost), (4, 4 + 2));
        account.tidy(&[&published], ANSWERED + 1);
        assert_eq!((account.left.len(), account.settle(&[&published])), (1, found));
    }
}

//! The accounts of everybody who was ever on one stream.
//!
//! A stream that is cut and comes back with its last event ID is the same reader: one account goes
//! on. One that is cut by churn is followed by somebody new, with an account of their own, who is
//! owed nothing from before; so what is settled at the end are all of them.

use std::mem;

use tidings::MessageEvent;

use super::ids::Ids;
use super::ledger::{Findings, Ledger, Owed};
use super::publisher::Published;

/// When a stream has been open for so long, the server has surely got to know it: a server may send
/// the head of a stream before it puts the stream where events go.
const SETTLE: u64 = 1_000_000_000;

#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) ledger: Ledger,
    /// From when on it is owed everything.
    since: u64,
    ids: Ids,
    /// Those who left.
    left: Vec<(Ledger, u64)>,
    /// What the ids told of those who left.
    told_by_ids: Findings,
}

impl Account {
    pub(super) fn enter_id(&mut self, event: &MessageEvent) {
        self.ids.enter(event);
    }

    pub(super) fn enter_gap(&mut self, data: &str, lanes: usize) {
        let missed = missed(data);
        self.ledger.enter_gap(missed, lanes);
        self.ids.enter_gap(missed);
    }

    /// Whether nothing has been entered since somebody came.
    pub(super) fn is_untouched(&self) -> bool {
        self.ledger.is_untouched()
    }

    /// Closes the account, and opens one for somebody who is still to come.
    pub(super) fn leave(&mut self) {
        self.left.push((mem::take(&mut self.ledger), self.since));
        self.since = u64::MAX;
        self.told_by_ids = self.told_by_ids.plus(mem::take(&mut self.ids).findings());
    }

    /// Somebody new has come, at that time.
    pub(super) fn arrive(&mut self, time: u64) {
        if self.since == u64::MAX {
            self.since = time + SETTLE;
        }
    }

    /// What is missing, doubled and out of order, of all who were here.
    pub(super) fn settle(&self, published: &[&Published]) -> Findings {
        let balance = |ledger: &Ledger, since: u64, to_the_end: bool| {
            let owed: Vec<Owed<'_>> = published
                .iter()
                .map(|published| Owed {
                    acknowledged: &published.acknowledged,
                    from: published.first_since(since),
                    to_the_end,
                })
                .collect();
            ledger.settle(&owed)
        };
        let left = self.left.iter().map(|(ledger, since)| balance(ledger, *since, false));
        left.fold(balance(&self.ledger, self.since, true), Findings::plus)
    }

    /// What the ids alone tell.
    pub(super) fn by_ids(&self) -> Findings {
        self.told_by_ids.plus(self.ids.findings())
    }
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
    fn who_comes_later_is_owed_nothing_from_before() {
        let mut published = Published::default();
        for number in 0..4 {
            published.sent.push(number * SETTLE);
            published.acknowledged.insert(number);
        }
        let published = [&published];
        let mut account = Account::default();
        for number in [0, 1] {
            account.ledger.enter(0, number);
        }
        assert_eq!(account.settle(&published).lost, 2);
        account.leave();
        assert_eq!(account.settle(&published).lost, 0, "nobody is there");
        account.arrive(SETTLE);
        let found = account.settle(&published);
        assert_eq!((found.lost, found.received), (2, 2), "somebody new came, and lost 2 and 3");
        account.leave();
        account.ledger.enter(0, 3);
        assert_eq!(account.settle(&published).lost, 0);
    }
}

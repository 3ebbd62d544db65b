//! What the ids of events tell where the bench doesn't publish itself.
//!
//! ```text
//! 489621003417-17     the place where it is counted, and the number
//! 17                  counted in no particular place
//! b5f0e6              a name: it tells only whether it came before
//! ```
//!
//! Numbers from the same place should rise. They need not rise by one, so a hole is no loss. Where
//! ids begin with the time, each moment is a place of its own, so the newest ids of past places are
//! kept as names. An event without an id has that of the event before it, so the same id twice in a
//! row is a double only if the data is the same too.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashSet, VecDeque};
use std::hash::{Hash, Hasher};

use tidings::MessageEvent;

use super::ledger::Findings;
use super::runs::Runs;

/// How many names are remembered, the newest; and how many runs of numbers. A number lower than all
/// of them counts as out of order, even if it is a double.
const REMEMBERED: usize = 1024;
/// How many places are remembered. A server has one for each of its starts, or many.
const PLACES: usize = 16;

/// What the ids of one stream have told so far. Only hashes of ids are kept.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    /// In the order in which they were first seen; the next id is mostly of the last.
    places: VecDeque<(u64, Runs)>,
    newest: VecDeque<u64>,
    remembered: HashSet<u64>,
    /// The id and the content of the last event.
    last: Option<(u64, u64)>,
    findings: Findings,
}

impl Ids {
    pub(crate) fn enter(&mut self, event: &MessageEvent) {
        self.findings.received += 1;
        if event.last_event_id.is_empty() {
            return;
        }
        let (id, content) = (hash(&event.last_event_id), hash(&(&event.event_type, &event.data)));
        match self.last.replace((id, content)) {
            Some((last, before)) if last == id => {
                self.findings.doubled += u64::from(before == content);
            }
            _ => match split(&event.last_event_id) {
                Some((place, number)) => self.enter_number(hash(&place), number),
                None => self.findings.doubled += u64::from(!self.remember(id)),
            },
        }
    }

    pub(crate) fn enter_gap(&mut self, missed: Option<u64>) {
        self.findings.told = self.findings.told.saturating_add(missed.unwrap_or(1));
    }

    pub(crate) fn findings(&self) -> Findings {
        self.findings
    }

    fn enter_number(&mut self, place: u64, number: u64) {
        let Some((_, numbers)) = self.places.iter_mut().rev().find(|(name, _)| *name == place)
        else {
            return self.enter_place(place, number);
        };
        let highest = numbers.last();
        if !numbers.insert(number) {
            self.findings.doubled += 1;
        } else if highest.is_some_and(|highest| number < highest) {
            self.findings.disordered += 1;
        }
        numbers.keep(REMEMBERED);
    }

    /// The first number of a place, or one of a past place.
    fn enter_place(&mut self, place: u64, number: u64) {
        if self.remembered.contains(&hash(&(place, number))) {
            self.findings.doubled += 1;
            return;
        }
        let mut numbers = Runs::default();
        numbers.insert(number);
        self.places.push_back((place, numbers));
        if self.places.len() > PLACES {
            let (place, numbers) = self.places.pop_front().expect("there are too many");
            let newest = numbers.newest().take(REMEMBERED);
            for number in newest {
                self.remember(hash(&(place, number)));
            }
        }
    }

    /// Remembers a name, and forgets the oldest. Returns whether it is new.
    fn remember(&mut self, name: u64) -> bool {
        if !self.remembered.insert(name) {
            return false;
        }
        self.newest.push_back(name);
        if self.newest.len() > REMEMBERED {
            let oldest = self.newest.pop_front();
            oldest.map(|oldest| self.remembered.remove(&oldest));
        }
        true
    }
}

fn split(id: &str) -> Option<(&str, u64)> {
    let place = id.trim_end_matches(|c: char| c.is_ascii_digit());
    // An id of digits and letters is a name, even if it ends in digits.
    let counts = place.is_empty() || place.ends_with(|c: char| c.is_ascii_punctuation());
    let number = id[place.len()..].parse().ok().filter(|number| *number < u64::MAX)?;
    counts.then_some((place, number))
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings::Parser;

    /// What is found in these ids; an event without one is `-`.
    fn found(ids: &[&str]) -> (u64, u64) {
        let mut parser = Parser::new();
        let mut found = Ids::default();
        for (n, id) in ids.iter().enumerate() {
            let field = if *id == "-" { String::new() } else { format!("id: {id}\n") };
            parser.feed(format!("{field}data: {n}\n\n").as_bytes()).unwrap();
            parser.drain().for_each(|event| found.enter(&event));
        }
        (found.findings().doubled, found.findings().disordered)
    }

    #[test]
    fn numbers_rise_and_holes_are_no_fault() {
        assert_eq!(found(&["1", "2", "5", "100"]), (0, 0));
        assert_eq!(found(&["a-1", "a-2", "b-1", "a-3"]), (0, 0));
        assert_eq!(found(&["1", "3", "2", "4", "3"]), (1, 1));
        assert_eq!(found(&["a-9", "a-10", "a-9"]), (1, 0));
    }

    #[test]
    fn places_that_come_and_go_are_remembered_by_their_newest_ids() {
        for id in [|n| format!("{}:0", 1_700_000_000 + n), |n| format!("{}:{}", n / 3, n % 3)] {
            let once: Vec<String> = (0..300).map(id).collect();
            let again = [290, 250, 200, 5].map(id);
            let ids: Vec<&str> = once.iter().chain(&again).map(|id| &**id).collect();
            assert_eq!(found(&ids[..300]), (0, 0));
            assert_eq!(found(&ids), (4, 0), "{again:?}");
        }
    }

    #[test]
    fn what_is_remembered_of_places_is_bounded() {
        let mut parser = Parser::new();
        let mut found = Ids::default();
        for n in 0..5000 {
            parser.feed(format!("id: {n}-{n}\ndata: {n}\n\n").as_bytes()).unwrap();
            parser.drain().for_each(|event| found.enter(&event));
        }
        assert_eq!((found.places.len(), found.newest.len()), (PLACES, REMEMBERED));
        assert_eq!(found.remembered.len(), REMEMBERED);
        (0..5000).for_each(|number| found.enter_number(hash(&"holes-"), 2 * number));
        let (_, numbers) = found.places.back().expect("the place of now");
        assert!(numbers.pieces() <= 2 * REMEMBERED, "{}", numbers.pieces());
    }

    #[test]
    fn names_are_only_looked_for_again() {
        assert_eq!(found(&["zeta", "alpha", "b5f0e6", "a1", "b5f0e6"]), (1, 0));
    }

    #[test]
    fn events_without_an_id_are_no_doubles() {
        assert_eq!(found(&["-", "-", "7", "-", "-", "8"]), (0, 0));
    }

    #[test]
    fn the_same_event_right_again_is_a_double() {
        let mut parser = Parser::new();
        parser.feed(b"id: 1\ndata: a\n\nid: 1\ndata: a\n\n").unwrap();
        let mut found = Ids::default();
        parser.drain().for_each(|event| found.enter(&event));
        assert_eq!(found.findings().doubled, 1);
    }
}

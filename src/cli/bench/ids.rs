//! What the ids of events tell where nobody knows what was published.
//!
//! ```text
//! 72108f369-17        before the last digits: where it is counted; the digits: the number
//! 17                  counted nowhere in particular
//! b5f0e6              no number at the end: only whether it came before
//! ```
//!
//! Numbers that were counted in the same place should rise. Nobody says that they rise by one, so
//! a hole is no loss. An event without an id of its own has that of the one before it; so the same
//! id right again is a double only if the data is the same too.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{Hash, Hasher};

use tidings::MessageEvent;

use super::ledger::Findings;
use super::runs::Runs;

/// Of ids without a number so many are remembered, the newest.
const REMEMBERED: usize = 1024;
/// Of places where ids are counted. A server has one for each of its starts.
const PLACES: usize = 16;

/// What one stream's ids have told so far.
#[derive(Debug, Default)]
pub(super) struct Ids {
    places: HashMap<String, Runs>,
    newest: VecDeque<u64>,
    remembered: HashSet<u64>,
    /// The id and the hash of what came last.
    last: Option<(String, u64)>,
    findings: Findings,
}

impl Ids {
    pub(super) fn enter(&mut self, event: &MessageEvent) {
        self.findings.received += 1;
        let id = &event.last_event_id;
        let content = hash(&(&event.event_type, &event.data));
        if id.is_empty() {
            return;
        }
        if self.last.as_ref().is_some_and(|(last, _)| last == id) {
            if self.last.as_ref().is_some_and(|(_, last)| *last == content) {
                self.findings.doubled += 1;
            }
        } else {
            match split(id) {
                Some((place, number)) => self.enter_number(place, number),
                None => self.enter_name(hash(id)),
            }
        }
        self.last = Some((id.clone(), content));
    }

    pub(super) fn enter_gap(&mut self, missed: Option<u64>) {
        self.findings.told = self.findings.told.saturating_add(missed.unwrap_or(1));
    }

    pub(super) fn findings(&self) -> Findings {
        self.findings
    }

    fn enter_number(&mut self, place: &str, number: u64) {
        if !self.places.contains_key(place) && self.places.len() >= PLACES {
            return;
        }
        let numbers = self.places.entry(place.into()).or_default();
        let highest = numbers.last();
        if !numbers.insert(number) {
            self.findings.doubled += 1;
        } else if highest.is_some_and(|highest| number < highest) {
            self.findings.disordered += 1;
        }
    }

    fn enter_name(&mut self, name: u64) {
        if !self.remembered.insert(name) {
            self.findings.doubled += 1;
            return;
        }
        self.newest.push_back(name);
        if self.newest.len() > REMEMBERED {
            let oldest = self.newest.pop_front();
            oldest.map(|oldest| self.remembered.remove(&oldest));
        }
    }
}

/// What stands before the last digits of an id, and their number.
fn split(id: &str) -> Option<(&str, u64)> {
    let place = id.trim_end_matches(|c: char| c.is_ascii_digit());
    // An id of digits and letters is a name, and what it ends in is chance.
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

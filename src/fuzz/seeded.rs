//! The properties, on bytes that come from dice thrown over the grammar: a second for all of them.
//!
//! Some bytes are right, some have one mistake that somebody would make, and some are spoilt in any
//! place, so that they get as far into a parser as its last check. Each test says what share must
//! be accepted: where all bytes are refused at once, a property holds of any parser.

mod dice;
mod http;
mod sse;

use std::panic::{AssertUnwindSafe, catch_unwind};

use self::dice::{Dice, spoil};
use super::random::Random;
use super::{chunks, encoded, events, requests};

/// How many cases there are for each property.
const CASES: usize = 2000;

/// Gives the sum of what the property gives. The dice are the same on every run, and the message of
/// a panic has the case as a literal that can be pasted into a test.
#[track_caller]
fn run(make: impl Fn(&mut Random) -> Vec<u8>, property: impl Fn(&[u8]) -> usize) -> usize {
    let mut random = Random::of(b"tidings");
    let mut sum = 0;
    for case in 0..CASES {
        let bytes = make(&mut random);
        match catch_unwind(AssertUnwindSafe(|| property(&bytes))) {
            Ok(found) => sum += found,
            Err(_) => panic!("case {case}, as told above: b\"{}\"", bytes.escape_ascii()),
        }
    }
    sum
}

/// All by the grammar.
fn right(make: impl Fn(&mut Dice<'_>) -> Vec<u8>) -> impl Fn(&mut Random) -> Vec<u8> {
    move |random| make(&mut Dice::right(random))
}

/// A quarter by the grammar, a quarter with a mistake, a quarter spoilt, and a quarter both.
fn mixed(make: impl Fn(&mut Dice<'_>) -> Vec<u8>) -> impl Fn(&mut Random) -> Vec<u8> {
    move |random| {
        let wrong = random.once_in(2);
        let dice = if wrong { Dice::wrong } else { Dice::right };
        let mut bytes = make(&mut dice(random));
        if random.once_in(2) {
            spoil(&mut bytes, random);
        }
        bytes
    }
}

#[test]
fn requests_keep_their_property() {
    let accepted = run(mixed(http::requests), requests);
    assert!((CASES / 2..CASES * 3 / 2).contains(&accepted), "{accepted} requests were accepted");
}

#[test]
fn requests_that_follow_the_grammar_are_all_accepted() {
    assert_eq!(run(right(http::request), requests), CASES);
}

#[test]
fn chunked_bodies_keep_their_property() {
    let whole = run(mixed(http::chunked), chunks);
    assert!((CASES / 4..CASES * 3 / 4).contains(&whole), "{whole} bodies were accepted");
}

#[test]
fn chunked_bodies_that_follow_the_grammar_are_all_accepted() {
    assert_eq!(run(right(http::chunked), chunks), CASES);
}

#[test]
fn event_streams_keep_their_property() {
    let dispatched = run(mixed(sse::stream), events);
    assert!(dispatched > CASES, "only {dispatched} events were dispatched");
}

#[test]
fn row_25_what_is_encoded_is_parsed_again() {
    let sent = run(mixed(sse::script), encoded);
    assert!(sent > CASES, "only {sent} events were sent");
}

//! The properties, on bytes that come from dice thrown over the grammar: a second for all of them.
//!
//! Some bytes are right, some have one likely mistake, and some are spoiled in any place: so they
//! get as far into a parser as its last check. Each test says what share must be
//! accepted, as where all bytes are refused at once a property holds of any parser.

mod client;
mod dice;
mod http;
#[cfg(feature = "journal")]
mod journal;
#[cfg(feature = "redis")]
mod redis;
mod sse;

use std::panic::{AssertUnwindSafe, catch_unwind};

use self::dice::{Dice, spoil};
use super::random::Random;
use super::{chunks, encoded, events, requests, responses, urls};

/// How many cases there are for each property.
const CASES: usize = 2000;

/// Gives the sum of what the property gives. The dice are the same on every run, and the message of
/// a panic has the case as a literal that can be pasted into a test.
#[track_caller]
fn run(make: impl Fn(&mut Random) -> Vec<u8>, property: impl Fn(&[u8]) -> usize) -> usize {
    run_cases(CASES, make, property)
}

/// The same for so many cases.
#[track_caller]
fn run_cases(
    cases: usize,
    make: impl Fn(&mut Random) -> Vec<u8>,
    property: impl Fn(&[u8]) -> usize,
) -> usize {
    let mut random = Random::of(b"tidings");
    let mut sum = 0;
    for case in 0..cases {
        let bytes = make(&mut random);
        match catch_unwind(AssertUnwindSafe(|| property(&bytes))) {
            Ok(found) => sum += found,
            Err(_) => panic!("case {case}, as said above: b\"{}\"", bytes.escape_ascii()),
        }
    }
    sum
}

/// All of them by the grammar.
fn right(make: impl Fn(&mut Dice<'_>) -> Vec<u8>) -> impl Fn(&mut Random) -> Vec<u8> {
    move |random| make(&mut Dice::right(random))
}

/// One half with a mistake, and the other spoiled.
fn not_quite(make: impl Fn(&mut Dice<'_>) -> Vec<u8>) -> impl Fn(&mut Random) -> Vec<u8> {
    move |random| {
        if random.once_in(2) {
            return make(&mut Dice::wrong(random));
        }
        let mut bytes = make(&mut Dice::right(random));
        spoil(&mut bytes, random);
        bytes
    }
}

#[test]
fn requests_keep_their_property() {
    let accepted = run(not_quite(http::requests), requests);
    assert!((CASES / 4..CASES).contains(&accepted), "{accepted} requests were accepted");
}

#[test]
fn requests_that_follow_the_grammar_are_all_accepted() {
    assert_eq!(run(right(http::request), requests), CASES);
}

#[test]
fn chunked_bodies_keep_their_property() {
    let whole = run(not_quite(http::chunked), chunks);
    assert!((CASES / 4..CASES).contains(&whole), "{whole} bodies were accepted");
}

#[test]
fn chunked_bodies_that_follow_the_grammar_are_all_accepted() {
    assert_eq!(run(right(http::chunked), chunks), CASES);
}

#[test]
fn event_streams_keep_their_property() {
    let dispatched = run(not_quite(sse::stream), events);
    assert!(dispatched > CASES, "only {dispatched} events were dispatched");
}

#[test]
fn row_25_what_is_encoded_is_parsed_again() {
    let sent = run(right(sse::script), encoded);
    assert!(sent > CASES, "only {sent} events were sent");
}

#[test]
fn responses_keep_their_property() {
    let accepted = run(not_quite(client::response), responses);
    assert!((CASES / 4..CASES).contains(&accepted), "{accepted} responses were accepted");
}

#[test]
fn responses_that_follow_the_grammar_are_all_accepted() {
    assert_eq!(run(right(client::response), responses), CASES);
}

#[test]
fn urls_keep_their_property() {
    let accepted = run(not_quite(client::url), urls);
    assert!((CASES..CASES * 2).contains(&accepted), "{accepted} URLs lead anywhere");
}

#[cfg(feature = "journal")]
mod segments {
    use super::super::{places, segments};
    use super::{CASES, journal, not_quite, right, run, run_cases};

    #[test]
    fn segments_keep_their_property() {
        let whole = run(not_quite(journal::segment), segments);
        assert!((CASES..CASES * 2).contains(&whole), "{whole} blocks were whole");
    }

    #[test]
    fn segments_that_were_not_damaged_keep_their_property() {
        let whole = run(right(journal::segment), segments);
        assert!(whole > CASES * 3 / 2, "only {whole} blocks were written");
    }

    #[test]
    fn places_in_a_segment_are_those_of_a_linear_reading() {
        // The segments are large.
        let cases = CASES / 20;
        let found = run_cases(cases, |random| random.next().to_le_bytes().to_vec(), places);
        assert!(found > cases * 10, "only {found} events were there to be found");
    }
}

#[cfg(feature = "redis")]
mod resp {
    use super::super::resp;
    use super::{CASES, not_quite, redis, right, run};

    #[test]
    fn replies_of_redis_keep_their_property() {
        let whole = run(not_quite(redis::replies), resp);
        assert!((CASES..CASES * 4).contains(&whole), "{whole} replies were whole");
    }

    #[test]
    fn replies_that_follow_the_grammar_are_all_read() {
        assert_eq!(run(right(redis::reply), resp), CASES);
    }
}

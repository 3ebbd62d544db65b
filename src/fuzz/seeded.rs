//! The properties, on bytes that come from dice thrown over the grammar: a second for all of them.
//!
//! About half of the bytes are right, so that what is behind the first checks is reached; the
//! others are right but for a few places ([`spoil`]). Each test says what share must be accepted,
//! as a test of bytes that are all refused at once would hold for any parser.

mod grammar;

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::random::Random;
use super::{chunks, encoded, events, requests};

/// How many cases there are for each property.
const CASES: usize = 2000;

/// Gives the sum of what the property gives. A case that fails is in the panic's message, as bytes
/// that can be pasted into a test.
#[track_caller]
fn run(make: impl Fn(&mut Random) -> Vec<u8>, property: impl Fn(&[u8]) -> usize) -> usize {
    let mut random = Random::of(b"the same on every run");
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

/// What parsers care about, and what they should not.
const FRAGMENTS: [&[u8]; 32] = [
    b"\r\n",
    b"\r",
    b"\n",
    b"\0",
    b" ",
    b"\t",
    b":",
    b";",
    b"=",
    b",",
    b"\"",
    b"\\",
    b"%",
    b"%0",
    b"%00",
    b"/",
    b"?",
    b"#",
    b"*",
    b"@",
    b"[",
    b"0",
    b"1",
    b"f",
    b"x",
    b"\x0B",
    b"\x7F",
    b"\x80",
    b"\xFF",
    b"\xEF\xBB\xBF",
    b"\xC3\xA9",
    b"\r\n\r\n",
];

/// Changes bytes in up to four places.
fn spoil(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let start = random.below(bytes.len() + 1);
        let end = bytes.len().min(start + random.below(4));
        let put: Vec<u8> = match random.below(4) {
            0 => Vec::new(),
            1 => vec![random.below(256) as u8],
            2 => bytes[start..].iter().take(random.below(40)).copied().collect(),
            _ => random.pick(&FRAGMENTS).to_vec(),
        };
        bytes.splice(start..end, put);
    }
}

/// What the grammar makes, every other time spoilt.
fn often_spoilt(make: impl Fn(&mut Random) -> Vec<u8>) -> impl Fn(&mut Random) -> Vec<u8> {
    move |random| {
        let mut bytes = make(random);
        if random.once_in(2) {
            spoil(&mut bytes, random);
        }
        bytes
    }
}

#[test]
fn requests_keep_their_property() {
    let accepted = run(often_spoilt(grammar::requests), requests);
    assert!(accepted > CASES, "only {accepted} requests were accepted");
}

#[test]
fn requests_that_follow_the_grammar_are_all_accepted() {
    let make = |random: &mut Random| grammar::request(random);
    assert_eq!(run(make, requests), CASES);
}

#[test]
fn chunked_bodies_keep_their_property() {
    let whole = run(often_spoilt(grammar::chunked), chunks);
    assert!(whole > CASES / 2 && whole < CASES, "{whole} bodies were accepted");
}

#[test]
fn chunked_bodies_that_follow_the_grammar_are_all_accepted() {
    assert_eq!(run(grammar::chunked, chunks), CASES);
}

#[test]
fn event_streams_keep_their_property() {
    let dispatched = run(often_spoilt(grammar::stream), events);
    assert!(dispatched > CASES, "only {dispatched} events were dispatched");
}

#[test]
fn what_is_encoded_is_parsed_again() {
    let sent = run(grammar::script, encoded);
    assert!(sent > CASES, "only {sent} events were sent");
}

//! Each judgement on facts as they would be seen, good and bad.

mod browser;
mod flow;
mod response;
mod resume;

use std::time::Duration;

use tidings::Status;
use tidings::http::ResponseHead;

use super::super::facts::{Ids, Visit};
use super::super::finding::{Finding, Level};
use super::super::proxies::{Proxy, Seen};
use super::super::publish::{Publication, Refused};
use super::super::remedy::Remedy;

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
    Transfer-Encoding: chunked\r\nCache-Control: no-cache\r\n";

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A visit with this head at 2 ms, these chunks at their times, and so long.
fn watched(head: &str, chunks: &[(u64, &str)], until: u64) -> Visit {
    let mut visit = Visit::new();
    visit.take(format!("{head}\r\n").as_bytes(), ms(2));
    for (at, chunk) in chunks {
        visit.take(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes(), ms(*at));
    }
    visit.watched = ms(until);
    visit
}

fn head_of(text: &str) -> ResponseHead {
    watched(text, &[], 0).head.expect("a head").0
}

#[track_caller]
fn assert_good(finding: &Finding, said: &str) {
    assert_eq!((finding.level, &*finding.said, finding.remedy), (Level::Good, said, None));
}

#[track_caller]
fn assert_fault(finding: &Finding, said: &str, remedy: Remedy) {
    assert!(finding.said.starts_with(said), "{finding:?}");
    assert_eq!((finding.level, finding.remedy), (Level::Fault, Some(remedy)), "{finding:?}");
}

#[track_caller]
fn assert_note(finding: &Finding, said: &str) {
    assert!(finding.said.starts_with(said), "{finding:?}");
    assert_eq!(finding.level, Level::Note, "{finding:?}");
}

//! That it finds what it is there to find.

use std::time::{Duration, Instant};

use super::{Entry, Report, check};
use crate::hopper::{Got, Received};
use crate::load::{Fault, Outcome};
use crate::publisher::{Attempt, Post, Published};

/// Two publishers on the channel `a`, one on `b`, and a stream that has had everything on `a`.
struct Told {
    began: Instant,
    outcome: Outcome,
    entries: Vec<Entry>,
}

fn event(id: &str, data: &str) -> Got {
    Got::Event { id: id.into(), data: data.into() }
}

impl Told {
    fn new() -> Self {
        let began = Instant::now();
        let post = |at: u64, data: &[&str], ids: &[&str]| Post {
            data: data.iter().map(|&data| data.into()).collect(),
            sent: began + Duration::from_secs(at),
            told: began + Duration::from_secs(at + 1),
            ids: ids.iter().map(|&id| id.into()).collect(),
            unknown: usize::from(ids.is_empty()),
        };
        let published = [
            vec![post(0, &["a p0 0 "], &["1-1"]), post(10, &["a p0 1 "], &["1-3"])],
            vec![post(20, &["a p1 0 ", "a p1 1 "], &["2-0", "2-1"]), post(30, &["a p1 2 "], &[])],
            vec![post(5, &["b p2 0 "], &["1-2"])],
        ];
        let published = published.map(|posts| Published { posts, ..Published::default() }).into();
        let entries = [
            ("1-1", "a p0 0 "),
            ("1-2", "b p2 0 "),
            ("1-3", "a p0 1 "),
            ("2-0", "a p1 0 "),
            ("2-1", "a p1 1 "),
        ];
        let of_a = entries.iter().filter(|(_, data)| data.starts_with('a'));
        let received = Received {
            channels: vec!["a"],
            start: Some("1-0".into()),
            got: of_a.map(|(id, data)| event(id, data)).collect(),
            ..Received::default()
        };
        let entry = |(id, data): (&str, &str)| (id.into(), data[..1].into(), data.into());
        let (losses, ended, late) = Default::default();
        let outcome = Outcome { published, received: vec![received], losses, late, ended };
        Self { began, outcome, entries: entries.map(entry).into() }
    }

    fn got(&mut self) -> &mut Vec<Got> {
        &mut self.outcome.received[0].got
    }

    /// A gap in this place, told after 16 s.
    fn gap(&mut self, place: usize, id: &str, missed: &str) {
        let json = format!(r#"{{"from":"1-1","to":"{id}","missed":{missed},"reason":"failover"}}"#);
        let at = self.began + Duration::from_secs(16);
        self.got().insert(place, Got::Gap { id: id.into(), json, at });
    }

    fn loses(&mut self, at: u64) {
        let at = self.began + Duration::from_secs(at);
        self.outcome.losses.push(Fault { from: at, to: at });
    }

    fn check(&self) -> Report {
        check(&self.outcome, Some(&self.entries))
    }

    #[track_caller]
    fn finds(&self, what: &str) {
        let wrong = self.check().wrong;
        assert!(wrong.iter().any(|wrong| wrong.contains(what)), "{what:?} is not in {wrong:?}");
    }

    #[track_caller]
    fn finds_nothing(&self) {
        assert_eq!(self.check().wrong, [""; 0]);
    }
}

#[test]
fn what_is_whole_is_whole() {
    Told::new().finds_nothing();
}

#[test]
fn an_id_that_names_two_events_is_found() {
    let mut told = Told::new();
    told.got()[3] = event("2-1", "a p1 2 ");
    told.finds("2-1 names two events");
}

#[test]
fn an_event_with_two_ids_is_found_and_may_be_only_after_an_unknown_attempt_and_a_fault() {
    let mut told = Told::new();
    told.entries.push(("3-0".into(), "a".into(), "a p1 1 ".into()));
    told.got().push(event("3-0", "a p1 1 "));
    told.finds("a p1 1  has the ids {(2, 1), (3, 0)}, 0 times unknown");
    told.outcome.published[1].posts[0].unknown = 1;
    told.finds("a p1 1  has the ids");
    told.loses(25);
    told.finds_nothing();
}

#[test]
fn what_redis_lacks_is_found() {
    let mut told = Told::new();
    told.entries.pop();
    told.finds("Redis lacks (2, 1)");
    told.loses(25);
    told.finds_nothing();
}

#[test]
fn a_silent_loss_is_found() {
    let mut told = Told::new();
    told.got().remove(1);
    told.finds("1 lost without a word between (1, 1) and (2, 0)");
    // A fault excuses nothing that isn't told.
    told.loses(15);
    told.finds("1 lost without a word between (1, 1) and (2, 0)");
    told.gap(1, "1-3", "null");
    told.finds_nothing();
}

#[test]
fn a_gap_without_a_reason_is_found() {
    let mut told = Told::new();
    told.gap(1, "1-1", "null");
    told.finds("nothing is gone between (1, 1) and (1, 3)");
    // A fault at another time is none.
    told.loses(25);
    told.finds("nothing is gone between (1, 1) and (1, 3)");
    told.loses(8);
    told.finds_nothing();
    // What is gone from Redis may have been on any channel.
    let mut told = Told::new();
    told.loses(25);
    told.gap(1, "1-2", "null");
    told.finds("nothing is gone between (1, 1) and (1, 3)");
    told.entries.remove(1);
    told.finds_nothing();
}

#[test]
fn a_wrong_number_of_lost_events_is_found() {
    let mut told = Told::new();
    told.loses(15);
    told.got().remove(1);
    // One of another channel counts, or doesn't.
    for missed in ["1", "2"] {
        told.gap(1, "1-3", missed);
        told.finds_nothing();
        told.got().remove(1);
    }
    told.gap(1, "1-3", "3");
    told.finds("1 or 2 are gone, and not as in");
}

#[test]
fn doubles_and_disorder_are_found_but_for_what_a_gap_tells_anew() {
    let mut told = Told::new();
    let again = event("1-3", "a p0 1 ");
    told.got().insert(2, again);
    told.finds("1-3 comes after (1, 3)");
    told.loses(15);
    told.gap(2, "1-2", "null");
    told.finds_nothing();
    let mut told = Told::new();
    told.got().swap(0, 1);
    told.finds("1-1 comes after (1, 3)");
    // A gap is no event, and has an id all the same.
    let mut told = Told::new();
    told.loses(8);
    told.gap(1, "1-4", "null");
    told.finds("1-3 comes after (1, 4)");
}

#[test]
fn what_was_refused_and_is_there_is_found() {
    let mut told = Told::new();
    let post = &mut told.outcome.published[1].posts[1];
    post.unknown = 0;
    told.finds_nothing();
    told.outcome.published[1].posts[0].ids.clear();
    told.outcome.published[1].posts[0].unknown = 0;
    told.finds("published, and its publisher was told it wasn't");
}

#[test]
fn a_part_of_a_batch_is_found() {
    let mut told = Told::new();
    told.outcome.published[1].posts[0].ids.clear();
    told.outcome.published[1].posts[0].unknown = 1;
    told.finds_nothing();
    told.entries.pop();
    told.got().pop();
    told.finds("a part of a batch: 1 of");
}

#[test]
fn what_nobody_published_is_found() {
    let mut told = Told::new();
    told.entries.push(("9-0".into(), "a".into(), "a p9 0 ".into()));
    told.finds("nobody has published (9, 0)");
    told.finds("lost without a word between (2, 1) and the end");
}

#[test]
fn a_publisher_out_of_order_is_found() {
    let mut told = Told::new();
    told.outcome.published[0].posts.swap(0, 1);
    told.finds("(1, 1) comes after (1, 3)");
}

#[test]
fn a_closed_stream_and_a_late_response_are_found() {
    let mut told = Told::new();
    told.outcome.received[0].closed = 1;
    let late = Attempt { at: told.began, took: Duration::from_millis(3100), status: 503 };
    told.outcome.published[0].attempts.push(late);
    told.finds("was closed 1 times");
    told.finds("1 responses took more than 3 s");
    told.outcome.late = Duration::from_millis(50);
    assert_eq!(told.check().wrong.len(), 1);
}

//! A client that comes back goes on where it should.

use super::super::script;
use super::super::step::mark;
use super::*;

/// Plays a script to clients that come one after the other.
struct Player {
    course: Course,
    progress: Progress,
}

impl Player {
    fn new(script: &str) -> Self {
        let steps = script::parse(script.as_bytes()).expect("a script");
        Self { course: Course::new(mark(steps)), progress: Progress::default() }
    }

    /// What a connection gets, and how it ends; `None` if it is told to stop.
    fn connect(&mut self, id: &str) -> Option<(String, Ending)> {
        let id = Some(id).filter(|id| !id.is_empty());
        let Entrance { mut at, reached } = self.progress.enter(&self.course, id)?;
        let mut got = Vec::new();
        loop {
            match self.course.next(&mut at, reached) {
                Some((_, Step::Bytes(bytes))) => got.extend_from_slice(bytes),
                Some((_, Step::Head(head))) => got.extend(head.status.code().to_string().bytes()),
                Some((_, Step::End(ending))) => {
                    self.progress.ended(at);
                    return Some((String::from_utf8(got).unwrap(), *ending));
                }
                Some(_) => {}
                None => {
                    self.progress.ended(at);
                    return Some((String::from_utf8(got).unwrap(), Ending::Close));
                }
            }
        }
    }

    #[track_caller]
    fn gets(&mut self, id: &str, expected: &str, ending: Ending) {
        assert_eq!(self.connect(id), Some((expected.into(), ending)));
    }
}

#[test]
fn each_connection_goes_on_after_what_ended_the_last() {
    let mut player = Player::new("data: a\n\n: close\ndata: b\n\n: cut\n: status 503\ndata: c\n\n");
    player.gets("", "data: a\n\n", Ending::Close);
    player.gets("", "data: b\n\n", Ending::Cut);
    player.gets("", "503503 Service Unavailable\n", Ending::Close);
    player.gets("unheard of", "data: c\n\n", Ending::Close);
    player.gets("", "data: a\n\n", Ending::Close);
}

#[test]
fn an_id_goes_on_after_its_event_and_no_end_is_met_twice() {
    let mut player = Player::new("id: 1\ndata\n\nid: 2\ndata\n\n: reset\nid: 3\ndata\n\n");
    player.gets("", "id: 1\ndata\n\nid: 2\ndata\n\n", Ending::Reset);
    player.gets("1", "id: 2\ndata\n\nid: 3\ndata\n\n", Ending::Close);
    player.gets("2", "id: 3\ndata\n\n", Ending::Close);
    assert_eq!(player.connect("3"), None);
    player.gets("", "id: 1\ndata\n\nid: 2\ndata\n\n", Ending::Reset);
}

#[test]
fn what_was_unfinished_is_not_sent_again() {
    let mut player = Player::new("id: 1\ndata: a\n\ndata: hel\n: cut\ndata: hello\n\n");
    player.gets("", "id: 1\ndata: a\n\ndata: hel\n", Ending::Cut);
    player.gets("1", "data: hello\n\n", Ending::Close);
    assert_eq!(player.connect("1"), None);
}

#[test]
fn a_response_that_is_no_stream_is_given_once() {
    let script =
        "id: 1\ndata\n\n: close\n: type text/html\nid: 2\ndata\n\n: close\nid: 3\ndata\n\n";
    let mut player = Player::new(script);
    player.gets("", "id: 1\ndata\n\n", Ending::Close);
    player.gets("1", "200id: 2\ndata\n\n", Ending::Close);
    player.gets("1", "id: 3\ndata\n\n", Ending::Close);
    // No client got this id from there.
    player.gets("2", "id: 1\ndata\n\n", Ending::Close);
    player.gets("unheard of", "200id: 2\ndata\n\n", Ending::Close);
}

#[test]
fn comments_after_the_last_event_are_no_reason_to_come_back() {
    let mut player = Player::new("id: 1\ndata\n\n: bye\n\n");
    player.gets("", "id: 1\ndata\n\n: bye\n\n", Ending::Close);
    assert_eq!(player.connect("1"), None);
}

#[test]
fn a_directive_that_is_still_to_come_is_a_reason() {
    let mut player = Player::new("id: 1\ndata\n\n: close\n: status 503\n: reset\n");
    player.gets("", "id: 1\ndata\n\n", Ending::Close);
    player.gets("1", "503503 Service Unavailable\n", Ending::Close);
    player.gets("1", "", Ending::Reset);
    assert_eq!(player.connect("1"), None);
}

#[test]
fn a_section_goes_round_as_often_as_it_says() {
    let mut player = Player::new("data: a\n\n: repeat 2\ndata: b\n\n: close\n: repeat 2\n: cut");
    player.gets("", "data: a\n\ndata: a\n\ndata: b\n\n", Ending::Close);
    player.gets("", "data: b\n\n", Ending::Close);
    player.gets("", "", Ending::Cut);
}

#[test]
fn an_id_that_comes_every_round_is_that_of_the_round_before() {
    let mut player = Player::new("id: 1\ndata\n\n: cut\nid: 2\ndata\n\n: close\n: repeat");
    player.gets("", "id: 1\ndata\n\n", Ending::Cut);
    player.gets("1", "id: 2\ndata\n\n", Ending::Close);
    player.gets("2", "id: 1\ndata\n\n", Ending::Cut);
    player.gets("1", "id: 2\ndata\n\n", Ending::Close);
    // It has gone back a round, and no end is met twice.
    player.gets("1", "id: 2\ndata\n\nid: 1\ndata\n\n", Ending::Cut);
}

#[test]
fn an_id_of_an_earlier_section_is_that_of_its_last_round() {
    let mut player = Player::new("id: 1\ndata\n\n: repeat 3\nid: 2\ndata\n\n: cut\n");
    let thrice = "id: 1\ndata\n\n".repeat(3);
    player.gets("", &format!("{thrice}id: 2\ndata\n\n"), Ending::Cut);
    player.gets("1", "id: 2\ndata\n\n", Ending::Close);
}

#[test]
fn a_client_that_lacks_nothing_gets_nothing_again() {
    let mut player = Player::new("id: 1\ndata\n\ndata: a\n\n: close\n: status 503\ndata: b\n\n");
    player.gets("", "id: 1\ndata\n\ndata: a\n\n", Ending::Close);
    player.gets(" 1 ", "503503 Service Unavailable\n", Ending::Close);
    player.gets("1", "data: b\n\n", Ending::Close);
    assert_eq!(player.connect("1"), None);
}

#[test]
fn a_reset_is_seen_from_where_its_connection_begins_and_from_no_other() {
    let will_reset = |script: &str, from: usize, reached: usize| {
        let course = Player::new(script).course;
        let after = |steps: usize| {
            let mut at = START;
            for _ in 0..steps {
                course.next(&mut at, START).expect("a step");
            }
            at
        };
        course.will_reset(after(from), after(reached))
    };
    // Bytes, block and flush, twice, and the reset is the seventh.
    let script = "data: a\n\ndata: b\n\n: reset\ndata: c\n\n";
    assert!(will_reset(script, 0, 0) && will_reset(script, 6, 6));
    assert!(!will_reset(script, 7, 7) && !will_reset(script, 0, 7));
    assert!(!will_reset("data: a\n\n: close\n: reset\n", 0, 0));
    assert!(!will_reset("data: a\n\n: status 503\n: reset\n", 0, 0));
    assert!(will_reset(": type text/html\n: reset\n", 0, 0));
    assert!(will_reset("data: a\n\n: repeat 1000\n: reset\n", 0, 0));
    assert!(!will_reset("data: a\n\n: repeat\n", 0, 0));
    // That of the first round is done.
    assert!(will_reset("data: a\n\n: reset\n: repeat 9\n", 0, 4));
    assert!(!will_reset("data: a\n\n: reset\n: repeat 1\n", 0, 4));
}

#[test]
fn what_follows_many_rounds_of_comments_is_still_to_come() {
    let script = "id: 1\ndata\n\n: close\n: repeat 1\n:\n\n: repeat 1000\ndata\n\n";
    let mut player = Player::new(script);
    player.gets("", "id: 1\ndata\n\n", Ending::Close);
    player.gets("1", &format!("{}data\n\n", ":\n\n".repeat(1000)), Ending::Close);
}

#[test]
fn a_client_that_goes_by_itself_may_begin_anew_or_go_on() {
    let mut player = Player::new("id: 1\ndata\n\nid: 2\ndata\n\n");
    let mut at = START;
    let first = player.course.next(&mut at, START).expect("a step");
    assert_eq!(first.1, &Step::Bytes("id: 1\ndata\n\n".into()));
    player.progress.left(at);
    player.gets("1", "id: 2\ndata\n\n", Ending::Close);
    player.progress.left(at);
    player.gets("", "id: 1\ndata\n\nid: 2\ndata\n\n", Ending::Close);
}

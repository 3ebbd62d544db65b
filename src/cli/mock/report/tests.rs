//! What is said of clients that do well, and of those that don't.

use super::super::step::{Ending, Head};
use super::*;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn stream(events: usize, id: Option<&str>, retry: Option<u64>) -> Seen {
    Seen {
        head: Some(Head::stream("text/event-stream")),
        events,
        id: id.map(Into::into),
        retry: retry.map(millis),
    }
}

pub(super) fn response(head: Head) -> Seen {
    Seen { head: Some(head), ..Seen::default() }
}

/// A connection that is open from the one to the other.
pub(super) fn visit(
    number: u64,
    id: Option<&str>,
    [opened, closed]: [u64; 2],
    seen: &Seen,
) -> Visit {
    let (opened, closed, seen) = (millis(opened), millis(closed), seen.clone());
    let (request, last_event_id) = ("GET /".into(), id.map(Into::into));
    let end = End::Ended(Ending::Close);
    Visit { number, request, last_event_id, opened, closed, seen, end }
}

fn stalled(visit: Visit, stayed: u64, has_left: bool) -> Visit {
    Visit { end: End::Stalled { stayed: millis(stayed), has_left }, ..visit }
}

/// Takes a connection from its beginning to its end.
fn note(report: &mut Report, visit: Visit) -> String {
    report.begun += 1;
    report.note(visit)
}

/// The card's lines, without the first, and the rows without their names.
fn card(visits: &[Visit], now: u64) -> [String; 6] {
    let mut report = Report::default();
    visits.iter().for_each(|visit| drop(note(&mut report, visit.clone())));
    let (card, is_good) = report.card(millis(now));
    assert_eq!(is_good, !card.contains(" NO "), "{card}");
    let rows = card.lines().skip(1).map(|row| row[26..].to_owned());
    rows.collect::<Vec<_>>().try_into().expect("six rows")
}

#[test]
fn a_client_that_does_well_is_told_so() {
    let mut report = Report::default();
    let visits = [
        visit(1, None, [0, 100], &stream(2, Some("2"), Some(500))),
        visit(2, Some("2"), [610, 700], &stream(1, Some("3"), None)),
        visit(3, Some("3"), [1200, 1200], &response(Head::no_content())),
    ];
    let lines = visits.map(|visit| note(&mut report, visit));
    let expected = [
        "#1 GET /: 200, 2 events, close\n",
        "#2 GET / 0.51 s later with last event ID \"2\": 200, 1 event, close\n",
        "#3 GET / 0.50 s later with last event ID \"3\": 204\n",
    ];
    assert_eq!(lines, expected);
    let expected = "report card, after 3 connections\n  \
        reconnects              yes  2 times\n  \
        sends its last event ID yes  2 times\n  \
        waits as long as told   yes  0.50 s to 0.51 s, first told 0.50 s\n  \
        leaves a stalled stream -    there was none\n  \
        stops at a 204          yes  nothing came for 1.80 s\n  \
        stops at other failures -    there was none\n";
    assert_eq!(report.card(millis(3000)), (expected.into(), true));
}

#[test]
fn a_client_that_does_not_come_back_is_told_so_once_it_should_have() {
    let visits = [visit(1, None, [0, 100], &stream(2, None, Some(500)))];
    assert_eq!(card(&visits, 1090)[0], "-    not watched for long enough: 0.99 s of 1.00 s");
    assert_eq!(card(&visits, 1100)[0], "NO   nothing came for 1.00 s after #1");
    let visits = [visit(1, None, [0, 100], &stream(2, None, None))];
    assert_eq!(card(&visits, 2100)[0], "-    not watched for long enough: 2.00 s of 6.00 s");
    assert_eq!(card(&visits, 6100)[0], "NO   nothing came for 6.00 s after #1");
    let visits = [visit(1, None, [0, 100], &stream(2, None, Some(0)))];
    assert_eq!(card(&visits, 590)[0], "-    not watched for long enough: 0.49 s of 0.50 s");
    assert_eq!(card(&visits, 600)[0], "NO   nothing came for 0.50 s after #1");
}

#[test]
fn a_wrong_id_is_told_with_the_right_one() {
    let first = || visit(1, None, [0, 100], &stream(2, Some("2"), None));
    let second = |id| visit(2, id, [200, 300], &stream(0, None, None));
    let told = |id| card(&[first(), second(id)], 300)[1].clone();
    assert_eq!(told(None), "NO   #2 sent none, not \"2\"");
    assert_eq!(told(Some("1")), "NO   #2 sent \"1\", not \"2\"");
    assert_eq!(told(Some("2")), "yes  1 time");
    // An id that is kept from connection to connection, and one that is taken back.
    let third = visit(3, Some("2"), [400, 500], &stream(1, Some(""), None));
    let fourth = visit(4, None, [600, 700], &stream(1, None, None));
    let visits = [first(), second(Some("2")), third, fourth];
    assert_eq!(card(&visits, 700)[1], "yes  2 times");
}

#[test]
fn a_client_that_comes_back_early_or_in_spite_of_all_is_told_so() {
    let visits = [
        visit(1, None, [0, 100], &stream(2, None, Some(500))),
        visit(2, None, [300, 300], &response(Head::no_content())),
        visit(3, None, [400, 400], &response(Head::stream("text/html"))),
        visit(4, None, [500, 500], &stream(1, None, None)),
    ];
    let card = card(&visits, 500);
    assert_eq!(card[2], "NO   0.20 s after #1, not 0.50 s");
    assert_eq!(card[4], "NO   it was back 0.10 s after #2");
    assert_eq!(card[5], "NO   it was back 0.10 s after #3");
}

#[test]
fn what_was_not_watched_for_long_enough_is_not_judged() {
    let visits = [visit(1, None, [0, 100], &response(Head::no_content()))];
    assert_eq!(card(&visits, 300)[4], "-    not watched for long enough: 0.20 s of 6.00 s");
    assert_eq!(card(&visits, 6100)[4], "yes  nothing came for 6.00 s");
}

#[test]
fn nobody_comes_back_to_a_mock_that_has_ended() {
    let end = End::Ended(Ending::Finish);
    let ended = Visit { end, ..visit(1, None, [0, 9], &stream(1, None, Some(0))) };
    assert_eq!(card(&[ended], 60_000)[0], "-    there was no need to");
}

#[test]
fn a_client_that_goes_in_a_stall_may_go_for_good() {
    let seen = stream(1, Some("1"), Some(100));
    let stalled = || stalled(visit(1, None, [0, 900], &seen), 300, true);
    assert_eq!(card(&[stalled()], 60_000)[0], "-    there was no need to");
    // It may be back at once: the standard knows no such end.
    let back = visit(2, Some("1"), [901, 950], &response(Head::no_content()));
    let expected = [
        "yes  1 time",
        "yes  1 time",
        "-    it was told nothing, or did not come back",
        "yes  after 0.30 s",
    ];
    assert_eq!(card(&[stalled(), back], 60_000)[..4], expected);
}

#[test]
fn a_client_that_stays_in_a_stall_is_told_for_how_long_and_comes_back_after_it() {
    let seen = stream(1, Some("1"), Some(100));
    let stalled = || stalled(visit(1, None, [0, 900], &seen), 800, false);
    let alone = card(&[stalled()], 60_000);
    assert_eq!(alone[0], "NO   nothing came for 59.10 s after #1");
    assert_eq!(alone[3], "-    it stayed for 0.80 s");
}

#[test]
fn a_client_that_is_turned_away_has_come_back() {
    let mut report = Report::default();
    note(&mut report, visit(1, None, [0, 100], &stream(1, None, Some(200))));
    let seen = Seen::default();
    let late = Visit { end: End::TurnedAway, ..visit(2, None, [310, 310], &seen) };
    assert_eq!(
        note(&mut report, late),
        "#2 GET / 0.21 s later: not served, as there have been enough\n"
    );
    let (card, is_good) = report.card(millis(60_000));
    assert!(card.contains("  reconnects              yes  1 time\n") && is_good, "{card}");
}

#[test]
fn a_client_that_posts_need_not_post_again() {
    let posted =
        Visit { request: "POST /".into(), ..visit(1, None, [0, 9], &stream(1, None, None)) };
    assert_eq!(card(&[posted], 60_000)[0], "-    there was no need to");
}

#[test]
fn a_mock_that_runs_for_days_keeps_only_what_is_new() {
    let mut report = Report::default();
    for number in 0..JUDGED as u64 + 5 {
        note(&mut report, visit(number, None, [number, number], &stream(1, None, None)));
    }
    assert_eq!(report.visits.len(), JUDGED);
    let (card, _) = report.card(millis(60_000));
    assert!(card.starts_with("report card, after 10005 connections\n"), "{card}");
}

#[test]
fn connections_beside_each_other_are_not_judged() {
    let visits = [
        visit(1, None, [0, 500], &stream(2, Some("2"), Some(500))),
        visit(2, None, [100, 600], &stream(2, Some("2"), Some(500))),
    ];
    assert_eq!(card(&visits, 9000), ["-    several clients at once"; 6]);
}

#[test]
fn clients_of_several_targets_are_judged_each_for_itself() {
    let of = |target: &str, visit| Visit { request: format!("GET /{target}"), ..visit };
    let told = |n| stream(1, Some("1"), Some(n));
    let visits = [
        of("a", visit(1, None, [0, 100], &told(200))),
        of("b", visit(2, None, [50, 200], &told(300))),
        of("a", visit(3, Some("1"), [310, 400], &response(Head::no_content()))),
        of("b", visit(4, Some("1"), [510, 600], &response(Head::no_content()))),
    ];
    let expected = [
        "yes  2 times",
        "yes  2 times",
        "yes  0.21 s to 0.31 s, first told 0.20 s",
        "-    there was none",
        "yes  nothing came for 1.40 s",
        "-    there was none",
    ];
    assert_eq!(card(&visits, 2000), expected);
}

#[test]
fn a_client_that_is_still_there_has_come_back() {
    let mut report = Report::default();
    note(&mut report, visit(1, None, [0, 100], &stream(1, None, Some(500))));
    report.begin("GET /", None, millis(610));
    let (card, is_good) = report.card(millis(9000));
    let begin = "report card, after 1 connection and 1 that is still open\n  \
        reconnects              yes  1 time\n";
    assert!(card.starts_with(begin) && is_good, "{card}");
}

#[test]
fn each_connection_is_told_in_its_words() {
    let told = |seen: &Seen, end| {
        let mut report = Report::default();
        let number = report.begin("POST /v1", None, millis(0));
        report.end(number, seen, end, millis(1))
    };
    assert_eq!(
        told(&Seen::default(), End::Ended(Ending::Reset)),
        "#1 POST /v1: no response, reset\n"
    );
    assert_eq!(
        told(&response(Head::stream("text/html")), End::Ended(Ending::Close)),
        "#1 POST /v1: 200 of type \"text/html\"\n",
    );
    assert_eq!(
        told(&stream(0, None, None), End::Left),
        "#1 POST /v1: 200, 0 events, the client went\n"
    );
    assert_eq!(
        told(&response(Head::stream("Text/Event-Stream; charset=UTF-8")), End::Ended(Ending::Cut)),
        "#1 POST /v1: 200 of type \"Text/Event-Stream; charset=UTF-8\", 0 events, cut\n",
    );
    let line = |has_left| {
        let visit = visit(1, None, [0, 9], &stream(0, None, None));
        note(&mut Report::default(), stalled(visit, 3020, has_left))
    };
    let told = "#1 GET /: 200, 0 events, stall, the client";
    assert_eq!(line(true), format!("{told} went after 3.02 s\n"));
    assert_eq!(line(false), format!("{told} stayed for 3.02 s\n"));
}

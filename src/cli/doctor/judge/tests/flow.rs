//! Whether events come as they are sent, and what ends the stream.

use super::super::flow;
use super::*;

#[test]
fn a_buffer_is_found_by_events_that_come_in_parts() {
    let stream = [(3, ":\n"), (500, "data: a\n\n")];
    let said = "2 reads over 498 ms, and no event in parts";
    assert_good(&flow::buffering(&watched(STREAM, &stream, 900), &[]), said);
    let parts = [(3, "data: a\n\nda"), (1_503, "ta: b\n\n")];
    let finding = flow::buffering(&watched(STREAM, &parts, 3_000), &[]);
    assert_fault(&finding, "an event came in two parts, 1.5 s apart", Remedy::Flush);
    let silent = flow::buffering(&watched(STREAM, &[(3, ":\n")], 900), &[]);
    assert_note(&silent, "nothing more came in 900 ms: ");
    assert_eq!(silent.remedy, None);
    let silent = flow::buffering(&watched(STREAM, &[], 900), &[]);
    assert_note(&silent, "nothing came in 900 ms: ");
    assert_eq!(silent.remedy, Some(Remedy::Flush));
}

#[test]
fn a_stream_that_is_far_away_or_large_is_not_held_back() {
    // Its head took 400 ms to come, and so does each further part of what it sends at once.
    let mut far = Visit::new();
    far.take(format!("{STREAM}\r\n").as_bytes(), ms(400));
    far.take(b"c\r\ndata: a\n\ndat\r\n", ms(401));
    far.take(b"6\r\na: b\n\n\r\n", ms(801));
    far.watched = ms(3_000);
    assert_good(&flow::buffering(&far, &[]), "2 reads over 401 ms, and no event in parts");
    // That goes for half a second of it.
    let mut slow = Visit::new();
    slow.take(format!("{STREAM}\r\n").as_bytes(), ms(2_000));
    slow.take(b"c\r\ndata: a\n\ndat\r\n", ms(2_001));
    slow.take(b"6\r\na: b\n\n\r\n", ms(3_001));
    let said = "an event came in two parts, 1.0 s apart";
    assert_fault(&flow::buffering(&slow, &[]), said, Remedy::Flush);
    let large = "x".repeat(20_000);
    let stream = [(3, "data: "), (400, &large), (1_900, "\n\n")];
    assert_eq!(flow::buffering(&watched(STREAM, &stream, 3_000), &[]).level, Level::Good);
    let unfinished = [(3, "data: "), (400, &large)];
    let finding = flow::buffering(&watched(STREAM, &unfinished, 3_000), &[]);
    assert_eq!(finding.level, Level::Good);
    // A reconnection time is no event, and may stand by itself for long.
    let retry = [(3, "retry: 2000\n"), (2_003, ":\n\n")];
    assert_eq!(flow::buffering(&watched(STREAM, &retry, 3_000), &[]).level, Level::Good);
}

#[test]
fn events_that_all_come_with_the_end_have_been_held_back() {
    let ended = |chunks: &[(u64, &str)], at: u64| {
        let mut visit = watched(STREAM, chunks, at);
        visit.take(b"0\r\n\r\n", ms(at));
        flow::buffering(&visit, &[])
    };
    let two = "id: 1\ndata: a\n\nid: 2\ndata: b\n\n";
    let said = "all events came together with the end, after 4.0 s";
    assert_fault(&ended(&[(4_000, two)], 4_000), said, Remedy::Flush);
    // There was no time to send them apart, or only one, or they came before.
    let said = "nothing more came before the end, after 3 ms";
    assert_note(&ended(&[(3, two)], 3), said);
    assert_eq!(ended(&[(4_000, "data: a\n\n")], 4_000).level, Level::Note);
    assert_eq!(ended(&[(4_000, two), (5_000, two)], 5_000).level, Level::Good);
}

fn published(number: u64, sent: u64, taken: u64) -> Publication {
    Publication { data: number.to_string(), sent: ms(sent), taken: Ok(ms(taken)) }
}

#[test]
fn what_was_published_tells_whether_events_are_held_back() {
    let came = |at: u64, number: u64| (at, format!("event: doctor\ndata: {number}\n\n"));
    let judge = |came: &[(u64, String)], published: &[Publication]| {
        let came: Vec<_> = came.iter().map(|(at, event)| (*at, &**event)).collect();
        flow::buffering(&watched(STREAM, &came, 5_000), published)
    };
    let two = || [published(1, 300, 303), published(2, 600, 604)];
    let good = judge(&[came(302, 1), came(606, 2)], &two());
    assert_good(&good, "events came 2 ms after they were published");
    let late = judge(&[came(510, 1), came(780, 2)], &two());
    assert_fault(&late, "each event came 180 ms or more after it was published", Remedy::NoDelay);
    // Less than 40 ms more than the response took are none.
    assert_eq!(judge(&[came(342, 1), came(642, 2)], &two()).level, Level::Good);
    assert_eq!(judge(&[came(343, 1), came(643, 2)], &two()).level, Level::Fault);
    let held = judge(&[came(302, 1)], &two());
    assert_fault(&held, "of 2 events that the server took, 1 had not come", Remedy::Flush);
    // What was taken in the last second need not have come.
    let last = [published(1, 300, 303), published(2, 4_000, 4_500)];
    assert_eq!(judge(&[came(302, 1)], &last).level, Level::Good);
    let refused = |status: Option<u16>, why: &str| {
        let status = status.map(|code| Status::new(code).unwrap());
        let taken = Err(Refused { why: why.into(), status });
        judge(&[], &[Publication { data: "1".into(), sent: ms(300), taken }])
    };
    for code in [401, 403] {
        let finding = refused(Some(code), "it says no");
        assert_note(&finding, "no event could be published to see when it comes: it says no");
        assert_eq!(finding.remedy, Some(Remedy::Credentials));
    }
    assert_eq!(refused(Some(405), "it says no").remedy, None);
    assert_eq!(refused(None, "can't connect to h:401").remedy, None);
}

#[test]
fn a_first_byte_that_is_late_is_noted() {
    assert_good(&flow::first_byte(&watched(STREAM, &[(40, ":\n")], 900)), "after 40 ms");
    assert_note(&flow::first_byte(&watched(STREAM, &[(1_500, ":\n")], 1_900)), "after 1.5 s: ");
    let mut far = Visit::new();
    far.take(format!("{STREAM}\r\n2\r\n:\n\r\n").as_bytes(), ms(1_500));
    assert_good(&flow::first_byte(&far), "after 1.5 s");
    assert_note(&flow::first_byte(&watched(STREAM, &[], 900)), "none came: ");
}

#[test]
fn a_long_silence_is_noted_and_a_short_watch_proves_nothing() {
    let beats = [(3, ":\n"), (15_003, ":\n")];
    let said = "2 comments; silent for 15 s at most";
    assert_good(&flow::heartbeat(&watched(STREAM, &beats, 20_000)), said);
    let said = "1 comment; silent for 40 s at most: some proxies close";
    let mut long = watched(STREAM, &[(40_002, ":\n")], 41_000);
    assert_note(&flow::heartbeat(&long), said);
    assert_eq!(flow::heartbeat(&long).remedy, Some(Remedy::KeepOpen));
    // Its end has the remedy.
    long.ended(ms(41_000));
    assert_eq!(flow::heartbeat(&long).remedy, None);
    let said = "no comments; silent for 20 s at most; --wait 70s";
    assert_note(&flow::heartbeat(&watched(STREAM, &[], 20_000)), said);
    assert_note(&flow::heartbeat(&watched(STREAM, &[], 70_000)), "no comments; silent for 70 s");
    // There is nothing more to wait for.
    let mut ended = watched(STREAM, &[(3, "data\n\n")], 9);
    ended.ended(ms(1_003));
    let heartbeat = flow::heartbeat(&ended);
    assert_eq!(heartbeat, Finding::note("heartbeat", "no comments; silent for 1.0 s at most"));
}

#[test]
fn an_end_is_told_by_what_came_before_it() {
    let ended = |chunks: &[(u64, &str)], last: &str, at: u64| {
        let mut visit = watched(STREAM, chunks, at);
        visit.take(last.as_bytes(), ms(at));
        visit.ended(ms(at));
        flow::end(&visit)
    };
    const LAST: &str = "0\r\n\r\n";
    assert_good(&flow::end(&watched(STREAM, &[], 20_000)), "still open after 20 s");
    let broken = ended(&[(3, "data\n\n")], "oops\r\n", 1_003);
    assert_fault(&broken, "after 1.0 s, the response breaks the rules: a chunk", Remedy::Rules);
    // Its head came when a proxy gave up.
    let mut held = Visit::new();
    held.take(format!("{STREAM}\r\n").as_bytes(), ms(60_002));
    held.ended(ms(60_003));
    assert_fault(&flow::end(&held), "cut off after 60 s of silence", Remedy::KeepOpen);
    let silent = ended(&[(3, ":\n")], "", 60_003);
    assert_fault(&silent, "cut off after 60 s of silence", Remedy::KeepOpen);
    let away = ended(&[(3, "retry: 2000\n\n")], LAST, 5);
    assert_fault(
        &away,
        "ended after 5 ms, and told the client to come back in 2.0 s",
        Remedy::ComeBack,
    );
    // A stream may begin so, and end after a while.
    let said = "ended after 20 s; an EventSource reconnects";
    assert_note(&ended(&[(3, "retry: 2000\n\n")], LAST, 20_003), said);
    // One that has sent something was there; and one that was cut off has not told that.
    let said = "ended after 5 ms; an EventSource reconnects";
    assert_note(&ended(&[(3, "retry: 2000\ndata: a\n\n")], LAST, 5), said);
    let said = "cut off after 5 ms, though it was not silent";
    assert_fault(&ended(&[(3, "retry: 2000\n\n")], "", 5), said, Remedy::Last);
    // Half a second of silence closes nothing.
    let said = "ended after 503 ms; an EventSource reconnects";
    assert_note(&ended(&[(3, ":\n")], LAST, 503), said);
    let lively = [(1_000, ":\n"), (2_000, ":\n"), (3_000, ":\n")];
    assert_note(&ended(&lively, LAST, 3_500), "ended after 3.5 s; an EventSource reconnects");
    // A job that takes a while at its end; but no job that takes as long as proxies wait.
    let said = "ended after 6.0 s; an EventSource reconnects";
    assert_note(&ended(&lively, LAST, 6_000), said);
    let silent = ended(&lively, LAST, 63_000);
    assert_fault(&silent, "ended after 60 s of silence", Remedy::KeepOpen);
    let cut = ended(&lively, "", 3_500);
    assert_fault(&cut, "cut off after 3.5 s, though it was not silent", Remedy::Last);
    // The silence before the end is as long as the others.
    let beats = [(3, "data\n\n"), (1_003, "data\n\n")];
    assert_note(&ended(&beats, LAST, 2_010), "ended after 2.0 s; an EventSource reconnects");
}

#[test]
fn text_of_which_no_event_comes_is_a_fault() {
    let judge = |chunks: &[(u64, &str)]| flow::no_events(&watched(STREAM, chunks, 5_000));
    for text in ["id: 1\ndata: a\n", "{\"a\": 1}\n\n", " data: a\n\n", "data: a\r\n"] {
        let finding = judge(&[(3, text), (1_003, text)]).expect(text);
        assert_fault(&finding, "text came, and no event", Remedy::Events);
    }
    for text in ["id: 1\n\n", ": a\n", "retry: 7\n\n", "event: ping\n\n", "data: a\n\n"] {
        assert_eq!(judge(&[(3, text), (1_003, text)]), None, "{text:?}");
    }
    // It has just begun; or what holds it back is a buffer.
    assert_eq!(judge(&[(3, ":\n"), (4_500, "data: a\n")]), None);
    assert_eq!(judge(&[(3, "data: a\ndata: b")]), None);
}

#[test]
fn an_event_that_is_still_not_whole_is_held_back() {
    let judge = |at: u64| {
        flow::buffering(&watched(STREAM, &[(3, "data: a\n\n"), (at, "data: b")], 5_000), &[])
    };
    assert_fault(&judge(1_000), "an event began, and was not whole 4.0 s later", Remedy::Flush);
    assert_eq!(judge(4_500).level, Level::Good);
}

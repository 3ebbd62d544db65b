//! What a client is sent that comes back.

use super::super::resume;
use super::*;

fn ids(before: &str, last: &str, has_event: bool) -> Ids {
    Ids { before: before.into(), last: last.into(), has_event }
}

#[test]
fn a_client_asks_for_what_the_server_has_sent_already() {
    assert_eq!(resume::asks_after(&ids("1", "2", true)), Some("1"));
    assert_eq!(resume::asks_after(&ids("", "2", true)), Some("2"));
    assert_eq!(resume::asks_after(&ids("1", "2", false)), Some("2"));
    assert_eq!(resume::asks_after(&ids("", "", false)), None);
    assert_note(&resume::no_ids(&watched(STREAM, &[(3, "data\n\n")], 9)), "no event has an id");
}

#[test]
fn a_server_that_resumes_sends_what_was_missed_and_nothing_twice() {
    let after = |chunk: &str, ids: &Ids, asked: &str| {
        resume::resume(ids, asked, &watched(STREAM, &[(3, chunk)], 2_000))
    };
    let two = ids("1", "2", true);
    assert_good(
        &after("id: 2\ndata\n\n", &two, "1"),
        "after Last-Event-ID comes the event that was missed",
    );
    let lost = "an event that came after Last-Event-ID does not come again";
    assert_fault(&after(":\n", &two, "1"), lost, Remedy::Resume);
    let other = "after Last-Event-ID comes another event than the one that was missed";
    assert_fault(&after("id: 3\ndata\n\n", &two, "1"), other, Remedy::Resume);
    // The missed one comes then, but this one comes twice.
    let again = "the event that Last-Event-ID names comes again";
    assert_fault(&after("id: 1\ndata\n\nid: 2\ndata\n\n", &two, "1"), again, Remedy::Resume);
    // What greets whoever comes is neither.
    let greeted = after("event: hello\ndata\n\nid: 2\ndata\n\n", &two, "1");
    assert_eq!(greeted.level, Level::Good, "{greeted:?}");
    let named = after("id: 1\n\nevent: hello\ndata\n\nid: 2\ndata\n\n", &two, "1");
    assert_eq!(named.level, Level::Good, "{named:?}");
    assert_fault(&after("event: hello\ndata\n\n", &two, "1"), lost, Remedy::Resume);
    let gap = "event: tidings.gap\nid: 2\ndata: {}\n\n";
    assert_fault(&after(gap, &two, "1"), "the server tells a gap", Remedy::Resume);
    let one = ids("", "2", true);
    assert_fault(&after("id: 2\ndata\n\n", &one, "2"), again, Remedy::Resume);
    assert_eq!(after(":\n", &ids("", "2", false), "2").level, Level::Good);
    let mut full = watched(STREAM, &[(3, "retry: 2000\n\n")], 9);
    full.take(b"0\r\n\r\n", ms(4));
    let said = "not known: the server had no room for a request with Last-Event-ID";
    assert_note(&resume::resume(&two, "1", &full), said);
    let refused = watched("HTTP/1.1 400 Bad Request\r\n", &[], 9);
    let said = "a request with Last-Event-ID gets no stream: 400 Bad Request";
    assert_fault(&resume::resume(&two, "1", &refused), said, Remedy::Resume);
}

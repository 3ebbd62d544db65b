//! What matters to pages: other origins, and compression.

use super::super::browser;
use super::*;

#[test]
fn a_stream_that_is_held_in_a_compressor_is_a_fault() {
    let lively: Vec<_> = (0..10).map(|n| (n * 500, ":\n")).collect();
    let lively = watched(STREAM, &lively, 5_000);
    let judge = |fields: &str, chunks: &[(u64, &str)], before: &Visit| {
        browser::compression(&watched(&format!("{STREAM}{fields}"), chunks, 2_000), before)
    };
    const GZIP: &str = "Content-Encoding: gzip\r\n";
    assert_good(&judge("", &[], &lively), "none, for a client that accepts any");
    assert_eq!(judge("Content-Encoding: identity\r\n", &[], &lively).level, Level::Good);
    let said = "a client that accepts it, as every browser, gets the stream in gzip: ";
    let waits = format!("{said}events wait in the compressor");
    assert_fault(&judge(GZIP, &[(3, "\x1f")], &lively), &waits, Remedy::Plain);
    // It comes bit by bit.
    let flushed = judge(GZIP, &[(3, "\x1f"), (503, "\0")], &lively);
    assert_note(&flushed, &format!("{said}events come at once"));
    assert_eq!(flushed.remedy, Some(Remedy::Plain));
    // Nothing can be said of a stream that is silent, or that was watched for a moment.
    for before in [5_000, 900].map(|until| watched(STREAM, &[(3, ":\n")], until)) {
        let unknown = judge(GZIP, &[(3, "\x1f")], &before);
        assert_note(&unknown, &format!("{said}events may wait in the compressor"));
    }
    let mut held = Visit::new();
    held.watched = ms(5_000);
    let said = "a client that accepts it, as every browser, gets no response within 5.0 s";
    assert_fault(&browser::compression(&held, &lively), said, Remedy::Plain);
    let said = "not known: a further request gets no response within 5.0 s, whatever it accepts";
    assert_fault(&browser::no_response(&held), said, Remedy::Many);
    let unasked =
        |fields: &str| browser::compressed_unasked(&head_of(&format!("{STREAM}{fields}")));
    assert_eq!(unasked("Content-Encoding: identity\r\n"), None);
    let said = "the stream comes in GZip, even to a client that accepts none";
    assert_fault(&unasked("Content-Encoding: GZip\r\n").unwrap(), said, Remedy::Plain);
    let refused = watched("HTTP/1.1 400 Bad Request\r\n", &[], 9);
    assert_note(&browser::compression(&refused, &lively), "not known");
}

#[test]
fn a_page_of_another_origin_may_read_it_if_one_field_says_so() {
    const ALLOW: &str = "Access-Control-Allow-Origin: ";
    const COOKIES: &str = "Access-Control-Allow-Credentials: true\r\n";
    let page = "https://a.example";
    let judge = |fields: &str, origin| {
        browser::cors(&watched(&format!("{STREAM}{fields}"), &[], 9), origin)
    };
    let own = format!("{ALLOW}{page}\r\n");
    let said = "pages of https://a.example may read it, without cookies";
    assert_good(&judge(&own, Some(page)), said);
    let said = "pages of https://a.example may read it, also with cookies";
    assert_good(&judge(&format!("{own}{COOKIES}"), Some(page)), said);
    let all = format!("{ALLOW}*\r\n");
    assert_good(&judge(&all, Some(page)), "pages of all origins may read it");
    assert_good(&judge(&all, None), "pages of all origins may read it");
    assert_eq!(judge("", None).level, Level::Good);
    let fault = |fields: &str, origin, said| {
        assert_fault(&judge(fields, origin), said, Remedy::Origin);
    };
    fault("", Some(page), "pages of https://a.example may not read it");
    let other = format!("{ALLOW}https://b.example\r\n");
    fault(&other, Some(page), "pages of https://a.example may not read it");
    let refused = watched("HTTP/1.1 403 Forbidden\r\n", &[], 9);
    let said = "a page of another origin gets 403 Forbidden";
    assert_fault(&browser::cors(&refused, Some(page)), said, Remedy::Origin);
    assert_note(&browser::cors(&refused, None), said);
    for twice in [format!("{own}{own}"), format!("{ALLOW}{page}, {page}\r\n")] {
        let said = "Access-Control-Allow-Origin has more";
        assert_fault(&judge(&twice, Some(page)), said, Remedy::OneOrigin);
    }
    // These matter only to requests with cookies.
    let both = judge(&format!("{all}{COOKIES}"), None);
    assert_note(&both, "Access-Control-Allow-Origin is * beside");
    let any = format!("{ALLOW}{}\r\n{COOKIES}", browser::STRANGER);
    assert_note(&judge(&any, None), "pages of any origin may read it with the cookies");
}

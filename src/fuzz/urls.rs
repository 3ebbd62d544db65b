//! Where a client is sent, and what it asks there: a URL, a reference as a redirect has it, and a
//! last event ID, each on a line.

use crate::Limits;
use crate::client::{StreamRequest, Url};
use crate::http::method::Method;
use crate::http::{HeadParser, percent};
use crate::sse::event::EventId;

/// Gives how many of the two lead anywhere.
pub fn urls(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (base, reference, id) = (line(), line(), line());
    let id = EventId::new(id).map_or(String::new(), String::from);

    let Ok(url) = Url::parse(base) else { return 0 };
    check(&url, &id);
    let Ok(joined) = url.join(reference) else { return 1 };
    check(&joined, &id);
    check_joined(&url, reference, &joined);
    2
}

/// A URL is what it says it is, and what is asked there is understood.
fn check(url: &Url, id: &str) {
    assert!(url.target().starts_with('/'), "{url}");
    assert!(url.target().chars().all(|c| c.is_ascii_graphic() && c != '#'), "{url}");
    for same in [Url::parse(&url.to_string()), url.join(&url.to_string()), url.join("")] {
        assert_eq!(same.expect("it was a URL before"), *url);
    }

    let request = StreamRequest::get(&url.to_string()).expect("a URL").encode(id);
    let limits = Limits::default().request_line(usize::MAX).field_section(usize::MAX);
    // A server of ours takes no other, though a client sends them: what was in the URL as it was
    // given, and an id as the standard has it.
    let strict = percent::decodes(url.target().as_bytes()) && !id.chars().any(is_control);
    let Ok(head) = HeadParser::new(&limits).parse(&request) else {
        assert!(!strict, "{}", request.escape_ascii());
        return;
    };
    let (head, consumed) = head.expect("a whole head");
    assert!(strict && consumed == request.len(), "{}", request.escape_ascii());
    assert_eq!((head.method(), head.target()), (Method::Get, url.target()));
    assert_eq!(head.authority(), Some(&*url.authority()));
    let expected = (!id.is_empty()).then(|| id.trim_matches([' ', '\t']));
    assert_eq!(head.field_text("last-event-id"), expected);
}

fn is_control(c: char) -> bool {
    c.is_ascii_control() && c != '\t'
}

/// RFC 3986, section 5.2.
fn check_joined(base: &Url, reference: &str, joined: &Url) {
    let reference = reference.split('#').next().unwrap_or_default();
    if reference.starts_with("//") || reference.contains("://") {
        return;
    }
    assert!(joined.has_origin_of(base), "{base} and {reference:?} give {joined}");
    if reference.is_empty() || reference.starts_with('?') {
        return;
    }
    let path = joined.target().split('?').next().expect("a first part");
    assert!(path.split('/').all(|segment| !matches!(segment, "." | "..")), "{joined}");
}

//! Where a client is sent, and what it asks there: a URL, a reference as a redirect has it, and a
//! last event ID, each on a line.

use crate::client::{StreamRequest, Url};
use crate::event::EventId;
use crate::http::Method;
use crate::http::{HeadParser, percent};
use crate::limits::Limits;

/// Gives how many of the two lead anywhere.
pub fn urls(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (base, reference, id) = (line(), line(), line());
    let id = EventId::new(id).map_or(String::new(), String::from);

    let Ok(url) = Url::parse(base) else { return 0 };
    assert!(!base.chars().any(char::is_control), "{base:?}");
    check(&url, &id);
    let joined = url.join(reference).ok();
    assert_eq!(joined, Url::parse(&plainly_joined(&url, reference)).ok(), "{url} {reference:?}");
    joined.iter().for_each(|joined| check(joined, &id));
    1 + usize::from(joined.is_some())
}

/// A URL is what it says it is, and what is asked there is understood.
fn check(url: &Url, id: &str) {
    assert!(!url.host().chars().any(|c| c.is_ascii_uppercase()), "{url}");
    assert!(url.target().starts_with('/'), "{url}");
    assert!(url.target().chars().all(|c| c.is_ascii_graphic() && c != '#'), "{url}");
    for same in [Url::parse(&url.to_string()), url.join(&url.to_string()), url.join("")] {
        assert_eq!(same.expect("it was a URL before"), *url);
    }

    let request = StreamRequest::get(&url.to_string()).expect("a URL").encode(id);
    let limits = Limits::default().request_line(usize::MAX).field_section(usize::MAX);
    // A server of ours takes no other, though a client sends them: what was in the URL as it was
    // given.
    let strict = percent::percent_decode(url.target().as_bytes()).is_some();
    let Ok(head) = HeadParser::new(&limits).parse(&request) else {
        assert!(!strict, "{}", request.escape_ascii());
        return;
    };
    let (head, consumed) = head.expect("a whole head");
    assert!(strict && consumed == request.len(), "{}", request.escape_ascii());
    assert_eq!((head.method(), head.target()), (Method::Get, url.target()));
    assert_eq!(head.authority(), Some(&*url.authority()));
    // What a field can't carry as it is, is not sent.
    let is_whole = id == id.trim_matches([' ', '\t']) && !id.chars().any(is_control);
    let expected = (!id.is_empty() && is_whole && id.len() <= 8192).then_some(id);
    assert_eq!(head.field_text("last-event-id"), expected);
}

fn is_control(c: char) -> bool {
    c.is_ascii_control() && c != '\t'
}

/// RFC 3986, section 5.2.2, in its words.
fn plainly_joined(base: &Url, reference: &str) -> String {
    let reference = reference.split('#').next().unwrap_or_default();
    let scheme = if base.is_https() { "https" } else { "http" };
    let begins = reference.split([':', '/', '?']).next().unwrap_or_default();
    let names_scheme = reference[begins.len()..].starts_with(':')
        && begins.starts_with(|c: char| c.is_ascii_alphabetic())
        && begins.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if names_scheme {
        return reference.into();
    }
    if reference.starts_with("//") {
        return format!("{scheme}:{reference}");
    }
    let (base_path, base_query) = path_and_query(base.target());
    let (path, query) = path_and_query(reference);
    let target = if path.is_empty() {
        format!("{base_path}{}", if query.is_empty() { base_query } else { query })
    } else if path.starts_with('/') {
        without_dot_segments(path) + query
    } else {
        let merged = format!("{}/{path}", base_path.rsplit_once('/').expect("a slash").0);
        without_dot_segments(&merged) + query
    };
    format!("{scheme}://{}{target}", base.authority())
}

fn path_and_query(target: &str) -> (&str, &str) {
    target.split_at(target.find('?').unwrap_or(target.len()))
}

/// RFC 3986, section 5.2.4, for a path that begins with a slash.
fn without_dot_segments(path: &str) -> String {
    let mut input = path.to_owned();
    let mut output = String::new();
    while !input.is_empty() {
        if input.starts_with("/./") {
            input.replace_range(..2, "");
        } else if input == "/." {
            input = "/".into();
        } else if input.starts_with("/../") || input == "/.." {
            input = format!("/{}", input.get(4..).unwrap_or_default());
            output.truncate(output.rfind('/').unwrap_or(0));
        } else {
            let end = input[1..].find('/').map_or(input.len(), |at| at + 1);
            output.extend(input.drain(..end));
        }
    }
    output
}

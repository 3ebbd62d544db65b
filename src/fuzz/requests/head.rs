//! What a simple reader sees in the head of a request that was accepted.

use super::message::Message;
use crate::fuzz::plain::{self, Plain, text};
use crate::http::{Framing, Method, Version};

/// The head of which these are the bytes, without the empty lines around it.
fn between_empty_lines(sent: &str) -> &str {
    let (head, after) = sent.trim_start_matches("\r\n").split_once("\r\n\r\n").expect("an end");
    assert_eq!(after, "", "the first empty line after it ends a head");
    head
}

/// The lengths of the request line and of all field lines together, and how many of them there are.
pub(super) fn sizes(sent: &[u8]) -> (usize, usize, usize) {
    let sent = text(sent);
    let mut lines = between_empty_lines(&sent).split("\r\n").map(|line| line.chars().count());
    let request_line = lines.next().expect("a request line");
    let fields: Vec<_> = lines.collect();
    (request_line, fields.iter().map(|line| line + 2).sum(), fields.len())
}

/// Panics if the head breaks a rule, or says anything else than was understood.
pub(super) fn check(sent: &[u8], message: &Message) {
    let sent = text(sent);
    let head = Plain::of(between_empty_lines(&sent));
    check_request_line(head.first_line, message);
    head.assert_fields_are(&message.fields);
    check_authority(&head.values("host"), message);
    let framing = head.framing(message.version).unwrap_or(Framing::None);
    assert_eq!(framing, message.framing);
    match framing {
        Framing::None => assert_eq!(message.body, b""),
        Framing::Length(length) => assert!(message.body.len() as u64 <= length),
        Framing::Chunked => {}
        Framing::UntilClose => unreachable!("no field says so"),
    }
}

fn check_request_line(line: &str, message: &Message) {
    let parts: Vec<_> = line.split(' ').collect();
    let [method, target, version] = parts[..] else { panic!("not three parts: {parts:?}") };
    assert_eq!((method, target), (message.method.as_str(), message.target.as_str()));
    assert_eq!(plain::version(version), message.version);
    assert!(target.chars().all(|c| c.is_ascii_graphic() && c != '#'), "{target:?}");
    check_percent_encoding(target);
    let (before_query, query) =
        target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    assert_eq!(query, message.query.as_deref());
    let path = match before_query.split_once("://") {
        _ if before_query.starts_with('/') => before_query,
        Some((_, rest)) => rest.find('/').map_or("/", |start| &rest[start..]),
        None => {
            assert_eq!((message.method, target), (Method::Options, "*"));
            target
        }
    };
    assert_eq!(path, message.path);
}

/// RFC 3986, section 2.1, and that what is encoded is text.
fn check_percent_encoding(target: &str) {
    let mut parts = target.split('%');
    let mut decoded: Vec<u8> = parts.next().expect("there is a first part").into();
    for part in parts {
        assert!(part.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2, "{target}");
        decoded.push(u8::from_str_radix(&part[..2], 16).expect("two hex digits"));
        decoded.extend_from_slice(&part.as_bytes()[2..]);
    }
    assert!(String::from_utf8(decoded).is_ok_and(|text| !text.contains('\0')), "{target}");
}

/// RFC 9112, section 3.2: one host in HTTP/1.1, but an absolute form names its own.
fn check_authority(hosts: &[&str], message: &Message) {
    let least = usize::from(message.version == Version::Http11);
    assert!((least..=1).contains(&hosts.len()), "{hosts:?}");
    let in_target = ["http://", "https://"].iter().find_map(|scheme| {
        let start = message.target.get(..scheme.len())?;
        let rest = &message.target[scheme.len()..];
        start.eq_ignore_ascii_case(scheme).then(|| rest.split(['/', '?']).next())?
    });
    let authority = in_target.or(hosts.first().copied());
    assert_eq!(authority, message.authority.as_deref());
    for host in hosts.iter().copied().chain(authority) {
        assert!(!host.is_empty() && !host.contains(['@', '/', '?', ',', ' ', '\t']), "{host:?}");
    }
}

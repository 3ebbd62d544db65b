//! What of a URL and of a field may be shown, and what may be a secret.
//!
//! ```text
//! https://me:hunter2@hub.example/events/news;s=31d4?channel=news&token=abc#top
//! https://...@hub.example/events/news;...?channel=news&token=...#...
//! ```
//!
//! Errors, logs, traces, reports and cassettes are kept, and sent to others who read them.
//! All of them go by what is said here, and by nothing else. A list of what is secret would always
//! lack the next name; so these are lists of what is not: parameters of a query and fields that are
//! known to be harmless are shown, and in place of all else stands `...`.
//!
//! The path is shown, or a log would not say what was asked for. So a secret within a path, as in
//! `/bot<token>/`, is shown too.

use std::borrow::Cow;
use std::ops::Range;

use super::syntax::{is_blank, is_token, trim};
use super::target::is_authority;

/// What stands in place of a secret.
pub(crate) const MASK: &str = "...";

/// Parameters of a query that say what is asked for and not by whom: those of the hub. Case, `-`
/// and `_` don't matter.
const PARAMETERS: [&[u8]; 7] =
    [b"channel", b"event", b"history", b"idempotencykey", b"lasteventid", b"latest", b"retry"];

/// Fields whose values are harmless as a whole.
const FIELDS: [&str; 41] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "access-control-request-headers",
    "access-control-request-method",
    "age",
    "allow",
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "date",
    "expect",
    "expires",
    "keep-alive",
    "last-event-id",
    "last-modified",
    "pragma",
    "retry-after",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "x-accel-buffering",
    "x-content-type-options",
    "x-powered-by",
];

/// Fields that are a URL, or a part of one.
const URLS: [&str; 5] = ["content-location", "host", "location", "origin", "referer"];

/// Fields that name a scheme, and may go on with a secret.
const CHALLENGES: [&str; 2] = ["proxy-authenticate", "www-authenticate"];

/// A URL, a reference or a target as it may be shown: without what identifies its user.
///
/// Masked are the user information, parameters of the path, the fragment, and the values of the
/// query but for those that the hub knows. Text that is no URL is masked as if it were meant to be
/// one.
///
/// ```
/// use tidings::http::masked_url;
///
/// let shown = masked_url("http://me:hunter2@localhost:3000/events?channel=news&token=abc");
/// assert_eq!(shown, "http://...@localhost:3000/events?channel=news&token=...");
/// ```
pub fn masked_url(url: &str) -> Cow<'_, str> {
    masked(url, &secrets_in_url(url.as_bytes()))
}

/// The value of a field as it may be shown: as it is if the field is known to be harmless.
///
/// ```
/// use tidings::http::masked_value;
///
/// assert_eq!(masked_value("Last-Event-ID", "489621003417-17"), "489621003417-17");
/// assert_eq!(masked_value("X-Api-Key", "abc"), "...");
/// ```
pub fn masked_value<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    masked(value, &secrets_in_value(name, value.as_bytes()))
}

/// Which bytes of a URL [`masked_url`] masks, in their order.
pub fn secrets_in_url(url: &[u8]) -> Vec<Range<usize>> {
    let mut secrets = Vec::new();
    let end = |from: usize, ends: &[u8]| {
        let at = url[from..].iter().position(|byte| ends.contains(byte));
        at.map_or(url.len(), |at| from + at)
    };
    let begin = authority(url);
    let mut path = begin.map_or(0, |begin| end(begin, b"/?#"));
    if let Some(begin) = begin.filter(|&begin| !is_authority(&url[begin..path])) {
        // Where a password is not encoded, it may hold any mark: it ends at the last @ there is.
        if let Some(at) = url.iter().rposition(|&byte| byte == b'@').filter(|&at| at > begin) {
            hide(begin..at, &mut secrets);
            path = end(at, b"/?#");
        }
    }
    let query = end(path, b"?#").max(path);
    let fragment = end(query, b"#");
    for segment in parts(url, path..query, b'/') {
        hide_in_segment(url, segment, &mut secrets);
    }
    for pair in parts(url, (query + 1).min(fragment)..fragment, b'&') {
        match url[pair.clone()].iter().position(|&byte| byte == b'=') {
            Some(at) if is_harmless(&url[pair.start..pair.start + at]) => {}
            Some(at) => hide(pair.start + at + 1..pair.end, &mut secrets),
            // What has no name may be a secret as a whole.
            None => hide(pair, &mut secrets),
        }
    }
    hide((fragment + 1).min(url.len())..url.len(), &mut secrets);
    secrets
}

/// Which bytes of a field's value [`masked_value`] masks, in their order.
pub fn secrets_in_value(name: &str, value: &[u8]) -> Vec<Range<usize>> {
    let is_one_of = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let mut secrets = Vec::new();
    if is_one_of(&URLS) {
        return secrets_in_url(value);
    } else if name.eq_ignore_ascii_case("content-type") {
        hide_parameters(value, &mut secrets);
    } else if is_one_of(&CHALLENGES) {
        let scheme = value.iter().position(|&byte| is_blank(byte)).map_or(value.len(), |at| at + 1);
        let is_scheme = is_token(value[..scheme].trim_ascii_end());
        hide(if is_scheme { scheme } else { 0 }..value.len(), &mut secrets);
    } else if !is_one_of(&FIELDS) {
        hide(0..value.len(), &mut secrets);
    }
    secrets
}

fn masked<'a>(text: &'a str, secrets: &[Range<usize>]) -> Cow<'a, str> {
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    let mut from = 0;
    for secret in secrets {
        shown.push_str(&text[from..secret.start]);
        shown.push_str(MASK);
        from = secret.end;
    }
    shown.push_str(&text[from..]);
    Cow::Owned(shown)
}

fn hide(secret: Range<usize>, secrets: &mut Vec<Range<usize>>) {
    if !secret.is_empty() {
        secrets.push(secret);
    }
}

/// Where the authority begins, or what would be one: after the scheme, or where there is none, at
/// the start of what does not begin with a path.
fn authority(url: &[u8]) -> Option<usize> {
    let before = url.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(url.len());
    let (scheme, rest) = url.split_at(before);
    match (scheme, rest) {
        ([] | [.., b':'], [b'/', b'/', ..]) => Some(before + 2),
        ([], _) => None,
        _ => Some(0),
    }
}

/// The parts of a range of `text` between separators.
fn parts(
    text: &[u8],
    range: Range<usize>,
    separator: u8,
) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut from = range.start;
    text[range].split(move |&byte| byte == separator).map(move |part| {
        let part = from..from + part.len();
        from = part.end + 1;
        part
    })
}

/// The parameters of a segment name sessions; and what looks like user information in it was meant
/// for the authority.
fn hide_in_segment(url: &[u8], segment: Range<usize>, secrets: &mut Vec<Range<usize>>) {
    let bytes = &url[segment.clone()];
    let name = bytes.iter().position(|&byte| byte == b';').unwrap_or(bytes.len());
    let at = bytes[..name].iter().rposition(|&byte| byte == b'@').unwrap_or(0);
    if bytes[..at].contains(&b':') {
        hide(segment.start..segment.start + at, secrets);
    }
    hide((segment.start + name + 1).min(segment.end)..segment.end, secrets);
}

fn is_harmless(parameter: &[u8]) -> bool {
    let letters = || parameter.iter().filter(|byte| !b"-_".contains(byte));
    PARAMETERS.iter().any(|known| letters().map(u8::to_ascii_lowercase).eq(known.iter().copied()))
}

/// Hides the parameters of a content type, unless all there is of them is a charset.
fn hide_parameters(value: &[u8], secrets: &mut Vec<Range<usize>>) {
    let Some(semicolon) = value.iter().position(|&byte| byte == b';') else { return };
    let parameters = trim(&value[semicolon + 1..]);
    let equals = parameters.iter().position(|&byte| byte == b'=').unwrap_or(0);
    let (name, charset) = (&parameters[..equals], parameters.get(equals + 1..).unwrap_or_default());
    let unquoted = charset.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    let charset = unquoted.unwrap_or(charset);
    let is_charset = name.eq_ignore_ascii_case(b"charset") && is_token(charset);
    if !is_charset && !parameters.is_empty() {
        hide(semicolon + 1..value.len(), secrets);
    }
}

#[cfg(test)]
mod tests;

//! The request target: what the request is about (RFC 9112, section 3.2).
//!
//! ```text
//! request-target = origin-form / absolute-form / authority-form / asterisk-form
//! origin-form    = absolute-path [ "?" query ]        GET /events/news?history=5
//! absolute-form  = absolute-URI                       GET http://localhost:3000/events/news
//! authority-form = uri-host ":" port                  only for CONNECT, so never here
//! asterisk-form  = "*"                                only for OPTIONS
//! ```
//!
//! Refused are control bytes, DEL, spaces, bytes over 0x7F and fragments, none of which a target
//! can contain. Other visible characters that RFC 3986 wants percent-encoded (`|`, `{`, `^`, a
//! quotation mark…) are taken as they are, in the path as in the query: browsers send some of them
//! so, and as they mean nothing to the grammar, no two readers see different targets.

use std::net::Ipv6Addr;
use std::ops::Range;

use super::method::Method;
use super::percent::{hex, percent_decode};
use super::refusal::Refusal;
use super::syntax::alphanumeric_and;
use crate::search::first_of;

/// No head has more bytes than 32 bits can count, so that a place in it takes no more room.
pub(crate) const LONGEST_HEAD: usize = 1 << 30;

/// A part of a head's bytes: from `start` up to `end`, which is not in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// The bytes of this part.
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.range()]
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(crate) fn len(self) -> usize {
        self.range().len()
    }
}

/// Where the parts of a valid target are in the bytes of its head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) whole: Span,
    /// Of the request line only in absolute form; else what `Host` says.
    pub(crate) authority: Option<Span>,
    /// Empty only in absolute form, where it means `/`.
    pub(crate) path: Span,
    /// What comes after the first `?`.
    pub(crate) query: Option<Span>,
    /// Whether there is a `%` in it.
    pub(crate) is_encoded: bool,
}

impl Target {
    /// Parses the target, which begins `start` bytes after the beginning of the head.
    pub(crate) fn parse(target: &[u8], start: usize, method: Method) -> Result<Self, Refusal> {
        let marks = check_bytes(target)?;
        let (authority, path) = match target {
            [b'/', ..] => (None, start),
            b"*" if method == Method::Options => (None, start),
            _ => {
                let authority = authority_of_absolute_form(target)?;
                let path = start + authority.end;
                (Some(Span::new(start + authority.start, path)), path)
            }
        };
        let end = start + target.len();
        let mark = match marks & QUERY {
            0 => None,
            _ => first_of(*b"?", target).map(|at| start + at),
        };
        Ok(Self {
            whole: Span::new(start, end),
            authority,
            path: Span::new(path, mark.unwrap_or(end)),
            query: mark.map(|mark| Span::new(mark + 1, end)),
            is_encoded: marks & PERCENT != 0,
        })
    }
}

/// What a byte means in a target. The marks of all bytes of a target are put together with "or".
const PERCENT: u8 = 1;
const FRAGMENT: u8 = 2;
const INVISIBLE: u8 = 4;
const QUERY: u8 = 8;

const MARKS: [u8; 256] = {
    let mut marks = [INVISIBLE; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        marks[byte as usize] = 0;
        byte += 1;
    }
    marks[b'%' as usize] = PERCENT;
    marks[b'#' as usize] = FRAGMENT;
    marks[b'?' as usize] = QUERY;
    marks
};

/// Refuses what no form of a target can contain. Returns the marks of its bytes.
fn check_bytes(target: &[u8]) -> Result<u8, Refusal> {
    let marks = target.iter().fold(0, |marks, &byte| marks | MARKS[usize::from(byte)]);
    if marks & INVISIBLE != 0 {
        return Err(Refusal::bad_request(
            "a target must be visible ASCII; percent-encode everything else \
             (RFC 9112, section 3.2)",
        ));
    }
    if marks & FRAGMENT != 0 {
        return Err(Refusal::bad_request(
            "a target must have no fragment, which is for the client alone (RFC 9112, section 3.2)",
        ));
    }
    if marks & PERCENT != 0 && percent_decode(target).is_none() {
        return Err(Refusal::bad_request(
            "a % in a target must be followed by two hex digits, and what they encode must be \
             UTF-8 without NUL (RFC 3986, section 2.1)",
        ));
    }
    Ok(marks)
}

/// Where the authority of an absolute form is, counted from the start of the target.
///
/// ```text
/// absolute-form = scheme "://" authority path-abempty [ "?" query ]
/// ```
///
/// The scheme is `http` or `https`: nothing else can be asked of a web server.
fn authority_of_absolute_form(target: &[u8]) -> Result<Range<usize>, Refusal> {
    let start = [&b"http://"[..], b"https://"]
        .into_iter()
        .find(|scheme| {
            target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        })
        .map(<[u8]>::len)
        .ok_or(Refusal::bad_request(
            "a target must begin with / or with http:// or be the * of an OPTIONS \
             (RFC 9112, section 3.2)",
        ))?;
    let rest = &target[start..];
    let length = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    if !is_authority(&rest[..length]) {
        return Err(Refusal::bad_request(
            "a target in absolute form must name one host, with an optional port and without \
             user information (RFC 9112, section 3.2.2)",
        ));
    }
    Ok(start..start + length)
}

/// `unreserved / sub-delims`, without the comma.
const NAME_BYTE: [bool; 256] = alphanumeric_and(b"-._~!$&'()*+;=");

/// ```text
/// Host       = uri-host [ ":" port ]                     RFC 9110, section 7.2
/// uri-host   = IP-literal / IPv4address / reg-name       RFC 3986, section 3.2.2
/// IP-literal = "[" ( IPv6address / IPvFuture ) "]"
/// port       = *DIGIT
/// ```
///
/// Stricter than the grammar in two points: a host must not be empty, as `http` URIs never have
/// an empty one, and must not contain a comma, which is what a proxy makes of two `Host` lines.
pub(crate) fn is_authority(bytes: &[u8]) -> bool {
    let (host_is_good, rest) = match bytes {
        [b'[', literal @ ..] => {
            let Some(end) = literal.iter().position(|&byte| byte == b']') else { return false };
            (is_ip_literal(&literal[..end]), &literal[end + 1..])
        }
        _ => {
            let rest = after_name(bytes);
            (rest.len() < bytes.len(), rest)
        }
    };
    host_is_good
        && match rest {
            [] => true,
            [b':', port @ ..] => is_port(port),
            _ => false,
        }
}

/// `port = *DIGIT`, and a port is a number of 16 bits.
fn is_port(port: &[u8]) -> bool {
    const END: u32 = 1 << 16;
    let number = port.iter().try_fold(0, |number, digit| {
        (digit.is_ascii_digit() && number < END).then(|| number * 10 + u32::from(digit - b'0'))
    });
    number.is_some_and(|number| number < END)
}

/// ```text
/// IPvFuture = "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )
/// ```
fn is_ip_literal(literal: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(literal) else { return false };
    let Some(future) = text.strip_prefix(['v', 'V']) else {
        return text.parse::<Ipv6Addr>().is_ok();
    };
    let Some((version, address)) = future.split_once('.') else { return false };
    !version.is_empty()
        && version.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !address.is_empty()
        && address.bytes().all(|byte| NAME_BYTE[usize::from(byte)] || byte == b':')
}

/// What comes after `reg-name = *( unreserved / pct-encoded / sub-delims )`.
fn after_name(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    loop {
        let end = rest.iter().position(|&byte| !NAME_BYTE[usize::from(byte)]);
        rest = match &rest[end.unwrap_or(rest.len())..] {
            [b'%', high, low, tail @ ..] if hex(*high).and(hex(*low)).is_some() => tail,
            after => return after,
        };
    }
}

#[cfg(test)]
mod tests;

//! What a proxy says about the client: `X-Forwarded-For`, and `Forwarded` (RFC 7239, section 4).
//!
//! ```text
//! X-Forwarded-For: 203.0.113.9, 192.0.2.60
//! Forwarded: for=203.0.113.9, for="[2001:db8::17]:4711";proto=https
//!
//! X-Forwarded-For = #( IPv4address [ ":" port ] / IPv6address / "[" IPv6address "]" [ ":" port ] )
//! Forwarded       = #( [ forwarded-pair ] *( ";" [ forwarded-pair ] ) )
//! forwarded-pair  = token "=" ( token / quoted-string )
//! for             = ( IPv4address / "[" IPv6address "]" / "unknown" / obfnode ) [ ":" node-port ]
//! node-port       = 1*5DIGIT / obfport
//! obfnode         = obfport = "_" 1*( ALPHA / DIGIT / "." / "_" / "-" )
//! ```
//!
//! Each proxy appends the address from which it got the request, so the last one is the word of the
//! proxy that sends to us, the one before it the word of the next proxy, and the first may be
//! anybody's. Whoever reads from the right believes only proxies that it knows:
//!
//! ```text
//!       client's own    client        proxy        listed: 10.0.0.0/8
//! XFF:  198.51.100.7,   203.0.113.9,  10.0.0.2
//!                       └── this      └── passed over
//! ```
//!
//! `X-Forwarded-For` has no standard: no quotes and no comments, and a comma always separates.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str;

use super::head::Head;
use super::proxies::Proxies;
use super::syntax::{is_token, separator_outside_quotes, split_outside_quotes, trim};
use crate::search::first_of;

/// Who sent this, if a proxy passed it on: the last address that is not itself a proxy's. `None` if
/// nothing that can be believed says so.
pub(crate) fn client(head: &Head, proxies: &Proxies) -> Option<IpAddr> {
    let comma = |rest: &[u8]| first_of(*b",", rest);
    let old = client_of(head, "x-forwarded-for", comma, plain, proxies);
    let comma = |rest: &[u8]| separator_outside_quotes(rest, b',');
    let new = client_of(head, "forwarded", comma, standard, proxies);
    match (old, new) {
        (Some(one), Some(other)) => one.filter(|_| one == other),
        (one, other) => one.or(other)?,
    }
}

/// Who that is by the lines of one field; `None` if they have no elements.
///
/// One pass from the left finds what a walk from the right would stop at: whatever hides all before
/// it forgets what was found, an address that is no proxy's takes its place, and a proxy's is only
/// taken where there is nothing before it.
fn client_of(
    head: &Head,
    name: &str,
    comma: fn(&[u8]) -> Option<usize>,
    address: fn(&[u8]) -> Option<IpAddr>,
    proxies: &Proxies,
) -> Option<Option<IpAddr>> {
    let mut client = None;
    for value in head.values(name) {
        let mut rest = Some(value);
        while let Some(some) = rest {
            let end = comma(some);
            rest = end.map(|end| &some[end + 1..]);
            let element = trim(&some[..end.unwrap_or(some.len())]);
            if !element.is_empty() {
                client = Some(match address(element) {
                    Some(proxy) if proxies.has(proxy) => client.flatten().or(Some(proxy)),
                    hop => hop,
                });
            }
        }
    }
    client
}

/// What an element of `X-Forwarded-For` says.
fn plain(element: &[u8]) -> Option<IpAddr> {
    let element = str::from_utf8(element).ok()?;
    element.parse::<Ipv6Addr>().ok().map(canonical).or_else(|| node(element))
}

/// What an element of `Forwarded` says. One that is not whole says nothing: a client may have begun
/// a quoted string that takes in what the proxy appended.
fn standard(element: &[u8]) -> Option<IpAddr> {
    let mut client = None;
    for pair in split_outside_quotes(element, b';').filter(|pair| !pair.is_empty()) {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (&pair[..at], &pair[at + 1..]);
        let value = if is_token(value) { value } else { unquoted(value)? };
        if !is_token(name) {
            return None;
        }
        if name.eq_ignore_ascii_case(b"for") {
            // Each name once (section 4).
            let node = node(str::from_utf8(value).ok()?)?;
            client.replace(node).is_none().then_some(())?;
        }
    }
    client
}

/// What stands in a quoted string (RFC 9110, section 5.6.4), as it stands there: an address has
/// nothing that would be escaped.
fn unquoted(value: &[u8]) -> Option<&[u8]> {
    let inside = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut bytes = inside.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return None,
            b'\\' => _ = bytes.next()?,
            _ => {}
        }
    }
    Some(inside)
}

/// An address with or without a port, that of IPv6 in brackets.
fn node(node: &str) -> Option<IpAddr> {
    let (address, port) = match node.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => (canonical(address.parse().ok()?), port),
        None => {
            let (address, port) = node.split_at(node.find(':').unwrap_or(node.len()));
            (address.parse::<Ipv4Addr>().ok()?.into(), port)
        }
    };
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(address)
}

fn canonical(address: Ipv6Addr) -> IpAddr {
    address.to_canonical()
}

fn is_port(port: &str) -> bool {
    match port.strip_prefix('_') {
        Some(name) => {
            let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            !name.is_empty() && name.bytes().all(good)
        }
        None => (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests;

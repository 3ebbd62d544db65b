//! By which names a server may be addressed.
//!
//! A page from anywhere may have its own name point to a loopback or local address, and its
//! script then talks to us as if to its own server ("DNS rebinding"). The `Host` field still has
//! that name, so a name that is not ours is refused. An address can't be rebound: it is always
//! allowed.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str;

#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    /// Where the server listens, as most requests name it: then no address has to be parsed.
    own: String,
    /// Without a port.
    names: Vec<String>,
}

impl Hosts {
    pub(crate) fn new(own: SocketAddr, names: impl Iterator<Item = String>) -> Self {
        Self { own: own.to_string(), names: names.chain(["localhost".into()]).collect() }
    }

    /// Whether a request with this authority is for us. HTTP/1.0 may come without one; no browser
    /// of today speaks it.
    pub(crate) fn allow(&self, authority: Option<&[u8]>) -> bool {
        let Some(authority) = authority else { return true };
        if authority == self.own.as_bytes() {
            return true;
        }
        let host = without_port(authority);
        let is_host = |name: &String| name.as_bytes().eq_ignore_ascii_case(host);
        self.names.iter().any(is_host) || is_address(host)
    }
}

fn is_address(host: &[u8]) -> bool {
    let Ok(host) = str::from_utf8(host) else { return false };
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => host.parse::<Ipv4Addr>().is_ok(),
    }
}

fn without_port(authority: &[u8]) -> &[u8] {
    match authority.iter().rposition(|byte| !byte.is_ascii_digit()) {
        Some(colon) if authority[colon] == b':' => &authority[..colon],
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_ours_is_refused() {
        let address = SocketAddr::from(([127, 0, 0, 1], 3000));
        let hosts = Hosts::new(address, ["Hub.example".into()].into_iter());
        for ours in
            ["localhost", "LOCALHOST:3000", "127.0.0.1:80", "[::1]", "[::1]:1", "hub.EXAMPLE:3"]
        {
            assert!(hosts.allow(Some(ours.as_bytes())), "{ours}");
        }
        for ours in ["[::1]", "127.0.0.1", "127.0.0.1:3000", "hub.example:"] {
            assert!(hosts.allow(Some(ours.as_bytes())), "{ours}");
        }
        for other in [
            "evil.example",
            "localhost.evil.example:3000",
            "127.0.0.1.evil.example",
            "localhost:3000.evil.example",
            "localhost:evil",
            "hub.example.",
            "[localhost]",
            "",
        ] {
            assert!(!hosts.allow(Some(other.as_bytes())), "{other}");
        }
        assert!(hosts.allow(None));
    }
}

//! By which names a server may be addressed.
//!
//! A page from anywhere may have its own name point to a loopback or local address, and its
//! script then talks to us as if to its own server ("DNS rebinding"). The `Host` field still has
//! that name, so a name that is not ours is refused. An address can't be rebound: it is always
//! allowed.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The names, in lower case and without a port.
#[derive(Clone, Debug)]
pub(crate) struct Hosts(Vec<String>);

impl Hosts {
    pub(crate) fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| name.to_ascii_lowercase()).collect())
    }

    /// Whether a request with this authority is for us. HTTP/1.0 may come without one; no browser
    /// of today speaks it.
    pub(crate) fn allow(&self, authority: Option<&str>) -> bool {
        let Some(authority) = authority else { return true };
        let host = without_port(authority);
        if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            return address.parse::<Ipv6Addr>().is_ok();
        }
        host.parse::<Ipv4Addr>().is_ok()
            || host.eq_ignore_ascii_case("localhost")
            || self.0.iter().any(|name| name.eq_ignore_ascii_case(host))
    }
}

fn without_port(authority: &str) -> &str {
    let before_port = authority.trim_end_matches(|mark: char| mark.is_ascii_digit());
    before_port.strip_suffix(':').unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_ours_is_refused() {
        let hosts = Hosts::new(["Hub.example".into()]);
        for ours in
            ["localhost", "LOCALHOST:3000", "127.0.0.1:80", "[::1]", "[::1]:1", "hub.EXAMPLE:3"]
        {
            assert!(hosts.allow(Some(ours)), "{ours}");
        }
        for ours in ["[::1]", "127.0.0.1", "hub.example:"] {
            assert!(hosts.allow(Some(ours)), "{ours}");
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
            assert!(!hosts.allow(Some(other)), "{other}");
        }
        assert!(hosts.allow(None));
    }
}

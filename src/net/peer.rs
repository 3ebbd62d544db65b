//! Which addresses count as one peer, wherever each peer has a bound of its own.

use std::net::{IpAddr, Ipv6Addr};

/// The peer that an address belongs to. In IPv6 that is its network of 64 bits: a single host has
/// all the addresses of one (RFC 4291, section 2.5.1), and would never come to an end with them.
pub(crate) fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_is_one_peer() {
        for (one, other, same) in [
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
        ] {
            let [first, second] = [one, other].map(|address| whose(address.parse().unwrap()));
            assert_eq!(first == second, same, "{one} {other}");
        }
    }
}

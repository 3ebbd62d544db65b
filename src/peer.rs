//! Who sends a request, and which of these count as one peer.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Who sends a request: the other end of its connection; or, where that is one of the server's own
/// [`Proxies`](crate::Proxies), the client that the proxy names. It is shown as its address, with
/// the port if that is known, or as `unix`.
///
/// ```
/// use std::net::{IpAddr, SocketAddr};
/// use tidings::Peer;
///
/// let peer = Peer::from(SocketAddr::from(([192, 0, 2, 1], 50412)));
/// assert_eq!(peer.to_string(), "192.0.2.1:50412");
/// let behind_a_proxy = Peer::Forwarded(IpAddr::from([192, 0, 2, 1]));
/// assert_eq!(behind_a_proxy.to_string(), "192.0.2.1");
/// assert_eq!(behind_a_proxy.ip(), peer.ip());
/// assert_eq!(Peer::Unix.to_string(), "unix");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peer {
    /// It came over TCP, from this address and port.
    Tcp(SocketAddr),
    /// It came through a proxy, which says that the client has this address.
    Forwarded(IpAddr),
    /// It came over a unix socket, where a client has no address: all of them look the same.
    Unix,
}

/// What peers are counted by, wherever each has a bound of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// In IPv6 that is a network of 64 bits: a single host has all the addresses of one (RFC 4291,
    /// section 2.5.1), and would never come to an end with them.
    Address(IpAddr),
    Unix,
}

impl Peer {
    /// The address and port of the connection's other end, if that is the peer and no unix socket.
    /// To tell one client from another, [`ip`](Self::ip) is enough, and is there for a client of a
    /// proxy too.
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(address),
            Self::Forwarded(_) | Self::Unix => None,
        }
    }

    /// Its address, unless it came over a unix socket and no proxy names a client.
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Forwarded(address) => Some(address),
            Self::Unix => None,
        }
    }

    pub(crate) fn place(self) -> Place {
        let Some(address) = self.ip() else { return Place::Unix };
        Place::Address(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
        })
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Forwarded(address) => address.fmt(f),
            Self::Unix => f.pad("unix"),
        }
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_is_one_place_and_so_is_each_address_of_ipv4() {
        for (one, other, same) in [
            ("[2001:db8:0:1::1]:1", "[2001:db8:0:1:ffff::2]:2", true),
            ("[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1", false),
            ("[::ffff:192.0.2.1]:1", "192.0.2.1:2", true),
            ("[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.2]:1", false),
        ] {
            let place = |address: &str| Peer::Tcp(address.parse().unwrap()).place();
            assert_eq!(place(one) == place(other), same, "{one} {other}");
            let forwarded = Peer::Forwarded(other.parse::<SocketAddr>().unwrap().ip());
            assert_eq!(place(one) == forwarded.place(), same, "{one} {forwarded}");
        }
    }

    #[test]
    fn a_peer_takes_no_more_memory_than_its_address() {
        assert_eq!(size_of::<Peer>(), size_of::<SocketAddr>());
    }
}

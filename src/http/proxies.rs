//! The proxies in front of a server: who else may say which client a request came from.
//!
//! ```text
//! 192.0.2.1        an address
//! 10.0.0.0/8       a network: all addresses that begin with the same 8 bits
//! 2001:db8::/32    (RFC 4632, section 3.1; RFC 4291, section 2.3)
//! unix             whoever connects to a unix socket of the server's
//! ```
//!
//! Each address of IPv4 is one of IPv6 too (`::ffff:192.0.2.1`; RFC 4291, section 2.5.5.2).

use std::net::IpAddr;

use crate::error::{Error, Result};
use crate::peer::Peer;

/// The proxies in front of a server, so that it sees clients and not proxies: what such a proxy
/// says about the client is believed. See [`Server::proxies`](crate::Server::proxies).
///
/// The client is the last address in the field `X-Forwarded-For`, or in `Forwarded` (RFC 7239),
/// that isn't one of these proxies itself. So several proxies may stand one after the other, and
/// whatever a client writes into the fields stands before that and changes nothing. What is no
/// address, such as `unknown`, hides everything before it: then the peer is the proxy after it. If
/// a request has both fields, and they name different clients, the peer is the proxy that sent the
/// request, since the client may have written the field that the proxy leaves alone. From anybody
/// else the fields mean nothing.
///
/// ```
/// use tidings::{Proxies, Response, Server};
///
/// let proxies = Proxies::new(["127.0.0.1", "10.0.0.0/8", "unix"])?;
/// let server = Server::bind("127.0.0.1:0")?
///     .proxies(proxies)
///     .get("/me", |request| Ok(Response::text(format!("{}\n", request.peer()))));
/// assert!(Proxies::new(["proxy.example"]).is_err());
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Proxies {
    networks: Vec<Network>,
    /// Whether the peers of unix sockets are among them.
    unix: bool,
    /// Whether each connection of theirs begins with the PROXY protocol.
    pub(crate) speak_first: bool,
}

/// All addresses that begin with the same bits.
#[derive(Clone, Copy, Debug)]
struct Network {
    /// As [`number`] has it. All further bits are zero.
    first: u128,
    bits: u32,
}

impl Proxies {
    /// These: each an address; a network, such as `10.0.0.0/8`; or `unix`, for whoever connects to
    /// a unix socket.
    ///
    /// List no address from which strangers can connect: they could then be anybody.
    ///
    /// # Errors
    ///
    /// When one of them is none of these. Names are not looked up. A network has zeros after its
    /// bits: `10.0.0.1/8` may be meant as either, the network or the address. `::/0` is every
    /// address, and `0.0.0.0/0` is every one of IPv4.
    pub fn new<I>(proxies: I) -> Result<Self>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let mut all = Self { networks: Vec::new(), unix: false, speak_first: false };
        proxies.into_iter().try_for_each(|proxy| all.add(proxy.as_ref()))?;
        Ok(all)
    }

    /// Has each connection of theirs begin with the PROXY protocol, version 1 or 2, which says for
    /// which client the proxy has it. So a proxy needn't understand what it passes on. That client
    /// is the peer then, and what requests say in fields is its own word: it counts only if the
    /// client is one of these proxies itself. Where the proxy names no client, as for a check of
    /// its own, the peer is the proxy.
    ///
    /// A connection of theirs that begins otherwise is refused with 400. What comes before the
    /// requests must have come within [`Limits::head_deadline`](crate::Limits::head_deadline).
    /// Others' connections are served as ever. Defaults to proxies that don't speak it.
    ///
    /// ```
    /// use tidings::{Proxies, Response, Server};
    ///
    /// let server = Server::bind("127.0.0.1:0")?
    ///     .proxies(Proxies::new(["127.0.0.1"])?.proxy_protocol())
    ///     .get("/me", |request| Ok(Response::text(request.peer().to_string())))
    ///     .start()?;
    ///
    /// # use std::io::{BufRead, BufReader, Write};
    /// # use std::net::TcpStream;
    /// let mut proxy = TcpStream::connect(server.address())?;
    /// proxy.write_all(
    ///     b"PROXY TCP4 203.0.113.9 192.0.2.60 50412 80\r\n\
    ///       GET /me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    /// )?;
    /// let last = BufReader::new(proxy).lines().last().expect("a response")?;
    /// assert_eq!(last, "203.0.113.9");
    /// # server.stop()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn proxy_protocol(mut self) -> Self {
        self.speak_first = true;
        self
    }

    fn add(&mut self, proxy: &str) -> Result<()> {
        if proxy == "unix" {
            self.unix = true;
            return Ok(());
        }
        let network = Network::parse(proxy).ok_or_else(|| {
            Error::invalid(format!(
                "a proxy is an address, a network such as 10.0.0.0/8, whose last 24 bits are \
                 zero, or unix: {proxy:?}"
            ))
        })?;
        self.networks.push(network);
        Ok(())
    }

    pub(crate) fn has(&self, address: IpAddr) -> bool {
        let address = number(address);
        self.networks.iter().any(|network| network.has(address))
    }

    /// Whether this peer is one of them, so that its word about clients counts.
    ///
    /// ```
    /// use tidings::{Peer, Proxies};
    ///
    /// let proxies = Proxies::new(["10.0.0.0/8"])?;
    /// assert!(proxies.has_peer(Peer::Tcp(([10, 1, 2, 3], 50412).into())));
    /// assert!(!proxies.has_peer(Peer::Unix));
    /// # Ok::<(), tidings::Error>(())
    /// ```
    pub fn has_peer(&self, peer: Peer) -> bool {
        peer.ip().map_or(self.unix, |address| self.has(address))
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let before = if address.is_ipv4() { 96 } else { 0 };
        let (first, bits) = (number(address), bits.map_or(128, |bits| before + u32::from(bits)));
        (bits <= 128 && bits + first.trailing_zeros() >= 128).then_some(Self { first, bits })
    }

    fn has(self, address: u128) -> bool {
        (self.first ^ address).leading_zeros() >= self.bits
    }
}

/// An address in its bits, one of IPv4 in those of IPv6 that stand for it.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_the_addresses_that_begin_with_its_bits() {
        for (network, address, is_in) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1/32", "192.0.2.1", true),
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("192.0.2.128/25", "192.0.2.255", true),
            ("192.0.2.128/25", "192.0.2.127", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "203.0.113.9", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("::1", "::1", true),
            ("::1", "127.0.0.1", false),
            // One of IPv4, whichever way it is written.
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "11.0.0.0", false),
            ("::ffff:0.0.0.0/96", "10.1.2.3", true),
        ] {
            let proxies = Proxies::new([network]).unwrap();
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(proxies.has(address), is_in, "{network} {address}");
            assert_eq!(proxies.has_peer(Peer::Forwarded(address)), is_in);
            assert_eq!(proxies.has_peer(Peer::Tcp((address, 50412).into())), is_in);
            assert!(!proxies.has_peer(Peer::Unix));
        }
        let sockets = Proxies::new(["unix"]).unwrap();
        assert!(sockets.has_peer(Peer::Unix) && !sockets.has("127.0.0.1".parse().unwrap()));
        assert!(!Proxies::new([""; 0]).unwrap().has_peer(Peer::Unix));
    }

    #[test]
    fn what_is_neither_an_address_nor_a_network_is_refused() {
        let refused = Proxies::new(["127.0.0.1", "10.0.0.1/8"]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a proxy is an address, a network such as 10.0.0.0/8, whose last 24 bits are zero, or \
             unix: \"10.0.0.1/8\"",
        );
        for bad in [
            "",
            "proxy.example",
            "localhost",
            "127.0.0.1:80",
            "[::1]",
            "127.1",
            "010.0.0.1",
            " 127.0.0.1",
            "UNIX",
            "unix:/run/hub.sock",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-8",
            "10.0.0.0/264",
            "10.0.0.0/8/8",
            "11.0.0.0/7",
            "2001:db8::/129",
            "2001:db8::1/64",
            "::ffff:10.0.0.0/102",
            "::ffff:10.0.0.0/129",
            "fe80::1%eth0",
        ] {
            assert!(Proxies::new([bad]).is_err(), "{bad}");
        }
    }
}

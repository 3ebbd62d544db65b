//! Where the server under test is, and a connection to it.
//!
//! A server that listens nowhere is given one end of a pair of sockets, so a test needs no port:
//!
//! ```text
//! client ── unix socket ══ unix socket ── Handle::serve
//! ```

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::client::{Connection, Plain, Transport, Url};
use crate::error::{Error, Result};
use crate::net::listener::Address;
use crate::server::handle::Handle;
use crate::server::running::Running;

/// A server that can be asked: a [`Running`] one, listening or not, or whatever is at an address.
///
/// A [`Running`] server is asked at the first address that it listens on; if it listens nowhere,
/// over a pair of unix sockets, or of TCP where there are none. At an address, whatever serves
/// there is asked: on this machine, if the address is an unspecified one.
#[derive(Clone)]
pub struct Place(Kind);

#[derive(Clone)]
enum Kind {
    Address(Address),
    Handle(Handle),
    Connection(Arc<dyn Connection>),
}

impl Place {
    pub(super) fn over(connection: Arc<dyn Connection>) -> Self {
        Self(Kind::Connection(connection))
    }

    pub(super) fn connect(&self, within: Duration) -> Result<Arc<dyn Connection>> {
        match &self.0 {
            Kind::Connection(connection) => Ok(Arc::clone(connection)),
            Kind::Handle(handle) => connect_to(handle),
            Kind::Address(address) => {
                connect(address, within).map_err(|error| match error.kind() {
                    ErrorKind::TimedOut => {
                        Error::timed_out(format!("can't connect to {address} within {within:?}"))
                    }
                    _ => Error::io(format!("can't connect to {address}"), error),
                })
            }
        }
    }
}

fn connect(address: &Address, within: Duration) -> io::Result<Arc<dyn Connection>> {
    let url = match address {
        Address::Tcp(_) => Url::parse(&address.to_string()),
        Address::Unix(path) => Url::parse("http://localhost").map(|url| url.at_socket(path)),
    };
    Plain.connect(&url.map_err(io::Error::other)?, within)
}

fn connect_to(server: &Handle) -> Result<Arc<dyn Connection>> {
    let (ours, theirs) =
        pair().map_err(|error| Error::io("can't make a pair of sockets", error))?;
    server.serve(theirs, &[])?;
    Ok(Arc::new(ours))
}

#[cfg(unix)]
fn pair() -> io::Result<(std::os::unix::net::UnixStream, std::os::unix::net::UnixStream)> {
    std::os::unix::net::UnixStream::pair()
}

#[cfg(not(unix))]
fn pair() -> io::Result<(std::net::TcpStream, std::net::TcpStream)> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let ours = std::net::TcpStream::connect(listener.local_addr()?)?;
    Ok((ours, listener.accept()?.0))
}

impl From<SocketAddr> for Place {
    fn from(mut address: SocketAddr) -> Self {
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        Self(Kind::Address(Address::Tcp(address)))
    }
}

impl From<Address> for Place {
    fn from(address: Address) -> Self {
        match address {
            Address::Tcp(address) => address.into(),
            Address::Unix(_) => Self(Kind::Address(address)),
        }
    }
}

impl From<&Running> for Place {
    fn from(server: &Running) -> Self {
        let first = server.addresses().into_iter().next();
        first.map_or_else(|| Self(Kind::Handle(server.handle())), Self::from)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Address(address) => f.debug_tuple("Place").field(address).finish(),
            Kind::Handle(handle) => f.debug_tuple("Place").field(handle).finish(),
            Kind::Connection(_) => f.debug_tuple("Place").field(&"a connection").finish(),
        }
    }
}

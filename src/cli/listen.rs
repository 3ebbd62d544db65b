//! Where to listen: what `--listen` takes, the sockets that this makes or finds, and what to say if
//! that fails.
//!
//! ```text
//! place = host ":" port / port / "unix:" path / "systemd"
//!
//! text ── parse ──► Place ── find ──► Found ── open ──► Opened: a listener, and its file
//! ```
//!
//! To find a place touches nothing yet, so the hub can tell first who could connect there.

#[cfg(unix)]
pub(super) mod handed;
#[cfg(unix)]
mod socket_file;

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;

use tidings::Listener;

use super::{Failure, digits, sys};
#[cfg(unix)]
use handed::Given;
#[cfg(unix)]
use socket_file::SocketFile;
#[cfg(not(unix))]
use std::convert::Infallible as SocketFile;

/// What `--listen` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `HOST:PORT`, not yet resolved.
    Tcp(String),
    Unix(PathBuf),
    /// The sockets that a supervisor has handed over.
    Systemd,
}

/// What a place is on this machine.
#[derive(Debug)]
pub(super) enum Found {
    /// With the name that it was given by.
    Tcp(String, Vec<SocketAddr>),
    #[cfg(unix)]
    Unix(PathBuf),
    #[cfg(unix)]
    Given(Given),
}

/// A listening socket.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) listener: Listener,
    /// Dropping it removes the file.
    pub(super) file: Option<SocketFile>,
}

impl Place {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            _ if text == "systemd" => Ok(Self::Systemd),
            Some(("unix", path)) => unix(path),
            _ => Self::parse_tcp(text)
                .map_err(|why| format!("{text:?} is no place to listen: {why}")),
        }
    }

    /// Reads a place that only TCP can have.
    pub(super) fn parse_tcp_alone(text: &str) -> Result<String, String> {
        match Self::parse(text) {
            Ok(Self::Tcp(address)) => Ok(address),
            Err(why) if !is_path(text) && !text.starts_with("unix:") => Err(why),
            _ => Err(format!(
                "this command listens over TCP alone: give HOST:PORT or PORT, and not {text:?}"
            )),
        }
    }

    fn parse_tcp(text: &str) -> Result<Self, String> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
            return port(text).map(|port| Self::Tcp(format!("127.0.0.1:{port}")));
        }
        let why = match text.rsplit_once(':') {
            _ if text.contains("://") => "leave the scheme and the path out, as in 127.0.0.1:3000",
            _ if is_path(text) => "the path of a unix socket has unix: before it",
            _ if text.parse::<IpAddr>().is_ok() || text.ends_with(']') => {
                "an address has a port after it, such as [::1]:3000"
            }
            Some(("" | "*", number)) => {
                let port = port(number)?;
                return Err(format!(
                    "no host is named: {port} alone listens for this machine, 0.0.0.0:{port} for \
                     all that can reach it"
                ));
            }
            Some((_, number)) => return port(number).map(|_| Self::Tcp(text.into())),
            None => "a host has a port after it, such as localhost:3000",
        };
        Err(why.into())
    }

    /// The host that the place names, if it does.
    pub(super) fn host(&self) -> Option<&str> {
        match self {
            Self::Tcp(address) => address.rsplit_once(':').map(|(host, _)| host),
            _ => None,
        }
    }

    /// Finds what a place is: a host's addresses, a path, or all sockets that were handed over.
    pub(super) fn find(&self) -> Result<Vec<Found>, Failure> {
        match self {
            Self::Tcp(name) => {
                let addresses = resolve(name)?;
                Ok(vec![Found::Tcp(name.clone(), addresses)])
            }
            #[cfg(unix)]
            Self::Unix(path) => Ok(vec![Found::Unix(path.clone())]),
            #[cfg(unix)]
            Self::Systemd => {
                let all = handed::take().map_err(|why| {
                    Failure::Failed(format!("can't listen on the sockets of systemd: {why}"))
                })?;
                Ok(all.into_iter().map(Found::Given).collect())
            }
            #[cfg(not(unix))]
            _ => Err(Failure::Failed("this system has no such sockets: listen on a port".into())),
        }
    }
}

fn is_path(text: &str) -> bool {
    !text.contains("://") && (text.contains('/') || text.ends_with(".sock"))
}

fn port(text: &str) -> Result<u16, String> {
    digits(text).ok_or_else(|| "a port is a number from 0 to 65535".into())
}

fn unix(path: &str) -> Result<Place, String> {
    match path {
        "" => Err("unix: needs a path after it, such as unix:/run/tidings.sock".into()),
        // No file's mode would say who may connect.
        name if name.starts_with('@') => Err(format!(
            "{name:?} would be a socket without a file, to which everybody could connect: give the \
             path of a file (./{name} for one of this name)"
        )),
        path => Ok(Place::Unix(path.into())),
    }
}

impl Found {
    /// The addresses at which other machines may be able to connect. Who may connect to a unix
    /// socket is up to its file's mode.
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        match self {
            Self::Tcp(_, addresses) => addresses,
            #[cfg(unix)]
            Self::Given(Given::Tcp(_, address)) => std::slice::from_ref(address),
            #[cfg(unix)]
            Self::Given(Given::Unix(_)) | Self::Unix(_) => &[],
        }
    }

    pub(super) fn open(self) -> Result<Opened, Failure> {
        match self {
            Self::Tcp(name, addresses) => {
                let listener = bind(&name, &addresses)?;
                prepare(&listener, true);
                Ok(Opened { listener: listener.into(), file: None })
            }
            #[cfg(unix)]
            Self::Unix(path) => {
                let (listener, file) = socket_file::bind(&path).map_err(|why| {
                    Failure::Failed(format!("can't listen on unix:{}: {why}", path.display()))
                })?;
                Ok(Opened { listener: listener.into(), file: Some(file) })
            }
            #[cfg(unix)]
            Self::Given(Given::Tcp(listener, _)) => {
                prepare(&listener, false);
                Ok(Opened { listener: Listener::from(listener).shared(), file: None })
            }
            #[cfg(unix)]
            Self::Given(Given::Unix(listener)) => {
                Ok(Opened { listener: Listener::from(listener).shared(), file: None })
            }
        }
    }
}

/// Finds the addresses of `HOST:PORT`.
pub(super) fn resolve(name: &str) -> Result<Vec<SocketAddr>, Failure> {
    let addresses = name.to_socket_addrs().map(Iterator::collect);
    addresses.map_err(|error| {
        Failure::Failed(format!(
            "can't listen on {name}: no address is known for this host ({error}): check its \
             spelling and the DNS, or give an address"
        ))
    })
}

/// Listens on the first of these addresses that can be had.
pub(super) fn bind(name: &str, addresses: &[SocketAddr]) -> Result<TcpListener, Failure> {
    TcpListener::bind(addresses).map_err(|error| refused(name, &error))
}

/// Sets what accepted sockets inherit, and of our own listener how many connections may wait; the
/// supervisor decides that for its own.
fn prepare(listener: &TcpListener, own: bool) {
    let queue = if own { sys::lengthen_queue(listener) } else { Ok(()) };
    for (missing, set) in [
        ("peers that vanish without a word are noticed late", sys::notice_ghosts(listener)),
        ("fewer connections may wait to be accepted", queue),
    ] {
        if let Err(error) = set {
            super::say(&format!("{missing}: {error}"));
        }
    }
}

/// What to say if the system refuses an address.
fn refused(name: &str, error: &io::Error) -> Failure {
    let why = match error.kind() {
        ErrorKind::AddrInUse => {
            "the address is taken: stop what listens there, or give --listen another port \
             (0 takes a free one)"
        }
        ErrorKind::AddrNotAvailable => {
            "the address is not one of this machine's: give --listen one that is, or 0.0.0.0 \
             for all"
        }
        ErrorKind::PermissionDenied => {
            "permission denied: give --listen a port over 1023, or run with the right to take \
             this one"
        }
        _ => &error.to_string(),
    };
    Failure::Failed(format!("can't listen on {name}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_address_a_port_a_path_or_what_systemd_has() {
        let tcp = |address: &str| Place::Tcp(address.into());
        for (text, place) in [
            ("127.0.0.1:3000", tcp("127.0.0.1:3000")),
            ("[::1]:3000", tcp("[::1]:3000")),
            ("localhost:0", tcp("localhost:0")),
            ("3000", tcp("127.0.0.1:3000")),
            ("unix:/run/a b.sock", Place::Unix("/run/a b.sock".into())),
            ("unix:hub.sock", Place::Unix("hub.sock".into())),
            ("unix:a:b", Place::Unix("a:b".into())),
            ("systemd", Place::Systemd),
        ] {
            assert_eq!(Place::parse(text), Ok(place), "{text}");
        }
        assert_eq!(Place::parse_tcp_alone("80"), Ok("127.0.0.1:80".into()));
    }

    #[test]
    fn near_misses_are_told_the_right_form() {
        for (text, why) in [
            (":3000", "3000 alone listens for this machine, 0.0.0.0:3000 for all"),
            ("*:3000", "3000 alone listens for this machine, 0.0.0.0:3000 for all"),
            ("65536", "a port is a number from 0 to 65535"),
            ("localhost:http", "a port is a number from 0 to 65535"),
            ("localhost:", "a port is a number from 0 to 65535"),
            ("-1", "a host has a port after it, such as localhost:3000"),
            (":", "a port is a number from 0 to 65535"),
            (":http", "a port is a number from 0 to 65535"),
            ("", "a host has a port after it"),
            ("localhost", "a host has a port after it, such as localhost:3000"),
            ("::1", "an address has a port after it, such as [::1]:3000"),
            ("[::1]", "an address has a port after it, such as [::1]:3000"),
            ("http://127.0.0.1:3000", "leave the scheme and the path out, as in 127.0.0.1:3000"),
            ("/run/tidings.sock", "the path of a unix socket has unix: before it"),
            ("tidings.sock", "the path of a unix socket has unix: before it"),
            ("unix:", "unix: needs a path after it, such as unix:/run/tidings.sock"),
            ("unix:@hub", "(./@hub for one of this name)"),
        ] {
            let wrong = Place::parse(text).expect_err(text);
            assert!(wrong.contains(why), "{text}: {wrong}");
        }
        for other in ["unix:/run/a.sock", "unix:hub", "unix:", "/run/a.sock", "a.sock", "systemd"] {
            let wrong = Place::parse_tcp_alone(other).expect_err("not TCP");
            let expected = "this command listens over TCP alone: give HOST:PORT or PORT";
            assert_eq!(wrong, format!("{expected}, and not {other:?}"));
        }
        let foo =
            "\"foo\" is no place to listen: a host has a port after it, such as localhost:3000";
        assert_eq!(Place::parse("foo"), Err(foo.into()));
        assert_eq!(Place::parse_tcp_alone("foo"), Err(foo.into()));
    }

    #[test]
    fn the_host_of_a_place_is_a_name_of_the_hub() {
        let host = |text| Place::parse(text).unwrap().host().map(str::to_owned);
        assert_eq!(host("c.example:0"), Some("c.example".into()));
        assert_eq!(host("unix:/run/a:b"), None);
        assert_eq!(host("systemd"), None);
    }
}

//! Where to listen: `--listen` to addresses, and what to say if that fails.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};

use super::Failure;

/// What `--listen` takes.
const FORM: &str = "HOST:PORT, such as 127.0.0.1:3000, [::1]:3000 or localhost:0";

/// Finds the addresses that `--listen` names, by a host's name or as they are.
pub(super) fn resolve(listen: &str) -> Result<Vec<SocketAddr>, Failure> {
    match listen.to_socket_addrs() {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) if error.kind() == ErrorKind::InvalidInput => {
            let what = format!("--listen must be {FORM}, and not {listen:?}");
            Err(Failure::Usage(what))
        }
        Err(error) => {
            let what = format!("can't listen on {listen:?}: {error}: give --listen as {FORM}");
            Err(Failure::Failed(what))
        }
    }
}

/// What to say if the system refuses an address.
pub(super) fn refused(listen: &str, error: &io::Error) -> Failure {
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
    Failure::Failed(format!("can't listen on {listen}: {why}"))
}

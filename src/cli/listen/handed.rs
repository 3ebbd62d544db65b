//! Sockets that a supervisor has opened and handed over (sd_listen_fds(3)).
//!
//! ```text
//! LISTEN_PID=4711              for whom: nobody else may take them
//! LISTEN_FDS=2                 descriptors 3 and 4
//! LISTEN_FDNAMES=http:local    their names, if they have any
//! ```
//!
//! The variables are taken out of the environment, so that no program that this one starts takes
//! them for its own.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::process;
use std::sync::{Mutex, PoisonError};

use crate::cli::{digits, plural, sys};

/// The first descriptor that is handed over; those before it are the standard streams.
const FIRST: usize = 3;

/// Nobody hands over more, and a wrong number must not be believed.
const MOST: usize = 1024;

/// A listening socket that is the supervisor's too.
#[derive(Debug)]
pub(crate) enum Given {
    Tcp(TcpListener, SocketAddr),
    Unix(UnixListener),
}

/// The names of the sockets that wait to be taken, or why there are none.
type Names = Result<Vec<String>, String>;

static NAMES: Mutex<Option<Names>> = Mutex::new(None);

/// Takes the variables out of the environment. Call it before the first thread is started.
pub(in crate::cli) fn read_environment() {
    let [pid, count, names] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"].map(|name| {
        let value = std::env::var_os(name)?;
        sys::remove_variable(name);
        Some(value.to_string_lossy().into_owned())
    });
    let of_this = names_of(process::id(), pid.as_deref(), count.as_deref(), names.as_deref());
    *NAMES.lock().unwrap_or_else(PoisonError::into_inner) = Some(of_this);
}

fn names_of(own: u32, pid: Option<&str>, count: Option<&str>, names: Option<&str>) -> Names {
    let (Some(pid), Some(count)) = (pid, count) else {
        return Err("none was handed over (LISTEN_PID and LISTEN_FDS are not set): start the hub \
                    from a socket unit, or with systemd-socket-activate"
            .into());
    };
    match (digits::<u32>(pid), digits::<usize>(count)) {
        (Some(pid), _) if pid != own => Err(format!(
            "they were handed over to the process {pid} (LISTEN_PID), and this is {own}: start the \
             hub itself from the unit, or with exec from a script"
        )),
        (Some(_), Some(count @ 1..=MOST)) => {
            let names: Vec<_> = names.unwrap_or_default().split(':').map(str::to_owned).collect();
            let are_whole = names.len() == count && !names.contains(&String::new());
            Ok(if are_whole { names } else { vec!["unknown".into(); count] })
        }
        _ => Err(format!(
            "LISTEN_PID must be the number of this process, and LISTEN_FDS a number from 1 to \
             {MOST}; they are {pid:?} and {count:?}: start the hub from a socket unit"
        )),
    }
}

/// What to say if there are sockets that nobody has taken.
pub(in crate::cli) fn left_over() -> Option<String> {
    let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let names = names.as_ref()?.as_ref().ok()?;
    let sockets = plural(names.len() as u64, "socket");
    Some(format!("systemd has handed over {sockets}: give --listen systemd to listen there"))
}

/// Takes the sockets. Fails if there is none, or any that the hub can't serve on.
pub(super) fn take() -> Result<Vec<Given>, String> {
    let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner).take();
    let names = names.unwrap_or_else(|| Err("they are taken already: give it once".into()))?;
    let one = |(number, name): (usize, &String)| {
        adopt(number).map_err(|why| format!("descriptor {number} ({name}) {why}"))
    };
    (FIRST..).zip(&names).map(one).collect()
}

fn adopt(number: usize) -> Result<Given, String> {
    let number = i32::try_from(number).map_err(|error| error.to_string())?;
    let descriptor = sys::adopt(number).map_err(|error| {
        format!(
            "is promised by LISTEN_FDS and can't be had: {error}: start the hub from a \
             socket unit, or with exec"
        )
    })?;
    match sys::is_listening_stream(&descriptor) {
        Ok(true) => {}
        Ok(false) => {
            return Err("is not a stream socket that listens: name it with ListenStream=, and \
                        without Accept=yes"
                .into());
        }
        Err(error) => return Err(format!("is not a socket ({error}): name one by ListenStream=")),
    }
    // std knows an address by its family, and refuses one of another.
    let unix = UnixListener::from(descriptor);
    if unix.local_addr().is_ok() {
        return Ok(Given::Unix(unix));
    }
    let tcp = TcpListener::from(std::os::fd::OwnedFd::from(unix));
    match tcp.local_addr() {
        Ok(address) => Ok(Given::Tcp(tcp, address)),
        Err(_) => Err("is neither of TCP nor a unix socket: the hub serves on those".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_process_that_they_were_handed_to_has_them() {
        let names = |pid, count, names| names_of(17, pid, count, names);
        let two = |names: [&str; 2]| Ok(names.map(str::to_owned).to_vec());
        assert_eq!(names(Some("17"), Some("2"), Some("a:b")), two(["a", "b"]));
        for wrong in [None, Some("a"), Some("a:"), Some("a:b:c")] {
            assert_eq!(names(Some("17"), Some("2"), wrong), two(["unknown", "unknown"]));
        }
        for (pid, count, why) in [
            (None, Some("1"), "none was handed over"),
            (Some("17"), None, "none was handed over"),
            (Some("18"), Some("1"), "to the process 18 (LISTEN_PID), and this is 17"),
            (
                Some("17"),
                Some("0"),
                "LISTEN_FDS a number from 1 to 1024; they are \"17\" and \"0\": start the hub from \
                 a socket unit",
            ),
            (Some("17"), Some("1025"), "LISTEN_FDS a number from 1 to 1024"),
            (Some("17"), Some("-1"), "LISTEN_FDS a number from 1 to 1024"),
            (Some("me"), Some("1"), "LISTEN_PID must be the number of this process"),
        ] {
            let wrong = names(pid, count, None).expect_err("there is none");
            assert!(wrong.contains(why), "{pid:?} {count:?}: {wrong}");
        }
    }
}

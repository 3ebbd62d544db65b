//! *Pure*: what Redis says when a connection begins, and what its trouble means.

use std::fmt;
use std::io::{self, ErrorKind};

use super::resp::Reply;
use super::rules::Known;
use crate::log::id::Id;

/// The oldest Redis that takes `<ms>-*` for an id.
const OLDEST: u32 = 7;

/// What Redis has said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Greeting {
    /// Another one after each start of a server, and after each time that it was a replica: then
    /// it has the data of another one.
    pub(crate) run: String,
    /// Its clock, in milliseconds since 1970.
    pub(crate) time: u64,
}

impl Greeting {
    /// Reads the replies to `INFO`, `ROLE`, `TIME` and `XINFO STREAM`. The last one is asked
    /// for what is wrong with the stream, or with what this user may do.
    pub(crate) fn read([info, role, time, stream]: [Reply; 4]) -> Result<Self, Trouble> {
        let run = run_of(good(info)?.text().unwrap_or_default())?;
        check_role(&good(role)?)?;
        known(stream)?;
        Ok(Self { run, time: milliseconds(&good(time)?)? })
    }
}

/// A reply, unless it is an error.
pub(crate) fn good(reply: Reply) -> Result<Reply, Trouble> {
    match reply {
        Reply::Error(error) => Err(Trouble::refused(&error)),
        reply => Ok(reply),
    }
}

/// Checks the version, and gives the id of the run.
fn run_of(info: &str) -> Result<String, Trouble> {
    let value = |name| {
        let mut lines = info.lines().filter_map(|line| line.trim_end().split_once(':'));
        lines.find(|line| line.0 == name).map(|line| line.1)
    };
    let (version, run) = value("redis_version").zip(value("run_id")).ok_or_else(senseless)?;
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if value("valkey_version").is_none() && major.is_none_or(|major| major < OLDEST) {
        return Err(Trouble::lasting(format!(
            "is too old: it is version {version:?}, and Redis 7.0 or newer is needed, or Valkey"
        )));
    }
    Ok(format!("{run} {}", value("master_replid").unwrap_or_default()))
}

/// Only a master takes events.
fn check_role(role: &Reply) -> Result<(), Trouble> {
    let part = |at| role.parts().get(at).and_then(Reply::text);
    match part(0) {
        Some("master") => Ok(()),
        Some("slave") => {
            let master = part(1).unwrap_or("another server");
            Err(Trouble::passing(format!("is a replica of {master:?}: name its master, too")))
        }
        Some("sentinel") => Err(Trouble::lasting(
            "is a Sentinel, which is not asked here: name the master and its replicas themselves",
        )),
        _ => Err(senseless()),
    }
}

/// Reads the reply to `TIME`: seconds and microseconds.
pub(crate) fn milliseconds(time: &Reply) -> Result<u64, Trouble> {
    let number = |at: usize| time.parts().get(at)?.text()?.parse::<u64>().ok();
    let sum = || number(0)?.checked_mul(1000)?.checked_add(number(1)? / 1000);
    sum().ok_or_else(senseless)
}

/// Reads the reply to `XINFO STREAM`.
pub(crate) fn known(info: Reply) -> Result<Known, Trouble> {
    match info {
        Reply::Error(error) if error.contains("no such key") => Ok(Known::default()),
        info => known_of(&good(info)?).ok_or_else(senseless),
    }
}

fn known_of(info: &Reply) -> Option<Known> {
    let id = |name| Id::parse(info.value(name)?.text()?);
    let count = |name| match info.value(name)? {
        Reply::Integer(number) => u64::try_from(*number).ok(),
        _ => None,
    };
    let length = count("length")?;
    Some(Known {
        newest: Some(id("last-generated-id")?),
        // It says 0-0 where there is none.
        first: id("recorded-first-entry-id").filter(|_| length > 0),
        is_whole: count("entries-added")? == length,
        ..Known::default()
    })
}

/// What went wrong with Redis, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) what: String,
    /// It stays until somebody changes something: to try again soon is of no use.
    pub(crate) is_lasting: bool,
    /// Nothing had been sent of what was to be sent, so nothing came of it.
    pub(crate) is_unsent: bool,
}

/// It responds, and not as Redis does.
pub(crate) fn senseless() -> Trouble {
    Trouble::lasting("does not respond as Redis does: name a Redis 7.0 or newer, or a Valkey")
}

impl Trouble {
    pub(crate) fn passing(what: impl Into<String>) -> Self {
        Self { what: what.into(), is_lasting: false, is_unsent: false }
    }

    pub(crate) fn lasting(what: impl Into<String>) -> Self {
        Self { is_lasting: true, ..Self::passing(what) }
    }

    /// What an error reply means. Those whose first word is not known here, such as `LOADING`, say
    /// that the server can't do it now.
    pub(crate) fn refused(error: &str) -> Self {
        let shown = error.escape_debug();
        let remedy = match error.split(' ').next().unwrap_or_default() {
            "ERR" if !error.contains("max number of clients") => "",
            "NOAUTH" => "; give its password with --redis-password-file",
            "WRONGPASS" => "; give the right one with --redis-password-file",
            "NOPERM" => "; allow this user the command in the ACL of Redis",
            "WRONGTYPE" => "; the key is used for something else: choose another --redis-name",
            "MOVED" | "ASK" | "CROSSSLOT" | "CLUSTERDOWN" => {
                "; it belongs to a cluster, which is not supported: name one that does not"
            }
            _ => return Self::passing(format!("takes no command now: {shown}")),
        };
        Self::lasting(format!("refuses a command: {shown}{remedy}"))
    }

    /// The same, which says where.
    pub(crate) fn at(mut self, server: &str) -> Self {
        self.what = format!("Redis at {server} {}", self.what);
        self
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::passing(match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => "does not respond in time".into(),
            ErrorKind::UnexpectedEof => "has ended the connection".into(),
            ErrorKind::InvalidData => format!("does not speak its protocol: {error}"),
            _ => format!("has ended the connection: {error}"),
        })
    }
}

#[cfg(test)]
mod tests;

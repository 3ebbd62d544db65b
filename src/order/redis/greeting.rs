//! *Pure*: what Redis says of itself and of the stream, when a connection begins.

use super::resp::Reply;
use super::trouble::Trouble;
use crate::log::id::Id;

/// The oldest Redis that takes `<ms>-*` for an id.
const OLDEST: u32 = 7;

/// What Redis has said of itself and of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Greeting {
    /// Its address, for messages.
    pub(crate) server: Box<str>,
    /// Another one after each start of a server.
    pub(crate) run: Box<str>,
    /// Its clock, in milliseconds since 1970.
    pub(crate) time: u64,
    /// `None` where there is no stream.
    pub(crate) stream: Option<StreamInfo>,
}

/// What `XINFO STREAM` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamInfo {
    /// The greatest id that the stream ever had, whether or not that entry is still there.
    pub(crate) newest: Id,
    /// That of the oldest entry.
    pub(crate) first: Option<Id>,
    /// How many entries there are.
    pub(crate) length: u64,
    /// How many were ever added.
    pub(crate) added: u64,
}

impl StreamInfo {
    /// Reads the reply to `XINFO STREAM`.
    pub(crate) fn of(info: &Reply) -> Option<Self> {
        let id = |name| Id::parse(info.value(name)?.text()?);
        let count = |name| match info.value(name)? {
            Reply::Integer(number) => u64::try_from(*number).ok(),
            _ => None,
        };
        let length = count("length")?;
        // It says 0-0 where there is none.
        let first = id("recorded-first-entry-id").filter(|_| length > 0);
        Some(Self {
            newest: id("last-generated-id")?,
            first,
            length,
            added: count("entries-added")?,
        })
    }
}

/// It responds, and not as Redis does.
pub(crate) fn senseless() -> Trouble {
    Trouble::lasting("does not respond as Redis does: name a Redis 7.0 or newer, or a Valkey")
}

/// Checks the version, and gives the id of the run.
pub(crate) fn run_of(info: &str) -> Result<Box<str>, Trouble> {
    let value = |name: &str| {
        let lines = info.lines().filter_map(|line| line.trim_end().split_once(':'));
        lines.filter(|line| line.0 == name).map(|line| line.1).next()
    };
    let (version, run) = (value("redis_version"), value("run_id"));
    let (Some(version), Some(run)) = (version, run) else { return Err(senseless()) };
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if value("valkey_version").is_none() && major.is_none_or(|major| major < OLDEST) {
        return Err(Trouble::lasting(format!(
            "is too old: it is version {version:?}, and Redis 7.0 or newer is needed, or Valkey"
        )));
    }
    Ok(run.into())
}

/// Only a master takes events.
pub(crate) fn check_role(role: &Reply) -> Result<(), Trouble> {
    let part = |at: usize| role.parts().get(at);
    match part(0).and_then(Reply::text) {
        Some("master") => Ok(()),
        Some("slave") => {
            let master = part(1).and_then(Reply::text).unwrap_or("another server");
            Err(Trouble::passing(format!("is a replica of {master:?}: name its master, too")))
        }
        Some("sentinel") => Err(Trouble::lasting(
            "is a Sentinel, which is not asked here: name the master and its replicas themselves",
        )),
        _ => Err(senseless()),
    }
}

/// The reply to `TIME`: seconds and microseconds.
pub(crate) fn milliseconds(time: &Reply) -> Option<u64> {
    let [seconds, microseconds] = time.parts() else { return None };
    let number = |of: &Reply| of.text()?.parse::<u64>().ok();
    number(seconds)?.checked_mul(1000)?.checked_add(number(microseconds)? / 1000)
}

#[cfg(test)]
mod tests;

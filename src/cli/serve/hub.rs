//! The hub that the command line asks for: in which of the places that there are its events get
//! their ids, and how it is opened.

use tidings::Hub;

use super::options::Options;
#[cfg(feature = "follow")]
use super::order::FOLLOW;
#[cfg(feature = "journal")]
use super::order::JOURNAL;
#[cfg(feature = "redis")]
use super::order::REDIS;
use super::order::{MEMORY, Order};
use crate::cli::{Failure, Outcome};

/// A place that the command line may name.
struct Asked {
    flag: &'static str,
    is_given: bool,
    /// The flags that say how it is used, and whether each was given.
    ways: Vec<(&'static str, bool)>,
    /// What is wrong if one of these is given without it.
    without: &'static str,
}

/// Checks that one place is named at most, and that there is one if the command line says how.
pub(super) fn check(options: &Options) -> Outcome {
    let asked = asked(options);
    let mut given = asked.iter().filter(|asked| asked.is_given).map(|asked| asked.flag);
    if let (Some(one), Some(other)) = (given.next(), given.next()) {
        return Err(Failure::Usage(format!(
            "{one} and {other} both say where the hub's events get their ids: give one of them"
        )));
    }
    for Asked { ways, without, .. } in asked.iter().filter(|asked| !asked.is_given) {
        if let Some((flag, _)) = ways.iter().find(|(_, is_given)| *is_given) {
            return Err(Failure::Usage(format!("{flag} {without}")));
        }
    }
    Ok(())
}

#[allow(unused_variables, reason = "a hub without features has no choice")]
fn asked(options: &Options) -> Vec<Asked> {
    vec![
        #[cfg(feature = "journal")]
        Asked {
            flag: "--journal",
            is_given: options.journal.is_given(),
            ways: options.journal.ways(),
            without: "says how a journal is kept, and there is none: name its folder with \
                      --journal DIR",
        },
        #[cfg(feature = "redis")]
        Asked {
            flag: "--redis",
            is_given: options.redis.is_given(),
            ways: options.redis.ways(),
            without: "says how Redis is used, and none is: name its address with --redis URL",
        },
        #[cfg(feature = "follow")]
        Asked {
            flag: "--follow",
            is_given: options.follow.is_given(),
            ways: options.follow.ways(),
            without: "says how another hub is followed, and none is: name it with --follow URL",
        },
    ]
}

/// The hub, with what its order remembers: before the sockets are open, so that nobody connects to
/// a hub that can't begin, or that doesn't know yet what it has.
pub(super) fn open(options: &Options) -> Result<(Hub, Order), Failure> {
    let (history, lag) = (options.history, options.lag);
    #[cfg(feature = "journal")]
    if let Some(hub) = options.journal.open(history, lag)? {
        return Ok((hub, JOURNAL));
    }
    #[cfg(feature = "redis")]
    if let Some(hub) = options.redis.open(history, lag)? {
        return Ok((hub, REDIS));
    }
    #[cfg(feature = "follow")]
    if let Some(hub) = options.follow.open(history, lag)? {
        return Ok((hub, FOLLOW));
    }
    Ok((Hub::with(history, lag), MEMORY))
}

//! Channels: which names they may have, what is said to any other, and how many channels there may
//! be. A stream may also follow a pattern of names: `*` or `NAME.*`, which are no names.

use tidings::{Channel, Hub, Peer};

/// The longest name, so that a name fits a line of any tool.
const LONGEST_NAME: usize = 128;

/// `1*128( ALPHA / DIGIT / "." / "_" / "~" / "-" )`: what stands in a path without encoding.
fn is_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(good)
}

/// The pattern that all names match.
pub(super) const ALL: &str = "*";

/// Whether it is a pattern of names, which begins with a name or matches all.
fn is_pattern(name: &str) -> bool {
    name == ALL || name.strip_suffix(".*").is_some_and(is_name)
}

/// Fails with what is wrong if a channel can't have this name.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    if is_name(name) {
        return Ok(());
    }
    if is_pattern(name) {
        return Err(format!(
            "{name:?} is a pattern, for streams that follow many channels: name one channel"
        ));
    }
    Err(format!(
        "{name:?} is not a channel's name: a name is 1 to {LONGEST_NAME} of A-Z a-z 0-9 . _ ~ -"
    ))
}

/// The same for what a stream may follow.
pub(super) fn check_followed(name: &str) -> Result<(), String> {
    match is_pattern(name) {
        true => Ok(()),
        false => check_name(name).map_err(|why| match name.contains('*') {
            true => format!("{why}; and a pattern is * or NAME.*"),
            false => why,
        }),
    }
}

/// The hub, and what it may have.
#[derive(Clone, Debug)]
pub(super) struct Channels {
    pub(super) hub: Hub,
    /// How many channels at once.
    pub(super) most: usize,
    /// What one of them takes at once.
    pub(super) batch: Bounds,
}

impl Channels {
    /// What a stream of this peer follows under this name or pattern, unless there is no room.
    pub(super) fn followed(&self, name: &str, peer: Peer) -> tidings::Result<Option<Channel>> {
        match is_pattern(name) {
            true => self.hub.matching_followed(name, peer, self.most),
            false => Ok(self.hub.channel_followed(name, peer, self.most)),
        }
    }
}

/// What a channel takes at once: a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    /// As many events as a channel keeps.
    pub(super) events: usize,
    /// The most bytes of one of them, as it is sent without an id.
    pub(super) event: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_needs_no_encoding() {
        for name in ["a", "A-Z.a_z~0", "..", &"n".repeat(128)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "a b", "a/b", "a%b", "é", "a\n", "a\0", "*", &"n".repeat(129)] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn a_pattern_is_all_or_what_is_below_a_name() {
        for pattern in ["*", "a.*", "a.b.*", "..*", &format!("{}.*", "n".repeat(128))] {
            assert!(is_pattern(pattern) && !is_name(pattern), "{pattern}");
            assert!(check_followed(pattern).is_ok() && check_name(pattern).is_err(), "{pattern}");
        }
        for other in ["", "**", ".*", "a*", "*.a", "a.*.*", "a b.*", "a.*\n"] {
            assert!(!is_pattern(other) && check_followed(other).is_err(), "{other}");
        }
        assert!(check_followed("a").is_ok());
    }
}

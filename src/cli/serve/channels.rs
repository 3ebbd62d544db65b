//! Channels: which names they may have, what is said to any other, and how many channels there may
//! be.

use tidings::Hub;

/// The longest name, so that a name fits a line of any tool.
const LONGEST_NAME: usize = 128;

/// `1*128( ALPHA / DIGIT / "." / "_" / "~" / "-" )`: what stands in a path without encoding.
fn is_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(good)
}

/// Fails with what is wrong if a channel can't have this name.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    match is_name(name) {
        true => Ok(()),
        false => Err(format!(
            "{name:?} is not a channel's name: a name is 1 to {LONGEST_NAME} of A-Z a-z 0-9 . _ ~ -"
        )),
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
}

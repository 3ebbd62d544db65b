//! Names of channels, which the hub and its tokens must take alike. A stream may also follow a
//! pattern of names: `*` or `NAME.*`, which are no names.

/// The longest name, so that a name fits a line of any tool.
const LONGEST_NAME: usize = 128;

/// `1*128( ALPHA / DIGIT / "." / "_" / "~" / "-" )`: what stands in a path without encoding.
fn is_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(good)
}

/// The pattern that all names match.
pub(crate) const ALL: &str = "*";

/// Whether it is a pattern of names, which begins with a name or matches all.
pub(crate) fn is_pattern(name: &str) -> bool {
    name == ALL || name.strip_suffix(".*").is_some_and(is_name)
}

/// Fails with what is wrong if a channel can't have this name.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
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
pub(crate) fn check_followed(name: &str) -> Result<(), String> {
    match is_pattern(name) {
        true => Ok(()),
        false => check_name(name).map_err(|why| match name.contains('*') {
            true => format!("{why}; and a pattern is * or NAME.*"),
            false => why,
        }),
    }
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

//! How many descriptors the system lets this process have.
//!
//! ```text
//! /proc/self/limits = ... "Max open files" 1*SP soft 1*SP hard 1*SP "files" ...
//! ```
//!
//! Only Linux has the file. Elsewhere, or without a limit, the number is unknown.

use std::fs;

pub(super) fn limit() -> Option<u64> {
    soft_limit(&fs::read_to_string("/proc/self/limits").ok()?)
}

fn soft_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_what_counts() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max processes             unlimited            unlimited   processes\n\
                      Max open files            1024                 524288               files\n";
        assert_eq!(soft_limit(limits), Some(1024));
        assert_eq!(soft_limit("Max open files   unlimited   unlimited   files\n"), None);
        assert_eq!(soft_limit(""), None);
    }
}

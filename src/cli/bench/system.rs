//! What the system gives: descriptors and threads, and what to say when it gives no more.

use std::io;

use super::options::Options;

/// Standard streams, the probe's pair and its listener, and what an address look-up opens.
const BESIDE: u64 = 16;

/// Fails before anything is opened, where that can be known.
pub(super) fn check(options: &Options) -> Result<(), String> {
    let needed = u64::from(options.streams) + u64::from(options.publishers) + BESIDE;
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    match descriptors(&limits) {
        Some(most) if most < needed => Err(format!(
            "{} streams need {needed} descriptors, and this process may have {most}: say \
             'ulimit -n {needed}' before, or give fewer --streams",
            options.streams
        )),
        _ => Ok(()),
    }
}

/// The soft limit out of a Linux `/proc/self/limits`.
fn descriptors(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// That there is no more of something.
pub(super) fn told(what: &str, error: &io::Error) -> String {
    format!("the system does not give {what}: {error}: give fewer --streams, or raise its limits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_descriptors_is_read() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max processes             15000                15000                processes\n\
                      Max open files            1024                 20000                files\n";
        assert_eq!(descriptors(limits), Some(1024));
        assert_eq!(descriptors("Max open files            unlimited  unlimited  files"), None);
        assert_eq!(descriptors(""), None);
    }
}

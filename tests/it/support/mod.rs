//! What the tests share: waiting for conditions, raw HTTP, event streams, and other programs.

pub(crate) mod http;
pub(crate) mod process;
pub(crate) mod stream;

use std::time::{Duration, Instant};

/// Long enough for the slowest machine; nothing that works takes it.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Waits until the condition holds.
#[track_caller]
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    until_some(what, || condition().then_some(()));
}

/// Waits until there is something, and gives it.
#[track_caller]
pub(crate) fn until_some<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + SOON;
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(Instant::now() < until, "waited in vain for this: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

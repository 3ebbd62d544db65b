//! How long a client waits before it connects again.
//!
//! ```text
//! the stream brought events and ended    the reconnection time                r
//! it opened, and brought none            the same, but never at once          max(r, 250 ms)
//! the nth connection in a row failed     twice as long each time, to a bound  … · 2ⁿ⁻¹
//! any of these                           two attempts begin 100 ms apart
//! ```
//!
//! To each comes up to a quarter more, by chance, so that the clients of a server that was down do
//! not all come back in the same moment. What the server asks for is never undercut, as the
//! standard wants it (HTML, section 9.2.3), up to a day: no wait is longer.

use std::time::Duration;

/// A server that asks for no wait, and ends each stream after an event, would be asked thousands
/// of times a second. So attempts begin this far apart, whatever it says: too short for anybody to
/// miss, and an attempt costs either side far less.
const APART: Duration = Duration::from_millis(100);

/// A stream that opens and ends at once, or a server that is down and has asked for no wait, is
/// not tried in a tight loop.
const SHORTEST: Duration = Duration::from_millis(250);

/// The longest wait, chance included. More is a mistake, or malice.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How long to wait with this reconnection time, if so many connections in a row were in vain, and
/// the last attempt `began` so long ago. `most` bounds what failures and chance make of it;
/// `random` is any number.
pub(crate) fn pause(
    retry: Duration,
    in_vain: u32,
    began: Duration,
    most: Duration,
    random: u64,
) -> Duration {
    let retry = retry.min(LONGEST);
    let wait = match in_vain {
        0 => retry,
        n => {
            let doubled = 2_u32.saturating_pow(n - 1);
            // Chance adds up to a quarter, so the bound leaves room for it.
            let most = most.min(LONGEST) * 4 / 5;
            retry.max(SHORTEST).saturating_mul(doubled).min(most.max(retry))
        }
    };
    // The top 32 bits are a number from 0 to 1 of as many binary places.
    let part = (random >> 32) as f64 / 4_294_967_296.0;
    let jitter = wait.mul_f64(part / 4.0);
    (wait + jitter).min(LONGEST).max(APART.saturating_sub(began))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// The wait after an attempt that began long ago.
    fn milliseconds(retry: u64, in_vain: u32) -> u128 {
        pause(Duration::from_millis(retry), in_vain, MINUTE, MINUTE, 0).as_millis()
    }

    #[test]
    fn after_a_good_stream_it_waits_as_long_as_it_was_asked_to() {
        for retry in [0, 1, 3000, 3_600_000] {
            assert_eq!(milliseconds(retry, 0), retry.into());
        }
    }

    #[test]
    fn each_failure_doubles_the_wait_to_a_bound() {
        let waits: Vec<_> = (1..8).map(|in_vain| milliseconds(3000, in_vain)).collect();
        assert_eq!(waits, [3000, 6000, 12_000, 24_000, 48_000, 48_000, 48_000]);
        assert_eq!(milliseconds(3000, u32::MAX), 48_000);
        // At the bound as well, clients come back spread over a fifth of it, and none later.
        let retry = Duration::from_secs(3);
        let last = pause(retry, 9, MINUTE, MINUTE, u64::MAX);
        assert!(last <= MINUTE && last > MINUTE.mul_f64(0.99), "{last:?}");
    }

    #[test]
    fn what_is_in_vain_is_never_tried_again_at_once() {
        assert_eq!([milliseconds(0, 1), milliseconds(0, 2), milliseconds(0, 3)], [250, 500, 1000]);
    }

    #[test]
    fn the_bound_of_failures_does_not_undercut_the_server() {
        assert_eq!(milliseconds(90_000, 1), 90_000);
        assert_eq!(milliseconds(90_000, 5), 90_000);
    }

    #[test]
    fn a_time_that_nobody_can_mean_is_a_day() {
        assert_eq!(milliseconds(u64::MAX, 0), LONGEST.as_millis());
        // Chance adds nothing to it.
        let most = pause(Duration::MAX, u32::MAX, MINUTE, Duration::MAX, u64::MAX);
        assert_eq!(most, Duration::from_secs(86_400));
        let nearly = Duration::from_secs(86_000);
        assert_eq!(pause(nearly, 0, MINUTE, MINUTE, u64::MAX).as_secs(), 86_400);
    }

    #[test]
    fn chance_adds_up_to_a_quarter() {
        let waits = [0, 1 << 63, 3 << 62]
            .map(|random| pause(Duration::from_secs(4), 0, MINUTE, MINUTE, random).as_millis());
        assert_eq!(waits, [4000, 4500, 4750]);
    }

    #[test]
    fn attempts_begin_apart_whatever_the_server_says() {
        let wait = |retry, in_vain, began| {
            let [retry, began] = [retry, began].map(Duration::from_millis);
            pause(retry, in_vain, began, Duration::ZERO, 0).as_millis()
        };
        assert_eq!([wait(0, 0, 0), wait(0, 0, 60), wait(0, 0, 100)], [100, 40, 0]);
        // The time that the server asks for has passed by then, or has not.
        assert_eq!([wait(30, 0, 60), wait(50, 0, 60), wait(100, 0, 0)], [40, 50, 100]);
        // Nor does it help to forbid any wait for failures.
        assert_eq!([wait(0, 1, 0), wait(0, 9, 99)], [100, 1]);
    }
}

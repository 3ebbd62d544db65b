//! Where the ids of a hub's events come from: a random epoch, and a number that counts up.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::log::cursor::Epoch;
use crate::net::atomic::AtomicU64;
use crate::net::moment::Moment;
use crate::random::random;

/// Where event ids come from: `<epoch>-<sequence>`. The id of a gap event may have two more parts
/// ([`crate::log::read`]).
#[derive(Debug)]
pub(crate) struct Sequence {
    /// Tells this start of the hub from every other. It is random and not the time, since small
    /// devices often start with their clock at zero.
    pub(crate) epoch: Epoch,
    newest: AtomicU64,
    started: Moment,
}

/// At most ten hexadecimal digits: short on the wire, and the chance that two
/// starts share one is 1 in 10^12.
const EPOCH_BITS: u32 = 40;

impl Sequence {
    pub(crate) fn new() -> Self {
        Self {
            epoch: Epoch::new(random() >> (u64::BITS - EPOCH_BITS)),
            newest: AtomicU64::new(0),
            started: Moment::now(),
        }
    }

    pub(crate) fn draw(&self) -> u64 {
        self.newest.fetch_add(1, Ordering::AcqRel) + 1
    }

    pub(crate) fn newest(&self) -> u64 {
        self.newest.load(Ordering::Acquire)
    }

    /// The time as logs know it: since the start of the hub.
    pub(crate) fn now(&self) -> Duration {
        self.time(Moment::now())
    }

    /// A point in time as logs know it.
    pub(crate) fn time(&self, at: Moment) -> Duration {
        at.since(self.started)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_starts_have_two_epochs() {
        assert_ne!(Sequence::new().epoch, Sequence::new().epoch);
    }
}

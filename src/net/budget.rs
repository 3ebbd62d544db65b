//! How much memory all request bodies together may take.
//!
//! Each body has its own bound, but ten thousand connections have ten thousand bodies. So all share
//! one budget. A body takes a [`Share`] of it that grows with the bytes that have come, and gives
//! it back after the response. Where nothing is left the request is refused; those before it go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes that are left for bodies to come.
pub(crate) struct Budget {
    left: AtomicUsize,
}

/// What one body takes of the budget; dropping it gives that back.
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(bytes) })
    }

    /// A share of nothing yet.
    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share { budget: Arc::clone(self), bytes: 0 }
    }
}

impl Share {
    /// Grows to so many bytes. Returns whether there was enough left; if not, it is as it was.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let take = |left: usize| left.checked_sub(more);
        let order = Ordering::AcqRel;
        let took =
            more == 0 || self.budget.left.fetch_update(order, Ordering::Acquire, take).is_ok();
        if took {
            self.bytes += more;
        }
        took
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_given_back_by_the_drop() {
        let budget = Budget::new(10);
        let (mut one, mut other) = (budget.share(), budget.share());
        assert!(one.grow_to(6) && other.grow_to(4));
        assert!(!other.grow_to(5), "nothing is left");
        drop(one);
        assert!(other.grow_to(10));
        assert!(other.grow_to(3), "it never shrinks, and never fails to be smaller");
        assert!(!budget.share().grow_to(1));
    }
}

//! 64-bit atomics on every machine: std's where there are some, and a number under a lock where
//! there are none.
//!
//! The numbers of events, counts that only rise and times in nanoseconds need 64 bits: 32 would
//! come round to zero within a service's life, or within seconds. But 32-bit MIPS, 32-bit PowerPC
//! and old Arm have no instruction for them, and std leaves `AtomicU64` out there. A lock of 8
//! bytes, held for one step, takes its place; other machines don't pay for it.
//!
//! `src/cli/mod.rs` includes this file too, as the program is a crate of its own.

#[cfg(target_has_atomic = "64")]
pub(crate) use std::sync::atomic::AtomicU64;

#[cfg(not(target_has_atomic = "64"))]
pub(crate) use locked::AtomicU64;

// Tested on every machine. Neither of the two crates uses all of it.
#[cfg(any(test, not(target_has_atomic = "64")))]
#[cfg_attr(not(test), allow(dead_code))]
mod locked {
    use std::sync::atomic::Ordering;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// What std's type of this name can do, as far as it is used here. A step is ordered after the
    /// earlier steps on the same number whatever the caller asks for: the lock sees to that. Nobody
    /// may rely on one order of the steps on several numbers (`SeqCst`).
    #[derive(Debug, Default)]
    pub(crate) struct AtomicU64(Mutex<u64>);

    impl AtomicU64 {
        pub(crate) const fn new(number: u64) -> Self {
            Self(Mutex::new(number))
        }

        pub(crate) fn load(&self, _: Ordering) -> u64 {
            *self.lock()
        }

        pub(crate) fn store(&self, number: u64, _: Ordering) {
            *self.lock() = number;
        }

        pub(crate) fn swap(&self, number: u64, _: Ordering) -> u64 {
            self.replace(|_| number)
        }

        /// Wraps around, as std's does.
        pub(crate) fn fetch_add(&self, more: u64, _: Ordering) -> u64 {
            self.replace(|number| number.wrapping_add(more))
        }

        /// Wraps around, as std's does.
        pub(crate) fn fetch_sub(&self, less: u64, _: Ordering) -> u64 {
            self.replace(|number| number.wrapping_sub(less))
        }

        pub(crate) fn fetch_max(&self, other: u64, _: Ordering) -> u64 {
            self.replace(|number| number.max(other))
        }

        pub(crate) fn compare_exchange(
            &self,
            current: u64,
            new: u64,
            _: Ordering,
            _: Ordering,
        ) -> Result<u64, u64> {
            let before = self.replace(|number| if number == current { new } else { number });
            if before == current { Ok(before) } else { Err(before) }
        }

        /// Puts another number there, and returns the one that was there.
        fn replace(&self, with: impl FnOnce(u64) -> u64) -> u64 {
            let mut number = self.lock();
            let before = *number;
            *number = with(before);
            before
        }

        /// Nothing that is done under the lock panics.
        fn lock(&self) -> MutexGuard<'_, u64> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    /// What each step returns, and what is there after it.
    macro_rules! steps {
        ($number:expr) => {{
            let number = $number;
            let returned = [
                number.load(Relaxed),
                number.fetch_add(3, Relaxed),
                number.fetch_max(1, Relaxed),
                number.fetch_max(1 << 40, Relaxed),
                number.swap(u64::MAX - 1, Relaxed),
                number.fetch_add(3, Relaxed),
                number.fetch_sub(2, Relaxed),
                number.fetch_add(2, Relaxed),
                number.compare_exchange(2, 7, Relaxed, Relaxed).unwrap_err(),
                number.compare_exchange(1, 7, Relaxed, Relaxed).unwrap(),
            ];
            let after = number.load(Relaxed);
            number.store(1 << 33, Relaxed);
            (returned, after, number.load(Relaxed))
        }};
    }

    #[test]
    fn with_a_lock_and_without_one_each_step_has_the_same_outcome() {
        let expected = ([5, 5, 8, 8, 1 << 40, u64::MAX - 1, 1, u64::MAX, 1, 1], 7, 1 << 33);
        assert_eq!(steps!(super::locked::AtomicU64::new(5)), expected);
        assert_eq!(steps!(super::AtomicU64::new(5)), expected);
    }

    #[test]
    fn no_step_of_several_threads_is_lost() {
        let number = super::locked::AtomicU64::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        number.fetch_add(1 << 31, Relaxed);
                    }
                });
            }
        });
        assert_eq!(number.load(Relaxed), 4_000 << 31);
    }
}

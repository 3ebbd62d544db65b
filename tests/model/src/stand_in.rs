//! What the files of the product find in place of the rest of it.

use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once};

use shuttle::{Config, FailurePersistence};

/// Locks and threads whose every step is the scheduler's choice.
pub mod sync {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
    pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
    pub(crate) use shuttle::thread;
    pub(crate) use std::time::Instant;
}

/// A clock that is the scheduler's choice too.
pub mod moment {
    use std::time::Duration;

    use shuttle::rand::{Rng, thread_rng};

    /// Any two points in time may be as good as the same, or far apart.
    #[derive(Clone, Copy, Debug, Default)]
    pub(crate) struct Moment;

    impl Moment {
        pub(crate) fn now() -> Self {
            Self
        }

        pub(crate) fn since(self, _earlier: Self) -> Duration {
            if thread_rng().gen_bool(0.5) { Duration::ZERO } else { Duration::from_secs(1) }
        }
    }
}

pub mod panics {
    #[derive(Debug, Default)]
    pub(crate) struct Panics;

    impl Panics {
        /// A panic is what a scenario fails with, and is not caught.
        pub(crate) fn catch<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
            Some(work())
        }

        pub(crate) fn count(&self) -> u64 {
            0
        }
    }
}

pub mod pool {
    use super::sync::{Instant, thread::JoinHandle};

    pub(crate) fn join_by(
        thread: JoinHandle<()>,
        _deadline: Instant,
    ) -> Result<(), JoinHandle<()>> {
        thread.join().expect("it has not panicked");
        Ok(())
    }
}

static COUNT: AtomicUsize = AtomicUsize::new(0);
static NAME: Mutex<&str> = Mutex::new("");
static HOOK: Once = Once::new();

/// A scenario begins.
pub(crate) fn begin(name: &'static str) {
    COUNT.store(0, Ordering::Relaxed);
    *NAME.lock().unwrap() = name;
    HOOK.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            let name = *NAME.lock().unwrap();
            eprintln!("{name} fails in schedule {}", COUNT.load(Ordering::Relaxed));
            print(info);
        }));
    });
}

/// A schedule of it begins.
pub(crate) fn count() {
    COUNT.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn schedules() -> usize {
    COUNT.load(Ordering::Relaxed)
}

pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::Print;
    // It takes every atomic for sequentially consistent, and says so each time.
    config.silence_warnings = true;
    config
}

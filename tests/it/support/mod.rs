//! What the tests share: waiting for conditions, raw HTTP, event streams, other programs, and
//! servers that do as they are told.

pub(crate) mod cipher;
pub(crate) mod http;
pub(crate) mod memory;
#[cfg(target_os = "linux")]
pub(crate) mod namespaces;
pub(crate) mod process;
#[cfg(unix)]
pub(crate) mod redis;
pub(crate) mod script;
#[cfg(target_os = "linux")]
pub(crate) mod strace;
pub(crate) mod stream;
#[cfg(target_os = "linux")]
pub(crate) mod trace;

use std::sync::{Arc, Condvar, Mutex};
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

/// Holds handlers back until the test opens it, or is over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    /// Waits until it is open.
    pub(crate) fn pass(&self) {
        let open = self.0.0.lock().unwrap();
        let (open, _) = self.0.1.wait_timeout_while(open, SOON, |open| !*open).unwrap();
        assert!(*open, "nobody opened the gate");
    }
}

/// What handlers and callbacks note for the test to read.
#[derive(Debug)]
pub(crate) struct Notes<T>(Arc<Mutex<Vec<T>>>);

impl<T> Clone for Notes<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Clone> Notes<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn add(&self, note: T) {
        self.0.lock().unwrap().push(note);
    }

    pub(crate) fn all(&self) -> Vec<T> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Waits for the first note.
    #[track_caller]
    pub(crate) fn first(&self) -> T {
        until_some("a note", || self.0.lock().unwrap().first().cloned())
    }
}

//! Panics of our own: caught where the piece of work ends, counted, and told.
//!
//! A thread of ours that serves all streams must not end with one of them. So each piece of its
//! work is [caught](Panics::catch), and the thread goes on with the next.
//!
//! A panic of the application's own is caught nearer to it and is not counted here:
//!
//! | panic in | is caught in |
//! | --- | --- |
//! | a handler, or what admits requests | `server::dispatch` |
//! | a hook, or an `on_close` of a stream | `stream::hooks`: `call` |
//! | an interval's closure, or what it is told of its end | [`ticker`](super::ticker) |

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::{io, thread};

use crate::net::atomic::AtomicU64;

/// How many there were on the threads of one server.
#[derive(Debug, Default)]
pub(crate) struct Panics(AtomicU64);

impl Panics {
    /// Does a piece of work; `None` if it panicked. The panic hook has then printed where, and a
    /// line on standard error says which thread goes on.
    pub(crate) fn catch<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        // Whatever it locked is locked with no regard to poison, and is left as it stands.
        catch_unwind(AssertUnwindSafe(work)).map_err(|_| self.note()).ok()
    }

    #[cold]
    fn note(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        let thread = thread::current();
        let name = thread.name().unwrap_or("a thread without a name");
        // Nobody may read standard error, and that is no reason to panic.
        let _ = writeln!(
            io::stderr(),
            "tidings: the panic above is a fault of the server's own: \
             it gave up what it was doing, and {name} goes on with the next piece of work"
        );
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

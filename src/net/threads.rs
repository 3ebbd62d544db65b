//! `std::thread`, with a mark on the threads that are a server's.

use std::cell::Cell;
use std::io;
pub(crate) use std::thread::*;

thread_local! {
    static OF_A_SERVER: Cell<bool> = const { Cell::new(false) };
}

/// Whether this is a thread of a server's, for whose end the server waits when it stops. A name
/// would not say so, as a program's own threads may go by any.
pub(crate) fn is_of_a_server() -> bool {
    OF_A_SERVER.get()
}

/// Starts threads of a server's, and no others.
pub(crate) struct Builder(std::thread::Builder);

impl Builder {
    pub(crate) fn new() -> Self {
        Self(std::thread::Builder::new())
    }

    pub(crate) fn name(self, name: String) -> Self {
        Self(self.0.name(name))
    }

    pub(crate) fn stack_size(self, bytes: usize) -> Self {
        Self(self.0.stack_size(bytes))
    }

    pub(crate) fn spawn<T: Send + 'static>(
        self,
        life: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<JoinHandle<T>> {
        // One type for all lives of a thread: std's part is compiled for each type.
        let life: Box<dyn FnOnce() -> T + Send> = Box::new(life);
        self.0.spawn(|| {
            OF_A_SERVER.set(true);
            life()
        })
    }
}

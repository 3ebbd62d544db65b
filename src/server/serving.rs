//! The whole life of a server that runs: begin, wait for a stop, end.
//!
//! ```text
//! Handle::stop ─► Serving::wait ─► Acceptors::end            no connection comes any more
//!                                  Runtime::stop
//!                                    ├─► Stream::end         of each stream: what its channels
//!                                    │                       still have for it, its tail, Linger
//!                                    ├─► Fanout::stop
//!                                    ├─► (connections and intervals end by themselves)
//!                                    ├─► Watch::stop
//!                                    └─► Pool::stop
//! ```
//!
//! What would not end within the grace period is counted, and told as an error. [`lifecycle`] has
//! the stage that each step raises, and [`runtime`] who wakes which thread.
//!
//! [`lifecycle`]: crate::net::lifecycle
//! [`runtime`]: crate::stream::runtime

use std::sync::Arc;

use super::Server;
use super::accept::Acceptors;
use super::site::Site;
use crate::error::{Error, Result};

/// A server that accepts connections.
pub(crate) struct Serving {
    acceptors: Acceptors,
    site: Arc<Site>,
}

impl Serving {
    pub(crate) fn begin(server: Server) -> Result<Self> {
        let (listeners, site, handle) = server.prepare()?;
        match Acceptors::start(listeners, &site, &handle) {
            Ok(acceptors) => Ok(Self { acceptors, site }),
            Err(error) => {
                site.runtime.stop();
                Err(error)
            }
        }
    }

    /// Waits until the handle says stop, then ends everything.
    pub(crate) fn wait(mut self) -> Result<()> {
        self.acceptors.wait_for_stop();
        let stuck = self.acceptors.end();
        match stuck + self.site.runtime.stop() {
            0 => Ok(()),
            stuck => Err(Error::other(format!(
                "{stuck} threads would not end within the grace period: \
                 a handler, a callback, a hook or an interval's closure still runs"
            ))),
        }
    }
}

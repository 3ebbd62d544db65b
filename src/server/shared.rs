//! What all threads of one server share.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::hosts::Hosts;
use super::routes::Routes;
use crate::channel::fanout::Fanout;
use crate::error::CloseReason;
use crate::http::Head;
use crate::http::cors::Cors;
use crate::http::response::Response;
use crate::http::status::Status;
use crate::limits::{COME_BACK, Limits};
use crate::net::budget::Budget;
use crate::net::counts::{Counts, Stats};
use crate::net::pool::Pool;
use crate::net::registry::Registry;
use crate::net::watch::Watch;
use crate::stream::hooks::Hooks;

/// Says by a request's head, and who sent it, whether it is let in; if not, the answer.
pub(crate) type Admit = Box<dyn Fn(&Head, SocketAddr) -> Result<(), Response> + Send + Sync>;

/// Owned by the server and by everything that it is serving. It owns the threads; they are ended
/// by [`stop`](Self::stop), and never by a drop, since the last owner may be one of them.
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) routes: Routes,
    pub(crate) cors: Option<Cors>,
    pub(crate) hosts: Option<Hosts>,
    pub(crate) admit: Option<Admit>,
    /// What is said beside a refusal with this status.
    pub(crate) remedies: Vec<(Status, String)>,
    pub(crate) hooks: Option<Arc<dyn Hooks>>,
    pub(crate) counts: Counts,
    pub(crate) bodies: Arc<Budget>,
    pub(crate) streams: Arc<Registry>,
    pub(crate) pool: Pool,
    pub(crate) fanout: Fanout,
    pub(crate) watch: Watch,
    pub(crate) stopping: AtomicBool,
    /// Set towards the end of the grace period: nobody waits for a peer any more.
    pub(crate) gives_up: AtomicBool,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("counts", &self.counts).finish_non_exhaustive()
    }
}

/// How often a stop looks whether everything has ended.
const LOOK: Duration = Duration::from_millis(5);

/// The end of the grace period belongs to workers that block in a read: they come back from it by
/// then, and are not counted among those that would not end.
const LAST_LOOK: Duration = Duration::from_millis(500);

impl Shared {
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats { streams: self.streams.len(), workers: self.pool.workers(), ..self.counts.stats() }
    }

    /// How long a client that is sent away should stay away: a while, and up to as long again, so
    /// that they don't all come back at once.
    pub(crate) fn come_back_after(&self) -> Duration {
        let most = u64::try_from(COME_BACK.as_millis()).unwrap_or(u64::MAX);
        COME_BACK + Duration::from_millis(random() % most.max(1))
    }

    /// Ends everything within the grace period: requests finish, streams get their end, threads
    /// are joined. Returns how many threads would not end.
    pub(crate) fn stop(&self) -> usize {
        let deadline = Instant::now() + self.limits.grace;
        self.stopping.store(true, Ordering::Release);
        let mut streams = Vec::new();
        let mut place = 0;
        while let Some(next) = self.streams.slice(place, 256, &mut streams) {
            for stream in streams.drain(..) {
                // A handler may still be on its way to this; its client is told in any case.
                let _ = stream.open();
                stream.end(CloseReason::Stopped);
            }
            place = next;
        }
        let mut stuck = self.fanout.stop(deadline);
        // Connections end by workers and the watch thread, intervals by themselves.
        let busy = || self.counts.connections() + self.counts.intervals();
        let last_look = deadline - LAST_LOOK.min(self.limits.grace / 4);
        while busy() > 0 && Instant::now() < last_look {
            std::thread::sleep(LOOK);
        }
        self.gives_up.store(true, Ordering::Release);
        stuck += self.watch.stop(deadline);
        stuck + self.pool.stop(deadline) + self.counts.intervals()
    }
}

/// A number that is hard to guess and different each time.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

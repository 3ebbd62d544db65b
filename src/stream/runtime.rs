//! What streams need of the server that runs them (limits, hooks, threads, counters), which thread
//! waits for what, the order of locks, and how all of that stops.
//!
//! | thread | waits | is woken by |
//! | --- | --- | --- |
//! | that of `run` | for a stop; for the acceptors' end | [`Handle::stop`]; an acceptor |
//! | acceptor | in `accept`, one for each listener | a connection; a stop makes one |
//! | worker | for the pool's queue | whoever queues a job or a chore; [`Pool::stop`] |
//! | watch | for its inbox; with streams, for its next check | whoever adds; [`Watch::stop`] |
//! | fan-out | for its shard's queue | whoever queues a group; [`Fanout::stop`] |
//! | interval | parked | its next call; the end of its stream; the drop of its guard |
//! | spawned by a stream | for what its closure waits for | that; its stream, which unparks it |
//! | a caller of `send` | for its stream to drain | the watch thread; the end of the stream |
//!
//! [`Handle::stop`]: crate::Handle::stop
//!
//! A stop raises the [`Lifecycle`], which says what each stage ends and why no wake-up is lost.
//!
//! **Lock order.** A hub's names; the pass of a shard; a channel's list of groups; a group's list;
//! one stream's state; the logs of channels. Every other lock is taken last, and no two of those at
//! once. No lock is held while a hook, a callback or a handler runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Stream;
use super::hooks::Hooks;
use super::turns::Turns;
use crate::channel::fanout::Fanout;
use crate::error::{CloseReason, Result};
use crate::limits::{COME_BACK, Limits};
use crate::net::counts::{Counts, Stats};
use crate::net::lifecycle::{Lifecycle, Stage};
use crate::net::moment::Moment;
use crate::net::pool::Pool;
use crate::net::registry::Registry;
use crate::net::threads as thread;
use crate::net::watch::Watch;
use crate::random::random;

/// Owned by a server, by its streams and by its watch thread. It owns the threads; they are ended
/// by [`stop`](Self::stop), and never by a drop, since the last owner may be one of them.
pub(crate) struct Runtime {
    pub(crate) limits: Arc<Limits>,
    pub(crate) hooks: Option<Arc<dyn Hooks>>,
    pub(crate) counts: Counts,
    pub(crate) streams: Arc<Registry<Stream>>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) fanout: Fanout,
    pub(crate) watch: Arc<Watch>,
    pub(crate) past: Turns,
    pub(crate) lifecycle: Arc<Lifecycle>,
}

/// How often a stop checks whether everything has ended.
const POLL: Duration = Duration::from_millis(5);

/// The end of the grace period belongs to workers that wait for a peer: they return by then, and
/// are not counted among the threads that would not end.
const LAST_WAIT: Duration = Duration::from_millis(500);

impl Runtime {
    /// Starts the watch thread; the others start when they are needed.
    pub(crate) fn start(
        limits: Limits,
        hooks: Option<Arc<dyn Hooks>>,
        lifecycle: Arc<Lifecycle>,
    ) -> Result<Arc<Self>> {
        let counts = Counts::default();
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let runtime = Arc::new(Self {
            streams: Registry::new(limits.streams, limits.streams_per_peer),
            pool: Pool::new(limits.workers, counts.panics(), &lifecycle),
            fanout: Fanout::new(cores, counts.panics(), &lifecycle),
            watch: Watch::new(counts.panics(), &lifecycle),
            past: Turns::default(),
            limits: Arc::new(limits.bounded()),
            hooks,
            counts,
            lifecycle,
        });
        let checked = Arc::clone(&runtime);
        runtime.watch.start(move || checked.check_streams())?;
        Ok(runtime)
    }

    /// Finds which clients have gone, and sends the heartbeats that are due. Returns whether there
    /// are streams.
    fn check_streams(&self) -> bool {
        let (now, panics) = (Moment::now(), self.counts.panics());
        let heartbeat = Some(self.limits.heartbeat).filter(|time| !time.is_zero());
        let silent = heartbeat.and_then(|time| now.before(time));
        self.streams.visit(|streams| {
            // Loads from memory overlap here. Between system calls, each would have to be awaited.
            streams.iter().for_each(|stream| stream.prefetch());
            for stream in streams {
                if panics.catch(|| stream.check_peer(now, silent)).is_none() {
                    panics.catch(|| stream.end(CloseReason::Failed));
                }
            }
        });
        self.streams.len() > 0
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.lifecycle.has_reached(Stage::Ending)
    }

    /// Towards the end of the grace period nobody waits for a peer any more.
    pub(crate) fn gives_up(&self) -> bool {
        self.lifecycle.has_reached(Stage::Closing)
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
        self.lifecycle.raise(Stage::Ending);
        self.streams.visit(|streams| {
            for stream in streams {
                // A handler may still be on its way to this; its client is told in any case.
                let _ = stream.open();
                stream.end(CloseReason::Stopped);
            }
        });
        let mut stuck = self.fanout.stop(deadline);
        // Connections end by workers and the watch thread, intervals by themselves.
        let busy = || self.counts.connections() + self.counts.intervals();
        let last_wait = deadline - LAST_WAIT.min(self.limits.grace / 4);
        while busy() > 0 && Instant::now() < last_wait {
            thread::sleep(POLL);
        }
        stuck += self.watch.stop(deadline);
        stuck + self.pool.stop(deadline) + self.counts.intervals()
    }
}

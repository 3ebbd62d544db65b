//! The order of a hub that follows another one.
//!
//! **Who waits for whom.** A publisher waits for the other hub's response, on its own thread.
//! Nobody waits for the reader but clients that come from a hub which is ahead
//! ([`Remote::wait`]), and whoever begins it.
//!
//! **The end.** When the hub's last owner lets go, the reader's connection is shut down, and its
//! thread is joined: unless it is the one that lets go, as it holds the hub while it brings events.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::chain::Chain;
use super::credentials::Credentials;
use super::forward::Forward;
use super::options::Follow;
use super::reader::Reader;
use super::shared::Shared;
use crate::client::Url;
use crate::error::{Error, Result};
use crate::order::keys::Keys;
use crate::order::remote::{Remote, Sink};
use crate::order::sequence::Sequence;
use crate::order::shared_log::SharedLog;
use crate::order::{Appended, Order, Post};

/// It reads a socket, and makes passes over streams.
const STACK: usize = 256 * 1024;

/// Owned by the hub, whose last owner ends it.
pub(crate) struct FollowOrder {
    sequence: Arc<Sequence>,
    keys: Keys,
    root: Url,
    forward: Forward,
    shared: Arc<Shared>,
    /// None before it has begun.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl FollowOrder {
    /// One that has not begun, of a hub that knows no event yet.
    ///
    /// # Errors
    ///
    /// If no request can be made of these options.
    pub(crate) fn new(follow: &Follow, oldest: Duration) -> Result<Self> {
        let chain = Chain::new();
        let credentials = Arc::new(Credentials::new(follow, &chain)?);
        let forward = Forward::new(follow.root(), &chain, Arc::clone(&credentials));
        Ok(Self {
            sequence: Arc::new(Sequence::elsewhere(oldest)),
            keys: Keys::new(),
            root: follow.root().clone(),
            forward,
            shared: Arc::new(Shared::new(chain, credentials)),
            thread: Mutex::new(None),
        })
    }

    /// Starts the reader, which fills the sink, and waits until it has what the other hub keeps.
    /// `end_feeds` has the hubs that follow this one come again.
    ///
    /// # Errors
    ///
    /// If the other hub can't be reached within ten seconds, or refuses this one; or if the system
    /// gives no thread.
    pub(crate) fn begin(&self, sink: Box<dyn Sink>, end_feeds: Box<dyn Fn() + Send>) -> Result<()> {
        let reader = Reader::new(Arc::clone(&self.shared), sink, end_feeds);
        let spawned = thread::Builder::new()
            .name("tidings-order".into())
            .stack_size(STACK)
            .spawn(move || reader.live());
        let failed = |error| Error::io("can't start a thread that follows the other hub", error);
        *self.thread() = Some(spawned.map_err(failed)?);
        self.shared.started().map_err(|why| {
            Error::unavailable(format!("can't follow the hub at {}: {why}", self.root))
        })
    }

    fn thread(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Order for FollowOrder {
    fn sequence(&self) -> &Arc<Sequence> {
        &self.sequence
    }

    fn keys(&self) -> &Keys {
        &self.keys
    }

    fn append(&self, to: &Arc<SharedLog>, post: &Post<'_>) -> Result<Appended> {
        to.admit(&to.lock(), post)?;
        let Shared { remote, .. } = &*self.shared;
        let published = match self.shared.is_refused() {
            true => Err(Error::unavailable("this hub would follow itself, around other hubs")),
            false => self.forward.publish(to.name().unwrap_or_default(), post),
        };
        if let Err(error) = &published {
            remote.count(|counts| match error.is_outcome_unknown() {
                true => counts.unknown += 1,
                false => counts.refused += 1,
            });
        }
        published
    }

    fn remote(&self) -> Option<&Remote> {
        Some(&self.shared.remote)
    }

    fn chain(&self) -> Option<&Arc<Chain>> {
        Some(&self.shared.chain)
    }
}

impl Drop for FollowOrder {
    fn drop(&mut self) {
        self.shared.closer.close();
        let thread = self.thread().take();
        if let Some(thread) = thread.filter(|of| of.thread().id() != thread::current().id()) {
            let _ = thread.join();
        }
    }
}

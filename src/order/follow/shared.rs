//! What the thread that reads the feed shares with publishers and the hub.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::chain::Chain;
use super::credentials::Credentials;
use crate::client::Closer;
use crate::net::panics::Panics;
use crate::order::remote::Remote;

/// How long the first connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long the other hub may then take to send what it keeps. A hub that begins earlier only sends
/// some clients away for a moment.
const FILL: Duration = Duration::from_secs(20);

/// What to do where the other hub can't be read.
pub(super) const CHECK: &str = ": check that it runs, and that its URL is right";

/// What the reader shares with publishers and the hub.
pub(super) struct Shared {
    pub(super) remote: Remote,
    pub(super) chain: Arc<Chain>,
    pub(super) credentials: Arc<Credentials>,
    pub(super) closer: Closer,
    pub(super) panics: Panics,
    /// Whether following would go round in a circle, and so would publishing.
    refused: AtomicBool,
    /// No other lock is taken while this one is held.
    stage: Mutex<Stage>,
    comes: Condvar,
}

/// How far the reader has come at the start.
#[derive(Debug)]
pub(super) enum Stage {
    /// With what went wrong last and what to do, and whether the other hub refuses this one.
    Connecting(Option<(String, bool)>),
    /// It gets what the other hub keeps.
    Filling,
    Ready,
}

impl Shared {
    pub(super) fn new(chain: Chain, credentials: Arc<Credentials>) -> Self {
        Self {
            remote: Remote::new(),
            chain: Arc::new(chain),
            credentials,
            closer: Closer::default(),
            panics: Panics::default(),
            refused: AtomicBool::new(false),
            stage: Mutex::new(Stage::Connecting(None)),
            comes: Condvar::new(),
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn set_refused(&self, is: bool) {
        self.refused.store(is, Ordering::Relaxed);
    }

    /// The reader has come so far. It does not go back.
    pub(super) fn come_to(&self, next: Stage) {
        let mut stage = self.stage();
        if matches!((&*stage, &next), (Stage::Connecting(_), _) | (Stage::Filling, Stage::Ready)) {
            *stage = next;
            self.comes.notify_all();
        }
    }

    /// Whether the hub has begun. If not, whoever waits for it is told this.
    pub(super) fn is_started(&self, trouble: impl FnOnce() -> String, is_refusal: bool) -> bool {
        let mut stage = self.stage();
        let Stage::Connecting(said) = &mut *stage else { return true };
        *said = Some((trouble(), is_refusal));
        self.comes.notify_all();
        false
    }

    /// Waits until the reader has what the other hub keeps, or has connected at least; or says why
    /// it can't.
    pub(super) fn started(&self) -> Result<(), String> {
        let begun = Instant::now();
        let wait = |stage, most: Duration, waits: fn(&mut Stage) -> bool| {
            let left = most.saturating_sub(begun.elapsed());
            let waited = self.comes.wait_timeout_while(stage, left, waits);
            waited.unwrap_or_else(PoisonError::into_inner).0
        };
        let connects =
            |stage: &mut Stage| matches!(stage, Stage::Connecting(None | Some((_, false))));
        let stage = wait(self.stage(), CONNECT, connects);
        if let Stage::Connecting(said) = &*stage {
            let silent = || format!("it has not responded in time{CHECK}");
            return Err(said.as_ref().map_or_else(silent, |(said, _)| said.clone()));
        }
        drop(wait(stage, CONNECT + FILL, |stage| matches!(stage, Stage::Filling)));
        Ok(())
    }
}

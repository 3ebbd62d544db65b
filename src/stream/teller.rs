//! What the hooks are told of one stream, in its order: opened, events, closed.
//!
//! Things happen to a stream on several threads, under its lock; a hook is user code, and is called
//! without any lock. So whoever makes something happen *notes* it here while the lock is held, and
//! then, without it, has everything told that is noted. Only one thread at a time tells of a
//! stream: another that comes meanwhile leaves its note and goes, and so does the hook itself.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::CloseReason;
use crate::log::batch::Amount;
use crate::net::moment::Moment;
use crate::peer::Peer;
use crate::stream::hooks::{self, Hooks, StreamInfo};

/// Owned by a stream whose server has hooks, and by the job that tells of its end.
pub(crate) struct Teller {
    hooks: Arc<dyn Hooks>,
    peer: Peer,
    target: Box<str>,
    began: Moment,
    /// No other lock is taken while this one is held.
    notes: Mutex<Notes>,
}

/// What has happened and was not told yet.
#[derive(Default)]
struct Notes {
    /// A thread is calling the hooks, and also delivers what is noted meanwhile.
    telling: bool,
    opened: bool,
    sent: Amount,
    closed: Option<CloseReason>,
    /// Who the application says that the client is. Counted, as a hook is called without the lock.
    user: Option<Arc<str>>,
    /// How many bytes have gone out so far.
    bytes: u64,
}

impl Teller {
    /// For a stream that begins now.
    pub(crate) fn new(hooks: Arc<dyn Hooks>, peer: Peer, target: &str) -> Arc<Self> {
        let (target, began) = (target.into(), Moment::now());
        Arc::new(Self { hooks, peer, target, began, notes: Mutex::default() })
    }

    /// The application says who the client is.
    pub(crate) fn set_user(&self, user: &str) {
        self.lock().user = Some(user.into());
    }

    /// The head has gone out.
    pub(crate) fn note_opened(&self) {
        self.lock().opened = true;
    }

    /// Events have gone out, and so many bytes so far.
    pub(crate) fn note_sent(&self, amount: Amount, bytes: u64) {
        let mut notes = self.lock();
        notes.sent += amount;
        notes.bytes = bytes;
    }

    /// The stream, which was open, has ended, and everybody else was told.
    pub(crate) fn note_closed(&self, reason: CloseReason) {
        self.lock().closed = Some(reason);
    }

    /// Calls the hooks for everything that is noted, unless somebody does already. No lock may be
    /// held.
    pub(crate) fn tell(&self) {
        let mut notes = self.lock();
        if mem::replace(&mut notes.telling, true) {
            return;
        }
        while notes.opened || notes.sent.events > 0 || notes.closed.is_some() {
            let (user, bytes) = (notes.user.clone(), notes.bytes);
            let fresh = Notes { telling: true, user, bytes, ..Notes::default() };
            let noted = mem::replace(&mut *notes, fresh);
            drop(notes);
            self.call(&noted);
            notes = self.lock();
        }
        notes.telling = false;
    }

    fn call(&self, noted: &Notes) {
        let duration = Moment::now().since(self.began);
        let (peer, target, user) = (self.peer, &*self.target, noted.user.as_deref());
        let info = StreamInfo { peer, target, user, bytes: noted.bytes, duration };
        if noted.opened {
            hooks::call(|| self.hooks.opened(&info));
        }
        let Amount { events, bytes } = noted.sent;
        if events > 0 {
            hooks::call(|| self.hooks.event(&info, events, bytes));
        }
        if let Some(reason) = noted.closed {
            hooks::call(|| self.hooks.closed(&info, reason));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

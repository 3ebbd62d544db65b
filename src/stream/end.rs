//! How a stream ends: who is told, what goes out last, and what is given back.

use std::mem;
use std::sync::MutexGuard;
use std::time::Instant;

use super::{Live, State, Stream};
use crate::channel::batches::Batches;
use crate::channel::reader::Reader;
use crate::channel::subscription::Subscription;
use crate::error::{CloseReason, Result};
use crate::event::encode;
use crate::http::{Status, chunk};
use crate::log::batch::Amount;
use crate::net::linger::Linger;
use crate::net::link::Link;
use crate::net::moment::Moment;
use crate::net::threads::{Thread, ThreadId};
use crate::net::ticker::Interval;
use crate::stream::hooks;
use crate::stream::outbox::{Gone, Outbox};
use crate::stream::runtime::Runtime;

/// What runs when a stream ends.
pub(crate) type OnClose = Box<dyn FnOnce(CloseReason) + Send>;

/// What few streams hold until their end.
pub(super) struct Attached {
    /// When the stream is to end.
    pub(super) until: Moment,
    callbacks: Vec<OnClose>,
    /// One for each interval or spawned thread that is still there, to be woken at the end; with
    /// its guard, if nobody else has that.
    pub(super) intervals: Vec<(Thread, Option<Interval>)>,
}

impl Default for Attached {
    fn default() -> Self {
        Self { until: Moment::NEVER, callbacks: Vec::new(), intervals: Vec::new() }
    }
}

impl State {
    /// Whether the time is over that it was to last.
    pub(super) fn has_expired(&self, now: Moment) -> bool {
        self.attached.as_ref().is_some_and(|attached| attached.until <= now)
    }

    /// Ends it, if it has not ended: wakes the intervals, which then find that out, and gives what
    /// it had, and the callbacks to be run.
    fn end(&mut self, reason: CloseReason) -> Option<(Live, Vec<OnClose>)> {
        self.live.as_ref().ok()?;
        let live = mem::replace(&mut self.live, Err(reason)).ok()?;
        let Some(attached) = &mut self.attached else { return Some((live, Vec::new())) };
        attached.intervals.iter().for_each(|(thread, _)| thread.unpark());
        Some((live, mem::take(&mut attached.callbacks)))
    }
}

impl Stream {
    /// Takes the socket back from a stream whose head has not gone out.
    pub(crate) fn reclaim(&self) -> Option<Link> {
        let mut state = self.lock();
        state.head()?;
        let (live, callbacks) = state.end(CloseReason::Failed)?;
        drop(state);
        self.run_later(callbacks, CloseReason::Failed, false);
        Some(live.outbox.finish().0)
    }

    /// Locks the state, to open the stream. Where its status forbids a body, it sends the head and
    /// ends the stream instead: there is nothing else to it.
    pub(super) fn lock_with_body(&self) -> Option<MutexGuard<'_, State>> {
        let mut state = self.lock();
        let head = match state.head() {
            Some(head) if head.status().forbids_content() => self.encode_head(head),
            _ => return Some(state),
        };
        self.end_with_head(state, &head, CloseReason::Server);
        None
    }

    /// Ends a stream of channels from which nothing will ever come, and tells its client to stay
    /// away (HTML standard, section 9.2.3). Returns whether its head had not gone out.
    pub(super) fn end_without_content(&self) -> bool {
        let mut state = self.lock();
        let Some(head) = state.head() else { return false };
        head.set_status(Status::NO_CONTENT);
        let head = self.encode_head(head);
        self.end_with_head(state, &head, CloseReason::Channel);
        true
    }

    /// Sends the head, which is all of the response, and ends the stream.
    fn end_with_head(&self, mut state: MutexGuard<'_, State>, head: &[u8], reason: CloseReason) {
        let Some((Live { mut outbox, ticket, .. }, callbacks)) = state.end(reason) else { return };
        drop(state);
        // Where it fails the peer has gone, and needs no head.
        let _ = outbox.open(head, Amount::default(), Moment::now());
        self.linger(outbox);
        drop(ticket);
        self.run_later(callbacks, reason, false);
    }

    /// Ends the stream, if it has not ended: gives back its socket, its place in the registry and
    /// in its channels, wakes its intervals and whoever waits to send, and has the callbacks run.
    pub(crate) fn end(&self, reason: CloseReason) {
        let Some((live, callbacks)) = self.lock().end(reason) else { return };
        self.notify_drained();
        let Live { head, mut outbox, subscription, ticket } = live;
        let opened = head.is_none();
        let mut whole = true;
        if let Some(subscription) = subscription {
            subscription.followed.leave(self.shard());
            if opened && reason.ends_well() {
                whole = self.put_rest_of_log(subscription, &mut outbox);
            }
        }
        if opened && reason.ends_well() {
            // Where it fails the peer has gone, and needs no end.
            let _ = outbox.put(&self.tail(reason, whole), Amount::default(), Moment::now());
        }
        if !matches!(reason, CloseReason::Client | CloseReason::Reset | CloseReason::Stalled) {
            self.linger(outbox);
        }
        // Given back before the callbacks run: whoever is told of the end finds it so.
        drop(ticket);
        self.run_later(callbacks, reason, opened);
    }

    /// Leaves it to the watch thread to send what waits, and then the end. The hooks are told of it
    /// as if it had gone out: nothing here learns whether it does.
    fn linger(&self, outbox: Outbox) {
        let sent = outbox.sent();
        let (link, unsent) = outbox.finish();
        if let Some(teller) = &self.teller {
            teller.note_sent(unsent.events, sent + unsent.len() as u64);
        }
        let Runtime { limits, watch, .. } = &*self.runtime;
        Linger::begin(link, unsent, limits.write_deadline, watch);
    }

    /// Puts what the channels still have for a slow reader after what waits for it. Returns
    /// whether that was all: what does not fit into the limit of unsent bytes is left out.
    fn put_rest_of_log(&self, mut subscription: Subscription, outbox: &mut Outbox) -> bool {
        let mut batches = Batches::default();
        loop {
            batches.forget();
            let Ok(batch) = subscription.next(!self.chunked, &mut batches) else { return false };
            let len = batch.bytes().len();
            if len == 0 {
                return true;
            }
            // Where nothing waits an event may go that is larger than the bound.
            if !outbox.is_empty() && outbox.unsent() + len > self.runtime.limits.unsent {
                return false;
            }
            match outbox.put_batch(batch, Moment::now()) {
                Ok(whole) => self.note_sent(whole, outbox),
                Err(Gone(_)) => return false,
            }
            subscription.cursor = batch.cursor;
        }
    }

    /// What a stream that ends well ends with. One that is not whole lacks the last chunk, so that
    /// its client comes back for the rest.
    fn tail(&self, reason: CloseReason, whole: bool) -> Vec<u8> {
        let mut content = Vec::new();
        if reason.asks_to_return() {
            encode::encode_retry(self.runtime.come_back_after(), &mut content);
        }
        if !self.chunked {
            return content;
        }
        let mut tail = Vec::new();
        chunk::encode(&content, &mut tail);
        if whole {
            tail.extend_from_slice(chunk::LAST);
        }
        tail
    }

    /// Has a worker run the callbacks and, if the stream was open, the hook.
    fn run_later(&self, callbacks: Vec<OnClose>, reason: CloseReason, opened: bool) {
        let teller = self.teller.clone().filter(|_| opened);
        if callbacks.is_empty() && teller.is_none() {
            return;
        }
        let job = move || {
            for callback in callbacks {
                hooks::call(|| callback(reason));
            }
            if let Some(teller) = teller {
                teller.note_closed(reason);
                teller.tell();
            }
        };
        if let Err(job) = self.runtime.pool.chore(Box::new(job)) {
            // No worker is left. They have to run once, so they run here.
            job.perform();
        }
    }

    /// Has the callback run when the stream ends, or now if it has ended.
    pub(crate) fn on_close(&self, callback: OnClose) {
        let mut state = self.lock();
        match state.live {
            Ok(_) => state.attached.get_or_insert_default().callbacks.push(callback),
            Err(reason) => {
                drop(state);
                self.run_later(vec![callback], reason, false);
            }
        }
    }

    /// Has the check end the stream from then on, unless it ends before.
    pub(crate) fn close_at(&self, at: Instant) {
        let mut state = self.lock();
        if state.live.is_ok() {
            state.attached.get_or_insert_default().until = Moment::of(at);
        }
    }

    /// Attaches something while the stream can't end.
    pub(super) fn attach<T>(&self, start: impl FnOnce(&mut Attached) -> Result<T>) -> Result<T> {
        let mut state = self.lock();
        state.live()?;
        start(state.attached.get_or_insert_default())
    }

    /// The last act of an interval's thread: a worker joins it, unless the guard is elsewhere.
    pub(super) fn detach(&self, thread: ThreadId) {
        let mut state = self.lock();
        let Some(Attached { intervals, .. }) = state.attached.as_deref_mut() else { return };
        let at = intervals.iter().position(|(of, _)| of.id() == thread);
        let guard = at.and_then(|at| intervals.swap_remove(at).1);
        drop(state);
        if let Some(guard) = guard {
            // Where no worker is left the thread is let go; it ends with this call.
            let _ = self.runtime.pool.chore(Box::new(move || drop(guard)));
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.end(CloseReason::Released);
    }
}

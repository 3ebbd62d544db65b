//! How a stream is sent what its channels have: its subscription, the next batch, another try.
//!
//! A pass, the watch thread and the stream's own sender may all come here at once. The lock of the
//! stream's state decides who is first, and each leaves the cursor and the outbox so that the next
//! goes on where it stopped, byte for byte.

use std::hint::black_box;
use std::sync::Arc;

use super::{Inside, Phase, Stream};
use crate::channel::Channel;
use crate::channel::cursor::Lagged;
use crate::channel::fanout::Batches;
use crate::channel::subscription::{self, Subscription};
use crate::error::{CloseReason, Error, Result};
use crate::moment::Moment;
use crate::sse::encode;
use crate::sse::outbox::{Gone, Put};
use crate::watch::Retry;

/// How many batches a stream is sent in one go, when it begins or is no longer blocked. A publisher
/// may be as fast as its reader; then the rest is a fan-out thread's business.
const BATCHES: usize = 16;

/// What a pass, or a try of the watch thread, found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advance {
    /// There was nothing to do, or it is somebody else's to do.
    Idle,
    /// So much went out; `more` is there already.
    Sent { events: usize, bytes: usize, more: bool },
    /// The socket took no more than this.
    Blocked { events: usize, bytes: usize },
    /// The stream has to end.
    Over(CloseReason),
}

impl Advance {
    pub(crate) fn has_more(self) -> bool {
        matches!(self, Self::Sent { more: true, .. })
    }
}

impl Stream {
    /// Follows channels. `first` says where that begins; it goes out with the head if that has not
    /// gone out. All is one step, so that whoever ends the stream finds it following or not.
    pub(crate) fn follow(self: &Arc<Self>, subscription: Subscription, first: &[u8]) -> Result<()> {
        self.shard().start()?;
        let channels = subscription.channels().to_vec();
        let mut state = self.lock();
        let (inside, opening) = self.opening(&mut state, first)?;
        if inside.subscription.is_some() {
            return Err(Error::invalid(
                "the stream follows channels already: name them all in one call of `follow`",
            ));
        }
        inside.subscription = Some(subscription);
        let told = match opening {
            Some(_) => Ok(Put::Done),
            None => inside.outbox.put(&self.framed(first), Moment::now()),
        };
        drop(state);
        self.after_opening(opening)?;
        self.after_put(told)?;
        subscription::join(&channels, self);
        self.catch_up();
        // Both may have happened before the channels knew of the stream.
        if channels.iter().any(|channel| channel.is_closed()) {
            self.end(CloseReason::Channel);
        }
        if !self.is_active() {
            subscription::leave(&channels, self);
        }
        Ok(())
    }

    /// Sends the next batch of the log. Called by passes, and by the watch thread for streams that
    /// were blocked. The caller settles the result once it holds no lock.
    pub(crate) fn advance(&self, batches: &mut Batches, now: Moment) -> Advance {
        let mut state = self.lock();
        let Phase::Open(Inside { outbox, subscription: Some(subscription), .. }) = &mut state.phase
        else {
            return Advance::Idle;
        };
        if outbox.is_blocked() {
            return Advance::Idle;
        }
        let batch = match batches.next(subscription, !self.chunked) {
            Ok(batch) if batch.bytes().is_empty() => return Advance::Idle,
            Ok(batch) => batch,
            Err(Lagged) => return Advance::Over(CloseReason::Lagged),
        };
        let sent = match outbox.write(batch.bytes(), now) {
            Ok(sent) => sent,
            Err(Gone(reason)) => return Advance::Over(reason),
        };
        if sent == batch.bytes().len() {
            subscription.set_cursor(batch.cursor());
            return Advance::Sent { events: batch.events(), bytes: sent, more: batch.is_full() };
        }
        let mut cut_at = sent;
        if let Some((cursor, end)) = batch.cursor_at(sent) {
            subscription.set_cursor(cursor);
            cut_at = end;
        }
        outbox.keep(&batch.bytes()[sent..cut_at], now);
        Advance::Blocked { events: batch.events_at(sent), bytes: sent }
    }

    /// Does what follows from an advance. No lock may be held.
    pub(crate) fn settle(self: &Arc<Self>, advance: Advance) {
        match advance {
            Advance::Idle => {}
            Advance::Sent { events, bytes, .. } => self.tell_event(events, bytes),
            Advance::Blocked { events, bytes } => {
                self.server.watch.try_again(self);
                self.tell_event(events, bytes);
            }
            Advance::Over(reason) => self.end(reason),
        }
    }

    /// Whether [`settle`](Self::settle) would do anything.
    pub(crate) fn needs_settling(&self, advance: Advance) -> bool {
        match advance {
            Advance::Idle => false,
            Advance::Sent { .. } => self.server.hooks.is_some(),
            Advance::Blocked { .. } | Advance::Over(_) => true,
        }
    }

    /// Sends what the log has for it, or as much as the socket takes.
    pub(crate) fn catch_up(self: &Arc<Self>) {
        let mut batches = Batches::default();
        for _ in 0..BATCHES {
            batches.forget();
            let advance = self.advance(&mut batches, Moment::now());
            self.settle(advance);
            if !advance.has_more() {
                return;
            }
        }
        subscription::leave_to_the_thread(&self.channels(), self.shard());
    }

    /// The channels that it follows.
    fn channels(&self) -> Box<[Channel]> {
        match &self.lock().phase {
            Phase::Open(Inside { subscription: Some(of), .. }) => of.channels().into(),
            _ => [].into(),
        }
    }

    /// The watch thread's try: what waited first, then what the log has.
    pub(crate) fn try_again(self: &Arc<Self>, batches: &mut Batches, now: Moment) -> Retry {
        match self.flush(now) {
            Ok(Retry::Over) => {}
            Ok(retry) => return retry,
            Err(Gone(reason)) => {
                self.end(reason);
                return Retry::Over;
            }
        }
        batches.forget();
        let advance = self.advance(batches, now);
        batches.forget();
        match advance {
            // It stays where it is, among those that are tried again.
            Advance::Blocked { events, bytes } => {
                self.tell_event(events, bytes);
                return if bytes > 0 { Retry::Moved } else { Retry::Stuck };
            }
            other => self.settle(other),
        }
        if advance.has_more() {
            self.catch_up();
        }
        Retry::Over
    }

    /// Writes what waits.
    fn flush(&self, now: Moment) -> Result<Retry, Gone> {
        let mut state = self.lock();
        let Phase::Open(Inside { outbox, .. }) = &mut state.phase else {
            return Ok(Retry::Over);
        };
        let before = outbox.unsent();
        let flushed = outbox.flush(now)?;
        if outbox.silent_for(now) >= self.server.limits.write_deadline {
            return Err(Gone(CloseReason::Stalled));
        }
        let moved = outbox.unsent() < before;
        if moved {
            self.drained.notify_all();
        }
        Ok(match (flushed, moved) {
            (true, _) => Retry::Over,
            (false, true) => Retry::Moved,
            (false, false) => Retry::Stuck,
        })
    }

    /// Brings what [`look`](Self::look) reads into the processor's cache, and changes nothing.
    pub(crate) fn touch(&self) {
        black_box(self.state.is_poisoned());
    }

    /// The watch thread's look at an open stream: has the peer gone, is a heartbeat due?
    pub(crate) fn look(self: &Arc<Self>, now: Moment) {
        let heartbeat = self.server.limits.heartbeat;
        let mut state = self.lock();
        let Phase::Open(Inside { outbox, .. }) = &mut state.phase else { return };
        let silent = !heartbeat.is_zero() && outbox.silent_for(now) >= heartbeat;
        // Also where a heartbeat goes out: it would not find an end before the look after the next.
        let result = match outbox.peer_has_gone() {
            Some(reason) => Err(Gone(reason)),
            None if silent && !outbox.is_blocked() => {
                outbox.put(&self.framed(encode::NOTHING), now)
            }
            None => Ok(Put::Done),
        };
        drop(state);
        // An end is settled by `after_put`; there is nobody here to tell of it.
        let _ = self.after_put(result);
    }
}

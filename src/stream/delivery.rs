//! Delivery on an open stream: its subscription, the next batch, retries of what the socket did not
//! take, the check whether its client has gone, and heartbeats.
//!
//! A pass, the watch thread and the stream's own sender may all come here at once. The lock of the
//! stream's state decides who is first, and each leaves the cursor and the outbox so that the next
//! goes on where it stopped, byte for byte.

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::{Arc, Weak};
use std::time::Instant;

use super::{Live, Stream};
use crate::channel::batches::Batches;
use crate::channel::fanout::Shard;
use crate::channel::reader::{Advance, Reader};
use crate::channel::subscription::Subscription;
use crate::error::{CloseReason, Error, Result};
use crate::event::encode;
use crate::log::batch::{Amount, Batch};
use crate::log::cursor::{Cursor, Evicted};
use crate::log::read::First;
use crate::net::moment::Moment;
use crate::net::watch::{Pending, Progress};
use crate::stream::outbox::{Gone, Outbox};
use crate::stream::past;

/// The chunk of [`encode::NOTHING`], which goes out alone where there are no chunks.
const HEARTBEAT: &[u8] = b"2\r\n:\n\r\n";

thread_local! {
    /// The batches of a watch thread for streams that are blocked, kept to save allocations.
    static BATCHES: RefCell<Batches> = RefCell::default();
}

impl Stream {
    /// Follows channels. `first` says where that begins; it goes out with the head if that has not
    /// gone out. All is one step, so that whoever ends the stream finds it following or not. Where
    /// nothing will ever come, the head says so instead.
    pub(crate) fn follow(
        self: &Arc<Self>,
        mut subscription: Subscription,
        first: &First,
    ) -> Result<()> {
        if !first.is_event && subscription.has_all(!self.chunked) && self.end_without_content() {
            return Ok(());
        }
        self.shard().start()?;
        let followed = subscription.followed.clone();
        let Some(mut state) = self.lock_with_body() else {
            return Err(Error::closed(CloseReason::Server));
        };
        let (live, opening) = self.opening(&mut state, first)?;
        if live.subscription.is_some() {
            return Err(Error::invalid(
                "the stream follows channels already: name them all in one call of `follow`",
            ));
        }
        live.subscription = Some(subscription);
        let put = opening
            .unwrap_or_else(|| self.put_now(live, &self.framed(&first.content), first.is_event));
        drop(state);
        self.after_put(put)?;
        followed.enter(&(Arc::clone(self) as _), |joined| match self.lock().open() {
            Some(Live { subscription: Some(subscription), .. }) => {
                subscription.followed = joined;
                Ok(())
            }
            _ => Err(joined),
        });
        Ok(())
    }

    /// Has the watch thread retry what the socket did not take.
    pub(super) fn retry_later(self: &Arc<Self>) {
        self.runtime.watch.add(Box::new(Arc::downgrade(self)));
    }

    /// Retries: what waited first, then what the log has. The stream stays blocked until something
    /// of that went out, or there is nothing to send. `None` if it is no longer blocked.
    fn retry_writes(self: &Arc<Self>) -> Option<Progress> {
        let now = Moment::now();
        let mut state = self.lock();
        let live = state.open()?;
        let before = live.outbox.sent();
        let mut advance = BATCHES.with_borrow_mut(|batches| {
            batches.forget();
            let advance = self.flush(live, batches, now);
            batches.forget();
            advance
        });
        let moved = live.outbox.sent() > before;
        if advance != Advance::Blocked {
            live.outbox.unblock();
        } else if live.outbox.silent_for(now) >= self.runtime.limits.write_deadline {
            advance = Advance::Over(CloseReason::Stalled);
        }
        let of = live.subscription.as_ref().map(|subscription| &subscription.followed);
        let more = of.filter(|of| advance.has_more() || of.is_over()).cloned();
        drop(state);
        if moved || advance != Advance::Blocked {
            self.notify_drained();
        }
        self.tell();
        match advance {
            Advance::Blocked if moved => return Some(Progress::Moved),
            Advance::Blocked => return Some(Progress::Stuck),
            Advance::Over(_) | Advance::Past => Arc::clone(self).settle(advance),
            Advance::Idle | Advance::Sent { .. } => {
                if let Some(followed) = more {
                    followed.catch_up(&(Arc::clone(self) as _));
                }
            }
        }
        None
    }

    /// Sends what waits, and then the next batch.
    fn flush(&self, live: &mut Live, batches: &mut Batches, now: Moment) -> Advance {
        match live.outbox.flush(now) {
            Ok(whole) => self.note_sent(whole, &live.outbox),
            Err(Gone(reason)) => return Advance::Over(reason),
        }
        if live.outbox.missing().is_some() {
            return self.turn_to_past(live);
        }
        if live.outbox.is_empty() { self.send_next(live, batches, now) } else { Advance::Blocked }
    }

    /// Sends the next batch. Nothing may wait before it. This is on the path of every delivery: as
    /// a call it costs each 22 instructions.
    #[inline(always)]
    fn send_next(&self, live: &mut Live, batches: &mut Batches, now: Moment) -> Advance {
        let Live { outbox, subscription, .. } = live;
        let Some(subscription) = subscription.as_mut().filter(|_| !self.is_in_past()) else {
            return Advance::Idle;
        };
        match subscription.next(!self.chunked, batches) {
            Ok(batch) => self.send_batch(outbox, subscription, batch, 0, now),
            Err(Evicted::Lagged) => Advance::Over(CloseReason::Lagged),
            Err(Evicted::Past) => self.turn_to_past(live),
        }
    }

    /// Sends a batch, as far as the socket takes it. Of an event that was begun, the rest is kept;
    /// so it is of one that was not where `least` is 1, so that there is something to retry with.
    /// This is on the path of every delivery: as a call it costs each 24 instructions.
    #[inline(always)]
    pub(super) fn send_batch(
        &self,
        outbox: &mut Outbox,
        subscription: &mut Subscription,
        batch: &Batch,
        least: usize,
        now: Moment,
    ) -> Advance {
        let bytes = batch.bytes();
        if bytes.is_empty() {
            return find_nothing(subscription, batch.cursor);
        }
        match outbox.write(bytes, now) {
            Ok(sent) if sent == batch.len() => {
                subscription.cursor = batch.cursor;
                let told = self.teller.is_some();
                if told {
                    self.note_sent(batch.whole_at(sent), outbox);
                }
                Advance::Sent { more: batch.full, told }
            }
            Ok(sent) => self.keep_rest(outbox, subscription, batch, sent, least, now),
            Err(Gone(reason)) => Advance::Over(reason),
        }
    }

    /// What [`send_batch`](Self::send_batch) does where the socket did not take the whole batch. It
    /// stands apart so that the usual way is short enough to be no call.
    #[cold]
    #[inline(never)]
    fn keep_rest(
        &self,
        outbox: &mut Outbox,
        subscription: &mut Subscription,
        batch: &Batch,
        sent: usize,
        least: usize,
        now: Moment,
    ) -> Advance {
        let whole = batch.whole_at(sent);
        self.note_sent(whole, outbox);
        let mut cut_at = sent;
        let mut cut = Amount::default();
        if let Some((cursor, end)) = batch.cursor_at(sent.max(least)) {
            subscription.cursor = cursor;
            cut_at = end;
            cut = Amount::of(end > sent, end - whole.bytes);
        }
        outbox.keep(batch.rest(sent..cut_at), cut, now);
        // Of a large event of the past, no more was read than the socket took.
        if outbox.missing().is_some() { Advance::Past } else { Advance::Blocked }
    }

    /// Brings what [`check_peer`](Self::check_peer) reads into the processor's cache, and changes
    /// nothing.
    pub(super) fn prefetch(&self) {
        black_box(self.state.is_poisoned());
    }

    /// Ends an open stream whose peer has gone or whose time is over, and sends a heartbeat where
    /// nothing has gone out since `silent`.
    pub(super) fn check_peer(self: &Arc<Self>, now: Moment, silent: Option<Moment>) {
        let mut state = self.lock();
        let expired = state.has_expired(now);
        let Some(Live { outbox, .. }) = state.open() else { return };
        let silent = silent.is_some_and(|then| outbox.is_silent_since(then));
        // Before a heartbeat too: a socket whose peer has closed still takes it, and only a later
        // write fails.
        let result = match outbox.peer_has_gone() {
            Some(reason) => Err(Gone(reason)),
            None if expired => Err(Gone(CloseReason::Expired)),
            None if silent && !outbox.is_blocked() => {
                let bytes = if self.chunked { HEARTBEAT } else { encode::NOTHING };
                outbox.put(bytes, Amount::default(), now)
            }
            None => return,
        };
        drop(state);
        // `after_put` ends the stream; nobody here has to be told.
        let _ = self.after_put(result);
    }
}

/// There is nothing more for a stream.
#[cold]
fn find_nothing(subscription: &mut Subscription, cursor: Cursor) -> Advance {
    subscription.cursor = cursor;
    if subscription.followed.is_over() {
        return Advance::Over(CloseReason::Channel);
    }
    Advance::Idle
}

/// A blocked stream. Whoever owns it may let go of it meanwhile.
impl Pending for Weak<Stream> {
    fn retry(self: Box<Self>, _now: Instant) -> Option<(Box<dyn Pending>, Progress)> {
        let stream = self.upgrade()?;
        let panics = stream.runtime.counts.panics();
        let retried = panics.catch(|| stream.retry_writes());
        if retried.is_none() {
            // One that panics would panic again.
            panics.catch(|| stream.end(CloseReason::Failed));
        }
        Some((self, retried??))
    }
}

impl Reader for Stream {
    fn shard(&self) -> &Arc<Shard> {
        self.runtime.fanout.shard(self.number)
    }

    fn advance(&self, newest: u64, batches: &mut Batches, now: Moment) -> Advance {
        match self.lock().open() {
            Some(live) if !live.outbox.is_blocked() && live.is_behind(newest) => {
                self.send_next(live, batches, now)
            }
            _ => Advance::Idle,
        }
    }

    fn settle(self: Arc<Self>, advance: Advance) {
        match advance {
            Advance::Idle => {}
            Advance::Sent { .. } => self.tell(),
            Advance::Blocked => {
                self.retry_later();
                self.tell();
            }
            Advance::Past => {
                past::queue(&self);
                self.tell();
            }
            Advance::Over(reason) => self.end(reason),
        }
    }

    fn channel_closed(self: Arc<Self>) {
        let followed = match self.lock().open() {
            Some(Live { subscription: Some(of), .. }) if of.followed.is_over() => {
                of.followed.clone()
            }
            _ => return,
        };
        followed.catch_up(&(self as _));
    }

    fn end(&self, reason: CloseReason) {
        self.end(reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::chunk;

    #[test]
    fn a_heartbeat_is_the_chunk_of_a_comment_without_text() {
        let mut framed = Vec::new();
        chunk::encode(encode::NOTHING, &mut framed);
        assert_eq!(HEARTBEAT, framed);
    }
}

//! One event stream on the server's side, from its request to its end.
//!
//! ```text
//!            open                     end(reason)
//! New(head) ───────► Open ───────────────────────► Ended(reason)
//!    │                 │ send, comment: to the outbox     on_close callbacks, once,
//!    │                 │ advance: the log's next batch    on a worker
//!    └─ reclaim: the handler failed first, answer 500
//! ```
//!
//! A stream is owned by whoever holds a [`SseWriter`](crate::SseWriter) of it: the handler, an
//! interval, the application; and by the channels that it follows. The server's registry only
//! knows of it. When the last owner lets go, it ends.
//!
//! Whoever notices an end first calls [`Stream::end`]: the watch thread that sees the peer go, a
//! `send` that fails, the server's own `close`. What that person holds locked is not known here,
//! so the callbacks never run in `end`; a worker runs them.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Instant;

use super::chunk;
use super::encode;
use super::interval::{Attached, Running};
use super::outbox::{Gone, Link, Outbox, Put};
use crate::answer;
use crate::channel::cursor::Lagged;
use crate::channel::fanout::{Batches, Shard};
use crate::channel::gap::Gap;
use crate::channel::subscription::{self, Subscription};
use crate::error::{CloseReason, Error, Result};
use crate::hooks::{self, StreamInfo};
use crate::http::response::{Connection, Response, ResponseFraming};
use crate::server::registry::Ticket;
use crate::server::shared::Shared;

/// A comment without text, which is nothing to a client and something to a proxy.
const HEARTBEAT: &[u8] = b":\n\n";

#[derive(Debug)]
pub(crate) struct Stream {
    server: Arc<Shared>,
    /// Its place in the registry, which is also what its shard follows from.
    number: usize,
    /// Kept, as a socket that was reset no longer knows.
    peer: SocketAddr,
    target: Box<str>,
    last_event_id: Option<Box<str>>,
    /// Whether the body is framed in chunks; to HTTP/1.0 it is not.
    chunked: bool,
    began: Instant,
    /// Held while the socket is written, as it is what keeps the bytes in order; the socket does
    /// not block, so it is never held for long. Before a channel's log, behind a group's streams.
    state: Mutex<State>,
    /// Notified when the outbox is no longer blocked, and at the end.
    drained: Condvar,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Present until the end.
    open: Option<Inside>,
    attached: Attached,
}

#[derive(Debug)]
enum Phase {
    New(Box<Response>),
    Open,
    Ended(CloseReason),
}

/// What a stream gives back at its end.
#[derive(Debug)]
struct Inside {
    outbox: Outbox,
    subscription: Option<Subscription>,
    ticket: Ticket,
}

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

/// Where a stream comes from.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) peer: SocketAddr,
    pub(crate) target: Box<str>,
    pub(crate) last_event_id: Option<Box<str>>,
    pub(crate) chunked: bool,
}

impl Stream {
    pub(crate) fn new(
        server: Arc<Shared>,
        link: Link,
        ticket: Ticket,
        origin: Origin,
        head: Response,
    ) -> Arc<Self> {
        let now = Instant::now();
        let inside = Inside { outbox: Outbox::new(link, now), subscription: None, ticket };
        let number = inside.ticket.number();
        let stream = Arc::new(Self {
            server,
            number,
            peer: origin.peer,
            target: origin.target,
            last_event_id: origin.last_event_id,
            chunked: origin.chunked,
            began: now,
            state: Mutex::new(State {
                phase: Phase::New(Box::new(head)),
                open: Some(inside),
                attached: Attached::default(),
            }),
            drained: Condvar::new(),
        });
        stream.server.streams.know(number, &stream);
        stream.server.counts.stream();
        stream
    }

    pub(crate) fn server(&self) -> &Arc<Shared> {
        &self.server
    }

    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    pub(crate) fn last_event_id(&self) -> Option<&str> {
        self.last_event_id.as_deref()
    }

    pub(crate) fn shard(&self) -> &Arc<Shard> {
        self.server.fanout.shard(self.number)
    }

    pub(crate) fn is_active(&self) -> bool {
        !matches!(self.lock().phase, Phase::Ended(_))
    }

    /// Changes the head, as long as it has not gone out.
    pub(crate) fn change_head(
        &self,
        what: &'static str,
        change: impl FnOnce(&mut Response) -> Result<()>,
    ) -> Result<()> {
        match &mut self.lock().phase {
            Phase::New(head) => change(head),
            Phase::Open => Err(Error::opened(what)),
            Phase::Ended(reason) => Err(Error::closed(*reason)),
        }
    }

    /// Sends the head, if it has not gone out.
    pub(crate) fn open(self: &Arc<Self>) -> Result<()> {
        let mut state = self.lock();
        let head = match &state.phase {
            Phase::New(head) => {
                let mut bytes = Vec::new();
                let framing = if self.chunked {
                    ResponseFraming::Chunked
                } else {
                    ResponseFraming::UntilClose
                };
                head.encode_head(framing, Connection::Close, answer::date(), &mut bytes);
                bytes
            }
            Phase::Open => return Ok(()),
            Phase::Ended(reason) => return Err(Error::closed(*reason)),
        };
        state.phase = Phase::Open;
        let Some(inside) = &mut state.open else { return Ok(()) };
        let put = inside.outbox.open(&head, Instant::now());
        drop(state);
        self.tell(|hooks, info| hooks.opened(info));
        self.after_put(put)
    }

    /// Sends content of this stream's own, behind what went before. With `wait`, waits where the
    /// peer is too slow; else says that it is full.
    pub(crate) fn put(self: &Arc<Self>, content: &[u8], wait: bool) -> Result<usize> {
        self.open()?;
        let bytes = self.framed(content);
        let mut state = self.wait_for_room(bytes.len(), wait)?;
        let Some(inside) = &mut state.open else { return Ok(0) };
        let put = inside.outbox.put(&bytes, Instant::now());
        drop(state);
        self.after_put(put)?;
        Ok(bytes.len())
    }

    /// The content as it goes over this stream's wire: a chunk, or just as it is.
    fn framed<'a>(&self, content: &'a [u8]) -> Cow<'a, [u8]> {
        if !self.chunked {
            return Cow::Borrowed(content);
        }
        let mut chunk = Vec::new();
        chunk::encode(content, &mut chunk);
        Cow::Owned(chunk)
    }

    /// Locks the state once there is room for so many bytes more, and the stream is still open.
    fn wait_for_room(&self, len: usize, wait: bool) -> Result<MutexGuard<'_, State>> {
        let limits = &self.server.limits;
        let mut state = self.lock();
        let mut until = None;
        loop {
            if let Phase::Ended(reason) = state.phase {
                return Err(Error::closed(reason));
            }
            let unsent = state.open.as_ref().map_or(0, |inside| inside.outbox.unsent());
            // An event of any size may go where nothing waits.
            if unsent == 0 || unsent + len <= limits.unsent {
                return Ok(state);
            }
            let until = *until.get_or_insert_with(|| Instant::now() + limits.write_deadline);
            let left = until.saturating_duration_since(Instant::now());
            if !wait || left.is_zero() {
                return Err(Error::full());
            }
            state =
                self.drained.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Does what follows from bytes that were put out. No lock may be held.
    fn after_put(self: &Arc<Self>, put: Result<Put, Gone>) -> Result<()> {
        match put {
            Ok(Put::Done) => {}
            Ok(Put::Blocked) => self.server.watch.try_again(self),
            Err(Gone(reason)) => {
                self.end(reason);
                return Err(Error::closed(reason));
            }
        }
        Ok(())
    }

    /// Follows channels. The gap that the client has to be told of goes out first.
    pub(crate) fn follow(
        self: &Arc<Self>,
        subscription: Subscription,
        gap: Option<Gap>,
    ) -> Result<()> {
        self.shard().start()?;
        let channels = subscription.channels().to_vec();
        let mut state = self.lock();
        if let Phase::Ended(reason) = state.phase {
            return Err(Error::closed(reason));
        }
        let Some(inside) = &mut state.open else { return Ok(()) };
        if inside.subscription.is_some() {
            return Err(Error::invalid(
                "the stream follows channels already: name them all in one call of `follow`",
            ));
        }
        inside.subscription = Some(subscription);
        let told = gap.map_or(Ok(Put::Done), |gap| {
            inside.outbox.put(&self.framed(&gap.content()), Instant::now())
        });
        drop(state);
        self.after_put(told)?;
        subscription::join(&channels, self);
        // Both may have happened before the channels knew of the stream.
        if channels.iter().any(|channel| channel.is_closed()) {
            self.end(CloseReason::Channel);
        }
        if !self.is_active() {
            subscription::leave(&channels, self);
        }
        self.catch_up();
        Ok(())
    }

    /// Sends the next batch of the log. Called by passes, and by the watch thread for streams that
    /// were blocked. The caller settles the result once it holds no lock.
    pub(crate) fn advance(&self, batches: &mut Batches, now: Instant) -> Advance {
        let mut state = self.lock();
        let State { phase: Phase::Open, open: Some(inside), .. } = &mut *state else {
            return Advance::Idle;
        };
        let Inside { outbox, subscription: Some(subscription), .. } = inside else {
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
        let whole = sent == batch.bytes().len();
        let mut cut_at = sent;
        if let Some((cursor, end)) = batch.cursor_at(sent) {
            subscription.set_cursor(cursor);
            cut_at = end;
        }
        if whole {
            return Advance::Sent { events: batch.events(), bytes: sent, more: batch.is_full() };
        }
        outbox.keep(&batch.bytes()[sent..cut_at]);
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

    /// Sends everything that the log has for it, or as much as the socket takes.
    pub(crate) fn catch_up(self: &Arc<Self>) {
        let mut batches = Batches::default();
        loop {
            batches.forget();
            let advance = self.advance(&mut batches, Instant::now());
            self.settle(advance);
            if !advance.has_more() {
                return;
            }
        }
    }

    /// The watch thread's try: what waited first, then what the log has. Returns whether the
    /// stream is still blocked.
    pub(crate) fn try_again(self: &Arc<Self>, batches: &mut Batches, now: Instant) -> bool {
        match self.flush(now) {
            Ok(true) => {}
            Ok(false) => return true,
            Err(Gone(reason)) => {
                self.end(reason);
                return false;
            }
        }
        batches.forget();
        let advance = self.advance(batches, now);
        match advance {
            // It stays where it is, among those that are tried again.
            Advance::Blocked { events, bytes } => self.tell_event(events, bytes),
            other => self.settle(other),
        }
        if advance.has_more() {
            self.catch_up();
        }
        matches!(advance, Advance::Blocked { .. })
    }

    /// Writes what waits. Returns whether nothing waits any more.
    fn flush(&self, now: Instant) -> Result<bool, Gone> {
        let mut state = self.lock();
        let Some(Inside { outbox, .. }) = &mut state.open else { return Ok(true) };
        let before = outbox.unsent();
        let flushed = outbox.flush(now)?;
        if outbox.silent_for(now) >= self.server.limits.write_deadline {
            return Err(Gone(CloseReason::Stalled));
        }
        if outbox.unsent() < before {
            self.drained.notify_all();
        }
        Ok(flushed)
    }

    /// The watch thread's look at an open stream: has the peer gone, is a heartbeat due?
    pub(crate) fn look(self: &Arc<Self>, now: Instant) {
        let heartbeat = self.server.limits.heartbeat;
        let mut state = self.lock();
        let State { phase: Phase::Open, open: Some(inside), .. } = &mut *state else { return };
        let outbox = &mut inside.outbox;
        let silent = !heartbeat.is_zero() && outbox.silent_for(now) >= heartbeat;
        let result = match outbox.peer_has_gone() {
            Some(reason) => Err(Gone(reason)),
            None if silent && !outbox.is_blocked() => outbox.put(&self.framed(HEARTBEAT), now),
            None => Ok(Put::Done),
        };
        drop(state);
        // An end is settled by `after_put`; there is nobody here to tell of it.
        let _ = self.after_put(result);
    }

    /// Takes the socket back from a stream whose head has not gone out.
    pub(crate) fn reclaim(&self) -> Option<Link> {
        let mut state = self.lock();
        if !matches!(state.phase, Phase::New(_)) {
            return None;
        }
        state.phase = Phase::Ended(CloseReason::Failed);
        let inside = state.open.take();
        let callbacks = state.attached.end();
        drop(state);
        self.run_later(callbacks, CloseReason::Failed, None);
        inside.map(|inside| inside.outbox.into_link())
    }

    /// Ends the stream, if it has not ended: gives back its socket, its place in the registry and
    /// in its channels, wakes its intervals and whoever waits to send, and has the callbacks run.
    pub(crate) fn end(&self, reason: CloseReason) {
        let mut state = self.lock();
        let opened = match state.phase {
            Phase::Ended(_) => return,
            Phase::New(_) => false,
            Phase::Open => true,
        };
        state.phase = Phase::Ended(reason);
        let inside = state.open.take();
        let callbacks = state.attached.end();
        drop(state);
        self.drained.notify_all();
        let Some(Inside { mut outbox, subscription, ticket }) = inside else { return };
        if let Some(subscription) = subscription {
            subscription::leave(subscription.channels(), self);
        }
        if opened && reason.ends_well() {
            // Where it fails the peer has gone, and needs no end.
            let _ = outbox.put(&self.tail(reason), Instant::now());
        }
        let sent = outbox.sent();
        if !matches!(reason, CloseReason::Client | CloseReason::Reset | CloseReason::Stalled) {
            let (link, rest) = outbox.finish();
            self.server.watch.linger(link, rest);
        }
        // Given back before the callbacks run: who is told of the end finds it done.
        drop(ticket);
        self.run_later(callbacks, reason, opened.then_some(sent));
    }

    /// What a stream that ends well ends with.
    fn tail(&self, reason: CloseReason) -> Vec<u8> {
        let mut content = Vec::new();
        if reason == CloseReason::Stopped {
            // All clients at once would be the first load of the next start.
            encode::encode_retry(self.server.come_back_after(), &mut content);
        }
        if !self.chunked {
            return content;
        }
        let mut tail = Vec::new();
        chunk::encode(&content, &mut tail);
        tail.extend_from_slice(chunk::LAST);
        tail
    }

    /// Has a worker run the callbacks and, if the stream was open, the hook.
    fn run_later(&self, callbacks: Vec<OnClose>, reason: CloseReason, sent: Option<u64>) {
        let hooks = self.server.hooks.clone().zip(sent);
        if callbacks.is_empty() && hooks.is_none() {
            return;
        }
        let (peer, target) = (self.peer, self.target.clone());
        let duration = self.began.elapsed();
        let job = move || {
            for callback in callbacks {
                hooks::call(|| callback(reason));
            }
            if let Some((hooks, bytes)) = hooks {
                let info = StreamInfo { peer, target: &target, bytes, duration };
                hooks::call(|| hooks.closed(&info, reason));
            }
        };
        if let Err(job) = self.server.pool.submit(Box::new(job)) {
            // No worker is left. They have to run once, so they run here.
            job();
        }
    }

    fn tell_event(&self, events: usize, bytes: usize) {
        if events > 0 {
            self.tell(|hooks, info| hooks.event(info, events, bytes));
        }
    }

    /// Calls a hook, if there are any. No lock may be held.
    pub(crate) fn tell(&self, call: impl FnOnce(&dyn hooks::Hooks, &StreamInfo<'_>)) {
        let Some(hooks) = &self.server.hooks else { return };
        let bytes = self.lock().open.as_ref().map_or(0, |inside| inside.outbox.sent());
        let duration = self.began.elapsed();
        let info = StreamInfo { peer: self.peer, target: &self.target, bytes, duration };
        hooks::call(|| call(&**hooks, &info));
    }

    /// Has the callback run when the stream ends, or now if it has ended.
    pub(crate) fn on_close(&self, callback: OnClose) {
        let mut state = self.lock();
        match state.phase {
            Phase::Ended(reason) => {
                drop(state);
                self.run_later(vec![callback], reason, None);
            }
            _ => state.attached.callbacks.push(callback),
        }
    }

    /// Starts an interval's thread while the stream can't end. The thread comes to
    /// [`detach`](Self::detach) in the end, and waits there until it is known here.
    pub(crate) fn attach<T>(
        &self,
        start: impl FnOnce(&mut Vec<Running>) -> Result<T>,
    ) -> Result<T> {
        let mut state = self.lock();
        if let Phase::Ended(reason) = state.phase {
            return Err(Error::closed(reason));
        }
        start(&mut state.attached.intervals)
    }

    /// The last act of an interval's thread: a worker joins it.
    pub(crate) fn detach(&self, thread: ThreadId) {
        let running = self.lock().attached.remove(thread);
        if let Some(handle) = running.and_then(|running| running.handle) {
            // Where no worker is left the thread is let go; it ends with this call.
            let _ = self.server.pool.submit(Box::new(move || drop(handle.join())));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What runs when a stream ends.
pub(crate) type OnClose = Box<dyn FnOnce(CloseReason) + Send>;

impl Drop for Stream {
    fn drop(&mut self) {
        self.end(CloseReason::Released);
    }
}

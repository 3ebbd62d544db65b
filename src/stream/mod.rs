//! One event stream on the server's side, from its request to its end.
//!
//! ```text
//!            open                     end(reason)
//! New(head) ───────► Open ───────────────────────► Ended(reason)
//!    │                 │ send, comment: to the outbox     on_close callbacks, once,
//!    │                 │ advance: the log's next batch    on a worker
//!    └─ reclaim: the handler failed first, respond with 500
//! ```
//!
//! A stream is owned by whoever holds a [`SseWriter`](crate::SseWriter) of it: the handler, an
//! interval, the application; and by the channels that it follows. The server's registry only
//! refers to it. When the last owner lets go, it ends.
//!
//! Whoever notices an end first calls [`Stream::end`]: the watch thread that sees the peer go, a
//! `send` that fails, the server's own `close`. The caller may hold locks of its own, so the
//! callbacks never run in `end`; a worker runs them.
//!
//! | file | what it is |
//! | --- | --- |
//! | [`writer`], [`interval`], `feed` | what an application holds of a stream, and calls |
//! | [`delivery`] | its channels' batches to its socket; retries; heartbeats |
//! | [`past`], `turns` | what its channels' logs no longer have, read from the hub's journal |
//! | [`outbox`] | the socket, and what that did not take yet |
//! | [`end`] | who is told of the end, and what goes out last |
//! | [`runtime`] | what it needs of its server, and how a server stops |
//! | [`hooks`], [`teller`], [`logger`] | telling the application what happens to streams |

pub(crate) mod delivery;
pub(crate) mod end;
#[cfg(feature = "follow")]
mod feed;
pub(crate) mod hooks;
pub(crate) mod interval;
pub(crate) mod logger;
mod outbox;
mod past;
pub(crate) mod runtime;
mod teller;
pub(crate) mod turns;
pub(crate) mod writer;

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use crate::channel::subscription::Subscription;
use crate::error::{CloseReason, Error, Result};
use crate::http::{HttpDate, Response, chunk};
use crate::log::batch::Amount;
use crate::log::read::First;
use crate::net::link::Link;
use crate::net::moment::Moment;
use crate::net::registry::Ticket;
use crate::peer::Peer;
use end::Attached;
use outbox::{Gone, Outbox, Put};
use runtime::Runtime;
use teller::Teller;

pub(crate) struct Stream {
    runtime: Arc<Runtime>,
    /// Its place in the registry, which is also what its shard follows from.
    number: u32,
    /// Kept, as a socket that was reset no longer has it.
    peer: Peer,
    /// The request's target, and after it the client's last event ID, which may be empty only
    /// where it has none.
    texts: Box<str>,
    target_len: u32,
    /// Whether the body is framed in chunks; to HTTP/1.0 it is not.
    chunked: bool,
    /// Whether what comes next is read from the past, or waits for its turn there. Then it is sent
    /// nothing from its logs: whoever reads goes on with those afterwards. Used while the state is
    /// locked; here it takes no room.
    in_past: AtomicBool,
    /// Held while the socket is written, as it is what keeps the bytes in order; the socket does
    /// not block, so it is never held for long. Before a channel's log, after a group's list.
    state: Mutex<State>,
    /// Notified when the outbox is no longer blocked, and at the end.
    drained: Condvar,
    /// How many threads wait for that; a process has no 65,536 that send on one stream. Nearly
    /// always none, and to notify takes a call.
    waiting: AtomicU16,
    /// Calls the server's hooks, if it has any.
    teller: Option<Arc<Teller>>,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

struct State {
    /// Or why it has ended.
    live: Result<Live, CloseReason>,
    /// Nothing, for a stream that only follows channels.
    attached: Option<Box<Attached>>,
}

/// What a stream has until its end, and gives back then.
struct Live {
    /// Until it has gone out; then the stream is open.
    head: Option<Box<Response>>,
    outbox: Outbox,
    subscription: Option<Subscription>,
    ticket: Ticket<Stream>,
}

impl Live {
    /// Whether it follows channels, and may not have been sent everything up to this number.
    fn is_behind(&self, newest: u64) -> bool {
        self.subscription.as_ref().is_some_and(|of| of.cursor.place < newest)
    }
}

impl State {
    /// What it has, unless it has ended.
    fn live(&mut self) -> Result<&mut Live> {
        self.live.as_mut().map_err(|reason| Error::closed(*reason))
    }

    /// The same, only where the head has gone out.
    fn open(&mut self) -> Option<&mut Live> {
        self.live.as_mut().ok().filter(|live| live.head.is_none())
    }

    /// Its head, if that has not gone out.
    fn head(&mut self) -> Option<&mut Response> {
        self.live.as_mut().ok()?.head.as_deref_mut()
    }
}

/// What became of the head, or of something else that was put out.
type Opening = Result<Put, Gone>;

/// Where a stream comes from.
pub(crate) struct Origin<'a> {
    pub(crate) peer: Peer,
    pub(crate) target: &'a str,
    pub(crate) last_event_id: Option<&'a str>,
    pub(crate) chunked: bool,
}

impl Stream {
    pub(crate) fn new(
        runtime: Arc<Runtime>,
        link: Link,
        ticket: Ticket<Stream>,
        origin: Origin<'_>,
        head: Response,
    ) -> Arc<Self> {
        let number = ticket.number();
        let (head, outbox) = (Some(Box::new(head)), Outbox::new(link));
        let live = Ok(Live { head, outbox, subscription: None, ticket });
        let hooks = runtime.hooks.clone();
        let stream = Arc::new(Self {
            runtime,
            number,
            peer: origin.peer,
            target_len: origin.target.len() as u32,
            texts: (origin.target.to_owned() + origin.last_event_id.unwrap_or_default()).into(),
            chunked: origin.chunked,
            in_past: AtomicBool::new(false),
            state: Mutex::new(State { live, attached: None }),
            drained: Condvar::new(),
            waiting: AtomicU16::new(0),
            teller: hooks.map(|hooks| Teller::new(hooks, origin.peer, origin.target)),
        });
        stream.runtime.streams.enter(number, &stream);
        stream.runtime.watch.begin_checks();
        stream.runtime.counts.stream();
        stream
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(crate) fn peer(&self) -> Peer {
        self.peer
    }

    pub(crate) fn target(&self) -> &str {
        &self.texts[..self.target_len as usize]
    }

    pub(crate) fn last_event_id(&self) -> Option<&str> {
        Some(&self.texts[self.target_len as usize..]).filter(|id| !id.is_empty())
    }

    /// Says who the client is, for the hooks if there are any.
    pub(crate) fn set_user(&self, user: &str) {
        if let Some(teller) = &self.teller {
            teller.set_user(user);
        }
    }

    pub(crate) fn is_active(&self) -> bool {
        self.lock().live.is_ok()
    }

    /// Changes the head, as long as it has not gone out.
    pub(crate) fn change_head(
        &self,
        what: &'static str,
        change: impl FnOnce(&mut Response) -> Result<()>,
    ) -> Result<()> {
        let mut state = self.lock();
        let head = state.live()?.head.as_deref_mut();
        change(head.ok_or_else(|| Error::opened(what))?)
    }

    /// Sends the head, if it has not gone out.
    pub(crate) fn open(self: &Arc<Self>) -> Result<()> {
        let Some(mut state) = self.lock_with_body() else { return Ok(()) };
        let (_, opening) = self.opening(&mut state, &First::NOTHING)?;
        drop(state);
        opening.map_or(Ok(()), |opening| Ok(self.after_put(opening)?))
    }

    /// What is open; with what became of the head, if it goes out only now, and `first` with it in
    /// one `send`: a page, a proxy or a compressor that waits for a byte of the body has one. The
    /// caller passes that on to [`after_put`](Self::after_put).
    fn opening<'a>(
        &self,
        state: &'a mut State,
        first: &First,
    ) -> Result<(&'a mut Live, Option<Opening>)> {
        let live = state.live()?;
        let opening = live.head.take().map(|head| {
            let mut bytes = self.encode_head(&head);
            let head = bytes.len();
            self.frame(&first.content, &mut bytes);
            if let Some(teller) = &self.teller {
                teller.note_opened();
            }
            let of = Amount::of(first.is_event, bytes.len() - head);
            let put = live.outbox.open(&bytes, of, Moment::now());
            self.noted(put, of, &live.outbox)
        });
        Ok((live, opening))
    }

    fn encode_head(&self, head: &Response) -> Vec<u8> {
        let (now, mut bytes) = (HttpDate::from(SystemTime::now()), Vec::with_capacity(512));
        head.encode_head(!self.chunked, true, now, &mut bytes);
        bytes
    }

    /// Sends content of this stream's own, after what went before; it may be an event. With `wait`,
    /// waits where the peer is too slow; else says that it is full.
    pub(crate) fn put(self: &Arc<Self>, content: &[u8], is_event: bool, wait: bool) -> Result<()> {
        self.open()?;
        let bytes = self.framed(content);
        let mut state = self.wait_for_room(bytes.len(), wait)?;
        let put = self.put_now(state.live()?, &bytes, is_event);
        drop(state);
        Ok(self.after_put(put)?)
    }

    /// Puts out bytes, which may be an event.
    fn put_now(&self, live: &mut Live, bytes: &[u8], is_event: bool) -> Opening {
        let of = Amount::of(is_event, bytes.len());
        let put = live.outbox.put(bytes, of, Moment::now());
        self.noted(put, of, &live.outbox)
    }

    /// Notes for the hooks that these events have gone out, if they have: what waits is noted when
    /// it goes out. The state must be locked.
    fn noted(&self, put: Opening, of: Amount, outbox: &Outbox) -> Opening {
        if put == Ok(Put::Done) {
            self.note_sent(of, outbox);
        }
        put
    }

    fn note_sent(&self, amount: Amount, outbox: &Outbox) {
        if let Some(teller) = &self.teller {
            teller.note_sent(amount, outbox.sent());
        }
    }

    /// Appends content as it goes over this stream's wire: as a chunk, or just as it is.
    fn frame(&self, content: &[u8], out: &mut Vec<u8>) {
        if self.chunked {
            chunk::encode(content, out);
        } else {
            out.extend_from_slice(content);
        }
    }

    fn framed(&self, content: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.frame(content, &mut bytes);
        bytes
    }

    /// Locks the state once there is room for so many bytes more, and the stream is still open.
    fn wait_for_room(&self, len: usize, wait: bool) -> Result<MutexGuard<'_, State>> {
        let limits = &self.runtime.limits;
        let mut state = self.lock();
        let mut until = None;
        loop {
            let Live { outbox, .. } = state.live()?;
            // Where nothing waits an event may go that is larger than the bound.
            if outbox.is_empty() || outbox.unsent() + len <= limits.unsent {
                return Ok(state);
            }
            let until = *until.get_or_insert_with(|| Instant::now() + limits.write_deadline);
            let left = until.saturating_duration_since(Instant::now());
            if !wait || left.is_zero() {
                return Err(Error::full());
            }
            self.waiting.fetch_add(1, Ordering::Relaxed);
            state =
                self.drained.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Wakes whoever waits for room. The state has been changed, and is not locked: each that
    /// waits has counted itself while it was.
    fn notify_drained(&self) {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.drained.notify_all();
        }
    }

    /// Does what follows from bytes that were put out. No lock may be held.
    fn after_put(self: &Arc<Self>, put: Opening) -> Result<(), Gone> {
        match put {
            Ok(Put::Done | Put::Waits) => {}
            Ok(Put::Blocked) => self.retry_later(),
            Err(Gone(reason)) => self.end(reason),
        }
        self.tell();
        put.map(drop)
    }

    /// Tells the hooks why it is going to be cut off.
    pub(crate) fn tell_failure(&self, error: &Error) {
        if let Some(hooks) = &self.runtime.hooks {
            hooks::call(|| hooks.failed(self.peer, self.target(), error));
        }
    }

    /// Calls the hooks, if there are any, for what has been noted. No lock may be held.
    fn tell(&self) {
        if let Some(teller) = &self.teller {
            teller.tell();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    /// Beside this a stream that follows a channel costs its target, its place in two lists and
    /// the list of its channels.
    #[test]
    fn a_stream_is_small() {
        assert!(size_of::<Stream>() <= 192, "{}", size_of::<Stream>());
    }

    #[test]
    fn what_is_shown_for_debugging_takes_no_lock() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let runtime = Runtime::start(Limits::default(), None, Arc::default()).unwrap();
        let socket = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let peer = Peer::Tcp(socket.local_addr().unwrap());
        let ticket = runtime.streams.admit(peer).expect("a place");
        let link = Link::new(socket, runtime.counts.connection());
        let origin = Origin { peer, target: "/sse", last_event_id: None, chunked: true };
        let head = Response::event_stream_head();
        let stream = Stream::new(Arc::clone(&runtime), link, ticket, origin, head);
        let writer = crate::SseWriter::new(Arc::clone(&stream));
        let held = stream.lock();
        let (show, shown) = std::sync::mpsc::channel();
        let (own, of_writer) = (Arc::clone(&stream), writer.clone());
        std::thread::spawn(move || show.send(format!("{of_writer:?} {own:?}")));
        let shown = shown.recv_timeout(std::time::Duration::from_secs(10)).expect("no lock");
        assert!(shown.starts_with("SseWriter { peer: 127.0.0.1:"), "{shown}");
        drop(held);
        stream.end(CloseReason::Server);
        runtime.stop();
    }
}

//! Streams whose next event has left their logs: it is read from the past of their hub.
//!
//! ```text
//!               pass, retry: it is not in the logs
//! live ◄──────┐        │
//!             │        ▼
//!        catch up    queue ──► a worker's chore: read a piece ──► send it ─┐
//!             ▲        ▲                                                   │
//!             │        └── not there yet, and the socket took all of it ◄──┤
//!             └─────────── the logs have the rest ◄────────────────────────┤
//!                 watch ◄── the socket is full: its retry comes back here ◄┘
//! ```
//!
//! A disk may take its time, so no pass reads it, and no lock is held meanwhile. All streams of a
//! server take turns, a piece each, and one worker at most reads for them: so they hold up neither
//! each other for long, nor requests, nor what is published.
//!
//! While `in_past` is set, nobody but that chore moves the stream's cursor. What an application
//! sends on the stream itself goes out between two events, or waits after the rest of one.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::runtime::Runtime;
use super::{Live, Stream};
use crate::channel::reader::{Advance, Reader};
use crate::channel::subscription::Followed;
use crate::error::CloseReason;
use crate::log::batch::Batch;
use crate::log::cursor::Cursor;
use crate::log::large::PastPart;
use crate::log::read::First;
use crate::net::moment::Moment;
use crate::net::pool::Task;
use crate::order::past;
use crate::stream::outbox::{Gone, Put};

/// What a worker does for one stream at a time. It goes on as long as the queue is not empty.
struct Chore {
    runtime: Arc<Runtime>,
    batch: Batch,
    piece: Vec<u8>,
}

/// What a stream is to be sent next.
enum Wanted {
    /// Whatever comes after this.
    After(Cursor),
    /// The rest of a large event.
    Part(PastPart),
}

/// Queues a stream that has just turned to the past, or is there still.
pub(super) fn queue(stream: &Arc<Stream>) {
    if past::IS_BUILT_IN && stream.runtime.past.push(stream) {
        let runtime = Arc::clone(&stream.runtime);
        Box::new(Chore { runtime, batch: Batch::default(), piece: Vec::new() }).queue();
    }
}

impl Chore {
    /// Goes to the end of the queue of all chores.
    fn queue(self: Box<Self>) {
        let runtime = Arc::clone(&self.runtime);
        if runtime.pool.chore(self).is_ok() {
            return;
        }
        // No worker is left, or can be had: a client that comes back may find one.
        while let Some(stream) = runtime.past.next() {
            stream.end(CloseReason::Failed);
        }
    }
}

impl Task for Chore {
    fn perform(mut self: Box<Self>) {
        let Some(stream) = self.runtime.past.next() else { return };
        let Self { runtime, batch, piece } = &mut *self;
        let panics = runtime.counts.panics();
        if panics.catch(|| stream.send_past(batch, piece)).is_none() {
            // One that panics would panic again.
            panics.catch(|| stream.end(CloseReason::Failed));
        }
        drop(stream);
        self.queue();
    }
}

impl Stream {
    /// Whether only the chore may move its cursor. The state must be locked, as for the next two.
    pub(super) fn is_in_past(&self) -> bool {
        past::IS_BUILT_IN && self.in_past.load(Ordering::Relaxed)
    }

    fn set_in_past(&self, is: bool) {
        self.in_past.store(is, Ordering::Relaxed);
    }

    /// What comes next is not in the logs. Where the hub has no past, that is the stream's end.
    pub(super) fn turn_to_past(&self, live: &Live) -> Advance {
        match &live.subscription {
            Some(of) if of.followed.past().is_some() => {
                self.set_in_past(true);
                Advance::Past
            }
            _ => Advance::Over(CloseReason::Lagged),
        }
    }

    /// Reads a piece of the past and sends it.
    fn send_past(self: &Arc<Self>, batch: &mut Batch, piece: &mut Vec<u8>) {
        let Some((followed, wanted)) = self.wanted() else { return };
        let read = self.read_past(&followed, &wanted, batch, piece);
        let advance = {
            let mut state = self.lock();
            let Some(live) = state.open() else { return };
            let now = Moment::now();
            let advance = match (read, wanted) {
                (Err(reason), _) => Advance::Over(reason),
                (Ok(()), Wanted::Part(_)) => self.send_piece(live, piece, now),
                // Something that an application has sent. Its retry comes back here.
                (Ok(()), Wanted::After(_)) if live.outbox.is_blocked() => {
                    self.set_in_past(false);
                    return;
                }
                // The logs may have more, even of channels that are closed.
                (Ok(()), Wanted::After(from)) if batch.bytes().is_empty() => {
                    let place = batch.cursor.place;
                    live.subscription.iter_mut().for_each(|of| of.cursor = batch.cursor);
                    match place > from.place && followed.is_over() {
                        true => self.tell_place(live, &followed, place),
                        false => Advance::Idle,
                    }
                }
                (Ok(()), Wanted::After(_)) => match &mut live.subscription {
                    Some(of) => self.send_batch(&mut live.outbox, of, batch, 1, now),
                    None => Advance::Idle,
                },
            };
            self.set_in_past(advance == Advance::Past);
            advance
        };
        self.notify_drained();
        match advance {
            Advance::Idle | Advance::Sent { .. } => {
                self.tell();
                followed.catch_up(&(Arc::clone(self) as _));
            }
            _ => Arc::clone(self).settle(advance),
        }
    }

    /// Tells the client of a stream that is about to end how far that has come without an event. If
    /// it comes back with that id, nothing lies between it and the end.
    fn tell_place(&self, live: &mut Live, followed: &Followed, place: u64) -> Advance {
        let first = First::id(followed.id(place).text().as_str());
        match self.put_now(live, &self.framed(&first.content), false) {
            Ok(Put::Blocked) => Advance::Blocked,
            Ok(Put::Done | Put::Waits) => Advance::Idle,
            Err(Gone(reason)) => Advance::Over(reason),
        }
    }

    fn wanted(&self) -> Option<(Followed, Wanted)> {
        let mut state = self.lock();
        let live = state.open()?;
        let subscription = live.subscription.as_ref()?;
        let wanted = match live.outbox.missing() {
            Some(part) => Wanted::Part(part.clone()),
            None => Wanted::After(subscription.cursor),
        };
        Some((subscription.followed.clone(), wanted))
    }

    /// Reads without a lock.
    fn read_past(
        &self,
        followed: &Followed,
        wanted: &Wanted,
        batch: &mut Batch,
        piece: &mut Vec<u8>,
    ) -> Result<(), CloseReason> {
        let past = followed.past().ok_or(CloseReason::Lagged)?;
        let failed = |error: io::Error| match error.kind() {
            ErrorKind::NotFound => CloseReason::Lagged,
            _ => CloseReason::Failed,
        };
        match wanted {
            Wanted::Part(part) => {
                piece.clear();
                past.read_part(&followed.names(), part, piece).map_err(failed)
            }
            Wanted::After(from) if followed.closes() && past.has_lost(from.place) => {
                Err(CloseReason::Lagged)
            }
            Wanted::After(from) => {
                past.read(&followed.names(), *from, !self.chunked, batch).map_err(failed)
            }
        }
    }

    /// Sends the first bytes of those that were missing.
    fn send_piece(&self, live: &mut Live, piece: &[u8], now: Moment) -> Advance {
        live.outbox.give(piece);
        match live.outbox.flush(now) {
            Ok(whole) => self.note_sent(whole, &live.outbox),
            Err(Gone(reason)) => return Advance::Over(reason),
        }
        if live.outbox.missing().is_some() {
            return Advance::Past;
        }
        if !live.outbox.is_empty() {
            return Advance::Blocked;
        }
        live.outbox.unblock();
        Advance::Sent { more: true, told: self.teller.is_some() }
    }
}

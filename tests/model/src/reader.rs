//! A stream without a socket, which follows the same protocol as the product's.
//!
//! How it joins is the product's own `Followed::enter`; its other methods are those of
//! `src/stream/{delivery,end}.rs`, with a list of bytes for the socket. A thread stands in for the
//! watch thread where the socket was full.

use std::sync::Arc;

use shuttle::rand::{Rng, thread_rng};

use crate::CloseReason;
use crate::channel::Channel;
use crate::channel::batches::Batches;
use crate::channel::fanout::Shard;
use crate::channel::reader::{Advance, Reader};
use crate::channel::subscription::Subscription;
use crate::log::cursor::{Cursor, Start};
use crate::net::moment::Moment;
use crate::net::sync::{Condvar, Mutex, thread};

pub(crate) struct Stream {
    shard: Arc<Shard>,
    /// Whether its socket is sometimes full.
    is_slow: bool,
    state: Mutex<State>,
    /// Notified whenever something has gone out, and at the end.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    subscription: Option<Subscription>,
    ended: bool,
    /// Whether it has left its channels.
    gone: bool,
    blocked: bool,
    /// What has gone out.
    bytes: Vec<u8>,
    began: Cursor,
    cursor: Cursor,
}

impl Stream {
    pub(crate) fn new(shard: &Arc<Shard>, is_slow: bool) -> Arc<Self> {
        let (state, changed) = (Mutex::default(), Condvar::new());
        Arc::new(Self { shard: Arc::clone(shard), is_slow, state, changed })
    }

    /// Follows the channels from now on.
    pub(crate) fn follow(self: &Arc<Self>, channels: &[Channel]) {
        self.shard.start().unwrap();
        let (subscription, _) = Subscription::new(channels, Start::Live).expect("channels");
        let followed = subscription.followed.clone();
        let mut state = self.state.lock().unwrap();
        if state.ended {
            return;
        }
        state.began = subscription.cursor;
        state.cursor = state.began;
        state.subscription = Some(subscription);
        drop(state);
        followed.enter(&(Arc::clone(self) as _), |joined| {
            match &mut self.state.lock().unwrap().subscription {
                Some(subscription) => {
                    subscription.followed = joined;
                    Ok(())
                }
                None => Err(joined),
            }
        });
    }

    /// What the watch thread does for a stream whose socket was full.
    fn try_again(self: &Arc<Self>) {
        let mut state = self.state.lock().unwrap();
        state.blocked = false;
        let Some(followed) = state.subscription.as_ref().map(|of| of.followed.clone()) else {
            return;
        };
        drop(state);
        followed.catch_up(&(Arc::clone(self) as _));
    }

    /// Waits until it has been sent everything up to this number. Where that never comes, no thread
    /// can go on, and that is what the scheduler finds.
    pub(crate) fn has(&self, sequence: u64) {
        let mut state = self.state.lock().unwrap();
        while state.cursor.place < sequence {
            state = self.changed.wait(state).unwrap();
        }
    }

    pub(crate) fn has_ended(&self) {
        let mut state = self.state.lock().unwrap();
        while !state.gone {
            state = self.changed.wait(state).unwrap();
        }
    }

    /// Where it began, and the numbers of the events that it was sent.
    pub(crate) fn events(&self) -> (u64, Vec<u64>) {
        let state = self.state.lock().unwrap();
        let text = std::str::from_utf8(&state.bytes).unwrap();
        assert!(!text.contains("tidings.gap"), "nothing is evicted here: {text}");
        let ids = text.lines().filter_map(|line| line.strip_prefix("id: ")?.split_once('-'));
        (state.began.place, ids.map(|(_, number)| number.parse().unwrap()).collect())
    }
}

impl Reader for Stream {
    fn shard(&self) -> &Arc<Shard> {
        &self.shard
    }

    fn advance(&self, newest: u64, batches: &mut Batches, _now: Moment) -> Advance {
        let mut state = self.state.lock().unwrap();
        let State { subscription: Some(subscription), blocked, bytes, cursor, .. } = &mut *state
        else {
            return Advance::Idle;
        };
        if *blocked || subscription.cursor.place >= newest {
            return Advance::Idle;
        }
        let batch = subscription.next(false, batches).expect("it never lags");
        if batch.bytes().is_empty() {
            let over = Advance::Over(CloseReason::Channel);
            return if subscription.followed.is_over() { over } else { Advance::Idle };
        }
        if self.is_slow && thread_rng().gen_bool(0.3) {
            *blocked = true;
            return Advance::Blocked;
        }
        bytes.extend_from_slice(batch.bytes());
        *cursor = batch.cursor;
        let more = batch.full;
        subscription.cursor = *cursor;
        self.changed.notify_all();
        Advance::Sent { more, told: false }
    }

    fn settle(self: Arc<Self>, advance: Advance) {
        match advance {
            Advance::Blocked => drop(thread::spawn(move || self.try_again())),
            Advance::Past => unreachable!("its hub remembers nothing"),
            Advance::Over(reason) => self.end(reason),
            Advance::Idle | Advance::Sent { .. } => {}
        }
    }

    fn channel_closed(self: Arc<Self>) {
        let followed = match &self.state.lock().unwrap().subscription {
            Some(of) if of.followed.is_over() => of.followed.clone(),
            _ => return,
        };
        followed.catch_up(&(self as _));
    }

    fn end(&self, reason: CloseReason) {
        let mut state = self.state.lock().unwrap();
        if state.ended {
            return;
        }
        state.ended = true;
        let subscription = state.subscription.take();
        drop(state);
        if let Some(mut subscription) = subscription {
            subscription.followed.leave(&self.shard);
            if reason.ends_well() {
                self.put_rest_of_log(&mut subscription);
            }
        }
        self.state.lock().unwrap().gone = true;
        self.changed.notify_all();
    }
}

impl Stream {
    fn put_rest_of_log(&self, subscription: &mut Subscription) {
        let mut batches = Batches::default();
        loop {
            batches.forget();
            let batch = subscription.next(false, &mut batches).expect("it never lags");
            if batch.bytes().is_empty() {
                return;
            }
            self.state.lock().unwrap().bytes.extend_from_slice(batch.bytes());
            subscription.cursor = batch.cursor;
        }
    }
}

/// Something that only takes a place in a list, so that others come into its next bucket.
pub(crate) struct Placeholder(pub(crate) Arc<Shard>);

impl Reader for Placeholder {
    fn shard(&self) -> &Arc<Shard> {
        &self.0
    }

    fn advance(&self, _newest: u64, _batches: &mut Batches, _now: Moment) -> Advance {
        Advance::Idle
    }

    fn settle(self: Arc<Self>, _advance: Advance) {}

    fn channel_closed(self: Arc<Self>) {}

    fn end(&self, _reason: CloseReason) {}
}

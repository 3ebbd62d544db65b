//! What a server counts, so that it can be bounded and watched.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::net::atomic::AtomicU64;
use crate::net::panics::Panics;

/// The counters of one server. What is open now is counted by [`Slot`]s, whose drop gives the
/// place back; what ever happened only rises.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    connections: Arc<AtomicUsize>,
    intervals: Arc<AtomicUsize>,
    accepted: AtomicU64,
    requests: AtomicU64,
    streams: AtomicU64,
    panics: Arc<Panics>,
    /// By [`Bound`].
    refused: [AtomicU64; 3],
}

/// How many there may be at once, of what. Past it a client is sent away for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Connections,
    Streams,
    StreamsPerPeer,
}

impl Bound {
    pub(crate) fn why(self) -> &'static str {
        match self {
            Self::Connections => "too many connections",
            Self::Streams => "too many event streams",
            Self::StreamsPerPeer => "too many event streams of one peer",
        }
    }
}

/// One of a counted number of places.
#[derive(Debug)]
pub(crate) struct Slot(Arc<AtomicUsize>);

impl Slot {
    fn of(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(count))
    }
}

/// One of a bounded number of places; dropping it gives the place back.
pub(crate) struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    /// Takes a place, if fewer than `most` are taken.
    pub(crate) fn of(taken: &'a AtomicUsize, most: usize) -> Option<Self> {
        let take = |now: usize| (now < most).then_some(now + 1);
        taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok().map(|_| Self(taken))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What a server is doing, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connections that are open now, those of streams included.
    pub connections: usize,
    /// Event streams that are open now.
    pub streams: usize,
    /// Threads of intervals that are running now, and those that streams have
    /// [spawned](crate::SseWriter::spawn).
    pub intervals: usize,
    /// Worker threads that there are now.
    pub workers: usize,
    /// Connections that were ever accepted.
    pub accepted: u64,
    /// Requests whose heads were ever read whole, and valid: also those that were then refused.
    pub requests: u64,
    /// Event streams that ever began.
    pub streams_begun: u64,
    /// Panics of the server's own threads, each a fault of the library's: the thread has gone on.
    /// Those of handlers, callbacks and hooks are not counted.
    pub panics: u64,
    /// Requests that were refused past [`Limits::connections`](crate::Limits::connections), and
    /// connections that were closed far past it.
    pub refused_connections: u64,
    /// Requests that were refused past [`Limits::streams`](crate::Limits::streams).
    pub refused_streams: u64,
    /// Requests that were refused past
    /// [`Limits::streams_per_peer`](crate::Limits::streams_per_peer).
    pub refused_streams_per_peer: u64,
}

impl Counts {
    pub(crate) fn connection(&self) -> Slot {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        Slot::of(&self.connections)
    }

    pub(crate) fn interval(&self) -> Slot {
        Slot::of(&self.intervals)
    }

    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stream(&self) {
        self.streams.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refuse(&self, bound: Bound) {
        self.refused[bound as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn panics(&self) -> &Arc<Panics> {
        &self.panics
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }

    pub(crate) fn intervals(&self) -> usize {
        self.intervals.load(Ordering::Acquire)
    }

    /// What is counted here; the caller adds the rest.
    pub(crate) fn stats(&self) -> Stats {
        let refused = |bound| self.refused[bound as usize].load(Ordering::Relaxed);
        Stats {
            connections: self.connections(),
            intervals: self.intervals(),
            accepted: self.accepted.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            streams_begun: self.streams.load(Ordering::Relaxed),
            panics: self.panics.count(),
            refused_connections: refused(Bound::Connections),
            refused_streams: refused(Bound::Streams),
            refused_streams_per_peer: refused(Bound::StreamsPerPeer),
            ..Stats::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_its_bound_there_is_no_place_until_one_is_given_back() {
        let taken = AtomicUsize::new(0);
        let places = [(); 2].map(|()| Place::of(&taken, 2).unwrap());
        assert!(Place::of(&taken, 2).is_none());
        drop(places);
        assert!(Place::of(&taken, 2).is_some());
    }
}

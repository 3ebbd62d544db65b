//! Which event streams there are, so that they can be counted, checked and ended.
//!
//! The registry refers to its streams and does not keep them alive. A stream's place is given back
//! by its [`Ticket`], which the stream drops at its end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::net::counts::Bound;
use crate::peer::{Peer, Place};

/// How many streams are visited at a time.
const AT_ONCE: usize = 256;

pub(crate) struct Registry<T> {
    most: usize,
    most_per_peer: usize,
    /// No other lock is taken while this one is held.
    places: Mutex<Places<T>>,
}

struct Places<T> {
    /// A place that is free, or whose stream is being made, is empty.
    streams: Vec<Weak<T>>,
    free: Vec<u32>,
    /// How many each peer has, and who has each place. Only kept where it is bounded.
    per_peer: HashMap<Place, usize>,
    peers: Vec<Option<Place>>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { streams: Vec::new(), free: Vec::new(), per_peer: HashMap::new(), peers: Vec::new() }
    }
}

/// A stream's place in the registry; dropping it gives the place back.
pub(crate) struct Ticket<T> {
    registry: Arc<Registry<T>>,
    number: u32,
}

impl<T> Registry<T> {
    pub(crate) fn new(most: usize, most_per_peer: usize) -> Arc<Self> {
        Arc::new(Self { most, most_per_peer, places: Mutex::default() })
    }

    /// A place for one more stream, or the bound that is reached. Peers of unix sockets have no
    /// bound of their own: they can't be told apart, and one of them may be a proxy for everybody.
    pub(crate) fn admit(self: &Arc<Self>, peer: Peer) -> Result<Ticket<T>, Bound> {
        let peer = peer.place();
        let mut places = self.lock();
        if places.taken() >= self.most.min(u32::MAX as usize) {
            return Err(Bound::Streams);
        }
        if places.per_peer.get(&peer).copied().unwrap_or(0) >= self.most_per_peer {
            return Err(Bound::StreamsPerPeer);
        }
        let number = places.free.pop().unwrap_or_else(|| {
            places.streams.push(Weak::new());
            (places.streams.len() - 1) as u32
        });
        if self.most_per_peer < usize::MAX && peer != Place::Unix {
            *places.per_peer.entry(peer).or_default() += 1;
            let count = places.streams.len();
            places.peers.resize(count, None);
            places.peers[number as usize] = Some(peer);
        }
        Ok(Ticket { registry: Arc::clone(self), number })
    }

    /// Enters the stream in its place.
    pub(crate) fn enter(&self, number: u32, stream: &Arc<T>) {
        if let Some(place) = self.lock().streams.get_mut(number as usize) {
            *place = Arc::downgrade(stream);
        }
    }

    /// How many places are taken.
    pub(crate) fn len(&self) -> usize {
        self.lock().taken()
    }

    /// Visits all streams, some at a time and without the lock, which is held for no longer than
    /// it takes to list those.
    pub(crate) fn visit(&self, mut visit: impl FnMut(&[Arc<T>])) {
        let mut streams = Vec::with_capacity(self.len().min(AT_ONCE));
        for from in (0..).step_by(AT_ONCE) {
            let places = self.lock();
            let Some(rest) = places.streams.get(from..).filter(|rest| !rest.is_empty()) else {
                return;
            };
            streams.extend(rest.iter().take(AT_ONCE).filter_map(Weak::upgrade));
            drop(places);
            visit(&streams);
            // Dropped without the lock, as the last owner's drop comes back here.
            streams.clear();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Places<T>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Places<T> {
    fn taken(&self) -> usize {
        self.streams.len() - self.free.len()
    }

    fn release(&mut self, peer: Place) {
        if let Some(of_peer) = self.per_peer.get_mut(&peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                self.per_peer.remove(&peer);
            }
        }
    }
}

impl<T> Ticket<T> {
    pub(crate) fn number(&self) -> u32 {
        self.number
    }
}

impl<T> Drop for Ticket<T> {
    fn drop(&mut self) {
        let mut places = self.registry.lock();
        places.streams[self.number as usize] = Weak::new();
        places.free.push(self.number);
        if let Some(peer) = places.peers.get_mut(self.number as usize).and_then(Option::take) {
            places.release(peer);
        }
        if places.taken() == 0 {
            // The memory of the busiest hour is given back when the last stream is gone.
            *places = Places::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

    const HOME: Peer = peer(IpAddr::V4(Ipv4Addr::LOCALHOST));
    const OTHER: Peer = peer(IpAddr::V6(Ipv6Addr::LOCALHOST));

    const fn peer(address: IpAddr) -> Peer {
        Peer::Tcp(SocketAddr::new(address, 4000))
    }

    #[test]
    fn a_place_is_given_back_when_its_ticket_is_dropped() {
        let registry = Registry::<()>::new(2, usize::MAX);
        let first = registry.admit(HOME);
        let second = registry.admit(HOME);
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(registry.admit(HOME).err(), Some(Bound::Streams));
        drop(first);
        assert_eq!(registry.len(), 1);
        assert_eq!(registry.admit(HOME).map(|ticket| ticket.number()), Ok(0));
    }

    #[test]
    fn each_peer_has_its_own_bound() {
        let registry = Registry::<()>::new(usize::MAX, 1);
        let first = registry.admit(HOME);
        assert!(first.is_ok());
        assert_eq!(registry.admit(HOME).err(), Some(Bound::StreamsPerPeer));
        let other = registry.admit(OTHER);
        assert!(other.is_ok());
        drop(first);
        assert!(registry.admit(HOME).is_ok());
        drop(other);
        assert!(registry.lock().per_peer.is_empty());
    }

    #[test]
    fn a_peer_that_gives_one_place_back_has_one_free_and_no_more() {
        let registry = Registry::<()>::new(usize::MAX, 2);
        let places = [registry.admit(HOME), registry.admit(HOME)];
        assert!(places.iter().all(Result::is_ok));
        let [first, _second] = places;
        drop(first);
        let third = registry.admit(HOME);
        assert!(third.is_ok());
        assert!(registry.admit(HOME).is_err());
    }

    #[test]
    fn limit_streams_per_peer_does_not_hold_for_unix_sockets() {
        let registry = Registry::<()>::new(3, 1);
        let places = [Peer::Unix, Peer::Unix, HOME].map(|peer| registry.admit(peer));
        assert!(places.iter().all(Result::is_ok));
        assert!(registry.admit(Peer::Unix).is_err(), "the bound on all streams holds");
        drop(places);
        assert!(registry.lock().per_peer.is_empty());
    }

    #[test]
    fn peers_without_a_bound_are_not_counted() {
        let registry = Registry::<()>::new(usize::MAX, usize::MAX);
        let place = registry.admit(HOME);
        assert!(place.is_ok());
        assert!(registry.lock().per_peer.is_empty() && registry.lock().peers.is_empty());
    }

    #[test]
    fn limit_streams_per_peer_takes_a_network_of_ipv6_for_one_peer() {
        for (one, other, same) in [
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
        ] {
            let registry = Registry::<()>::new(usize::MAX, 1);
            let _first = registry.admit(peer(one.parse().unwrap())).unwrap();
            let second = registry.admit(peer(other.parse().unwrap()));
            assert_eq!(second.is_err(), same, "{one} {other}");
        }
    }
}

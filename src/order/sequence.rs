//! How far a hub's order has come: its epochs, its newest place, and the time as its logs know it.

use std::sync::atomic::Ordering;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use crate::digits::Digits;
use crate::log::id::{Epochs, Found, Id, Ids};
use crate::log::runs::Runs;
use crate::net::atomic::AtomicU64;
use crate::net::moment::Moment;
use crate::random::random;

/// Shared by all channels of a hub. Its order writes it, and everybody reads it.
pub(crate) struct Sequence {
    epochs: Epochs,
    /// Where ids come from elsewhere, these count in place of the epochs. No other lock is taken
    /// while this one is held.
    runs: Option<RwLock<Runs>>,
    /// What the ids of the newest epoch begin with: most of the work of writing one.
    prefix: String,
    /// The place before the first event of that epoch.
    own: u64,
    /// The place of the newest event that is in the logs, or was evicted from them. Written while
    /// the log of its channel is locked, so a reader who holds the logs of several channels sees
    /// all of their events up to it.
    newest: AtomicU64,
    started: Moment,
    /// The time of logs at the start.
    offset: Duration,
}

/// Whether ids come from elsewhere in any order of this build. Where they don't, the compiler
/// leaves out all that is for it.
const HAS_RUNS: bool = cfg!(any(feature = "redis", feature = "follow"));

/// At most thirteen digits: short on the wire, and the chance that two starts share an epoch is 1
/// in 10^12.
const EPOCH_BITS: u32 = 40;

impl Sequence {
    /// That of a hub which remembers nothing. Its epoch is random and not the time, since small
    /// devices often start with their clock at zero.
    pub(crate) fn new() -> Self {
        let epoch = random() >> (u64::BITS - EPOCH_BITS);
        Self::resumed(Epochs::one(epoch), 0, Duration::ZERO)
    }

    /// That of a hub which goes on after the event at the place `newest`. Its logs can be filled
    /// with events that are no older than `oldest`, each at its true age ([`aged`](Self::aged)).
    pub(crate) fn resumed(epochs: Epochs, newest: u64, oldest: Duration) -> Self {
        let own = epochs.own();
        Self {
            prefix: format!("{}-", epochs.id(own).epoch),
            own,
            epochs,
            runs: None,
            newest: AtomicU64::new(newest),
            started: Moment::now(),
            offset: oldest,
        }
    }

    /// That of a hub whose order lies elsewhere, and of whose events it knows none yet. Its places
    /// begin anywhere, as an id may say how much a client has seen of logs whose first events are
    /// at certain places ([`read`](crate::log::read)): that is to mean nothing to another hub.
    #[cfg_attr(not(any(feature = "redis", feature = "follow")), allow(dead_code))]
    pub(crate) fn elsewhere(oldest: Duration) -> Self {
        let own = random() >> (u64::BITS - EPOCH_BITS);
        let runs = Some(RwLock::new(Runs::new(own, Id::default())));
        Self { own, runs, ..Self::resumed(Epochs::one(0), own, oldest) }
    }

    /// Of an order that has epochs of its own.
    pub(crate) fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    fn runs(&self) -> Option<&RwLock<Runs>> {
        self.runs.as_ref().filter(|_| HAS_RUNS)
    }

    /// Changes the runs of an order elsewhere.
    pub(crate) fn change_runs<T>(&self, change: impl FnOnce(&mut Runs) -> T) -> Option<T> {
        self.runs().map(|runs| change(&mut runs.write().unwrap_or_else(PoisonError::into_inner)))
    }

    pub(crate) fn id(&self, place: u64) -> Id {
        match self.runs() {
            Some(runs) => runs.read().unwrap_or_else(PoisonError::into_inner).id(place),
            None => self.epochs.id(place),
        }
    }

    pub(crate) fn find(&self, id: Id) -> Found {
        match self.runs() {
            Some(runs) => runs.read().unwrap_or_else(PoisonError::into_inner).find(id),
            None => self.epochs.find(id),
        }
    }

    /// Whether what has this place tells of a loss, and is in the logs of all channels.
    pub(crate) fn is_loss(&self, place: u64) -> bool {
        let is_loss = |runs: &RwLock<Runs>| {
            runs.read().unwrap_or_else(PoisonError::into_inner).is_loss(place)
        };
        self.runs().is_some_and(is_loss)
    }

    /// The id as text of an event of the hub's own epoch. It has room for the line feed that goes
    /// with it to a publisher.
    pub(crate) fn text(&self, place: u64) -> String {
        let sequence = Digits::decimal(place - self.own);
        let mut text = String::with_capacity(self.prefix.len() + sequence.as_bytes().len() + 1);
        text.push_str(&self.prefix);
        text.extend(sequence.as_bytes().iter().copied().map(char::from));
        text
    }

    pub(crate) fn newest(&self) -> u64 {
        self.newest.load(Ordering::Acquire)
    }

    /// How many events came since the hub's start.
    pub(crate) fn published(&self) -> u64 {
        self.newest().saturating_sub(self.own)
    }

    /// The place of the event of this number, of the hub's own epoch.
    pub(crate) fn place(&self, sequence: u64) -> u64 {
        self.own + sequence
    }

    /// Everything up to this place is in the logs. Called while the log of its event is locked.
    pub(crate) fn reach(&self, place: u64) {
        self.newest.store(place, Ordering::Release);
    }

    /// Takes the places of so many events, adjacent, and returns the first. Called while the log
    /// that they are appended to at once is locked. For hubs that remember nothing: the newest
    /// place is one of the hub's own epoch.
    pub(crate) fn draw(&self, count: u64) -> u64 {
        self.newest.fetch_add(count, Ordering::AcqRel) + 1
    }

    /// The time as logs know it.
    pub(crate) fn now(&self) -> Duration {
        self.time(Moment::now())
    }

    /// A point in time as logs know it.
    pub(crate) fn time(&self, at: Moment) -> Duration {
        self.offset + at.since(self.started)
    }

    /// When an event of this age came, as logs know it.
    pub(crate) fn aged(&self, age: Duration) -> Duration {
        self.now().saturating_sub(age)
    }
}

impl Ids for Sequence {
    fn id(&self, place: u64) -> Id {
        self.id(place)
    }

    fn find(&self, id: Id) -> Found {
        self.find(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_starts_have_two_epochs() {
        assert_ne!(Sequence::new().epochs, Sequence::new().epochs);
    }

    #[test]
    fn a_hub_that_goes_on_stands_at_the_last_event_until_it_has_one_of_its_own() {
        let epochs = || Epochs::rising(vec![0, 100], 200);
        let last = epochs().place(Id { epoch: 100, sequence: 17 }).unwrap();
        let sequence = Sequence::resumed(epochs(), last, Duration::ZERO);
        assert_eq!(
            (sequence.id(sequence.newest()).to_string(), sequence.published()),
            ("100-17".into(), 0)
        );
        let first = sequence.place(1);
        assert_eq!(
            (sequence.id(first).to_string(), sequence.text(first)),
            ("200-1".into(), "200-1".into())
        );
        sequence.reach(first);
        assert_eq!(sequence.published(), 1);
    }

    #[test]
    fn events_from_before_the_start_keep_their_age() {
        let hour = Duration::from_secs(3600);
        let sequence = Sequence::resumed(Epochs::one(1), 0, hour);
        let came = sequence.aged(hour);
        assert!(came > Duration::ZERO && sequence.now() - came >= hour);
        assert_eq!(sequence.aged(Duration::MAX), Duration::ZERO);
    }
}

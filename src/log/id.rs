//! Ids of events: what they mean, how they are written, and how a hub keeps them in 8 bytes.
//!
//! ```text
//! id    = epoch "-" sequence      both decimal, without leading zeros
//! place = index of the epoch among those that the hub knows << 48 | sequence
//! ```
//!
//! Ids are ordered as pairs. A hub begins a new epoch with each start, greater than every epoch
//! that it knows; within an epoch the sequence counts up from 1, and 0 is before its first event.
//! So the places of one hub are ordered as its ids are. A hub that remembers nothing knows one
//! epoch, and there a place is the sequence number. Where ids come from elsewhere, places are
//! counted in another way: see [`runs`](super::runs).

use std::fmt;

use super::gap::Reason;
use crate::digits::Digits;

/// An event's id, or one of a place before or between events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id {
    pub(crate) epoch: u64,
    pub(crate) sequence: u64,
}

impl Id {
    /// Reads an id as [`text`](Self::text) writes it, and no other form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (epoch, sequence) = text.split_once('-')?;
        Some(Self { epoch: number(epoch)?, sequence: number(sequence)? })
    }

    pub(crate) fn text(self) -> IdText {
        let (epoch, sequence) = (Digits::decimal(self.epoch), Digits::decimal(self.sequence));
        let mut text = IdText { bytes: [0; LONGEST], len: 0 };
        text.push(epoch.as_bytes());
        text.push(b"-");
        text.push(sequence.as_bytes());
        text
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

/// A decimal number as ids have it: digits alone, without leading zeros, and no more than 64 bits.
pub(crate) fn number(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with(['0', '+']);
    text.parse().ok().filter(|_| canonical)
}

/// Two numbers of 20 digits, and the hyphen.
const LONGEST: usize = 41;

/// An id as text, on the stack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdText {
    bytes: [u8; LONGEST],
    len: usize,
}

impl IdText {
    fn push(&mut self, part: &[u8]) {
        self.bytes[self.len..self.len + part.len()].copy_from_slice(part);
        self.len += part.len();
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).expect("digits are ASCII")
    }

    /// It has room for the line feed that goes with it to a publisher.
    pub(crate) fn into_string(self) -> String {
        let mut text = String::with_capacity(self.len + 1);
        text.push_str(self.as_str());
        text
    }
}

/// The ids of a hub's places, and the places of ids.
pub(crate) trait Ids {
    /// The id of one of the hub's places.
    fn id(&self, place: u64) -> Id;

    fn find(&self, id: Id) -> Found;
}

/// Where an id is among those of a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The hub has given everything after it, or tells what it has not: its place. It may be one
    /// that the hub has not come to yet.
    At(u64),
    /// All that the hub has, and that comes after it, comes after this place. But the hub can't
    /// know what else there was.
    After(u64, Reason),
    /// It may be the id of an event that the hub has not heard of yet.
    Ahead,
    /// It is none of this hub's.
    Unknown,
}

/// How many bits of a place are its sequence number: at a million events a second, enough for nine
/// years without a restart.
const SEQUENCE_BITS: u32 = 48;
/// The greatest sequence number that has a place.
pub(crate) const SEQUENCE: u64 = (1 << SEQUENCE_BITS) - 1;

/// How many epochs a hub knows at most, the newest of them: their indexes have 16 bits.
#[cfg_attr(not(feature = "journal"), allow(dead_code))]
pub(crate) const EPOCHS: usize = 60_000;

/// The epochs that a hub knows, rising. The newest is its own; there is always one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Epochs(Box<[u64]>);

impl Epochs {
    /// That of a hub which knows no other.
    pub(crate) fn one(own: u64) -> Self {
        Self([own].into())
    }

    /// Earlier ones, rising, and one greater than all of them. The oldest are left out if there
    /// are more than [`EPOCHS`].
    #[cfg_attr(not(feature = "journal"), allow(dead_code))]
    pub(crate) fn rising(mut earlier: Vec<u64>, own: u64) -> Self {
        earlier.push(own);
        debug_assert!(earlier.is_sorted_by(|one, next| one < next), "{earlier:?}");
        let surplus = earlier.len().saturating_sub(EPOCHS);
        earlier.drain(..surplus);
        Self(earlier.into())
    }

    /// The place before the first event of the hub's own epoch.
    pub(crate) fn own(&self) -> u64 {
        ((self.0.len() - 1) as u64) << SEQUENCE_BITS
    }

    /// The id of one of the hub's places.
    pub(crate) fn id(&self, place: u64) -> Id {
        let epoch = self.0[(place >> SEQUENCE_BITS) as usize];
        Id { epoch, sequence: place & SEQUENCE }
    }

    /// The place of an id, if its epoch is one of these.
    pub(crate) fn place(&self, id: Id) -> Option<u64> {
        let index = self.0.binary_search(&id.epoch).ok()?;
        (id.sequence <= SEQUENCE).then_some((index as u64) << SEQUENCE_BITS | id.sequence)
    }
}

impl Ids for Epochs {
    fn id(&self, place: u64) -> Id {
        self.id(place)
    }

    fn find(&self, id: Id) -> Found {
        self.place(id).map_or(Found::Unknown, Found::At)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(epoch: u64, sequence: u64) -> Id {
        Id { epoch, sequence }
    }

    #[test]
    fn an_id_is_two_decimal_numbers_and_is_read_as_it_is_written() {
        for (id, text) in [
            (id(0, 0), "0-0"),
            (id(171, 7), "171-7"),
            (id(1_764_314_275_000, 17), "1764314275000-17"),
            (id(u64::MAX, u64::MAX), "18446744073709551615-18446744073709551615"),
        ] {
            assert_eq!((id.text().as_str(), id.to_string()), (text, text.to_owned()));
            assert_eq!(Id::parse(text), Some(id));
            let owned = id.text().into_string();
            assert_eq!((owned.as_str(), owned.capacity()), (text, text.len() + 1));
        }
    }

    #[test]
    fn no_other_form_is_an_id() {
        for text in [
            "",
            "-",
            "7",
            "7-",
            "-7",
            "7--7",
            "07-7",
            "7-07",
            "00-0",
            "+7-7",
            "7-+7",
            "ab-1",
            "7-1-2",
            " 7-1",
            "7-1 ",
            "7-1\n",
            "7-18446744073709551616",
            "７-1",
        ] {
            assert_eq!(Id::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn ids_are_ordered_as_pairs_and_places_as_ids() {
        let epochs = Epochs::rising(vec![0, 5, 1_000], 1_001);
        let ids = [id(0, 0), id(5, 0), id(5, 900), id(1_000, 1), id(1_001, 0), id(1_001, SEQUENCE)];
        assert!(ids.is_sorted());
        let places: Vec<u64> = ids.iter().map(|id| epochs.place(*id).unwrap()).collect();
        assert!(places.is_sorted_by(|one, next| one < next), "{places:?}");
        assert_eq!(places.iter().map(|place| epochs.id(*place)).collect::<Vec<_>>(), ids);
        assert_eq!((places[0], places[4]), (0, epochs.own()));
    }

    #[test]
    fn an_id_of_an_unknown_epoch_or_past_every_sequence_has_no_place() {
        let epochs = Epochs::rising(vec![0, 5], 9);
        for unknown in [id(4, 1), id(10, 1), id(9, SEQUENCE + 1), id(9, u64::MAX)] {
            assert_eq!(epochs.place(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn with_one_epoch_a_place_is_the_sequence_number() {
        let epochs = Epochs::one(171);
        assert_eq!(epochs.own(), 0);
        assert_eq!((epochs.place(id(171, 7)), epochs.id(7)), (Some(7), id(171, 7)));
    }

    #[test]
    fn the_newest_epochs_are_known_if_there_are_too_many() {
        let epochs = Epochs::rising((0..70_000).collect(), 70_000);
        assert_eq!(epochs.place(id(70_000 - EPOCHS as u64, 1)), None);
        let oldest = id(70_000 - EPOCHS as u64 + 1, 1);
        assert_eq!(epochs.place(oldest), Some(1));
        assert_eq!(epochs.place(id(70_000, 0)), Some(epochs.own()));
    }
}

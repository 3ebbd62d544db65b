//! A list that a pass goes through while others join and leave it, each in constant time.
//!
//! ```text
//! bucket 0           bucket 1           bucket 2
//! 0 1 2 … 63        64 65 · … 127     128 129         · is free
//!                   ▲
//!                   a pass holds this bucket: whoever leaves it now copies it, once
//! ```
//!
//! A member keeps the number of its slot, so nobody searches for it. A pass takes one bucket at a
//! time, which costs one reference count and not one for each member.

use std::sync::Arc;

/// Large enough that a pass takes few buckets, small enough that a copy is cheap.
pub(crate) const BUCKET: usize = u64::BITS as usize;

pub(crate) struct Slots<T> {
    buckets: Vec<Arc<Bucket<T>>>,
    /// The buckets that have a free slot, each once.
    open: Vec<u32>,
    len: usize,
}

/// At most [`BUCKET`] slots. It grows with its members, as most channels have few.
#[derive(Clone)]
pub(crate) struct Bucket<T> {
    slots: Vec<Option<T>>,
    /// A bit for each slot that is taken.
    taken: u64,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { buckets: Vec::new(), open: Vec::new(), len: 0 }
    }
}

impl<T> Bucket<T> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().flatten()
    }
}

impl<T: Clone> Slots<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn buckets(&self) -> usize {
        self.buckets.len()
    }

    pub(crate) fn bucket(&self, at: usize) -> Option<&Arc<Bucket<T>>> {
        self.buckets.get(at)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.buckets.iter().flat_map(|bucket| bucket.iter())
    }

    /// Adds a member, and returns its slot.
    pub(crate) fn add(&mut self, member: T) -> u32 {
        let Some(&at) = self.open.last() else {
            self.buckets.push(Arc::new(Bucket { slots: Vec::new(), taken: 0 }));
            self.open.push((self.buckets.len() - 1) as u32);
            return self.add(member);
        };
        let bucket = Arc::make_mut(&mut self.buckets[at as usize]);
        let index = bucket.taken.trailing_ones() as usize;
        match bucket.slots.get_mut(index) {
            Some(slot) => *slot = Some(member),
            None => bucket.slots.push(Some(member)),
        }
        bucket.taken |= 1 << index;
        if bucket.taken == u64::MAX {
            self.open.pop();
        }
        self.len += 1;
        at * BUCKET as u32 + index as u32
    }

    /// Frees a slot, and returns its member. When the last member goes, so does the memory.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<T> {
        let (at, index) = (slot as usize / BUCKET, slot as usize % BUCKET);
        let bucket = Arc::make_mut(self.buckets.get_mut(at)?);
        let member = bucket.slots.get_mut(index)?.take()?;
        if bucket.taken == u64::MAX {
            self.open.push(at as u32);
        }
        bucket.taken &= !(1 << index);
        self.len -= 1;
        if self.len == 0 {
            *self = Self::default();
        }
        Some(member)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(slots: &Slots<u32>) -> Vec<u32> {
        let mut members: Vec<u32> = slots.iter().copied().collect();
        members.sort_unstable();
        members
    }

    #[test]
    fn a_member_has_a_slot_of_its_own_until_it_leaves() {
        let mut slots = Slots::default();
        for n in 0..200 {
            assert_eq!(slots.add(n), n);
        }
        assert_eq!((slots.len(), slots.buckets()), (200, 4));
        for n in [0, 63, 64, 127, 199] {
            assert_eq!(slots.remove(n), Some(n));
            assert_eq!(slots.remove(n), None);
        }
        assert_eq!(slots.remove(200), None);
        assert_eq!(slots.remove(1000), None);
        assert_eq!(slots.len(), 195);
        let mut again: Vec<u32> = (1000..1005).map(|n| slots.add(n)).collect();
        again.sort_unstable();
        assert_eq!(again, [0, 63, 64, 127, 199], "the free slots are taken first");
        assert_eq!((slots.add(1005), slots.buckets()), (200, 4));
        assert_eq!(members(&slots).len(), 201);
    }

    #[test]
    fn whoever_goes_through_a_bucket_does_not_see_who_comes_and_goes() {
        let mut slots = Slots::default();
        for n in 0..3 {
            slots.add(n);
        }
        let held = Arc::clone(slots.bucket(0).unwrap());
        slots.remove(1);
        slots.add(7);
        assert_eq!(held.iter().copied().collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(members(&slots), [0, 2, 7]);
        assert!(slots.bucket(1).is_none());
    }

    #[test]
    fn the_memory_goes_with_the_last_member() {
        let mut slots = Slots::default();
        let taken: Vec<u32> = (0..1000).map(|n| slots.add(n)).collect();
        for slot in taken {
            slots.remove(slot);
        }
        assert_eq!((slots.len(), slots.buckets(), slots.buckets.capacity()), (0, 0, 0));
        assert_eq!(slots.open.capacity(), 0);
    }

    #[test]
    fn row_52_leaving_costs_the_same_whatever_the_size() {
        // Copies are counted, as the time depends on the machine: none without a pass, and one
        // bucket for each that a pass holds.
        use std::sync::atomic::{AtomicUsize, Ordering};
        struct Counted(Arc<AtomicUsize>);
        impl Clone for Counted {
            fn clone(&self) -> Self {
                self.0.fetch_add(1, Ordering::Relaxed);
                Self(Arc::clone(&self.0))
            }
        }
        let copies = Arc::new(AtomicUsize::new(0));
        let mut slots = Slots::default();
        for _ in 0..10_000 {
            slots.add(Counted(Arc::clone(&copies)));
        }
        (0..5_000).for_each(|slot| drop(slots.remove(slot)));
        assert_eq!(copies.load(Ordering::Relaxed), 0);
        let _held = Arc::clone(slots.bucket(5_100 / BUCKET).unwrap());
        (5_000..10_000).for_each(|slot| drop(slots.remove(slot)));
        assert!(copies.load(Ordering::Relaxed) <= BUCKET);
    }
}

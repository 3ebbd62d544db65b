//! Values in the order of a key, for a `BinaryHeap` that has the first of them on top.

use std::cmp::Ordering;

/// A value and its key. The one with the smallest key is the greatest.
pub(crate) struct First<K, V> {
    pub(crate) key: K,
    pub(crate) value: V,
}

impl<K: Ord, V> PartialEq for First<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<K: Ord, V> Eq for First<K, V> {}

impl<K: Ord, V> PartialOrd for First<K, V> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Ord, V> Ord for First<K, V> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BinaryHeap;

    #[test]
    fn the_smallest_key_is_on_top() {
        let mut heap: BinaryHeap<_> =
            [2, 1, 3].map(|key| First { key, value: key * 10 }).into_iter().collect();
        let taken: Vec<_> = std::iter::from_fn(|| heap.pop()).map(|first| first.value).collect();
        assert_eq!(taken, [10, 20, 30]);
    }
}

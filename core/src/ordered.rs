//! Ordered sets and maps, filled item by item.
//!
//! `collect` sorts all items first, and that sort is compiled anew for each type: 4 KiB of
//! the engine for what holds a few nodes or devices.

use std::collections::{BTreeMap, BTreeSet};

/// A set of these items.
pub fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

/// A map of these pairs; of two with one key, the later.
pub fn map<K: Ord, V>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(pairs);
    map
}

//! Lists in order, and ordered sets and maps, without a sort of their own for each type.
//!
//! The standard library's sorts are fast and large, and compiled anew for each type: up to 8 KiB of
//! the engine before it is compressed. Here positions are sorted, by one function for all types.
//! Sets and maps are filled item by item, since `collect` sorts all items first.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

/// Sorts a list; what is equal keeps its order.
///
/// Takes about twice as long as the standard library's; what a person waits for uses that.
pub fn sort<T: Ord>(items: &mut [T]) {
    let order = order(items.len(), &|left, right| items[right] < items[left]);
    arrange(items, order);
}

/// Sorts a list by a key; what has the same keeps its order.
pub fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    let order = order(items.len(), &|left, right| key(&items[right]) < key(&items[left]));
    arrange(items, order);
}

/// Positions in the order of what stands there, by merging ever longer runs. `is_late` says of
/// two positions that the first belongs behind the second.
fn order(len: usize, is_late: &dyn Fn(usize, usize) -> bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    let mut merged = Vec::with_capacity(len);
    let mut run = 1;
    while run < len {
        for pair in order.chunks(2 * run) {
            let (mut left, mut right) = pair.split_at(run.min(pair.len()));
            while let ([first, rest @ ..], [other, others @ ..]) = (left, right) {
                if is_late(*first, *other) {
                    merged.push(*other);
                    right = others;
                } else {
                    merged.push(*first);
                    left = rest;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        mem::swap(&mut order, &mut merged);
        merged.clear();
        run *= 2;
    }
    order
}

/// Puts at each place what stood at the position that is given for it, cycle by cycle.
fn arrange<T>(items: &mut [T], mut order: Vec<usize>) {
    for start in 0..items.len() {
        let mut at = start;
        loop {
            let from = mem::replace(&mut order[at], at);
            if from == start {
                break;
            }
            items.swap(at, from);
            at = from;
        }
    }
}

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_list_comes_out_as_the_standard_library_sorts_it(items in prop::collection::vec(0..50u8, 0..200)) {
            let (mut ours, mut theirs) = (items.clone(), items);
            sort(&mut ours);
            theirs.sort();
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn what_has_the_same_key_keeps_its_order(keys in prop::collection::vec(0..9u8, 0..200)) {
            let items: Vec<(u8, usize)> = keys.into_iter().zip(0..).collect();
            let (mut ours, mut theirs) = (items.clone(), items);
            sort_by_key(&mut ours, |(key, _)| *key);
            theirs.sort_by_key(|(key, _)| *key);
            prop_assert_eq!(ours, theirs);
        }
    }
}

//! A store in memory: for tests, and for sessions on a borrowed computer, which leave
//! nothing on its disk.
//!
//! Clones share one store, as tabs share a database. [`Faults`] makes its writes fail.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::rc::Rc;

use super::{Batch, Direction, Durability, Range, Row, Step, Store, StoreError, Table};

/// A store in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    shared: Rc<RefCell<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    tables: BTreeMap<Table, BTreeMap<Vec<u8>, Vec<u8>>>,
    faults: Faults,
    counts: Counts,
}

/// What goes wrong with the next writes.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// How many writes succeed before `error` strikes; then every one fails until healed.
    pub after_writes: u32,
    /// The error to report; `None` for a healthy store.
    pub error: Option<StoreError>,
}

/// How often the store was asked; for tests that bound the cost of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Reads and scans.
    pub reads: u64,
    /// Batches written.
    pub writes: u64,
    /// Of these, with [`Durability::Strict`].
    pub strict_writes: u64,
    /// Rows handed out.
    pub rows: u64,
}

impl MemoryStore {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes later writes fail, or heals the store.
    pub fn inject(&self, faults: Faults) {
        self.shared.borrow_mut().faults = faults;
    }

    /// Tells how often the store was asked so far.
    pub fn counts(&self) -> Counts {
        self.shared.borrow().counts
    }

    fn rows<T>(&self, table: Table, range: &Range, read: impl FnOnce(&mut RowIter<'_>) -> T) -> T {
        let mut shared = self.shared.borrow_mut();
        shared.counts.reads += 1;
        shared.rows(table, range, read)
    }
}

impl Shared {
    fn rows<T>(&self, table: Table, range: &Range, read: impl FnOnce(&mut RowIter<'_>) -> T) -> T {
        let empty = BTreeMap::new();
        let rows = self.tables.get(&table).unwrap_or(&empty);
        if range.is_empty() {
            return read(&mut empty.range::<Vec<u8>, _>(..));
        }
        let end = range.end.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        read(&mut rows.range::<Vec<u8>, _>((Bound::Included(&range.start), end)))
    }
}

type RowIter<'a> = std::collections::btree_map::Range<'a, Vec<u8>, Vec<u8>>;

impl Store for MemoryStore {
    async fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let mut shared = self.shared.borrow_mut();
        shared.counts.reads += 1;
        shared.counts.rows += keys.len() as u64;
        let rows = shared.tables.get(&table);
        Ok(keys.iter().map(|key| rows.and_then(|rows| rows.get(key).cloned())).collect())
    }

    async fn scan(
        &self,
        table: Table,
        range: &Range,
        skip: u32,
        limit: u32,
        direction: Direction,
    ) -> Result<Vec<Row>, StoreError> {
        let own = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        let (skip, limit) = (skip as usize, limit as usize);
        let rows: Vec<Row> = self.rows(table, range, |rows| match direction {
            Direction::Forward => rows.skip(skip).take(limit).map(own).collect(),
            Direction::Backward => rows.rev().skip(skip).take(limit).map(own).collect(),
        });
        self.shared.borrow_mut().counts.rows += rows.len() as u64;
        Ok(rows)
    }

    async fn scan_keys_many(
        &self,
        table: Table,
        ranges: &[(Range, u32)],
    ) -> Result<Vec<Vec<Vec<u8>>>, StoreError> {
        let mut shared = self.shared.borrow_mut();
        shared.counts.reads += 1;
        let keys = ranges.iter().map(|(range, limit)| {
            shared.rows(table, range, |rows| {
                rows.take(*limit as usize).map(|(key, _)| key.clone()).collect()
            })
        });
        Ok(keys.collect())
    }

    async fn count(&self, table: Table, range: &Range) -> Result<u64, StoreError> {
        Ok(self.rows(table, range, |rows| rows.count() as u64))
    }

    async fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let mut shared = self.shared.borrow_mut();
        if let Some(error) = shared.faults.error.clone() {
            if shared.faults.after_writes == 0 {
                return Err(error);
            }
            shared.faults.after_writes -= 1;
        }
        shared.counts.writes += 1;
        shared.counts.strict_writes += u64::from(durability == Durability::Strict);
        for step in batch.steps {
            let rows = shared.tables.entry(step.table()).or_default();
            match step {
                Step::Put { key, value, .. } => {
                    rows.insert(key, value);
                }
                Step::Delete { key, .. } => {
                    rows.remove(&key);
                }
                Step::DeleteRange { range, .. } => rows.retain(|key, _| !range.contains(key)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::store::conformance;

    #[test]
    fn the_memory_store_conforms() {
        block_on(conformance::run(&MemoryStore::new(), &MemoryStore::new()));
        let tab = MemoryStore::new();
        block_on(conformance::shared(&tab, &tab.clone()));
    }

    #[test]
    fn an_injected_fault_changes_nothing_and_heals() {
        let store = MemoryStore::new();
        store.inject(Faults { after_writes: 1, error: Some(StoreError::Full) });
        let put = |byte: u8| {
            let mut batch = Batch::new();
            batch.put(Table::Meta, [byte], [byte]);
            block_on(store.write(batch, Durability::Strict))
        };
        assert_eq!(put(1), Ok(()));
        assert_eq!(put(2), Err(StoreError::Full));
        store.inject(Faults::default());
        assert_eq!(block_on(store.count(Table::Meta, &Range::all())), Ok(1));
        assert_eq!(put(2), Ok(()));
    }
}

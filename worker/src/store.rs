//! The local store: a byte-to-byte map in tables, and beside it the chunks' bytes.
//!
//! It knows no format: keys and values are the callers'. Keys order as bytes do, a shorter
//! one before its extensions, so a prefix is a range. A [`Batch`] is applied as a whole or
//! not at all, and [`Store::write`] answers only when it cannot be undone by a crash of
//! the tab ([`Durability::Relaxed`]) or of the machine ([`Durability::Strict`]).
//!
//! Every implementation passes [`conformance`]. Handles are cheap to clone and share one
//! store, as tabs do.

pub mod chunks;
pub mod conformance;
#[cfg(target_arch = "wasm32")]
pub mod idb;
#[cfg(target_arch = "wasm32")]
pub mod keys;
pub mod local;
pub mod memory;
pub mod outbox;
pub mod tail;

/// The name of the database (and of the folder of chunks) of this browser profile.
pub const DATABASE: &str = "offing";

/// A table of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Small single values: cursor, log state, account, settings.
    Meta,
    /// The tree's rows, one for each node.
    Nodes,
    /// The index that folders are listed from.
    Listing,
    /// Text documents and their increments.
    Texts,
    /// What this device wrote and the log does not hold yet; see [`outbox`].
    Outbox,
    /// The index of the chunks held here.
    Chunks,
    /// Uploads and downloads under way.
    Transfers,
    /// Entries that could not be accepted.
    Quarantine,
    /// Where nodes were and what they were called, when rows have let go of it.
    Past,
    /// The end of the verified log as it came; see [`tail`].
    Tail,
    /// What is made of the rest and can be made again, sealed: the search index.
    Derived,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 11] = [
        Self::Meta,
        Self::Nodes,
        Self::Listing,
        Self::Texts,
        Self::Outbox,
        Self::Chunks,
        Self::Transfers,
        Self::Quarantine,
        Self::Past,
        Self::Tail,
        Self::Derived,
    ];

    /// The table's name in a database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Nodes => "nodes",
            Self::Listing => "listing",
            Self::Texts => "texts",
            Self::Outbox => "outbox",
            Self::Chunks => "chunks",
            Self::Transfers => "transfers",
            Self::Quarantine => "quarantine",
            Self::Past => "past",
            Self::Tail => "tail",
            Self::Derived => "derived",
        }
    }
}

/// Keys from `start` up to but not including `end`; without an end, to the last one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Range {
    /// The first key that may be in the range.
    pub start: Vec<u8>,
    /// The first key that is not.
    pub end: Option<Vec<u8>>,
}

impl Range {
    /// Every key.
    pub fn all() -> Self {
        Self::default()
    }

    /// Every key that begins with `prefix`.
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut end = prefix.to_vec();
        // The successor of a prefix: drop trailing 0xff, then count one up.
        while end.last() == Some(&0xff) {
            end.pop();
        }
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        Self { start: prefix.to_vec(), end: (!end.is_empty()).then_some(end) }
    }

    /// The keys from `start` up to but not including `end`.
    pub fn between(start: impl Into<Vec<u8>>, end: impl Into<Vec<u8>>) -> Self {
        Self { start: start.into(), end: Some(end.into()) }
    }

    /// Says whether no key can be in the range.
    pub fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }

    /// Says whether `key` is in the range.
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= self.start.as_slice() && self.end.as_ref().is_none_or(|end| key < end.as_slice())
    }
}

/// Which end of a range a scan starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// From the smallest key up.
    #[default]
    Forward,
    /// From the greatest key down.
    Backward,
}

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// How far a write must have got when it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Flushed to the disk: what a person made.
    Strict,
    /// Handed to the operating system: what can be had again.
    Relaxed,
}

/// One step of a [`Batch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Sets a value.
    Put {
        /// Where.
        table: Table,
        /// Under which key.
        key: Vec<u8>,
        /// To what.
        value: Vec<u8>,
    },
    /// Removes a key, if it is there.
    Delete {
        /// Where.
        table: Table,
        /// Which key.
        key: Vec<u8>,
    },
    /// Removes all keys of a range.
    DeleteRange {
        /// Where.
        table: Table,
        /// Which keys.
        range: Range,
    },
}

impl Step {
    /// The table that the step changes.
    pub fn table(&self) -> Table {
        match self {
            Self::Put { table, .. }
            | Self::Delete { table, .. }
            | Self::DeleteRange { table, .. } => *table,
        }
    }
}

/// Changes that are applied in order, all or none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// The changes.
    pub steps: Vec<Step>,
}

impl Batch {
    /// Starts an empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a value.
    pub fn put(
        &mut self,
        table: Table,
        key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
    ) -> &mut Self {
        self.steps.push(Step::Put { table, key: key.into(), value: value.into() });
        self
    }

    /// Removes a key, if it is there.
    pub fn delete(&mut self, table: Table, key: impl Into<Vec<u8>>) -> &mut Self {
        self.steps.push(Step::Delete { table, key: key.into() });
        self
    }

    /// Removes all keys of a range.
    pub fn delete_range(&mut self, table: Table, range: Range) -> &mut Self {
        self.steps.push(Step::DeleteRange { table, range });
        self
    }

    /// Says whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The tables that the batch changes, each once.
    pub fn tables(&self) -> Vec<Table> {
        let mut tables = Vec::new();
        for table in self.steps.iter().map(Step::table) {
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        tables
    }
}

/// Reports that the local store did not do what it was asked; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The browser gives no more space.
    #[error("this browser has no space left for the app: free some space")]
    Full,
    /// What was stored is gone or torn.
    #[error("stored data is missing or damaged")]
    Lost,
    /// Another tab holds an older version of the database open, or deletes it.
    #[error("another tab stands in the way: close the app's other tabs")]
    Blocked,
    /// There is no such chunk here.
    #[error("the chunk is not on this device")]
    NotFound,
    /// The browser's storage failed; its name for the fault.
    #[error("the browser's storage failed ({name})")]
    Failed {
        /// The name of the browser's exception.
        name: String,
    },
}

/// When to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Trying again will not help.
    Never,
    /// After a while.
    Later,
    /// After space was made.
    AfterSpace,
}

impl StoreError {
    /// Says when to try again.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Full => Retry::AfterSpace,
            Self::Lost | Self::NotFound => Retry::Never,
            Self::Blocked | Self::Failed { .. } => Retry::Later,
        }
    }
}

/// A byte-to-byte map in tables.
///
/// A write is atomic over all its tables and visible to every later read, through any
/// handle and in any tab. A read sees one state: no half of a batch. What is asked of one
/// store takes effect in the order in which it was asked.
#[allow(async_fn_in_trait, reason = "workers have one thread, so no future needs Send")]
pub trait Store {
    /// Reads the values of `keys`, in their order; `None` where there is none.
    async fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Reads rows of a range in key order from the end that `direction` names, without the
    /// first `skip` and at most `limit`.
    async fn scan(
        &self,
        table: Table,
        range: &Range,
        skip: u32,
        limit: u32,
        direction: Direction,
    ) -> Result<Vec<Row>, StoreError>;

    /// Reads the keys of several ranges, of each at most so many, as [`Self::scan`] does
    /// for rows, without their values. One read, however many ranges.
    async fn scan_keys_many(
        &self,
        table: Table,
        ranges: &[(Range, u32)],
    ) -> Result<Vec<Vec<Vec<u8>>>, StoreError>;

    /// Counts the keys of a range.
    async fn count(&self, table: Table, range: &Range) -> Result<u64, StoreError>;

    /// Applies a batch, all or nothing.
    async fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError>;

    /// Empties every table.
    async fn clear(&self) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        for table in Table::ALL {
            batch.delete_range(table, Range::all());
        }
        self.write(batch, Durability::Strict).await
    }

    /// Reads the keys of one range, at most `limit`.
    async fn scan_keys(
        &self,
        table: Table,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let keys = self.scan_keys_many(table, &[(range.clone(), limit)]).await?;
        Ok(keys.into_iter().flatten().collect())
    }

    /// Reads one value.
    async fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.get_many(table, &[key.to_vec()]).await?.pop().flatten())
    }

    /// Removes all keys of a range.
    async fn delete_range(&self, table: Table, range: Range) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        batch.delete_range(table, range);
        self.write(batch, Durability::Strict).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_holds_exactly_what_begins_with_it() {
        let range = Range::prefix(&[1, 0xff]);
        assert_eq!(range, Range::between([1, 0xff], [2]));
        assert!(range.contains(&[1, 0xff]) && range.contains(&[1, 0xff, 0xff, 3]));
        assert!(!range.contains(&[1, 0xfe]) && !range.contains(&[2]));
        assert_eq!(Range::prefix(&[0xff, 0xff]).end, None);
        assert_eq!(Range::prefix(&[]), Range::all());
    }

    #[test]
    fn a_batch_names_each_table_once() {
        let mut batch = Batch::new();
        batch.put(Table::Nodes, [1], [2]).delete(Table::Meta, [1]).put(Table::Nodes, [3], [4]);
        assert_eq!(batch.tables(), [Table::Nodes, Table::Meta]);
    }
}

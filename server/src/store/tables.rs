//! All rows of a database as they are, to be moved to one of another make.
//!
//! Which tables and columns there are is what SQLite's migrations make; PostgreSQL has the same by
//! the same names, and truth values where SQLite has numbers. Where chunks are is not among
//! what is moved, since that follows from the chunk store; a backup has it too.

use sha2::{Digest as _, Sha256};

use super::meta::MetaResult;

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// None.
    Null,
    /// A number or a truth value.
    Int(i64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Text.
    Text(String),
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
}

impl Table {
    /// The statement that reads it.
    pub(super) fn select(&self) -> String {
        format!("SELECT {} FROM {}", self.columns.join(", "), self.name)
    }

    /// Of the index of chunks, what does not depend on where they are.
    pub fn of_chunks() -> Self {
        let columns = ["vault", "id", "len", "last_declared"].map(str::to_owned).to_vec();
        Self { name: "chunks".to_owned(), columns }
    }
}

/// Tables about where chunks are.
pub(super) const OF_PLACES: [&str; 2] = ["chunks", "segments"];

/// Hears of rows.
pub type Visit<'v> = &'v mut dyn FnMut(Vec<Value>) -> MetaResult<()>;

/// A connection to a database, whose tables are read or filled; it blocks.
pub trait Tables {
    /// Begins to change; nothing is changed before [`Self::commit`].
    fn begin(&mut self) -> MetaResult<()>;
    /// Makes what was changed durable.
    fn commit(&mut self) -> MetaResult<()>;
    /// Visits all rows of a table, in any order.
    fn read(&mut self, table: &Table, visit: Visit<'_>) -> MetaResult<()>;
    /// Removes all rows of a table.
    fn clear(&mut self, table: &Table) -> MetaResult<()>;
    /// Adds rows.
    fn add(&mut self, table: &Table, rows: Vec<Vec<Value>>) -> MetaResult<()>;
}

/// Fills these tables of one database with the rows of another, all or none.
pub fn copy(from: &mut dyn Tables, to: &mut dyn Tables, tables: &[Table]) -> MetaResult<()> {
    to.begin()?;
    for table in tables.iter().rev() {
        to.clear(table)?;
    }
    for table in tables {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        from.read(table, &mut |row| {
            bytes += row.iter().map(bytes_of).sum::<usize>();
            rows.push(row);
            if bytes >= BATCH_BYTES || rows.len() >= BATCH_ROWS {
                bytes = 0;
                to.add(table, std::mem::take(&mut rows))?;
            }
            Ok(())
        })?;
        to.add(table, rows)?;
    }
    to.commit()
}

/// How many rows a table has, and a sum over them that does not depend on their order.
pub fn digest(of: &mut dyn Tables, table: &Table) -> MetaResult<(u64, [u8; 32])> {
    let (mut count, mut sum) = (0, [0; 32]);
    of.read(table, &mut |row| {
        let mut hash = Sha256::new();
        for value in row {
            let (kind, bytes) = match value {
                Value::Null => (0, Vec::new()),
                Value::Int(number) => (1, number.to_be_bytes().to_vec()),
                Value::Bytes(bytes) => (2, bytes),
                Value::Text(text) => (3, text.into_bytes()),
            };
            hash.update([kind]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        count += 1;
        // No row is there twice, so none takes another out.
        for (sum, byte) in sum.iter_mut().zip(hash.finalize()) {
            *sum ^= byte;
        }
        Ok(())
    })?;
    Ok((count, sum))
}

fn bytes_of(value: &Value) -> usize {
    match value {
        Value::Null | Value::Int(_) => 8,
        Value::Bytes(bytes) => bytes.len(),
        Value::Text(text) => text.len(),
    }
}

const BATCH_BYTES: usize = 4 * 1024 * 1024;
const BATCH_ROWS: usize = 1_000;

//! All rows of a database as they are, to be moved to one of another make.
//!
//! Which tables and columns there are is what SQLite's migrations make; PostgreSQL has the same by
//! the same names, and truth values where SQLite has numbers. Where chunks are is not among
//! what is moved, since that follows from the chunk store; a backup has it too.

use std::cmp::Ordering;
use std::collections::VecDeque;

use sha2::{Digest as _, Sha256};

use super::meta::MetaResult;

/// A value of a row. Those of one column of a key are ordered as the databases order them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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
    /// Those of them that tell its rows apart, numbers and bytes; none where there is one row.
    pub key: Vec<String>,
}

impl Table {
    /// The statement that reads it.
    pub(super) fn select(&self) -> String {
        format!("SELECT {} FROM {}", self.columns.join(", "), self.name)
    }

    /// The statement that reads so many rows in the order of their keys, after one; `place` writes
    /// the place of a value.
    pub(super) fn select_page(
        &self,
        is_first: bool,
        rows_max: usize,
        place: impl Fn(usize) -> String,
    ) -> String {
        let key = self.key.join(", ");
        let places: Vec<String> = (1..=self.key.len()).map(place).collect();
        let after = if is_first {
            String::new()
        } else {
            format!("WHERE ({key}) > ({})", places.join(", "))
        };
        format!("{} {after} ORDER BY {key} LIMIT {rows_max}", self.select())
    }

    /// What a statement that adds a row ends with, so that it takes the place of the one with its key.
    pub(super) fn or_replace(&self) -> String {
        let others = self.columns.iter().filter(|column| !self.key.contains(column));
        let sets: Vec<String> =
            others.map(|column| format!("{column} = excluded.{column}")).collect();
        let key = self.key.join(", ");
        if self.key.is_empty() {
            String::new()
        } else if sets.is_empty() {
            format!("ON CONFLICT ({key}) DO NOTHING")
        } else {
            format!("ON CONFLICT ({key}) DO UPDATE SET {}", sets.join(", "))
        }
    }

    /// The key of a row.
    fn key_of(&self, row: &[Value]) -> Vec<Value> {
        let at = |name| self.columns.iter().position(|column| column == name);
        let value = |name| row[at(name).expect("a key is among the columns")].clone();
        self.key.iter().map(value).collect()
    }

    /// Of the index of chunks, what does not depend on where they are.
    pub fn of_chunks() -> Self {
        let columns = ["vault", "id", "len", "last_declared"].map(str::to_owned).to_vec();
        let key = columns[..2].to_vec();
        Self { name: "chunks".to_owned(), columns, key }
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
    /// How many other programs of this server use the database, as far as it knows.
    fn others(&mut self) -> MetaResult<u64>;
    /// Keeps to one moment in all that is read from now on, whoever writes meanwhile.
    fn hold(&mut self) -> MetaResult<()>;
    /// Reads what is there now again.
    fn release(&mut self) -> MetaResult<()>;
    /// So many rows in the order of their keys, after the one with a key.
    fn page(
        &mut self,
        table: &Table,
        after: Option<Vec<Value>>,
        rows_max: usize,
    ) -> MetaResult<Vec<Vec<Value>>>;
    /// Removes the row with a key.
    fn remove(&mut self, table: &Table, key: Vec<Value>) -> MetaResult<()>;
    /// Visits all rows of a table, in any order.
    fn read(&mut self, table: &Table, visit: Visit<'_>) -> MetaResult<()>;
    /// Removes all rows of a table.
    fn clear(&mut self, table: &Table) -> MetaResult<()>;
    /// Adds rows, or puts them in the places of those with their keys.
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

/// What one table has otherwise than another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A row that is not there, or not the same.
    Lacks(Vec<Value>),
    /// The key of a row that is there alone.
    Alone(Vec<Value>),
}

/// Tells what `of` has otherwise than `like`, in the order of keys, and reads both once. What was told may be
/// changed meanwhile.
pub fn differences(
    like: &mut dyn Tables,
    of: &mut dyn Tables,
    table: &Table,
    told: &mut dyn FnMut(&mut dyn Tables, Difference) -> MetaResult<()>,
) -> MetaResult<()> {
    let (mut here, mut there) = (Pages::default(), Pages::default());
    loop {
        here.fill(like, table)?;
        there.fill(of, table)?;
        let key = |pages: &Pages| pages.rows.front().map(|row| table.key_of(row));
        let (wanted, found) = (key(&here), key(&there));
        // An end comes after every key.
        let order = match (&wanted, &found) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(wanted), Some(found)) => wanted.cmp(found),
        };
        let wanted = if order.is_le() { here.rows.pop_front() } else { None };
        let found_row = if order.is_ge() { there.rows.pop_front() } else { None };
        match (wanted, found_row) {
            (Some(row), other) => {
                if other.as_ref() != Some(&row) {
                    told(of, Difference::Lacks(row))?;
                }
            }
            (None, _) => told(of, Difference::Alone(found.expect("it is there alone")))?,
        }
    }
}

/// The rows of a table, page by page.
#[derive(Default)]
struct Pages {
    rows: VecDeque<Vec<Value>>,
    after: Option<Vec<Value>>,
    is_over: bool,
}

impl Pages {
    fn fill(&mut self, of: &mut dyn Tables, table: &Table) -> MetaResult<()> {
        if self.rows.is_empty() && !self.is_over {
            let page = of.page(table, self.after.take(), PAGE_ROWS)?;
            self.is_over = page.len() < PAGE_ROWS;
            self.after = page.last().map(|row| table.key_of(row));
            self.rows = page.into();
        }
        Ok(())
    }
}

/// Makes these tables of one database as they are in another at one moment, and says how many rows were not. It takes
/// several transactions: what was broken off goes on.
pub fn follow(from: &mut dyn Tables, to: &mut dyn Tables, tables: &[Table]) -> MetaResult<u64> {
    from.hold()?;
    let followed = follow_held(from, to, tables);
    from.release()?;
    followed
}

fn follow_held(from: &mut dyn Tables, to: &mut dyn Tables, tables: &[Table]) -> MetaResult<u64> {
    let mut changed = 0;
    let (of_one_row, keyed): (Vec<&Table>, Vec<&Table>) =
        tables.iter().partition(|table| table.key.is_empty());
    for table in of_one_row {
        let mut rows = Vec::new();
        if digest(from, table)? != digest(to, table)? {
            from.read(table, &mut |row| {
                rows.push(row);
                Ok(())
            })?;
            changed += rows.len() as u64;
            to.begin()?;
            to.clear(table)?;
            to.add(table, rows)?;
            to.commit()?;
        }
    }
    // What refers to others goes before them, and comes after them.
    for table in keyed.iter().rev() {
        let mut gone = Vec::new();
        differences(from, to, table, &mut |to, difference| {
            if let Difference::Alone(key) = difference {
                changed += 1;
                gone.push(key);
            }
            if gone.len() >= BATCH_ROWS { remove_all(to, table, &mut gone) } else { Ok(()) }
        })?;
        remove_all(to, table, &mut gone)?;
    }
    for table in keyed {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        differences(from, to, table, &mut |to, difference| {
            if let Difference::Lacks(row) = difference {
                changed += 1;
                bytes += row.iter().map(bytes_of).sum::<usize>();
                rows.push(row);
            }
            if bytes < BATCH_BYTES && rows.len() < BATCH_ROWS {
                return Ok(());
            }
            bytes = 0;
            add_all(to, table, &mut rows)
        })?;
        add_all(to, table, &mut rows)?;
    }
    Ok(changed)
}

fn remove_all(to: &mut dyn Tables, table: &Table, gone: &mut Vec<Vec<Value>>) -> MetaResult<()> {
    if gone.is_empty() {
        return Ok(());
    }
    to.begin()?;
    std::mem::take(gone).into_iter().try_for_each(|key| to.remove(table, key))?;
    to.commit()
}

fn add_all(to: &mut dyn Tables, table: &Table, rows: &mut Vec<Vec<Value>>) -> MetaResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    to.begin()?;
    to.add(table, std::mem::take(rows))?;
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
/// Rows that are read at once; a body of a log may have a mebibyte.
const PAGE_ROWS: usize = 64;

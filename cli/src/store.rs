//! The local store on SQLite: one table of bytes for each [`Table`].
//!
//! A batch is one SQL transaction. The log is written ahead: a strict write is flushed to the
//! disk before it answers, and with it all relaxed ones before it; a relaxed write is safe from
//! a crash of the program. Blobs compare as bytes, a shorter one before its extensions, as the
//! contract wants it. One connection, used by one thread; clones share it.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use offing_worker::store::{
    Batch, Direction, Durability, Range, Row, Step, Store, StoreError, Table,
};
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, params_from_iter};

/// What this program knows of the layout; a later one is refused.
const SCHEMA_VERSION: i64 = 2;

/// A store in one file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    shared: Rc<RefCell<Connection>>,
}

impl SqliteStore {
    /// Opens the file, or makes it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path).map_err(|e| from_sqlite(&e))?;
        prepare(&connection).map_err(|e| from_sqlite(&e))?;
        let version: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(|e| from_sqlite(&e))?;
        if version > SCHEMA_VERSION {
            return Err(StoreError::Failed { name: "written by a later version".to_owned() });
        }
        connection
            .pragma_update(None, "user_version", SCHEMA_VERSION)
            .map_err(|e| from_sqlite(&e))?;
        Ok(Self { shared: Rc::new(RefCell::new(connection)) })
    }

    /// Reads rows by a query over one table, within a range.
    fn rows<T>(
        &self,
        (columns, table): (&str, Table),
        range: &Range,
        (rest, numbers): (&str, &[u32]),
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let (within, mut values) = bounds(range);
        let sql = format!("SELECT {columns} FROM \"{}\" WHERE {within} {rest}", table.name());
        values.extend(numbers.iter().map(|number| Value::Integer(i64::from(*number))));
        let connection = self.shared.borrow();
        let run = || -> rusqlite::Result<Vec<T>> {
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_map(params_from_iter(values), read)?.collect()
        };
        run().map_err(|e| from_sqlite(&e))
    }
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.set_prepared_statement_cache_capacity(64);
    for table in Table::ALL {
        connection.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS \"{}\" (key BLOB PRIMARY KEY, value BLOB NOT NULL) \
             WITHOUT ROWID",
            table.name()
        ))?;
    }
    Ok(())
}

/// A condition for the keys of a range, and its values.
fn bounds(range: &Range) -> (&'static str, Vec<Value>) {
    let start = Value::Blob(range.start.clone());
    match &range.end {
        Some(end) => ("key >= ? AND key < ?", vec![start, Value::Blob(end.clone())]),
        None => ("key >= ?", vec![start]),
    }
}

fn apply(connection: &Connection, step: &Step) -> rusqlite::Result<()> {
    let table = step.table().name();
    match step {
        Step::Put { key, value, .. } => {
            let sql = format!("INSERT OR REPLACE INTO \"{table}\" (key, value) VALUES (?, ?)");
            connection.prepare_cached(&sql)?.execute((key, value))?;
        }
        Step::Delete { key, .. } => {
            let sql = format!("DELETE FROM \"{table}\" WHERE key = ?");
            connection.prepare_cached(&sql)?.execute((key,))?;
        }
        Step::DeleteRange { range, .. } => {
            let (within, values) = bounds(range);
            let sql = format!("DELETE FROM \"{table}\" WHERE {within}");
            connection.prepare_cached(&sql)?.execute(params_from_iter(values))?;
        }
    }
    Ok(())
}

impl Store for SqliteStore {
    async fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let connection = self.shared.borrow();
        let run = || -> rusqlite::Result<Vec<Option<Vec<u8>>>> {
            let sql = format!("SELECT value FROM \"{}\" WHERE key = ?", table.name());
            let mut statement = connection.prepare_cached(&sql)?;
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                let mut rows = statement.query((key,))?;
                values.push(rows.next()?.map(|row| row.get(0)).transpose()?);
            }
            Ok(values)
        };
        run().map_err(|e| from_sqlite(&e))
    }

    async fn scan(
        &self,
        table: Table,
        range: &Range,
        skip: u32,
        limit: u32,
        direction: Direction,
    ) -> Result<Vec<Row>, StoreError> {
        let rest = match direction {
            Direction::Forward => "ORDER BY key LIMIT ? OFFSET ?",
            Direction::Backward => "ORDER BY key DESC LIMIT ? OFFSET ?",
        };
        let what = ("key, value", table);
        self.rows(what, range, (rest, &[limit, skip]), |row| Ok((row.get(0)?, row.get(1)?)))
    }

    async fn scan_keys_many(
        &self,
        table: Table,
        ranges: &[(Range, u32)],
    ) -> Result<Vec<Vec<Vec<u8>>>, StoreError> {
        let keys = ranges.iter().map(|(range, limit)| {
            self.rows(("key", table), range, ("ORDER BY key LIMIT ?", &[*limit]), |row| row.get(0))
        });
        keys.collect()
    }

    async fn count(&self, table: Table, range: &Range) -> Result<u64, StoreError> {
        let counted = self.rows(("count(*)", table), range, ("", &[]), |row| row.get::<_, i64>(0));
        Ok(counted?.first().and_then(|count| u64::try_from(*count).ok()).unwrap_or(0))
    }

    async fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        let mut connection = self.shared.borrow_mut();
        let flushes = match durability {
            Durability::Strict => "FULL",
            Durability::Relaxed => "NORMAL",
        };
        let mut run = || -> rusqlite::Result<()> {
            connection.pragma_update(None, "synchronous", flushes)?;
            let transaction = connection.transaction()?;
            batch.steps.iter().try_for_each(|step| apply(&transaction, step))?;
            transaction.commit()
        };
        run().map_err(|e| from_sqlite(&e))
    }
}

fn from_sqlite(error: &rusqlite::Error) -> StoreError {
    let code = error.sqlite_error_code();
    let is = |codes: &[ErrorCode]| code.is_some_and(|code| codes.contains(&code));
    if is(&[ErrorCode::DiskFull]) {
        StoreError::Full
    } else if is(&[ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase]) {
        StoreError::Lost
    } else if is(&[ErrorCode::DatabaseBusy, ErrorCode::DatabaseLocked]) {
        StoreError::Blocked
    } else {
        StoreError::Failed { name: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;
    use offing_worker::store::conformance;

    use super::*;

    #[test]
    fn the_sqlite_store_conforms() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str| SqliteStore::open(&folder.path().join(name)).unwrap();
        let (one, other) = (open("one"), open("other"));
        block_on(conformance::run(&one, &other));
        block_on(conformance::shared(&one, &one.clone()));
    }

    #[test]
    fn what_was_written_is_there_when_the_file_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let mut batch = Batch::new();
        batch.put(Table::Meta, *b"key", *b"value");
        block_on(SqliteStore::open(&path).unwrap().write(batch, Durability::Strict)).unwrap();
        let again = SqliteStore::open(&path).unwrap();
        assert_eq!(block_on(again.get(Table::Meta, b"key")), Ok(Some(b"value".to_vec())));
    }

    #[test]
    fn a_file_that_is_no_store_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        std::fs::write(&path, b"something else altogether, and long enough to be read").unwrap();
        assert_eq!(SqliteStore::open(&path).unwrap_err(), StoreError::Lost);
        assert!(std::fs::read(&path).unwrap().starts_with(b"something else"));
    }

    #[test]
    fn a_store_of_a_later_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        drop(SqliteStore::open(&path).unwrap());
        let later = Connection::open(&path).unwrap();
        later.pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
        drop(later);
        assert!(matches!(SqliteStore::open(&path), Err(StoreError::Failed { .. })));
    }
}

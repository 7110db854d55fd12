//! The tables of a SQLite file as they are; see [`crate::store::tables`].

use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};

use super::{connect, migrate};
use crate::store::meta::{MetaError, MetaResult};
use crate::store::tables::{OF_PLACES, Table, Tables, Value, Visit};

/// A connection to a database that is up to date.
pub struct SqliteTables {
    connection: Connection,
}

impl SqliteTables {
    /// Opens a database.
    pub fn open(path: &Path) -> MetaResult<Self> {
        Ok(Self { connection: connect(path)? })
    }

    /// Makes a database to be filled by who throws it away if that fails: nothing is journalled,
    /// and what there is in the end is one file, which the caller makes durable.
    pub fn make(path: &Path) -> MetaResult<Self> {
        let mut connection = Connection::open(path)?;
        connection.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        migrate(&mut connection)?;
        Ok(Self { connection })
    }
}

const KEY: &str = "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk";

/// The tables that there are but those about places of chunks, each after those it refers to.
pub fn tables() -> MetaResult<Vec<Table>> {
    let mut tables = all_tables()?;
    tables.retain(|table| !OF_PLACES.contains(&table.name.as_str()));
    Ok(tables)
}

/// The tables that there are, each after those it refers to.
pub fn all_tables() -> MetaResult<Vec<Table>> {
    let mut memory = Connection::open_in_memory()?;
    migrate(&mut memory)?;
    let strings = |sql: &str, of: &str| -> MetaResult<Vec<String>> {
        let mut statement = memory.prepare(sql)?;
        let rows = statement.query_map([of], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    let names = "SELECT name FROM sqlite_schema WHERE type = ?1 AND name NOT LIKE 'sqlite_%'";
    let mut names = strings(names, "table")?;
    let mut tables: Vec<Table> = Vec::new();
    while !names.is_empty() {
        let before = names.len();
        for name in std::mem::take(&mut names) {
            let others =
                strings("SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(?1)", &name)?;
            if others.iter().all(|other| tables.iter().any(|table| table.name == *other)) {
                let columns = strings("SELECT name FROM pragma_table_info(?1)", &name)?;
                let key = strings(KEY, &name)?;
                tables.push(Table { name, columns, key });
            } else {
                names.push(name);
            }
        }
        assert!(names.len() < before, "tables do not refer to one another in a circle");
    }
    Ok(tables)
}

impl Tables for SqliteTables {
    fn begin(&mut self) -> MetaResult<()> {
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    fn commit(&mut self) -> MetaResult<()> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    fn others(&mut self) -> MetaResult<u64> {
        // A server locks the folder.
        Ok(0)
    }

    fn hold(&mut self) -> MetaResult<()> {
        Ok(self.connection.execute_batch("BEGIN")?)
    }

    fn release(&mut self) -> MetaResult<()> {
        Ok(self.connection.execute_batch("ROLLBACK")?)
    }

    fn page(
        &mut self,
        table: &Table,
        after: Option<Vec<Value>>,
        rows_max: usize,
    ) -> MetaResult<Vec<Vec<Value>>> {
        let sql = table.select_page(after.is_none(), rows_max, |_| "?".to_owned());
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(after.into_iter().flatten()))?;
        let mut page = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..table.columns.len()).map(|column| value(row.get_ref(column)?));
            page.push(values.collect::<MetaResult<_>>()?);
        }
        Ok(page)
    }

    fn remove(&mut self, table: &Table, key: Vec<Value>) -> MetaResult<()> {
        let key_is: Vec<String> = table.key.iter().map(|column| format!("{column} = ?")).collect();
        let sql = format!("DELETE FROM {} WHERE {}", table.name, key_is.join(" AND "));
        self.connection.prepare_cached(&sql)?.execute(params_from_iter(key))?;
        Ok(())
    }

    fn read(&mut self, table: &Table, visit: Visit<'_>) -> MetaResult<()> {
        let mut statement = self.connection.prepare(&table.select())?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let values = (0..table.columns.len()).map(|column| value(row.get_ref(column)?));
            visit(values.collect::<MetaResult<_>>()?)?;
        }
        Ok(())
    }

    fn clear(&mut self, table: &Table) -> MetaResult<()> {
        self.connection.execute(&format!("DELETE FROM {}", table.name), [])?;
        Ok(())
    }

    fn add(&mut self, table: &Table, rows: Vec<Vec<Value>>) -> MetaResult<()> {
        let places = vec!["?"; table.columns.len()].join(", ");
        let columns = table.columns.join(", ");
        let (name, replace) = (&table.name, table.or_replace());
        let sql = format!("INSERT INTO {name} ({columns}) VALUES ({places}) {replace}");
        let mut statement = self.connection.prepare(&sql)?;
        for row in rows {
            statement.execute(params_from_iter(row))?;
        }
        Ok(())
    }
}

fn value(found: ValueRef<'_>) -> MetaResult<Value> {
    Ok(match found {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text);
            Value::Text(text.map_err(|_| MetaError::Corrupt { column: "text" })?.to_owned())
        }
        ValueRef::Real(_) => return Err(MetaError::Corrupt { column: "number" }),
    })
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

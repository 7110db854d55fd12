//! The tables of a PostgreSQL database as they are; see [`crate::store::tables`].

use std::error::Error;
use std::sync::Arc;

use bytes::BytesMut;
use futures_util::future::try_join_all;
use futures_util::{StreamExt as _, pin_mut};
use tokio::runtime::Runtime;
use tokio_postgres::Row;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::link::{Address, Link};
use super::rows::{get, uint};
use super::{BEGIN, require_current};
use crate::store::meta::{MetaError, MetaResult};
use crate::store::tables::{Table, Tables, Value, Visit};

/// A connection to a database that is up to date, from a thread outside any runtime.
pub struct PostgresTables {
    link: Link,
    /// Drives the connection.
    _runtime: Runtime,
}

impl PostgresTables {
    /// Connects to a database.
    pub fn open(url: &str) -> MetaResult<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let link = Link::open(Address::parse(url, runtime.handle().clone())?, Arc::default())?;
        require_current(&link)?;
        Ok(Self { link, _runtime: runtime })
    }

    /// The same, keeping to one moment in all that is read, whoever writes meanwhile.
    pub fn open_moment(url: &str) -> MetaResult<Self> {
        let tables = Self::open(url)?;
        tables.run(HOLD)?;
        Ok(tables)
    }

    fn run(&self, sql: &str) -> MetaResult<()> {
        Ok(self.link.wait(self.link.client().batch_execute(sql))?)
    }
}

const HOLD: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

impl Tables for PostgresTables {
    fn begin(&mut self) -> MetaResult<()> {
        self.run(BEGIN)
    }

    fn commit(&mut self) -> MetaResult<()> {
        // The next key comes after those that were given.
        self.run(
            "SELECT setval(pg_get_serial_sequence('vaults', 'key'), \
             (SELECT COALESCE(MAX(key), 0) + 1 FROM vaults), FALSE); COMMIT",
        )
    }

    fn others(&mut self) -> MetaResult<u64> {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
            AND application_name = current_setting('application_name') AND pid <> pg_backend_pid()";
        let row = self.link.wait(self.link.client().query_one(sql, &[]))?;
        uint(&row, 0)
    }

    fn hold(&mut self) -> MetaResult<()> {
        // One that reads for long while rows are written elsewhere is at work all the same.
        self.run("SET idle_in_transaction_session_timeout = 0")?;
        self.run(HOLD)
    }

    fn release(&mut self) -> MetaResult<()> {
        self.run("ROLLBACK")
    }

    fn page(
        &mut self,
        table: &Table,
        after: Option<Vec<Value>>,
        rows_max: usize,
    ) -> MetaResult<Vec<Vec<Value>>> {
        let sql = table.select_page(after.is_none(), rows_max, |place| format!("${place}"));
        let after = after.unwrap_or_default();
        let key: Vec<&(dyn ToSql + Sync)> = after.iter().map(|value| value as _).collect();
        let rows = self.link.wait(self.link.client().query(&sql, &key))?;
        rows.iter().map(values).collect()
    }

    fn remove(&mut self, table: &Table, key: Vec<Value>) -> MetaResult<()> {
        let key_is = (1..).zip(&table.key).map(|(place, column)| format!("{column} = ${place}"));
        let key_is: Vec<String> = key_is.collect();
        let sql = format!("DELETE FROM {} WHERE {}", table.name, key_is.join(" AND "));
        self.link.wait(self.link.client().execute_raw(&sql, key))?;
        Ok(())
    }

    fn read(&mut self, table: &Table, visit: Visit<'_>) -> MetaResult<()> {
        let none: [&(dyn ToSql + Sync); 0] = [];
        let rows = self.link.wait(self.link.client().query_raw(&table.select(), none))?;
        pin_mut!(rows);
        while let Some(row) = self.link.wait(rows.next()) {
            visit(values(&row?)?)?;
        }
        Ok(())
    }

    fn clear(&mut self, table: &Table) -> MetaResult<()> {
        self.run(&format!("DELETE FROM {}", table.name))
    }

    fn add(&mut self, table: &Table, rows: Vec<Vec<Value>>) -> MetaResult<()> {
        let places = (1..=table.columns.len()).map(|place| format!("${place}"));
        let sql = format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({}) {}",
            table.name,
            table.columns.join(", "),
            places.collect::<Vec<_>>().join(", "),
            table.or_replace()
        );
        let client = self.link.client();
        self.link.wait(async {
            let statement = client.prepare(&sql).await?;
            try_join_all(rows.into_iter().map(|row| client.execute_raw(&statement, row))).await?;
            Ok(())
        })
    }
}

fn values(row: &Row) -> MetaResult<Vec<Value>> {
    let value = |(place, column): (usize, &tokio_postgres::Column)| {
        Ok(match *column.type_() {
            Type::BOOL => get::<Option<bool>>(row, place)?.map(|flag| Value::Int(flag.into())),
            Type::INT8 => get::<Option<i64>>(row, place)?.map(Value::Int),
            Type::BYTEA => get::<Option<Vec<u8>>>(row, place)?.map(Value::Bytes),
            Type::TEXT => get::<Option<String>>(row, place)?.map(Value::Text),
            _ => return Err(MetaError::Corrupt { column: "type" }),
        }
        .unwrap_or(Value::Null))
    };
    row.columns().iter().enumerate().map(value).collect()
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) if *kind == Type::BOOL => (*number != 0).to_sql(kind, out),
            Self::Int(number) => number.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::BOOL, Type::INT8, Type::BYTEA, Type::TEXT].contains(kind)
    }

    to_sql_checked!();
}

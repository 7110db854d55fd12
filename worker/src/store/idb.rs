//! The store in IndexedDB.
//!
//! `rexie` opens and upgrades the database and reads; writes go through a connection of
//! our own, because only that can ask for strict durability, and because it hears
//! `versionchange`, on which both connections close so that an upgrade in another tab
//! never hangs. Keys and values are `Uint8Array`s, which IndexedDB orders as bytes.
//!
//! Browsers lose connections in the field: on `UnknownError` and `InvalidStateError` the
//! connection is dropped, opened again, and the operation done once more. That is safe for
//! writes, since a batch says what to set and not how to change it.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::future::{join, join_all};
use js_sys::Array;
use rexie::{KeyRange, ObjectStore, Rexie, TransactionMode};
use wasm_bindgen::JsValue;
use web_sys::{IdbKeyRange, IdbObjectStore};

use self::connection::{Connection, Fault};
use super::{Batch, Direction, Durability, Range, Row, Step, Store, StoreError, Table};
use crate::platform::{js, timer};

mod connection;

/// The version of the tables; raised when one is added.
const SCHEMA_VERSION: u32 = 1;
/// The table of [`super::keys`], whose values are no bytes.
pub(super) const KEYS: &str = "keys";
/// The table of [`super::chunks::idb`].
pub(super) const CHUNK_BYTES: &str = "chunk_bytes";
/// How long opening may wait for another tab to let go.
const OPEN_MS_MAX: u32 = 10_000;

/// A store in IndexedDB; clones share its connection.
#[derive(Debug, Clone)]
pub struct IdbStore {
    shared: Rc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    connection: RefCell<Option<Rc<Connection>>>,
}

impl IdbStore {
    /// Opens the database with this name, making or upgrading it where needed.
    pub async fn open(name: &str) -> Result<Self, StoreError> {
        let shared = Shared { name: name.to_owned(), connection: RefCell::default() };
        let store = Self { shared: Rc::new(shared) };
        store.connection().await?;
        Ok(store)
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Closes the connection; the next operation opens it again.
    pub fn close(&self) {
        self.shared.connection.borrow_mut().take();
    }

    /// Deletes the whole database, keys included; other tabs let go of it.
    pub async fn destroy(self) -> Result<(), StoreError> {
        self.close();
        let deleted = timer::within_ms(OPEN_MS_MAX, Rexie::delete(&self.shared.name)).await;
        Ok(deleted.ok_or(StoreError::Blocked)?.map_err(Fault::from)?)
    }

    async fn connection(&self) -> Result<Rc<Connection>, StoreError> {
        if let Some(connection) = self.shared.connection.borrow().as_ref()
            && connection.is_open()
        {
            return Ok(Rc::clone(connection));
        }
        let mut builder = Rexie::builder(&self.shared.name).version(SCHEMA_VERSION);
        for name in Table::ALL.map(Table::name).into_iter().chain([KEYS, CHUNK_BYTES]) {
            builder = builder.add_object_store(ObjectStore::new(name));
        }
        // The second waits in the browser until the first is open and upgraded.
        let both = join(builder.build(), Connection::open_writer(&self.shared.name));
        let both = timer::within_ms(OPEN_MS_MAX, both).await.ok_or(StoreError::Blocked)?;
        let connection = Rc::new(Connection::of(both)?);
        *self.shared.connection.borrow_mut() = Some(Rc::clone(&connection));
        Ok(connection)
    }

    /// Runs an operation, and once more on a new connection if the old one was lost.
    pub(super) async fn run<T>(
        &self,
        operation: impl AsyncFn(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let connection = self.connection().await?;
        match operation(&connection).await {
            Err(fault) if fault.is_lost_connection() => {
                drop(connection);
                self.close();
                Ok(operation(&*self.connection().await?).await?)
            }
            result => Ok(result?),
        }
    }
}

impl Store for IdbStore {
    async fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.run(async |connection| {
            let (_transaction, store) = connection.read(table.name())?;
            let values = join_all(keys.iter().map(|key| store.get(js::to_js(key).into()))).await;
            let read = |value: rexie::Result<Option<JsValue>>| {
                Ok(value?.map(|value| js::to_bytes(&value)))
            };
            values.into_iter().map(read).collect()
        })
        .await
    }

    async fn scan(
        &self,
        table: Table,
        range: &Range,
        skip: u32,
        limit: u32,
        direction: Direction,
    ) -> Result<Vec<Row>, StoreError> {
        if limit == 0 || range.is_empty() {
            return Ok(Vec::new());
        }
        self.run(async |connection| {
            let (_transaction, store) = connection.read(table.name())?;
            match direction {
                Direction::Forward => scan_forward(&store, range, skip, limit).await,
                Direction::Backward => scan_backward(&store, range, skip, limit).await,
            }
        })
        .await
    }

    async fn scan_keys(
        &self,
        table: Table,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        // To IndexedDB a limit of 0 is none.
        if limit == 0 || range.is_empty() {
            return Ok(Vec::new());
        }
        self.run(async |connection| {
            let (_transaction, store) = connection.read(table.name())?;
            let keys = store.get_all_keys(key_range(range)?, Some(limit)).await?;
            Ok(keys.iter().map(js::to_bytes).collect())
        })
        .await
    }

    async fn count(&self, table: Table, range: &Range) -> Result<u64, StoreError> {
        if range.is_empty() {
            return Ok(0);
        }
        self.run(async |connection| {
            let (_transaction, store) = connection.read(table.name())?;
            Ok(u64::from(store.count(key_range(range)?).await?))
        })
        .await
    }

    async fn write(&self, batch: Batch, durability: Durability) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        let tables: Vec<&str> = batch.tables().into_iter().map(Table::name).collect();
        self.run(async |connection| {
            connection
                .write(&tables, durability, |open| {
                    // Tables are few: looking one up costs less than a map.
                    let mut stores: Vec<(Table, IdbObjectStore)> = Vec::new();
                    for step in &batch.steps {
                        let table = step.table();
                        if !stores.iter().any(|(known, _)| *known == table) {
                            stores.push((table, open(table.name())?));
                        }
                        let found = stores.iter().find(|(known, _)| *known == table);
                        let (_, store) = found.expect("it was added when it was not there");
                        apply(store, step)?;
                    }
                    Ok(())
                })
                .await
        })
        .await
    }
}

/// Issues one step's request without waiting for it: the transaction keeps the order.
fn apply(store: &IdbObjectStore, step: &Step) -> Result<(), JsValue> {
    match step {
        Step::Put { key, value, .. } => {
            store.put_with_key(&js::to_js(value), &js::to_js(key))?;
        }
        Step::Delete { key, .. } => {
            store.delete(&js::to_js(key))?;
        }
        Step::DeleteRange { range, .. } if range.is_empty() => {}
        Step::DeleteRange { range, .. } => match raw_range(range)? {
            Some(range) => {
                store.delete(&range)?;
            }
            None => {
                store.clear()?;
            }
        },
    }
    Ok(())
}

fn raw_range(range: &Range) -> Result<Option<IdbKeyRange>, JsValue> {
    let start = js::to_js(&range.start);
    match &range.end {
        Some(end) => {
            let end = js::to_js(end);
            IdbKeyRange::bound_with_lower_open_and_upper_open(&start, &end, false, true).map(Some)
        }
        None if range.start.is_empty() => Ok(None),
        None => IdbKeyRange::lower_bound(&start).map(Some),
    }
}

fn key_range(range: &Range) -> Result<Option<KeyRange>, Fault> {
    Ok(raw_range(range).map_err(|error| Fault::from_js(&error))?.map(KeyRange::from))
}

/// Skips by one jump of a cursor, then reads everything with two requests: row by row a
/// cursor would cost an event for each.
async fn scan_forward(
    store: &rexie::Store,
    range: &Range,
    skip: u32,
    limit: u32,
) -> Result<Vec<Row>, Fault> {
    let mut range = range.clone();
    if skip > 0 {
        match key_at(store, &range, skip, rexie::Direction::Next).await? {
            Some(key) => range.start = key,
            None => return Ok(Vec::new()),
        }
    }
    let range = raw_range(&range).map_err(|error| Fault::from_js(&error))?;
    rows(store, range, limit).await
}

/// Finds both ends of the page by jumps, reads it forward and turns it over.
async fn scan_backward(
    store: &rexie::Store,
    range: &Range,
    skip: u32,
    limit: u32,
) -> Result<Vec<Row>, Fault> {
    let Some(last) = key_at(store, range, skip, rexie::Direction::Prev).await? else {
        return Ok(Vec::new());
    };
    let first = match skip.checked_add(limit - 1) {
        Some(index) if limit > 1 => key_at(store, range, index, rexie::Direction::Prev).await?,
        Some(_) => Some(last.clone()),
        None => None,
    };
    let first = js::to_js(first.as_ref().unwrap_or(&range.start));
    let page = IdbKeyRange::bound(&first, &js::to_js(&last));
    let page = page.map_err(|error| Fault::from_js(&error))?;
    let mut rows = rows(store, Some(page), limit).await?;
    rows.reverse();
    Ok(rows)
}

async fn key_at(
    store: &rexie::Store,
    range: &Range,
    index: u32,
    direction: rexie::Direction,
) -> Result<Option<Vec<u8>>, Fault> {
    let offset = (index > 0).then_some(index);
    let found = store.scan(key_range(range)?, Some(1), offset, Some(direction)).await?;
    Ok(found.first().map(|(key, _)| js::to_bytes(key)))
}

async fn rows(
    store: &rexie::Store,
    range: Option<IdbKeyRange>,
    limit: u32,
) -> Result<Vec<Row>, Fault> {
    let limit = Some(limit);
    let own = || range.clone().map(KeyRange::from);
    let (keys, values) = join(store.get_all_keys(own(), limit), store.get_all(own(), limit)).await;
    let (keys, values) = (keys?, values?);
    let bytes = |value: &JsValue| js::to_bytes(value);
    Ok(keys.iter().map(bytes).zip(values.iter().map(bytes)).collect())
}

impl IdbStore {
    /// Reads raw values of a table by raw keys.
    pub(super) async fn raw_get(&self, table: &str, key: &JsValue) -> Result<JsValue, StoreError> {
        self.run(async |connection| {
            let (_transaction, store) = connection.read(table)?;
            Ok(store.get(key.clone()).await?.unwrap_or(JsValue::UNDEFINED))
        })
        .await
    }

    /// Reads raw keys of a table.
    pub(super) async fn raw_keys(&self, table: &str) -> Result<Vec<JsValue>, StoreError> {
        self.run(async |connection| {
            let (_transaction, store) = connection.read(table)?;
            Ok(store.get_all_keys(None, None).await?)
        })
        .await
    }

    /// Changes one table with strict durability.
    pub(super) async fn raw_write(
        &self,
        table: &str,
        change: impl Fn(&IdbObjectStore) -> Result<(), JsValue>,
    ) -> Result<(), StoreError> {
        self.run(async |connection| {
            connection.write(&[table], Durability::Strict, |open| change(&open(table)?)).await
        })
        .await
    }
}

impl Connection {
    fn read(&self, table: &str) -> Result<(rexie::Transaction, rexie::Store), Fault> {
        self.with_reader(|rexie| {
            let transaction = rexie.transaction(&[table], TransactionMode::ReadOnly)?;
            let store = transaction.store(table)?;
            Ok((transaction, store))
        })
    }
}

fn names(tables: &[&str]) -> Array {
    tables.iter().map(|name| JsValue::from_str(name)).collect()
}

//! The store in IndexedDB, by the browser's own interface.
//!
//! Keys and values are `Uint8Array`s, which IndexedDB orders as bytes. The connection hears
//! `versionchange` and closes, so that an upgrade in another tab never hangs. Reading many
//! keys or ranges is one transaction with one callback.
//!
//! Browsers lose connections in the field: on `UnknownError` and `InvalidStateError` the
//! connection is dropped, opened again, and the operation done once more. That is safe for
//! writes, since a batch says what to set and not how to change it.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;

use futures_util::future::select;
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{IdbKeyRange, IdbObjectStore, IdbRequest};

use self::connection::{Connection, Fault, answer, answers};
use super::{Batch, Direction, Durability, Range, Row, Step, Store, StoreError, Table};
use crate::platform::{js, timer};

mod connection;

/// The table of [`super::keys`], whose values are no bytes.
pub(super) const KEYS: &str = "keys";
/// The table of [`super::chunks::idb`].
pub(super) const CHUNK_BYTES: &str = "chunk_bytes";
/// How long opening may wait for another tab to let go.
const OPEN_MS_MAX: u32 = 10_000;
/// When an opening that has no answer is asked for once more. One in a thousand, after storage had
/// failed, was never answered, and the next one was at once.
const OPEN_AGAIN_MS: u32 = 1_250;

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
        let deleted = timer::within_ms(OPEN_MS_MAX, connection::delete(&self.shared.name)).await;
        Ok(deleted.ok_or(StoreError::Blocked)??)
    }

    async fn connection(&self) -> Result<Rc<Connection>, StoreError> {
        if let Some(connection) = self.shared.connection.borrow().as_ref()
            && connection.is_open()
        {
            return Ok(Rc::clone(connection));
        }
        let opened = timer::within_ms(OPEN_MS_MAX, self.open_by_either()).await;
        let connection = Rc::new(opened.ok_or(StoreError::Blocked)??);
        *self.shared.connection.borrow_mut() = Some(Rc::clone(&connection));
        Ok(connection)
    }

    /// Takes the answer to the first call to open, or to a second one that is made when the first
    /// has none for a while. Both stay: where opening is slow, the first is nearer to its answer.
    async fn open_by_either(&self) -> Result<Connection, Fault> {
        let mut tables = Table::ALL.map(Table::name).to_vec();
        tables.extend([KEYS, CHUNK_BYTES]);
        let first = pin!(Connection::open(&self.shared.name, &tables));
        let second = pin!(async {
            timer::sleep_ms(OPEN_AGAIN_MS).await;
            Connection::open(&self.shared.name, &tables).await
        });
        select(first, second).await.factor_first().0
    }

    /// Runs an operation, and once more on a new connection if the old one was lost.
    pub(super) async fn run<T>(
        &self,
        operation: impl AsyncFn(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let mut lost = false;
        loop {
            let connection = self.connection().await?;
            match operation(&connection).await {
                Err(fault) if fault.is_lost_connection() && !lost => {
                    lost = true;
                    self.close();
                }
                result => return Ok(result?),
            }
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
            let store = connection.reading(table.name())?;
            let requests: Result<Vec<IdbRequest>, JsValue> =
                keys.iter().map(|key| store.get(&js::to_js(key))).collect();
            let values = answers(&requests?).await?;
            Ok(values
                .iter()
                .map(|value| (!value.is_undefined()).then(|| js::to_bytes(value)))
                .collect())
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
            let store = connection.reading(table.name())?;
            match direction {
                Direction::Forward => scan_forward(&store, range, skip, limit).await,
                Direction::Backward => scan_backward(&store, range, skip, limit).await,
            }
        })
        .await
    }

    async fn scan_keys_many(
        &self,
        table: Table,
        ranges: &[(Range, u32)],
    ) -> Result<Vec<Vec<Vec<u8>>>, StoreError> {
        // To IndexedDB a limit of 0 is none, and an empty range is an error.
        let asks = |(range, limit): &(Range, u32)| *limit > 0 && !range.is_empty();
        self.run(async |connection| {
            let store = connection.reading(table.name())?;
            let asked = ranges.iter().filter(|each| asks(each));
            let requests: Result<Vec<IdbRequest>, JsValue> = asked
                .map(|(range, limit)| {
                    store.get_all_keys_with_key_and_limit(&key_range(range)?, *limit)
                })
                .collect();
            let mut found = answers(&requests?).await?.into_iter();
            let keys = ranges.iter().map(|each| match asks(each) {
                true => found.next().map_or_else(Vec::new, |keys| list_of_bytes(&keys)),
                false => Vec::new(),
            });
            Ok(keys.collect())
        })
        .await
    }

    async fn count(&self, table: Table, range: &Range) -> Result<u64, StoreError> {
        if range.is_empty() {
            return Ok(0);
        }
        self.run(async |connection| {
            let count = connection.reading(table.name())?.count_with_key(&key_range(range)?)?;
            Ok(answer(&count).await?.as_f64().unwrap_or(0.0) as u64)
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
        Step::DeleteRange { range, .. } => {
            let range = key_range(range)?;
            if range.is_undefined() {
                store.clear()?
            } else {
                store.delete(&range)?
            };
        }
    }
    Ok(())
}

/// A range as IndexedDB has it; `undefined` for every key.
fn key_range(range: &Range) -> Result<JsValue, JsValue> {
    let start = js::to_js(&range.start);
    let range = match &range.end {
        Some(end) => {
            let end = js::to_js(end);
            IdbKeyRange::bound_with_lower_open_and_upper_open(&start, &end, false, true)
        }
        None if range.start.is_empty() => return Ok(JsValue::UNDEFINED),
        None => IdbKeyRange::lower_bound(&start),
    };
    range.map(JsValue::from)
}

/// Skips by one jump of a cursor, then reads everything with two requests: row by row a
/// cursor would cost an event for each.
async fn scan_forward(
    store: &IdbObjectStore,
    range: &Range,
    skip: u32,
    limit: u32,
) -> Result<Vec<Row>, Fault> {
    let mut range = range.clone();
    if skip > 0 {
        match key_at(store, &range, skip, "next").await? {
            Some(key) => range.start = js::to_bytes(&key),
            None => return Ok(Vec::new()),
        }
    }
    rows(store, &key_range(&range)?, limit).await
}

/// Finds both ends of the page by jumps, reads it forward and turns it over.
async fn scan_backward(
    store: &IdbObjectStore,
    range: &Range,
    skip: u32,
    limit: u32,
) -> Result<Vec<Row>, Fault> {
    let Some(last) = key_at(store, range, skip, "prev").await? else {
        return Ok(Vec::new());
    };
    let first = match skip.checked_add(limit - 1) {
        Some(index) if limit > 1 => key_at(store, range, index, "prev").await?,
        Some(_) => Some(last.clone()),
        None => None,
    };
    let first = first.unwrap_or_else(|| js::to_js(&range.start).into());
    let page = IdbKeyRange::bound(&first, &last)?;
    let mut rows = rows(store, &page, limit).await?;
    rows.reverse();
    Ok(rows)
}

async fn key_at(
    store: &IdbObjectStore,
    range: &Range,
    index: u32,
    direction: &str,
) -> Result<Option<JsValue>, Fault> {
    let request = js::call(store, "openKeyCursor", &[key_range(range)?, direction.into()])?;
    let request: IdbRequest = request.unchecked_into();
    let mut cursor = answer(&request).await?;
    if index > 0 && !cursor.is_null() {
        js::call(&cursor, "advance", &[index.into()])?;
        cursor = answer(&request).await?;
    }
    Ok((!cursor.is_null()).then(|| js::property(&cursor, "key")))
}

async fn rows(store: &IdbObjectStore, range: &JsValue, limit: u32) -> Result<Vec<Row>, Fault> {
    let keys = store.get_all_keys_with_key_and_limit(range, limit)?;
    let values = store.get_all_with_key_and_limit(range, limit)?;
    let found = answers(&[keys, values]).await?;
    let mut columns = found.iter().map(list_of_bytes);
    let (keys, values) = (columns.next().unwrap_or_default(), columns.next().unwrap_or_default());
    Ok(keys.into_iter().zip(values).collect())
}

fn list_of_bytes(list: &JsValue) -> Vec<Vec<u8>> {
    list.unchecked_ref::<Array>().iter().map(|value| js::to_bytes(&value)).collect()
}

impl IdbStore {
    /// Reads raw values of a table by raw keys.
    pub(super) async fn raw_get(&self, table: &str, key: &JsValue) -> Result<JsValue, StoreError> {
        self.run(async |connection| {
            let request = connection.reading(table)?.get(key)?;
            answer(&request).await
        })
        .await
    }

    /// Reads raw keys of a table, the first `limit` of them.
    pub(super) async fn raw_keys(
        &self,
        table: &str,
        limit: u32,
    ) -> Result<Vec<JsValue>, StoreError> {
        self.run(async |connection| {
            let store = connection.reading(table)?;
            let request = store.get_all_keys_with_key_and_limit(&JsValue::UNDEFINED, limit)?;
            Ok(answer(&request).await?.unchecked_into::<Array>().to_vec())
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

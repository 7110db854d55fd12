//! The connection behind [`super::IdbStore`], and its transactions.
//!
//! Requests of one transaction are answered in the order they were made, so whoever makes
//! many waits for the last one alone: a callback for each would cost more than the reading.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Array, Promise};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Event, IdbDatabase, IdbFactory, IdbObjectStore, IdbRequest, IdbRequestReadyState,
    IdbTransaction,
};

use super::super::{Durability, StoreError};
use crate::platform::js;

/// What a database says that is beyond the version that it was asked for.
const VERSION: &str = "VersionError";
/// Tabs of different builds that add tables at the same time may be in each other's way so often.
const OPEN_TRIES_MAX: u32 = 4;

/// An exception of IndexedDB, by its name.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    name: String,
}

impl Fault {
    /// Says whether a new connection may do what this one could not.
    pub(crate) fn is_lost_connection(&self) -> bool {
        matches!(self.name.as_str(), "UnknownError" | "InvalidStateError")
    }

    fn is_of_version(&self) -> bool {
        self.name == VERSION
    }
}

impl From<JsValue> for Fault {
    fn from(error: JsValue) -> Self {
        Self { name: js::error_name(&error) }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault.name.as_str() {
            "QuotaExceededError" => Self::Full,
            VERSION => Self::Blocked,
            _ => Self::Failed { name: fault.name },
        }
    }
}

/// An open database.
#[derive(Debug)]
pub(crate) struct Connection {
    database: IdbDatabase,
    open: Rc<Cell<bool>>,
    _on_close: Closure<dyn FnMut(Event)>,
}

impl Connection {
    /// Opens a database as it is found, after making the tables that it lacks.
    ///
    /// No build has a number of its own that a database must not be beyond: tables are only ever added, so one
    /// that a later build was there for is as good. Whoever stops waiting for it leaves nothing open: an answer that
    /// comes later is closed.
    pub(super) async fn open(name: &str, tables: &[&str]) -> Result<Self, Fault> {
        let mut version = None;
        for _ in 0..OPEN_TRIES_MAX {
            let opening = Opening::ask(name, version, tables)?;
            match answer(&opening.request).await {
                Ok(opened) => {
                    let connection = Self::of(opened.unchecked_into());
                    version = connection.version_with(tables);
                    if version.is_none() {
                        return Ok(connection);
                    }
                }
                // Another tab went on from the same version.
                Err(fault) if fault.is_of_version() => version = None,
                Err(fault) => return Err(fault),
            }
        }
        Err(Fault { name: VERSION.to_owned() })
    }

    fn of(database: IdbDatabase) -> Self {
        let open = Rc::new(Cell::new(true));
        let (closing, still_open) = (database.clone(), Rc::clone(&open));
        let on_close = Closure::new(move |_: Event| {
            still_open.set(false);
            closing.close();
        });
        let listener = Some(on_close.as_ref().unchecked_ref());
        database.set_onversionchange(listener);
        database.set_onclose(listener);
        Self { database, open, _on_close: on_close }
    }

    /// The version at which the tables that are lacking can be made; none where all are there.
    fn version_with(&self, tables: &[&str]) -> Option<u32> {
        let there = self.database.object_store_names();
        let lacks = tables.iter().any(|table| !there.contains(table));
        lacks.then(|| self.database.version() as u32 + 1)
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.get()
    }

    /// Begins to read one table; all requests have to be made before control returns to the
    /// browser, or when it answers one of them.
    pub(super) fn reading(&self, table: &str) -> Result<IdbObjectStore, Fault> {
        let transaction = self.database.transaction_with_str(table)?;
        Ok(transaction.object_store(table)?)
    }

    /// Runs one readwrite transaction; answers after `complete`, which with strict
    /// durability the browser fires when the data is on the disk.
    pub(super) async fn write(
        &self,
        tables: &[&str],
        durability: Durability,
        change: impl FnOnce(&dyn Fn(&str) -> Result<IdbObjectStore, JsValue>) -> Result<(), JsValue>,
    ) -> Result<(), Fault> {
        let durability = match durability {
            Durability::Strict => "strict",
            Durability::Relaxed => "relaxed",
        };
        let options = js::object(&[("durability", durability.into())]);
        let names: Array = tables.iter().map(|name| JsValue::from_str(name)).collect();
        let arguments = [names.into(), "readwrite".into(), options];
        let transaction = js::call(&self.database, "transaction", &arguments)?;
        let transaction: IdbTransaction = transaction.unchecked_into();
        let done = finished(&transaction);
        if let Err(error) = change(&|name| transaction.object_store(name)) {
            // Fails only if the transaction is over already, which undoes it as well.
            let _ = transaction.abort();
            let _ = done.await;
            return Err(error.into());
        }
        // Spares the browser the wait for more requests.
        let _ = js::call(&transaction, "commit", &[]);
        Ok(done.await?)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.database.set_onversionchange(None);
        self.database.set_onclose(None);
        self.database.close();
    }
}

/// A database that was asked for.
struct Opening {
    request: IdbRequest,
}

impl Opening {
    /// Asks for a database, at a version or as it is.
    fn ask(name: &str, version: Option<u32>, tables: &[&str]) -> Result<Self, Fault> {
        let factory = factory()?;
        let request = match version {
            Some(version) => factory.open_with_u32(name, version)?,
            None => factory.open(name)?,
        };
        let tables: Vec<String> = tables.iter().map(|table| (*table).to_owned()).collect();
        // Nobody can take an upgrade back that comes late, so its tables are made then, too.
        let upgrade = Closure::once_into_js(move |event: Event| {
            let upgraded: JsValue = event.target().into();
            let database: IdbDatabase = js::property(&upgraded, "result").unchecked_into();
            for table in &tables {
                // Fails only for one that is there already.
                let _ = database.create_object_store(table);
            }
        });
        request.set_onupgradeneeded(Some(upgrade.unchecked_ref()));
        Ok(Self { request: request.into() })
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if self.request.ready_state() == IdbRequestReadyState::Pending {
            let close = Closure::once_into_js(|event: Event| {
                let answered: JsValue = event.target().into();
                let database: IdbDatabase = js::property(&answered, "result").unchecked_into();
                database.close();
            });
            self.request.set_onsuccess(Some(close.unchecked_ref()));
        }
    }
}

/// Deletes a database; other tabs hear `versionchange` and let go of it.
pub(super) async fn delete(name: &str) -> Result<(), Fault> {
    let request: IdbRequest = factory()?.delete_database(name)?.into();
    answer(&request).await.map(drop)
}

fn factory() -> Result<IdbFactory, Fault> {
    Ok(js::property(&js_sys::global(), "indexedDB").dyn_into()?)
}

/// Waits for the answers to requests of one transaction, in their order.
pub(super) async fn answers(requests: &[IdbRequest]) -> Result<Vec<JsValue>, Fault> {
    let Some(last) = requests.last() else {
        return Ok(Vec::new());
    };
    answer(last).await?;
    requests.iter().map(|request| Ok(request.result()?)).collect()
}

/// Waits for the answer to one request.
pub(super) async fn answer(request: &IdbRequest) -> Result<JsValue, Fault> {
    let promise = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    let answer = JsFuture::from(promise).await;
    request.set_onsuccess(None);
    request.set_onerror(None);
    if answer.is_ok() {
        return Ok(request.result()?);
    }
    // A request that failed took the others of its transaction with it; they know no why.
    let of_all = request.transaction().map(|transaction| js::property(&transaction, "error"));
    let error = of_all.filter(|error| !error.is_null());
    Err(error.unwrap_or_else(|| js::property(request, "error")).into())
}

/// Waits for the end of a transaction; to be called before control returns to the browser.
fn finished(transaction: &IdbTransaction) -> impl Future<Output = Result<(), JsValue>> + use<> {
    let promise = Promise::new(&mut |resolve, reject| {
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(&reject));
    });
    let transaction = transaction.clone();
    async move {
        let answer = JsFuture::from(promise).await;
        transaction.set_oncomplete(None);
        transaction.set_onabort(None);
        answer.map(|_| ()).map_err(|_| js::property(&transaction, "error"))
    }
}

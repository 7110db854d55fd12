//! The two connections behind [`super::IdbStore`], which live and close together.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Promise;
use rexie::Rexie;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Event, IdbDatabase, IdbFactory, IdbObjectStore, IdbOpenDbRequest, IdbTransaction};

use super::super::{Durability, StoreError};
use super::names;
use crate::platform::js;

/// An exception of IndexedDB, by its name.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    name: String,
}

impl Fault {
    pub(crate) fn from_js(error: &JsValue) -> Self {
        Self { name: js::error_name(error) }
    }

    /// Says whether a new connection may do what this one could not.
    pub(crate) fn is_lost_connection(&self) -> bool {
        matches!(self.name.as_str(), "UnknownError" | "InvalidStateError")
    }
}

impl From<rexie::Error> for Fault {
    fn from(error: rexie::Error) -> Self {
        // rexie keeps the exception only as the text of an error inside its own.
        const KNOWN: [&str; 6] = [
            "QuotaExceededError",
            "InvalidStateError",
            "VersionError",
            "NotFoundError",
            "DataError",
            "AbortError",
        ];
        let text = std::error::Error::source(&error).map_or(String::new(), ToString::to_string);
        let name = KNOWN.into_iter().find(|name| text.contains(name)).unwrap_or("UnknownError");
        Self { name: name.to_owned() }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault.name.as_str() {
            "QuotaExceededError" => Self::Full,
            "VersionError" => Self::Blocked,
            _ => Self::Failed { name: fault.name },
        }
    }
}

#[derive(Debug)]
struct Handles {
    reader: RefCell<Option<Rexie>>,
    writer: IdbDatabase,
    open: Cell<bool>,
}

impl Handles {
    fn close(&self) {
        self.open.set(false);
        self.writer.close();
        if let Some(reader) = self.reader.borrow_mut().take() {
            reader.close();
        }
    }
}

/// A reading and a writing connection to one database.
#[derive(Debug)]
pub(crate) struct Connection {
    handles: Rc<Handles>,
    _on_close: Closure<dyn FnMut(Event)>,
}

impl Connection {
    /// Opens the writing connection to a database. Requests to open are answered in the
    /// order they are made, so whoever upgrades asks first.
    pub(super) async fn open_writer(name: &str) -> Result<IdbDatabase, Fault> {
        let factory = js::property(&js_sys::global(), "indexedDB");
        let factory: IdbFactory = factory.dyn_into().map_err(|error| Fault::from_js(&error))?;
        let request = factory.open(name).map_err(|error| Fault::from_js(&error))?;
        opened(&request).await.map_err(|error| Fault::from_js(&error))
    }

    /// Puts the reading and the writing connection together; if one failed, the other is
    /// closed.
    pub(super) fn of(
        both: (rexie::Result<Rexie>, Result<IdbDatabase, Fault>),
    ) -> Result<Self, Fault> {
        let (reader, writer) = match both {
            (Ok(reader), Ok(writer)) => (reader, writer),
            (Ok(reader), Err(fault)) => {
                reader.close();
                return Err(fault);
            }
            (Err(error), writer) => {
                if let Ok(writer) = writer {
                    writer.close();
                }
                return Err(error.into());
            }
        };
        let handles = Handles { reader: Some(reader).into(), writer, open: Cell::new(true) };
        let handles = Rc::new(handles);
        let weak = Rc::downgrade(&handles);
        let on_close = Closure::new(move |_: Event| {
            if let Some(handles) = weak.upgrade() {
                handles.close();
            }
        });
        let listener = Some(on_close.as_ref().unchecked_ref());
        handles.writer.set_onversionchange(listener);
        handles.writer.set_onclose(listener);
        Ok(Self { handles, _on_close: on_close })
    }

    pub(super) fn is_open(&self) -> bool {
        self.handles.open.get()
    }

    pub(super) fn with_reader<T>(
        &self,
        read: impl FnOnce(&Rexie) -> rexie::Result<T>,
    ) -> Result<T, Fault> {
        match self.handles.reader.borrow().as_ref() {
            Some(reader) => Ok(read(reader)?),
            None => Err(Fault { name: "InvalidStateError".to_owned() }),
        }
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
        let arguments = [names(tables).into(), "readwrite".into(), options];
        let transaction = js::call(&self.handles.writer, "transaction", &arguments);
        let transaction: IdbTransaction =
            transaction.map_err(|error| Fault::from_js(&error))?.unchecked_into();
        let done = finished(&transaction);
        if let Err(error) = change(&|name| transaction.object_store(name)) {
            // Fails only if the transaction is over already, which undoes it as well.
            let _ = transaction.abort();
            let _ = done.await;
            return Err(Fault::from_js(&error));
        }
        // Spares the browser the wait for more requests.
        let _ = js::call(&transaction, "commit", &[]);
        done.await.map_err(|error| Fault::from_js(&error))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.handles.writer.set_onversionchange(None);
        self.handles.writer.set_onclose(None);
        self.handles.close();
    }
}

async fn opened(request: &IdbOpenDbRequest) -> Result<IdbDatabase, JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
        request.set_onblocked(Some(&reject));
    });
    let answer = JsFuture::from(promise).await;
    request.set_onsuccess(None);
    request.set_onerror(None);
    request.set_onblocked(None);
    match answer {
        Ok(_) => Ok(js::property(request, "result").unchecked_into()),
        Err(_) => Err(js::property(request, "error")),
    }
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

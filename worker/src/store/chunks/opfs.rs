//! Chunks as files of the origin private file system: `<name>/chunks/<xx>/<hex id>`.
//!
//! A dedicated worker writes through sync access handles, flushed and closed before `put`
//! answers. There is no renaming: an id names one content, so a file either holds it, and is
//! not touched, or is torn, and is written anew. A crash leaves at most a torn file that no
//! index row and no outbox item names; a `put` that failed leaves an empty one, which counts
//! as none. A service worker has no such handles and reads through `File`s; it never writes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use offing_core::id::ChunkId;
use offing_core::{limits, proto};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{FileSystemReadWriteOptions, FileSystemSyncAccessHandle};

use super::{ChunkStore, Framed, StoreError};
use crate::platform::{js, timer};

/// How often a file that another tab holds is tried again, and how long between.
const BUSY_TRIES: u32 = 40;
const BUSY_WAIT_MS: u32 = 25;

/// Chunks in files; clones share the open folders.
#[derive(Debug, Clone)]
pub struct OpfsChunks {
    shared: Rc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: JsValue,
    folders: RefCell<HashMap<u8, JsValue>>,
}

impl OpfsChunks {
    /// Opens the folder of chunks that belongs to the store of this name; an error where
    /// the browser has no private file system (or hides it, as in some private windows).
    pub async fn open(name: &str) -> Result<Self, StoreError> {
        let navigator = js::property(&js_sys::global(), "navigator");
        let storage = js::property(&navigator, "storage");
        let top = js::call_async(&storage, "getDirectory", &[]).await.map_err(|e| fault(&e))?;
        let own = folder(&top, name, true).await.map_err(|error| fault(&error))?;
        let root = folder(&own, "chunks", true).await.map_err(|error| fault(&error))?;
        Ok(Self { shared: Rc::new(Shared { root, folders: RefCell::default() }) })
    }

    async fn folder(&self, id: &ChunkId, create: bool) -> Result<JsValue, JsValue> {
        let byte = id.0[0];
        if let Some(folder) = self.shared.folders.borrow().get(&byte) {
            return Ok(folder.clone());
        }
        let found = folder(&self.shared.root, &format!("{byte:02x}"), create).await?;
        self.shared.folders.borrow_mut().insert(byte, found.clone());
        Ok(found)
    }

    async fn file(&self, id: &ChunkId, create: bool) -> Result<JsValue, JsValue> {
        let options = js::object(&[("create", create.into())]);
        let folder = self.folder(id, create).await?;
        js::call_async(&folder, "getFileHandle", &[id.to_string().into(), options]).await
    }

    async fn blob(&self, id: &ChunkId) -> Result<web_sys::Blob, JsValue> {
        let file = self.file(id, false).await?;
        Ok(js::call_async(&file, "getFile", &[]).await?.unchecked_into())
    }

    async fn list_folder(&self, folder: &JsValue, names: &mut Vec<String>) -> Result<(), JsValue> {
        let keys = js::call(folder, "keys", &[])?;
        loop {
            let next = js::call_async(&keys, "next", &[]).await?;
            if js::property(&next, "done").is_truthy() {
                return Ok(());
            }
            names.extend(js::property(&next, "value").as_string());
        }
    }

    async fn list_all(&self) -> Result<Vec<ChunkId>, JsValue> {
        let mut folders = Vec::new();
        self.list_folder(&self.shared.root, &mut folders).await?;
        let mut ids = Vec::new();
        for name in folders {
            let folder = folder(&self.shared.root, &name, false).await?;
            let mut names = Vec::new();
            self.list_folder(&folder, &mut names).await?;
            ids.extend(names.iter().filter_map(|name| name.parse::<ChunkId>().ok()));
        }
        Ok(ids)
    }
}

impl ChunkStore for OpfsChunks {
    fn frame_bytes_max(&self) -> usize {
        limits::CHUNK_BATCH_BYTES_MAX
    }

    async fn frame(&self, chunks: &[(ChunkId, u64)]) -> Result<Framed, StoreError> {
        let parts = js_sys::Array::new();
        for (id, len) in chunks {
            let blob = self.blob(id).await.map_err(|error| fault(&error))?;
            if blob.size() as u64 != *len {
                return Err(StoreError::Lost);
            }
            let mut head = Vec::with_capacity(proto::CHUNK_HEAD_BYTES);
            let bytes = usize::try_from(*len).map_err(|_| StoreError::Lost)?;
            proto::put_chunk_head(&mut head, id, bytes);
            parts.push(&js::to_js(&head));
            parts.push(&blob);
        }
        let framed = web_sys::Blob::new_with_blob_sequence(&parts);
        framed.map(Framed::Blob).map_err(|error| fault(&error))
    }

    async fn put(&self, id: ChunkId, bytes: &[u8]) -> Result<(), StoreError> {
        let file = self.file(&id, true).await.map_err(|error| fault(&error))?;
        let access = Access::open(&file, "readwrite").await.map_err(|error| fault(&error))?;
        if access.holds(bytes).map_err(|error| fault(&error))? {
            // It may be the only copy of what the outbox names, and a request may be reading
            // it. Whoever wrote it may have been killed before it was flushed.
            return access.handle.flush().map_err(|error| fault(&error));
        }
        let written = access.write(bytes).map_err(|error| fault(&error));
        if written.is_err() {
            // What does not fit must not take space either. Nothing is removed: as soon as
            // this handle is closed, another tab may have put the chunk.
            access.handle.truncate_with_f64(0.0).ok();
        }
        written
    }

    async fn get(&self, id: ChunkId, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let file = self.file(&id, false).await.map_err(|error| fault(&error))?;
        if can_access(&file)
            && let Ok(access) = Access::open_now(&file, "read-only").await
        {
            return access.read(range);
        }
        let blob = js::call_async(&file, "getFile", &[]).await.map_err(|error| fault(&error))?;
        let blob: web_sys::Blob = blob.unchecked_into();
        if range.start > range.end || range.end as f64 > blob.size() {
            return Err(StoreError::Lost);
        }
        let part = blob.slice_with_f64_and_f64(range.start as f64, range.end as f64);
        let part = part.map_err(|error| fault(&error))?;
        let buffer = js::call_async(&part, "arrayBuffer", &[]).await.map_err(|e| fault(&e))?;
        Ok(js::to_bytes(&buffer))
    }

    async fn len(&self, id: ChunkId) -> Result<Option<u64>, StoreError> {
        match self.blob(&id).await.map_err(|error| fault(&error)) {
            // No chunk is empty: a put that failed left this.
            Ok(blob) if blob.size() == 0.0 => Ok(None),
            Ok(blob) => Ok(Some(blob.size() as u64)),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn delete(&self, id: ChunkId) -> Result<(), StoreError> {
        for _ in 0..BUSY_TRIES {
            let removed = match self.folder(&id, false).await {
                Ok(folder) => {
                    js::call_async(&folder, "removeEntry", &[id.to_string().into()]).await
                }
                Err(error) => Err(error),
            };
            match removed {
                Ok(_) => return Ok(()),
                Err(error) if is_busy(&error) => timer::sleep_ms(BUSY_WAIT_MS).await,
                Err(error) if fault(&error) == StoreError::NotFound => return Ok(()),
                Err(error) => return Err(fault(&error)),
            }
        }
        Err(StoreError::Blocked)
    }

    async fn list(&self) -> Result<Vec<ChunkId>, StoreError> {
        self.list_all().await.map_err(|error| fault(&error))
    }

    async fn usage(&self) -> Result<u64, StoreError> {
        let mut bytes = 0;
        for id in self.list().await? {
            bytes += self.len(id).await?.unwrap_or(0);
        }
        Ok(bytes)
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.shared.folders.borrow_mut().clear();
        let mut names = Vec::new();
        let root = &self.shared.root;
        self.list_folder(root, &mut names).await.map_err(|error| fault(&error))?;
        for name in names {
            let options = js::object(&[("recursive", true.into())]);
            let removed = js::call_async(root, "removeEntry", &[name.into(), options]).await;
            removed.map_err(|error| fault(&error))?;
        }
        Ok(())
    }
}

/// A sync access handle, closed when dropped.
struct Access {
    handle: FileSystemSyncAccessHandle,
}

impl Access {
    async fn open(file: &JsValue, mode: &str) -> Result<Self, JsValue> {
        let mut tries = 0;
        loop {
            match Self::open_now(file, mode).await {
                Err(error) if is_busy(&error) && tries < BUSY_TRIES => {
                    tries += 1;
                    timer::sleep_ms(BUSY_WAIT_MS).await;
                }
                result => return result,
            }
        }
    }

    /// Browsers that know no modes ignore the option and give exclusive access.
    async fn open_now(file: &JsValue, mode: &str) -> Result<Self, JsValue> {
        let options = js::object(&[("mode", mode.into())]);
        let handle = js::call_async(file, "createSyncAccessHandle", &[options]).await?;
        Ok(Self { handle: handle.unchecked_into() })
    }

    /// Says whether exactly these bytes are in the file.
    fn holds(&self, bytes: &[u8]) -> Result<bool, JsValue> {
        if self.handle.get_size()? != bytes.len() as f64 {
            return Ok(false);
        }
        Ok(self.read(0..bytes.len() as u64).is_ok_and(|held| held == bytes))
    }

    fn write(&self, bytes: &[u8]) -> Result<(), JsValue> {
        let mut done = 0;
        while done < bytes.len() {
            let options = FileSystemReadWriteOptions::new();
            options.set_at(done as f64);
            let rest = &bytes[done..];
            let count = self.handle.write_with_u8_array_and_options(rest, &options)? as usize;
            if count == 0 {
                return Err(js::object(&[("name", "QuotaExceededError".into())]));
            }
            done += count;
        }
        if self.handle.get_size()? > bytes.len() as f64 {
            self.handle.truncate_with_f64(bytes.len() as f64)?;
        }
        self.handle.flush()
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let size = self.handle.get_size().map_err(|error| fault(&error))?;
        if range.start > range.end || range.end as f64 > size {
            return Err(StoreError::Lost);
        }
        let mut bytes = vec![0; (range.end - range.start) as usize];
        let options = FileSystemReadWriteOptions::new();
        options.set_at(range.start as f64);
        let read = self.handle.read_with_u8_array_and_options(&mut bytes, &options);
        let count = read.map_err(|error| fault(&error))? as usize;
        if count == bytes.len() { Ok(bytes) } else { Err(StoreError::Lost) }
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        self.handle.close();
    }
}

fn can_access(file: &JsValue) -> bool {
    js::property(file, "createSyncAccessHandle").is_function()
}

async fn folder(parent: &JsValue, name: &str, create: bool) -> Result<JsValue, JsValue> {
    let options = js::object(&[("create", create.into())]);
    js::call_async(parent, "getDirectoryHandle", &[name.into(), options]).await
}

fn is_busy(error: &JsValue) -> bool {
    js::error_name(error) == "NoModificationAllowedError"
}

fn fault(error: &JsValue) -> StoreError {
    match js::error_name(error).as_str() {
        "NotFoundError" => StoreError::NotFound,
        "QuotaExceededError" => StoreError::Full,
        "NoModificationAllowedError" => StoreError::Blocked,
        name => StoreError::Failed { name: name.to_owned() },
    }
}

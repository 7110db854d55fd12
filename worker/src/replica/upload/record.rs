//! Uploads between starts of the app: their records, and going on with them.

use std::rc::Rc;

use offing_core::content::manifest::Extent;
use offing_core::id::{ChunkId, NodeId};
use offing_core::rpc::{Fault, TransferId, TransferState};
use offing_core::tree::OpId;
use serde::{Deserialize, Serialize};

use super::{Staged, Upload};
use crate::host::Host;
use crate::replica::fault::from_store;
use crate::replica::{Replica, encode};
use crate::store::{Batch, Durability, Range, Store, Table};

/// An upload as it is stored between starts.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) parent: NodeId,
    pub(super) node: NodeId,
    pub(super) replaces: bool,
    pub(super) size: u64,
    pub(super) modified_ms: i64,
    pub(super) paused: bool,
    pub(super) staged: Option<Staged>,
    pub(super) replaced: Vec<OpId>,
    pub(super) shared: Vec<ChunkId>,
    pub(super) thumb: Option<Extent>,
}

impl Record {
    /// Records of earlier versions end before the last one to three fields, which are empty.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let with = |fields: &[u8]| postcard::from_bytes(&[bytes, fields].concat()).ok();
        [&[][..], &[0], &[0, 0], &[0, 0, 0]].into_iter().find_map(with)
    }
}

/// The chunks that an upload's record names.
pub(in crate::replica) fn staged_chunks(record: &[u8]) -> Vec<ChunkId> {
    let Some(record) = Record::decode(record) else {
        return Vec::new();
    };
    let staged = record.staged.map(|staged| staged.manifest.chunks());
    let mut chunks = staged.unwrap_or_default();
    chunks.extend(record.thumb.map(|thumb| thumb.chunk));
    chunks
}

impl<H: Host> Replica<H> {
    /// Takes up what tabs left that are gone: an upload is of whoever has its lock.
    pub(in crate::replica) async fn take_up_uploads(self: &Rc<Self>) -> Result<(), Fault> {
        let store = self.host.store();
        let keys = store.scan_keys(Table::Transfers, &Range::all(), u32::MAX).await;
        let mut found = Vec::new();
        for key in keys.map_err(|e| from_store(&e))? {
            let Ok(id) = <[u8; 8]>::try_from(key.as_slice()).map(u64::from_be_bytes) else {
                continue;
            };
            if self.uploads.borrow().all.contains_key(&id) {
                continue;
            }
            let Some(guard) = self.host.try_lock(&self.upload_lock(id)).await else {
                continue;
            };
            // Whoever had it may have brought it to its end meanwhile.
            let record = store.get(Table::Transfers, &key).await.map_err(|e| from_store(&e))?;
            let Some(record) = record.and_then(|bytes| Record::decode(&bytes)) else {
                continue;
            };
            let upload = Rc::new(Upload::left(id, record));
            let mut uploads = self.uploads.borrow_mut();
            uploads.claims.insert(id, guard);
            uploads.all.insert(id, Rc::clone(&upload));
            found.push(upload);
        }
        if found.is_empty() {
            return Ok(());
        }
        self.show(&found);
        let this = Rc::clone(self);
        self.host.spawn(async move {
            for upload in found {
                let staged = upload.staged.borrow().is_some();
                match (staged, upload.paused.get()) {
                    (true, true) => {}
                    (true, false) => this.send_staged(&upload).await,
                    (false, _) => drop(this.forget_record(&upload).await),
                }
            }
        });
        Ok(())
    }

    fn upload_lock(&self, id: TransferId) -> String {
        format!("upload:{}:{id}", self.vault)
    }

    /// Says to the other tabs that this one is at it, as long as it lives.
    async fn claim(&self, upload: &Upload) {
        if self.uploads.borrow().claims.contains_key(&upload.id) {
            return;
        }
        // Not to be had: this tab is just taking it.
        if let Some(guard) = self.host.try_lock(&self.upload_lock(upload.id)).await {
            self.uploads.borrow_mut().claims.insert(upload.id, guard);
        }
    }

    pub(super) async fn store_record(&self, upload: &Upload) -> Result<(), Fault> {
        self.store_record_with(upload, Batch::new()).await
    }

    /// Stores an upload's record and what belongs to it, so that it outlives the tab.
    pub(super) async fn store_record_with(
        &self,
        upload: &Upload,
        also: Batch,
    ) -> Result<(), Fault> {
        self.claim(upload).await;
        let mut batch = also;
        batch.put(Table::Transfers, upload.id.to_be_bytes(), encode(&upload.record()));
        upload.recorded.set(true);
        self.write_strict(batch).await
    }

    pub(super) async fn forget_record(&self, upload: &Upload) -> Result<(), Fault> {
        if !upload.recorded.take() {
            return Ok(());
        }
        let mut batch = Batch::new();
        batch.delete(Table::Transfers, upload.id.to_be_bytes());
        let written = self.host.store().write(batch, Durability::Relaxed).await;
        self.unclaim(upload);
        written.map_err(|e| from_store(&e))
    }

    /// Its record is gone, so nobody takes it up any more.
    pub(super) fn unclaim(&self, upload: &Upload) {
        let guard = self.uploads.borrow_mut().claims.remove(&upload.id);
        drop(guard);
    }
}

impl Upload {
    /// One that another tab or an earlier start of the app left.
    fn left(id: TransferId, record: Record) -> Self {
        let state = match (&record.staged, record.paused) {
            (None, _) => TransferState::Failed(Fault::FileVanished { name: record.name.clone() }),
            (Some(_), true) => TransferState::Paused,
            (Some(_), false) => TransferState::Here,
        };
        let upload = Self::new(id, record);
        upload.state.replace(state);
        upload.recorded.set(true);
        upload
    }
}

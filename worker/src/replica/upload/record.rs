//! Uploads between starts of the app: their records, and going on with them.

use std::rc::Rc;

use offing_core::id::{ChunkId, NodeId};
use offing_core::rpc::{Fault, TransferState};
use offing_core::tree::OpId;
use serde::{Deserialize, Serialize};

use super::{Staged, Upload};
use crate::host::Host;
use crate::replica::fault::from_store;
use crate::replica::{Replica, encode};
use crate::store::{Batch, Direction, Durability, Range, Store, Table};

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
}

impl Record {
    /// Records of earlier versions end before the last one or two lists, which are empty.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let with = |lists: &[u8]| postcard::from_bytes(&[bytes, lists].concat()).ok();
        [&[][..], &[0], &[0, 0]].into_iter().find_map(with)
    }
}

/// The chunks that an upload's record names.
pub(in crate::replica) fn staged_chunks(record: &[u8]) -> Vec<ChunkId> {
    let staged = Record::decode(record).and_then(|record| record.staged);
    staged.map(|staged| staged.manifest.chunks()).unwrap_or_default()
}

impl<H: Host> Replica<H> {
    /// Takes up what an earlier start of the app left.
    pub(in crate::replica) async fn resume_uploads(self: &Rc<Self>) -> Result<(), Fault> {
        // Another tab may be at it; only one that gets this lock takes them up.
        let name = format!("uploads:{}", self.vault);
        let Some(guard) = self.host.try_lock(&name).await else {
            return Ok(());
        };
        let store = self.host.store();
        let rows =
            store.scan(Table::Transfers, &Range::all(), 0, u32::MAX, Direction::Forward).await;
        let mut found = Vec::new();
        for (key, value) in rows.map_err(|e| from_store(&e))? {
            let Ok(id) = <[u8; 8]>::try_from(key.as_slice()) else {
                continue;
            };
            let Some(record) = Record::decode(&value) else {
                continue;
            };
            let state = match (&record.staged, record.paused) {
                (None, _) => {
                    TransferState::Failed(Fault::FileVanished { name: record.name.clone() })
                }
                (Some(_), true) => TransferState::Paused,
                (Some(_), false) => TransferState::Here,
            };
            let upload = Rc::new(Upload::new(u64::from_be_bytes(id), record));
            upload.state.replace(state);
            upload.recorded.set(true);
            self.uploads.borrow_mut().all.insert(upload.id, Rc::clone(&upload));
            found.push(upload);
        }
        self.show(&found);
        let this = Rc::clone(self);
        self.host.spawn(async move {
            let _guard = guard;
            for upload in found {
                let staged = upload.staged.borrow().is_some();
                match staged {
                    true if !upload.paused.get() => {}
                    true => continue,
                    false => {
                        this.forget_record(&upload).await.ok();
                        continue;
                    }
                }
                this.send_staged(&upload).await;
            }
            // Held as long as the tab lives, so that no second tab takes up the same work.
            std::future::pending::<()>().await;
        });
        Ok(())
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
        written.map_err(|e| from_store(&e))
    }
}

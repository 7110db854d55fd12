//! Sending large files ahead of their entry, and making nodes of what was read.

use std::ops::ControlFlow;
use std::rc::Rc;

use offing_core::content::pack;
use offing_core::id::ChunkId;
use offing_core::limits;
use offing_core::rpc::TransferState;

use super::{Arrival, Upload};
use crate::host::Host;
use crate::push::{self, Ended, Step};
use crate::replica::Replica;
use crate::replica::commit::Extra;
use crate::store::{Batch, Table};

impl<H: Host> Replica<H> {
    /// Sends what a staged file still needs on the server, then makes its node.
    pub(super) async fn send_staged(self: &Rc<Self>, upload: &Rc<Upload>) {
        let Some(staged) = upload.staged.borrow().clone() else {
            return;
        };
        self.turn(upload, TransferState::Moving);
        for ids in staged.manifest.chunks().chunks(limits::CHUNK_BATCH_MAX) {
            if upload.paused.get() {
                return self.turn(upload, TransferState::Paused);
            }
            if upload.cancelled.get() {
                return;
            }
            if !self.send(upload, ids).await {
                // Not to be reached: the node is made now, and the outbox brings it.
                break;
            }
        }
        if upload.paused.get() {
            return self.turn(upload, TransferState::Paused);
        }
        self.arrive(vec![Arrival { upload: Rc::clone(upload), staged }]).await;
    }

    /// Makes chunks durable on the server; says whether that worked.
    pub(super) async fn send(self: &Rc<Self>, upload: &Rc<Upload>, ids: &[ChunkId]) -> bool {
        if ids.is_empty() {
            return true;
        }
        let mut observe = |step: &Step| {
            if let Step::Stored { sent_bytes, ids } = step {
                let chunk = pack::chunk_bytes(upload.size) as u64;
                let bytes = (*sent_bytes).max(ids.len() as u64 * chunk);
                upload.done.set(upload.size.min(upload.done.get() + bytes));
                self.show(std::slice::from_ref(upload));
            }
            if upload.paused.get() || upload.cancelled.get() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let (store, chunks, server) = (self.host.store(), self.host.chunks(), self.host.server());
        let ended = push::upload(self.vault, ids, store, chunks, server, &mut observe).await;
        matches!(ended, Ok(Ended::Drained | Ended::Stopped))
    }

    /// Makes nodes of staged files, in one entry.
    pub(super) async fn arrive(self: &Rc<Self>, arrivals: Vec<Arrival>) {
        let arrivals: Vec<Arrival> =
            arrivals.into_iter().filter(|a| !a.upload.cancelled.get()).collect();
        if arrivals.is_empty() {
            return;
        }
        let mut contents = Vec::with_capacity(arrivals.len());
        let mut also = Batch::new();
        for arrival in &arrivals {
            match self.make_content(&arrival.staged.manifest, arrival.staged.text).await {
                Ok(content) => contents.push(content),
                Err(fault) => return self.fail(&arrival.upload, fault).await,
            }
            also.delete(Table::Transfers, arrival.upload.id.to_be_bytes());
        }
        let mut about: Vec<_> = arrivals.iter().map(|a| a.upload.parent).collect();
        about.extend(arrivals.iter().filter(|a| a.upload.replaces).map(|a| a.upload.node));
        let extra = Extra { also, about, ..Extra::default() };
        let committed = self
            .commit(extra, &|edit| {
                for (arrival, content) in arrivals.iter().zip(&contents) {
                    let upload = &arrival.upload;
                    if upload.replaces {
                        edit.set_content(upload.node, content.clone())?;
                    } else {
                        edit.create_file(
                            upload.node,
                            upload.parent,
                            &upload.name,
                            content.clone(),
                        )?;
                    }
                }
                Ok(())
            })
            .await;
        match committed {
            Ok(committed) => {
                for arrival in &arrivals {
                    arrival.upload.dseq.set(Some(committed.dseq));
                    arrival.upload.again.take();
                    arrival.upload.done.set(arrival.upload.size);
                    self.turn(&arrival.upload, TransferState::Here);
                }
                self.count_pending().await.ok();
            }
            Err(fault) => {
                for arrival in &arrivals {
                    self.fail(&arrival.upload, fault.clone()).await;
                }
            }
        }
    }
}

//! Sending large files ahead of their entry, and making nodes of what was read.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::rc::Rc;

use offing_core::content::pack;
use offing_core::id::ChunkId;
use offing_core::limits;
use offing_core::ordered;
use offing_core::proto::Code;
use offing_core::rpc::{Fault, TransferState};

use super::{Arrival, Staged, Upload};
use crate::host::Host;
use crate::push::{self, Ended, PushError, Step};
use crate::replica::Replica;
use crate::replica::commit::Extra;
use crate::store::{Batch, Table};

/// What became of chunks that were to go ahead of their entry.
pub(super) enum Sent {
    /// They are on the server, or were not wanted there any more.
    Yes,
    /// The server cannot be reached, or the outbox has to see to it.
    Later,
    /// The server does not take them.
    Refused(Code),
}

impl<H: Host> Replica<H> {
    /// Sends what a staged file still needs on the server, then makes its node.
    pub(super) async fn send_staged(self: &Rc<Self>, upload: &Rc<Upload>) {
        let Some(staged) = upload.staged.borrow().clone() else {
            return;
        };
        let _staging = self.staging().await;
        self.turn(upload, TransferState::Moving);
        // Counted anew: what went ahead is counted as it is asked for.
        upload.done.set(0);
        for ids in staged.manifest.chunks().chunks(limits::CHUNK_BATCH_MAX) {
            if upload.paused.get() {
                return self.turn(upload, TransferState::Paused);
            }
            if upload.cancelled.get() {
                return;
            }
            match self.send(upload, ids).await {
                Sent::Yes => {}
                // Not to be reached: the node is made now, and the outbox brings it.
                Sent::Later => break,
                // It stays here as it is, recorded, and no entry waits for it.
                Sent::Refused(code) => {
                    return self.turn(upload, TransferState::Failed(Fault::Server(code)));
                }
            }
        }
        if upload.paused.get() {
            return self.turn(upload, TransferState::Paused);
        }
        self.arrive(vec![Arrival { upload: Rc::clone(upload), staged, fresh: None }]).await;
    }

    /// Makes chunks durable on the server, if that can be done now.
    pub(super) async fn send(self: &Rc<Self>, upload: &Rc<Upload>, ids: &[ChunkId]) -> Sent {
        if ids.is_empty() {
            return Sent::Yes;
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
        let ended = push::upload(self.vault, ids, store, chunks, server, &self.pace, &mut observe);
        match ended.await {
            Ok(Ended::Drained | Ended::Stopped) => Sent::Yes,
            Err(PushError::Net(error)) => match error.code() {
                Some(code) if push::is_of_chunks(code) => Sent::Refused(code),
                Some(_) | None => Sent::Later,
            },
            Ok(_) | Err(_) => Sent::Later,
        }
    }

    /// Makes nodes of staged files, in one entry. If they cannot all become nodes (a folder
    /// went away meanwhile), those that can do, in as few entries as that takes.
    pub(super) async fn arrive(self: &Rc<Self>, arrivals: Vec<Arrival>) {
        let mut groups = Vec::new();
        let mut rest = arrivals;
        while rest.len() > limits::UPLOAD_GROUP_FILES_MAX {
            let tail = rest.split_off(limits::UPLOAD_GROUP_FILES_MAX);
            groups.push(std::mem::replace(&mut rest, tail));
        }
        groups.push(rest);
        groups.reverse();
        while let Some(group) = groups.pop() {
            let mut group = self.still_wanted(group).await;
            if group.is_empty() {
                continue;
            }
            group.iter().for_each(|arrival| arrival.upload.arriving.set(true));
            let committed = self.commit_group(&group).await;
            group.iter().for_each(|arrival| arrival.upload.arriving.set(false));
            match committed {
                Ok(dseq) => {
                    for Arrival { upload, .. } in &group {
                        upload.dseq.set(Some(dseq));
                        self.unclaim(upload);
                        upload.again.take();
                        upload.done.set(upload.size);
                        self.turn(upload, TransferState::Here);
                    }
                    self.count_pending().await.ok();
                }
                Err(fault) if group.len() > 1 && !is_of_device(&fault) => {
                    let rest = group.split_off(group.len() / 2);
                    groups.extend([rest, group]);
                }
                Err(fault) => {
                    for Arrival { upload, .. } in &group {
                        if matches!(fault, Fault::FileVanished { .. }) {
                            // A leftover that was swept: it has to be read again.
                            upload.staged.take();
                        }
                        self.fail(upload, fault.clone()).await;
                    }
                }
            }
        }
    }

    /// Leaves out what was cancelled or paused; what is paused is kept for later.
    async fn still_wanted(self: &Rc<Self>, arrivals: Vec<Arrival>) -> Vec<Arrival> {
        let mut wanted = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            let upload = &arrival.upload;
            if upload.cancelled.get() {
                continue;
            }
            if !upload.paused.get() {
                wanted.push(arrival);
                continue;
            }
            let mut rows = Batch::new();
            let fresh = arrival.fresh.iter().map(|sealed| (sealed.chunk, sealed.sealed_bytes));
            let put = self.put_held(&mut rows, &ordered::map(fresh)).await;
            *upload.staged.borrow_mut() = Some(arrival.staged.clone());
            let stored = match put {
                Ok(()) => self.store_record_with(upload, rows).await,
                Err(fault) => Err(fault),
            };
            if let Err(fault) = stored {
                self.fail(upload, fault).await;
            }
        }
        wanted
    }

    /// No entry may name what is not here: after a failure that a person tries again, the
    /// chunks may have been swept.
    async fn check_here(
        &self,
        upload: &Upload,
        staged: &Staged,
        fresh: &BTreeMap<ChunkId, usize>,
    ) -> Result<(), Fault> {
        let mut chunks = staged.manifest.chunks();
        chunks.retain(|id| !fresh.contains_key(id) && !upload.shared.borrow().contains(id));
        if self.are_held(&chunks).await?.iter().all(|held| *held) {
            return Ok(());
        }
        Err(Fault::FileVanished { name: upload.name.clone() })
    }

    /// Commits nodes for all of a group, with everything that belongs to them.
    async fn commit_group(self: &Rc<Self>, group: &[Arrival]) -> Result<u64, Fault> {
        let mut contents = Vec::with_capacity(group.len());
        let mut also = Batch::new();
        let mut fresh = BTreeMap::new();
        let mut about = BTreeSet::new();
        for Arrival { upload, staged, fresh: sealed } in group {
            fresh.extend(sealed.map(|sealed| (sealed.chunk, sealed.sealed_bytes)));
            self.check_here(upload, staged, &fresh).await?;
            let mut manifest = staged.manifest.clone();
            manifest.file = self.target(upload).await?;
            let thumb = self.thumb_here(upload).await?;
            let content = self.make_content(&manifest, thumb, staged.text).await?;
            contents.push((manifest.file, content));
            if upload.recorded.get() {
                also.delete(Table::Transfers, upload.id.to_be_bytes());
            }
            about.insert(upload.parent);
            about.extend(upload.replaces.then_some(upload.node));
        }
        self.put_held(&mut also, &fresh).await?;
        let extra = Extra { also, about: about.into_iter().collect(), ..Extra::default() };
        let committed = self
            .commit(extra, &|edit| {
                for (Arrival { upload, .. }, (node, content)) in group.iter().zip(&contents) {
                    let content = content.clone();
                    if upload.replaces && *node == upload.node {
                        edit.set_content(*node, content)?;
                    } else {
                        edit.create_file(*node, upload.parent, &upload.name, content)?;
                    }
                }
                Ok(())
            })
            .await?;
        Ok(committed.dseq)
    }
}

/// Says whether a fault would meet every part of a group alike.
fn is_of_device(fault: &Fault) -> bool {
    matches!(fault, Fault::Storage | Fault::StorageFull)
}

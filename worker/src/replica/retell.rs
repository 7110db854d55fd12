//! What the log says, made once more in memory: a snapshot, and what came after it.
//!
//! Nothing of it touches what is on this device. It is for comparing (`countersign`) and for
//! taking the place of all rows at once, where others' bodies are gone. A vault of a million
//! nodes is too much for it.

use std::collections::BTreeMap;

use offing_core::id::{DeviceId, Seq};
use offing_core::log::change::TextPart;
use offing_core::log::entry::{EntryKind, Header};
use offing_core::log::snapshot::{Part, Record, SnapshotBody};
use offing_core::log::verify::{CheckedBody, HistoryError, LogState, Refused, Step};
use offing_core::rpc::Fault;
use offing_core::tree::memory::MemoryTree;
use offing_core::tree::{KnownOp, NodeRow, WorkingSet, listing};

use super::pull::{self, PullError};
use super::rewind::put_past;
use super::{Replica, encode, epochs, text_store};
use crate::host::{Host, Server};
use crate::net::NetError;
use crate::store::{self, Batch, Table};

/// Rows by their keys, as a table has them.
pub(super) type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// What the log says up to a place.
pub(super) struct Retold {
    /// The verified log, up to there.
    pub(super) state: LogState,
    /// The tree.
    pub(super) tree: MemoryTree,
    /// The greatest Lamport time.
    pub(super) lamport: u64,
    /// Texts as the snapshot has them, and all contents that were replaced.
    pub(super) texts: Rows,
    /// Changes of texts that came after the snapshot.
    pub(super) typed: Vec<(DeviceId, TextPart)>,
    /// Values of what was replaced of places, names and the trash.
    pub(super) past: Vec<Vec<u8>>,
    /// What was set aside, by its place.
    pub(super) aside: Rows,
    /// Records of epochs and names of devices, of the snapshot.
    pub(super) meta: Rows,
}

impl<H: Host> Replica<H> {
    /// Reads a snapshot into memory; `None` if it does not hold, which an error says nothing of. `empty` knows the vault.
    pub(super) async fn retell_snapshot(
        &self,
        empty: &LogState,
        header: &Header,
        body: &SnapshotBody,
    ) -> Result<Option<Retold>, NetError> {
        let mut retold = Retold {
            state: empty.clone(),
            tree: MemoryTree::default(),
            lamport: body.lamport,
            texts: Rows::new(),
            typed: Vec::new(),
            past: Vec::new(),
            aside: Rows::new(),
            meta: Rows::new(),
        };
        let mut take = |records: Vec<Record>| {
            for record in records {
                if record.part == Part::State {
                    retold.state = empty.thaw(&record.value, body.at, header)?;
                } else {
                    retold.take_record(record, body)?;
                }
            }
            Some(Batch::new())
        };
        let read = self.read_pieces(body, &mut take).await?;
        let holds = read.is_some() && retold.state.at() == body.at;
        Ok(holds.then_some(retold))
    }

    /// What takes the place of the log's beginning where bodies are gone: the newest snapshot
    /// that holds, of where this device has verified the log or before; `None` if there is none.
    pub(super) async fn retell_beginning(
        &self,
        verified: &LogState,
    ) -> Result<Option<Retold>, PullError> {
        for skip in 0..=u8::MAX {
            let page = self.host.server().beginning(self.vault, skip).await;
            let page = page.map_err(PullError::Net)?;
            let Some(shown) = verified.check_beginning(self.host.crypto(), &page).await else {
                break;
            };
            let signer = verified.device(&shown.header.device);
            if signer.is_none_or(|signer| signer.revoked_at.is_some()) {
                continue;
            }
            let (header, bytes) = (&shown.header, &shown.header_bytes);
            let opened = self.open_snapshot_body(header, bytes, &shown.body).await;
            let Some(body) = opened.filter(|body| body.at.seq <= verified.at().seq) else {
                continue;
            };
            let empty = verified.from_the_start();
            let retold = self.retell_snapshot(&empty, header, &body).await;
            if let Some(retold) = retold.map_err(PullError::Net)? {
                let (at, verified) = (retold.state.at(), verified.at());
                if at.seq == verified.seq && at != verified {
                    return Err(self.history_changed(at.seq));
                }
                return Ok(Some(retold));
            }
        }
        Ok(None)
    }

    /// Reads the log on, up to a place that was verified; `hear` hears of each step.
    pub(super) async fn read_on(
        &self,
        retold: &mut Retold,
        to: Seq,
        hear: &mut dyn FnMut(&Step),
    ) -> Result<(), PullError> {
        while retold.state.at().seq < to {
            let after = retold.state.at().seq;
            let page = self.host.server().read_log(self.vault, after, None).await;
            let mut page = page.map_err(PullError::Net)?;
            page.items.truncate(usize::try_from(to - after).unwrap_or(usize::MAX));
            let steps = match retold.state.check_page(self.host.crypto(), &page).await {
                Ok(steps) if !steps.is_empty() => steps,
                Err(HistoryError::Crypto(_)) => return Err(Fault::Internal.into()),
                Ok(_) | Err(_) => return Err(Fault::CannotOpen.into()),
            };
            self.take_told(retold, &steps).await?;
            steps.iter().for_each(&mut *hear);
        }
        Ok(())
    }

    async fn take_told(&self, retold: &mut Retold, steps: &[Step]) -> Result<(), Fault> {
        let mut ops = Vec::new();
        for step in steps {
            let seq = step.point.seq;
            let checked = match &step.outcome {
                Ok(checked) if checked.header.kind == EntryKind::Change => checked,
                Ok(_) => continue,
                Err(refused) => {
                    retold.aside.insert(seq.to_be_bytes().to_vec(), encode(refused));
                    continue;
                }
            };
            let CheckedBody::Sealed(body) = &checked.body else {
                return Err(Fault::CannotOpen);
            };
            match self.open_change(checked, body).await {
                Some(change) => {
                    ops.extend(change.known_ops(Some(seq), checked.header.seen_seq));
                    let device = checked.header.device;
                    retold.typed.extend(change.texts.into_iter().map(|part| (device, part)));
                }
                None => {
                    retold.aside.insert(seq.to_be_bytes().to_vec(), checked.header_bytes.clone());
                }
            }
        }
        retold.apply(&ops);
        Ok(())
    }
}

impl Retold {
    /// Merges ops, and keeps what they replace.
    pub(super) fn apply(&mut self, ops: &[KnownOp]) {
        let mut before = WorkingSet::default();
        for KnownOp { op, .. } in ops {
            before.put_row(op.node, self.tree.rows.get(&op.node).cloned());
        }
        let mut batch = Batch::new();
        put_past(&mut batch, ops, &before);
        text_store::put_replaced(&mut batch, ops, &before);
        for step in batch.steps {
            match step {
                store::Step::Put { table: Table::Texts, key, value } => {
                    self.texts.insert(key, value);
                }
                store::Step::Put { value, .. } => self.past.push(value),
                store::Step::Delete { .. } | store::Step::DeleteRange { .. } => {}
            }
        }
        let changes = self.tree.apply(ops);
        self.lamport = self.lamport.max(changes.lamport_max);
    }

    /// Whether something was set aside that a later version may read.
    pub(super) fn has_unread(&self) -> bool {
        self.aside.values().any(|what| is_unread(what))
    }

    /// Adds what a record of the snapshot says; `None` if it says nothing of its kind, or more
    /// than the snapshot's body allows.
    fn take_record(&mut self, record: Record, body: &SnapshotBody) -> Option<()> {
        let Record { part, key, value } = record;
        match part {
            Part::State => {}
            Part::Epoch => {
                let number = u32::from_be_bytes(key.try_into().ok()?);
                self.meta.insert(epochs::record_key(number), value);
            }
            Part::DeviceName => {
                self.meta.insert(pull::device_key(DeviceId::from_slice(&key)?), value);
            }
            Part::SetAside => {
                self.aside.insert(key, value);
            }
            Part::Text => {
                let last = text_store::last_increment(&key, &value)?;
                if last > body.increments {
                    return None;
                }
                self.texts.insert(key, value);
            }
            Part::Past => self.past.push(value),
            Part::Node => {
                let row = NodeRow::decode(&value).ok()?;
                if row.applied.iter().any(|(_, lamport)| *lamport > body.lamport) {
                    return None;
                }
                self.tree.listing.extend(listing::entries(&row));
                self.tree.rows.insert(row.node, row);
            }
        }
        Some(())
    }
}

/// Says whether a row of what was set aside is of an entry that a later version may read; one
/// that is false stays so.
pub(super) fn is_unread(what: &[u8]) -> bool {
    match postcard::take_from_bytes::<Refused>(what) {
        Ok((Refused::Malformed, [])) => true,
        Ok((_, [])) => false,
        Ok(_) | Err(_) => true,
    }
}

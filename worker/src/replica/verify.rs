//! Looks at everything that the server keeps of a vault: its whole log, and every chunk.
//!
//! Nothing that is on this device is believed but the keys, the owner's identity and the
//! place that was verified before: the log is read from its beginning, every entry's chain,
//! signature and seal is checked, and every chunk that an entry brought is fetched and must
//! be what its id says; those of the files as they are now must also open. Nothing is mended.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};
use offing_core::content::chunk::{self, ContentKey};
use offing_core::crypto::hazmat::Crypto;
use offing_core::id::{ChunkId, NodeId, Seq};
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::EntryKind;
use offing_core::log::verify::{Checked, CheckedBody, HistoryError, LogState, Step};
use offing_core::ordered;
use offing_core::proto::Code;
use offing_core::rpc::Fault;
use offing_core::tree::NodeRow;

use super::bury::may_end;
use super::come_back::is_gone;
use super::fault::{from_net, from_store};
use super::pull::PullError;
use super::{LOG_KEY, Replica};
use crate::host::{Host, Server};
use crate::net::{NetError, Remote};
use crate::store::{Direction, Range, Store, Table};

/// Chunks that are fetched at once.
const LANES: usize = 4;
/// Rows that are read at once.
const PAGE_ROWS: u32 = 1_024;

/// What was looked at, and what of it is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Entries of the log, from the genesis entry on.
    pub entries: u64,
    /// The last of them, and the chain there.
    pub at: Option<ChainPoint>,
    /// Chunks that were fetched and are what their ids say.
    pub chunks: u64,
    /// Their bytes.
    pub chunk_bytes: u64,
    /// Files (and further versions of files) whose content opens.
    pub contents: u64,
    /// The history contradicts itself, or what this device saw; what follows was not looked at.
    pub history: Option<String>,
    /// Entries whose bodies the server let go of, which a snapshot has.
    pub gone: u64,
    /// Entries that are not genuine or cannot be opened, with the reason.
    pub bad_entries: Vec<(Seq, String)>,
    /// Chunks that the server has lost.
    pub lost: Vec<ChunkId>,
    /// Chunks that are not what their ids say, or that do not open.
    pub damaged: Vec<ChunkId>,
    /// Files whose content cannot be had whole.
    pub files: Vec<String>,
}

impl Verified {
    /// Says whether everything is as it should be.
    pub fn is_sound(&self) -> bool {
        self.history.is_none()
            && self.bad_entries.is_empty()
            && self.lost.is_empty()
            && self.damaged.is_empty()
            && self.files.is_empty()
    }
}

/// What a chunk should be.
#[derive(Default)]
struct Expected {
    /// Opens it, if a file of now has it.
    key: Option<ContentKey>,
    /// The files that have it.
    files: BTreeSet<NodeId>,
    /// Something other than snapshots declared it.
    lasts: bool,
}

/// A chunk as the server gave it.
enum Fetched {
    Sound(u64),
    Lost,
    Damaged,
}

impl<H: Host> Replica<H> {
    /// Looks at everything that the server keeps of the vault; `looked` hears of each chunk
    /// how many were looked at and how many there are.
    ///
    /// A [`Fault`] means that it could not be looked at to its end, as without network.
    pub async fn verify(&self, looked: &mut dyn FnMut(u64, u64)) -> Result<Verified, Fault> {
        let mut found = Verified::default();
        let mut expected = BTreeMap::new();
        self.verify_log(&mut found, &mut expected).await?;
        if found.history.is_some() {
            return Ok(found);
        }
        let unread = self.expect_contents(&mut found, &mut expected).await?;
        let bad = self.verify_chunks(&mut found, &expected, looked).await?;
        let of_bad = bad.iter().flat_map(|id| expected[id].files.iter().copied());
        for node in ordered::set(of_bad.chain(unread)) {
            let path = match self.path(node).await {
                Ok(path) => path.into_iter().map(|crumb| crumb.name).collect::<Vec<_>>().join("/"),
                // It was deleted for good.
                Err(Fault::NodeUnknown) => self.name_for_fault(node).await,
                Err(fault) => return Err(fault),
            };
            found.files.push(path);
        }
        Ok(found)
    }

    /// Reads the log from its beginning to the server's tip.
    async fn verify_log(
        &self,
        found: &mut Verified,
        expected: &mut BTreeMap<ChunkId, Expected>,
    ) -> Result<(), Fault> {
        let seen: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        let mut state = seen.from_the_start();
        let mut last_gone = None;
        loop {
            let after = state.at().seq;
            let page = self.host.server().read_log(self.vault, after, None).await;
            let page = page.map_err(|e| from_net(&e))?;
            let steps = match state.check_page(self.host.crypto(), &page).await {
                Ok(steps) => steps,
                Err(HistoryError::Crypto(_)) => return Err(Fault::Internal),
                Err(contradiction) => {
                    found.history = Some(contradiction.to_string());
                    return Ok(());
                }
            };
            for step in &steps {
                if step.point.seq == seen.at().seq && step.point != seen.at() {
                    found.history = Some("it is not the one this device verified".to_owned());
                    return Ok(());
                }
                if is_gone(step) {
                    found.gone += 1;
                    last_gone = Some(step.point.seq);
                }
                self.verify_step(step, found, expected).await;
            }
            found.entries = state.at().seq;
            found.at = Some(state.at());
            if state.at().seq >= page.tip.seq {
                break;
            }
        }
        if state.at().seq < seen.at().seq {
            found.history = Some(format!("it ends before entry {}", seen.at().seq));
        }
        if let Some(last) = last_gone
            && !self.has_instead(&state, last).await?
        {
            found.bad_entries.push((last, "its body is gone, and no snapshot has it".to_owned()));
        }
        Ok(())
    }

    /// Says whether a snapshot has all up to a place, and leads to where the log leads.
    async fn has_instead(&self, state: &LogState, last: Seq) -> Result<bool, Fault> {
        let read = async {
            let mut retold = self.retell_beginning(state).await?.ok_or(Fault::CannotOpen)?;
            let has_all = retold.state.at().seq >= last;
            self.read_on(&mut retold, state.at().seq, &mut |_| ()).await?;
            Ok(has_all && retold.state.freeze() == state.freeze())
        };
        match read.await {
            Err(PullError::Net(error)) => Err(from_net(&error)),
            read => Ok(read.unwrap_or(false)),
        }
    }

    async fn verify_step(
        &self,
        step: &Step,
        found: &mut Verified,
        expected: &mut BTreeMap<ChunkId, Expected>,
    ) {
        let seq = step.point.seq;
        match &step.outcome {
            Err(refused) => found.bad_entries.push((seq, refused.to_string())),
            Ok(checked) => {
                let kind = checked.header.kind;
                for id in &checked.header.chunks {
                    if kind == EntryKind::Gc && checked.header.is_about_contents() {
                        // So are those of files, of which some may still be there.
                        expected.remove(id);
                    } else if kind == EntryKind::Heartbeat {
                        // It names a snapshot's pieces, whether they are there or not.
                    } else if kind != EntryKind::Gc {
                        expected.entry(*id).or_default().lasts |= kind != EntryKind::Snapshot;
                    } else if expected.get(id).is_some_and(|chunk| !chunk.lasts) {
                        // The server may keep it still, and need not.
                        expected.remove(id);
                    }
                }
                if !self.opens(checked).await {
                    found.bad_entries.push((seq, "the entry does not open".to_owned()));
                }
            }
        }
    }

    async fn opens(&self, checked: &Checked) -> bool {
        match &checked.body {
            CheckedBody::Sealed(body) if checked.header.kind == EntryKind::Change => {
                self.open_change(checked, body).await.is_some()
            }
            CheckedBody::Sealed(_)
            | CheckedBody::Epoch(_)
            | CheckedBody::Device(_)
            | CheckedBody::Recovery(_) => true,
            // Whether a snapshot has it is asked at the end.
            CheckedBody::Held(_) => true,
        }
    }

    /// Notes which chunks the contents of all files are made of; the files of which that
    /// cannot be read.
    async fn expect_contents(
        &self,
        found: &mut Verified,
        expected: &mut BTreeMap<ChunkId, Expected>,
    ) -> Result<Vec<NodeId>, Fault> {
        let mut unread = Vec::new();
        let gone = self.gone().await?;
        let mut range = Range::all();
        loop {
            let store = self.host.store();
            let rows = store.scan(Table::Nodes, &range, 0, PAGE_ROWS, Direction::Forward).await;
            let rows = rows.map_err(|e| from_store(&e))?;
            let Some((last, _)) = rows.last() else {
                return Ok(unread);
            };
            range.start = [last.as_slice(), &[0]].concat();
            for (_, value) in rows {
                let row = NodeRow::decode(&value).map_err(|_| Fault::Storage)?;
                if gone.contains(&row.node) && may_end(&row) {
                    continue;
                }
                for content in &row.contents {
                    let manifest = match self.manifest(row.node, &content.value).await {
                        Ok(manifest) => manifest,
                        Err(
                            fault @ (Fault::Storage | Fault::StorageFull | Fault::NotHere { .. }),
                        ) => {
                            return Err(fault);
                        }
                        Err(_) => {
                            unread.push(row.node);
                            continue;
                        }
                    };
                    found.contents += 1;
                    for extent in manifest.extents {
                        let chunk = expected.entry(extent.chunk).or_default();
                        chunk.key = Some(extent.key);
                        chunk.files.insert(row.node);
                    }
                }
            }
        }
    }

    /// Fetches every chunk; those that are lost or damaged.
    async fn verify_chunks(
        &self,
        found: &mut Verified,
        expected: &BTreeMap<ChunkId, Expected>,
        looked: &mut dyn FnMut(u64, u64),
    ) -> Result<Vec<ChunkId>, Fault> {
        let mut bad = Vec::new();
        let (mut done, all) = (0, expected.len() as u64);
        let fetches = expected.iter().map(|(id, chunk)| async move {
            (*id, self.verify_chunk(*id, chunk.key.as_ref()).await)
        });
        let mut fetches = stream::iter(fetches).buffer_unordered(LANES);
        while let Some((id, fetched)) = fetches.next().await {
            match fetched? {
                Fetched::Sound(bytes) => {
                    found.chunks += 1;
                    found.chunk_bytes += bytes;
                }
                Fetched::Lost => {
                    found.lost.push(id);
                    bad.push(id);
                }
                Fetched::Damaged => {
                    found.damaged.push(id);
                    bad.push(id);
                }
            }
            done += 1;
            looked(done, all);
        }
        Ok(bad)
    }

    async fn verify_chunk(&self, id: ChunkId, key: Option<&ContentKey>) -> Result<Fetched, Fault> {
        let server = self.host.server();
        let bytes = match server.chunk(self.vault, id).await {
            Ok(bytes) => bytes,
            Err(error) if error.code() == Some(Code::ChunkUnknown) => return Ok(Fetched::Lost),
            Err(NetError::Malformed) => return Ok(Fetched::Damaged),
            // A server that answers, but not with this chunk, cannot read it any more.
            Err(error) if error.is_offline() => match server.have(self.vault, &[id]).await {
                Ok(_) => return Ok(Fetched::Lost),
                Err(error) => return Err(from_net(&error)),
            },
            Err(error) => return Err(from_net(&error)),
        };
        let crypto = self.host.crypto();
        let hash = crypto.sha256(&bytes).await.map_err(|_| Fault::Internal)?;
        if hash != id.0 {
            return Ok(Fetched::Damaged);
        }
        if let Some(key) = key
            && chunk::open_chunk(crypto, &self.vault, &id, key, &bytes).await.is_err()
        {
            return Ok(Fetched::Damaged);
        }
        Ok(Fetched::Sound(bytes.len() as u64))
    }
}

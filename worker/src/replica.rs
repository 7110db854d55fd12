//! One vault on one device, in one tab: what the page sees and changes.
//!
//! A change goes one way: `commit` applies its ops to the rows, seals them into an entry
//! and stores rows, entry and outbox in one strict transaction; then the views are told
//! and the driver is woken. What others wrote comes the other way through `pull`. Nothing
//! here waits for the network to show or change what is on the device.
//!
//! Several tabs are several replicas over one store. The lock `commit:<vault>` is held for
//! the milliseconds of a transaction, `sync:<vault>` by whoever pulls or pushes, and a
//! [`Notice`] tells the others what changed.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use futures_util::lock::Mutex;
use offing_core::content::chunk::ChunkSealer;
use offing_core::content::delta::BlockKey;
use offing_core::crypto::hazmat::Crypto;
use offing_core::id::{AccountId, DeviceId, Hash, NodeId, Seq, VaultId};
use offing_core::log::snapshot::Piece;
use offing_core::proto::Code;
use offing_core::rpc::{Event, Fault};
use offing_core::sync::machine::Machine;
use serde::{Deserialize, Serialize};

use crate::host::{Host, Keys, Notice};
use crate::push::Pace;
use crate::store::{Range, Store, Table, outbox};

mod actions;
mod bury;
mod collect;
mod come_back;
mod commit;
mod contents;
mod copies;
mod countersign;
mod defer;
mod details;
mod devices;
mod documents;
mod download;
mod driver;
mod enrolment;
mod epochs;
mod expiry;
pub(crate) mod fault;
mod give_back;
mod held;
mod history;
mod index;
mod joining;
mod journal;
mod keep;
mod labels;
mod links;
mod presence;
mod pull;
mod purge;
mod queue;
mod renew;
mod reseal;
mod retell;
mod rewind;
mod sealing;
mod set_aside;
mod share;
mod snapshot;
mod space;
mod sweep;
mod text_store;
mod texts;
mod thumbs;
mod unsynced;
mod upload;
mod verify;
mod versions;
mod views;
mod working;

pub use details::{Details, Tally};
pub use download::{Download, OpenContent};
pub use presence::{Company, Visitor};
pub(crate) use renew::RENEWED_KEY;
#[cfg(target_arch = "wasm32")]
pub(crate) use renew::Renewed;
pub use verify::Verified;

use fault::from_store;

/// Who a replica is: stored with the account, read at start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// The vault.
    pub vault: VaultId,
    /// This device.
    pub device: DeviceId,
    /// What people call this device.
    pub device_name: String,
}

/// The secret of an epoch, and what seals chunks with it.
pub(crate) struct Epoch<C: Crypto> {
    pub(crate) secret: C::Secret,
    pub(crate) sealer: Rc<ChunkSealer<C>>,
    pub(crate) blocks: BlockKey,
}

impl<C: Crypto> Clone for Epoch<C> {
    fn clone(&self) -> Self {
        let (sealer, blocks) = (Rc::clone(&self.sealer), self.blocks.clone());
        Self { secret: self.secret.clone(), sealer, blocks }
    }
}

/// This device's own place in the vault; changes only under the commit lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Own {
    /// Counter of its last entry.
    pub(crate) dseq: u64,
    /// Hash of its last entry.
    pub(crate) prev: Hash,
    /// The greatest Lamport time it wrote or saw.
    pub(crate) lamport: u64,
    /// Counter of the text increments stored here.
    pub(crate) increments: u64,
}

impl Own {
    pub(crate) const KEY: &[u8] = b"own";
    pub(crate) const START: Self = Self { dseq: 0, prev: Hash([0; 32]), lamport: 0, increments: 0 };
}

/// Key of the state of the verified log, in `Table::Meta`.
pub(crate) const LOG_KEY: &[u8] = b"log";
const KEPT_PREFIX: &[u8] = b"kept/";

/// One vault on one device, in one tab. See the module.
pub struct Replica<H: Host> {
    host: H,
    identity: RefCell<Identity>,
    vault: VaultId,
    keys: RefCell<Keys<H::Crypto>>,
    epochs: RefCell<BTreeMap<u32, Epoch<H::Crypto>>>,
    /// The epochs on the device were opened.
    has_secrets: Mutex<bool>,
    events: Box<dyn Fn(Event)>,
    machine: RefCell<Machine>,
    waits: Cell<u64>,
    views: RefCell<views::Views>,
    undo: RefCell<actions::UndoLog>,
    texts: RefCell<texts::OpenTexts>,
    others: RefCell<presence::Others>,
    uploads: RefCell<upload::Uploads<H::Guard>>,
    pace: Pace,
    kept: RefCell<HashSet<NodeId>>,
    /// How many in this tab are storing chunks that nothing names yet.
    staging: Rc<Cell<u32>>,
    /// Bytes that were fetched since the cache was last bounded.
    cached_bytes: Cell<u64>,
    /// `None` until the browser was asked.
    cache_bytes_max: Cell<Option<u64>>,
    /// The first entry that the server did not take, until a person acts, and why.
    held_up: Cell<Option<(u64, Code)>>,
    /// The disk is full: what the log says is taken in, and not kept as it came.
    no_room_for_tail: Cell<bool>,
    /// Leftovers were looked for.
    swept: Cell<bool>,
    closed: Cell<bool>,
    signed_out: Cell<bool>,
    taken_off: Cell<bool>,
    /// The account was found closed.
    shut_out: Cell<bool>,
    /// The server was restored from a backup, and has not gone on since as far as is known.
    restored: Cell<bool>,
    /// It went on without what was seen here.
    left_behind: Cell<bool>,
    /// No chunks are to be offered to a server that was restored, as far as this tab knows.
    offered_chunks: Cell<bool>,
    /// How many entries that were verified here the server is known to lack.
    lacking: Cell<u32>,
    /// The entry for which the server last said that this device may not write any more, and
    /// whether the log was read since.
    unseated_at: Cell<Option<(u64, bool)>>,
    storage_failing: Cell<bool>,
    /// The snapshot from whose place this device reads the log, until the log shows it.
    stands_on: Cell<Option<Hash>>,
    /// No snapshot is due before this place.
    snapshot_due: Cell<Seq>,
    /// Replaced snapshots may be there to be collected.
    may_collect: Cell<bool>,
    /// Contents that others call dead may be there to be answered for.
    may_answer: Cell<bool>,
    /// When this tab last looked for contents that are dead.
    buried_ms: Cell<i64>,
    /// When this tab last looked how long things are in the trash.
    aged_ms: Cell<i64>,
    /// A snapshot may be there that this device has not looked at.
    may_countersign: Cell<bool>,
    /// The blobs of the shared index that the searcher asked for last.
    shared_blobs: RefCell<Vec<Vec<Piece>>>,
    session_changed: RefCell<Option<Box<dyn Fn()>>>,
    lists_changed: RefCell<Option<Box<dyn Fn()>>>,
    /// How often something changed that the searcher is told of nodes.
    rows_changed: Cell<u64>,
}

impl<H: Host> Replica<H> {
    /// Opens the vault from what is on the device.
    ///
    /// The epochs' secrets are opened from the stored log state; a device that never read
    /// the log gets them with its first pull.
    pub async fn open(
        host: H,
        identity: Identity,
        keys: Keys<H::Crypto>,
        events: Box<dyn Fn(Event)>,
    ) -> Result<Rc<Self>, Fault> {
        let kept = kept_nodes(host.store()).await?;
        let replica = Self::assemble(host, identity, keys, kept, events);
        replica.own().await?;
        replica.open_secrets().await?;
        Ok(replica)
    }

    /// Puts a replica together from what was read. It can list; for everything else
    /// [`Self::open_secrets`] comes first.
    pub(crate) fn assemble(
        host: H,
        identity: Identity,
        keys: Keys<H::Crypto>,
        kept: HashSet<NodeId>,
        events: Box<dyn Fn(Event)>,
    ) -> Rc<Self> {
        let clock = host.clone();
        Rc::new(Self {
            vault: identity.vault,
            identity: RefCell::new(identity),
            keys: RefCell::new(keys),
            epochs: RefCell::default(),
            has_secrets: Mutex::new(false),
            events,
            machine: RefCell::default(),
            waits: Cell::new(0),
            views: RefCell::default(),
            undo: RefCell::default(),
            texts: RefCell::default(),
            others: RefCell::default(),
            uploads: RefCell::default(),
            pace: Pace::timed_by(move || clock.now_ms()),
            kept: RefCell::new(kept),
            staging: Rc::default(),
            cached_bytes: Cell::new(0),
            cache_bytes_max: Cell::new(None),
            held_up: Cell::new(None),
            no_room_for_tail: Cell::new(false),
            swept: Cell::new(false),
            closed: Cell::new(false),
            signed_out: Cell::new(false),
            taken_off: Cell::new(false),
            shut_out: Cell::new(false),
            restored: Cell::new(false),
            left_behind: Cell::new(false),
            offered_chunks: Cell::new(false),
            lacking: Cell::new(0),
            unseated_at: Cell::new(None),
            storage_failing: Cell::new(false),
            stands_on: Cell::new(None),
            snapshot_due: Cell::new(0),
            may_collect: Cell::new(true),
            may_answer: Cell::new(true),
            buried_ms: Cell::new(i64::MIN / 2),
            aged_ms: Cell::new(i64::MIN / 2),
            may_countersign: Cell::new(true),
            shared_blobs: RefCell::default(),
            session_changed: RefCell::new(None),
            lists_changed: RefCell::new(None),
            rows_changed: Cell::new(0),
            host,
        })
    }

    /// The vault.
    pub fn vault(&self) -> VaultId {
        self.vault
    }

    /// Who this is.
    pub fn identity(&self) -> Identity {
        self.identity.borrow().clone()
    }

    /// The device that this profile is now.
    fn device(&self) -> DeviceId {
        self.identity.borrow().device
    }

    /// Says whether the server wants a new sign-in before it takes more.
    pub fn is_signed_out(&self) -> bool {
        self.signed_out.get()
    }

    /// Says whether that is because this device was taken off the account.
    pub fn is_taken_off(&self) -> bool {
        self.taken_off.get()
    }

    /// Calls back whenever [`Self::is_signed_out`] changes.
    pub fn on_session_change(&self, call: impl Fn() + 'static) {
        *self.session_changed.borrow_mut() = Some(Box::new(call));
    }

    /// Calls back whenever something changed that lists show, in whatever folder.
    pub fn on_list_change(&self, call: impl Fn() + 'static) {
        *self.lists_changed.borrow_mut() = Some(Box::new(call));
    }

    /// Stops all work of this replica: the person signs out.
    pub fn close(&self) {
        self.closed.set(true);
    }

    /// What would be lost if this device forgot everything now.
    pub async fn unsynced(&self) -> Result<u32, Fault> {
        let mut unsynced = Unsynced::count(self.host.store(), &self.vault).await?;
        // A small file that is being read has no record.
        unsynced.uploads = unsynced.uploads.max(u64::from(self.unfinished_uploads()));
        Ok(unsynced.total().saturating_add(self.lacking.get()))
    }

    /// How many entries and uploads are not on the server.
    pub async fn pending(&self) -> Result<u32, Fault> {
        let entries = outbox::count(self.host.store(), &self.vault).await;
        let entries = entries.map_err(|e| from_store(&e))?;
        Ok(u32::try_from(entries).unwrap_or(u32::MAX) + self.unfinished_uploads())
    }

    /// Hears what another tab of the profile did.
    pub async fn hear(self: &Rc<Self>, notice: &Notice) -> Result<(), Fault> {
        match notice {
            Notice::Changed { folders, texts } => {
                self.refresh_views(folders).await?;
                for node in texts {
                    self.load_increments(*node).await?;
                }
            }
            Notice::Outbox => {
                self.count_pending().await?;
                self.settle_brought().await?;
            }
            Notice::Reading(true) => self.note_reading_elsewhere(),
            Notice::Reading(false) => self.check_reading_elsewhere().await,
            Notice::Reordered(places) => self.move_uploads(places),
            Notice::Renewed => self.follow_renewal().await?,
            Notice::Session => {}
        }
        Ok(())
    }

    fn emit(&self, event: Event) {
        if !self.closed.get() {
            (self.events)(event);
        }
    }

    /// This device's place. Another tab may have made another device of this profile: then
    /// this tab is that one too from here on.
    async fn own(&self) -> Result<Own, Fault> {
        let keys = [Own::KEY.to_vec(), RENEWED_KEY.to_vec()];
        let rows = self.host.store().get_many(Table::Meta, &keys).await;
        let rows = rows.map_err(|e| from_store(&e))?;
        if let [_, Some(renewed)] = &rows[..] {
            self.take_up(&postcard::from_bytes(renewed).map_err(|_| Fault::Storage)?).await?;
        }
        match &rows[0] {
            Some(own) => postcard::from_bytes(own).map_err(|_| Fault::Storage),
            None => Ok(Own::START),
        }
    }

    /// Reads a value of the small table.
    async fn meta<T: for<'de> Deserialize<'de>>(&self, key: &[u8]) -> Result<Option<T>, Fault> {
        decode(&self.meta_bytes(key).await?)
    }

    /// Apart from [`Self::meta`], so that the reading is compiled once for all types.
    async fn meta_bytes(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.host.store().get(Table::Meta, key).await.map_err(|e| from_store(&e))
    }

    fn commit_lock(&self) -> String {
        format!("commit:{}", self.vault)
    }
}

/// What is only on this device, whichever tab made it.
pub(crate) struct Unsynced {
    entries: u64,
    typed: u64,
    uploads: u64,
}

impl Unsynced {
    /// Counts entries in the outbox, typing that is in no entry yet, and uploads.
    pub(crate) async fn count(store: &impl Store, vault: &VaultId) -> Result<Self, Fault> {
        let typed = Range::prefix(journal::PREFIX);
        Ok(Self {
            entries: outbox::count(store, vault).await.map_err(|e| from_store(&e))?,
            typed: store.count(Table::Meta, &typed).await.map_err(|e| from_store(&e))?,
            uploads: store
                .count(Table::Transfers, &Range::all())
                .await
                .map_err(|e| from_store(&e))?,
        })
    }

    pub(crate) fn total(&self) -> u32 {
        u32::try_from(self.entries + self.typed + self.uploads).unwrap_or(u32::MAX)
    }
}

/// The nodes that the person asked to keep on this device.
pub(crate) async fn kept_nodes(store: &impl Store) -> Result<HashSet<NodeId>, Fault> {
    let keys = store.scan_keys(Table::Meta, &Range::prefix(KEPT_PREFIX), u32::MAX).await;
    let keys = keys.map_err(|e| from_store(&e))?;
    Ok(keys.iter().filter_map(|key| NodeId::from_slice(&key[KEPT_PREFIX.len()..])).collect())
}

/// Decodes a value of the small tables, if it is there.
fn decode<T: for<'de> Deserialize<'de>>(value: &Option<Vec<u8>>) -> Result<Option<T>, Fault> {
    let decoded = value.as_deref().map(postcard::from_bytes).transpose();
    decoded.map_err(|_| Fault::Storage)
}

/// Encodes a value of the small tables.
fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("plain data always serialises")
}

//! What the server remembers beside chunks: accounts, sessions, vaults, logs, the index of chunks.
//!
//! A [`MetaStore`] runs *jobs*: closures over a [`MetaTx`] (or a [`MetaRead`]) that see one
//! consistent state and take effect as a whole or not at all. So every rule that spans rows
//! (a device's counter, the chain, a quota) is written once, in `service`, and holds for
//! every backend. A backend may run many jobs in one transaction; the answer to a job with
//! [`Durability::Now`] is given only after its effects survive a power cut.
//!
//! Nothing here knows the wire or a clock: times are arguments, milliseconds since 1970.

use std::any::Any;
use std::collections::BTreeSet;

use offing_core::id::{AccountId, ChunkId, DeviceId, Hash, Incarnation, Seq, VaultId};
use offing_core::log::entry::EntryKind;
use offing_core::proto::SecretKind;
use tokio::sync::oneshot;

use super::blob::BlobStoreId;
use super::burial::{BurialRead, BurialTx};
use super::closed::{ClosedRead, ClosedTx};
use super::ends::{EndRead, EndTx};
use super::factors::{FactorRead, FactorTx};
use super::fossil::{FossilRead, FossilTx};
use super::growth::{Growth, Question, Standing};
use super::keeping::{KeepingRead, KeepingTx};
use super::note::Note;
use super::postgres::tls::DatabaseTlsError;
use super::sign_ins::{SignInRead, SignInTx};
use super::witness::{WitnessRead, WitnessTx};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The account.
    pub id: AccountId,
    /// The name to sign in with, normalised by the caller; unique.
    pub username: String,
    /// The OPAQUE record of the password.
    pub password_file: Vec<u8>,
    /// The OPAQUE record of the recovery code.
    pub recovery_file: Vec<u8>,
    /// Public identity key.
    pub identity_public: Vec<u8>,
    /// Private identity key, sealed.
    pub identity_sealed: Vec<u8>,
    /// The account master key, sealed for the password.
    pub password_slot: Vec<u8>,
    /// The account master key, sealed for the recovery code.
    pub recovery_slot: Vec<u8>,
    /// The recovery kit was read back.
    pub kit_confirmed: bool,
    /// The most bytes it may store, if there is a limit.
    pub quota_bytes: Option<u64>,
    /// Bytes of chunks and entries stored for it.
    pub used_bytes: u64,
    /// When it was made.
    pub created_ms: i64,
}

/// A one-time permission to make an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// SHA-256 of the token in the link.
    pub token_hash: Hash,
    /// When it was made.
    pub created_ms: i64,
    /// When it stops working.
    pub expires_ms: i64,
    /// When it was used, if it was.
    pub used_ms: Option<i64>,
}

/// Names a session; random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub [u8; 16]);

/// A signed-in device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The session.
    pub id: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// The device it is bound to.
    pub device: DeviceId,
    /// The device's public signing key.
    pub device_public: Vec<u8>,
    /// SHA-256 of the cookie's secret.
    pub token_hash: Hash,
    /// SHA-256 of the secret before the last rotation.
    pub previous_hash: Option<Hash>,
    /// When the secret was last rotated.
    pub rotated_ms: i64,
    /// When the person last proved a secret.
    pub created_ms: i64,
    /// When it was last used.
    pub used_ms: i64,
    /// Its device was taken off the account, which ended it.
    pub taken_off: bool,
}

/// A vault and the tip of its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vault {
    /// The vault.
    pub id: VaultId,
    /// The account that pays for it.
    pub account: AccountId,
    /// The last place of its log.
    pub seq: Seq,
    /// The chain value there.
    pub chain: Hash,
    /// The current epoch.
    pub epoch: u32,
    /// The server was restored from a backup, and this log was not given back yet.
    pub recovering: bool,
}

/// The last entry of a device in a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceCounter {
    /// Its counter; 0 if it wrote nothing yet.
    pub dseq: u64,
    /// Its hash; zeros if it wrote nothing yet.
    pub hash: Hash,
    /// It was taken off and writes no more.
    pub revoked: bool,
}

/// An entry of a log as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its place.
    pub seq: Seq,
    /// The device that wrote it.
    pub device: DeviceId,
    /// The device's counter.
    pub dseq: u64,
    /// Its hash.
    pub hash: Hash,
    /// The chain value at its place.
    pub chain: Hash,
    /// The clear header.
    pub header: Vec<u8>,
    /// The signature.
    pub signature: [u8; 64],
    /// SHA-256 of the body.
    pub body_hash: Hash,
    /// The body; `None` when it was pruned or the reader asked to leave it out.
    pub body: Option<Vec<u8>>,
}

impl StoredEntry {
    /// Bytes that count towards [`PageBounds::bytes_max`].
    pub fn page_bytes(&self) -> usize {
        const FRAMING: usize = 128;
        self.header.len() + self.body.as_ref().map_or(0, Vec::len) + FRAMING
    }
}

/// How much of a log one read may return; one entry is returned whatever its size.
#[derive(Debug, Clone, Copy)]
pub struct PageBounds {
    /// Most entries.
    pub entries_max: usize,
    /// Most bytes of headers and bodies.
    pub bytes_max: usize,
    /// Leave out the bodies of this device's entries.
    pub without_bodies_of: Option<DeviceId>,
}

/// Where a chunk's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The segment.
    pub segment: u32,
    /// Offset of the first byte of the chunk in the segment.
    pub offset: u64,
    /// Bytes of the chunk.
    pub len: u32,
}

impl Location {
    /// Offset after the last byte.
    pub fn end(&self) -> u64 {
        self.offset + u64::from(self.len)
    }
}

/// A row of the index of chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredChunk {
    /// The vault it belongs to; the same bytes in two vaults are two chunks.
    pub vault: VaultId,
    /// The chunk.
    pub id: ChunkId,
    /// Where its bytes are.
    pub at: Location,
    /// The last place whose entry declared it; 0 if none did yet.
    pub last_declared: Seq,
}

/// What is known of a segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentRow {
    /// The segment.
    pub segment: u32,
    /// Everything before this offset is in the index.
    pub indexed_to: u64,
    /// Bytes of chunks in it that the index points to.
    pub live_bytes: u64,
    /// Bytes of chunks in it that the index pointed to, or was told of, and no longer needs.
    /// What is neither live nor dead is unknown, and not to be touched.
    pub dead_bytes: u64,
}

/// Whether an answer waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The effects survive a power cut once the answer is given.
    Now,
    /// The effects are seen by every later job, and survive a power cut no later than the
    /// next job with [`Durability::Now`] that changes something. For what can be recomputed.
    Later,
}

/// Reports a failure of the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetaError {
    /// Too many jobs wait.
    #[error("too many requests wait for the database")]
    Busy,
    /// The store is closed.
    #[error("the database is closed")]
    Closed,
    /// The disk is full; nothing of the job took effect.
    #[error("the disk of the database is full")]
    Full,
    /// A row is not what this version writes.
    #[error("the database holds a malformed {column}")]
    Corrupt {
        /// The column.
        column: &'static str,
    },
    /// The database was written by a later version.
    #[error("the database has version {found}, this server knows up to {known}")]
    TooNew {
        /// The version found.
        found: u32,
        /// The latest version known.
        known: u32,
    },
    /// The database was last served by an earlier version, which may be serving it now.
    #[error(
        "the database has version {found}, this program wants {known}: start the server of this \
         program first, which brings it up to date"
    )]
    TooOld {
        /// The version found.
        found: u32,
        /// The version wanted.
        known: u32,
    },
    /// A rule of the schema was broken, such as uniqueness.
    #[error("a constraint of the database was violated")]
    Constraint,
    /// The file is no database, or its pages contradict each other.
    #[error("the database is damaged; put back a backup of the whole data folder")]
    Damaged,
    /// SQLite failed.
    #[error("the database failed")]
    Sqlite(#[source] rusqlite::Error),
    /// PostgreSQL failed.
    #[error("the database failed")]
    Postgres(#[source] tokio_postgres::Error),
    /// PostgreSQL is not reached in the way that was asked for.
    #[error(transparent)]
    DatabaseTls(#[from] DatabaseTlsError),
    /// A job beside this one failed in a way that took the whole transaction with it.
    #[error("the transaction was rolled back")]
    RolledBack,
    /// The job panicked; it has no effect.
    #[error("a job panicked")]
    Panicked,
    /// A file beside the database failed.
    #[error("the database's files failed")]
    Io(#[from] std::io::Error),
}

/// Short for results of the store.
pub type MetaResult<T> = Result<T, MetaError>;

/// Reads one consistent state.
pub trait MetaRead:
    BurialRead + FossilRead + WitnessRead + ClosedRead + KeepingRead + FactorRead + SignInRead + EndRead
{
    /// The life of this server's data.
    fn incarnation(&self) -> MetaResult<Incarnation>;
    /// How many accounts there are.
    fn account_count(&self) -> MetaResult<u64>;
    /// The account.
    fn account(&self, id: &AccountId) -> MetaResult<Option<Account>>;
    /// The account with this normalised name.
    fn account_by_name(&self, username: &str) -> MetaResult<Option<Account>>;
    /// The invite whose token has this hash.
    fn invite(&self, token_hash: &Hash) -> MetaResult<Option<Invite>>;
    /// The session.
    fn session(&self, id: &SessionId) -> MetaResult<Option<Session>>;
    /// The sessions of the account.
    fn sessions_of(&self, account: &AccountId) -> MetaResult<Vec<Session>>;
    /// The vault.
    fn vault(&self, id: &VaultId) -> MetaResult<Option<Vault>>;
    /// The vaults of which the account is a member, oldest first.
    fn vaults_of(&self, account: &AccountId) -> MetaResult<Vec<VaultId>>;
    /// Says whether the account is a member of the vault.
    fn is_member(&self, vault: &VaultId, account: &AccountId) -> MetaResult<bool>;
    /// The device's last entry in the vault.
    fn device_counter(
        &self,
        vault: &VaultId,
        device: &DeviceId,
    ) -> MetaResult<Option<DeviceCounter>>;
    /// What an append is judged by; `None` unless who asks is a member of the vault. A store that has
    /// to be asked over a line asks once.
    fn standing(&self, question: &Question) -> MetaResult<Option<Standing>> {
        let Question { vault, account, device, seen, chunks } = question;
        if !self.is_member(vault, account)? {
            return Ok(None);
        }
        let Some(vault) = self.vault(vault)? else {
            return Ok(None);
        };
        let payer = self.account(&vault.account)?;
        let payer = payer.ok_or(MetaError::Corrupt { column: "a vault's account" })?;
        Ok(Some(Standing {
            vault,
            quota_bytes: payer.quota_bytes,
            used_bytes: payer.used_bytes,
            counter: self.device_counter(&vault.id, device)?,
            seen: self.entry_at(&vault.id, *seen)?.map(|(_, chain)| chain),
            held: self.chunks_held(&vault.id, chunks)?,
            incarnation: self.incarnation()?,
        }))
    }
    /// Place and hash of the device's entry with this counter.
    fn entry_of_device(
        &self,
        vault: &VaultId,
        device: &DeviceId,
        dseq: u64,
    ) -> MetaResult<Option<(Seq, Hash)>>;
    /// The hash of the entry at a place, and the chain value there.
    fn entry_at(&self, vault: &VaultId, seq: Seq) -> MetaResult<Option<(Hash, Hash)>>;
    /// The entries after a place, in order and without gaps, within bounds.
    fn entries_after(
        &self,
        vault: &VaultId,
        after: Seq,
        bounds: &PageBounds,
    ) -> MetaResult<Vec<StoredEntry>>;
    /// The last entry of a kind, other than changes, before a place.
    fn last_of_kind(
        &self,
        vault: &VaultId,
        kind: EntryKind,
        before: Seq,
    ) -> MetaResult<Option<StoredEntry>>;
    /// The chunk.
    fn chunk(&self, vault: &VaultId, id: &ChunkId) -> MetaResult<Option<StoredChunk>>;
    /// Those of these chunks that the vault has. A store that has to be asked over a line asks once.
    fn chunks_held(&self, vault: &VaultId, ids: &[ChunkId]) -> MetaResult<BTreeSet<ChunkId>> {
        let mut held = BTreeSet::new();
        for id in ids {
            if self.chunk(vault, id)?.is_some() {
                held.insert(*id);
            }
        }
        Ok(held)
    }
    /// The chunks whose bytes are in the segment, by offset.
    fn chunks_in(&self, segment: u32) -> MetaResult<Vec<StoredChunk>>;
    /// The segments known, by number.
    fn segments(&self) -> MetaResult<Vec<SegmentRow>>;
}

/// Reads and changes one state; all of a job's changes take effect, or none.
pub trait MetaTx:
    MetaRead + BurialTx + FossilTx + WitnessTx + ClosedTx + KeepingTx + FactorTx + SignInTx + EndTx
{
    /// Begins another life of this data: every vault has to be given back what it lacks.
    /// Says how many vaults there are.
    fn begin_life(&mut self, incarnation: &Incarnation) -> MetaResult<u64>;
    /// Adds an account; the name must be free.
    fn add_account(&mut self, account: &Account) -> MetaResult<()>;
    /// Replaces the OPAQUE record and the slot of one secret; a new recovery code is one
    /// that was not read back.
    fn replace_secret(
        &mut self,
        id: &AccountId,
        kind: SecretKind,
        file: &[u8],
        slot: &[u8],
    ) -> MetaResult<()>;
    /// Records that the recovery kit was read back.
    fn confirm_kit(&mut self, id: &AccountId) -> MetaResult<()>;
    /// Sets or lifts the account's limit.
    fn limit_account(&mut self, id: &AccountId, quota_bytes: Option<u64>) -> MetaResult<()>;
    /// Adds to (or takes from) the bytes stored for an account, never below zero.
    fn add_usage(&mut self, id: &AccountId, bytes: i64) -> MetaResult<()>;
    /// Adds an invite.
    fn add_invite(&mut self, invite: &Invite) -> MetaResult<()>;
    /// Marks an invite as used.
    fn use_invite(&mut self, token_hash: &Hash, now_ms: i64) -> MetaResult<()>;
    /// Forgets invites that nobody used, which ends their links.
    fn remove_open_invites(&mut self) -> MetaResult<()>;
    /// Adds or replaces a session.
    fn put_session(&mut self, session: &Session) -> MetaResult<()>;
    /// Ends a session.
    fn remove_session(&mut self, id: &SessionId) -> MetaResult<()>;
    /// Ends the account's sessions except one, and says how many.
    fn remove_other_sessions(
        &mut self,
        account: &AccountId,
        keep: Option<&SessionId>,
    ) -> MetaResult<u64>;
    /// Takes a device off: it writes no more in the vault, and its sessions of the account,
    /// as many as there are now, are kept as ended.
    fn take_off(
        &mut self,
        vault: &VaultId,
        account: &AccountId,
        device: &DeviceId,
    ) -> MetaResult<()>;
    /// Ends sessions last used before a time, and says how many.
    fn remove_sessions_unused_since(&mut self, used_ms: i64) -> MetaResult<u64>;
    /// Adds a vault with its first member.
    fn add_vault(&mut self, vault: &Vault, created_ms: i64) -> MetaResult<()>;
    /// Moves the vault's tip and epoch, and notes whether it is recovering.
    fn advance_vault(&mut self, vault: &Vault) -> MetaResult<()>;
    /// Adds an entry at the place it names, and makes it its device's last one.
    fn add_entry(&mut self, vault: &VaultId, entry: &StoredEntry) -> MetaResult<()>;
    /// Makes a vault grow. What does not follow its last entry is refused. A store that has to be asked
    /// over a line may send it later, with what others change; a refusal is then the answer to the job.
    fn grow(&mut self, growth: Growth) -> MetaResult<()> {
        let id = growth.vault.id;
        let vault = self.vault(&id)?;
        if vault.is_none_or(|vault| vault.seq != growth.before()) {
            return Err(MetaError::Constraint);
        }
        for entry in &growth.entries {
            self.add_entry(&id, entry)?;
        }
        self.advance_vault(&growth.vault)?;
        for (chunk, seq) in &growth.declared {
            self.remove_piece(&id, chunk)?;
            self.spare_content(&id, chunk)?;
            self.declare_chunk(&id, chunk, *seq)?;
        }
        self.add_usage(&growth.vault.account, i64::try_from(growth.bytes).unwrap_or(i64::MAX))
    }
    /// Adds a chunk to the index, or moves it, which leaves dead bytes; the segment must be
    /// known.
    fn put_chunk(&mut self, chunk: &StoredChunk) -> MetaResult<()>;
    /// Notes that the entry at `seq` needs the chunk.
    fn declare_chunk(&mut self, vault: &VaultId, id: &ChunkId, seq: Seq) -> MetaResult<()>;
    /// Takes a chunk from the index; its bytes become dead space.
    fn remove_chunk(&mut self, vault: &VaultId, id: &ChunkId) -> MetaResult<()>;
    /// Notes that a segment is in the index up to an offset (never less than before); adds
    /// the segment if it is new.
    fn mark_indexed(&mut self, segment: u32, indexed_to: u64) -> MetaResult<()>;
    /// Counts bytes of a segment that never came into the index as dead: a second copy of a
    /// chunk whose first is whole.
    fn add_dead_bytes(&mut self, segment: u32, bytes: u64) -> MetaResult<()>;
    /// Forgets a segment, to which no chunk may point.
    fn remove_segment(&mut self, segment: u32) -> MetaResult<()>;
}

/// What a job returns; `write` and `read` take it out of the box again.
pub type Output = Box<dyn Any + Send>;
/// Where the answer to a job arrives.
pub type Answer = oneshot::Receiver<MetaResult<Output>>;
/// A job that changes.
pub type WriteJob = Box<dyn FnOnce(&mut dyn MetaTx) -> MetaResult<Output> + Send>;
/// A job that reads.
pub type ReadJob = Box<dyn FnOnce(&dyn MetaRead) -> MetaResult<Output> + Send>;

/// Counters since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MetaStats {
    /// Jobs that changed something.
    pub writes: u64,
    /// Commits that waited for the disk, each covering one or more jobs.
    pub durable_commits: u64,
    /// Commits that did not wait.
    pub lazy_commits: u64,
    /// Jobs that wait now.
    pub waiting: u64,
}

/// A store of everything but chunk bytes; see the module for the contract.
pub trait MetaStore: Send + Sync {
    /// Queues a job that changes. Jobs take effect in the order they were queued. A job
    /// that answers `Err` has no effect, and does not disturb those beside it.
    fn submit_write(&self, durability: Durability, job: WriteJob) -> Answer;
    /// Queues a job that changes and is durable, and that begins with this question: a store may ask
    /// those of several jobs together.
    fn submit_append(&self, _question: Question, job: WriteJob) -> Answer {
        self.submit_write(Durability::Now, job)
    }
    /// Queues a job that reads. It sees at least every change answered before.
    fn submit_read(&self, job: ReadJob) -> Answer;
    /// Counters since the store was opened.
    fn stats(&self) -> MetaStats;
    /// Says whether the chunks that this database knows are those of this chunk store; the
    /// first that asks is. A database that lies beside its chunks has no need to.
    fn pair(&self, _chunks: &BlobStoreId) -> MetaResult<bool> {
        Ok(true)
    }
    /// Asks to be told what other processes over the same store do, if there can be any.
    fn listen(&self, _told: Box<dyn Fn(Note) + Send + Sync>) {}
}

impl dyn MetaStore + '_ {
    /// Runs a job that changes.
    #[tracing::instrument(name = "database", level = "debug", skip_all)]
    pub async fn write<T, F>(&self, durability: Durability, job: F) -> MetaResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn MetaTx) -> MetaResult<T> + Send + 'static,
    {
        unbox(self.submit_write(durability, boxed_write(job)).await)
    }

    /// Runs a job that changes and is durable, and that begins with this question.
    #[tracing::instrument(name = "database", level = "debug", skip_all)]
    pub async fn append<T, F>(&self, question: Question, job: F) -> MetaResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn MetaTx) -> MetaResult<T> + Send + 'static,
    {
        unbox(self.submit_append(question, boxed_write(job)).await)
    }

    /// Runs a job that reads.
    #[tracing::instrument(name = "database", level = "debug", skip_all)]
    pub async fn read<T, F>(&self, job: F) -> MetaResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&dyn MetaRead) -> MetaResult<T> + Send + 'static,
    {
        unbox(self.submit_read(boxed_read(job)).await)
    }

    /// Runs a job that changes, from a thread outside the runtime.
    pub fn write_blocking<T, F>(&self, durability: Durability, job: F) -> MetaResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn MetaTx) -> MetaResult<T> + Send + 'static,
    {
        unbox(self.submit_write(durability, boxed_write(job)).blocking_recv())
    }

    /// Runs a job that reads, from a thread outside the runtime.
    pub fn read_blocking<T, F>(&self, job: F) -> MetaResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&dyn MetaRead) -> MetaResult<T> + Send + 'static,
    {
        unbox(self.submit_read(boxed_read(job)).blocking_recv())
    }
}

fn boxed_write<T, F>(job: F) -> WriteJob
where
    T: Send + 'static,
    F: FnOnce(&mut dyn MetaTx) -> MetaResult<T> + Send + 'static,
{
    Box::new(move |tx| job(tx).map(|value| Box::new(value) as Output))
}

fn boxed_read<T, F>(job: F) -> ReadJob
where
    T: Send + 'static,
    F: FnOnce(&dyn MetaRead) -> MetaResult<T> + Send + 'static,
{
    Box::new(move |state| job(state).map(|value| Box::new(value) as Output))
}

fn unbox<T: 'static>(
    answer: Result<MetaResult<Output>, oneshot::error::RecvError>,
) -> MetaResult<T> {
    let output = answer.map_err(|_| MetaError::Closed)??;
    Ok(*output.downcast::<T>().expect("a job answers with the type it was boxed with"))
}

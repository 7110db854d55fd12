//! What the server does for its callers, without HTTP: accounts, sessions, logs, chunks.
//!
//! [`Services`] is cheap to clone and holds the stores. Every call says who asks
//! ([`Caller`], which `auth` has verified) and what time it is; refusals are
//! [`ServiceError`]s with a stable [`Code`]. A refused call has changed nothing, except that
//! an append keeps the entries before the refused one, as its answer says.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use offing_core::id::{AccountId, ChunkId, DeviceId, Incarnation, VaultId};
use offing_core::log::entry::EntryError;
use offing_core::proto::{Code, Registration, Wake, WireError};
use tokio::sync::Notify;

use crate::admin::Keeper;
use crate::state::Clock;
use crate::store::blob::{BlobError, BlobStore, Remote};
use crate::store::check::Checked;
use crate::store::chunks::{ChunkStore, ChunkStoreOptions, Recovery};
use crate::store::memory::{MemoryBlobs, MemoryMeta};
use crate::store::meta::{MetaError, MetaStats, MetaStore};
use crate::store::note::Note;
use crate::store::places::{self, Places};
use crate::store::postgres::PostgresMeta;
use crate::store::s3::{S3Options, S3Store};
use crate::store::segment::{self, SegmentOptions, SegmentStore};
use crate::store::sqlite::SqliteMeta;

pub mod accounts;
pub mod append;
mod bury;
pub mod chunks;
pub mod collect;
pub(crate) mod ended;
pub mod factors;
pub mod index;
mod ledger;
pub mod log;
pub mod news;
pub mod prune;
pub mod quota;
pub mod recovery;
pub mod scrub;
pub mod sessions;
pub mod sign_ins;

use ended::Ended;
use news::{Hearers, Listening};
use quota::Counts;

/// Who asks, as verified by the access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account: AccountId,
    /// The device the session is bound to.
    pub device: DeviceId,
}

/// Reports a refused call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// No such vault, or not for this account.
    #[error("no such vault for this account")]
    VaultUnknown,
    /// No such chunk in this vault.
    #[error("no such chunk in this vault")]
    ChunkUnknown,
    /// The bytes do not hash to the id they came with.
    #[error("the bytes do not hash to {id}")]
    ChunkMismatch {
        /// The id they came with.
        id: ChunkId,
    },
    /// The range does not lie inside the chunk.
    #[error("the range does not lie inside the chunk's {len} bytes")]
    RangeInvalid {
        /// Bytes of the chunk.
        len: u64,
    },
    /// The account's space is used up.
    #[error("the account's space is used up")]
    QuotaExceeded,
    /// The account has as many vaults as it may.
    #[error("the account has as many vaults as it may")]
    TooManyVaults,
    /// The account has as many devices as it may.
    #[error("the account has as many devices as it may")]
    TooManyDevices,
    /// The server's disk is full; nothing was stored.
    #[error("the server's disk is full")]
    StorageFull,
    /// A body or a part of it is larger than its limit.
    #[error("larger than the limit of {max}")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// The bytes are not what the wire format says.
    #[error("malformed message")]
    Malformed(#[source] WireError),
    /// The bytes are no entry.
    #[error("malformed entry")]
    MalformedEntry(#[source] EntryError),
    /// The entries are by another device than the session's.
    #[error("the entries are by another device than the session's")]
    WrongDevice,
    /// The entry cannot begin a vault: another kind, place, vault or device.
    #[error("this entry cannot begin a vault")]
    NotGenesis,
    /// Nobody can sign up.
    #[error("nobody can sign up here")]
    RegistrationClosed,
    /// The sign-up link is unknown.
    #[error("unknown sign-up link")]
    InviteUnknown,
    /// The sign-up link was used.
    #[error("the sign-up link was used")]
    InviteUsed,
    /// The sign-up link has expired.
    #[error("the sign-up link has expired")]
    InviteExpired,
    /// The username (or the account id) is taken.
    #[error("the username is taken")]
    NameTaken,
    /// No session, or one that ended.
    #[error("signed out")]
    SignedOut,
    /// A cookie that was replaced long ago: it was copied, and its session ended.
    #[error("a replaced cookie was used again")]
    CookieReused {
        /// Whose it was.
        username: String,
    },
    /// The session's device was taken off the account.
    #[error("the device was taken off the account")]
    TakenOff,
    /// The sign-in was used, or waited too long.
    #[error("the sign-in is over")]
    SignInOver,
    /// The account has as many sign-ins under way as it may.
    #[error("the account has as many sign-ins under way as it may")]
    TooManySignIns,
    /// Whoever keeps the server has closed the account.
    #[error("the account is closed")]
    AccountClosed,
    /// The vault waits to be given back what the server lacks.
    #[error("the vault waits to be given back what a backup lacked")]
    Recovering,
    /// Too many requests wait.
    #[error("too many requests wait")]
    Busy,
    /// There is no database, and should be: there are chunks, or it is to be looked at.
    #[error("{path} is missing; put it back, or move away the chunks beside it to begin anew", path = path.display())]
    DatabaseMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The database knows the chunks of another chunk store.
    #[error("the database belongs to another chunk store than the one that is given")]
    OtherChunks,
    /// The chunk store does not answer, and is not asked for a while.
    #[error("the chunk store is away")]
    Away {
        /// How long.
        wait: Duration,
    },
    /// The metadata store failed.
    #[error("the metadata store failed")]
    Meta(#[source] Arc<MetaError>),
    /// The chunk store failed.
    #[error("the chunk store failed")]
    Blob(#[source] Arc<BlobError>),
}

impl ServiceError {
    /// The stable code for the wire.
    pub fn code(&self) -> Code {
        match self {
            Self::VaultUnknown => Code::VaultUnknown,
            Self::ChunkUnknown => Code::ChunkUnknown,
            Self::ChunkMismatch { .. } => Code::ChunkMismatch,
            Self::RangeInvalid { .. } => Code::RangeInvalid,
            Self::QuotaExceeded => Code::QuotaExceeded,
            Self::TooManyVaults => Code::TooManyVaults,
            Self::TooManyDevices => Code::TooManyDevices,
            Self::StorageFull => Code::StorageFull,
            Self::TooLarge { .. } => Code::TooLarge,
            Self::Malformed(_) | Self::MalformedEntry(_) | Self::NotGenesis => Code::BadRequest,
            Self::WrongDevice => Code::WrongDevice,
            Self::RegistrationClosed => Code::RegistrationClosed,
            Self::InviteUnknown => Code::InviteUnknown,
            Self::InviteUsed => Code::InviteUsed,
            Self::InviteExpired => Code::InviteExpired,
            Self::NameTaken => Code::NameTaken,
            Self::SignedOut | Self::CookieReused { .. } => Code::SignedOut,
            Self::TakenOff => Code::TakenOff,
            Self::SignInOver => Code::LoginExpired,
            Self::TooManySignIns => Code::RateLimited,
            Self::AccountClosed => Code::AccountClosed,
            Self::Recovering => Code::Recovering,
            Self::Busy | Self::Away { .. } => Code::Unavailable,
            Self::Meta(_) | Self::Blob(_) | Self::DatabaseMissing { .. } | Self::OtherChunks => {
                Code::Internal
            }
        }
    }
}

impl From<Arc<MetaError>> for ServiceError {
    fn from(error: Arc<MetaError>) -> Self {
        if matches!(*error, MetaError::Full) {
            Self::StorageFull
        } else if matches!(*error, MetaError::Busy) {
            Self::Busy
        } else {
            Self::Meta(error)
        }
    }
}

impl From<MetaError> for ServiceError {
    fn from(error: MetaError) -> Self {
        Arc::new(error).into()
    }
}

impl From<Arc<BlobError>> for ServiceError {
    fn from(error: Arc<BlobError>) -> Self {
        if matches!(*error, BlobError::Full) {
            Self::StorageFull
        } else if let BlobError::Away { wait } = *error {
            Self::Away { wait }
        } else if matches!(*error, BlobError::Silent { .. }) {
            Self::Busy
        } else {
            Self::Blob(error)
        }
    }
}

impl From<WireError> for ServiceError {
    fn from(error: WireError) -> Self {
        Self::Malformed(error)
    }
}

/// How [`Services::open`] behaves.
#[derive(Debug, Clone, Default)]
pub struct ServiceOptions {
    /// How segment files are written.
    pub segments: SegmentOptions,
    /// How chunks are received.
    pub chunks: ChunkStoreOptions,
    /// The most bytes a new account may store, if there is a limit.
    pub account_quota_bytes: Option<u64>,
    /// Contents that devices call dead may be so.
    pub collect_delete: bool,
    /// Who may sign up.
    pub registration: Registration,
    /// How much else than bytes one account may have.
    pub counts: Counts,
}

/// Of these options, what accounts may.
#[derive(Clone, Copy)]
struct Allowed {
    account_quota_bytes: Option<u64>,
    collect_delete: bool,
    registration: Registration,
    counts: Counts,
}

impl ServiceOptions {
    fn allowed(&self) -> Allowed {
        let &Self { account_quota_bytes, collect_delete, registration, counts, .. } = self;
        Allowed { account_quota_bytes, collect_delete, registration, counts }
    }
}

/// Counters since the start, for `/readyz`, logs and benchmarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServiceStats {
    /// The database's.
    pub meta: MetaStats,
    /// Times the chunk store waited for the disk.
    pub chunk_syncs: u64,
    /// How calls went, where chunks are with another server.
    pub remote: Remote,
}

/// The services over their stores; cloning shares them.
#[derive(Clone)]
pub struct Services {
    pub(crate) meta: Arc<dyn MetaStore>,
    pub(crate) chunks: ChunkStore,
    pub(crate) hearers: Hearers,
    pub(crate) ended: Arc<Ended>,
    /// Wakes who reads again what other processes did.
    missed: Arc<Notify>,
    pub(crate) account_quota_bytes: Option<u64>,
    pub(crate) collect_delete: bool,
    pub(crate) registration: Registration,
    pub(crate) counts: Counts,
    /// What was scrubbed since the start.
    scrubbed: Arc<Mutex<Checked>>,
}

/// Opens the database and brings it up to date, or makes it where nothing is there yet. Only for
/// who may be sure that no other program serves it.
pub(crate) fn open_database(places: &Places) -> Result<Arc<dyn MetaStore>, ServiceError> {
    if let Some(url) = &places.database {
        return Ok(Arc::new(PostgresMeta::open(url)?));
    }
    let data = &places.data;
    let path = data.join(places::DATABASE);
    let is_new = is_empty(&path);
    // A new database would know none of them, and a new life of the server would begin.
    if is_new && segment::holds_chunks(&data.join(places::CHUNKS)).map_err(Arc::new)? {
        return Err(ServiceError::DatabaseMissing { path });
    }
    Ok(Arc::new(SqliteMeta::open(&path)?))
}

/// Opens a database that is there, as it is: another program may be serving it, perhaps one of
/// another version.
pub(crate) fn open_existing(places: &Places) -> Result<Arc<dyn MetaStore>, ServiceError> {
    if let Some(url) = &places.database {
        return Ok(Arc::new(PostgresMeta::open_beside(url)?));
    }
    let path = places.data.join(places::DATABASE);
    if is_empty(&path) {
        return Err(ServiceError::DatabaseMissing { path });
    }
    Ok(Arc::new(SqliteMeta::open_beside(&path)?))
}

/// Says whether there is no database yet.
fn is_empty(database: &Path) -> bool {
    std::fs::metadata(database).map_or(true, |found| found.len() == 0)
}

/// Opens the chunk store, or makes it.
pub(crate) fn blobs_of(
    places: &Places,
    segments: SegmentOptions,
) -> Result<Box<dyn BlobStore>, BlobError> {
    Ok(match &places.chunks {
        Some(address) => Box::new(S3Store::open(address, S3Options::default())?),
        None => Box::new(SegmentStore::open(&places.data.join(places::CHUNKS), segments)?),
    })
}

impl Services {
    /// Opens (or creates) the stores and repairs what a crash left behind.
    ///
    /// Blocks; call it before serving.
    pub fn open(
        places: impl Into<Places>,
        options: ServiceOptions,
    ) -> Result<(Self, Recovery), ServiceError> {
        let (places, allowed) = (places.into(), options.allowed());
        std::fs::create_dir_all(&places.data).map_err(MetaError::from)?;
        let meta = open_database(&places)?;
        let blobs = blobs_of(&places, options.segments).map_err(Arc::new)?;
        if !meta.pair(&blobs.id())? {
            return Err(ServiceError::OtherChunks);
        }
        let (chunks, recovery) = ChunkStore::open(Arc::clone(&meta), blobs, &options.chunks)?;
        Ok((Self::over(meta, chunks, allowed), recovery))
    }

    /// Makes services over memory, for tests; nothing outlives the value.
    pub fn in_memory(options: ServiceOptions) -> Result<Self, ServiceError> {
        Self::over_memory(MemoryMeta::new(), options)
    }

    /// The same for a server that had this life before, as one restored from a backup.
    pub fn in_memory_again(
        incarnation: Incarnation,
        options: ServiceOptions,
    ) -> Result<Self, ServiceError> {
        Self::over_memory(MemoryMeta::of_life(incarnation), options)
    }

    fn over_memory(meta: MemoryMeta, options: ServiceOptions) -> Result<Self, ServiceError> {
        let (meta, allowed) = (Arc::new(meta) as Arc<dyn MetaStore>, options.allowed());
        let blobs = MemoryBlobs::new(options.segments);
        let (chunks, _) = ChunkStore::open(Arc::clone(&meta), Box::new(blobs), &options.chunks)?;
        Ok(Self::over(meta, chunks, allowed))
    }

    fn over(meta: Arc<dyn MetaStore>, chunks: ChunkStore, allowed: Allowed) -> Self {
        let hearers = Hearers::default();
        let (ended, missed) = (Arc::new(Ended::default()), Arc::new(Notify::new()));
        let told = (hearers.clone(), Arc::clone(&ended), Arc::clone(&missed));
        meta.listen(Box::new(move |note| match note {
            Note::Grown { account, vault, seq } => told.0.grown(account, Wake { vault, seq }),
            Note::Ended(end) => told.1.note(&[end]),
            Note::Missed => {
                told.0.missed();
                told.2.notify_one();
            }
        }));
        Self {
            meta,
            chunks,
            hearers,
            ended,
            missed,
            account_quota_bytes: allowed.account_quota_bytes,
            collect_delete: allowed.collect_delete,
            registration: allowed.registration,
            counts: allowed.counts,
            scrubbed: Arc::default(),
        }
    }

    /// Listens to the growth of an account's vaults.
    pub fn listen(&self, account: AccountId) -> Listening {
        self.hearers.listen(account)
    }

    /// Does what whoever keeps the server wants; the audit log is in this folder.
    pub(crate) fn keeper(&self, data: PathBuf, clock: Clock) -> Keeper {
        Keeper::within(Arc::clone(&self.meta), data, clock)
    }

    /// Counters since the start.
    pub fn stats(&self) -> ServiceStats {
        let remote = self.chunks.reader().remote();
        ServiceStats { meta: self.meta.stats(), chunk_syncs: self.chunks.syncs(), remote }
    }

    /// Messages that wait for the chunk store.
    pub(crate) fn chunks_waiting(&self) -> u64 {
        self.chunks.waiting()
    }

    /// How many accounts there are, for a thread that may block.
    pub(crate) fn account_count_blocking(&self) -> Result<u64, ServiceError> {
        Ok(self.meta.read_blocking(|state| state.account_count())?)
    }

    /// Says whether the stores answer.
    pub async fn check_ready(&self) -> Result<(), ServiceError> {
        self.meta.read(|state| state.incarnation()).await?;
        Ok(())
    }

    /// Takes chunks that nothing needs any more out of a vault, and off its account's bill.
    pub async fn remove_chunks(
        &self,
        vault: VaultId,
        ids: Vec<ChunkId>,
    ) -> Result<(), ServiceError> {
        self.chunks.remove(vault, move |_| Ok(ids)).await?;
        Ok(())
    }

    /// Reclaims segments that are mostly dead space, and says how many.
    pub async fn compact_chunks(&self) -> Result<usize, ServiceError> {
        Ok(self.chunks.compact().await?)
    }

    /// The vault, if the account is a member of it.
    pub(crate) async fn require_member(
        &self,
        account: AccountId,
        vault: VaultId,
    ) -> Result<(), ServiceError> {
        let member = self.meta.read(move |state| state.is_member(&vault, &account)).await?;
        if member { Ok(()) } else { Err(ServiceError::VaultUnknown) }
    }
}

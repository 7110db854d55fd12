//! Moves an installation to another database, another chunk store, or both.
//!
//! Nothing of the one that is left is changed. The other is a new folder, an empty database, an
//! empty bucket. Its rows become those of the first at one moment; then the chunks come, each
//! verified by its id, written durably and only then put into its index. That may be done while
//! servers work on the first, as often as one likes ([`Part::Ahead`]). When they have stopped, what
//! came and went since follows, and both are compared ([`Part::Rest`]). The secrets come
//! last: without them no server starts on it. What was broken off goes on where it was.
//!
//! It is the same server afterwards, in the same life: devices notice nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use offing_core::id::{ChunkId, Seq, VaultId};

use crate::auth::OPAQUE_SETUP;
use crate::backup::files::copy_secrets;
use crate::fsck::view;
use crate::service::{ServiceError, blobs_of, open_database, open_existing};
use crate::store::blob::{BlobError, BlobReader, BlobStore};
use crate::store::check::{Fault, look};
use crate::store::meta::{Durability, MetaError, MetaResult, MetaStore, SegmentRow, StoredChunk};
use crate::store::places::{self, DATABASE, Places};
use crate::store::postgres::tables::PostgresTables;
use crate::store::segment::SegmentOptions;
use crate::store::sqlite::tables::{SqliteTables, tables};
use crate::store::tables::{Difference, Table, Tables, Value, differences, digest, follow};

/// How much of a move is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What is there now, while servers go on with it.
    Ahead,
    /// All that is left; no server may run.
    Rest,
}

/// What was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// Rows of the database: of all that is left, all there are; ahead of it, those that were not there.
    pub rows: u64,
    /// Chunks.
    pub chunks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those of them that were there already, from a try before.
    pub chunks_before: u64,
}

/// Reports an installation that was not moved; what was done stays, and the next try goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// Both have something in common.
    #[error("where it goes needs a data folder, a database and a bucket of its own")]
    SamePlace,
    /// There is no installation to be moved.
    #[error("{path} is missing", path = path.display())]
    Missing {
        /// What is missing.
        path: PathBuf,
    },
    /// A server works on what is to be left.
    #[error("a server still uses it: stop all of them, or copy with --ahead before that")]
    Served,
    /// Another installation is there.
    #[error("another installation is where this is to go")]
    Taken,
    /// A chunk is not what its id says.
    #[error("chunk {id} of vault {vault} is damaged or missing: see fsck")]
    Damaged {
        /// Its vault.
        vault: VaultId,
        /// The chunk.
        id: ChunkId,
    },
    /// The installation has changed since the servers should have stopped.
    #[error("{table} differs: a server has worked meanwhile; stop it, and run this again")]
    Differs {
        /// The table that is not the same.
        table: String,
    },
    /// A store cannot be opened.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A database failed.
    #[error(transparent)]
    Meta(#[from] MetaError),
    /// A chunk store failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A file failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Moves an installation; blocks, on a thread outside any runtime. `told` hears how many
/// segments of how many are done.
pub fn migrate(
    from: &Places,
    to: &Places,
    part: Part,
    told: &mut dyn FnMut(usize, usize),
) -> Result<Moved, MigrateError> {
    let bucket = |places: &Places| places.chunks.as_ref().map(|address| address.url.clone());
    let same_bucket = from.chunks.is_some() && bucket(from) == bucket(to);
    let same_database = from.database.is_some() && from.database == to.database;
    if from.data == to.data || same_database || same_bucket {
        return Err(MigrateError::SamePlace);
    }
    if let Some(path) = from.missing() {
        return Err(MigrateError::Missing { path });
    }
    fs::create_dir_all(&to.data)?;
    let _lock = places::lock(&to.data.join("lock"))?;
    if to.data.join(OPAQUE_SETUP).exists() {
        return Err(MigrateError::Taken);
    }
    let mut here = open_tables(from)?;
    let _closed = match part {
        Part::Ahead => None,
        Part::Rest => Some(close(from, &mut *here)?),
    };
    let (source, target) = (open_existing(from)?, open_database(to)?);
    check_place(&*source, &*target)?;
    let (mut there, tables) = (open_tables(to)?, tables()?);
    let followed = follow(&mut *here, &mut *there, &tables)?;
    let mut blobs = blobs_of(to, SegmentOptions::default())?;
    if !target.pair(&blobs.id())? {
        return Err(MigrateError::Taken);
    }
    // It drives what it reads with.
    let view = view(from)?;
    let damaged = &mut |chunk: &StoredChunk, _| {
        Err(MigrateError::Damaged { vault: chunk.vault, id: chunk.id })
    };
    let reader = view.reader();
    let vaults = vaults(&mut *there)?;
    let known: BTreeSet<VaultId> = vaults.values().copied().collect();
    // One that was founded since the rows were read comes the next time.
    let wanted = &|chunk: &StoredChunk| known.contains(&chunk.vault);
    let mut moved = move_chunks(&*source, &*reader, &*target, &mut *blobs, wanted, damaged, told)?;
    if part == Part::Ahead {
        return Ok(Moved { rows: followed, ..moved });
    }
    follow_index(&mut *here, (&mut *there, &*target), &vaults)?;
    for table in tables.iter().chain([&Table::of_chunks()]) {
        let (here, there) = (digest(&mut *here, table)?, digest(&mut *there, table)?);
        if here != there {
            return Err(MigrateError::Differs { table: table.name.clone() });
        }
        moved.rows += here.0;
    }
    copy_secrets(&from.data, &to.data)?;
    Ok(moved)
}

/// Opens the tables of a database that is up to date.
pub(crate) fn open_tables(places: &Places) -> Result<Box<dyn Tables>, MetaError> {
    Ok(match &places.database {
        Some(url) => Box::new(PostgresTables::open(url)?),
        None => Box::new(SqliteTables::open(&places.data.join(DATABASE))?),
    })
}

/// Keeps servers away from what is to be left, if none is there.
fn close(from: &Places, tables: &mut dyn Tables) -> Result<File, MigrateError> {
    let lock = places::lock(&from.data.join("lock")).map_err(|error| {
        if error.kind() == io::ErrorKind::WouldBlock { MigrateError::Served } else { error.into() }
    })?;
    // Each of several processes has a folder of its own. A connection of one that has just ended may
    // be there for a moment.
    let mut tries = TRIES;
    while tables.others()? > 0 {
        tries = tries.checked_sub(1).ok_or(MigrateError::Served)?;
        std::thread::sleep(PAUSE);
    }
    Ok(lock)
}

/// Refuses a place that has another installation.
fn check_place(source: &dyn MetaStore, target: &dyn MetaStore) -> Result<(), MigrateError> {
    let life = source.read_blocking(|state| state.incarnation())?;
    let (there, is_empty) = target.read_blocking(|state| {
        let is_empty = state.account_count()? == 0 && state.segments()?.is_empty();
        Ok((state.incarnation()?, is_empty))
    })?;
    if there == life || is_empty { Ok(()) } else { Err(MigrateError::Taken) }
}

/// The vaults that a database has, by what its rows call them.
fn vaults(tables: &mut dyn Tables) -> MetaResult<BTreeMap<i64, VaultId>> {
    let table = Table {
        name: "vaults".to_owned(),
        columns: ["key", "id"].map(str::to_owned).to_vec(),
        key: vec!["key".to_owned()],
    };
    let mut vaults = BTreeMap::new();
    tables.read(&table, &mut |row| {
        if let [Value::Int(key), Value::Bytes(id)] = &row[..]
            && let Some(id) = VaultId::from_slice(id)
        {
            vaults.insert(*key, id);
        }
        Ok(())
    })?;
    Ok(vaults)
}

/// Takes out of an index what went meanwhile, and notes what was declared since.
fn follow_index(
    here: &mut dyn Tables,
    (there, target): (&mut dyn Tables, &dyn MetaStore),
    vaults: &BTreeMap<i64, VaultId>,
) -> MetaResult<()> {
    let mut stale = Vec::new();
    let settle = |stale: &mut Vec<Stale>| {
        let stale = std::mem::take(stale);
        target.write_blocking(Durability::Now, move |tx| {
            for Stale { vault, id, declared } in &stale {
                match declared {
                    None => tx.remove_chunk(vault, id)?,
                    Some(seq) if tx.chunk(vault, id)?.is_some() => {
                        tx.declare_chunk(vault, id, *seq)?;
                    }
                    Some(_) => {}
                }
            }
            Ok(())
        })
    };
    differences(here, there, &Table::of_chunks(), &mut |_, difference| {
        stale.extend(Stale::of(&difference, vaults));
        if stale.len() >= STALE_MAX { settle(&mut stale) } else { Ok(()) }
    })?;
    settle(&mut stale)
}

/// A chunk of which an index says what is not so any more.
struct Stale {
    vault: VaultId,
    id: ChunkId,
    /// The last place whose entry declared it; `None` if it is gone.
    declared: Option<Seq>,
}

impl Stale {
    fn of(difference: &Difference, vaults: &BTreeMap<i64, VaultId>) -> Option<Self> {
        let (row, declared) = match difference {
            Difference::Alone(key) => (key, None),
            Difference::Lacks(row) => match row.last() {
                Some(Value::Int(seq)) => (row, Some(seq.cast_unsigned())),
                _ => return None,
            },
        };
        let [Value::Int(vault), Value::Bytes(id), ..] = &row[..] else {
            return None;
        };
        Some(Self { vault: *vaults.get(vault)?, id: ChunkId::from_slice(id)?, declared })
    }
}

/// Most chunks of an index that are changed at once.
const STALE_MAX: usize = 1_000;
/// How often others are looked for, and how long between that: two seconds.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// Bytes of chunks that become durable together.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// Copies what the one index names, and is wanted, into the store of the other, and puts it into that. `damaged`
/// hears of what cannot be copied, and says whether to go on. What moves or goes meanwhile is not damaged.
pub(crate) fn move_chunks(
    source: &dyn MetaStore,
    reader: &dyn BlobReader,
    target: &dyn MetaStore,
    blobs: &mut dyn BlobStore,
    wanted: &dyn Fn(&StoredChunk) -> bool,
    damaged: &mut dyn FnMut(&StoredChunk, Fault) -> Result<(), MigrateError>,
    told: &mut dyn FnMut(usize, usize),
) -> Result<Moved, MigrateError> {
    let mut moved = Moved::default();
    if !blobs.is_shared() {
        // What a try before wrote and did not put into the index.
        let (active, rows) = (blobs.active(), target.read_blocking(|state| state.segments())?);
        let row = rows.iter().find(|row| row.segment == active);
        blobs.cut(active, row.map_or(0, |row| row.indexed_to))?;
    }
    let segments = source.read_blocking(|state| state.segments())?;
    let (mut written, mut bytes) = (Vec::new(), Vec::new());
    let mut batch_bytes = 0;
    for (done, SegmentRow { segment, .. }) in segments.iter().copied().enumerate() {
        told(done, segments.len());
        let mut chunks = source.read_blocking(move |state| state.chunks_in(segment))?;
        chunks.retain(wanted);
        let held = held(target, &chunks)?;
        for chunk in chunks {
            let StoredChunk { vault, id, at, last_declared } = chunk;
            moved.chunks += 1;
            moved.bytes += u64::from(at.len);
            if held.contains(&(vault, id)) {
                moved.chunks_before += 1;
                continue;
            }
            match find(source, reader, &chunk, &mut bytes)? {
                Found::Whole => {}
                Found::Gone => continue,
                Found::Damaged(fault) => {
                    damaged(&chunk, fault)?;
                    continue;
                }
            }
            let at = blobs.write(&vault, &id, &bytes)?;
            written.push(StoredChunk { vault, id, at, last_declared });
            batch_bytes += bytes.len();
            if batch_bytes >= BATCH_BYTES || blobs.is_full() {
                settle(target, blobs, std::mem::take(&mut written))?;
                batch_bytes = 0;
            }
        }
    }
    settle(target, blobs, written)?;
    told(segments.len(), segments.len());
    Ok(moved)
}

/// Those of these chunks that an index has.
fn held(
    target: &dyn MetaStore,
    chunks: &[StoredChunk],
) -> MetaResult<BTreeSet<(VaultId, ChunkId)>> {
    let mut by_vault: BTreeMap<VaultId, Vec<ChunkId>> = BTreeMap::new();
    for chunk in chunks {
        by_vault.entry(chunk.vault).or_default().push(chunk.id);
    }
    target.read_blocking(move |state| {
        let mut held = BTreeSet::new();
        for (vault, ids) in &by_vault {
            held.extend(state.chunks_held(vault, ids)?.into_iter().map(|id| (*vault, id)));
        }
        Ok(held)
    })
}

/// What became of a chunk that is read beside a server.
enum Found {
    Whole,
    Gone,
    Damaged(Fault),
}

/// Reads a chunk, wherever it is by now.
fn find(
    source: &dyn MetaStore,
    reader: &dyn BlobReader,
    chunk: &StoredChunk,
    bytes: &mut Vec<u8>,
) -> MetaResult<Found> {
    let Some(fault) = look(reader, chunk, bytes) else {
        return Ok(Found::Whole);
    };
    let (vault, id) = (chunk.vault, chunk.id);
    Ok(match source.read_blocking(move |state| state.chunk(&vault, &id))? {
        None => Found::Gone,
        Some(now) if now.at == chunk.at => Found::Damaged(fault),
        Some(now) => look(reader, &now, bytes).map_or(Found::Whole, Found::Damaged),
    })
}

/// Makes what was written durable, and then known.
fn settle(
    target: &dyn MetaStore,
    blobs: &mut dyn BlobStore,
    written: Vec<StoredChunk>,
) -> Result<(), MigrateError> {
    blobs.sync()?;
    target.write_blocking(Durability::Now, move |tx| {
        for chunk in &written {
            tx.mark_indexed(chunk.at.segment, chunk.at.end())?;
            tx.put_chunk(chunk)?;
        }
        Ok(())
    })?;
    if blobs.is_full() {
        blobs.rotate()?;
    }
    Ok(())
}

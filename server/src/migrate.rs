//! Moves an installation to another database, another chunk store, or both.
//!
//! Nothing of the one that is left is changed. The other is a new folder, an empty database, an
//! empty bucket. Its rows come in one transaction; then the chunks, each verified by its id,
//! written durably and only then put into its index; then both are compared. The secrets come
//! last: without them no server starts on it. What was broken off goes on where it was.
//!
//! It is the same server afterwards, in the same life: devices notice nothing.

use std::fs;
use std::io;
use std::path::PathBuf;

use offing_core::id::{ChunkId, VaultId};

use crate::auth::OPAQUE_SETUP;
use crate::backup::files::copy_secrets;
use crate::fsck::view;
use crate::service::{ServiceError, blobs_of, open_database, open_existing};
use crate::store::blob::{BlobError, BlobReader, BlobStore};
use crate::store::check::{Fault, look};
use crate::store::meta::{Durability, MetaError, MetaStore, SegmentRow, StoredChunk};
use crate::store::places::{self, DATABASE, Places};
use crate::store::postgres::tables::PostgresTables;
use crate::store::segment::SegmentOptions;
use crate::store::sqlite::tables::{SqliteTables, tables};
use crate::store::tables::{Table, Tables, copy, digest};

/// What was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// Rows of the database.
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
    /// The installation has changed since the move began.
    #[error("{table} differs: the server has worked meanwhile; begin with an empty place")]
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

/// Moves what no server uses; blocks, on a thread outside any runtime. `told` hears how many
/// segments of how many are done.
pub fn migrate(
    from: &Places,
    to: &Places,
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
    let _locks = (places::lock(&from.data.join("lock"))?, places::lock(&to.data.join("lock"))?);
    if to.data.join(OPAQUE_SETUP).exists() {
        return Err(MigrateError::Taken);
    }
    let (source, target) = (open_existing(from)?, open_database(to)?);
    let mut rows = (open_tables(from)?, open_tables(to)?);
    let tables = tables()?;
    if !is_begun(&*source, &*target)? {
        copy(&mut *rows.0, &mut *rows.1, &tables)?;
    }
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
    let mut moved = move_chunks(&*source, &*reader, &*target, &mut *blobs, damaged, told)?;
    for table in tables.iter().chain([&Table::of_chunks()]) {
        let (here, there) = (digest(&mut *rows.0, table)?, digest(&mut *rows.1, table)?);
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

/// Says whether the rows are there from a try before.
fn is_begun(source: &dyn MetaStore, target: &dyn MetaStore) -> Result<bool, MigrateError> {
    let life = source.read_blocking(|state| state.incarnation())?;
    let (there, is_empty) = target.read_blocking(|state| {
        let is_empty = state.account_count()? == 0 && state.segments()?.is_empty();
        Ok((state.incarnation()?, is_empty))
    })?;
    if there != life && !is_empty {
        return Err(MigrateError::Taken);
    }
    Ok(there == life)
}

/// Bytes of chunks that become durable together.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// Copies what the one index names into the store of the other, and puts it into that. `damaged`
/// hears of what cannot be copied, and says whether to go on.
pub(crate) fn move_chunks(
    source: &dyn MetaStore,
    reader: &dyn BlobReader,
    target: &dyn MetaStore,
    blobs: &mut dyn BlobStore,
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
        for chunk in source.read_blocking(move |state| state.chunks_in(segment))? {
            let StoredChunk { vault, id, at, last_declared } = chunk;
            moved.chunks += 1;
            moved.bytes += u64::from(at.len);
            if target.read_blocking(move |state| state.chunk(&vault, &id))?.is_some() {
                moved.chunks_before += 1;
                continue;
            }
            if let Some(fault) = look(reader, &chunk, &mut bytes) {
                damaged(&chunk, fault)?;
                continue;
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

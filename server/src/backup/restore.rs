//! Puts a backup back, into whatever stores: the chunks as a move does, into an index of their
//! own, under the rows of the backup in another life.
//!
//! No server takes for whole what was broken off: a database that is a file waits beside its
//! place, the other is paired with no chunk store until all chunks are there, and the secrets come
//! after.

use std::fs;
use std::path::Path;

use super::files::{copy_file, copy_secrets, folder, is_empty, put_in_place};
use super::{BackupError, CHUNKS};
use crate::fsck::{miss, view};
use crate::migrate::{move_chunks, open_tables};
use crate::service::recovery::another_life;
use crate::service::{blobs_of, open_database};
use crate::store::blob::{BlobStoreId, BlobView as _};
use crate::store::check::Checked;
use crate::store::meta::{Durability, MetaRead, MetaStore, MetaTx, StoredChunk};
use crate::store::places::{self, DATABASE, Places};
use crate::store::segment::SegmentOptions;
use crate::store::segment::view::SegmentView;
use crate::store::sqlite::SqliteMeta;
use crate::store::sqlite::snapshot;
use crate::store::sqlite::tables::{SqliteTables, tables};
use crate::store::tables::copy;

/// What was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// Vaults that wait for what the backup lacks.
    pub vaults: u64,
    /// What became of the chunks.
    pub chunks: Checked,
}

/// Puts a backup where nothing is, looks whether it is whole, and begins another life with it;
/// blocks, on a thread outside any runtime. What is damaged is counted, keeps nothing else out,
/// and can come again.
pub fn restore(from: &Path, to: &Places) -> Result<Restored, BackupError> {
    if let Some(path) = Places::from(from).missing() {
        return Err(BackupError::Missing { path });
    }
    if !is_empty(&to.data)? {
        return Err(BackupError::NotEmpty { path: to.data.clone() });
    }
    if !snapshot::is_whole(&from.join(DATABASE))? {
        return Err(BackupError::Damaged { path: from.join(DATABASE) });
    }
    if is_taken(to)? {
        return Err(BackupError::Taken);
    }
    let beside = Places { data: to.data.join(BESIDE), ..to.clone() };
    folder(&beside.data)?;
    let _lock = places::lock(&to.data.join("lock"))?;
    let copied = beside.data.join("backup.sqlite");
    copy_file(&from.join(DATABASE), &copied)?;
    let source = SqliteMeta::open(&copied)?;
    let vaults = (&source as &dyn MetaStore).write_blocking(Durability::Now, another_life())?;
    let chunks = fill(&source, &copied, &from.join(CHUNKS), &beside, to)?;
    copy_secrets(from, &to.data)?;
    if to.database.is_none() {
        let database = beside.data.join(DATABASE);
        snapshot::fold(&database)?;
        put_in_place(&database, &to.data.join(DATABASE))?;
    }
    drop(source);
    fs::remove_dir_all(&beside.data)?;
    Ok(Restored { vaults, chunks })
}

/// The folder in the data folder in which a database waits for its place.
const BESIDE: &str = "restoring";

/// The store of a database that waits for its chunks; no store has this id.
const NONE_YET: BlobStoreId = BlobStoreId([0; 16]);

/// Says whether the database or the bucket holds anything.
fn is_taken(to: &Places) -> Result<bool, BackupError> {
    if to.database.is_some() {
        let held =
            |state: &dyn MetaRead| Ok(state.account_count()? > 0 || !state.segments()?.is_empty());
        if open_database(to)?.read_blocking(held)? {
            return Ok(true);
        }
    }
    Ok(to.chunks.is_some() && !view(to)?.segments()?.is_empty())
}

/// Fills the stores: rows first, since chunks belong to vaults. The row about the server, which
/// names no store as it comes, is copied once more when all is there.
fn fill(
    source: &SqliteMeta,
    copied: &Path,
    segments: &Path,
    beside: &Places,
    to: &Places,
) -> Result<Checked, BackupError> {
    let target = open_database(beside)?;
    let mut blobs = blobs_of(to, SegmentOptions::default())?;
    let (mut from, mut into) = (SqliteTables::open(copied)?, open_tables(beside)?);
    let (server, others): (Vec<_>, Vec<_>) =
        tables()?.into_iter().partition(|table| table.name == "server");
    copy(&mut from, &mut *into, &server)?;
    target.pair(&NONE_YET)?;
    copy(&mut from, &mut *into, &others)?;
    let mut faults = Checked::default();
    let damaged = &mut |chunk: &StoredChunk, fault| {
        faults.count(chunk, Some(fault));
        let chunk = *chunk;
        Ok(target.write_blocking(Durability::Now, move |tx: &mut dyn MetaTx| miss(tx, &chunk))?)
    };
    let reader = SegmentView::of(segments).reader();
    let (all, told) = (&|_: &StoredChunk| true, &mut |_, _| {});
    let moved = move_chunks(source, &*reader, &*target, &mut *blobs, all, damaged, told)?;
    copy(&mut from, &mut *into, &server)?;
    target.pair(&blobs.id())?;
    Ok(Checked { chunks: moved.chunks, bytes: moved.bytes, ..faults })
}

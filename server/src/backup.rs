//! Backups: made while servers work, and put back.
//!
//! A backup is a folder laid out like a data folder that holds everything, whatever stores it
//! came from. Its database is a copy of one moment; of each segment it has what that database
//! knows, which lies before `indexed_to` and never changes, be it a file or an object. So a later
//! backup into the same folder copies only what was added. The copy of the database takes its
//! place last, by a rename, so a backup that is broken off leaves the one before as it was: what
//! is in the folder beside is not known to its database, and not restored.
//!
//! How it is put back, into whatever stores, is in [`restore()`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use self::files::{copy_secrets, folder, is_empty, put_in_place, remove, sync_folder};
use self::segments::Copying;
use crate::fsck::view;
use crate::migrate::MigrateError;
use crate::service::{ServiceError, open_existing};
use crate::store::blob::{BlobError, BlobStoreId, BlobView};
use crate::store::check::Checked;
use crate::store::meta::{MetaError, SegmentRow};
use crate::store::places::{self, CHUNKS, DATABASE, Places};
use crate::store::segment::copy::keep_only;
use crate::store::segment::view::SegmentView;
use crate::store::segment::write_id;
use crate::store::sqlite::snapshot::{self, Known, Moment};

pub(crate) mod files;
mod restore;
mod segments;

pub use restore::{Restored, restore};

/// What a backup copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Copied {
    /// Segments that the database names.
    pub segments: u64,
    /// Bytes of segments that were copied.
    pub new_bytes: u64,
    /// Bytes of segments that were there, from an earlier backup or one that was broken off.
    pub old_bytes: u64,
    /// What became of the chunks that no earlier backup had.
    pub chunks: Checked,
}

/// Reports a backup that was not made, or not put back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The folder holds other things.
    #[error("{path} is not empty, and no backup", path = path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The database or the bucket holds other things.
    #[error("the database or the bucket is not empty")]
    Taken,
    /// What has to be there is not.
    #[error("{path} is missing", path = path.display())]
    Missing {
        /// What.
        path: PathBuf,
    },
    /// The folder holds a backup of another server, of another life of this one, or of other
    /// stores.
    #[error("{path} holds a backup of another server, or from before a restore or a move: use another folder", path = path.display())]
    OtherLife {
        /// The folder.
        path: PathBuf,
    },
    /// Segments went while they were copied, again and again.
    #[error("space is reclaimed faster than it is copied: try again later")]
    Restless,
    /// The copy of the database is damaged.
    #[error("{path} is damaged", path = path.display())]
    Damaged {
        /// The copy.
        path: PathBuf,
    },
    /// The database failed.
    #[error(transparent)]
    Meta(#[from] MetaError),
    /// The segments failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A store cannot be opened.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The chunks could not be put where they belong.
    #[error(transparent)]
    Move(#[from] MigrateError),
    /// A file cannot be read or written.
    #[error("the files of the backup failed")]
    Io(#[from] io::Error),
}

/// Copies what servers may be using into a folder that is empty or holds an earlier backup of
/// it; blocks, on a thread outside any runtime.
pub fn backup(from: &Places, to: &Path) -> Result<Copied, BackupError> {
    if let Some(path) = from.missing() {
        return Err(BackupError::Missing { path });
    }
    let _lock = begin(to)?;
    let (chunks, fresh) = (to.join(CHUNKS), to.join(FRESH));
    let view = view(from)?;
    let store = identify(from, &*view)?;
    let before = look_before(to, &store)?;
    let hands = if from.chunks.is_some() { BUCKET_HANDS } else { 1 };
    let (mut gone, mut new_bytes) = (BTreeSet::new(), 0);
    for _ in 0..ROUNDS_MAX {
        remove(&fresh)?;
        snapshot::copy(from, &fresh)?;
        let now = Moment::open(&fresh)?.known()?;
        let done = done_before(before.as_ref(), &now, to)?;
        let reader = view.reader();
        let copying = Copying { reader: &*reader, folder: &chunks, fresh: &fresh, done: &done };
        let part = copying.copy_all(&now.segments, hands)?;
        new_bytes += part.new_bytes;
        // One that is gone was compacted after the copy of the database, or was lost before,
        // which another copy shows.
        if part.gone.is_subset(&gone) {
            settle(from, to, &store, &now)?;
            let old_bytes = part.held_bytes.saturating_sub(new_bytes);
            return Ok(Copied {
                segments: part.segments,
                new_bytes,
                old_bytes,
                chunks: part.chunks,
            });
        }
        gone.extend(part.gone);
    }
    Err(BackupError::Restless)
}

/// The copy of a database before it takes its place.
const FRESH: &str = "offing.sqlite.new";
/// Tells a folder of backups from others, and is locked while one is made.
const MARK: &str = "backup.lock";
/// How many copies of the database are made until no segment goes meanwhile; a server reclaims a
/// few in an hour.
const ROUNDS_MAX: usize = 8;
/// How many objects are copied at one time: each is waited for.
const BUCKET_HANDS: usize = 8;

/// Makes a folder of backups, or takes one that is there.
fn begin(to: &Path) -> Result<File, BackupError> {
    let mark = to.join(MARK);
    if !mark.exists() && !is_empty(to)? {
        return Err(BackupError::NotEmpty { path: to.to_owned() });
    }
    folder(to)?;
    let lock = places::lock(&mark)?;
    folder(&to.join(CHUNKS))?;
    Ok(lock)
}

/// Which store the chunks are in. A wrong one, or one that is away, must not take the place of
/// what an earlier backup has.
fn identify(from: &Places, view: &dyn BlobView) -> Result<BlobStoreId, BackupError> {
    let id = view.id()?.ok_or(ServiceError::OtherChunks)?;
    if from.database.is_some() && !open_existing(from)?.pair(&id)? {
        return Err(ServiceError::OtherChunks.into());
    }
    Ok(id)
}

/// What an earlier backup of the same store knows.
fn look_before(to: &Path, store: &BlobStoreId) -> Result<Option<Known>, BackupError> {
    let earlier = to.join(DATABASE);
    if !earlier.exists() {
        return Ok(None);
    }
    // Backups of before had files, and did not say whose.
    if SegmentView::of(&to.join(CHUNKS)).id()?.is_some_and(|id| id != *store) {
        return Err(BackupError::OtherLife { path: to.to_owned() });
    }
    Ok(Some(Moment::open(&earlier)?.known()?))
}

/// How far each segment is in an earlier backup of the same life.
fn done_before(
    before: Option<&Known>,
    now: &Known,
    to: &Path,
) -> Result<BTreeMap<u32, u64>, BackupError> {
    let Some(before) = before else {
        return Ok(BTreeMap::new());
    };
    let done: BTreeMap<u32, u64> =
        before.segments.iter().map(|row| (row.segment, row.indexed_to)).collect();
    let shrunk =
        |row: &SegmentRow| done.get(&row.segment).is_some_and(|done| row.indexed_to < *done);
    if before.incarnation != now.incarnation || now.segments.iter().any(shrunk) {
        return Err(BackupError::OtherLife { path: to.to_owned() });
    }
    Ok(done)
}

/// Lets the copy of the database, of which all segments are there, take its place.
fn settle(from: &Places, to: &Path, store: &BlobStoreId, now: &Known) -> Result<(), BackupError> {
    let chunks = to.join(CHUNKS);
    copy_secrets(&from.data, to)?;
    write_id(&chunks, store)?;
    sync_folder(&chunks)?;
    put_in_place(&to.join(FRESH), &to.join(DATABASE))?;
    let kept: Vec<u32> = now.segments.iter().map(|row| row.segment).collect();
    Ok(keep_only(&chunks, |number| kept.binary_search(&number).is_ok())?)
}

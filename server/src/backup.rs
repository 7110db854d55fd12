//! Backups of a data folder: made while a server uses it, and put back.
//!
//! A backup is a folder laid out like the data folder. Its database is a copy of one moment; of
//! each segment it has what that database knows, which lies before `indexed_to` and never
//! changes. So a later backup into the same folder copies only what was added. The copy of the
//! database takes its place last, by a rename, so a backup that is broken off leaves the one
//! before as it was: what is in the folder beside is not known to its database, and not
//! restored.
//!
//! What is restored begins another life ([`recovery`]). Its database takes its
//! place last as well: without it no server starts on the folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::auth::{OPAQUE_SETUP, TOKEN_KEY};
use crate::service::{ServiceError, recovery};
use crate::store::blob::{BlobError, BlobView as _};
use crate::store::check::{Checked, check_chunk};
use crate::store::meta::{MetaError, MetaStore, SegmentRow};
use crate::store::places::{self, CHUNKS, DATABASE};
use crate::store::segment::copy::{copy, keep_only};
use crate::store::segment::view::SegmentView;
use crate::store::sqlite::SqliteMeta;
use crate::store::sqlite::snapshot::{self, Known};

/// What a backup copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Copied {
    /// Segments that the backup has now.
    pub segments: u64,
    /// Bytes of segments that were copied.
    pub new_bytes: u64,
    /// Bytes of segments that an earlier backup had copied.
    pub old_bytes: u64,
    /// Bytes that the database knows and no file has.
    pub lost_bytes: u64,
}

/// What was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// Vaults that wait for what the backup lacks.
    pub vaults: u64,
    /// What became of the chunks.
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
    /// What has to be there is not.
    #[error("{path} is missing", path = path.display())]
    Missing {
        /// What.
        path: PathBuf,
    },
    /// The folder holds a backup of another server, or of another life of this one.
    #[error("{path} holds a backup of another server, or from before a restore: use another folder", path = path.display())]
    OtherLife {
        /// The folder.
        path: PathBuf,
    },
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
    /// Another life could not be begun.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A file cannot be read or written.
    #[error("the files of the backup failed")]
    Io(#[from] io::Error),
}

/// Copies a data folder, which a server may be using, into a folder that is empty or holds an
/// earlier backup of it; blocks.
pub fn backup(data: &Path, to: &Path) -> Result<Copied, BackupError> {
    let source = data.join(DATABASE);
    for path in [&source, &data.join(OPAQUE_SETUP)] {
        if !path.is_file() {
            return Err(BackupError::Missing { path: path.clone() });
        }
    }
    let _lock = begin(to)?;
    let fresh = to.join(FRESH);
    let done = match to.join(DATABASE) {
        earlier if earlier.exists() => Some(snapshot::look(&earlier)?),
        _ => None,
    };
    let mut gone = BTreeSet::new();
    loop {
        remove(&fresh)?;
        snapshot::copy(&source, &fresh)?;
        let now = snapshot::look(&fresh)?;
        let done = done_before(done.as_ref(), &now, to)?;
        let known = gone.len();
        let copied = copy_segments(data, to, &now, &done, &mut gone)?;
        // One that is gone was compacted after the copy of the database, or was lost before,
        // which another copy shows.
        if gone.len() == known {
            settle(data, to, &now)?;
            return Ok(copied);
        }
    }
}

/// Puts a backup into an empty folder, looks whether it is whole, and begins another life with
/// it. What is damaged is counted, and does not keep the rest out.
pub async fn restore(from: &Path, data: &Path) -> Result<Restored, BackupError> {
    let source = from.join(DATABASE);
    for path in [&source, &from.join(OPAQUE_SETUP)] {
        if !path.is_file() {
            return Err(BackupError::Missing { path: path.clone() });
        }
    }
    if !is_empty(data)? {
        return Err(BackupError::NotEmpty { path: data.to_owned() });
    }
    if !snapshot::is_whole(&source)? {
        return Err(BackupError::Damaged { path: source });
    }
    let (chunks, fresh) = (data.join(CHUNKS), data.join(FRESH));
    folder(&chunks)?;
    let _lock = places::lock(&data.join("lock"))?;
    copy_secrets(from, data)?;
    let known = snapshot::look(&source)?;
    for row in &known.segments {
        match copy(&from.join(CHUNKS), &chunks, row.segment, 0, row.indexed_to) {
            // What it held is counted below.
            Ok(_) | Err(BlobError::SegmentGone { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    copy_file(&source, &fresh)?;
    let meta = SqliteMeta::open(&fresh)?;
    let vaults = recovery::begin_life(&meta).await?;
    let (meta, checked) = tokio::task::spawn_blocking(move || {
        let reader = SegmentView::of(&chunks).reader();
        let (state, mut checked): (&dyn MetaStore, _) = (&meta, Checked::default());
        for SegmentRow { segment, .. } in known.segments {
            for chunk in state.read_blocking(move |state| state.chunks_in(segment))? {
                checked.count(&chunk, check_chunk(state, &*reader, &chunk)?);
            }
        }
        Ok::<_, MetaError>((meta, checked))
    })
    .await
    .map_err(io::Error::other)??;
    drop(meta);
    snapshot::fold(&fresh)?;
    put_in_place(&fresh, data)?;
    Ok(Restored { vaults, chunks: checked })
}

/// The copy of a database before it takes its place.
const FRESH: &str = "offing.sqlite.new";
/// Tells a folder of backups from others, and is locked while one is made.
const MARK: &str = "backup.lock";
/// The secrets, the last of which nobody can do without.
const SECRETS: [&str; 2] = [TOKEN_KEY, OPAQUE_SETUP];

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

/// Copies what the database knows of each segment; adds those to `gone` that are not there. What
/// was gone before this copy of the database was made, and is in it still, is lost.
fn copy_segments(
    data: &Path,
    to: &Path,
    now: &Known,
    done: &BTreeMap<u32, u64>,
    gone: &mut BTreeSet<u32>,
) -> Result<Copied, BlobError> {
    let mut copied = Copied::default();
    let (from, to) = (data.join(CHUNKS), to.join(CHUNKS));
    for row in &now.segments {
        let end = row.indexed_to;
        let done = done.get(&row.segment).copied().unwrap_or(0).min(end);
        let new_bytes = match copy(&from, &to, row.segment, done, end) {
            Ok(bytes) => bytes,
            Err(BlobError::SegmentGone { segment }) => {
                gone.insert(segment);
                copied.lost_bytes += row.live_bytes;
                continue;
            }
            Err(error) => return Err(error),
        };
        copied.segments += 1;
        copied.new_bytes += new_bytes;
        copied.old_bytes += done;
        copied.lost_bytes += (end - done).saturating_sub(new_bytes);
    }
    Ok(copied)
}

/// Lets the copy of the database, of which all segments are there, take its place.
fn settle(data: &Path, to: &Path, now: &Known) -> Result<(), BackupError> {
    copy_secrets(data, to)?;
    sync_folder(&to.join(CHUNKS))?;
    put_in_place(&to.join(FRESH), to)?;
    let kept: Vec<u32> = now.segments.iter().map(|row| row.segment).collect();
    Ok(keep_only(&to.join(CHUNKS), |number| kept.binary_search(&number).is_ok())?)
}

fn put_in_place(fresh: &Path, folder: &Path) -> Result<(), BackupError> {
    fs::set_permissions(fresh, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    File::open(fresh)?.sync_all()?;
    fs::rename(fresh, folder.join(DATABASE))?;
    Ok(sync_folder(folder)?)
}

/// Copies the secrets; the one that nobody can do without comes last.
pub(crate) fn copy_secrets(from: &Path, to: &Path) -> io::Result<()> {
    for name in SECRETS.into_iter().filter(|name| from.join(name).exists()) {
        copy_file(&from.join(name), &to.join(name))?;
    }
    sync_folder(to)
}

/// Copies a small file, for its owner alone; there is either the old one or the new one.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let fresh = to.with_extension("copy");
    remove(&fresh)?;
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&fresh)?;
    io::copy(&mut File::open(from)?, &mut file)?;
    file.sync_all()?;
    fs::rename(&fresh, to)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes a folder, for its owner alone, unless it is there.
fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn is_empty(path: &Path) -> io::Result<bool> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

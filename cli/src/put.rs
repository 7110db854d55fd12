//! Puts files, or a folder with all in it, into the vault.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use offing_core::id::NodeId;
use offing_core::limits;
use offing_core::rpc::{Clash, Fault, Reply, UploadItem};
use offing_worker::host::Source;

use crate::drive::Drive;
use crate::failure::Failure;

/// What was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Put {
    /// How many files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// A file of this system, as it was when it was chosen.
struct DiskFile {
    path: PathBuf,
    size: u64,
    modified: Option<SystemTime>,
}

impl DiskFile {
    fn read_range(&self, start: u64, end: u64) -> std::io::Result<Option<Vec<u8>>> {
        let mut file = File::open(&self.path)?;
        let metadata = file.metadata()?;
        if metadata.len() != self.size || metadata.modified().ok() != self.modified {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(start))?;
        let Ok(len) = usize::try_from(end.saturating_sub(start)) else {
            return Ok(None);
        };
        let mut bytes = vec![0; len];
        file.read_exact(&mut bytes)?;
        Ok(Some(bytes))
    }
}

impl Source for DiskFile {
    async fn read(&self, start: u64, end: u64) -> Option<Vec<u8>> {
        self.read_range(start, end).ok().flatten()
    }
}

/// Puts a file or a folder into a folder of the vault, and waits until all is on the server.
/// A file that has its name there becomes its new revision; with `keep_both`, one beside it.
pub async fn put(
    drive: &Drive,
    what: &Path,
    folder: NodeId,
    keep_both: bool,
) -> Result<Put, Failure> {
    let (items, files, folders) = gather(what)?;
    let put = Put { files: items.len(), bytes: items.iter().map(|item| item.size).sum() };
    if !folders.is_empty() {
        drive.replica.make_folders(folder, &folders).await?;
    }
    let clash = if keep_both { Clash::KeepBoth } else { Clash::Replace };
    if let Reply::Uploading(ids) = drive.replica.upload(folder, items, files, clash).await? {
        let failed = drive.uploaded(&ids).await?;
        if !failed.is_empty() {
            return Err(Failure::NotPut { failed });
        }
    }
    drive.settle().await?;
    Ok(put)
}

type Gathered = (Vec<UploadItem>, Vec<DiskFile>, Vec<Vec<String>>);

/// Lists a file, or all that is in a folder; links are followed, what is neither is passed over.
fn gather(what: &Path) -> Result<Gathered, Failure> {
    let (mut items, mut files, mut folders) = (Vec::new(), Vec::new(), Vec::new());
    let mut open = vec![(what.to_owned(), vec![name_of(what)?])];
    while let Some((path, place)) = open.pop() {
        let metadata = fs::metadata(&path).map_err(Failure::file(&path))?;
        if metadata.is_dir() {
            for inner in fs::read_dir(&path).map_err(Failure::file(&path))? {
                let inner = inner.map_err(Failure::file(&path))?.path();
                let place = [place.as_slice(), &[name_of(&inner)?]].concat();
                open.push((inner, place));
            }
            folders.push(place);
        } else if metadata.is_file() {
            let modified = metadata.modified().ok();
            let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let modified_ms = since.and_then(|since| i64::try_from(since.as_millis()).ok());
            let modified_ms = modified_ms.unwrap_or(0);
            items.push(UploadItem { path: place, size: metadata.len(), modified_ms });
            files.push(DiskFile { path, size: metadata.len(), modified });
        }
        let deep = open.last().is_some_and(|(_, place)| place.len() > limits::TREE_DEPTH_MAX);
        if items.len() > limits::UPLOAD_FILES_MAX || deep {
            return Err(Fault::TooMany.into());
        }
    }
    Ok((items, files, folders))
}

/// The name that something has in the vault.
fn name_of(path: &Path) -> Result<String, Failure> {
    // `.` and paths that end with `..` have no name before they are looked up.
    let whole = path.canonicalize().map_err(Failure::file(path))?;
    let name = path.file_name().or_else(|| whole.file_name()).and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| {
        let name = path.to_string_lossy().into_owned();
        let reason = offing_core::rpc::NameReason::Character;
        Fault::NameUnfit { name, reason }.into()
    })
}

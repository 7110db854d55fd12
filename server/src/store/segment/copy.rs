//! Copies of segment files, for backups.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::{gone_or, list, segment_path};
use crate::store::blob::BlobError;

/// Copies a segment up to a place into another folder, durably, from `done` on: what that
/// folder has of it before this stays. Says how many bytes it copied, fewer than asked for where
/// the segment is shorter.
pub fn copy(from: &Path, to: &Path, number: u32, done: u64, end: u64) -> Result<u64, BlobError> {
    let mut segment =
        File::open(segment_path(from, number)).map_err(|error| gone_or(error, number))?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(segment_path(to, number))?;
    let done = done.min(file.metadata()?.len());
    if done >= end {
        return Ok(0);
    }
    // What is behind came with a copy that was broken off.
    file.set_len(done)?;
    segment.seek(SeekFrom::Start(done))?;
    file.seek(SeekFrom::Start(done))?;
    let copied = std::io::copy(&mut segment.take(end - done), &mut file)?;
    file.sync_all()?;
    Ok(copied)
}

/// Removes the segments of a folder of copies that are not among these.
pub fn keep_only(folder: &Path, kept: impl Fn(u32) -> bool) -> Result<(), BlobError> {
    for number in list(folder)?.into_iter().filter(|number| !kept(*number)) {
        std::fs::remove_file(segment_path(folder, number))?;
    }
    Ok(())
}

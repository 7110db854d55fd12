//! Segment files that are copies of segments wherever they are kept, for backups.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::{list, segment_path};
use crate::store::blob::{BlobError, BlobReader};

/// Bytes that are read at one time.
const PIECE_BYTES: usize = 4 * 1024 * 1024;

/// How many bytes of a segment a folder of copies has.
pub fn held_bytes(folder: &Path, segment: u32) -> Result<u64, BlobError> {
    match fs::metadata(segment_path(folder, segment)) {
        Ok(found) => Ok(found.len()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Copies a part of a segment to the same place in a folder of copies, durably; what that has
/// behind goes. Says how many bytes it copied, fewer than asked for where the segment is shorter.
pub fn copy(
    reader: &dyn BlobReader,
    folder: &Path,
    segment: u32,
    from: u64,
    end: u64,
) -> Result<u64, BlobError> {
    let path = segment_path(folder, segment);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(&path)?;
    file.set_len(from)?;
    file.seek(SeekFrom::Start(from))?;
    let copied = pour(reader, &mut file, segment, from, end);
    file.sync_all()?;
    if file.metadata()?.len() == 0 {
        // A segment has a head at least.
        fs::remove_file(path)?;
    }
    copied
}

/// Makes what a folder of copies has of a segment durable.
pub fn sync(folder: &Path, segment: u32) -> Result<(), BlobError> {
    Ok(File::open(segment_path(folder, segment))?.sync_all()?)
}

/// Removes the segments of a folder of copies that are not among these.
pub fn keep_only(folder: &Path, kept: impl Fn(u32) -> bool) -> Result<(), BlobError> {
    for number in list(folder)?.into_iter().filter(|number| !kept(*number)) {
        fs::remove_file(segment_path(folder, number))?;
    }
    Ok(())
}

fn pour(
    reader: &dyn BlobReader,
    file: &mut File,
    segment: u32,
    from: u64,
    end: u64,
) -> Result<u64, BlobError> {
    let (mut at, mut piece_bytes) = (from, PIECE_BYTES);
    let mut piece = Vec::new();
    while at < end && piece_bytes > 0 {
        let left = usize::try_from(end - at).unwrap_or(usize::MAX);
        piece.resize(left.min(piece_bytes), 0);
        match reader.read_at(segment, at, &mut piece) {
            Ok(()) => {
                file.write_all(&piece)?;
                at += piece.len() as u64;
            }
            // It ends before; where, smaller pieces tell.
            Err(BlobError::SegmentShort { .. }) => piece_bytes = piece.len() / 2,
            Err(error) => return Err(error),
        }
    }
    Ok(at - from)
}

//! Files that are whole or not there: written beside, flushed, and put in place by renaming.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What the name of a file that is not whole yet ends with.
pub(crate) const PART: &str = ".part";

/// Writes a file for its owner alone; when this answers, no crash and no power cut takes it back. A file that was
/// there is replaced, or left as it was on an error.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = part_of(path);
    let written = create(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let placed = written.and_then(|()| fs::rename(&part, path)).and_then(|()| sync_folder_of(path));
    if placed.is_err() {
        // Best effort: what is left is swept at the next start.
        fs::remove_file(&part).ok();
    }
    placed
}

/// Makes a file of this name, whatever was there.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Where a file is while it is being written.
pub(crate) fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(PART);
    path.with_file_name(name)
}

/// Flushes a folder's names, those that were just made among them.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere folders cannot be opened, and renaming is durable by itself.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes a folder with all above it, for its owner alone.
pub(crate) fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

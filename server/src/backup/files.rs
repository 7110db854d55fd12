//! Small files and folders, for their owner alone, of which there is the old or the new.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt};
use std::path::Path;

use crate::auth::{OPAQUE_SETUP, TOKEN_KEY};

/// The secrets, the last of which nobody can do without.
const SECRETS: [&str; 2] = [TOKEN_KEY, OPAQUE_SETUP];

/// Copies the secrets; the one that nobody can do without comes last.
pub(crate) fn copy_secrets(from: &Path, to: &Path) -> io::Result<()> {
    for name in SECRETS.into_iter().filter(|name| from.join(name).exists()) {
        copy_file(&from.join(name), &to.join(name))?;
    }
    sync_folder(to)
}

/// Copies a file.
pub(super) fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let fresh = to.with_extension("copy");
    remove(&fresh)?;
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&fresh)?;
    io::copy(&mut File::open(from)?, &mut file)?;
    file.sync_all()?;
    fs::rename(&fresh, to)
}

/// Lets a file that was written take its place.
pub(super) fn put_in_place(fresh: &Path, path: &Path) -> io::Result<()> {
    fs::set_permissions(fresh, PermissionsExt::from_mode(0o600))?;
    File::open(fresh)?.sync_all()?;
    fs::rename(fresh, path)?;
    sync_folder(path.parent().expect("a file is in a folder"))
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes a folder, unless it is there.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Says whether a folder is not there, or holds nothing.
pub(super) fn is_empty(path: &Path) -> io::Result<bool> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

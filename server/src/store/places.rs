//! Where a server keeps things.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::s3::S3Address;
use crate::auth::OPAQUE_SETUP;

/// Where a server keeps things. A path alone is a folder that holds everything.
#[derive(Clone)]
pub struct Places {
    /// The folder of the secrets, and of whatever is kept nowhere else.
    pub data: PathBuf,
    /// The `postgresql://` URL of the database; `None` is a file in the folder.
    pub database: Option<String>,
    /// The bucket of the chunks; `None` is files in the folder.
    pub chunks: Option<S3Address>,
}

impl Places {
    /// What an installation cannot be without and is not in this folder, if anything.
    pub fn missing(&self) -> Option<PathBuf> {
        let needed = [self.database.is_none().then_some(DATABASE), Some(OPAQUE_SETUP)];
        let mut paths = needed.into_iter().flatten().map(|name| self.data.join(name));
        paths.find(|path| !path.is_file())
    }
}

/// The name of the database's file in the data folder.
pub const DATABASE: &str = "offing.sqlite";
/// The name of the folder of the chunks in it.
pub const CHUNKS: &str = "chunks";

impl<P: AsRef<Path> + ?Sized> From<&P> for Places {
    fn from(data: &P) -> Self {
        Self { data: data.as_ref().to_owned(), database: None, chunks: None }
    }
}

/// Locks a file, which is made where it is missing, until what is given back is dropped; an
/// error of kind `WouldBlock` says that another process has it.
pub fn lock(path: &Path) -> io::Result<File> {
    let file = File::create(path)?;
    file.try_lock()?;
    Ok(file)
}

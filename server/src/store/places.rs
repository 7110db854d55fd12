//! Where a server keeps things.

use std::path::{Path, PathBuf};

/// Where a server keeps things. A path alone is a folder that holds everything.
#[derive(Clone)]
pub struct Places {
    /// The folder of the secrets, and of whatever is kept nowhere else.
    pub data: PathBuf,
    /// The `postgresql://` URL of the database; `None` is a file in the folder.
    pub database: Option<String>,
}

impl<P: AsRef<Path> + ?Sized> From<&P> for Places {
    fn from(data: &P) -> Self {
        Self { data: data.as_ref().to_owned(), database: None }
    }
}

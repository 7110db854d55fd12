//! Secrets in files of their own, readable by the server's user only.
//!
//! A crash at first start leaves either nothing or the whole secret. It is never overwritten: a new
//! `server-setup` would lock every account out.

use std::path::{Path, PathBuf};

use crate::private;

/// Reads the secret at `path`, or generates and keeps it at first start.
pub fn load_or_create(
    path: &Path,
    generate: impl FnOnce() -> Vec<u8>,
) -> Result<Vec<u8>, SecretFileError> {
    let fault = |source| SecretFileError::Io { path: path.to_owned(), source };
    match std::fs::read(path) {
        Ok(bytes) => return Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(fault(error)),
    }
    let bytes = generate();
    private::write(path, &bytes).map_err(fault)?;
    Ok(bytes)
}

/// Reports a secret that cannot be read, kept or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretFileError {
    /// The file cannot be read or written.
    #[error("cannot read or write {path}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file does not hold what it should; restore it from a backup.
    #[error("{path} is damaged; restore it from a backup", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_generated_once_and_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token-key");
        assert_eq!(load_or_create(&path, || vec![1, 2]).unwrap(), [1, 2]);
        assert_eq!(load_or_create(&path, || vec![3, 4]).unwrap(), [1, 2]);
        let permissions = std::fs::metadata(&path).unwrap().permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&permissions) & 0o777, 0o600);
    }
}

//! A profile: the folder that holds all that a signed-in program keeps.
//!
//! ```text
//! lock            held by the program that uses the folder
//! profile.json    server, username, identity; written last by a sign-in, so that whoever
//!                 finds it finds everything else
//! account-key     the account master key, 32 bytes
//! device-key      this device's private key, 32 bytes
//! minted/         those of devices that the profile became because it was copied, by id
//! session         the session's cookie
//! offing.sqlite   the tables
//! chunks/         sealed chunks
//! ```
//!
//! Keys and session are readable by their owner alone, and refused if they are not. They are
//! not sealed: who can read the owner's files can act as this device (`docs/threat-model.md`).

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use offing_core::account::MasterKey;
use offing_core::crypto::hazmat::Crypto;
use offing_core::crypto::native::{NativeCrypto, signing_pair};
use offing_core::crypto::{RawKey, SigningPair};
use offing_worker::host::Keys;
use offing_worker::replica::Identity;
use rand::RngCore as _;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};

use crate::chunks::FileChunks;
use crate::failure::Failure;
use crate::files;
use crate::store::SqliteStore;
use crate::wire::Wire;

/// Who is signed in, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    /// The server's address.
    pub server: String,
    /// The name to sign in with.
    pub username: String,
    /// Who this device is.
    pub identity: Identity,
}

/// A folder that this program alone uses.
#[derive(Debug)]
pub struct Profile {
    folder: PathBuf,
    /// Held as long as the profile is.
    _lock: File,
}

impl Profile {
    /// The folder that is used where none is named.
    pub fn default_folder() -> Result<PathBuf, Failure> {
        let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let data = of("XDG_DATA_HOME").map(PathBuf::from);
        let data = data.or_else(|| Some(Path::new(&of("HOME")?).join(".local/share")));
        data.map(|data| data.join("offing")).ok_or(Failure::NoProfile)
    }

    /// Opens the folder, or makes it; fails if another program uses it.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        files::create_private_folder(folder).map_err(Failure::file(folder))?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(Failure::file(&path))?;
        if lock.try_lock().is_err() {
            return Err(Failure::ProfileInUse { folder: folder.to_owned() });
        }
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    /// Who is signed in; `None` if nobody is.
    pub fn signed_in(&self) -> Result<Option<SignedIn>, Failure> {
        let path = self.path("profile.json");
        match fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(signed_in) => Ok(Some(signed_in)),
                Err(_) => Err(Failure::ProfileDamaged { path }),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::file(path)(error)),
        }
    }

    /// Records who is signed in: the last step of a sign-in.
    pub fn keep_signed_in(&self, signed_in: &SignedIn) -> Result<(), Failure> {
        let bytes = serde_json::to_vec_pretty(signed_in).expect("plain data always serialises");
        let path = self.path("profile.json");
        files::put(&path, &bytes).map_err(Failure::file(path))
    }

    /// The tables and the chunks.
    pub fn stores(&self) -> Result<(SqliteStore, FileChunks), Failure> {
        let store = SqliteStore::open(&self.path("offing.sqlite"))?;
        Ok((store, FileChunks::open(&self.path("chunks"))?))
    }

    /// The way to a server, with this profile's session.
    pub fn wire(&self, server: &str) -> Result<Wire, Failure> {
        Wire::new(server, &self.path("session"))
    }

    /// Makes a new device's key.
    pub fn new_device() -> SigningPair {
        loop {
            let mut scalar = [0; 32];
            OsRng.fill_bytes(&mut scalar);
            // All but one in 2^32 byte strings are a scalar of the curve.
            if let Some(pair) = signing_pair(RawKey::new(scalar)) {
                return pair;
            }
        }
    }

    /// Keeps the keys of a device that was made.
    pub fn keep_keys(&self, master: &MasterKey, device: &SigningPair) -> Result<(), Failure> {
        for (name, key) in [("account-key", &master.key), ("device-key", &device.scalar)] {
            let path = self.path(name);
            files::put(&path, key.as_bytes()).map_err(Failure::file(path))?;
        }
        Ok(())
    }

    /// The device's key.
    pub fn device(&self) -> Result<SigningPair, Failure> {
        let scalar = self.key("device-key")?;
        let path = self.path("device-key");
        signing_pair(scalar).ok_or(Failure::ProfileDamaged { path })
    }

    /// The keys, to work with.
    pub async fn keys(&self) -> Result<Keys<NativeCrypto>, Failure> {
        let damaged = |name: &str| Failure::ProfileDamaged { path: self.path(name) };
        let account = NativeCrypto.import_secret(self.key("account-key")?.as_bytes()).await;
        let signing = NativeCrypto.import_signing(&self.device()?).await;
        Ok(Keys {
            account: account.map_err(|_| damaged("account-key"))?,
            signing: signing.map_err(|_| damaged("device-key"))?,
        })
    }

    /// Forgets everything. Who was signed in goes first: with that gone, nothing finds the rest.
    pub fn forget(&self) -> Result<(), Failure> {
        let tables = ["offing.sqlite", "offing.sqlite-wal", "offing.sqlite-shm"];
        let first = ["profile.json", "account-key", "device-key", "session"];
        for name in first.into_iter().chain(tables) {
            let path = self.path(name);
            gone(fs::remove_file(&path)).map_err(Failure::file(path))?;
        }
        for name in ["minted", "chunks"] {
            let folder = self.path(name);
            gone(fs::remove_dir_all(&folder)).map_err(Failure::file(folder))?;
        }
        files::sync_folder(&self.folder).map_err(Failure::file(&self.folder))
    }

    /// The keys of devices that this profile became, because it was copied.
    pub fn minted(&self) -> PathBuf {
        self.path("minted")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn key(&self, name: &str) -> Result<RawKey, Failure> {
        let path = self.path(name);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let metadata = fs::metadata(&path).map_err(Failure::file(&path))?;
            if metadata.permissions().mode() & 0o077 != 0 {
                return Err(Failure::KeyExposed { path });
            }
        }
        let bytes = fs::read(&path).map_err(Failure::file(&path))?;
        RawKey::from_slice(&bytes).ok_or(Failure::ProfileDamaged { path })
    }
}

/// What is not there needs no removing.
fn gone(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(profile: &Profile) -> Result<SigningPair, Failure> {
        let master = MasterKey { version: 1, key: RawKey::new([1; 32]) };
        profile.keep_keys(&master, &Profile::new_device())?;
        profile.device()
    }

    #[test]
    fn a_profile_is_used_by_one_program_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Profile::open(folder.path()).unwrap();
        assert!(matches!(Profile::open(folder.path()), Err(Failure::ProfileInUse { .. })));
        drop(first);
        assert!(Profile::open(folder.path()).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_for_their_owner_alone_and_refused_otherwise() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::open(folder.path()).unwrap();
        keys(&profile).unwrap();
        for name in ["account-key", "device-key"] {
            let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        let open = fs::Permissions::from_mode(0o644);
        fs::set_permissions(folder.path().join("device-key"), open).unwrap();
        assert!(matches!(profile.device(), Err(Failure::KeyExposed { .. })));
    }

    #[test]
    fn what_is_forgotten_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::open(folder.path()).unwrap();
        keys(&profile).unwrap();
        drop(profile.stores().unwrap());
        profile.forget().unwrap();
        let left = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name());
        assert_eq!(left.collect::<Vec<_>>(), ["lock"]);
    }
}

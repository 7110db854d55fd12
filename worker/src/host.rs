//! What a replica needs from where it runs: storage, server, cryptography, time, locks.
//!
//! The browser is one host (`browser`); scenario tests run the same replica on another,
//! with memory stores, a virtual clock and a server in the same process. A host is cheap to
//! clone; all clones are one device in one tab.

use std::collections::BTreeMap;
use std::future::Future;

use offing_core::crypto::PublicKey;
use offing_core::crypto::hazmat::Crypto;
use offing_core::id::{ChunkId, DeviceId, NodeId, Seq, VaultId};
use offing_core::proto::{AccountView, Appended, DeviceBinding, Devices, LogPage};
use serde::{Deserialize, Serialize};

use crate::net::api::Api;
use crate::net::call::Transport;
use crate::net::{NetError, Remote};
use crate::store::Store;
use crate::store::chunks::ChunkStore;

#[cfg(target_arch = "wasm32")]
pub mod browser;

/// The calls that reading needs, beside those of pushing.
#[allow(async_fn_in_trait, reason = "workers have one thread, so no future needs Send")]
pub trait Server: Remote {
    /// Reads the log after a place; the reader's own entries come without their bodies.
    async fn read_log(
        &self,
        vault: VaultId,
        after: Seq,
        own: Option<DeviceId>,
    ) -> Result<LogPage, NetError>;

    /// Gives a restored server entries that it lacks (`proto::encode_give_back`).
    async fn give_back(&self, vault: VaultId, entries: &[u8]) -> Result<Appended, NetError>;

    /// Reads the last snapshot but `skip`, with what a newcomer needs to believe it; no
    /// entries where there is none.
    async fn beginning(&self, vault: VaultId, skip: u8) -> Result<LogPage, NetError>;

    /// Reads the entry of the newest shared search index but `skip`; none where there is none.
    async fn index(&self, vault: VaultId, skip: u8) -> Result<LogPage, NetError>;

    /// Reads a whole sealed chunk. The caller verifies it.
    async fn chunk(&self, vault: VaultId, id: ChunkId) -> Result<Vec<u8>, NetError>;

    /// Reads the account.
    async fn account(&self) -> Result<AccountView, NetError>;

    /// Binds the session to a device of this profile.
    async fn bind_device(&self, device: &DeviceBinding) -> Result<(), NetError>;

    /// Asks when each device was here last.
    async fn devices(&self) -> Result<Devices, NetError>;
}

impl<T: Transport> Server for Api<T> {
    async fn read_log(
        &self,
        vault: VaultId,
        after: Seq,
        own: Option<DeviceId>,
    ) -> Result<LogPage, NetError> {
        self.log(vault, after, own).await
    }

    async fn give_back(&self, vault: VaultId, entries: &[u8]) -> Result<Appended, NetError> {
        self.post_entries(vault, "give-back", entries).await
    }

    async fn beginning(&self, vault: VaultId, skip: u8) -> Result<LogPage, NetError> {
        Self::beginning(self, vault, skip).await
    }

    async fn index(&self, vault: VaultId, skip: u8) -> Result<LogPage, NetError> {
        Self::index(self, vault, skip).await
    }

    async fn chunk(&self, vault: VaultId, id: ChunkId) -> Result<Vec<u8>, NetError> {
        Self::chunk(self, vault, id, None).await
    }

    async fn account(&self) -> Result<AccountView, NetError> {
        Self::account(self).await
    }

    async fn bind_device(&self, device: &DeviceBinding) -> Result<(), NetError> {
        Self::bind_device(self, device).await
    }

    async fn devices(&self) -> Result<Devices, NetError> {
        Self::devices(self).await
    }
}

/// A file that a person chose, read in pieces.
#[allow(async_fn_in_trait, reason = "workers have one thread, so no future needs Send")]
pub trait Source {
    /// Reads the bytes from `start` to `end`; `None` if the file changed or vanished.
    async fn read(&self, start: u64, end: u64) -> Option<Vec<u8>>;

    /// Makes its thumb: a small picture as bytes, if there can be one before long.
    async fn thumb(&self) -> Option<Vec<u8>> {
        None
    }

    /// Reads whole files of these lengths, one behind the other; `None` if that cannot be
    /// had of one of them. Where reading has a price for each time, this pays it once.
    async fn read_together(files: &[(&Self, u64)]) -> Option<Vec<u8>> {
        let mut all = Vec::new();
        for (file, len) in files {
            all.extend(file.read(0, *len).await?);
        }
        Some(all)
    }
}

impl<S: Source> Source for std::rc::Rc<S> {
    async fn read(&self, start: u64, end: u64) -> Option<Vec<u8>> {
        S::read(self, start, end).await
    }

    async fn thumb(&self) -> Option<Vec<u8>> {
        S::thumb(self).await
    }

    async fn read_together(files: &[(&Self, u64)]) -> Option<Vec<u8>> {
        let files: Vec<(&S, u64)> = files.iter().map(|(file, len)| (&***file, *len)).collect();
        S::read_together(&files).await
    }
}

/// What one tab tells the others of the same profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// Nodes changed: the folders whose lists did, and the texts that have new increments.
    Changed {
        /// The folders.
        folders: Vec<NodeId>,
        /// The texts.
        texts: Vec<NodeId>,
    },
    /// The outbox grew or shrank.
    Outbox,
    /// Somebody signed in, signed out, or the session ended.
    Session,
    /// Files are not read to their end in that tab, or all are now.
    Reading(bool),
    /// Entries of the outbox have other counters now: from which to which.
    Reordered(BTreeMap<u64, u64>),
    /// This profile became another device.
    Renewed,
}

/// Where a replica runs.
#[allow(async_fn_in_trait, reason = "workers have one thread, so no future needs Send")]
pub trait Host: Clone + 'static {
    /// The primitives.
    type Crypto: Crypto + 'static;
    /// The byte-to-byte map.
    type Store: Store;
    /// The chunks' bytes.
    type Chunks: ChunkStore;
    /// The server.
    type Server: Server;
    /// Held while a lock is; dropping it releases the lock.
    type Guard;

    /// The primitives.
    fn crypto(&self) -> &Self::Crypto;
    /// The byte-to-byte map.
    fn store(&self) -> &Self::Store;
    /// The chunks' bytes.
    fn chunks(&self) -> &Self::Chunks;
    /// The server.
    fn server(&self) -> &Self::Server;
    /// Milliseconds since 1970.
    fn now_ms(&self) -> i64;
    /// Makes a pair of keys for a new device, kept where this profile's keys are; `None` if
    /// the platform fails, or has no place for them.
    async fn mint_device(&self) -> Option<(PublicKey, SigningKey<Self>)> {
        None
    }
    /// From now on this profile is a device that was minted here; `None` if it was not.
    async fn take_up_device(&self, _device: DeviceId) -> Option<SigningKey<Self>> {
        None
    }
    /// Fresh random bytes.
    fn random<const N: usize>(&self) -> [u8; N];
    /// Waits for a lock that all tabs of the profile share.
    async fn lock(&self, name: &str) -> Self::Guard;
    /// Takes such a lock if it is free.
    async fn try_lock(&self, name: &str) -> Option<Self::Guard>;
    /// Waits for a lock and shares it with others who do the same; whoever takes it by
    /// [`Self::lock`] has it alone.
    async fn lock_shared(&self, name: &str) -> Self::Guard;
    /// Says whether what is stored here outlives the session.
    fn is_lasting(&self) -> bool {
        true
    }
    /// How many bytes may be stored here, as far as that is known.
    async fn quota_bytes(&self) -> Option<u64>;
    /// Waits.
    async fn sleep(&self, delay_ms: u64);
    /// Runs a future on its own.
    fn spawn(&self, future: impl Future<Output = ()> + 'static);
    /// Tells the other tabs.
    fn announce(&self, notice: &Notice);
}

/// What a host's devices sign with.
pub type SigningKey<H> = <<H as Host>::Crypto as Crypto>::SigningKey;

/// The keys of a signed-in device, as the platform holds them.
pub struct Keys<C: Crypto> {
    /// The account master key, to open what is wrapped for the account.
    pub account: C::Secret,
    /// The device's signing key.
    pub signing: C::SigningKey,
}

impl<C: Crypto> Clone for Keys<C> {
    fn clone(&self) -> Self {
        Self { account: self.account.clone(), signing: self.signing.clone() }
    }
}

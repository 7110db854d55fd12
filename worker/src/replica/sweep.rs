//! Leftovers on this device: what a killed tab or a cancelled upload stored and nothing names.
//!
//! A chunk is stored before anything names it, so what looks like a leftover may be an
//! upload's of this or another tab. Whoever stores chunks holds a [`Staging`](super::held)
//! until they are named; a sweep needs the same lock for itself alone, and looks again while
//! it has it.

use std::collections::HashSet;

use offing_core::id::ChunkId;
use offing_core::rpc::Fault;

use super::Replica;
use super::fault::from_store;
use crate::host::Host;
use crate::store::chunks::ChunkStore;

impl<H: Host> Replica<H> {
    /// Removes leftovers, once for each start of a tab and after uploads that came to nothing.
    pub(super) async fn sweep_once(&self) {
        if !self.swept.replace(true) && matches!(self.sweep().await, Ok(false)) {
            // Somebody is storing chunks; it is tried again after a later pull.
            self.swept.set(false);
        }
    }

    /// Removes leftovers; says whether it could.
    async fn sweep(&self) -> Result<bool, Fault> {
        if self.host.try_lock(&self.staging_lock()).await.is_none() {
            // Looking through all files costs something, and would be for nothing.
            return Ok(false);
        }
        let leftovers = self.leftovers().await?;
        if leftovers.is_empty() {
            return Ok(true);
        }
        let guard = self.host.try_lock(&self.staging_lock()).await;
        // Where a browser has no locks, this tab at least must not be storing anything.
        if guard.is_none() || self.staging.get() > 0 {
            return Ok(false);
        }
        // Named or stored meanwhile: now nobody does either.
        let mut leftovers: HashSet<ChunkId> =
            self.leftovers().await?.intersection(&leftovers).copied().collect();
        let needed = self.needed().await?;
        let here: HashSet<ChunkId> = self.files().await?;
        leftovers.retain(|id| !needed.contains(id) || !here.contains(id));
        self.let_go(&leftovers).await?;
        Ok(true)
    }

    /// Files that no row names, rows without their files, and chunks that were neither sent
    /// nor are on their way.
    async fn leftovers(&self) -> Result<HashSet<ChunkId>, Fault> {
        let mut files = self.files().await?;
        let unsent = self.unsent().await?;
        let mut leftovers = HashSet::new();
        for (id, row) in self.all_held().await? {
            let here = files.remove(&id);
            if !here || (!row.sent && !unsent.contains(&id)) {
                leftovers.insert(id);
            }
        }
        leftovers.extend(files);
        Ok(leftovers)
    }

    async fn files(&self) -> Result<HashSet<ChunkId>, Fault> {
        let files = self.host.chunks().list().await.map_err(|e| from_store(&e))?;
        Ok(files.into_iter().collect())
    }
}

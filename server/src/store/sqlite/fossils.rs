//! Rows of pieces and fossils.

use offing_core::id::{ChunkId, DeviceId, Seq, VaultId};

use super::rows::{Rows, int, uint};
use crate::store::fossil::{FossilRead, FossilTx, Piece};
use crate::store::meta::MetaResult;

impl FossilRead for Rows<'_> {
    fn piece(&self, vault: &VaultId, id: &ChunkId) -> MetaResult<Option<Piece>> {
        let sql = "SELECT dead_seq FROM pieces \
            WHERE vault = (SELECT key FROM vaults WHERE id = ?1) AND id = ?2";
        self.one(sql, [&vault.0[..], &id.0[..]], |row| {
            let dead: Option<i64> = row.get(0)?;
            let dead_seq = dead.map(|_| uint(row, 0)).transpose()?;
            Ok(Piece { vault: *vault, id: *id, dead_seq })
        })
    }

    fn is_awaited(&self, vault: &VaultId, id: &ChunkId) -> MetaResult<bool> {
        let sql = "SELECT 1 FROM awaited \
            WHERE vault = (SELECT key FROM vaults WHERE id = ?1) AND id = ?2";
        Ok(self.one(sql, [&vault.0[..], &id.0[..]], |_| Ok(()))?.is_some())
    }

    fn last_fossil(&self, vault: &VaultId) -> MetaResult<Option<Seq>> {
        let sql = "SELECT dead_seq FROM pieces \
            WHERE vault = (SELECT key FROM vaults WHERE id = ?1) AND dead_seq IS NOT NULL \
            ORDER BY dead_seq DESC LIMIT 1";
        self.one(sql, [&vault.0[..]], |row| uint(row, 0))
    }

    fn fossil_vaults(&self) -> MetaResult<Vec<VaultId>> {
        let sql = "SELECT id FROM vaults WHERE EXISTS (SELECT 1 FROM pieces \
            WHERE vault = vaults.key AND dead_seq IS NOT NULL)";
        self.many(sql, [], |row| Ok(VaultId(row.get(0)?)))
    }

    fn fossils(
        &self,
        vault: &VaultId,
        since_ms: i64,
        dead_seq_max: Seq,
        limit: usize,
    ) -> MetaResult<Vec<ChunkId>> {
        let sql = "SELECT id FROM pieces WHERE vault = (SELECT key FROM vaults WHERE id = ?1) \
            AND dead_seq IS NOT NULL AND dead_seq <= ?3 AND dead_ms <= ?2 LIMIT ?4";
        let params = (&vault.0[..], since_ms, int(dead_seq_max), int(limit as u64));
        self.many(sql, params, |row| Ok(ChunkId(row.get(0)?)))
    }

    fn read_mark(&self, vault: &VaultId, device: &DeviceId) -> MetaResult<Seq> {
        let sql = "SELECT seq FROM reads \
            WHERE vault = (SELECT key FROM vaults WHERE id = ?1) AND device = ?2";
        let found = self.one(sql, [&vault.0[..], &device.0[..]], |row| uint(row, 0))?;
        Ok(found.unwrap_or(0))
    }
}

impl FossilTx for Rows<'_> {
    fn put_piece(&mut self, piece: &Piece) -> MetaResult<()> {
        let sql = "INSERT OR REPLACE INTO pieces (vault, id, dead_seq) \
            SELECT key, ?2, ?3 FROM vaults WHERE id = ?1";
        self.run_one(sql, (&piece.vault.0[..], &piece.id.0[..], piece.dead_seq.map(int)))
    }

    fn remove_piece(&mut self, vault: &VaultId, id: &ChunkId) -> MetaResult<()> {
        let sql = "DELETE FROM pieces \
            WHERE vault = (SELECT key FROM vaults WHERE id = ?1) AND id = ?2";
        self.run(sql, [&vault.0[..], &id.0[..]]).map(drop)
    }

    fn await_chunk(&mut self, vault: &VaultId, id: &ChunkId) -> MetaResult<()> {
        let sql = "INSERT OR REPLACE INTO awaited (vault, id) \
            SELECT key, ?2 FROM vaults WHERE id = ?1";
        self.run_one(sql, [&vault.0[..], &id.0[..]])
    }

    fn date_fossils(&mut self, now_ms: i64) -> MetaResult<()> {
        let sql = "UPDATE pieces SET dead_ms = ?1 WHERE dead_seq IS NOT NULL AND dead_ms IS NULL";
        self.run(sql, [now_ms]).map(drop)
    }

    fn undate_fossils(&mut self) -> MetaResult<()> {
        self.run("UPDATE pieces SET dead_ms = NULL WHERE dead_ms IS NOT NULL", []).map(drop)
    }

    fn note_read(&mut self, vault: &VaultId, device: &DeviceId, seq: Seq) -> MetaResult<()> {
        let sql = "INSERT INTO reads (vault, device, seq) \
            SELECT key, ?2, ?3 FROM vaults WHERE id = ?1 \
            ON CONFLICT (vault, device) DO UPDATE SET seq = MAX(seq, ?3)";
        self.run_one(sql, (&vault.0[..], &device.0[..], int(seq)))
    }
}

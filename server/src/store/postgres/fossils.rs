//! Rows of pieces and fossils.

use offing_core::id::{ChunkId, DeviceId, Seq, VaultId};

use super::rows::{Rows, array, bytes, get, int, optional, uint};
use crate::store::fossil::{FossilRead, FossilTx, Piece};
use crate::store::meta::MetaResult;

impl FossilRead for Rows<'_> {
    fn piece(&self, vault: &VaultId, id: &ChunkId) -> MetaResult<Option<Piece>> {
        let sql = "SELECT dead_seq FROM pieces \
            WHERE vault = (SELECT key FROM vaults WHERE id = $1) AND id = $2";
        self.one(sql, &[bytes(&vault.0), bytes(&id.0)], |row| {
            let dead: Option<i64> = get(row, 0)?;
            let dead_seq = dead.map(|_| uint(row, 0)).transpose()?;
            Ok(Piece { vault: *vault, id: *id, dead_seq })
        })
    }

    fn is_awaited(&self, vault: &VaultId, id: &ChunkId) -> MetaResult<bool> {
        let sql = "SELECT 1 FROM awaited \
            WHERE vault = (SELECT key FROM vaults WHERE id = $1) AND id = $2";
        Ok(!self.query(sql, &[bytes(&vault.0), bytes(&id.0)])?.is_empty())
    }

    fn last_fossil(&self, vault: &VaultId) -> MetaResult<Option<Seq>> {
        let sql = "SELECT dead_seq FROM pieces \
            WHERE vault = (SELECT key FROM vaults WHERE id = $1) AND dead_seq IS NOT NULL \
            ORDER BY dead_seq DESC LIMIT 1";
        self.one(sql, &[bytes(&vault.0)], |row| uint(row, 0))
    }

    fn fossil_vaults(&self) -> MetaResult<Vec<VaultId>> {
        let sql = "SELECT id FROM vaults WHERE EXISTS (SELECT 1 FROM pieces \
            WHERE vault = vaults.key AND dead_seq IS NOT NULL)";
        self.many(sql, &[], |row| Ok(VaultId(array(row, 0)?)))
    }

    fn fossils(
        &self,
        vault: &VaultId,
        since_ms: i64,
        dead_seq_max: Seq,
        limit: usize,
    ) -> MetaResult<Vec<ChunkId>> {
        let sql = "SELECT id FROM pieces WHERE vault = (SELECT key FROM vaults WHERE id = $1) \
            AND dead_seq IS NOT NULL AND dead_seq <= $3 AND dead_ms <= $2 ORDER BY id LIMIT $4";
        let values = [bytes(&vault.0), Box::new(since_ms), int(dead_seq_max), int(limit as u64)];
        self.many(sql, &values, |row| Ok(ChunkId(array(row, 0)?)))
    }

    fn read_mark(&self, vault: &VaultId, device: &DeviceId) -> MetaResult<Seq> {
        let sql = "SELECT seq FROM reads \
            WHERE vault = (SELECT key FROM vaults WHERE id = $1) AND device = $2";
        let found = self.one(sql, &[bytes(&vault.0), bytes(&device.0)], |row| uint(row, 0))?;
        Ok(found.unwrap_or(0))
    }
}

impl FossilTx for Rows<'_> {
    fn put_piece(&mut self, piece: &Piece) -> MetaResult<()> {
        let sql = "INSERT INTO pieces (vault, id, dead_seq) \
            SELECT key, $2, $3 FROM vaults WHERE id = $1 \
            ON CONFLICT (vault, id) DO UPDATE SET dead_seq = $3, dead_ms = NULL";
        let values = vec![bytes(&piece.vault.0), bytes(&piece.id.0), optional(piece.dead_seq)];
        self.one_row(sql, values)
    }

    fn remove_piece(&mut self, vault: &VaultId, id: &ChunkId) -> MetaResult<()> {
        let sql = "DELETE FROM pieces \
            WHERE vault = (SELECT key FROM vaults WHERE id = $1) AND id = $2";
        self.any_rows(sql, vec![bytes(&vault.0), bytes(&id.0)])
    }

    fn await_chunk(&mut self, vault: &VaultId, id: &ChunkId) -> MetaResult<()> {
        // Changes the row to what it is, so that an unknown vault is told from a known chunk.
        let sql = "INSERT INTO awaited (vault, id) SELECT key, $2 FROM vaults WHERE id = $1 \
            ON CONFLICT (vault, id) DO UPDATE SET id = $2";
        self.one_row(sql, vec![bytes(&vault.0), bytes(&id.0)])
    }

    fn date_fossils(&mut self, now_ms: i64) -> MetaResult<()> {
        let sql = "UPDATE pieces SET dead_ms = $1 WHERE dead_seq IS NOT NULL AND dead_ms IS NULL";
        self.any_rows(sql, vec![Box::new(now_ms)])
    }

    fn undate_fossils(&mut self) -> MetaResult<()> {
        let sql = "UPDATE pieces SET dead_ms = NULL WHERE dead_ms IS NOT NULL";
        self.any_rows(sql, Vec::new())
    }

    fn note_read(&mut self, vault: &VaultId, device: &DeviceId, seq: Seq) -> MetaResult<()> {
        let sql = "INSERT INTO reads (vault, device, seq) \
            SELECT key, $2, $3 FROM vaults WHERE id = $1 \
            ON CONFLICT (vault, device) DO UPDATE SET seq = GREATEST(reads.seq, $3)";
        self.one_row(sql, vec![bytes(&vault.0), bytes(&device.0), int(seq)])
    }
}

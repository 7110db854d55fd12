//! Rows of dead contents, and of who answered for them.

use offing_core::id::{ChunkId, DeviceId, Seq, VaultId};

use super::rows::{Rows, array, bytes, int, uint};
use crate::store::burial::{BurialRead, BurialTx};
use crate::store::meta::MetaResult;

impl BurialRead for Rows<'_> {
    fn burial_vaults(&self) -> MetaResult<Vec<VaultId>> {
        let sql = "SELECT id FROM vaults WHERE EXISTS \
            (SELECT 1 FROM dead_contents WHERE vault = vaults.key) ORDER BY id";
        self.many(sql, &[], |row| Ok(VaultId(array(row, 0)?)))
    }

    fn dead_contents(
        &self,
        vault: &VaultId,
        since_ms: i64,
        dead_seq_max: Seq,
        limit: usize,
    ) -> MetaResult<Vec<ChunkId>> {
        let sql = "SELECT id FROM dead_contents \
            WHERE vault = (SELECT key FROM vaults WHERE id = $1) \
            AND dead_seq <= $3 AND dead_ms <= $2 ORDER BY id LIMIT $4";
        let values = [bytes(&vault.0), Box::new(since_ms), int(dead_seq_max), int(limit as u64)];
        self.many(sql, &values, |row| Ok(ChunkId(array(row, 0)?)))
    }

    fn answered(&self, vault: &VaultId, device: &DeviceId) -> MetaResult<Seq> {
        let sql = "SELECT seq FROM answers \
            WHERE vault = (SELECT key FROM vaults WHERE id = $1) AND device = $2";
        let found = self.one(sql, &[bytes(&vault.0), bytes(&device.0)], |row| uint(row, 0))?;
        Ok(found.unwrap_or(0))
    }
}

impl BurialTx for Rows<'_> {
    fn bury_content(&mut self, vault: &VaultId, id: &ChunkId, seq: Seq) -> MetaResult<()> {
        // Changes the row to what it is, so that an unknown vault is told from a known chunk.
        let sql = "INSERT INTO dead_contents (vault, id, dead_seq) \
            SELECT key, $2, $3 FROM vaults WHERE id = $1 \
            ON CONFLICT (vault, id) DO UPDATE SET id = $2";
        self.one_row(sql, vec![bytes(&vault.0), bytes(&id.0), int(seq)])
    }

    fn spare_content(&mut self, vault: &VaultId, id: &ChunkId) -> MetaResult<()> {
        let sql = "DELETE FROM dead_contents \
            WHERE vault = (SELECT key FROM vaults WHERE id = $1) AND id = $2";
        self.any_rows(sql, vec![bytes(&vault.0), bytes(&id.0)])
    }

    fn date_contents(&mut self, vault: &VaultId, dead_seq_max: Seq, now_ms: i64) -> MetaResult<()> {
        let sql = "UPDATE dead_contents SET dead_ms = $3 \
            WHERE vault = (SELECT key FROM vaults WHERE id = $1) \
            AND dead_seq <= $2 AND dead_ms IS NULL";
        self.any_rows(sql, vec![bytes(&vault.0), int(dead_seq_max), Box::new(now_ms)])
    }

    fn undate_contents(&mut self) -> MetaResult<()> {
        let sql = "UPDATE dead_contents SET dead_ms = NULL WHERE dead_ms IS NOT NULL";
        self.any_rows(sql, Vec::new())
    }

    fn note_answer(&mut self, vault: &VaultId, device: &DeviceId, seq: Seq) -> MetaResult<()> {
        let sql = "INSERT INTO answers (vault, device, seq) \
            SELECT key, $2, $3 FROM vaults WHERE id = $1 \
            ON CONFLICT (vault, device) DO UPDATE SET seq = GREATEST(answers.seq, $3)";
        self.one_row(sql, vec![bytes(&vault.0), bytes(&device.0), int(seq)])
    }
}

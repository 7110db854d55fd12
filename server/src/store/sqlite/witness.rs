//! Rows of countersigned snapshots, and bodies that go.

use offing_core::id::{DeviceId, Seq, VaultId};

use super::rows::{Rows, int, uint};
use crate::store::meta::MetaResult;
use crate::store::witness::{WitnessRead, WitnessTx, Witnessed};

impl WitnessRead for Rows<'_> {
    fn witnessed(&self, vault: &VaultId) -> MetaResult<Vec<Witnessed>> {
        let sql = "SELECT seq, through, since_ms FROM witnessed \
            WHERE vault = (SELECT key FROM vaults WHERE id = ?1) ORDER BY seq";
        self.many(sql, [&vault.0[..]], |row| {
            Ok(Witnessed { seq: uint(row, 0)?, through: uint(row, 1)?, since_ms: row.get(2)? })
        })
    }

    fn witnessed_vaults(&self) -> MetaResult<Vec<VaultId>> {
        let sql = "SELECT id FROM vaults WHERE EXISTS \
            (SELECT 1 FROM witnessed WHERE vault = vaults.key) ORDER BY id";
        self.many(sql, [], |row| Ok(VaultId(row.get(0)?)))
    }

    fn pruned_to(&self, vault: &VaultId) -> MetaResult<Seq> {
        let sql = "SELECT pruned_to FROM vaults WHERE id = ?1";
        Ok(self.one(sql, [&vault.0[..]], |row| uint(row, 0))?.unwrap_or(0))
    }

    fn writers(&self, vault: &VaultId) -> MetaResult<Vec<DeviceId>> {
        let sql = "SELECT device FROM devices \
            WHERE vault = (SELECT key FROM vaults WHERE id = ?1) AND revoked = 0 ORDER BY device";
        self.many(sql, [&vault.0[..]], |row| Ok(DeviceId(row.get(0)?)))
    }
}

impl WitnessTx for Rows<'_> {
    fn put_witnessed(&mut self, vault: &VaultId, seq: Seq, through: Seq) -> MetaResult<()> {
        // Changes the row to what it is, so that an unknown vault is told from a known snapshot.
        let sql = "INSERT INTO witnessed (vault, seq, through) \
            SELECT key, ?2, ?3 FROM vaults WHERE id = ?1 \
            ON CONFLICT (vault, seq) DO UPDATE SET seq = ?2";
        self.run_one(sql, (&vault.0[..], int(seq), int(through)))
    }

    fn date_witnessed(&mut self, now_ms: i64) -> MetaResult<()> {
        self.run("UPDATE witnessed SET since_ms = ?1 WHERE since_ms IS NULL", [now_ms]).map(drop)
    }

    fn undate_witnessed(&mut self) -> MetaResult<()> {
        let sql = "UPDATE witnessed SET since_ms = NULL WHERE since_ms IS NOT NULL";
        self.run(sql, []).map(drop)
    }

    fn remove_witnessed_before(&mut self, vault: &VaultId, seq: Seq) -> MetaResult<()> {
        let sql = "DELETE FROM witnessed \
            WHERE vault = (SELECT key FROM vaults WHERE id = ?1) AND seq < ?2";
        self.run(sql, (&vault.0[..], int(seq))).map(drop)
    }

    fn drop_body(&mut self, vault: &VaultId, seq: Seq) -> MetaResult<()> {
        let sql = "UPDATE log SET body = NULL \
            WHERE vault = (SELECT key FROM vaults WHERE id = ?1) AND seq = ?2";
        self.run_one(sql, (&vault.0[..], int(seq)))
    }

    fn set_pruned_to(&mut self, vault: &VaultId, seq: Seq) -> MetaResult<()> {
        let sql = "UPDATE vaults SET pruned_to = ?2 WHERE id = ?1";
        self.run_one(sql, (&vault.0[..], int(seq)))
    }
}

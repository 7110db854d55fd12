//! Changes rows.

use offing_core::id::{AccountId, ChunkId, DeviceId, Hash, Incarnation, Seq, VaultId};
use offing_core::proto::SecretKind;
use rusqlite::Params;

use super::rows::{Rows, int};
use crate::store::meta::{
    Account, Invite, MetaError, MetaResult, MetaTx, Session, SessionId, StoredChunk, StoredEntry,
    Vault,
};

impl Rows<'_> {
    pub(super) fn run(&mut self, sql: &str, params: impl Params) -> MetaResult<u64> {
        Ok(self.connection.prepare_cached(sql)?.execute(params)? as u64)
    }

    /// Runs a statement that has to change exactly one row.
    pub(super) fn run_one(&mut self, sql: &str, params: impl Params) -> MetaResult<()> {
        if self.run(sql, params)? == 1 { Ok(()) } else { Err(MetaError::Constraint) }
    }

    fn add_segment_bytes(&mut self, segment: u32, live: i64, dead: i64) -> MetaResult<()> {
        let sql = "UPDATE segments SET live_bytes = MAX(0, live_bytes + ?2), \
            dead_bytes = dead_bytes + ?3 WHERE number = ?1";
        self.run_one(sql, (segment, live, dead))
    }
}

impl MetaTx for Rows<'_> {
    fn begin_life(&mut self, incarnation: &Incarnation) -> MetaResult<u64> {
        self.run("UPDATE server SET incarnation = ?1", [&incarnation.0[..]])?;
        self.run("UPDATE vaults SET recovering = 1", [])
    }

    fn add_account(&mut self, account: &Account) -> MetaResult<()> {
        let sql = "INSERT INTO accounts (id, username, password_file, recovery_file, \
            identity_public, identity_sealed, password_slot, recovery_slot, quota_bytes, \
            used_bytes, created_ms, kit_confirmed) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        let params = (
            &account.id.0[..],
            &account.username,
            &account.password_file,
            &account.recovery_file,
            &account.identity_public,
            &account.identity_sealed,
            &account.password_slot,
            &account.recovery_slot,
            account.quota_bytes.map(int),
            int(account.used_bytes),
            account.created_ms,
            account.kit_confirmed,
        );
        self.run_one(sql, params)
    }

    fn replace_secret(
        &mut self,
        id: &AccountId,
        kind: SecretKind,
        file: &[u8],
        slot: &[u8],
    ) -> MetaResult<()> {
        let sql = match kind {
            SecretKind::Password => {
                "UPDATE accounts SET password_file = ?2, password_slot = ?3 WHERE id = ?1"
            }
            SecretKind::Recovery => {
                "UPDATE accounts SET recovery_file = ?2, recovery_slot = ?3, kit_confirmed = 0 \
                    WHERE id = ?1"
            }
        };
        self.run_one(sql, (&id.0[..], file, slot))
    }

    fn confirm_kit(&mut self, id: &AccountId) -> MetaResult<()> {
        self.run_one("UPDATE accounts SET kit_confirmed = 1 WHERE id = ?1", (&id.0[..],))
    }

    fn limit_account(&mut self, id: &AccountId, quota_bytes: Option<u64>) -> MetaResult<()> {
        let sql = "UPDATE accounts SET quota_bytes = ?2 WHERE id = ?1";
        self.run_one(sql, (&id.0[..], quota_bytes.map(int)))
    }

    fn add_usage(&mut self, id: &AccountId, bytes: i64) -> MetaResult<()> {
        let sql = "UPDATE accounts SET used_bytes = MAX(0, used_bytes + ?2) WHERE id = ?1";
        self.run_one(sql, (&id.0[..], bytes))
    }

    fn add_invite(&mut self, invite: &Invite) -> MetaResult<()> {
        let sql = "INSERT INTO invites (token_hash, created_ms, expires_ms, used_ms) \
            VALUES (?1, ?2, ?3, ?4)";
        let params =
            (&invite.token_hash.0[..], invite.created_ms, invite.expires_ms, invite.used_ms);
        self.run_one(sql, params)
    }

    fn use_invite(&mut self, token_hash: &Hash, now_ms: i64) -> MetaResult<()> {
        let sql = "UPDATE invites SET used_ms = ?2 WHERE token_hash = ?1";
        self.run_one(sql, (&token_hash.0[..], now_ms))
    }

    fn remove_open_invites(&mut self) -> MetaResult<()> {
        self.run("DELETE FROM invites WHERE used_ms IS NULL", [])?;
        Ok(())
    }

    fn put_session(&mut self, session: &Session) -> MetaResult<()> {
        let sql = "INSERT OR REPLACE INTO sessions (id, account, device, device_public, \
            token_hash, previous_hash, rotated_ms, created_ms, used_ms, taken_off) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        let params = (
            &session.id.0[..],
            &session.account.0[..],
            &session.device.0[..],
            &session.device_public,
            &session.token_hash.0[..],
            session.previous_hash.as_ref().map(|hash| &hash.0[..]),
            session.rotated_ms,
            session.created_ms,
            session.used_ms,
            session.taken_off,
        );
        self.run_one(sql, params)
    }

    fn remove_session(&mut self, id: &SessionId) -> MetaResult<()> {
        self.run("DELETE FROM sessions WHERE id = ?1", [&id.0[..]])?;
        Ok(())
    }

    fn remove_other_sessions(
        &mut self,
        account: &AccountId,
        keep: Option<&SessionId>,
    ) -> MetaResult<u64> {
        let sql = "DELETE FROM sessions WHERE account = ?1 AND id IS NOT ?2";
        self.run(sql, (&account.0[..], keep.map(|id| &id.0[..])))
    }

    fn take_off(
        &mut self,
        vault: &VaultId,
        account: &AccountId,
        device: &DeviceId,
    ) -> MetaResult<()> {
        let sql = "INSERT INTO devices (vault, device, dseq, hash, revoked) \
            SELECT key, ?2, 0, zeroblob(32), 1 FROM vaults WHERE id = ?1 \
            ON CONFLICT (vault, device) DO UPDATE SET revoked = 1";
        self.run_one(sql, (&vault.0[..], &device.0[..]))?;
        let sql = "UPDATE sessions SET taken_off = 1 WHERE account = ?1 AND device = ?2";
        self.run(sql, (&account.0[..], &device.0[..]))?;
        Ok(())
    }

    fn remove_sessions_unused_since(&mut self, used_ms: i64) -> MetaResult<u64> {
        self.run("DELETE FROM sessions WHERE used_ms < ?1", [used_ms])
    }

    fn add_vault(&mut self, vault: &Vault, created_ms: i64) -> MetaResult<()> {
        let sql = "INSERT INTO vaults (id, account, seq, chain, epoch, created_ms) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let params = (
            &vault.id.0[..],
            &vault.account.0[..],
            int(vault.seq),
            &vault.chain.0[..],
            vault.epoch,
            created_ms,
        );
        self.run_one(sql, params)?;
        let sql = "INSERT INTO members (account, vault) SELECT account, key FROM vaults \
            WHERE id = ?1";
        self.run_one(sql, [&vault.id.0[..]])
    }

    fn advance_vault(&mut self, vault: &Vault) -> MetaResult<()> {
        let sql = "UPDATE vaults SET seq = ?2, chain = ?3, epoch = ?4, recovering = ?5 \
            WHERE id = ?1";
        let params =
            (&vault.id.0[..], int(vault.seq), &vault.chain.0[..], vault.epoch, vault.recovering);
        self.run_one(sql, params)
    }

    fn add_entry(&mut self, vault: &VaultId, entry: &StoredEntry) -> MetaResult<()> {
        let sql = "INSERT INTO log (vault, seq, device, dseq, hash, chain, body_hash, \
            signature, header, body) SELECT key, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 \
            FROM vaults WHERE id = ?1";
        let params = (
            &vault.0[..],
            int(entry.seq),
            &entry.device.0[..],
            int(entry.dseq),
            &entry.hash.0[..],
            &entry.chain.0[..],
            &entry.body_hash.0[..],
            &entry.signature[..],
            &entry.header,
            &entry.body,
        );
        self.run_one(sql, params)?;
        let sql = "INSERT OR REPLACE INTO devices (vault, device, dseq, hash) \
            SELECT key, ?2, ?3, ?4 FROM vaults WHERE id = ?1";
        let params = (&vault.0[..], &entry.device.0[..], int(entry.dseq), &entry.hash.0[..]);
        self.run_one(sql, params)
    }

    fn put_chunk(&mut self, chunk: &StoredChunk) -> MetaResult<()> {
        self.remove_chunk(&chunk.vault, &chunk.id)?;
        let sql = "INSERT INTO chunks (vault, id, segment, start, len, last_declared) \
            SELECT key, ?2, ?3, ?4, ?5, ?6 FROM vaults WHERE id = ?1";
        let params = (
            &chunk.vault.0[..],
            &chunk.id.0[..],
            chunk.at.segment,
            int(chunk.at.offset),
            chunk.at.len,
            int(chunk.last_declared),
        );
        self.run_one(sql, params)?;
        self.add_segment_bytes(chunk.at.segment, i64::from(chunk.at.len), 0)
    }

    fn declare_chunk(&mut self, vault: &VaultId, id: &ChunkId, seq: Seq) -> MetaResult<()> {
        let sql = "UPDATE chunks SET last_declared = MAX(last_declared, ?3) \
            WHERE vault = (SELECT key FROM vaults WHERE id = ?1) AND id = ?2";
        self.run_one(sql, (&vault.0[..], &id.0[..], int(seq)))
    }

    fn remove_chunk(&mut self, vault: &VaultId, id: &ChunkId) -> MetaResult<()> {
        let sql = "DELETE FROM chunks WHERE vault = (SELECT key FROM vaults WHERE id = ?1) \
            AND id = ?2 RETURNING segment, len";
        let place = |row: &rusqlite::Row<'_>| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?));
        if let Some((segment, len)) = self.one(sql, [&vault.0[..], &id.0[..]], place)? {
            self.add_segment_bytes(segment, -i64::from(len), i64::from(len))?;
        }
        Ok(())
    }

    fn mark_indexed(&mut self, segment: u32, indexed_to: u64) -> MetaResult<()> {
        let sql = "INSERT INTO segments (number, indexed_to, live_bytes) VALUES (?1, ?2, 0) \
            ON CONFLICT (number) DO UPDATE SET indexed_to = MAX(indexed_to, ?2)";
        self.run_one(sql, (segment, int(indexed_to)))
    }

    fn add_dead_bytes(&mut self, segment: u32, bytes: u64) -> MetaResult<()> {
        self.add_segment_bytes(segment, 0, int(bytes))
    }

    fn remove_segment(&mut self, segment: u32) -> MetaResult<()> {
        self.run("DELETE FROM segments WHERE number = ?1", [segment])?;
        Ok(())
    }
}

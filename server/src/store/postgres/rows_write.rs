//! Changes rows.

use std::rc::Rc;

use offing_core::id::{AccountId, ChunkId, DeviceId, Hash, Incarnation, Seq, VaultId};
use offing_core::proto::SecretKind;
use tokio_postgres::types::ToSql;

use super::rows::{Rows, Value, bytes, int, optional};
use crate::store::growth::Growth;
use crate::store::meta::{
    Account, Invite, MetaError, MetaResult, MetaTx, Session, SessionId, StoredChunk, StoredEntry,
    Vault,
};

/// How many rows a statement has to change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    One,
    Any,
}

impl Rows<'_> {
    /// Sends a statement for the job that runs; how many rows it changed is checked when its answer is
    /// taken.
    fn change(&self, change: Change, sql: &'static str, values: Vec<Value>) -> MetaResult<()> {
        self.stand_apart()?;
        self.change_now(change, sql, values)
    }

    fn change_now(&self, change: Change, sql: &'static str, values: Vec<Value>) -> MetaResult<()> {
        let statement = match self.link.prepared(sql) {
            Ok(statement) => statement,
            // In a transaction that failed nothing is prepared; what failed it says more.
            Err(error) => return self.settle().and(Err(error)),
        };
        let (client, changed) = (self.link.client(), Rc::clone(&self.changed));
        self.send(async move {
            let values: Vec<&(dyn ToSql + Sync)> =
                values.iter().map(|value| &**value as _).collect();
            let rows = client.execute(&statement, &values).await?;
            changed.set(changed.get() + rows);
            if change == Change::One && rows != 1 { Err(MetaError::Constraint) } else { Ok(()) }
        });
        Ok(())
    }

    /// Sends a statement, for the group or a job that stands apart already.
    pub(super) fn send_now(&self, sql: &'static str, values: Vec<Value>) -> MetaResult<()> {
        self.change_now(Change::Any, sql, values)
    }

    /// Sends a statement that has to change exactly one row.
    pub(super) fn one_row(&self, sql: &'static str, values: Vec<Value>) -> MetaResult<()> {
        self.change(Change::One, sql, values)
    }

    pub(super) fn any_rows(&self, sql: &'static str, values: Vec<Value>) -> MetaResult<()> {
        self.change(Change::Any, sql, values)
    }

    /// Runs a statement and says how many rows it changed.
    pub(super) fn count_rows(&self, sql: &'static str, values: Vec<Value>) -> MetaResult<u64> {
        self.settle()?;
        let before = self.changed.get();
        self.any_rows(sql, values)?;
        self.settle()?;
        Ok(self.changed.get() - before)
    }

    fn add_segment_bytes(&self, segment: u32, live: u64, dead: u64) -> MetaResult<()> {
        let sql = "UPDATE segments SET live_bytes = live_bytes + $2, \
            dead_bytes = dead_bytes + $3 WHERE number = $1";
        self.one_row(sql, vec![int(segment.into()), int(live), int(dead)])
    }
}

impl MetaTx for Rows<'_> {
    fn begin_life(&mut self, incarnation: &Incarnation) -> MetaResult<u64> {
        self.any_rows("UPDATE server SET incarnation = $1", vec![bytes(&incarnation.0)])?;
        self.count_rows("UPDATE vaults SET recovering = TRUE", Vec::new())
    }

    fn add_account(&mut self, account: &Account) -> MetaResult<()> {
        let sql = "INSERT INTO accounts (id, username, password_file, recovery_file, \
            identity_public, identity_sealed, password_slot, recovery_slot, quota_bytes, \
            used_bytes, created_ms, kit_confirmed) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        let values = vec![
            bytes(&account.id.0),
            Box::new(account.username.clone()),
            bytes(&account.password_file),
            bytes(&account.recovery_file),
            bytes(&account.identity_public),
            bytes(&account.identity_sealed),
            bytes(&account.password_slot),
            bytes(&account.recovery_slot),
            optional(account.quota_bytes),
            int(account.used_bytes),
            Box::new(account.created_ms),
            Box::new(account.kit_confirmed),
        ];
        self.one_row(sql, values)
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
                "UPDATE accounts SET password_file = $2, password_slot = $3 WHERE id = $1"
            }
            SecretKind::Recovery => {
                "UPDATE accounts SET recovery_file = $2, recovery_slot = $3, \
                    kit_confirmed = FALSE WHERE id = $1"
            }
        };
        self.one_row(sql, vec![bytes(&id.0), bytes(file), bytes(slot)])
    }

    fn confirm_kit(&mut self, id: &AccountId) -> MetaResult<()> {
        self.one_row("UPDATE accounts SET kit_confirmed = TRUE WHERE id = $1", vec![bytes(&id.0)])
    }

    fn limit_account(&mut self, id: &AccountId, quota_bytes: Option<u64>) -> MetaResult<()> {
        let sql = "UPDATE accounts SET quota_bytes = $2 WHERE id = $1";
        self.one_row(sql, vec![bytes(&id.0), optional(quota_bytes)])
    }

    fn add_usage(&mut self, id: &AccountId, added: i64) -> MetaResult<()> {
        let sql = "UPDATE accounts SET used_bytes = GREATEST(0, used_bytes + $2) WHERE id = $1";
        self.one_row(sql, vec![bytes(&id.0), Box::new(added)])
    }

    fn add_invite(&mut self, invite: &Invite) -> MetaResult<()> {
        let sql = "INSERT INTO invites (token_hash, created_ms, expires_ms, used_ms) \
            VALUES ($1, $2, $3, $4)";
        let values = vec![
            bytes(&invite.token_hash.0),
            Box::new(invite.created_ms) as Value,
            Box::new(invite.expires_ms),
            Box::new(invite.used_ms),
        ];
        self.one_row(sql, values)
    }

    fn use_invite(&mut self, token_hash: &Hash, now_ms: i64) -> MetaResult<()> {
        let sql = "UPDATE invites SET used_ms = $2 WHERE token_hash = $1";
        self.one_row(sql, vec![bytes(&token_hash.0), Box::new(now_ms)])
    }

    fn remove_open_invites(&mut self) -> MetaResult<()> {
        self.any_rows("DELETE FROM invites WHERE used_ms IS NULL", Vec::new())
    }

    fn put_session(&mut self, session: &Session) -> MetaResult<()> {
        let sql = "INSERT INTO sessions (id, account, device, device_public, token_hash, \
            previous_hash, rotated_ms, created_ms, used_ms, taken_off) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
            ON CONFLICT (id) DO UPDATE SET account = $2, device = $3, device_public = $4, \
            token_hash = $5, previous_hash = $6, rotated_ms = $7, created_ms = $8, \
            used_ms = $9, taken_off = $10";
        let values = vec![
            bytes(&session.id.0),
            bytes(&session.account.0),
            bytes(&session.device.0),
            bytes(&session.device_public),
            bytes(&session.token_hash.0),
            Box::new(session.previous_hash.map(|hash| hash.0.to_vec())),
            Box::new(session.rotated_ms),
            Box::new(session.created_ms),
            Box::new(session.used_ms),
            Box::new(session.taken_off),
        ];
        self.one_row(sql, values)
    }

    fn remove_session(&mut self, id: &SessionId) -> MetaResult<()> {
        self.any_rows("DELETE FROM sessions WHERE id = $1", vec![bytes(&id.0)])
    }

    fn remove_other_sessions(
        &mut self,
        account: &AccountId,
        keep: Option<&SessionId>,
    ) -> MetaResult<u64> {
        let sql = "DELETE FROM sessions WHERE account = $1 AND id IS DISTINCT FROM $2";
        let keep = keep.map(|id| id.0.to_vec());
        self.count_rows(sql, vec![bytes(&account.0), Box::new(keep)])
    }

    fn take_off(
        &mut self,
        vault: &VaultId,
        account: &AccountId,
        device: &DeviceId,
    ) -> MetaResult<()> {
        let sql = "INSERT INTO devices (vault, device, dseq, hash, revoked) \
            SELECT key, $2, 0, decode(repeat('00', 32), 'hex'), TRUE FROM vaults WHERE id = $1 \
            ON CONFLICT (vault, device) DO UPDATE SET revoked = TRUE";
        self.one_row(sql, vec![bytes(&vault.0), bytes(&device.0)])?;
        let sql = "UPDATE sessions SET taken_off = TRUE WHERE account = $1 AND device = $2";
        self.any_rows(sql, vec![bytes(&account.0), bytes(&device.0)])
    }

    fn remove_sessions_unused_since(&mut self, used_ms: i64) -> MetaResult<u64> {
        self.count_rows("DELETE FROM sessions WHERE used_ms < $1", vec![Box::new(used_ms)])
    }

    fn add_vault(&mut self, vault: &Vault, created_ms: i64) -> MetaResult<()> {
        let sql = "INSERT INTO vaults (id, account, seq, chain, epoch, created_ms) \
            VALUES ($1, $2, $3, $4, $5, $6)";
        let values = vec![
            bytes(&vault.id.0),
            bytes(&vault.account.0),
            int(vault.seq),
            bytes(&vault.chain.0),
            int(vault.epoch.into()),
            Box::new(created_ms),
        ];
        self.one_row(sql, values)?;
        let sql = "INSERT INTO members (account, vault) SELECT account, key FROM vaults \
            WHERE id = $1";
        self.one_row(sql, vec![bytes(&vault.id.0)])
    }

    fn advance_vault(&mut self, vault: &Vault) -> MetaResult<()> {
        let sql = "UPDATE vaults SET seq = $2, chain = $3, epoch = $4, recovering = $5 \
            WHERE id = $1";
        let values = vec![
            bytes(&vault.id.0),
            int(vault.seq),
            bytes(&vault.chain.0),
            int(vault.epoch.into()),
            Box::new(vault.recovering),
        ];
        self.grown.insert(vault.id, *vault);
        self.one_row(sql, values)
    }

    fn add_entry(&mut self, vault: &VaultId, entry: &StoredEntry) -> MetaResult<()> {
        let sql = "INSERT INTO log (vault, seq, device, dseq, hash, chain, body_hash, \
            signature, header, body) SELECT key, $2, $3, $4, $5, $6, $7, $8, $9, $10 \
            FROM vaults WHERE id = $1";
        let values = vec![
            bytes(&vault.0),
            int(entry.seq),
            bytes(&entry.device.0),
            int(entry.dseq),
            bytes(&entry.hash.0),
            bytes(&entry.chain.0),
            bytes(&entry.body_hash.0),
            bytes(&entry.signature),
            bytes(&entry.header),
            Box::new(entry.body.clone()),
        ];
        self.one_row(sql, values)?;
        let sql = "INSERT INTO devices (vault, device, dseq, hash) \
            SELECT key, $2, $3, $4 FROM vaults WHERE id = $1 \
            ON CONFLICT (vault, device) DO UPDATE SET dseq = $3, hash = $4";
        let values =
            vec![bytes(&vault.0), bytes(&entry.device.0), int(entry.dseq), bytes(&entry.hash.0)];
        self.one_row(sql, values)
    }

    fn grow(&mut self, growth: Growth) -> MetaResult<()> {
        self.gather(growth)
    }

    fn put_chunk(&mut self, chunk: &StoredChunk) -> MetaResult<()> {
        self.remove_chunk(&chunk.vault, &chunk.id)?;
        let sql = "INSERT INTO chunks (vault, id, segment, start, len, last_declared) \
            SELECT key, $2, $3, $4, $5, $6 FROM vaults WHERE id = $1";
        let values = vec![
            bytes(&chunk.vault.0),
            bytes(&chunk.id.0),
            int(chunk.at.segment.into()),
            int(chunk.at.offset),
            int(chunk.at.len.into()),
            int(chunk.last_declared),
        ];
        self.one_row(sql, values)?;
        self.add_segment_bytes(chunk.at.segment, chunk.at.len.into(), 0)
    }

    fn declare_chunk(&mut self, vault: &VaultId, id: &ChunkId, seq: Seq) -> MetaResult<()> {
        let sql = "UPDATE chunks SET last_declared = GREATEST(last_declared, $3) \
            WHERE vault = (SELECT key FROM vaults WHERE id = $1) AND id = $2";
        self.one_row(sql, vec![bytes(&vault.0), bytes(&id.0), int(seq)])
    }

    fn remove_chunk(&mut self, vault: &VaultId, id: &ChunkId) -> MetaResult<()> {
        let sql = "WITH gone AS (DELETE FROM chunks \
                WHERE vault = (SELECT key FROM vaults WHERE id = $1) AND id = $2 \
                RETURNING segment, len) \
            UPDATE segments SET live_bytes = GREATEST(0, live_bytes - len), \
                dead_bytes = dead_bytes + len FROM gone WHERE number = segment";
        self.any_rows(sql, vec![bytes(&vault.0), bytes(&id.0)])
    }

    fn mark_indexed(&mut self, segment: u32, indexed_to: u64) -> MetaResult<()> {
        let sql = "INSERT INTO segments (number, indexed_to) VALUES ($1, $2) \
            ON CONFLICT (number) DO UPDATE \
            SET indexed_to = GREATEST(segments.indexed_to, $2)";
        self.one_row(sql, vec![int(segment.into()), int(indexed_to)])
    }

    fn add_dead_bytes(&mut self, segment: u32, added: u64) -> MetaResult<()> {
        self.add_segment_bytes(segment, 0, added)
    }

    fn remove_segment(&mut self, segment: u32) -> MetaResult<()> {
        self.any_rows("DELETE FROM segments WHERE number = $1", vec![int(segment.into())])
    }
}

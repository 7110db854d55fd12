//! Rows of the list of accounts, and of passes.

use offing_core::id::Hash;

use super::rows::{Rows, int, uint};
use crate::store::keeping::{KeepingRead, KeepingTx, Listed, Pass, PassKind};
use crate::store::meta::{MetaError, MetaResult};

impl KeepingRead for Rows<'_> {
    fn accounts_after(&self, username: &str, count_max: usize) -> MetaResult<Vec<Listed>> {
        let sql = "SELECT username, used_bytes, quota_bytes, created_ms, \
            EXISTS (SELECT 1 FROM closed WHERE account = accounts.id), \
            EXISTS (SELECT 1 FROM totp WHERE account = accounts.id) OR \
            EXISTS (SELECT 1 FROM passkeys WHERE account = accounts.id) \
            FROM accounts WHERE username > ?1 ORDER BY username LIMIT ?2";
        self.many(sql, (username, int(count_max as u64)), |row| {
            let quota: Option<i64> = row.get(2)?;
            Ok(Listed {
                username: row.get(0)?,
                used_bytes: uint(row, 1)?,
                quota_bytes: quota.map(|_| uint(row, 2)).transpose()?,
                created_ms: row.get(3)?,
                is_closed: row.get(4)?,
                second_factor: row.get(5)?,
            })
        })
    }

    fn pass(&self, token_hash: &Hash) -> MetaResult<Option<Pass>> {
        let sql = "SELECT kind, created_ms, used_ms FROM admin_passes WHERE token_hash = ?1";
        let found = self.one(sql, [&token_hash.0[..]], |row| {
            Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?))
        })?;
        let Some((kind, created_ms, used_ms)) = found else {
            return Ok(None);
        };
        let kind = PassKind::of(kind).ok_or(MetaError::Corrupt { column: "kind of a pass" })?;
        Ok(Some(Pass { token_hash: *token_hash, kind, created_ms, used_ms }))
    }
}

impl KeepingTx for Rows<'_> {
    fn add_pass(&mut self, pass: &Pass) -> MetaResult<()> {
        let sql = "INSERT INTO admin_passes (token_hash, kind, created_ms, used_ms) \
            VALUES (?1, ?2, ?3, ?4)";
        let kind = pass.kind.number();
        self.run_one(sql, (&pass.token_hash.0[..], kind, pass.created_ms, pass.used_ms))
    }

    fn use_pass(&mut self, token_hash: &Hash, now_ms: i64) -> MetaResult<()> {
        let sql = "UPDATE admin_passes SET used_ms = ?2 WHERE token_hash = ?1";
        self.run(sql, (&token_hash.0[..], now_ms)).map(drop)
    }

    fn remove_pass(&mut self, token_hash: &Hash) -> MetaResult<()> {
        let sql = "DELETE FROM admin_passes WHERE token_hash = ?1";
        self.run(sql, [&token_hash.0[..]]).map(drop)
    }

    fn remove_passes_before(&mut self, created_ms: i64) -> MetaResult<u64> {
        self.run("DELETE FROM admin_passes WHERE created_ms < ?1", [created_ms])
    }
}

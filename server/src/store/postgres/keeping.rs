//! Rows of the list of accounts, and of passes.

use offing_core::id::Hash;

use super::rows::{Rows, bytes, get, int, uint};
use crate::store::keeping::{KeepingRead, KeepingTx, Listed, Pass, PassKind};
use crate::store::meta::{MetaError, MetaResult};

impl KeepingRead for Rows<'_> {
    fn accounts_after(&self, username: &str, count_max: usize) -> MetaResult<Vec<Listed>> {
        // By bytes, as the others do, and not as some language has it.
        let sql = "SELECT username, used_bytes, quota_bytes, created_ms, \
            EXISTS (SELECT 1 FROM closed WHERE account = accounts.id), \
            EXISTS (SELECT 1 FROM totp WHERE account = accounts.id) OR \
            EXISTS (SELECT 1 FROM passkeys WHERE account = accounts.id) \
            FROM accounts WHERE username COLLATE \"C\" > $1 \
            ORDER BY username COLLATE \"C\" LIMIT $2";
        let values = [Box::new(username.to_owned()) as _, int(count_max as u64)];
        self.many(sql, &values, |row| {
            let quota: Option<i64> = get(row, 2)?;
            Ok(Listed {
                username: get(row, 0)?,
                used_bytes: uint(row, 1)?,
                quota_bytes: quota.map(|_| uint(row, 2)).transpose()?,
                created_ms: get(row, 3)?,
                is_closed: get(row, 4)?,
                second_factor: get(row, 5)?,
            })
        })
    }

    fn pass(&self, token_hash: &Hash) -> MetaResult<Option<Pass>> {
        let sql = "SELECT kind, created_ms, used_ms FROM admin_passes WHERE token_hash = $1";
        self.one(sql, &[bytes(&token_hash.0)], |row| {
            let kind = PassKind::of(get(row, 0)?);
            let kind = kind.ok_or(MetaError::Corrupt { column: "kind of a pass" })?;
            let (created_ms, used_ms) = (get(row, 1)?, get(row, 2)?);
            Ok(Pass { token_hash: *token_hash, kind, created_ms, used_ms })
        })
    }
}

impl KeepingTx for Rows<'_> {
    fn add_pass(&mut self, pass: &Pass) -> MetaResult<()> {
        let sql = "INSERT INTO admin_passes (token_hash, kind, created_ms, used_ms) \
            VALUES ($1, $2, $3, $4)";
        let values = vec![
            bytes(&pass.token_hash.0),
            Box::new(pass.kind.number()),
            Box::new(pass.created_ms),
            Box::new(pass.used_ms),
        ];
        self.one_row(sql, values)
    }

    fn use_pass(&mut self, token_hash: &Hash, now_ms: i64) -> MetaResult<()> {
        let sql = "UPDATE admin_passes SET used_ms = $2 WHERE token_hash = $1";
        self.any_rows(sql, vec![bytes(&token_hash.0), Box::new(now_ms)])
    }

    fn remove_pass(&mut self, token_hash: &Hash) -> MetaResult<()> {
        let sql = "DELETE FROM admin_passes WHERE token_hash = $1";
        self.any_rows(sql, vec![bytes(&token_hash.0)])
    }

    fn remove_passes_before(&mut self, created_ms: i64) -> MetaResult<u64> {
        let sql = "DELETE FROM admin_passes WHERE created_ms < $1";
        self.count_rows(sql, vec![Box::new(created_ms)])
    }
}

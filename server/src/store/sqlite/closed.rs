//! Rows of closed accounts.

use offing_core::id::AccountId;

use super::rows::Rows;
use crate::store::closed::{ClosedRead, ClosedTx};
use crate::store::meta::MetaResult;

impl ClosedRead for Rows<'_> {
    fn closed(&self) -> MetaResult<Vec<AccountId>> {
        let sql = "SELECT account FROM closed ORDER BY account";
        self.many(sql, [], |row| Ok(AccountId(row.get(0)?)))
    }

    fn is_closed(&self, id: &AccountId) -> MetaResult<bool> {
        let sql = "SELECT 1 FROM closed WHERE account = ?1";
        Ok(self.one(sql, [&id.0[..]], |_| Ok(()))?.is_some())
    }
}

impl ClosedTx for Rows<'_> {
    fn close_account(&mut self, id: &AccountId, now_ms: i64) -> MetaResult<()> {
        let sql = "INSERT INTO closed (account, since_ms) VALUES (?1, ?2) \
            ON CONFLICT (account) DO NOTHING";
        self.run(sql, (&id.0[..], now_ms)).map(drop)
    }

    fn open_account(&mut self, id: &AccountId) -> MetaResult<()> {
        self.run("DELETE FROM closed WHERE account = ?1", [&id.0[..]]).map(drop)
    }
}

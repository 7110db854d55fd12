//! Rows of closed accounts.

use offing_core::id::AccountId;

use super::rows::{Rows, array, bytes};
use crate::store::closed::{ClosedRead, ClosedTx};
use crate::store::meta::MetaResult;

impl ClosedRead for Rows<'_> {
    fn closed(&self) -> MetaResult<Vec<AccountId>> {
        let sql = "SELECT account FROM closed ORDER BY account";
        self.many(sql, &[], |row| Ok(AccountId(array(row, 0)?)))
    }

    fn is_closed(&self, id: &AccountId) -> MetaResult<bool> {
        let sql = "SELECT account FROM closed WHERE account = $1";
        Ok(self.one(sql, &[bytes(&id.0)], |_| Ok(()))?.is_some())
    }
}

impl ClosedTx for Rows<'_> {
    fn close_account(&mut self, id: &AccountId, now_ms: i64) -> MetaResult<()> {
        let sql = "INSERT INTO closed (account, since_ms) VALUES ($1, $2) \
            ON CONFLICT (account) DO NOTHING";
        self.any_rows(sql, vec![bytes(&id.0), Box::new(now_ms)])
    }

    fn open_account(&mut self, id: &AccountId) -> MetaResult<()> {
        self.any_rows("DELETE FROM closed WHERE account = $1", vec![bytes(&id.0)])
    }
}

//! Rows of second factors.

use offing_core::id::{AccountId, Hash};

use super::rows::{Rows, bytes, get, int, uint, uint32};
use crate::store::factors::{FactorRead, FactorTx, Totp};
use crate::store::meta::MetaResult;

impl FactorRead for Rows<'_> {
    fn totp(&self, account: &AccountId) -> MetaResult<Option<Totp>> {
        let sql =
            "SELECT sealed, since_ms, last_step, wrong, wrong_ms FROM totp WHERE account = $1";
        self.one(sql, &[bytes(&account.0)], |row| {
            Ok(Totp {
                sealed: get(row, 0)?,
                since_ms: get(row, 1)?,
                last_step: get(row, 2)?,
                wrong: uint32(row, 3)?,
                wrong_ms: get(row, 4)?,
            })
        })
    }

    fn spare_code_count(&self, account: &AccountId) -> MetaResult<u64> {
        let sql = "SELECT count(*) FROM spare_codes WHERE account = $1";
        Ok(self.one(sql, &[bytes(&account.0)], |row| uint(row, 0))?.unwrap_or(0))
    }
}

impl FactorTx for Rows<'_> {
    fn put_totp(&mut self, account: &AccountId, totp: &Totp) -> MetaResult<()> {
        let sql = "INSERT INTO totp (account, sealed, since_ms, last_step, wrong, wrong_ms) \
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account) DO UPDATE SET \
            sealed = excluded.sealed, since_ms = excluded.since_ms, \
            last_step = excluded.last_step, wrong = excluded.wrong, wrong_ms = excluded.wrong_ms";
        let values = vec![
            bytes(&account.0),
            bytes(&totp.sealed),
            Box::new(totp.since_ms),
            Box::new(totp.last_step),
            int(totp.wrong.into()),
            Box::new(totp.wrong_ms),
        ];
        self.one_row(sql, values)
    }

    fn remove_totp(&mut self, account: &AccountId) -> MetaResult<()> {
        self.any_rows("DELETE FROM totp WHERE account = $1", vec![bytes(&account.0)])
    }

    fn put_spare_codes(&mut self, account: &AccountId, hashes: &[Hash]) -> MetaResult<()> {
        self.any_rows("DELETE FROM spare_codes WHERE account = $1", vec![bytes(&account.0)])?;
        let sql = "INSERT INTO spare_codes (account, code_hash) VALUES ($1, $2)";
        hashes
            .iter()
            .try_for_each(|hash| self.one_row(sql, vec![bytes(&account.0), bytes(&hash.0)]))
    }

    fn use_spare_code(&mut self, account: &AccountId, hash: &Hash) -> MetaResult<bool> {
        let sql = "DELETE FROM spare_codes WHERE account = $1 AND code_hash = $2";
        Ok(self.count_rows(sql, vec![bytes(&account.0), bytes(&hash.0)])? > 0)
    }
}

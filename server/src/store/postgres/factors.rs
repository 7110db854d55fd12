//! Rows of second factors.

use offing_core::id::{AccountId, Hash};

use super::rows::{Rows, bytes, get, int, uint, uint32};
use crate::store::factors::{FactorRead, FactorTx, Passkey, Totp};
use crate::store::meta::MetaResult;

impl FactorRead for Rows<'_> {
    fn totp(&self, account: &AccountId) -> MetaResult<Option<Totp>> {
        let sql = "SELECT seed, since_ms, last_step, wrong, wrong_ms FROM totp WHERE account = $1";
        self.one(sql, &[bytes(&account.0)], |row| {
            Ok(Totp {
                seed: get(row, 0)?,
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

    fn passkeys(&self, account: &AccountId) -> MetaResult<Vec<Passkey>> {
        let sql = "SELECT credential, name, public_key, count, made_ms, used_ms FROM passkeys \
            WHERE account = $1 ORDER BY made_ms, credential";
        self.many(sql, &[bytes(&account.0)], |row| {
            Ok(Passkey {
                credential: get(row, 0)?,
                name: get(row, 1)?,
                public_key: get(row, 2)?,
                count: uint32(row, 3)?,
                made_ms: get(row, 4)?,
                used_ms: get(row, 5)?,
            })
        })
    }
}

impl FactorTx for Rows<'_> {
    fn put_totp(&mut self, account: &AccountId, totp: &Totp) -> MetaResult<()> {
        let sql = "INSERT INTO totp (account, seed, since_ms, last_step, wrong, wrong_ms) \
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account) DO UPDATE SET \
            seed = excluded.seed, since_ms = excluded.since_ms, \
            last_step = excluded.last_step, wrong = excluded.wrong, wrong_ms = excluded.wrong_ms";
        let values = vec![
            bytes(&account.0),
            bytes(&totp.seed),
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

    fn add_passkey(&mut self, account: &AccountId, passkey: &Passkey) -> MetaResult<()> {
        let sql = "INSERT INTO passkeys \
            (account, credential, name, public_key, count, made_ms, used_ms) \
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let values = vec![
            bytes(&account.0),
            bytes(&passkey.credential),
            Box::new(passkey.name.clone()),
            bytes(&passkey.public_key),
            int(passkey.count.into()),
            Box::new(passkey.made_ms),
            Box::new(passkey.used_ms),
        ];
        self.one_row(sql, values)
    }

    fn use_passkey(
        &mut self,
        account: &AccountId,
        credential: &[u8],
        count: u32,
        now_ms: i64,
    ) -> MetaResult<()> {
        let sql = "UPDATE passkeys SET count = $3, used_ms = $4 \
            WHERE account = $1 AND credential = $2";
        let values =
            vec![bytes(&account.0), bytes(credential), int(count.into()), Box::new(now_ms)];
        self.any_rows(sql, values)
    }

    fn remove_passkey(&mut self, account: &AccountId, credential: &[u8]) -> MetaResult<bool> {
        let sql = "DELETE FROM passkeys WHERE account = $1 AND credential = $2";
        Ok(self.count_rows(sql, vec![bytes(&account.0), bytes(credential)])? > 0)
    }

    fn remove_passkeys(&mut self, account: &AccountId) -> MetaResult<()> {
        self.any_rows("DELETE FROM passkeys WHERE account = $1", vec![bytes(&account.0)])
    }
}

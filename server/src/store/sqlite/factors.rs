//! Rows of second factors.

use offing_core::id::{AccountId, Hash};

use super::rows::{Rows, uint, uint32};
use crate::store::factors::{FactorRead, FactorTx, Passkey, Totp};
use crate::store::meta::MetaResult;

impl FactorRead for Rows<'_> {
    fn totp(&self, account: &AccountId) -> MetaResult<Option<Totp>> {
        let sql = "SELECT seed, since_ms, last_step, wrong, wrong_ms FROM totp WHERE account = ?1";
        self.one(sql, [&account.0[..]], |row| {
            Ok(Totp {
                seed: row.get(0)?,
                since_ms: row.get(1)?,
                last_step: row.get(2)?,
                wrong: uint32(row, 3)?,
                wrong_ms: row.get(4)?,
            })
        })
    }

    fn spare_code_count(&self, account: &AccountId) -> MetaResult<u64> {
        let sql = "SELECT count(*) FROM spare_codes WHERE account = ?1";
        Ok(self.one(sql, [&account.0[..]], |row| uint(row, 0))?.unwrap_or(0))
    }

    fn passkeys(&self, account: &AccountId) -> MetaResult<Vec<Passkey>> {
        let sql = "SELECT credential, name, public_key, count, made_ms, used_ms FROM passkeys \
            WHERE account = ?1 ORDER BY made_ms, credential";
        self.many(sql, [&account.0[..]], |row| {
            Ok(Passkey {
                credential: row.get(0)?,
                name: row.get(1)?,
                public_key: row.get(2)?,
                count: uint32(row, 3)?,
                made_ms: row.get(4)?,
                used_ms: row.get(5)?,
            })
        })
    }
}

impl FactorTx for Rows<'_> {
    fn put_totp(&mut self, account: &AccountId, totp: &Totp) -> MetaResult<()> {
        let sql = "INSERT OR REPLACE INTO totp \
            (account, seed, since_ms, last_step, wrong, wrong_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let Totp { seed, since_ms, last_step, wrong, wrong_ms } = totp;
        self.run_one(sql, (&account.0[..], seed, since_ms, last_step, wrong, wrong_ms))
    }

    fn remove_totp(&mut self, account: &AccountId) -> MetaResult<()> {
        self.run("DELETE FROM totp WHERE account = ?1", [&account.0[..]]).map(drop)
    }

    fn put_spare_codes(&mut self, account: &AccountId, hashes: &[Hash]) -> MetaResult<()> {
        self.run("DELETE FROM spare_codes WHERE account = ?1", [&account.0[..]])?;
        let sql = "INSERT INTO spare_codes (account, code_hash) VALUES (?1, ?2)";
        hashes.iter().try_for_each(|hash| self.run_one(sql, (&account.0[..], &hash.0[..])))
    }

    fn use_spare_code(&mut self, account: &AccountId, hash: &Hash) -> MetaResult<bool> {
        let sql = "DELETE FROM spare_codes WHERE account = ?1 AND code_hash = ?2";
        Ok(self.run(sql, (&account.0[..], &hash.0[..]))? > 0)
    }

    fn add_passkey(&mut self, account: &AccountId, passkey: &Passkey) -> MetaResult<()> {
        let sql = "INSERT INTO passkeys \
            (account, credential, name, public_key, count, made_ms, used_ms) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let Passkey { credential, name, public_key, count, made_ms, used_ms } = passkey;
        let values = (&account.0[..], credential, name, public_key, count, made_ms, used_ms);
        self.run_one(sql, values)
    }

    fn use_passkey(
        &mut self,
        account: &AccountId,
        credential: &[u8],
        count: u32,
        now_ms: i64,
    ) -> MetaResult<()> {
        let sql = "UPDATE passkeys SET count = ?3, used_ms = ?4 \
            WHERE account = ?1 AND credential = ?2";
        self.run(sql, (&account.0[..], credential, count, now_ms)).map(drop)
    }

    fn remove_passkey(&mut self, account: &AccountId, credential: &[u8]) -> MetaResult<bool> {
        let sql = "DELETE FROM passkeys WHERE account = ?1 AND credential = ?2";
        Ok(self.run(sql, (&account.0[..], credential))? > 0)
    }

    fn remove_passkeys(&mut self, account: &AccountId) -> MetaResult<()> {
        self.run("DELETE FROM passkeys WHERE account = ?1", [&account.0[..]]).map(drop)
    }
}

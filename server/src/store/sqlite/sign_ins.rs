//! Rows of sign-ins.

use offing_core::id::{AccountId, Hash};

use super::rows::{Rows, uint, uint32};
use crate::store::meta::{MetaError, MetaResult};
use crate::store::sign_ins::{SignIn, SignInId, SignInRead, SignInTx, Stage};

impl SignInRead for Rows<'_> {
    fn sign_in(&self, id: &SignInId) -> MetaResult<Option<SignIn>> {
        let sql = "SELECT account, said, proved_ms, answers, stage FROM sign_ins WHERE id = ?1";
        let found = self.one(sql, [&id.0[..]], |row| {
            let (account, said) = (AccountId(row.get(0)?), Hash(row.get(1)?));
            Ok((account, said, row.get(2)?, uint32(row, 3)?, row.get(4)?))
        })?;
        let Some((account, said, proved_ms, answers, stage)) = found else {
            return Ok(None);
        };
        let stage = Stage::of(stage).ok_or(MetaError::Corrupt { column: "stage of a sign-in" })?;
        Ok(Some(SignIn { id: *id, account, said, proved_ms, answers, stage }))
    }

    fn sign_in_count(&self, account: &AccountId) -> MetaResult<u64> {
        let sql = "SELECT count(*) FROM sign_ins WHERE account = ?1";
        Ok(self.one(sql, [&account.0[..]], |row| uint(row, 0))?.unwrap_or(0))
    }
}

impl SignInTx for Rows<'_> {
    fn put_sign_in(&mut self, sign_in: &SignIn) -> MetaResult<()> {
        let sql = "INSERT OR REPLACE INTO sign_ins \
            (id, account, said, proved_ms, answers, stage) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let SignIn { id, account, said, proved_ms, answers, stage } = sign_in;
        let stage = stage.number();
        self.run_one(sql, (&id.0[..], &account.0[..], &said.0[..], proved_ms, answers, stage))
    }

    fn remove_sign_ins_before(&mut self, proved_ms: i64) -> MetaResult<u64> {
        self.run("DELETE FROM sign_ins WHERE proved_ms < ?1", [proved_ms])
    }
}

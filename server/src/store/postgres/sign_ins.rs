//! Rows of sign-ins.

use offing_core::id::{AccountId, Hash};

use super::rows::{Rows, array, bytes, get, int, uint, uint32};
use crate::store::meta::{MetaError, MetaResult};
use crate::store::sign_ins::{SignIn, SignInId, SignInRead, SignInTx, Stage};

impl SignInRead for Rows<'_> {
    fn sign_in(&self, id: &SignInId) -> MetaResult<Option<SignIn>> {
        let sql = "SELECT account, said, proved_ms, answers, stage FROM sign_ins WHERE id = $1";
        self.one(sql, &[bytes(&id.0)], |row| {
            let stage = Stage::of(get(row, 4)?);
            Ok(SignIn {
                id: *id,
                account: AccountId(array(row, 0)?),
                said: Hash(array(row, 1)?),
                proved_ms: get(row, 2)?,
                answers: uint32(row, 3)?,
                stage: stage.ok_or(MetaError::Corrupt { column: "stage of a sign-in" })?,
            })
        })
    }

    fn sign_in_count(&self, account: &AccountId) -> MetaResult<u64> {
        let sql = "SELECT count(*) FROM sign_ins WHERE account = $1";
        Ok(self.one(sql, &[bytes(&account.0)], |row| uint(row, 0))?.unwrap_or(0))
    }
}

impl SignInTx for Rows<'_> {
    fn put_sign_in(&mut self, sign_in: &SignIn) -> MetaResult<()> {
        let sql = "INSERT INTO sign_ins (id, account, said, proved_ms, answers, stage) \
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET account = $2, \
            said = $3, proved_ms = $4, answers = $5, stage = $6";
        let values = vec![
            bytes(&sign_in.id.0),
            bytes(&sign_in.account.0),
            bytes(&sign_in.said.0),
            Box::new(sign_in.proved_ms),
            int(sign_in.answers.into()),
            Box::new(sign_in.stage.number()),
        ];
        self.one_row(sql, values)
    }

    fn remove_sign_ins_before(&mut self, proved_ms: i64) -> MetaResult<u64> {
        self.count_rows("DELETE FROM sign_ins WHERE proved_ms < $1", vec![Box::new(proved_ms)])
    }
}

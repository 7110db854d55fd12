//! Rows of ends of sessions.

use super::rows::Rows;
use crate::store::ends::{End, EndRead, EndTx};
use crate::store::meta::{MetaResult, SessionId};

impl EndRead for Rows<'_> {
    fn ends_since(&self, at_ms: i64) -> MetaResult<Vec<End>> {
        let sql = "SELECT session, at_ms FROM ended WHERE at_ms >= ?1";
        self.many(sql, [at_ms], |row| {
            Ok(End { session: SessionId(row.get(0)?), at_ms: row.get(1)? })
        })
    }
}

impl EndTx for Rows<'_> {
    fn note_end(&mut self, end: &End) -> MetaResult<()> {
        let sql = "INSERT OR IGNORE INTO ended (session, at_ms) VALUES (?1, ?2)";
        self.run(sql, (&end.session.0[..], end.at_ms)).map(drop)
    }

    fn remove_ends_before(&mut self, at_ms: i64) -> MetaResult<u64> {
        self.run("DELETE FROM ended WHERE at_ms < ?1", [at_ms])
    }
}

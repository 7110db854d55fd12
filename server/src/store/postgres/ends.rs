//! Rows of ends of sessions.

use super::hear;
use super::rows::{Rows, array, bytes, get};
use crate::store::ends::{End, EndRead, EndTx};
use crate::store::meta::{MetaResult, SessionId};

impl EndRead for Rows<'_> {
    fn ends_since(&self, at_ms: i64) -> MetaResult<Vec<End>> {
        let sql = "SELECT session, at_ms FROM ended WHERE at_ms >= $1";
        self.many(sql, &[Box::new(at_ms)], |row| {
            Ok(End { session: SessionId(array(row, 0)?), at_ms: get(row, 1)? })
        })
    }
}

impl EndTx for Rows<'_> {
    fn note_end(&mut self, end: &End) -> MetaResult<()> {
        let sql = "INSERT INTO ended (session, at_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        self.any_rows(sql, vec![bytes(&end.session.0), Box::new(end.at_ms)])?;
        // Heard when this is committed, and not at all if it is not.
        self.any_rows(hear::TELL, vec![Box::new(vec![hear::ended(end)])])
    }

    fn remove_ends_before(&mut self, at_ms: i64) -> MetaResult<u64> {
        self.count_rows("DELETE FROM ended WHERE at_ms < $1", vec![Box::new(at_ms)])
    }
}

//! Ends of sessions in memory.

use super::State;
use crate::store::ends::{End, EndRead, EndTx};
use crate::store::meta::MetaResult;

impl EndRead for State {
    fn ends_since(&self, at_ms: i64) -> MetaResult<Vec<End>> {
        let ends =
            self.ends.iter().map(|(session, at_ms)| End { session: *session, at_ms: *at_ms });
        Ok(ends.filter(|end| end.at_ms >= at_ms).collect())
    }
}

impl EndTx for State {
    fn note_end(&mut self, end: &End) -> MetaResult<()> {
        self.ends.entry(end.session).or_insert(end.at_ms);
        Ok(())
    }

    fn remove_ends_before(&mut self, at_ms: i64) -> MetaResult<u64> {
        let before = self.ends.len();
        self.ends.retain(|_, ended_ms| *ended_ms >= at_ms);
        Ok((before - self.ends.len()) as u64)
    }
}

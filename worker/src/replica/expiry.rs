//! The end of what is in the trash: after thirty days it is deleted for good.
//!
//! Nobody can take that back, and clocks are wrong: at times by years, and they jump. So each
//! device goes by what it has seen itself. It counts the days for which its clock has gone on,
//! of a leap forward only a few and of one backward none until that is made good, and notes
//! each day how far it had read the log. What goes was in the trash by an entry that was read
//! thirty of those days ago, and thirty days by the clocks of whoever put it there, too.
//!
//! ```text
//! Table::Meta   "trash" → postcard(Age)
//! ```

use std::rc::Rc;

use offing_core::id::{NodeId, Seq};
use offing_core::limits::TRASH_MS;
use offing_core::rpc::Fault;
use offing_core::tree::NodeRow;
use serde::{Deserialize, Serialize};

use super::{Replica, encode};
use crate::host::Host;
use crate::store::{Batch, Durability, Table};

/// Key of the days that were counted, in `Table::Meta`.
pub(super) const AGE_KEY: &[u8] = b"trash";
/// How much of a stretch in which nobody looked counts at most.
const LEAP_MS: i64 = 7 * DAY_MS;
const DAY_MS: i64 = 24 * 3_600 * 1_000;
/// Most nodes that are deleted for good at once; the next day goes on.
const EXPIRED_MAX: usize = 1_000;

/// The days that this device has counted, and how far it had read the log on each.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Age {
    /// The latest time at which somebody looked.
    looked_ms: i64,
    /// The time that was counted since the first look.
    counted_ms: i64,
    /// When, in counted time, the log was read how far; a day apart, oldest first.
    read: Vec<(i64, Seq)>,
}

impl Age {
    /// Looks at the clock, with the log read to `at`; says whether a day has begun.
    fn look(&mut self, now_ms: i64, at: Seq) -> bool {
        let first = self.read.is_empty();
        let passed_ms = if first { 0 } else { now_ms.saturating_sub(self.looked_ms).max(0) };
        self.looked_ms = if first { now_ms } else { self.looked_ms.max(now_ms) };
        self.counted_ms += passed_ms.min(LEAP_MS);
        let last_ms = self.read.last().map(|(then_ms, _)| *then_ms);
        let day = last_ms.is_none_or(|last_ms| self.counted_ms - last_ms >= DAY_MS);
        if day {
            self.read.push((self.counted_ms, at));
        }
        let passed = self.read.partition_point(|(then_ms, _)| self.is_over(*then_ms));
        self.read.drain(..passed.saturating_sub(1));
        day
    }

    fn is_over(&self, then_ms: i64) -> bool {
        self.counted_ms - then_ms >= TRASH_MS
    }

    /// How far the log had been read when what was read then is old enough.
    fn read_through(&self) -> Seq {
        self.read.first().filter(|(then_ms, _)| self.is_over(*then_ms)).map_or(0, |(_, at)| *at)
    }
}

/// Says whether a node was put in the trash long enough ago, by all who did.
fn is_expired(row: &NodeRow, read_through: Seq, now_ms: i64) -> bool {
    row.shown_parent == NodeId::TRASH
        && row.trashed.iter().all(|trash| {
            let known = trash.context.seq.is_some_and(|seq| seq <= read_through);
            known && trash.context.time_ms.saturating_add(TRASH_MS) <= now_ms
        })
}

impl<H: Host> Replica<H> {
    /// Deletes for good, on its own, what has been in the trash for its time. Called with the
    /// log read to its end.
    pub(super) fn expire_in_time(self: &Rc<Self>, at: Seq) {
        let now_ms = self.host.now_ms();
        if now_ms.abs_diff(self.aged_ms.get()) < DAY_MS as u64 / 24 || !self.host.is_lasting() {
            return;
        }
        self.aged_ms.set(now_ms);
        let this = Rc::clone(self);
        self.host.spawn(async move {
            // What fails is tried on another day.
            this.expire(now_ms, at).await.ok();
        });
    }

    async fn expire(self: &Rc<Self>, now_ms: i64, at: Seq) -> Result<(), Fault> {
        let guard = self.host.lock(&format!("trash:{}", self.vault)).await;
        let mut age: Age = self.meta(AGE_KEY).await?.unwrap_or_default();
        let day = age.look(now_ms, at);
        let mut batch = Batch::new();
        batch.put(Table::Meta, AGE_KEY, encode(&age));
        self.write(batch, Durability::Relaxed).await?;
        drop(guard);
        let read_through = age.read_through();
        if !day || read_through == 0 {
            return Ok(());
        }
        let trash = self.children_of(&[NodeId::TRASH]).await?.concat();
        let mut expired = Vec::new();
        for nodes in trash.chunks(EXPIRED_MAX) {
            let rows = self.rows(nodes).await?.into_iter().flatten();
            expired.extend(rows.filter(|row| is_expired(row, read_through, now_ms)));
            if expired.len() >= EXPIRED_MAX {
                break;
            }
        }
        expired.truncate(EXPIRED_MAX);
        if expired.is_empty() {
            return Ok(());
        }
        let nodes: Vec<NodeId> = expired.iter().map(|row| row.node).collect();
        self.delete_for_good(&nodes).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks once a day for so many days; says how far back what is old enough was read.
    fn goes_on(age: &mut Age, now_ms: &mut i64, at: &mut Seq, days: i64) -> Seq {
        for _ in 0..days {
            *now_ms += DAY_MS;
            *at += 1;
            assert!(age.look(*now_ms, *at));
            assert!(!age.look(*now_ms + 1, *at), "a day begins once");
        }
        age.read_through()
    }

    #[test]
    fn what_was_read_thirty_days_ago_is_old_enough_day_by_day() {
        let (mut age, mut now_ms, mut at) = (Age::default(), 1_700_000_000_000, 100);
        age.look(now_ms, at);
        assert_eq!(goes_on(&mut age, &mut now_ms, &mut at, 29), 0);
        assert_eq!(goes_on(&mut age, &mut now_ms, &mut at, 1), 100);
        assert_eq!(goes_on(&mut age, &mut now_ms, &mut at, 10), 110);
        assert_eq!(age.read.len(), 31);
    }

    #[test]
    fn a_clock_that_jumps_makes_nothing_older_by_more_than_a_week() {
        const YEAR_MS: i64 = 365 * DAY_MS;
        let (mut age, start_ms) = (Age::default(), 1_700_000_000_000);
        age.look(start_ms, 100);
        // A clock that begins at 1970 with each start and is set right soon after.
        for start in 1..50 {
            let now_ms = start_ms + start * 1_000;
            for seen_ms in [1_000, now_ms, i64::MIN, now_ms + 1] {
                age.look(seen_ms, 100);
            }
        }
        assert_eq!((age.counted_ms, age.read_through()), (49_001, 0));
        // One that is a year ahead for a while: it stands until the right one has come so far.
        for _ in 0..50 {
            age.look(start_ms + YEAR_MS, 100);
            age.look(start_ms + DAY_MS, 100);
        }
        assert_eq!((age.counted_ms, age.read_through()), (49_001 + LEAP_MS, 0));
        age.look(i64::MAX, 100);
        assert_eq!(age.read_through(), 0);
    }
}

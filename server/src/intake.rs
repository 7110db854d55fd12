//! Memory for what callers send and are sent, bounded in sum and for each of them.
//!
//! A [`Pool`] is a number of bytes and the share of them that one caller may hold. Whoever
//! gathers a body reserves its bytes when the first of them arrive and gives them back when
//! they are done with; where nothing is free one waits, for a bounded time. So slow or many
//! requests of one caller keep that caller waiting and nobody else.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use offing_core::id::AccountId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that may be reserved, in all and by one caller.
#[derive(Debug)]
pub struct Pool<K> {
    all: Arc<Semaphore>,
    all_units: u32,
    share_units: u32,
    /// The shares of those who hold or wait for something.
    shares: Mutex<HashMap<K, Weak<Semaphore>>>,
}

/// Bytes reserved until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Reserved {
    share: OwnedSemaphorePermit,
    all: OwnedSemaphorePermit,
}

impl Reserved {
    /// Gives back what is more than these bytes.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let more = self.all.num_permits().saturating_sub(units(bytes) as usize);
        drop((self.share.split(more), self.all.split(more)));
    }

    /// Bytes that are reserved for as long as anybody holds them.
    pub(crate) fn hold(mut self, bytes: Vec<u8>) -> Bytes {
        self.shrink_to(bytes.len());
        Bytes::from_owner(Held { bytes, _reserved: self })
    }
}

struct Held {
    bytes: Vec<u8>,
    _reserved: Reserved,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reports that nothing became free in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many bytes are under way")]
pub struct PoolBusy;

impl<K: Eq + Hash> Pool<K> {
    /// A pool of `bytes_max`, of which one caller may hold `share_bytes_max`.
    pub fn new(bytes_max: usize, share_bytes_max: usize) -> Self {
        let all = units(bytes_max);
        Self {
            all: Arc::new(Semaphore::new(all as usize)),
            all_units: all,
            share_units: units(share_bytes_max).min(all),
            shares: Mutex::new(HashMap::new()),
        }
    }

    /// How much of it is taken, from 0 to 1.
    pub(crate) fn used(&self) -> f64 {
        1.0 - self.all.available_permits() as f64 / f64::from(self.all_units)
    }

    /// Reserves bytes for a caller; waits while there are none, but not for ever. More than
    /// a share counts as a whole share.
    pub async fn reserve(&self, who: K, bytes: usize) -> Result<Reserved, PoolBusy> {
        self.reserve_within(RESERVE_DEADLINE, who, bytes).await
    }

    async fn reserve_within(
        &self,
        deadline: Duration,
        who: K,
        bytes: usize,
    ) -> Result<Reserved, PoolBusy> {
        let wanted = units(bytes).min(self.share_units);
        let share = self.share(who);
        let both = async {
            // One's own share first: who waits for that holds nothing of the others'.
            let share = share.acquire_many_owned(wanted).await.map_err(|_| PoolBusy)?;
            let all = Arc::clone(&self.all).acquire_many_owned(wanted).await;
            Ok(Reserved { share, all: all.map_err(|_| PoolBusy)? })
        };
        tokio::time::timeout(deadline, both).await.unwrap_or(Err(PoolBusy))
    }

    fn share(&self, who: K) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(&who).and_then(Weak::upgrade) {
            return share;
        }
        if shares.len() >= SHARES_KEPT {
            // Who still uses one has a connection open, and those are bounded.
            shares.retain(|_, share| share.strong_count() > 0);
        }
        let share = Arc::new(Semaphore::new(self.share_units as usize));
        shares.insert(who, Arc::downgrade(&share));
        share
    }
}

/// The pools for bodies that are gathered whole, and for answers; chunks that come have their own
/// in the store.
#[derive(Debug)]
pub(crate) struct Intake {
    /// Entries and questions of accounts.
    pub(crate) entries: Pool<AccountId>,
    /// JSON, which callers without an account send too.
    pub(crate) forms: Pool<IpAddr>,
    /// Pages of logs and pieces of chunks, until they are sent.
    pub(crate) answers: Pool<AccountId>,
}

impl Default for Intake {
    fn default() -> Self {
        Self {
            entries: Pool::new(ENTRIES_BYTES_MAX, ENTRIES_SHARE_BYTES_MAX),
            forms: Pool::new(FORMS_BYTES_MAX, FORMS_SHARE_BYTES_MAX),
            answers: Pool::new(ANSWERS_BYTES_MAX, ANSWERS_SHARE_BYTES_MAX),
        }
    }
}

/// Whole units, at least one: the smallest body costs a request's own memory.
fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX >> 3).max(1)
}

const UNIT_BYTES: usize = 4 * 1024;
const RESERVE_DEADLINE: Duration = Duration::from_secs(20);
const SHARES_KEPT: usize = 1024;
const ENTRIES_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Two of the largest appends, each counted twice: as it came, and taken apart.
const ENTRIES_SHARE_BYTES_MAX: usize = 32 * 1024 * 1024;
const FORMS_BYTES_MAX: usize = 16 * 1024 * 1024;
const FORMS_SHARE_BYTES_MAX: usize = 1024 * 1024;
const ANSWERS_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Eight pages, or a hundred chunks that are under way.
const ANSWERS_SHARE_BYTES_MAX: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const KIB: usize = 1024;

    #[tokio::test]
    async fn who_uses_a_share_up_keeps_nobody_else_waiting() {
        let pool = Pool::new(64 * KIB, 32 * KIB);
        let held = pool.reserve("alice", 20 * KIB).await.unwrap();
        assert!(pool.reserve("alice", 20 * KIB).now_or_never().is_none());
        let other = pool.reserve("bob", 32 * KIB).now_or_never();
        assert!(matches!(other, Some(Ok(_))));
        drop(held);
        assert!(matches!(pool.reserve("alice", 20 * KIB).now_or_never(), Some(Ok(_))));
    }

    #[tokio::test]
    async fn all_together_hold_no_more_than_the_pool() {
        let pool = Pool::new(64 * KIB, 32 * KIB);
        let first = pool.reserve("alice", 32 * KIB).await.unwrap();
        let _second = pool.reserve("bob", 32 * KIB).await.unwrap();
        assert!(pool.reserve("carol", 1).now_or_never().is_none());
        drop(first);
        assert!(matches!(pool.reserve("carol", 1).now_or_never(), Some(Ok(_))));
    }

    #[tokio::test]
    async fn an_answer_keeps_what_it_needs_until_nobody_holds_it() {
        let pool = Pool::new(64 * KIB, 64 * KIB);
        let reserved = pool.reserve("alice", 64 * KIB).await.unwrap();
        let answer = reserved.hold(vec![1; 20 * KIB]);
        let rest = pool.reserve("bob", 44 * KIB).now_or_never();
        assert!(matches!(rest, Some(Ok(_))));
        let part = answer.slice(1..2);
        drop((answer, rest));
        assert!(pool.reserve("bob", 64 * KIB).now_or_never().is_none());
        drop(part);
        assert!(matches!(pool.reserve("bob", 64 * KIB).now_or_never(), Some(Ok(_))));
    }

    #[tokio::test]
    async fn waiting_ends_with_busy_and_leaves_nothing_behind() {
        let pool = Pool::new(64 * KIB, 32 * KIB);
        let held = pool.reserve("alice", usize::MAX).await.unwrap();
        let busy = pool.reserve_within(Duration::ZERO, "alice", 1).await;
        assert_eq!(busy.unwrap_err(), PoolBusy);
        drop(held);
        assert!(pool.reserve("alice", 32 * KIB).await.is_ok());
        let pool = Pool::new(64 * KIB, 32 * KIB);
        for n in 0..2 * SHARES_KEPT {
            let _held = pool.reserve(n, 1).await.unwrap();
        }
        assert!(pool.shares.lock().unwrap().len() <= SHARES_KEPT);
    }
}

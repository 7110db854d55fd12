//! How large a batch of chunks should be: what the line carries in about a second.
//!
//! Short enough to show that something moves and to lose little when the line breaks; long
//! enough that requests and the server's waits for its disk cost nothing beside it.

use std::cell::Cell;
use std::rc::Rc;

use offing_core::limits;

use crate::platform::clock;

/// First size of a batch of chunks.
const BATCH_BYTES_FIRST: usize = 5 * 1024 * 1024;
/// Smallest batch that is aimed at; one chunk always fits.
const BATCH_BYTES_MIN: usize = 256 * 1024;
/// How long a batch should take: short enough to show that something moves, and to lose
/// little when the line breaks.
const BATCH_MS_AIM: i64 = 1_000;
/// A batch slower than this makes the next ones smaller.
const BATCH_MS_SLOW: i64 = 4_000;
/// How many times larger one fast batch makes the next ones.
const BATCH_GROWTH: usize = 8;

/// The size of batches that suits the line; the pushes of one tab share what they learn.
#[derive(Clone)]
pub struct Pace {
    /// `None` until a batch was answered.
    learned_bytes: Rc<Cell<Option<usize>>>,
    now_ms: Rc<dyn Fn() -> i64>,
}

impl Default for Pace {
    fn default() -> Self {
        Self::timed_by(clock::now_ms)
    }
}

impl Pace {
    /// Knows nothing yet; batches are timed by this clock.
    pub fn timed_by(now_ms: impl Fn() -> i64 + 'static) -> Self {
        Self { learned_bytes: Rc::default(), now_ms: Rc::new(now_ms) }
    }

    /// Milliseconds of the clock that batches are timed by.
    pub(super) fn now_ms(&self) -> i64 {
        (self.now_ms)()
    }

    /// The size that the next batch should have.
    pub fn batch_bytes(&self) -> usize {
        self.learned_bytes.get().unwrap_or(BATCH_BYTES_FIRST)
    }

    /// The same, if it is known; a line that never answered may be slow or away.
    pub fn learned_bytes(&self) -> Option<usize> {
        self.learned_bytes.get()
    }

    /// Learns from a batch. A small one tells nothing about a slow line but its delay, so
    /// it may only raise the size.
    pub(super) fn learn(&self, sent_bytes: u64, elapsed_ms: i64) {
        let (now, elapsed_ms) = (self.batch_bytes(), elapsed_ms.max(1));
        let aim = i64::try_from(sent_bytes).unwrap_or(i64::MAX).saturating_mul(BATCH_MS_AIM);
        let aim = usize::try_from(aim / elapsed_ms).unwrap_or(usize::MAX);
        let next = match elapsed_ms {
            ..BATCH_MS_AIM => now.max(aim.min(now * BATCH_GROWTH)),
            BATCH_MS_SLOW.. => aim.min(now),
            _ => now,
        };
        let next = next.clamp(BATCH_BYTES_MIN, limits::CHUNK_BATCH_BYTES_MAX);
        self.learned_bytes.set(Some(next));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    #[test]
    fn batches_grow_on_a_fast_line_and_shrink_on_a_slow_one() {
        let pace = Pace::default();
        assert_eq!((pace.learned_bytes(), pace.batch_bytes()), (None, 5 * MIB));
        pace.learn(MIB as u64, 50);
        assert_eq!(pace.learned_bytes(), Some(20 * MIB));
        pace.learn(20 * MIB as u64, 100);
        assert_eq!(pace.batch_bytes(), limits::CHUNK_BATCH_BYTES_MAX);
        pace.learn(20 * MIB as u64, 2_000);
        assert_eq!(pace.batch_bytes(), limits::CHUNK_BATCH_BYTES_MAX, "neither fast nor slow");
        pace.learn(20 * MIB as u64, 10_000);
        assert_eq!(pace.batch_bytes(), 2 * MIB);
        pace.learn(2 * MIB as u64, 600_000);
        assert_eq!(pace.batch_bytes(), BATCH_BYTES_MIN);
    }

    #[test]
    fn a_small_batch_over_a_long_way_does_not_make_the_next_ones_small() {
        let pace = Pace::default();
        pace.learn(300, 800);
        assert_eq!(pace.batch_bytes(), BATCH_BYTES_FIRST);
    }
}

//! Which small files become nodes together: one entry and one transaction for many.
//!
//! The first group is small, so that something shows soon; each one after it may be larger,
//! up to the limits of an entry and of patience. Pure: it is told sizes and the time.

use offing_core::limits;

/// Bytes of the first group: one chunk.
const BYTES_FIRST: u64 = limits::CHUNK_PLAIN_BYTES as u64 / 2;
/// How many times larger the next group may be.
const GROWTH: u64 = 16;
/// How long files that are stored here wait for others.
const WAIT_MS_MAX: i64 = 2_000;

/// The measure of the group that is being gathered.
#[derive(Debug, Clone)]
pub(super) struct Grouping {
    target_bytes: u64,
    bytes: u64,
    files: usize,
    since_ms: i64,
}

impl Grouping {
    /// Begins the first group.
    pub(super) fn new() -> Self {
        Self { target_bytes: BYTES_FIRST, bytes: 0, files: 0, since_ms: 0 }
    }

    /// Counts files that were stored.
    pub(super) fn add(&mut self, files: usize, bytes: u64, now_ms: i64) {
        if self.files == 0 {
            self.since_ms = now_ms;
        }
        self.files += files;
        self.bytes += bytes;
    }

    /// Says whether the group should not wait for more files.
    pub(super) fn is_full(&self, now_ms: i64) -> bool {
        let waited = now_ms.saturating_sub(self.since_ms) >= WAIT_MS_MAX;
        let many = self.files >= limits::UPLOAD_GROUP_FILES_MAX;
        self.files > 0 && (self.bytes >= self.target_bytes || waited || many)
    }

    /// Begins the next group.
    pub(super) fn next(&mut self) {
        let target = self.target_bytes.saturating_mul(GROWTH);
        self.target_bytes = target.min(limits::UPLOAD_GROUP_BYTES_MAX);
        (self.bytes, self.files) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    /// Sizes of the groups that packs of `files` files make, one pack of 1 MiB each `pack_ms`.
    fn groups(packs: usize, files: usize, pack_ms: i64) -> Vec<usize> {
        let mut grouping = Grouping::new();
        let (mut groups, mut gathered) = (Vec::new(), 0);
        for at in 0..packs {
            let now_ms = at as i64 * pack_ms;
            grouping.add(files, MIB, now_ms);
            gathered += files;
            if grouping.is_full(now_ms) {
                groups.push(std::mem::take(&mut gathered));
                grouping.next();
            }
        }
        groups.extend((gathered > 0).then_some(gathered));
        groups
    }

    #[test]
    fn the_first_group_is_one_pack_and_the_next_ones_grow() {
        assert_eq!(groups(70, 30, 10), [30, 8 * 30, 61 * 30]);
    }

    #[test]
    fn tiny_files_fill_a_group_by_their_number() {
        assert_eq!(groups(10, 1_024, 1), [1_024, 2_048, 2_048, 2_048, 2_048, 1_024]);
    }

    #[test]
    fn on_a_slow_device_files_do_not_wait_long_to_show() {
        assert_eq!(groups(9, 30, 1_000), [30, 90, 90, 60]);
    }

    #[test]
    fn nothing_gathered_is_never_full() {
        assert!(!Grouping::new().is_full(i64::MAX));
    }
}

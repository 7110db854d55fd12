//! The paced scrub: every chunk is read once in so many days and compared with its id.
//!
//! Which segments are due follows from the hour alone, so nothing has to be remembered: a server
//! that is started anew goes on, and one that is off for an hour looks at that hour's share the
//! next time round. What is rotten is told in the log and counted; nothing is changed
//! ([`fsck`](crate::fsck) is for that).

use std::time::Duration;

use super::{ServiceError, Services};
use crate::store::check::{Checked, check_chunk};

/// Most bytes that a scrub reads in a second.
const BYTES_PER_SECOND: u64 = 16 * 1024 * 1024;
const HOURS: u64 = 24;

impl Services {
    /// Reads the segments whose turn it is in an hour (counted since 1970), if each has one in
    /// so many days.
    pub async fn scrub(&self, hour: u64, days: u32) -> Result<Checked, ServiceError> {
        let mut checked = Checked::default();
        for row in self.meta.read(|state| state.segments()).await? {
            if is_due(row.segment, hour, days) {
                self.scrub_segment(row.segment, &mut checked).await?;
            }
        }
        Ok(checked)
    }

    /// What was scrubbed since the start.
    pub fn scrubbed(&self) -> Checked {
        *self.scrubbed.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn scrub_segment(&self, segment: u32, checked: &mut Checked) -> Result<(), ServiceError> {
        for chunk in self.meta.read(move |state| state.chunks_in(segment)).await? {
            let (meta, reader) = (std::sync::Arc::clone(&self.meta), self.chunks.reader());
            let look = move || check_chunk(&*meta, &*reader, &chunk);
            let fault =
                tokio::task::spawn_blocking(look).await.map_err(|_| ServiceError::Busy)??;
            if let Some(fault) = fault {
                let (vault, id) = (chunk.vault, chunk.id);
                tracing::error!(%vault, %id, segment, ?fault, "a stored chunk is damaged");
            }
            checked.count(&chunk, fault);
            self.scrubbed
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .count(&chunk, fault);
            let len = u64::from(chunk.at.len);
            tokio::time::sleep(Duration::from_micros(len * 1_000_000 / BYTES_PER_SECOND)).await;
        }
        Ok(())
    }
}

fn is_due(segment: u32, hour: u64, days: u32) -> bool {
    let round = u64::from(days) * HOURS;
    round > 0 && u64::from(segment) % round == hour % round
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_segment_has_its_turn_once_in_a_round() {
        for segment in [1, 2, 719, 720, 4_000_000_000] {
            let turns = (1_000..1_000 + 30 * HOURS).filter(|hour| is_due(segment, *hour, 30));
            assert_eq!(turns.count(), 1, "{segment}");
        }
        assert!(!(0..100).any(|hour| is_due(1, hour, 0)), "never, where it is off");
    }
}

//! The transfers of the tray, their sum, and when they will be done.
//!
//! The engine reports transfers that changed; the tray keeps them by id. The estimate
//! stands on a smoothed rate of the bytes of the last seconds and is only given once there
//! is enough to stand on.

use std::collections::BTreeMap;

use offing_core::rpc::{Transfer, TransferId, TransferState};

/// How much the newest measurement weighs in the rate.
const WEIGHT: f64 = 0.3;
/// Measurements closer than this are gathered.
const STEP_MS: f64 = 500.0;

/// The transfers of the tray.
#[derive(Debug, Clone, Default)]
pub struct Transfers {
    items: BTreeMap<TransferId, Transfer>,
    done_bytes: u64,
    mark: Option<(f64, u64)>,
    bytes_per_ms: Option<f64>,
}

/// The tray in one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Transfers that are not at their end.
    pub active: u32,
    /// Transfers that failed.
    pub failed: u32,
    /// Transfers that are paused.
    pub paused: u32,
    /// Transfers that ended well.
    pub done: u32,
    /// Bytes in all, of those that are active.
    pub bytes: u64,
    /// Bytes done, of those that are active.
    pub done_bytes: u64,
}

/// What can be done with a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Controls {
    /// It can be paused.
    pub pause: bool,
    /// It can go on.
    pub resume: bool,
    /// It can be tried again.
    pub retry: bool,
    /// It can be cancelled.
    pub cancel: bool,
}

impl Transfers {
    /// Takes in what changed, and measures the rate.
    pub fn update(&mut self, changed: Vec<Transfer>, now_ms: f64) {
        for transfer in changed {
            let before = self.items.get(&transfer.id).map_or(0, |known| known.done);
            self.done_bytes += transfer.done.saturating_sub(before);
            self.items.insert(transfer.id, transfer);
        }
        let Some((since_ms, since_bytes)) = self.mark else {
            self.mark = Some((now_ms, self.done_bytes));
            return;
        };
        let passed_ms = now_ms - since_ms;
        if passed_ms < STEP_MS {
            return;
        }
        let rate = (self.done_bytes - since_bytes) as f64 / passed_ms;
        let known = self.bytes_per_ms.unwrap_or(rate);
        self.bytes_per_ms = Some(known * (1.0 - WEIGHT) + rate * WEIGHT);
        self.mark = Some((now_ms, self.done_bytes));
    }

    /// Forgets the transfers that ended.
    pub fn clear_ended(&mut self) {
        self.items.retain(|_, transfer| !is_ended(&transfer.state));
    }

    /// The ids of the transfers, newest first.
    pub fn ids(&self) -> Vec<TransferId> {
        self.items.keys().rev().copied().collect()
    }

    /// Borrows a transfer.
    pub fn transfer(&self, id: TransferId) -> Option<&Transfer> {
        self.items.get(&id)
    }

    /// Says whether a file was not read to its end; it is lost to the app when the tab goes.
    pub fn has_unread(&self) -> bool {
        let unread = |transfer: &Transfer| {
            let waits = matches!(transfer.state, TransferState::Waiting | TransferState::Reading);
            transfer.upload && waits
        };
        self.items.values().any(unread)
    }

    /// Says whether the tray is empty.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Sums the tray up.
    pub fn summary(&self) -> Summary {
        let mut sum = Summary::default();
        for transfer in self.items.values() {
            match transfer.state {
                TransferState::Waiting
                | TransferState::Reading
                | TransferState::Here
                | TransferState::Moving => {
                    sum.active += 1;
                    sum.bytes += transfer.size;
                    sum.done_bytes += transfer.done.min(transfer.size);
                }
                TransferState::Paused => sum.paused += 1,
                TransferState::Failed(_) => sum.failed += 1,
                TransferState::Done => sum.done += 1,
                TransferState::Cancelled => {}
            }
        }
        sum
    }

    /// Seconds until the active transfers are done, if that can be said.
    pub fn eta_seconds(&self) -> Option<u64> {
        let sum = self.summary();
        let rate = self.bytes_per_ms.filter(|rate| *rate > 0.001)?;
        let left = sum.bytes.saturating_sub(sum.done_bytes);
        (sum.active > 0 && left > 0).then(|| (left as f64 / rate / 1_000.0).ceil() as u64)
    }
}

/// Says whether a transfer is at its end.
pub fn is_ended(state: &TransferState) -> bool {
    matches!(state, TransferState::Done | TransferState::Cancelled)
}

/// Tells what can be done with a transfer in this state.
pub fn controls(state: &TransferState) -> Controls {
    let running = matches!(
        state,
        TransferState::Waiting
            | TransferState::Reading
            | TransferState::Here
            | TransferState::Moving
    );
    let failed = matches!(state, TransferState::Failed(_));
    Controls {
        pause: running,
        resume: *state == TransferState::Paused,
        retry: failed,
        cancel: !is_ended(state),
    }
}

/// How much of a transfer is done, in percent.
pub fn percent(done: u64, size: u64) -> u32 {
    if size == 0 {
        return 0;
    }
    ((done.min(size) as f64 / size as f64) * 100.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use offing_core::rpc::Fault;

    fn transfer(id: u64, size: u64, done: u64, state: TransferState) -> Transfer {
        Transfer { id, name: format!("{id}.bin"), upload: true, size, done, state }
    }

    #[test]
    fn the_sum_counts_every_state_once() {
        let mut tray = Transfers::default();
        tray.update(
            vec![
                transfer(1, 100, 40, TransferState::Moving),
                transfer(2, 50, 0, TransferState::Waiting),
                transfer(3, 9, 9, TransferState::Done),
                transfer(4, 9, 1, TransferState::Failed(Fault::Offline)),
                transfer(5, 9, 1, TransferState::Paused),
            ],
            0.0,
        );
        let sum = tray.summary();
        assert_eq!((sum.active, sum.done, sum.failed, sum.paused), (2, 1, 1, 1));
        assert_eq!((sum.done_bytes, sum.bytes), (40, 150));
        tray.clear_ended();
        assert_eq!(tray.ids(), [5, 4, 2, 1]);
    }

    #[test]
    fn an_estimate_needs_a_rate_to_stand_on() {
        let mut tray = Transfers::default();
        tray.update(vec![transfer(1, 10_000, 0, TransferState::Moving)], 0.0);
        assert_eq!(tray.eta_seconds(), None);
        tray.update(vec![transfer(1, 10_000, 1_000, TransferState::Moving)], 1_000.0);
        assert_eq!(tray.eta_seconds(), Some(9));
        tray.update(vec![transfer(1, 10_000, 10_000, TransferState::Done)], 2_000.0);
        assert_eq!(tray.eta_seconds(), None);
    }

    #[test]
    fn only_what_makes_sense_can_be_done() {
        let failed = controls(&TransferState::Failed(Fault::Offline));
        assert!(failed.retry && failed.cancel && !failed.pause);
        let done = controls(&TransferState::Done);
        assert!(!done.cancel && !done.retry && !done.pause && !done.resume);
        assert!(controls(&TransferState::Paused).resume);
    }

    #[test]
    fn an_empty_file_has_no_percent_to_divide_by() {
        assert_eq!(percent(0, 0), 0);
        assert_eq!(percent(7, 5), 100);
        assert_eq!(percent(1, 3), 33);
    }
}

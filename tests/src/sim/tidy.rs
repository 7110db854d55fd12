//! Garbage in a life: snapshots that replace one another, and a server that removes what died.

use std::rc::Rc;

use offing_core::id::DeviceId;
use rand::Rng;
use rand::seq::SliceRandom;

use super::life::Life;
use super::seat::Tab;

/// Of so many steps, in one a snapshot is begun.
const SNAPSHOT_STEPS: u32 = 8;
/// Of so many steps, in one the server removes what is dead.
const COLLECT_STEPS: u32 = 16;

impl Life {
    /// Somebody may begin a snapshot; the server may remove what is dead.
    pub(super) fn tidies(&mut self) {
        if !self.plan.collects {
            return;
        }
        if self.tidy.gen_range(0..SNAPSHOT_STEPS) == 0 {
            let seats = self.seats.iter().filter(|seat| !seat.lost.get());
            let tabs: Vec<Rc<Tab>> = seats.flat_map(|seat| seat.open_tabs()).collect();
            if let Some(tab) = tabs.choose(&mut self.tidy) {
                self.notes("world", format!("{} begins a snapshot", tab.name));
                let replica = tab.device.replica();
                tab.device.spawns(async move { drop(replica.write_snapshot().await) });
            }
        }
        if self.tidy.gen_range(0..COLLECT_STEPS) == 0 && !self.world.net.is_down() {
            self.collects();
        }
    }

    /// The server removes what has been dead for long enough.
    pub(super) fn collects(&mut self) {
        if !self.plan.collects {
            return;
        }
        let removed = self.world.collects();
        if removed > 0 {
            self.notes("server", format!("removes {removed} dead pieces"));
            self.tally.collected += removed as u64;
        }
        let away = self.seats.iter().filter(|seat| seat.lost.get() || seat.line.offline.get());
        let away: Vec<DeviceId> = away.map(|seat| seat.device.identity().device).collect();
        let pruned = self.world.prunes_without(&away);
        if pruned > 0 {
            self.notes("server", format!("lets go of {pruned} bodies"));
            self.tally.pruned += pruned as u64;
        }
    }
}

//! Garbage in a life: snapshots that replace one another, and a server that removes what died.

use std::rc::Rc;

use offing_core::id::DeviceId;
use rand::Rng;
use rand::seq::SliceRandom;

use super::acts::Act;
use super::life::{Life, begins};
use super::picture::Picture;
use super::seat::{Seat, Tab};

/// Of so many steps, in one a snapshot is begun.
const SNAPSHOT_STEPS: u32 = 8;
/// Of so many steps, in one something is deleted for good.
const BURY_STEPS: u32 = 6;
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
        if self.tidy.gen_range(0..BURY_STEPS) == 0 {
            self.somebody_deletes_for_good();
        }
        if self.tidy.gen_range(0..COLLECT_STEPS) == 0 && !self.world.net.is_down() {
            self.collects();
        }
    }

    /// Somebody deletes something of the trash for good, or names what is dead of that.
    fn somebody_deletes_for_good(&mut self) {
        let seats: Vec<Rc<Seat>> = self.seats.iter().filter(|s| !s.lost.get()).cloned().collect();
        let Some(seat) = seats.choose(&mut self.tidy) else { return };
        let tabs = seat.open_tabs();
        let Some(tab) = tabs.iter().find(|tab| !tab.busy.get()) else { return };
        let trash = Picture::of(&seat.profile).trash();
        match trash.choose(&mut self.tidy) {
            Some(node) if self.tidy.gen_bool(0.7) => {
                begins(seat, tab, &self.told.model, Act::Purge(*node));
            }
            Some(_) | None => self.names_what_is_dead(tab),
        }
    }

    fn names_what_is_dead(&self, tab: &Tab) {
        self.notes("world", format!("{} names what is dead", tab.name));
        let replica = tab.device.replica();
        tab.device.spawns(async move { drop(replica.bury().await) });
    }

    /// Everybody names what is dead of what they deleted, and all answer.
    pub(super) fn everybody_names_what_is_dead(&self) {
        if !self.plan.collects {
            return;
        }
        for seat in self.seats.iter().filter(|seat| !seat.lost.get()) {
            if let Some(tab) = seat.open_tabs().first() {
                self.names_what_is_dead(tab);
                self.world.passes(20_000);
            }
        }
        self.world.passes(60_000);
    }

    /// The server removes what has been dead for long enough.
    pub(super) fn collects(&mut self) {
        if !self.plan.collects {
            return;
        }
        let removed = self.world.collects();
        if removed > 0 {
            self.notes("server", format!("removes {removed} dead chunks"));
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

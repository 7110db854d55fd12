//! What befalls devices, lines and the server.

use std::rc::Rc;

use offing_worker::store::StoreError;
use rand::Rng;
use rand::seq::SliceRandom;

use super::life::Life;
use super::plan::Harm;
use super::seat::Seat;
use crate::disk::Trouble;
use crate::net::{Call, Mishap};

/// Fewest devices that are not lost.
const DEVICES_MIN: usize = 2;
/// How long the server may be away.
const AWAY_MS_MAX: u64 = 30_000;
/// How long a server or a device may have no room.
const FULL_MS_MAX: u64 = 120_000;
/// Most bytes that it takes all the same.
const SPACE_BYTES_MAX: u64 = 200_000;

impl Life {
    /// Something befalls somebody, of the kinds that this life holds.
    pub(super) fn harms(&mut self) {
        let kinds: Vec<Harm> = self.plan.harms.iter().copied().collect();
        // Weather and crashes are common, the others rare.
        let common = [Harm::Network, Harm::Network, Harm::Crash];
        let harm = match self.rng.gen_bool(0.6) {
            true => *common.choose(&mut self.rng).expect("it is not empty"),
            false => *kinds.choose(&mut self.rng).unwrap_or(&Harm::Network),
        };
        if !self.plan.harms.contains(&harm) {
            return;
        }
        let seats: Vec<Rc<Seat>> =
            self.seats.iter().filter(|seat| !seat.lost.get()).cloned().collect();
        let Some(seat) = seats.choose(&mut self.rng).cloned() else {
            return;
        };
        match harm {
            Harm::Network => self.weather(&seat),
            Harm::Crash => self.crashes(&seat),
            Harm::PowerCut => self.loses_power(&seat),
            Harm::ServerKilled => self.kills_server(),
            Harm::ServerMoved => self.moves_server(),
            Harm::ServerSetBack | Harm::ServerRestored => self.sets_server_back(harm),
            Harm::DiskFails => self.troubles_disk(&seat, Harm::DiskFails),
            Harm::DiskFull => self.troubles_disk(&seat, Harm::DiskFull),
            Harm::Cloned => self.clones(&seat),
            Harm::DeviceLost if seats.len() > DEVICES_MIN => self.loses(&seat),
            Harm::DeviceLost => {}
            Harm::ServerFull => self.fills_server(),
            Harm::SpaceShort => self.shortens_space(&seat),
            Harm::ChunkTorn => self.tears_a_chunk(&seat),
        }
    }

    fn strikes(&mut self, seat: &Seat, harm: Harm, what: impl Into<String>) {
        seat.harms.borrow_mut().insert(harm);
        seat.notes(what);
        self.tally.count(harm);
    }

    fn weather(&mut self, seat: &Rc<Seat>) {
        let line = &seat.line;
        match self.rng.gen_range(0..6) {
            0 => {
                line.offline.set(true);
                seat.notes("is offline");
            }
            1 | 2 => {
                line.offline.set(false);
                seat.notes("is online");
                for tab in seat.open_tabs() {
                    tab.device.nudges();
                }
            }
            3 => {
                line.bad_percent.set(self.rng.gen_range(0..50));
                seat.notes(format!("has a line that fails {} %", line.bad_percent.get()));
            }
            4 => {
                line.slow_ms.set(*[0, 0, 300, 3_000].choose(&mut self.rng).unwrap_or(&0));
                seat.notes(format!("has a line {} ms slow", line.slow_ms.get()));
            }
            _ => {
                let calls = [Call::Have, Call::Put, Call::Append, Call::Append, Call::Log];
                let call = *calls.choose(&mut self.rng).unwrap_or(&Call::Append);
                let mishap = *Mishap::ALL.choose(&mut self.rng).unwrap_or(&Mishap::Late);
                line.strike(call, mishap);
                seat.notes(format!("will have a call {call:?} {mishap:?}"));
            }
        }
    }

    fn crashes(&mut self, seat: &Rc<Seat>) {
        let tabs = seat.tabs.borrow().clone();
        let Some(tab) = tabs.choose(&mut self.rng) else {
            return;
        };
        if tabs.len() > 1 && self.rng.gen_bool(0.5) {
            let what = format!("{} is killed", tab.name);
            seat.kills(tab);
            self.strikes(seat, Harm::Crash, what);
        } else {
            seat.kills_all();
            self.strikes(seat, Harm::Crash, "has its browser killed");
        }
    }

    fn loses_power(&mut self, seat: &Rc<Seat>) {
        seat.kills_all();
        let kept = self.rng.gen_range(0..=seat.profile.disk.unflushed());
        let lost = seat.profile.disk.loses_power(kept);
        let what = format!("loses its power, and with it {lost} writes that were not flushed");
        self.strikes(seat, Harm::PowerCut, what);
    }

    fn kills_server(&mut self) {
        if self.world.net.is_down() {
            return;
        }
        self.world.net.kill_server();
        self.notes("server", "is killed");
        self.tally.count(Harm::ServerKilled);
        let (net, executor, history) =
            (Rc::clone(&self.world.net), self.world.executor.clone(), self.told.history.clone());
        let away_ms = self.rng.gen_range(100..AWAY_MS_MAX);
        self.world.executor.spawn(0, async move {
            executor.sleep(away_ms).await;
            net.start_server();
            history.note(executor.now_ms(), "server", "is started again");
        });
    }

    fn moves_server(&mut self) {
        if self.set_back_ms.is_some() {
            return;
        }
        let backup = self.world.backs_up();
        self.world.restores(&backup);
        self.notes("server", "is moved to another machine");
        self.tally.count(Harm::ServerMoved);
    }

    /// The first time makes the backup, the second time restores it.
    fn sets_server_back(&mut self, harm: Harm) {
        let Some(backup) = self.backup.take() else {
            if self.set_back_ms.is_none() {
                self.backup = Some(self.world.backs_up());
                self.notes("server", format!("is backed up at {}", self.world.tip()));
            }
            return;
        };
        let (was, is) = (self.world.tip(), backup.entries.len());
        if is as u64 == was {
            self.backup = Some(backup);
            return;
        }
        // Whoever restores tells the server, or forgets to.
        let told = harm == Harm::ServerRestored || self.rng.gen_bool(0.5);
        self.world.restores(&backup);
        if told {
            self.world.tells_the_server();
        }
        let how = if told { "told so" } else { "not told" };
        self.notes("server", format!("is set back from {was} to {is}, and {how}"));
        self.tally.count(harm);
        self.set_back_ms = Some(self.world.executor.now_ms());
        for seat in &self.seats {
            seat.harms.borrow_mut().insert(harm);
        }
    }

    fn troubles_disk(&mut self, seat: &Rc<Seat>, harm: Harm) {
        let full = harm == Harm::DiskFull;
        let names = ["UnknownError", "InvalidStateError"];
        let name = (*names.choose(&mut self.rng).unwrap_or(&"UnknownError")).to_owned();
        let trouble = Trouble {
            after: self.rng.gen_range(0..20),
            calls: self.rng.gen_range(1..30),
            reads: !full && self.rng.gen_bool(0.5),
            error: if full { StoreError::Full } else { StoreError::Failed { name } },
        };
        let (after, calls) = (trouble.after, trouble.calls);
        let reads = if trouble.reads { ", reading too" } else { "" };
        let words = if full { "is full" } else { "fails" };
        seat.profile.temper.troubles(Some(trouble));
        let what = format!("has a disk that {words} after {after} calls, {calls} times{reads}");
        self.strikes(seat, harm, what);
    }

    fn clones(&mut self, seat: &Rc<Seat>) {
        if self.seats.iter().any(|seat| seat.harms.borrow().contains(&Harm::Cloned)) {
            return;
        }
        let copy = seat.device.copies_its_profile();
        self.strikes(seat, Harm::Cloned, "has its profile copied");
        let name = format!("{}'s copy", seat.name);
        let copy = self.takes_a_seat(&name, copy);
        *copy.harms.borrow_mut() = seat.harms.borrow().clone();
        self.told.model.copies(seat.number, copy.number, seat.unsaved_words());
        if self.rng.gen_bool(0.3) {
            // A backup of the folder, brought back on a new machine.
            self.loses(seat);
        }
    }

    /// There is room again after a while, whether anybody notices or not.
    fn fills_server(&mut self) {
        if self.world.net.is_down() {
            return;
        }
        let full = if self.rng.gen_bool(0.5) {
            let left = self.rng.gen_range(0..SPACE_BYTES_MAX);
            self.world.leaves_space(Some(left));
            format!("gives the account {left} bytes more")
        } else {
            self.world.net.disk_full.set(true);
            "has a full disk".to_owned()
        };
        self.notes("server", full);
        self.tally.count(Harm::ServerFull);
        self.was_full = true;
        for seat in &self.seats {
            seat.harms.borrow_mut().insert(Harm::ServerFull);
        }
        let (net, executor, history) =
            (Rc::clone(&self.world.net), self.world.executor.clone(), self.told.history.clone());
        let (account, full_ms) =
            (self.world.caller().account, self.rng.gen_range(1_000..FULL_MS_MAX));
        self.world.executor.spawn(0, async move {
            executor.sleep(full_ms).await;
            net.gives_room(account);
            history.note(executor.now_ms(), "server", "has room");
        });
    }

    fn shortens_space(&mut self, seat: &Rc<Seat>) {
        let left = self.rng.gen_range(0..SPACE_BYTES_MAX);
        seat.profile.leaves_space(Some(left));
        self.strikes(seat, Harm::SpaceShort, format!("has space for {left} bytes more"));
        let (profile, executor) = (Rc::clone(&seat.profile), self.world.executor.clone());
        let short_ms = self.rng.gen_range(1_000..FULL_MS_MAX);
        self.world.executor.spawn(0, async move {
            executor.sleep(short_ms).await;
            profile.leaves_space(None);
        });
    }

    /// The power is lost when the next chunk is written by half.
    fn tears_a_chunk(&mut self, seat: &Rc<Seat>) {
        seat.profile.temper.tears(true);
        seat.notes("will lose its power in the middle of a chunk");
        let (seat, kept_percent) = (Rc::clone(seat), self.rng.gen_range(0..=100));
        self.world.executor.spawn(0, async move {
            seat.profile.temper.stops().await;
            seat.kills_all();
            let disk = &seat.profile.disk;
            let lost = disk.loses_power(disk.unflushed() * kept_percent / 100);
            seat.notes(format!("loses its power, with half a chunk and {lost} writes"));
        });
    }

    fn loses(&mut self, seat: &Rc<Seat>) {
        seat.kills_all();
        seat.lost.set(true);
        self.strikes(seat, Harm::DeviceLost, "is lost for good");
    }
}

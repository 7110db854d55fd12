//! One life: devices are used, harmed, and come to rest; then everything is looked at.

use std::rc::Rc;

use offing_core::proto::Code;
use offing_core::rpc::{Alarm, Fault, SyncState, TransferControl, TransferState};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use super::acts::{self, Act};
use super::history::History;
use super::model::Model;
use super::plan::{Harm, Plan};
use super::runs::Tally;
use super::seat::{Seat, Tab, Told};
use crate::backup::Backup;
use crate::device::Device;
use crate::world::World;

const NAMES: [&str; 6] = ["phone", "laptop", "tablet", "desk", "old phone", "borrowed"];
/// Most tabs of a profile.
const TABS_MAX: usize = 3;
/// Rounds of synchronising before a life that does not come to rest is given up.
const ROUNDS_MAX: usize = 60;
/// How long a round is.
const ROUND_MS: u64 = 10_000;

/// A life, and everybody in it.
pub struct Life {
    /// What it was to hold.
    pub plan: Plan,
    /// Devices and server.
    pub world: World,
    /// Everybody.
    pub seats: Vec<Rc<Seat>>,
    /// Promises and words.
    pub told: Told,
    /// What happened, in numbers.
    pub tally: Tally,
    pub(super) rng: StdRng,
    /// Apart, so that lives without garbage are what they were.
    pub(super) tidy: StdRng,
    pub(super) backup: Option<Backup>,
    pub(super) set_back_ms: Option<u64>,
    /// For what goes on beside, apart for the same reason.
    pub(super) beside: StdRng,
    /// The server had no room once.
    pub(super) was_full: bool,
}

impl Life {
    /// Begins a life.
    pub fn new(plan: Plan, history: History) -> Self {
        let world = World::new(plan.seed);
        let told = Told { model: Rc::default(), history, executor: world.executor.clone() };
        let rng = StdRng::seed_from_u64(plan.seed ^ 0x0ff1_0ff1);
        let tidy = StdRng::seed_from_u64(plan.seed ^ 0x0dea_d0dd);
        let beside = StdRng::seed_from_u64(plan.seed ^ 0x0be5_1de5);
        let mut life = Self {
            world,
            told,
            rng,
            tidy,
            plan,
            seats: Vec::new(),
            tally: Tally::default(),
            backup: None,
            set_back_ms: None,
            beside,
            was_full: false,
        };
        let harms: Vec<String> = life.plan.harms.iter().map(Harm::to_string).collect();
        life.notes("world", format!("begins; may hold {}", harms.join(", ")));
        let first = life.plan.devices - life.rng.gen_range(0..2);
        for _ in 0..first {
            life.somebody_joins();
        }
        life
    }

    /// Notes what happens.
    pub fn notes(&self, who: &str, what: impl Into<String>) {
        self.told.history.note(self.world.executor.now_ms(), who, what);
    }

    /// Lives it to its end; panics where something is not as it must be.
    pub fn lives(&mut self) {
        for _ in 0..self.plan.steps {
            self.step();
            self.insists();
        }
        self.comes_to_rest();
        self.checks();
        self.insists();
    }

    fn insists(&self) {
        if let Some(violation) = self.told.model.violations.borrow().first() {
            panic!("{violation}");
        }
    }

    fn somebody_joins(&mut self) {
        let name = NAMES[self.seats.len()];
        let device = self.world.adds(name);
        device.crashes();
        let seat = self.takes_a_seat(name, device);
        self.opens_a_tab(&seat);
    }

    /// Gives a device its seat, and its disk a temper.
    pub(super) fn takes_a_seat(&mut self, name: &str, device: Rc<Device>) -> Rc<Seat> {
        let seat = Seat::new(self.seats.len(), name, device, self.told.clone());
        let rng = StdRng::seed_from_u64(self.rng.r#gen());
        let executor = self.world.executor.clone();
        seat.profile.temper.begins(executor, rng, self.plan.disk_delay_ms);
        let cuts = [Harm::PowerCut, Harm::ChunkTorn];
        if cuts.iter().any(|cut| self.plan.harms.contains(cut)) {
            seat.profile.disk.fears_power_cuts();
        }
        if self.set_back_ms.is_some() {
            let back = [Harm::ServerSetBack, Harm::ServerRestored];
            seat.harms.borrow_mut().extend(self.plan.harms.intersection(&back.into()));
        }
        if self.was_full {
            seat.harms.borrow_mut().insert(Harm::ServerFull);
        }
        seat.notes("joins");
        self.seats.push(Rc::clone(&seat));
        seat
    }

    fn step(&mut self) {
        let may_join = self.seats.len() < self.plan.devices
            && !self.world.net.is_down()
            && self.set_back_ms.is_none();
        if may_join && self.rng.gen_range(0..20) == 0 {
            self.somebody_joins();
        }
        self.tidies();
        self.goes_on_beside();
        match self.rng.gen_range(0..100) {
            0..22 => self.harms(),
            22..30 => self.somebody_opens(),
            _ => self.somebody_acts(),
        }
        match self.rng.gen_range(0..10) {
            0..4 => self.world.passes(self.rng.gen_range(0..800)),
            4..8 => self.world.executor.run_turns(self.rng.gen_range(0..80)),
            8 => self.world.passes(self.rng.gen_range(0..20_000)),
            _ => {}
        }
    }

    fn somebody_opens(&mut self) {
        let seats: Vec<Rc<Seat>> = self.seats.iter().filter(|s| !s.lost.get()).cloned().collect();
        if let Some(seat) = seats.choose(&mut self.rng)
            && seat.tabs.borrow().len() < TABS_MAX
        {
            self.opens_a_tab(seat);
        }
    }

    fn opens_a_tab(&self, seat: &Rc<Seat>) {
        let wakes = self.world.wakers();
        seat.opens_a_tab(move |tab| wakes(&tab.device));
    }

    fn somebody_acts(&mut self) {
        let seats: Vec<Rc<Seat>> = self.seats.iter().filter(|s| !s.lost.get()).cloned().collect();
        let Some(seat) = seats.choose(&mut self.rng) else {
            return;
        };
        let failed: Vec<_> =
            seat.tabs.borrow().iter().filter(|tab| tab.failed.get()).cloned().collect();
        failed.iter().for_each(|tab| seat.kills(tab));
        let tabs = seat.open_tabs();
        let idle: Vec<_> = tabs.iter().filter(|tab| !tab.busy.get()).collect();
        let Some(tab) = idle.choose(&mut self.rng) else {
            if tabs.is_empty() && seat.tabs.borrow().is_empty() {
                self.opens_a_tab(seat);
            }
            return;
        };
        // Some press whatever a dialog offers, before they have opened their other devices.
        if self.plan.harms.contains(&Harm::ServerSetBack) && tab.device.is_asked() {
            let act = if self.rng.gen_bool(0.5) { Act::GiveBack } else { Act::GoOn };
            return begins(seat, tab, &self.told.model, act);
        }
        let mark = format!("{}.{}", self.plan.seed, self.tally.acts);
        if let Some(act) = acts::choose(&mut self.rng, seat, tab, &mark) {
            self.tally.acts += 1;
            begins(seat, tab, &self.told.model, act);
        }
    }

    // ------------------------------------------------------------ the end

    /// Everything is mended, opened and online, until nothing moves any more.
    fn comes_to_rest(&mut self) {
        self.notes("world", "comes to rest");
        self.world.net.start_server();
        self.world.net.gives_room(self.world.caller().account);
        for seat in self.seats.iter().filter(|seat| !seat.lost.get()) {
            seat.line.offline.set(false);
            seat.line.bad_percent.set(0);
            seat.line.slow_ms.set(0);
            seat.line.mishaps.borrow_mut().clear();
            seat.profile.temper.troubles(None);
            seat.profile.temper.tears(false);
            seat.profile.leaves_space(None);
        }
        for _ in 0..ROUNDS_MAX {
            for seat in self.seats.iter().filter(|seat| !seat.lost.get()) {
                self.looks_after(seat);
            }
            self.recovers_the_server();
            self.world.passes(ROUND_MS);
            self.insists();
            if self.seats.iter().all(|seat| self.is_at_rest(seat)) {
                return;
            }
        }
        for seat in self.seats.iter().filter(|seat| !self.is_at_rest(seat)) {
            seat.notes(self.why_not(seat));
        }
        let restless = self.seats.iter().filter(|seat| !self.is_at_rest(seat));
        let restless: Vec<String> =
            restless.map(|seat| format!("{} ({})", seat.name, self.why_not(seat))).collect();
        panic!("never at rest: {}", restless.join("; "));
    }

    /// Opens what is closed, closes what is open, lets go on what is paused.
    fn looks_after(&self, seat: &Rc<Seat>) {
        let failed: Vec<_> =
            seat.tabs.borrow().iter().filter(|tab| tab.failed.get()).cloned().collect();
        failed.iter().for_each(|tab| seat.kills(tab));
        if seat.tabs.borrow().is_empty() {
            self.opens_a_tab(seat);
        }
        for tab in seat.open_tabs().iter().filter(|tab| !tab.busy.get()) {
            tab.device.nudges();
            let text = tab.device.page.texts.borrow().keys().next().copied();
            if let Some(node) = text {
                begins(seat, tab, &self.told.model, Act::Close(node));
                continue;
            }
            let transfers = tab.device.page.transfers.borrow();
            let control = transfers.values().find_map(|t| Some((t.id, what_helps(&t.state)?)));
            if let Some((id, control)) = control {
                begins(seat, tab, &self.told.model, Act::Steer(id, control));
            }
        }
    }

    /// Everybody who is asked gives back; when all have, one goes on.
    fn recovers_the_server(&self) {
        let seats = || {
            let here = |seat: &&Rc<Seat>| {
                let goes_no_further = seat.stopped.borrow().as_ref().is_some_and(|alarm| {
                    matches!(alarm, Alarm::HistoryChanged { .. } | Alarm::LeftBehind { .. })
                });
                !seat.lost.get() && !goes_no_further
            };
            self.seats.iter().filter(here)
        };
        let gave = seats().all(|seat| seat.gave_back.get());
        for seat in seats() {
            let tabs = seat.open_tabs();
            let asked = tabs.iter().find(|tab| tab.device.is_asked() && !tab.busy.get());
            let Some(tab) = asked else { continue };
            let act = if gave { Act::GoOn } else { Act::GiveBack };
            begins(seat, tab, &self.told.model, act);
            if gave {
                return;
            }
        }
    }

    fn is_at_rest(&self, seat: &Seat) -> bool {
        if seat.lost.get() {
            return true;
        }
        let tabs = seat.open_tabs();
        let idle = |tab: &Rc<Tab>| {
            !tab.busy.get()
                && tab.typed.borrow().is_empty()
                && tab.device.page.texts.borrow().is_empty()
                && tab.device.page.transfers.borrow().values().all(|transfer| {
                    matches!(
                        transfer.state,
                        TransferState::Done | TransferState::Failed(_) | TransferState::Cancelled
                    ) || seat.stopped.borrow().is_some()
                })
        };
        let tip = self.world.tip();
        let in_step = |tab: &Rc<Tab>| {
            let status = tab.device.page.status.get();
            status.is_some_and(|status| status.state == SyncState::OnServer)
                && tab.device.cursor() == tip
        };
        let stopped = seat.stopped.borrow().is_some();
        !tabs.is_empty() && tabs.iter().all(|tab| idle(tab) && (stopped || in_step(tab)))
    }

    fn why_not(&self, seat: &Seat) -> String {
        let tabs = seat.open_tabs();
        let tab = |tab: &Rc<Tab>| {
            format!(
                "{}: {:?} at {} of {}, busy {}, {} typed, {} texts open, transfers {:?}",
                tab.name,
                tab.device.page.status.get(),
                tab.device.cursor(),
                self.world.tip(),
                tab.busy.get(),
                tab.typed.borrow().len(),
                tab.device.page.texts.borrow().len(),
                tab.device.page.transfers.borrow().values().map(|t| &t.state).collect::<Vec<_>>(),
            )
        };
        let tabs: Vec<String> = tabs.iter().map(tab).collect();
        format!("{} tabs, {}", seat.tabs.borrow().len(), tabs.join("; "))
    }
}

/// What a person presses in the tray when all is mended.
fn what_helps(state: &TransferState) -> Option<TransferControl> {
    let full = [Code::QuotaExceeded, Code::StorageFull].map(Fault::Server);
    match state {
        TransferState::Paused => Some(TransferControl::Resume),
        TransferState::Failed(fault) => full.contains(fault).then_some(TransferControl::Retry),
        TransferState::Waiting
        | TransferState::Reading
        | TransferState::Here
        | TransferState::Moving
        | TransferState::Done
        | TransferState::Cancelled => None,
    }
}

/// A person begins to do something, and waits for the answer.
pub(super) fn begins(seat: &Rc<Seat>, tab: &Rc<Tab>, model: &Rc<Model>, act: Act) {
    let words = act.words(seat);
    seat.tab_notes(tab, &*words);
    tab.busy.set(true);
    let (seat, doing, model) = (Rc::clone(seat), Rc::clone(tab), Rc::clone(model));
    let replica = tab.device.replica();
    tab.device.spawns(async move {
        let done = act.perform(&seat, &doing, &model, &replica).await;
        doing.busy.set(false);
        if let Err(fault) = done {
            seat.tab_notes(&doing, format!("is told {fault:?}: {words}"));
            judges(&seat, &model, &words, &fault);
        }
    });
}

/// Faults that nobody may ever see.
fn judges(seat: &Seat, model: &Model, words: &str, fault: &Fault) {
    let troubled = seat.harms.borrow().iter().any(|harm| harm.is_of_storage());
    let storage = matches!(fault, Fault::Storage | Fault::StorageFull);
    let never = matches!(fault, Fault::Internal | Fault::CannotOpen | Fault::Corrupt { .. });
    if never || (storage && !troubled) {
        model.violates(format!("{} {words} and is told {fault:?}", seat.name));
    }
}

//! What goes on beside: service workers that push, people who keep contents and let go of them.

use std::rc::Rc;

use offing_core::id::NodeId;
use rand::Rng;
use rand::seq::SliceRandom;

use super::acts::Act;
use super::life::{Life, begins};
use super::picture::{Picture, kept};
use super::seat::Seat;

/// Of so many steps, in one a service worker pushes.
const PUSH_STEPS: u32 = 5;
/// Of so many steps, in one somebody keeps something or lets go of it.
const KEEP_STEPS: u32 = 5;

impl Life {
    /// A service worker may push; somebody may keep contents, or let go of them.
    pub(super) fn goes_on_beside(&mut self) {
        if self.plan.pushes_aside && self.beside.gen_range(0..PUSH_STEPS) == 0 {
            self.a_service_worker_pushes();
        }
        if self.plan.lets_go && self.beside.gen_range(0..KEEP_STEPS) == 0 {
            self.somebody_keeps_or_lets_go();
        }
    }

    fn a_service_worker_pushes(&mut self) {
        if let Some(seat) = self.somebody()
            && seat.device.pushes_aside()
        {
            self.tally.pushed_aside += 1;
            let tabs = seat.tabs.borrow().len();
            seat.notes(format!("has its service worker push beside {tabs} tabs"));
        }
    }

    fn somebody_keeps_or_lets_go(&mut self) {
        let Some(seat) = self.somebody() else { return };
        let tabs = seat.open_tabs();
        let Some(tab) = tabs.iter().find(|tab| !tab.busy.get()) else { return };
        let kept = kept(&seat.profile);
        let act = match kept.choose(&mut self.beside) {
            Some(node) if self.beside.gen_bool(0.5) => Act::Keep(*node, false),
            Some(_) | None => {
                let live: Vec<NodeId> =
                    Picture::of(&seat.profile).live().map(|row| row.node).collect();
                let Some(node) = live.choose(&mut self.beside) else { return };
                Act::Keep(*node, true)
            }
        };
        self.tally.let_go += u64::from(matches!(act, Act::Keep(_, false)));
        begins(&seat, tab, &self.told.model, act);
    }

    fn somebody(&mut self) -> Option<Rc<Seat>> {
        let seats: Vec<Rc<Seat>> = self.seats.iter().filter(|s| !s.lost.get()).cloned().collect();
        seats.choose(&mut self.beside).cloned()
    }
}

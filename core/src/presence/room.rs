//! Who else is in one text, and when to tell them of oneself: presences and time in,
//! presences out.
//!
//! Whoever arrives says so. Who hears it answers; who hears the answer has company, and says
//! so at once, so that the others have it too. In company each move of the cursor is told, at
//! a pace, and a sign of life when nothing moves. Alone nothing is told. Nothing is queued:
//! what is told is always how things are then.
//!
//! Invariants: only a visit that has named this one is shown; the presences of a visit count
//! up, so none is taken twice; a visit that left never comes back; who is not heard for
//! [`limits::PRESENCE_FADE_MS`] is not shown.

use super::{Here, Presence};
use crate::id::{DeviceId, NodeId, VisitId};
use crate::limits;

/// Visits of which the last count is remembered, so that they cannot be told again.
const REMEMBERED_MAX: usize = 4 * limits::PRESENCE_OTHERS_MAX;

/// One text that is open in one tab.
#[derive(Debug, Clone)]
pub struct Room {
    device: DeviceId,
    node: NodeId,
    visit: VisitId,
    count: u64,
    here: Here,
    /// In the order in which they were first heard; few, so that a list is enough.
    others: Vec<Other>,
    /// Something is to be told as soon as the pace allows it.
    owes: bool,
    /// When something was told last.
    told_ms: Option<i64>,
}

/// Another visit.
#[derive(Debug, Clone)]
struct Other {
    visit: VisitId,
    device: DeviceId,
    count: u64,
    heard_ms: i64,
    /// `None` if it left.
    here: Option<Here>,
    /// It is heard at the moment.
    is_near: bool,
    /// It named this visit, so it is really there.
    is_proven: bool,
}

/// Somebody who is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visitor {
    /// The opening of the text.
    pub visit: VisitId,
    /// The device.
    pub device: DeviceId,
    /// Where it is.
    pub here: Here,
}

/// What time brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// To be told now.
    pub told: Option<Presence>,
    /// Who is shown has changed.
    pub changed: bool,
}

impl Room {
    /// Enters a text; `visit` must be fresh and random.
    pub fn enter(device: DeviceId, node: NodeId, visit: VisitId, here: Here) -> Self {
        let others = Vec::new();
        Self { device, node, visit, count: 0, here, others, owes: true, told_ms: None }
    }

    /// The text.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The cursor has moved there.
    pub fn is_at(&mut self, here: Here) {
        self.owes |= self.has_company();
        self.here = here;
    }

    /// The line is there (again): whoever is here is to hear of this one.
    pub fn greet(&mut self) {
        self.owes = true;
    }

    /// The line is cut: nobody is here as far as can be known.
    pub fn is_cut_off(&mut self) {
        self.others.iter_mut().for_each(|other| other.is_near = false);
    }

    /// Hears a presence; says whether who is shown, or where, may have changed.
    pub fn hear(&mut self, presence: &Presence, now_ms: i64) -> bool {
        // The other tabs of this device are the same person at the same desk.
        if presence.node != self.node || presence.device == self.device {
            return false;
        }
        let names_this = presence.heard.contains(&self.visit);
        let is_here = presence.here.is_some();
        let known = self.others.iter_mut().find(|other| other.visit == presence.visit);
        let Some(other) = known else {
            if is_here && self.near().count() >= limits::PRESENCE_OTHERS_MAX {
                return false;
            }
            self.forget_oldest();
            self.owes |= is_here;
            self.others.push(Other {
                visit: presence.visit,
                device: presence.device,
                count: presence.count,
                heard_ms: now_ms,
                here: presence.here,
                is_near: is_here,
                is_proven: names_this,
            });
            return is_here && names_this;
        };
        let has_left = other.here.is_none();
        if presence.count <= other.count || other.device != presence.device || has_left {
            return false;
        }
        let was_shown = other.shown().is_some();
        other.count = presence.count;
        other.heard_ms = now_ms;
        other.here = presence.here;
        // It has not heard this one yet, or not any more.
        self.owes |= is_here && (!names_this || !other.is_near);
        other.is_near = is_here;
        other.is_proven |= names_this;
        was_shown || other.shown().is_some()
    }

    /// Lets time pass.
    pub fn tick(&mut self, now_ms: i64) -> Tick {
        let mut changed = false;
        for other in &mut self.others {
            // A clock that was set back makes nobody stay.
            other.heard_ms = other.heard_ms.min(now_ms);
            if other.is_near && now_ms - other.heard_ms >= limits::PRESENCE_FADE_MS {
                changed |= other.shown().is_some();
                other.is_near = false;
            }
        }
        self.told_ms = self.told_ms.map(|told_ms| told_ms.min(now_ms));
        let is_due = self.due_ms().is_some_and(|due_ms| due_ms <= now_ms);
        let told = is_due.then(|| {
            self.owes = false;
            self.told_ms = Some(now_ms);
            self.tell(Some(self.here))
        });
        Tick { told, changed }
    }

    /// When time is to be told next; `None` if nothing is due before something is heard.
    pub fn next_ms(&self) -> Option<i64> {
        let fades = self.near().map(|other| other.heard_ms + limits::PRESENCE_FADE_MS);
        fades.chain(self.due_ms()).min()
    }

    /// Leaves the text; what is to be told, if anybody is here.
    pub fn leave(mut self) -> Option<Presence> {
        self.has_company().then(|| self.tell(None))
    }

    /// Who is here, in the order in which they were first heard.
    pub fn visitors(&self) -> impl Iterator<Item = Visitor> {
        self.others.iter().filter_map(|other| {
            Some(Visitor { visit: other.visit, device: other.device, here: other.shown()? })
        })
    }

    fn near(&self) -> impl Iterator<Item = &Other> {
        self.others.iter().filter(|other| other.is_near)
    }

    fn has_company(&self) -> bool {
        self.near().next().is_some()
    }

    /// When something is to be told.
    fn due_ms(&self) -> Option<i64> {
        let pause_ms = match (self.owes, self.has_company()) {
            (true, _) => limits::PRESENCE_PACE_MS,
            (false, true) => limits::PRESENCE_ALIVE_MS,
            (false, false) => return None,
        };
        Some(self.told_ms.map_or(i64::MIN, |told_ms| told_ms + pause_ms))
    }

    fn tell(&mut self, here: Option<Here>) -> Presence {
        self.count += 1;
        let heard = self.near().map(|other| other.visit).collect();
        let (device, visit, count, node) = (self.device, self.visit, self.count, self.node);
        Presence { device, visit, count, node, here, heard }
    }

    /// Makes room to remember one more: of those who went, whoever came first is forgotten.
    fn forget_oldest(&mut self) {
        if self.others.len() >= REMEMBERED_MAX
            && let Some(gone) = self.others.iter().position(|other| !other.is_near)
        {
            self.others.remove(gone);
        }
    }
}

impl Other {
    /// Where it is, if it is shown.
    fn shown(&self) -> Option<Here> {
        self.here.filter(|_| self.is_near && self.is_proven)
    }
}

#[cfg(test)]
mod tests;

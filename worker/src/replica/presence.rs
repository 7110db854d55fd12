//! Who else is in the text that is in sight here: a room in memory, and presences sealed and
//! opened on their way.
//!
//! Nothing of it is stored, waits in the outbox or outlives the tab. What cannot be told now
//! is never told: when the line returns, it is how things are then that is. Presences of
//! another epoch than the last are not opened, so whoever was taken off is not heard.

use std::rc::Rc;

use offing_core::crypto::envelope;
use offing_core::id::{DeviceId, NodeId, VisitId};
use offing_core::presence::Presence;
use offing_core::presence::room::Room;
use offing_core::proto;

use super::Replica;
use crate::host::Host;

/// Most names that are remembered; then they are learned anew.
const NAMES_MAX: usize = 64;

/// Who else is in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    /// The text.
    pub node: NodeId,
    /// The version of it that positions are in.
    pub version: u32,
    /// Those who are there.
    pub visitors: Vec<Visitor>,
}

/// Somebody who has a text open elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// The opening of the text.
    pub visit: VisitId,
    /// The device.
    pub device: DeviceId,
    /// What people call it; empty if that is not known here.
    pub name: String,
    /// What is selected, from where to the cursor; `None` where that is not known here yet.
    pub cursor: Option<(u32, u32)>,
}

/// What this tab knows of others.
#[derive(Default)]
pub(super) struct Others {
    /// Of the text that is in sight.
    room: Option<Room>,
    /// What people call those who were heard.
    names: Vec<(DeviceId, String)>,
    tell: Option<Rc<dyn Fn(Vec<u8>)>>,
    show: Option<Rc<dyn Fn(Company)>>,
    /// Counts the timers, of which only the last one does anything.
    timer: u64,
}

impl Others {
    fn name(&self, device: DeviceId) -> Option<&String> {
        self.names.iter().find(|(of, _)| *of == device).map(|(_, name)| name)
    }
}

impl<H: Host> Replica<H> {
    /// Hands over what others are to be told (`proto::encode_told`), and who is there.
    pub fn on_presence(&self, tell: impl Fn(Vec<u8>) + 'static, show: impl Fn(Company) + 'static) {
        let mut others = self.others.borrow_mut();
        others.tell = Some(Rc::new(tell));
        others.show = Some(Rc::new(show));
    }

    /// The person has an open text in sight, and no other, with this selected in this version of it.
    pub fn attend(self: &Rc<Self>, node: NodeId, version: u32, selected: (u32, u32)) {
        let Some(here) = self.here(node, version, selected) else { return };
        let mut others = self.others.borrow_mut();
        match &mut others.room {
            Some(room) if room.node() == node => {
                // Of another version than this one the page tells once more before long.
                if here.cursor.is_some() {
                    room.is_at(here);
                }
            }
            room => {
                let visit = VisitId(self.host.random());
                let before = room.replace(Room::enter(self.device(), node, visit, here));
                self.tell_presence(before.and_then(Room::leave));
            }
        }
        drop(others);
        self.pass_time();
        self.show_company(node);
    }

    /// The person has left a text, or it is out of sight.
    pub fn part(self: &Rc<Self>, node: NodeId) {
        let room = self.others.borrow_mut().room.take_if(|room| room.node() == node);
        self.tell_presence(room.and_then(Room::leave));
    }

    /// The line is there: those who are in the same text are to hear of this device.
    pub fn greet(self: &Rc<Self>) {
        if let Some(room) = &mut self.others.borrow_mut().room {
            room.greet();
        }
        self.pass_time();
    }

    /// The line is cut: nobody is there as far as can be known.
    pub fn is_cut_off(&self) {
        let mut others = self.others.borrow_mut();
        let Some(room) = &mut others.room else { return };
        room.is_cut_off();
        let node = room.node();
        drop(others);
        self.show_company(node);
    }

    /// Hears what the live socket brings. What cannot be opened is passed over: anybody who
    /// reaches the socket may have made it.
    pub async fn hear_told(self: &Rc<Self>, told: &[u8]) {
        let Some(presence) = self.open_presence(told).await else { return };
        let device = presence.device;
        if self.others.borrow().name(device).is_none() {
            let name = self.device_name(device).await;
            let mut others = self.others.borrow_mut();
            if others.names.len() >= NAMES_MAX {
                others.names.clear();
            }
            others.names.push((device, name));
        }
        let mut others = self.others.borrow_mut();
        let Some(room) = &mut others.room else { return };
        let changed = room.hear(&presence, self.host.now_ms());
        drop(others);
        self.pass_time();
        if changed {
            self.show_company(presence.node);
        }
    }

    async fn open_presence(&self, told: &[u8]) -> Option<Presence> {
        let (vault, sealed) = proto::decode_told(told).ok()?;
        let (_, number) = envelope::peek(sealed).ok()?;
        let (current, epoch) = self.current_epoch().ok()?;
        if vault != self.vault || number != current || self.others.borrow().room.is_none() {
            return None;
        }
        let crypto = self.host.crypto();
        Presence::open(crypto, &epoch.secret, &vault, number, sealed).await.ok()
    }

    fn tell_presence(self: &Rc<Self>, presence: Option<Presence>) {
        let Some(presence) = presence else { return };
        let this = Rc::clone(self);
        self.host.spawn(async move {
            let Ok((number, epoch)) = this.current_epoch() else { return };
            let (crypto, salt) = (this.host.crypto(), this.host.random());
            let sealed = presence.seal(crypto, &epoch.secret, &this.vault, number, &salt).await;
            let tell = this.others.borrow().tell.clone();
            if let (Ok(sealed), Some(tell)) = (sealed, tell) {
                tell(proto::encode_told(&this.vault, &sealed));
            }
        });
    }

    /// Lets time pass in the room, and waits for what is due next.
    fn pass_time(self: &Rc<Self>) {
        let now_ms = self.host.now_ms();
        let mut others = self.others.borrow_mut();
        others.timer += 1;
        let timer = others.timer;
        let Some(room) = &mut others.room else { return };
        let (node, tick, next_ms) = (room.node(), room.tick(now_ms), room.next_ms());
        drop(others);
        self.tell_presence(tick.told);
        if tick.changed {
            self.show_company(node);
        }
        let Some(next_ms) = next_ms else { return };
        let this = Rc::clone(self);
        self.host.spawn(async move {
            this.host.sleep(u64::try_from(next_ms - now_ms).unwrap_or(0)).await;
            if this.others.borrow().timer == timer && !this.closed.get() {
                this.pass_time();
            }
        });
    }

    /// Says who is in a text, if it is the one in sight.
    pub(super) fn show_company(&self, node: NodeId) {
        let others = self.others.borrow();
        let (Some(room), Some(show)) = (&others.room, others.show.clone()) else { return };
        let (true, Some(version)) = (room.node() == node, self.text_version(node)) else { return };
        let visitors = room.visitors().map(|visitor| Visitor {
            visit: visitor.visit,
            device: visitor.device,
            name: others.name(visitor.device).cloned().unwrap_or_default(),
            cursor: self.positions(node, &visitor.here),
        });
        let visitors = visitors.collect();
        drop(others);
        show(Company { node, version, visitors });
    }
}

//! What the engine hears of the network: the live socket, and the browser's own word.
//!
//! Both only say that now is a good time to try; what is true is found out by trying.

use std::cell::Cell;
use std::rc::Rc;

use offing_core::sync::machine;

use super::Engine;
use crate::net::live::{Live, Signal};
use crate::platform::{js, random, timer};

impl Engine {
    /// Opens the live socket, and again whenever it closed.
    pub(super) fn listen_live(self: &Rc<Self>) {
        let weak = Rc::downgrade(self);
        let was_open = Cell::new(false);
        let live = Live::open(move |signal| {
            let Some(this) = weak.upgrade() else { return };
            let Ok(replica) = this.replica() else { return };
            match signal {
                Signal::Open => {
                    was_open.set(true);
                    this.live_backoff.borrow_mut().reset();
                    replica.tell(machine::Event::Nudge);
                    replica.greet();
                }
                Signal::Told(told) => {
                    wasm_bindgen_futures::spawn_local(async move {
                        replica.hear_told(&told).await;
                    });
                }
                Signal::Wake(wake) if wake.vault == replica.vault() => {
                    replica.tell(machine::Event::Wake(wake.seq));
                }
                Signal::Wake(_) => {}
                Signal::Closed { signed_out } => {
                    // A socket that breaks is the first sign of a lost server; one that
                    // never opened says nothing new.
                    if was_open.get() {
                        replica.tell(machine::Event::Nudge);
                        replica.is_cut_off();
                    }
                    if !signed_out {
                        this.listen_live_later();
                    }
                }
            }
        });
        // Replaced outside the borrow: dropping the old socket may call back.
        let before = self.live.borrow_mut().take();
        drop(before);
        *self.live.borrow_mut() = live.ok();
    }

    fn listen_live_later(self: &Rc<Self>) {
        let closed = self.live.borrow_mut().take();
        drop(closed);
        let dice = u64::from_be_bytes(random::array());
        let delay_ms = self.live_backoff.borrow_mut().next_delay_ms(dice, None);
        let again = Rc::downgrade(self);
        wasm_bindgen_futures::spawn_local(async move {
            timer::sleep_ms(u32::try_from(delay_ms).unwrap_or(u32::MAX)).await;
            if let Some(this) = again.upgrade() {
                this.listen_live_again();
            }
        });
    }

    /// Opens the live socket where a vault is open and the socket is not.
    fn listen_live_again(self: &Rc<Self>) {
        if self.opened.borrow().is_some() && self.live.borrow().is_none() {
            self.listen_live();
        }
    }

    /// Tries now: the network changed, or a person asked.
    pub(super) fn nudge(self: &Rc<Self>) {
        if let Ok(replica) = self.replica() {
            replica.tell(machine::Event::Nudge);
            self.listen_live_again();
        }
    }

    pub(super) fn listen_network(self: &Rc<Self>) {
        let weak = Rc::downgrade(self);
        let nudge = wasm_bindgen::closure::Closure::<dyn FnMut()>::new(move || {
            if let Some(this) = weak.upgrade() {
                this.nudge();
            }
        });
        for event in ["online", "offline"] {
            let listener = nudge.as_ref().clone();
            let listening = js::call(&self.scope, "addEventListener", &[event.into(), listener]);
            if let Err(error) = listening {
                web_sys::console::warn_1(&error);
            }
        }
        // Heard for as long as the worker lives.
        nudge.forget();
    }
}

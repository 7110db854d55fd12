//! The keys of a list, followed one after another, and the focus that goes with them.
//!
//! What a key does may need an answer of the engine first: a letter looks for a name, End
//! brings rows here. Keys pressed meanwhile wait their turn, so that somebody who types
//! `ga`, F2 renames what was found, however quick they are.

use std::collections::VecDeque;

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::open_menu;
use crate::app::Dialog;
use crate::components::listing::{Act, Listing};
use crate::components::menu::MenuAt;
use crate::platform::{dom, timer};
use crate::state::keys::{ListKey, Pick, list_key, moved};
use crate::state::rows::Rows;
use crate::state::selection::Selection;

/// Most keys that wait; more than a person has fingers for.
const WAITING_MAX: usize = 64;

/// The keyboard of one list.
#[derive(Clone, Copy)]
pub(super) struct Keyboard {
    listing: Listing,
    menu: RwSignal<Option<MenuAt>>,
    waiting: StoredValue<VecDeque<Press>>,
    following: StoredValue<bool>,
}

/// A key that was pressed.
enum Press {
    /// A letter; these are all so far.
    Letters(String),
    /// A key with a meaning.
    Key(ListKey),
}

impl Keyboard {
    /// The keyboard of a list and its menu.
    pub(super) fn new(listing: Listing, menu: RwSignal<Option<MenuAt>>) -> Self {
        let (waiting, following) = (StoredValue::new(VecDeque::new()), StoredValue::new(false));
        Self { listing, menu, waiting, following }
    }

    /// Takes a key, if it is one for the list.
    pub(super) fn press(self, event: &ev::KeyboardEvent) {
        if let Some(press) = self.meaning(event) {
            event.prevent_default();
            event.stop_propagation();
            self.enqueue(press);
        }
    }

    fn meaning(self, event: &ev::KeyboardEvent) -> Option<Press> {
        let in_row = dom::target(event)
            .is_some_and(|target| target.get_attribute("role").as_deref() == Some("row"));
        match dom::with_key(event, list_key) {
            // A space belongs to the name that is being typed.
            Some(ListKey::Toggle) if in_row && self.listing.is_typing() => {
                self.listing.typed(" ").map(Press::Letters)
            }
            // A button inside the list keeps its own Enter and Space.
            Some(ListKey::Open | ListKey::Toggle) if !in_row => None,
            Some(key) => Some(Press::Key(key)),
            None if in_row && !event.ctrl_key() && !event.meta_key() && !event.alt_key() => {
                self.listing.typed(&event.key()).map(Press::Letters)
            }
            None => None,
        }
    }

    fn enqueue(self, press: Press) {
        self.waiting.update_value(|waiting| {
            if waiting.len() < WAITING_MAX {
                waiting.push_back(press);
            }
        });
        if !self.following.get_value() {
            self.following.set_value(true);
            spawn_local(self.follow_all());
        }
    }

    async fn follow_all(self) {
        // Gone with the list, if a key leads away from it.
        while let Some(Some(press)) = self.waiting.try_update_value(VecDeque::pop_front) {
            match press {
                Press::Letters(prefix) => self.listing.find(prefix).await,
                Press::Key(key) => self.follow(key).await,
            }
        }
        self.following.try_set_value(false);
    }

    async fn follow(self, key: ListKey) {
        let listing = self.listing;
        let total = listing.rows.with_untracked(Rows::total);
        let focus = listing.selection.with_untracked(Selection::focus);
        let page = i64::from(untrack(|| listing.window().page_rows()));
        match key {
            ListKey::Move(by, pick) => {
                // The first arrow picks the row that has the focus.
                let fresh =
                    pick == Pick::Only && listing.selection.with_untracked(Selection::is_empty);
                let index = if fresh && by > 0 && focus == 0 { 0 } else { moved(focus, by, total) };
                self.go_to(index, pick).await;
            }
            ListKey::Page(by, pick) => self.go_to(moved(focus, by * page, total), pick).await,
            ListKey::First(pick) => self.go_to(0, pick).await,
            ListKey::Last(pick) => self.go_to(total.saturating_sub(1), pick).await,
            ListKey::Toggle => listing.pick(focus, Selection::toggle).await,
            ListKey::All => listing.pick_all().await,
            ListKey::Open => listing.act(Act::Open),
            ListKey::Details => self.change(Act::Details),
            ListKey::Rename => self.change(Act::Rename),
            ListKey::Delete => self.change(Act::Delete),
            ListKey::Cut => self.change(Act::Cut),
            ListKey::Copy => self.change(Act::Mark),
            ListKey::Paste => self.change(Act::Paste),
            ListKey::Search => dom::focus("[role=searchbox], input[type=search]"),
            ListKey::Help => listing.app.dialog.set(Some(Dialog::Help)),
            ListKey::Clear => {
                listing.selection.update(Selection::clear);
                listing.app.clipboard.set(None);
            }
            ListKey::Parent => self.go_up(),
            ListKey::Menu => self.open_menu_at(focus),
        }
    }

    /// Changes what is picked; what is in the trash is only restored.
    fn change(self, act: Act) {
        if self.listing.node != NodeId::TRASH {
            self.listing.act(act);
        }
    }

    fn go_up(self) {
        let path = self.listing.path.get_untracked();
        if let Some(parent) = path.iter().rev().nth(1) {
            self.listing.app.reveal.set(Some(self.listing.node));
            self.listing.app.open(parent.node);
        }
    }

    fn open_menu_at(self, index: u32) {
        let selector = format!("[data-index='{index}']");
        let row = document().query_selector(&selector).ok().flatten();
        if let Some(place) = row.map(|row| row.get_bounding_client_rect()) {
            let at = MenuAt { x: place.left() + 48.0, y: place.bottom() };
            open_menu(self.listing, self.menu, index, at, false);
        }
    }

    async fn go_to(self, index: u32, pick: Pick) {
        let listing = self.listing;
        match pick {
            Pick::Only => listing.pick(index, Selection::one).await,
            Pick::Range => listing.pick_range(index).await,
            Pick::Nothing => {
                listing.selection.update(|selection| selection.move_focus(index));
                listing.show_focus.update(|count| *count += 1);
            }
        }
    }
}

/// Scrolls to the row that has the focus and gives it the browser's focus.
pub(super) fn show_focus(listing: Listing, body: NodeRef<html::Div>) {
    Effect::new(move |_| {
        if listing.show_focus.get() == 0 {
            return;
        }
        let Some(body) = body.get_untracked() else {
            return;
        };
        let index = listing.selection.with_untracked(Selection::focus);
        let wanted = untrack(|| listing.window().scroll_to(index));
        if (wanted - f64::from(body.scroll_top())).abs() >= 1.0 {
            body.set_scroll_top(wanted.round() as i32);
            listing.scroll_px.set(f64::from(body.scroll_top()));
        }
        spawn_local(async move {
            // The row may have to be made first.
            timer::rendered().await;
            if dom::has_dialog() {
                return;
            }
            let selector = format!("[data-index='{index}']");
            let row = body.query_selector(&selector).ok().flatten();
            let row = row.or_else(|| body.closest("[role=grid]").ok().flatten());
            if let Some(row) = row.and_then(|row| row.dyn_into::<HtmlElement>().ok()) {
                let options = web_sys::FocusOptions::new();
                options.set_prevent_scroll(true);
                row.focus_with_options(&options).ok();
            }
        });
    });
}

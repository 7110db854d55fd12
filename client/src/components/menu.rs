//! The menu of a row, by right click, long press, its button, or Shift F10.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use offing_core::id::NodeId;
use offing_core::rpc::Kind;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::icon::icon;
use super::listing::{Act, Listing};
use crate::i18n::Msg;
use crate::state::selection::Selection;

/// Where a menu is open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MenuAt {
    /// From the left edge.
    pub(crate) x: f64,
    /// From the upper edge.
    pub(crate) y: f64,
}

impl MenuAt {
    /// Where a pointer is.
    pub(crate) fn of(event: &web_sys::MouseEvent) -> Self {
        Self { x: f64::from(event.client_x()), y: f64::from(event.client_y()) }
    }
}

/// Shows the menu while it is open.
pub(crate) fn menu(listing: Listing, at: RwSignal<Option<MenuAt>>) -> impl IntoView {
    let away = window_event_listener(ev::pointerdown, move |event| {
        let inside = crate::platform::dom::target(&event).is_some_and(|target| {
            target.closest("[role=menu], .menu-scrim").ok().flatten().is_some()
        });
        if !inside && at.get_untracked().is_some() {
            at.set(None);
        }
    });
    on_cleanup(move || away.remove());
    move || at.get().map(|place| open(listing, at, place))
}

fn open(listing: Listing, at: RwSignal<Option<MenuAt>>, place: MenuAt) -> impl IntoView {
    let app = listing.app;
    let items = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        let Some(menu) = items.get() else { return };
        // Inside the window, whatever its size.
        let (width, height) = (f64::from(menu.offset_width()), f64::from(menu.offset_height()));
        let inner = |size: Result<wasm_bindgen::JsValue, _>| {
            size.ok().and_then(|size| size.as_f64()).unwrap_or(0.0)
        };
        let x = place.x.min(inner(window().inner_width()) - width - 8.0).max(8.0);
        let y = place.y.min(inner(window().inner_height()) - height - 8.0).max(8.0);
        let style = menu.unchecked_ref::<HtmlElement>().style();
        style.set_property("left", &format!("{}px", x as i64)).ok();
        style.set_property("top", &format!("{}px", y as i64)).ok();
        focus_item(&menu, 0);
    });
    let lines: Vec<_> = acts(listing)
        .into_iter()
        .map(|(act, look, name)| {
            let danger = matches!(act, Act::Delete | Act::Purge);
            let class = if danger { "menu-item danger" } else { "menu-item" };
            view! {
                <button
                    type="button"
                    role="menuitem"
                    class=class
                    tabindex="-1"
                    on:click=move |_| {
                        at.set(None);
                        listing.act(act);
                    }
                >
                    {icon(look)}
                    <span>{app.t(name)}</span>
                </button>
            }
        })
        .collect();
    let picked = listing.picked();
    let title = match picked.as_slice() {
        [row] => row.name.clone(),
        rows => app.t(Msg::Items(rows.len() as u32)),
    };
    let press = move |event: ev::KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            "Escape" | "Tab" => {
                event.prevent_default();
                at.set(None);
                listing.show_focus.update(|count| *count += 1);
                return;
            }
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        if let Some(menu) = items.get_untracked() {
            focus_item(&menu, by);
        }
    };
    view! {
        <div class="menu-scrim" on:click=move |_| at.set(None)></div>
        <div class="menu" role="menu" aria-label=app.t(Msg::MoreActions) node_ref=items on:keydown=press>
            <p class="menu-title" aria-hidden="true">{title}</p>
            {lines}
        </div>
    }
}

/// Moves the focus among the items; by 0 to the first.
fn focus_item(menu: &web_sys::Element, by: i64) {
    let Ok(items) = menu.query_selector_all("[role=menuitem]") else {
        return;
    };
    let count = i64::from(items.length());
    let focused = document().active_element();
    let place = (0..items.length()).find(|place| {
        items.get(*place).as_ref() == focused.as_ref().map(|element| element.unchecked_ref())
    });
    let next = place.map_or(0, |place| (i64::from(place) + by).rem_euclid(count.max(1)));
    if let Some(item) = items.get(next as u32) {
        item.unchecked_ref::<HtmlElement>().focus().ok();
    }
}

fn acts(listing: Listing) -> Vec<(Act, &'static str, Msg<'static>)> {
    let picked = listing.picked();
    if listing.node == NodeId::TRASH {
        let restore = (Act::Restore, "archive-restore", Msg::Restore);
        return vec![restore, (Act::Purge, "trash-2", Msg::Purge)];
    }
    let one = picked.len() == 1;
    let mut acts = Vec::new();
    if one {
        acts.push((Act::Open, "folder-open", Msg::Open));
    }
    if listing.selection.with_untracked(Selection::is_empty) {
        acts.push((Act::Pick, "check", Msg::KeySelect));
    }
    if one && picked.iter().any(|row| row.two_versions) {
        acts.push((Act::Versions, "copy", Msg::TwoVersions));
    }
    if one && picked.iter().any(|row| row.kind != Kind::Folder) {
        acts.push((Act::History, "history", Msg::History));
    }
    if one && picked.iter().any(|row| row.kind == Kind::Folder) {
        acts.push((Act::Rewind, "history", Msg::Rewind));
    }
    acts.push((Act::Download, "download", Msg::Download));
    if one {
        acts.push((Act::Rename, "pencil", Msg::Rename));
    }
    acts.push((Act::Move, "folder-input", Msg::MoveTo));
    acts.push((Act::Copy, "copy", Msg::CopyTo));
    acts.push((Act::Cut, "scissors", Msg::CutOut));
    acts.push((Act::Mark, "clipboard", Msg::MarkCopy));
    if listing.app.clipboard.with_untracked(Option::is_some) {
        acts.push((Act::Paste, "clipboard-paste", Msg::Paste));
    }
    if picked.iter().any(|row| row.kind != Kind::Folder || !row.kept) {
        if picked.iter().all(|row| row.kept) {
            acts.push((Act::LetGo, "cloud", Msg::LetGoOf));
        } else {
            acts.push((Act::Keep, "pin", Msg::KeepHere));
        }
    }
    acts.push((Act::Delete, "trash-2", Msg::Delete));
    if one {
        acts.push((Act::Details, "info", Msg::Details));
    }
    acts
}

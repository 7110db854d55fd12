//! The list of a folder: an ARIA grid of which only the visible rows exist.

mod cells;
mod drag;
mod keyboard;

use cells::cells;
use drag::start_drag;
use keyboard::{Keyboard, show_focus};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use offing_core::rpc::{Kind, SortBy};

use super::drop_zone::{accept_over, drop_into};
use super::icon::icon;
use super::listing::Listing;
use super::menu::MenuAt;
use crate::i18n::Msg;
use crate::platform::{dom, timer};
use crate::state::rows::Rows;
use crate::state::selection::Selection;

/// Shows a list.
pub(crate) fn grid(listing: Listing, menu: RwSignal<Option<MenuAt>>) -> impl IntoView {
    let app = listing.app;
    let body = NodeRef::<html::Div>::new();
    watch_size(listing, body);
    show_focus(listing, body);
    let keyboard = Keyboard::new(listing, menu);
    let range = listing.range();
    let total = move || listing.rows.with(Rows::total);
    // Whole pixels: printing fractions would make the page 20 KiB larger.
    let height = move || format!("{}px", listing.window().height_px().ceil() as i64);
    view! {
        <div
            class="grid grow"
            role="grid"
            aria-label=app.t(Msg::Files)
            aria-multiselectable="true"
            aria-rowcount=move || (total() + 1).to_string()
            aria-colcount="4"
            aria-busy=move || (!listing.ready.get()).to_string()
            // A row has the focus where there is one; what an empty folder can do (paste,
            // go up) needs a place to press keys too.
            tabindex=move || if total() == 0 { "0" } else { "-1" }
            on:keydown=move |event| keyboard.press(&event)
        >
            {head(listing)}
            <div
                class="grid-body"
                role="rowgroup"
                node_ref=body
                on:scroll=move |_| {
                    if let Some(body) = body.get_untracked() {
                        listing.scroll_px.set(f64::from(body.scroll_top()));
                    }
                }
                on:click=move |event| {
                    // A click beside the rows lets go of everything.
                    if dom::target(&event).is_some_and(|target| target.closest("[role=row]").ok().flatten().is_none()) {
                        listing.selection.update(Selection::clear);
                    }
                }
            >
                <div class="grid-space" role="presentation" style:height=height>
                    <For
                        each=move || {
                            let (start, end) = range.get();
                            start..end
                        }
                        key=|index| *index
                        children=move |index| row(listing, menu, index)
                    />
                </div>
            </div>
        </div>
    }
}

fn head(listing: Listing) -> impl IntoView {
    let app = listing.app;
    let column = move |by: SortBy, name: Msg<'static>, class: &'static str| {
        let sorted = move || {
            let sort = listing.sort.get();
            match (sort.by == by, sort.descending) {
                (false, _) => "none",
                (true, false) => "ascending",
                (true, true) => "descending",
            }
        };
        view! {
            <div role="columnheader" class=class aria-sort=sorted>
                <button type="button" on:click=move |_| listing.sort_by(by)>{app.t(name)}</button>
                <span class="sort-mark" aria-hidden="true">
                    {move || match sorted() {
                        "ascending" => "↑",
                        "descending" => "↓",
                        _ => "",
                    }}
                </span>
            </div>
        }
    };
    let time = if listing.node == NodeId::TRASH { Msg::KeptUntil } else { Msg::Modified };
    view! {
        <div class="grid-head" role="row" aria-rowindex="1">
            {column(SortBy::Name, Msg::Name, "")}
            {column(SortBy::Size, Msg::Size, "wide-only")}
            {column(SortBy::Modified, time, "wide-only")}
            <div role="columnheader" aria-label=app.t(Msg::State)></div>
        </div>
    }
}

fn row(listing: Listing, menu: RwSignal<Option<MenuAt>>, index: u32) -> impl IntoView {
    let app = listing.app;
    let shown = Memo::new(move |_| listing.rows.with(|rows| rows.row(index).cloned()));
    let over = RwSignal::new(false);
    let node = move || shown.with_untracked(|row| row.as_ref().map(|row| row.node));
    let folder = move || {
        shown.with_untracked(|row| {
            row.as_ref().filter(|row| row.kind == Kind::Folder).map(|row| row.node)
        })
    };
    let selected = move || {
        shown
            .with(|row| row.as_ref().map(|row| row.node))
            .is_some_and(|node| listing.selection.with(|selection| selection.contains(node)))
    };
    let cut = move || {
        let node = shown.with(|row| row.as_ref().map(|row| row.node));
        app.clipboard.with(|clipboard| {
            clipboard
                .as_ref()
                .is_some_and(|clip| clip.cut && node.is_some_and(|node| clip.nodes.contains(&node)))
        })
    };
    let name = move || {
        shown.with(|row| row.as_ref().map_or_else(|| app.t(Msg::Loading), |row| row.name.clone()))
    };
    let top = move || format!("translateY({}px)", listing.window().offset_px(index).round() as i64);
    let tab = move || {
        if listing.selection.with(Selection::focus) == index { "0" } else { "-1" }
    };
    view! {
        <div
            class="grid-row"
            role="row"
            aria-rowindex=(index + 2).to_string()
            aria-label=name
            aria-selected=move || selected().to_string()
            data-index=index.to_string()
            tabindex=tab
            draggable="true"
            class:is-target=move || over.get()
            class:is-cut=cut
            style:transform=top
            on:click=move |event| click(listing, index, &event)
            on:dblclick=move |_| {
                if let Some(row) = shown.get_untracked() {
                    listing.open_row(&row);
                }
            }
            on:contextmenu=move |event| {
                event.prevent_default();
                open_menu(listing, menu, index, MenuAt::of(&event), dom::is_touch(&event));
            }
            on:dragstart=move |event| start_drag(listing, shown.get_untracked(), index, &event)
            on:dragend=move |_| app.dragged.update(Vec::clear)
            on:dragover=move |event| {
                let accepts = folder().is_some_and(|folder| accept_over(app, &event, folder));
                if over.get_untracked() != accepts {
                    over.set(accepts);
                }
            }
            on:dragleave=move |_| over.set(false)
            on:drop=move |event| {
                over.set(false);
                if let Some(folder) = folder() {
                    drop_into(app, &event, folder);
                }
            }
        >
            {move || shown.get().map(|row| cells(listing, &row))}
            <div role="gridcell" class="cell row-end">
                <button
                    type="button"
                    class="button quiet icon-only row-menu"
                    tabindex="-1"
                    aria-label=app.t(Msg::MoreActions)
                    on:click=move |event| {
                        event.stop_propagation();
                        if node().is_some() {
                            open_menu(listing, menu, index, MenuAt::of(&event), dom::is_touch(&event));
                        }
                    }
                >
                    {icon("ellipsis-vertical")}
                </button>
            </div>
        </div>
    }
}

fn click(listing: Listing, index: u32, event: &web_sys::MouseEvent) {
    let toggle = event.ctrl_key() || event.meta_key();
    let touch = dom::is_touch(event);
    if touch && listing.selection.with_untracked(Selection::is_empty) {
        if let Some(row) = listing.rows.with_untracked(|rows| rows.row(index).cloned()) {
            listing.open_row(&row);
        }
    } else if event.shift_key() {
        spawn_local(listing.pick_range(index));
    } else {
        let how = if toggle || touch { Selection::toggle } else { Selection::one };
        spawn_local(listing.pick(index, how));
    }
}

/// Opens the menu of a row. The mouse and the keys pick the row; a finger does not, since
/// while something is picked its taps add to the selection instead of opening.
fn open_menu(
    listing: Listing,
    menu: RwSignal<Option<MenuAt>>,
    index: u32,
    place: MenuAt,
    touch: bool,
) {
    let row = listing.rows.with_untracked(|rows| rows.row(index).cloned());
    let Some(row) = row else { return };
    if !listing.selection.with_untracked(|selection| selection.contains(row.node)) {
        listing.selection.update(|selection| {
            if touch {
                selection.clear();
                selection.move_focus(index);
            } else {
                selection.one(index, row);
            }
        });
    }
    menu.set(Some(place));
}

/// Keeps the height of what is visible up to date.
fn watch_size(listing: Listing, body: NodeRef<html::Div>) {
    let measure = move || {
        let row_px = dom::row_px();
        if (row_px - listing.row_px.get_untracked()).abs() > 0.5 {
            listing.row_px.set(row_px);
        }
        if let Some(body) = body.get_untracked() {
            let height = f64::from(body.client_height());
            if height > 0.0 && (height - listing.view_px.get_untracked()).abs() > 0.5 {
                listing.view_px.set(height);
            }
        }
    };
    Effect::new(move |_| {
        body.track();
        listing.ready.track();
        spawn_local(async move {
            timer::frame().await;
            if !listing.view_px.is_disposed() {
                measure();
            }
        });
    });
    // The window, the tray and banners all change how much of the list is visible.
    let watch = dom::watch_size(measure);
    Effect::new(move |_| {
        if let (Some(body), Some(watch)) = (body.get(), &watch) {
            watch.observe(&body);
        }
    });
}

//! Dropping: files from outside anywhere in the window, rows onto folders.

use leptos::ev;
use leptos::prelude::*;
use offing_core::id::NodeId;
use web_sys::DragEvent;

use crate::app::{App, actions};
use crate::i18n::Msg;
use crate::platform::drop;

/// Says whether a drag may be dropped on a folder, and tells the browser so.
pub(crate) fn accept_over(app: App, event: &DragEvent, folder: NodeId) -> bool {
    let Some(data) = event.data_transfer() else {
        return false;
    };
    let inside = app.dragged.with_untracked(|nodes| !nodes.is_empty() && !nodes.contains(&folder));
    let files = drop::has_files(&data);
    if !(inside || files) || folder == NodeId::RECOVERED {
        return false;
    }
    event.prevent_default();
    event.stop_propagation();
    data.set_drop_effect(if files || event.ctrl_key() { "copy" } else { "move" });
    true
}

/// Takes a drop on a folder: rows move (or are copied, with Ctrl), files are uploaded.
pub(crate) fn drop_into(app: App, event: &DragEvent, folder: NodeId) {
    let Some(data) = event.data_transfer() else {
        return;
    };
    event.prevent_default();
    event.stop_propagation();
    let nodes = app.dragged.try_update(std::mem::take).unwrap_or_default();
    if nodes.is_empty() {
        if drop::has_files(&data) && folder != NodeId::TRASH {
            actions::upload_drop(app, folder, drop::take(&data));
        }
    } else if folder == NodeId::TRASH {
        actions::trash(app, nodes);
    } else if event.ctrl_key() {
        actions::copy_to(app, nodes, folder);
    } else {
        actions::move_to(app, nodes, folder);
    }
}

/// Makes the whole window take files for the folder that is shown.
pub(crate) fn drop_zone(app: App) -> impl IntoView {
    let over = RwSignal::new(false);
    let files =
        |event: &DragEvent| event.data_transfer().is_some_and(|data| drop::has_files(&data));
    let on_over = window_event_listener(ev::dragover, move |event| {
        if files(&event) {
            // Even where nothing takes them: the browser would leave the page for the file.
            event.prevent_default();
            let takes = app.folder.get_untracked().is_some();
            if over.get_untracked() != takes {
                over.set(takes);
            }
        }
    });
    let on_leave = window_event_listener(ev::dragleave, move |event| {
        if event.related_target().is_none() {
            over.set(false);
        }
    });
    let on_drop = window_event_listener(ev::drop, move |event| {
        over.set(false);
        if event.default_prevented() || !files(&event) {
            return;
        }
        event.prevent_default();
        if let (Some(folder), Some(data)) = (app.folder.get_untracked(), event.data_transfer()) {
            actions::upload_drop(app, folder, drop::take(&data));
        }
    });
    on_cleanup(move || {
        on_over.remove();
        on_leave.remove();
        on_drop.remove();
    });
    view! {
        <Show when=move || over.get()>
            <div class="drop-zone"><span>{app.t(Msg::DropHere)}</span></div>
        </Show>
    }
}

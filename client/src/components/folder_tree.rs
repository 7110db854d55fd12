//! The dialog that asks for a folder: where to move or copy to.
//!
//! A tree that is read folder by folder, as it is unfolded, and large folders window by
//! window, as more is asked for.

use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;

use super::icon::icon;
use super::modal::modal;
use crate::app::{App, actions};
use crate::i18n::Msg;
use crate::platform::dom;

/// Asks where to move nodes (or copy them) to.
pub(crate) fn choose_folder(app: App, nodes: Vec<NodeId>, copy: bool) -> AnyView {
    let chosen = RwSignal::new(NodeId::ROOT);
    let count = nodes.len() as u32;
    let moving = StoredValue::new(nodes);
    let go = move |_| {
        app.dialog.set(None);
        let nodes = moving.get_value();
        let to = chosen.get_untracked();
        if copy { actions::copy_to(app, nodes, to) } else { actions::move_to(app, nodes, to) }
    };
    let content = view! {
        <p>{app.t(if copy { Msg::CopyWhere(count) } else { Msg::MoveWhere(count) })}</p>
        <ul role="tree" class="tree scroll" aria-label=app.t(Msg::Folders) on:keydown=walk>
            {branch(app, NodeId::ROOT, app.t(Msg::Root), 1, chosen, moving)}
        </ul>
        <div class="dialog-actions">
            <button type="button" class="button" on:click=move |_| app.dialog.set(None)>
                {app.t(Msg::Cancel)}
            </button>
            <button type="button" class="button primary" on:click=go>
                {app.t(if copy { Msg::CopyHere } else { Msg::MoveHere })}
            </button>
        </div>
    };
    let title = app.t(if copy { Msg::CopyTo } else { Msg::MoveTo });
    modal(title, "dialog", move || app.dialog.set(None), content).into_any()
}

/// Takes the focus to the folder above or below, as an arrow says.
fn walk(event: leptos::ev::KeyboardEvent) {
    let by = match event.key().as_str() {
        "ArrowDown" => 1,
        "ArrowUp" => -1,
        _ => return,
    };
    event.prevent_default();
    dom::focus_next(".tree .tree-name", by);
}

fn branch(
    app: App,
    node: NodeId,
    name: String,
    level: u32,
    chosen: RwSignal<NodeId>,
    moving: StoredValue<Vec<NodeId>>,
) -> AnyView {
    let open = RwSignal::new(level == 1);
    let folders = RwSignal::new(Vec::<(NodeId, String)>::new());
    let next = RwSignal::new(Some(0));
    let read = move || {
        let Some(start) = next.try_update(Option::take).flatten() else {
            return;
        };
        spawn_local(async move {
            match actions::subfolders(node, start).await {
                Ok(found) => {
                    folders.try_update(|folders| folders.extend(found.folders));
                    next.try_set(found.next);
                }
                Err(fault) => app.failed(&fault),
            }
        });
    };
    Effect::new(move |_| {
        if open.get() && next.get_untracked() == Some(0) {
            read();
        }
    });
    let below = move || {
        open.get().then(|| {
            // A folder cannot go into itself, so what moves is not offered.
            let offered = move || {
                let mut known = folders.get();
                known.retain(|(node, _)| !moving.with_value(|nodes| nodes.contains(node)));
                known
            };
            let more = move || {
                next.get().is_some_and(|start| start > 0).then(|| {
                    view! {
                        <li role="none">
                            <button type="button" class="button quiet tree-name" on:click=move |_| read()>
                                {app.t(Msg::MoreFolders)}
                            </button>
                        </li>
                    }
                })
            };
            view! {
                <ul role="group">
                    <For each=offered key=|(node, _)| *node let((node, name))>
                        {branch(app, node, name, level + 1, chosen, moving)}
                    </For>
                    {more}
                </ul>
            }
        })
    };
    let on_key = move |event: leptos::ev::KeyboardEvent| match event.key().as_str() {
        "ArrowRight" => open.set(true),
        "ArrowLeft" => open.set(false),
        _ => {}
    };
    let label = name.clone();
    view! {
        <li
            role="treeitem"
            aria-label=label
            attr:aria-level=level.to_string()
            aria-expanded=move || open.get().to_string()
            aria-selected=move || (chosen.get() == node).to_string()
        >
            <div class="row-line tree-line" class:is-target=move || chosen.get() == node>
                <button
                    type="button"
                    class="button quiet icon-only"
                    tabindex="-1"
                    aria-label=app.t(Msg::Unfold)
                    on:click=move |_| open.update(|open| *open = !*open)
                >
                    {move || if open.get() { icon("chevron-down").into_any() } else { icon("chevron-right").into_any() }}
                </button>
                <button
                    type="button"
                    class="tree-name grow"
                    autofocus=level == 1
                    on:click=move |_| chosen.set(node)
                    on:dblclick=move |_| open.set(true)
                    on:keydown=on_key
                >
                    {icon("folder")}
                    <span>{name}</span>
                </button>
            </div>
            {below}
        </li>
    }
    .into_any()
}

//! The dialog that lists the keys.

use leptos::prelude::*;

use super::modal::modal;
use crate::app::App;
use crate::i18n::Msg;

/// Shows the keys.
pub(crate) fn help(app: App) -> AnyView {
    let keys = [
        ("↑ ↓", Msg::KeyMove),
        ("Enter", Msg::KeyOpen),
        ("Space", Msg::KeySelect),
        ("Shift / Ctrl", Msg::KeyRange),
        ("Ctrl A", Msg::KeyAll),
        ("Alt Enter", Msg::Details),
        ("*", Msg::KeyStar),
        ("F2", Msg::Rename),
        ("Del", Msg::Delete),
        ("Ctrl X / C / V", Msg::KeyClipboard),
        ("/  Ctrl K", Msg::Search),
        ("Alt ↑", Msg::KeyParent),
        ("Shift F10", Msg::KeyMenu),
        ("A … Z", Msg::KeyTypeAhead),
        ("Esc", Msg::KeyClear),
        ("?", Msg::Help),
    ];
    let rows: Vec<_> = keys
        .into_iter()
        .map(|(key, says)| {
            view! { <dt><kbd class="kbd">{key}</kbd></dt><dd>{app.t(says)}</dd> }
        })
        .collect();
    let content = view! {
        <dl class="key-list">{rows}</dl>
        <div class="dialog-actions">
            <button type="button" class="button primary" on:click=move |_| app.dialog.set(None)>
                {app.t(Msg::Close)}
            </button>
        </div>
    };
    modal(app.t(Msg::Help), "dialog", move || app.dialog.set(None), content).into_any()
}

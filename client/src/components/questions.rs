//! Dialogs that ask or tell one thing: names that exist, what waits, what would be lost.

use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use offing_core::rpc::{Clash, Command, Fault, Reply, SyncState};

use super::modal::modal;
use crate::app::{App, Dialog, actions};
use crate::i18n::Msg;
use crate::platform::engine;
use crate::state::measure;

/// How many names a question lists.
const NAMES_SHOWN: usize = 8;

/// Asks, once for a batch, what to do with names that exist.
pub(crate) fn clash(app: App, names: Vec<String>) -> AnyView {
    let more = names.len().saturating_sub(NAMES_SHOWN);
    let count = names.len() as u32;
    let shown: Vec<_> =
        names.into_iter().take(NAMES_SHOWN).map(|name| view! { <li>{name}</li> }).collect();
    let choose = move |clash: Option<Clash>| move |_| actions::answer_clash(app, clash);
    let content = view! {
        <p>{app.t(Msg::NamesExist(count))}</p>
        <ul class="name-list">{shown}</ul>
        {(more > 0).then(|| view! { <p class="hint">{app.t(Msg::AndMore(more as u32))}</p> })}
        <div class="dialog-actions">
            <button type="button" class="button" on:click=choose(None)>{app.t(Msg::Cancel)}</button>
            <button type="button" class="button" on:click=choose(Some(Clash::Skip))>
                {app.t(Msg::SkipThese)}
            </button>
            <button type="button" class="button" on:click=choose(Some(Clash::Replace))>
                {app.t(Msg::Replace)}
            </button>
            <button type="button" class="button primary" autofocus=true on:click=choose(Some(Clash::KeepBoth))>
                {app.t(Msg::KeepBoth)}
            </button>
        </div>
    };
    let close = move || actions::answer_clash(app, None);
    modal(app.t(Msg::NamesExistTitle), "dialog", close, content).into_any()
}

/// Asks whether to download without the files that cannot be had now.
pub(crate) fn incomplete(app: App, nodes: Vec<NodeId>, paths: Vec<String>, count: u32) -> AnyView {
    let more = (count as usize).saturating_sub(paths.len().min(NAMES_SHOWN));
    let shown: Vec<_> =
        paths.into_iter().take(NAMES_SHOWN).map(|path| view! { <li>{path}</li> }).collect();
    let go = move |_| {
        app.dialog.set(None);
        actions::download_rest(app, nodes.clone());
    };
    let content = view! {
        <p>{app.t(Msg::IncompleteWhy(count))}</p>
        <ul class="name-list">{shown}</ul>
        {(more > 0).then(|| view! { <p class="hint">{app.t(Msg::AndMore(more as u32))}</p> })}
        <div class="dialog-actions">
            <button type="button" class="button" autofocus=true on:click=move |_| app.dialog.set(None)>
                {app.t(Msg::Cancel)}
            </button>
            <button type="button" class="button primary" on:click=go>
                {app.t(Msg::DownloadOthers)}
            </button>
        </div>
    };
    modal(app.t(Msg::Incomplete), "dialog", move || app.dialog.set(None), content).into_any()
}

/// Shows what waits to be saved on the server.
pub(crate) fn queue(app: App) -> AnyView {
    let pending = RwSignal::new(None);
    Effect::new(move |_| {
        // Read again whenever the status changes.
        app.status.track();
        spawn_local(async move {
            let answer = engine::call(Command::Queue).await;
            if let Ok(Reply::Queue(found)) = answer {
                pending.try_set(Some(found));
            }
        });
    });
    let list = move || match pending.get() {
        None => ().into_any(),
        Some(found) if found.is_empty() => ().into_any(),
        Some(found) => {
            let lines: Vec<_> = found
                .into_iter()
                .take(200)
                .map(|item| {
                    let size = (item.bytes > 0).then(|| measure::bytes(item.bytes));
                    view! {
                        <li class="row-line">
                            <span class="grow">{item.name}</span>
                            <span class="hint">{size}</span>
                        </li>
                    }
                })
                .collect();
            view! { <ul class="name-list scroll">{lines}</ul> }.into_any()
        }
    };
    let content = view! {
        <p>{move || app.t(Msg::PillHint(crate::state::status::pill(app.status.get())))}</p>
        {list}
        <div class="dialog-actions">
            {move || (app.status.get().pending > 0 || app.status.get().state == SyncState::Offline).then(|| view! {
                <button type="button" class="button" on:click=move |_| engine::tell(Command::Nudge)>
                    {app.t(Msg::SyncNow)}
                </button>
            })}
            <button type="button" class="button primary" on:click=move |_| app.dialog.set(None)>
                {app.t(Msg::Close)}
            </button>
        </div>
    };
    modal(app.t(Msg::SyncStatus), "dialog", move || app.dialog.set(None), content).into_any()
}

/// Signs out; asks first if that would lose work.
pub(crate) fn sign_out(app: App, anyway: bool) {
    spawn_local(async move {
        match engine::call(Command::SignOut { anyway }).await {
            Ok(_) => {
                app.dialog.set(None);
                crate::app::enter(app, offing_core::rpc::Session::SignedOut);
                app.go(crate::state::route::Route::Home);
            }
            Err(Fault::Unsynced { pending }) => {
                app.dialog.set(Some(Dialog::SignOut(pending)));
            }
            Err(fault) => app.failed(&fault),
        }
    });
}

/// Asks whether to sign out and lose changes.
pub(crate) fn sign_out_question(app: App, pending: u32) -> AnyView {
    let names = [Msg::SignOut, Msg::SignOutLoses(pending), Msg::SignOutAnyway, Msg::StaySignedIn];
    question(app, names, Box::new(move || sign_out(app, true)))
}

/// Asks whether to delete for good.
pub(crate) fn purge(app: App, fault: Fault) -> AnyView {
    let names = [Msg::PurgeNow, Msg::Fault(&fault), Msg::PurgeNow, Msg::Cancel];
    let Fault::ForGood { nodes, .. } = fault.clone() else { return ().into_any() };
    let go = move || {
        app.dialog.set(None);
        actions::ask(app, Command::Purge { nodes: nodes.clone(), sure: true });
    };
    question(app, names, Box::new(go))
}

/// Asks, once, before something that loses: a title, what it does, and what to do and not to do
/// it is called.
pub(crate) fn question(
    app: App,
    [title, why, yes, no]: [Msg<'_>; 4],
    go: Box<dyn Fn()>,
) -> AnyView {
    let asked = RwSignal::new(false);
    let answer = move |_| {
        asked.set(true);
        go();
    };
    let content = view! {
        <p>{app.t(why)}</p>
        <div class="dialog-actions">
            <button type="button" class="button danger" disabled=move || asked.get() on:click=answer>
                {app.t(yes)}
            </button>
            <button type="button" class="button primary" autofocus=true on:click=move |_| app.dialog.set(None)>
                {app.t(no)}
            </button>
        </div>
    };
    modal(app.t(title), "dialog", move || app.dialog.set(None), content).into_any()
}

//! What to do with a server that was restored from a backup.

use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::rpc::{Command, Lacking, Reply};

use super::modal::modal;
use crate::app::{App, Dialog};
use crate::i18n::Msg;
use crate::platform::engine;

/// The button in the banner that asks.
pub(crate) fn ask(app: App) -> impl IntoView {
    view! {
        <button
            type="button"
            class="button"
            on:click=move |_| app.dialog.set(Some(Dialog::Restored))
        >
            {app.t(Msg::GiveBackAsk)}
        </button>
    }
}

/// Shows what the server lacks, gives it back, and goes on.
pub(crate) fn dialog(app: App) -> AnyView {
    let found = RwSignal::new(None::<Lacking>);
    let working = RwSignal::new(false);
    let tell = move |command: Command| {
        working.set(true);
        spawn_local(async move {
            match engine::call(command).await {
                Ok(Reply::Lacking(lacking)) => drop(found.try_set(Some(lacking))),
                Ok(_) => app.dialog.set(None),
                Err(fault) => app.failed(&fault),
            }
            working.try_set(false);
        });
    };
    tell(Command::Lacking);
    let text = move || match found.get() {
        None => app.t(Msg::Loading),
        Some(lacking) => app.t(Msg::Lacking(lacking)),
    };
    let next = move || {
        let (command, label) = match found.get()? {
            Lacking { entries: 0, .. } => (Command::GoOn, Msg::GoOn),
            Lacking { kept: true, .. } => (Command::GiveBack, Msg::GiveBack),
            Lacking { kept: false, .. } => return None,
        };
        Some(view! {
            <button
                type="button"
                class="button primary"
                disabled=move || working.get()
                on:click=move |_| tell(command.clone())
            >
                {app.t(label)}
            </button>
        })
    };
    let content = view! {
        <p role="status">{text}</p>
        <div class="dialog-actions">
            <button type="button" class="button" autofocus=true on:click=move |_| app.dialog.set(None)>
                {app.t(Msg::NotNow)}
            </button>
            {next}
        </div>
    };
    let title = app.t(Msg::ServerRestored);
    modal(title, "dialog", move || app.dialog.set(None), content).into_any()
}

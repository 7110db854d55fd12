//! Dialogs that ask for a name: a new folder, a new text file, a rename.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use offing_core::portable;
use offing_core::rpc::{ActionId, Command, Fault, Kind, Reply};

use super::modal::modal;
use crate::app::{App, Dialog};
use crate::i18n::Msg;
use crate::platform::engine;
use crate::state::measure;

/// Shows the dialog for what is to be named.
pub(crate) fn naming(app: App, dialog: Dialog) -> AnyView {
    let (title, button, first, select) = match &dialog {
        Dialog::NewFolder(_) => (Msg::NewFolder, Msg::Create, String::new(), 0),
        Dialog::NewText(_) => (Msg::NewTextFile, Msg::Create, app.t(Msg::NewTextName), u32::MAX),
        Dialog::Rename(row) => {
            let stem = measure::stem_utf16(&row.name, row.kind);
            (Msg::Rename, Msg::Rename, row.name.clone(), stem)
        }
        _ => return ().into_any(),
    };
    let select = if select == u32::MAX { measure::stem_utf16(&first, Kind::Text) } else { select };
    let name = RwSignal::new(first);
    let problem = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let input = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        if let Some(input) = input.get() {
            spawn_local(async move {
                // Once the dialog is open, which sets the focus too.
                crate::platform::timer::rendered().await;
                input.focus().ok();
                input.set_selection_range(0, select).ok();
            });
        }
    });
    // The name is fit; that another system cannot hold it is only good to know.
    let hint = move || {
        let found = name.with(|name| portable::problem(name.trim()));
        found.map(|found| app.t(Msg::NameUnportable(found)))
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let typed = name.get_untracked().trim().to_owned();
        if let Err(reason) = measure::check_name(&typed) {
            problem.set(Some(app.t(Msg::NameUnfit(reason))));
            return;
        }
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let dialog = dialog.clone();
        spawn_local(async move {
            match carry_out(&dialog, typed).await {
                Ok(named) => {
                    app.dialog.set(None);
                    named.show(app);
                }
                Err(fault) => {
                    busy.try_set(false);
                    problem.try_set(Some(app.t(Msg::Fault(&fault))));
                }
            }
        });
    };
    let content = view! {
        <form class="stack" on:submit=submit novalidate=true>
            <div class="field">
                <label for="naming-name">{app.t(Msg::Name)}</label>
                <input
                    id="naming-name"
                    class="input"
                    node_ref=input
                    autocomplete="off"
                    spellcheck="false"
                    aria-invalid=move || problem.with(Option::is_some).to_string()
                    aria-describedby="naming-problem naming-hint"
                    prop:value=move || name.get()
                    on:input=move |event| {
                        name.set(event_target_value(&event));
                        problem.set(None);
                    }
                />
                <p id="naming-problem" class="error" role="alert">{move || problem.get()}</p>
                <p id="naming-hint" class="hint" role="status">{hint}</p>
            </div>
            <div class="dialog-actions">
                <button type="button" class="button" on:click=move |_| app.dialog.set(None)>
                    {app.t(Msg::Cancel)}
                </button>
                <button type="submit" class="button primary">{app.t(button)}</button>
            </div>
        </form>
    };
    modal(app.t(title), "dialog", move || app.dialog.set(None), content).into_any()
}

/// What came of the dialog.
enum Named {
    Nothing,
    Created(NodeId, ActionId),
    Renamed(ActionId),
}

impl Named {
    fn show(self, app: App) {
        match self {
            Self::Nothing => {}
            Self::Created(node, action) => {
                app.reveal.set(Some(node));
                app.done(Msg::Created, Some(action));
            }
            Self::Renamed(action) => app.done(Msg::Renamed, Some(action)),
        }
    }
}

async fn carry_out(dialog: &Dialog, name: String) -> Result<Named, Fault> {
    let command = match dialog {
        Dialog::NewFolder(parent) => Command::CreateFolder { parent: *parent, name },
        Dialog::NewText(parent) => Command::CreateText { parent: *parent, name },
        Dialog::Rename(row) if row.name != name => Command::Rename { node: row.node, name },
        _ => return Ok(Named::Nothing),
    };
    Ok(match engine::call(command).await? {
        Reply::Created { node, action } => Named::Created(node, action),
        Reply::Changed { action, .. } => Named::Renamed(action),
        _ => Named::Nothing,
    })
}

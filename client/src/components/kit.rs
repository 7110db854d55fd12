//! The recovery kit: shown once after sign-up, downloaded, and read back.
//!
//! The code is hidden once it was downloaded or typing has begun, so that reading it back
//! proves that it is kept elsewhere.

use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::rpc::{Command, Fault, Session};

use super::modal::modal;
use crate::app::{App, Kit};
use crate::i18n::Msg;
use crate::platform::{download, engine};

/// Shows the recovery kit.
pub(crate) fn kit(app: App, kit: Kit) -> AnyView {
    let hidden = RwSignal::new(false);
    let typed = RwSignal::new(String::new());
    let problem = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let known = kit.code.is_some();
    let shown = kit.code.clone();
    let save = move |_| {
        let Some(code) = kit.code.clone() else { return };
        hidden.set(true);
        spawn_local(async move {
            let username = match app.session.get_untracked() {
                Some(Session::SignedIn { username, .. }) => username,
                Some(Session::SignedOut) | None => String::new(),
            };
            let address = window().location().origin().unwrap_or_default();
            let text = app.t(Msg::KitText { username: &username, code: &code, address: &address });
            if download::save_text("offing-recovery-kit.txt", &text).await.is_err() {
                app.failed(&Fault::Unsupported);
            }
        });
    };
    let confirm = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn_local(async move {
            let code = typed.get_untracked();
            let result = engine::call(Command::ConfirmKit { code }).await;
            busy.try_set(false);
            match result {
                Ok(_) => {
                    app.session.update(|session| {
                        if let Some(Session::SignedIn { kit_confirmed, .. }) = session {
                            *kit_confirmed = true;
                        }
                    });
                    app.kit.set(None);
                }
                Err(fault) => {
                    problem.try_set(Some(app.t(Msg::Fault(&fault))));
                }
            }
        });
    };
    let code = move || {
        let code = shown.clone()?;
        Some(if hidden.get() {
            view! {
                <div class="spread">
                    <p class="hint">{app.t(Msg::CodeHidden)}</p>
                    <button type="button" class="button quiet" on:click=move |_| hidden.set(false)>
                        {app.t(Msg::ShowCode)}
                    </button>
                </div>
            }
            .into_any()
        } else {
            view! { <p class="code-line"><code>{code}</code></p> }.into_any()
        })
    };
    let content = view! {
        <p>{app.t(if known { Msg::KitWhy } else { Msg::KitReadBackOnly })}</p>
        {code}
        {known.then(|| view! {
            <div class="cluster">
                <button type="button" class="button primary" on:click=save>{app.t(Msg::DownloadKit)}</button>
            </div>
        })}
        <form class="stack" on:submit=confirm novalidate=true>
            <div class="field">
                <label for="kit-code">{app.t(Msg::RecoveryCode)}</label>
                <input
                    id="kit-code"
                    class="input"
                    autocomplete="off"
                    autocapitalize="characters"
                    spellcheck="false"
                    aria-invalid=move || problem.with(Option::is_some).to_string()
                    aria-describedby="kit-hint kit-problem"
                    prop:value=move || typed.get()
                    on:input=move |event| {
                        typed.set(event_target_value(&event));
                        problem.set(None);
                        hidden.set(true);
                    }
                />
                <p id="kit-hint" class="hint">{app.t(Msg::ReadBackHint)}</p>
                <p id="kit-problem" class="error" role="alert">{move || problem.get()}</p>
            </div>
            <div class="dialog-actions">
                {(!known).then(|| view! {
                    <button type="button" class="button" on:click=move |_| app.kit.set(None)>
                        {app.t(Msg::Later)}
                    </button>
                })}
                <button type="submit" class="button primary" prop:disabled=move || busy.get()>
                    {app.t(Msg::Continue)}
                </button>
            </div>
        </form>
    };
    let close = move || {
        if !known {
            app.kit.set(None);
        }
    };
    modal(app.t(Msg::RecoveryKit), "dialog", close, content).into_any()
}

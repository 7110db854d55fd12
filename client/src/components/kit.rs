//! The recovery kit: shown once, downloaded, and read back; or made anew.
//!
//! The code is hidden once it was downloaded or typing has begun, so that reading it back
//! proves that it is kept elsewhere.

use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::rpc::{Command, Fault, KitState, Reply, Session};

use super::modal::modal;
use crate::app::{App, Kit, enter};
use crate::i18n::Msg;
use crate::platform::{download, engine};

/// Shows the recovery kit, or asks for what makes or confirms one.
pub(crate) fn kit(app: App, kit: Kit) -> AnyView {
    let hidden = RwSignal::new(false);
    // A code that nobody has kept yet is not dismissed by a key.
    let may_close = !matches!(kit, Kit::Show(_));
    let content = match kit {
        Kit::Show(code) => view! {
            <p>{app.t(Msg::KitWhy)}</p>
            {code_box(app, code.clone(), hidden)}
            <div class="cluster">
                <button type="button" class="button primary" on:click=move |_| {
                    hidden.set(true);
                    save(app, code.clone());
                }>
                    {app.t(Msg::DownloadKit)}
                </button>
            </div>
            {read_back(app, hidden, may_close)}
        }
        .into_any(),
        Kit::ReadBack => view! {
            <p>{app.t(Msg::KitReadBackOnly)}</p>
            {read_back(app, hidden, may_close)}
            <button type="button" class="button quiet" on:click=move |_| app.kit.set(Some(Kit::New))>
                {app.t(Msg::KitNew)}
            </button>
        }
        .into_any(),
        Kit::New => make_new(app).into_any(),
    };
    let close = move || {
        if may_close {
            app.kit.set(None);
        }
    };
    modal(app.t(Msg::RecoveryKit), "dialog", close, content).into_any()
}

/// The code, or a word that it is hidden.
fn code_box(app: App, code: String, hidden: RwSignal<bool>) -> impl IntoView {
    move || {
        if hidden.get() {
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
            view! { <p class="code-line"><code>{code.clone()}</code></p> }.into_any()
        }
    }
}

/// Gives the kit to the browser's downloads.
fn save(app: App, code: String) {
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
}

/// The field into which the code is typed back.
fn read_back(app: App, hidden: RwSignal<bool>, may_close: bool) -> impl IntoView {
    let field = Field::new(app);
    let confirm = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        field.send(
            |code| Command::ConfirmKit { code },
            move |_| {
                app.session.update(|session| {
                    if let Some(Session::SignedIn { kit, .. }) = session {
                        *kit = KitState::Kept;
                    }
                });
                app.kit.set(None);
            },
        );
    };
    view! {
        <form class="stack" on:submit=confirm novalidate=true>
            <div class="field">
                <label for="kit-code">{app.t(Msg::RecoveryCode)}</label>
                <input
                    id="kit-code"
                    class="input"
                    autocomplete="off"
                    autocapitalize="characters"
                    spellcheck="false"
                    aria-invalid=move || field.problem.with(Option::is_some).to_string()
                    aria-describedby="kit-hint kit-problem"
                    prop:value=move || field.typed.get()
                    on:input=move |event| {
                        field.take(event_target_value(&event));
                        hidden.set(true);
                    }
                />
                <p id="kit-hint" class="hint">{app.t(Msg::ReadBackHint)}</p>
                <p id="kit-problem" class="error" role="alert">{move || field.problem.get()}</p>
            </div>
            {field.foot(Msg::Continue, may_close)}
        </form>
    }
}

/// Asks for the password, which opens what the new kit is to hold.
fn make_new(app: App) -> impl IntoView {
    let field = Field::new(app);
    let make = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        field.send(
            |password| Command::NewKit { password },
            move |reply| {
                if let Reply::Kit { code, session } = reply {
                    app.kit.set(Some(Kit::Show(code)));
                    enter(app, session);
                }
            },
        );
    };
    view! {
        <form class="stack" on:submit=make novalidate=true>
            <p>{app.t(Msg::KitNewWhy)}</p>
            <div class="field">
                <label for="kit-password">{app.t(Msg::Password)}</label>
                <input
                    id="kit-password"
                    class="input"
                    type="password"
                    autocomplete="current-password"
                    aria-invalid=move || field.problem.with(Option::is_some).to_string()
                    aria-describedby="kit-password-problem"
                    prop:value=move || field.typed.get()
                    on:input=move |event| field.take(event_target_value(&event))
                />
                <p id="kit-password-problem" class="error" role="alert">
                    {move || field.problem.get()}
                </p>
            </div>
            {field.foot(Msg::KitNew, true)}
        </form>
    }
}

/// What one field of a dialog holds, and what came of it.
#[derive(Clone, Copy)]
struct Field {
    app: App,
    typed: RwSignal<String>,
    problem: RwSignal<Option<String>>,
    busy: RwSignal<bool>,
}

impl Field {
    fn new(app: App) -> Self {
        Self {
            app,
            typed: RwSignal::new(String::new()),
            problem: RwSignal::new(None),
            busy: RwSignal::new(false),
        }
    }

    fn take(self, typed: String) {
        self.typed.set(typed);
        self.problem.set(None);
    }

    /// Asks the engine, once at a time.
    fn send(self, command: fn(String) -> Command, then: impl FnOnce(Reply) + 'static) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        spawn_local(async move {
            let result = engine::call(command(self.typed.get_untracked())).await;
            self.busy.try_set(false);
            match result {
                Ok(reply) => then(reply),
                Err(fault) => {
                    self.problem.try_set(Some(self.app.t(Msg::Fault(&fault))));
                }
            }
        });
    }

    fn foot(self, button: Msg<'static>, may_close: bool) -> impl IntoView {
        let app = self.app;
        view! {
            <div class="dialog-actions">
                {may_close.then(|| view! {
                    <button type="button" class="button" on:click=move |_| app.kit.set(None)>
                        {app.t(Msg::Later)}
                    </button>
                })}
                <button
                    type="submit"
                    class="button primary"
                    prop:disabled=move || self.busy.get()
                    aria-busy=move || self.busy.get().to_string()
                >
                    {app.t(button)}
                </button>
            </div>
        }
    }
}

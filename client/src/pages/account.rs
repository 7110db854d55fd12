//! Sign-up, sign-in and recovery.

use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::rpc::{Command, Fault, Reply};

use crate::app::{App, Kit, enter};
use crate::i18n::Msg;
use crate::platform::engine;
use crate::state::measure::check_password;
use crate::state::route::Route;

/// Shows the page of a route to somebody who is not signed in.
pub(crate) fn page(app: App, route: Route) -> AnyView {
    document().set_title("Offing");
    match route {
        Route::Join { token } => join(app, token),
        Route::Recover => recover(app),
        Route::Home
        | Route::Node { .. }
        | Route::Trash
        | Route::Labelled { .. }
        | Route::Settings
        | Route::Unknown => sign_in(app),
    }
}

/// What the forms have in common: fields, a problem, and being busy.
#[derive(Clone, Copy)]
struct Form {
    app: App,
    username: RwSignal<String>,
    password: RwSignal<String>,
    repeated: RwSignal<String>,
    code: RwSignal<String>,
    problem: RwSignal<Option<String>>,
    busy: RwSignal<bool>,
}

impl Form {
    fn new(app: App) -> Self {
        Self {
            app,
            username: RwSignal::new(String::new()),
            password: RwSignal::new(String::new()),
            repeated: RwSignal::new(String::new()),
            code: RwSignal::new(String::new()),
            problem: RwSignal::new(None),
            busy: RwSignal::new(false),
        }
    }

    fn field(
        self,
        id: &'static str,
        label: Msg<'static>,
        kind: &'static str,
        complete: &'static str,
        value: RwSignal<String>,
        hint: Option<Msg<'static>>,
    ) -> impl IntoView {
        let hint_id = format!("{id}-hint");
        let described = hint.is_some().then(|| hint_id.clone());
        view! {
            <div class="field">
                <label for=id>{self.app.t(label)}</label>
                <input
                    id=id
                    class="input"
                    type=kind
                    autocomplete=complete
                    autocapitalize="none"
                    spellcheck="false"
                    required=true
                    autofocus=id == "username"
                    aria-describedby=described
                    prop:value=move || value.get()
                    on:input=move |event| {
                        value.set(event_target_value(&event));
                        self.problem.set(None);
                    }
                />
                {hint.map(|hint| view! { <p id=hint_id class="hint">{self.app.t(hint)}</p> })}
            </div>
        }
    }

    fn foot(self, button: Msg<'static>) -> impl IntoView {
        view! {
            <p class="error" role="alert">{move || self.problem.get()}</p>
            <button type="submit" class="button primary" prop:disabled=move || self.busy.get() aria-busy=move || self.busy.get().to_string()>
                {self.app.t(button)}
            </button>
        }
    }

    /// Asks the engine, once at a time; what it answers goes to `then`.
    fn send(self, command: Command, then: impl FnOnce(Reply) + 'static) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        spawn_local(async move {
            let answer = engine::call(command).await;
            self.busy.try_set(false);
            match answer {
                Ok(reply) => then(reply),
                Err(fault) => self.fail(&fault),
            }
        });
    }

    fn fail(self, fault: &Fault) {
        self.problem.try_set(Some(self.app.t(Msg::Fault(fault))));
    }

    /// Checks a new password; says what is wrong with it.
    fn password_fits(self) -> bool {
        let flaw = self.password.with_untracked(|password| {
            self.repeated.with_untracked(|repeated| check_password(password, repeated))
        });
        if let Err(flaw) = flaw {
            self.problem.set(Some(self.app.t(Msg::PasswordFlaw(flaw))));
        }
        flaw.is_ok()
    }
}

fn begin(app: App, reply: Reply) {
    if let Reply::Session(session) = reply {
        enter(app, session);
    }
}

fn sign_in(app: App) -> AnyView {
    let form = Form::new(app);
    let borrowed = RwSignal::new(false);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let command = Command::SignIn {
            username: form.username.get_untracked().trim().to_owned(),
            password: form.password.get_untracked(),
            borrowed: borrowed.get_untracked(),
        };
        form.send(command, move |reply| begin(app, reply));
    };
    let device = move |value: bool, label: Msg<'static>, hint: Msg<'static>| {
        view! {
            <label class="check">
                <input
                    type="radio"
                    name="device"
                    prop:checked=move || borrowed.get() == value
                    on:change=move |_| borrowed.set(value)
                />
                <span>{app.t(label)} <span class="hint">" – " {app.t(hint)}</span></span>
            </label>
        }
    };
    view! {
        <form class="card stack" on:submit=submit novalidate=true aria-label=app.t(Msg::SignIn)>
            <h1>{app.t(Msg::SignIn)}</h1>
            {form.field("username", Msg::Username, "text", "username", form.username, None)}
            {form.field("password", Msg::Password, "password", "current-password", form.password, None)}
            <fieldset class="stack plain-set">
                <legend class="hint">{app.t(Msg::WhoseDevice)}</legend>
                {device(false, Msg::MyDevice, Msg::MyDeviceHint)}
                {device(true, Msg::OthersDevice, Msg::OthersDeviceHint)}
            </fieldset>
            {form.foot(Msg::SignIn)}
            <p class="hint"><a class="link" href="/recover">{app.t(Msg::ForgotPassword)}</a></p>
            // A script says it where it is otherwise (`www/newcomers`).
            <new-account class="hint">{app.t(Msg::NeedInvite)}</new-account>
        </form>
    }
    .into_any()
}

fn join(app: App, token: String) -> AnyView {
    if token.is_empty() {
        return view! {
            <div class="card stack">
                <h1>{app.t(Msg::CreateAccount)}</h1>
                <p role="alert">{app.t(Msg::InviteMissing)}</p>
                <a class="link" href="/">{app.t(Msg::SignIn)}</a>
            </div>
        }
        .into_any();
    }
    let form = Form::new(app);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if !form.password_fits() {
            return;
        }
        let command = Command::SignUp {
            invite: token.clone(),
            username: form.username.get_untracked().trim().to_owned(),
            password: form.password.get_untracked(),
        };
        form.send(command, move |reply| {
            if let Reply::Kit { code, session } = reply {
                app.kit.set(Some(Kit::Show(code)));
                enter(app, session);
            }
        });
    };
    view! {
        <form class="card stack" on:submit=submit novalidate=true aria-label=app.t(Msg::CreateAccount)>
            <h1>{app.t(Msg::CreateAccount)}</h1>
            <p>{app.t(Msg::JoinWhy)}</p>
            {form.field("username", Msg::Username, "text", "username", form.username, None)}
            {form.field("password", Msg::Password, "password", "new-password", form.password, Some(Msg::PasswordRule))}
            {form.field("repeated", Msg::RepeatPassword, "password", "new-password", form.repeated, None)}
            {form.foot(Msg::CreateAccount)}
        </form>
    }
    .into_any()
}

fn recover(app: App) -> AnyView {
    let form = Form::new(app);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if !form.password_fits() {
            return;
        }
        let command = Command::Recover {
            username: form.username.get_untracked().trim().to_owned(),
            code: form.code.get_untracked(),
            new_password: form.password.get_untracked(),
        };
        form.send(command, move |reply| begin(app, reply));
    };
    view! {
        <form class="card stack" on:submit=submit novalidate=true aria-label=app.t(Msg::Recover)>
            <h1>{app.t(Msg::Recover)}</h1>
            <p>{app.t(Msg::RecoverWhy)}</p>
            {form.field("username", Msg::Username, "text", "username", form.username, None)}
            {form.field("code", Msg::RecoveryCode, "text", "off", form.code, Some(Msg::ReadBackHint))}
            {form.field("password", Msg::NewPassword, "password", "new-password", form.password, Some(Msg::PasswordRule))}
            {form.field("repeated", Msg::RepeatPassword, "password", "new-password", form.repeated, None)}
            {form.foot(Msg::SetPassword)}
            <p class="hint"><a class="link" href="/">{app.t(Msg::SignIn)}</a></p>
        </form>
    }
    .into_any()
}

/// Sets a new password.
pub(super) fn change_password(app: App) -> impl IntoView {
    let form = Form::new(app);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if !form.password_fits() {
            return;
        }
        let command = Command::ChangePassword {
            password: form.code.get_untracked(),
            new_password: form.password.get_untracked(),
        };
        form.send(command, move |_| {
            for field in [form.code, form.password, form.repeated] {
                field.set(String::new());
            }
            app.done(Msg::PasswordChanged, None);
        });
    };
    view! {
        <details>
            <summary>{app.t(Msg::ChangePassword)}</summary>
            <form class="stack" on:submit=submit novalidate=true aria-label=app.t(Msg::ChangePassword)>
                {form.field("current", Msg::CurrentPassword, "password", "current-password", form.code, None)}
                {form.field("password", Msg::NewPassword, "password", "new-password", form.password, Some(Msg::PasswordRule))}
                {form.field("repeated", Msg::RepeatPassword, "password", "new-password", form.repeated, None)}
                {form.foot(Msg::ChangePassword)}
            </form>
        </details>
    }
}

/// Asks for the password anew, where the server wants it; local work goes on meanwhile.
pub(super) fn sign_in_again(app: App, username: String, taken_off: bool) -> impl IntoView {
    let form = Form::new(app);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let command = Command::SignIn {
            username: username.clone(),
            password: form.password.get_untracked(),
            borrowed: false,
        };
        form.send(command, move |reply| begin(app, reply));
    };
    view! {
        <form class="stack" on:submit=submit novalidate=true aria-label=app.t(Msg::SignIn)>
            <p>{app.t(Msg::sign_in_again(taken_off))}</p>
            {form.field("again", Msg::Password, "password", "current-password", form.password, None)}
            {form.foot(Msg::SignIn)}
        </form>
    }
}

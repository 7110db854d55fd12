//! The account, this device, its space, the language, signing out.

use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use offing_core::rpc::{Command, KitState, Reply, Session, SetAside, WhySetAside};

use crate::app::{App, Dialog, Kit, actions};
use crate::components::{devices, questions};
use crate::i18n::{Lang, Msg};
use crate::platform::{dom, engine};
use crate::state::measure;

/// How many places of the log a line names.
const PLACES_SHOWN: usize = 12;

/// Shows the settings.
pub(super) fn page(app: App) -> AnyView {
    document().set_title(&format!("{} · Offing", app.t(Msg::Settings)));
    let account = move || match app.session.get() {
        Some(Session::SignedIn {
            username, device_name, kit, sign_in_again, taken_off, ..
        }) => view! {
            <dl class="facts">
                <dt>{app.t(Msg::Username)}</dt><dd>{username.clone()}</dd>
                <dt>{app.t(Msg::ThisDevice)}</dt><dd>{device_name}</dd>
                <dt>{app.t(Msg::RecoveryKit)}</dt>
                <dd>
                    {app.t(Msg::KitState(kit))}
                    {recovery_kit(app, kit)}
                </dd>
            </dl>
            {super::account::change_password(app)}
            // A script fills it (`www/factor`).
            <second-factor></second-factor>
            {sign_in_again.then(|| super::account::sign_in_again(app, username, taken_off))}
        }
        .into_any(),
        Some(Session::SignedOut) | None => ().into_any(),
    };
    view! {
        <div class="page-head"><h1>{app.t(Msg::Settings)}</h1></div>
        <div class="settings scroll grow">
            <section class="stack" aria-label=app.t(Msg::Account)>
                <h2>{app.t(Msg::Account)}</h2>
                {account}
            </section>
            {devices::section(app)}
            {storage(app)}
            {export(app)}
            {set_aside(app)}
            {language(app)}
            <section class="cluster">
                <button type="button" class="button" on:click=move |_| app.dialog.set(Some(Dialog::Help))>
                    {app.t(Msg::Help)}
                </button>
                <button type="button" class="button danger-text" on:click=move |_| questions::sign_out(app, false)>
                    {app.t(Msg::SignOut)}
                </button>
            </section>
        </div>
    }
    .into_any()
}

/// What can be done about the recovery kit: reading it back, if that is due, or a new one.
fn recovery_kit(app: App, state: KitState) -> impl IntoView {
    let (dialog, label) = match state {
        KitState::Shown => (Kit::ReadBack, Msg::ReadBack),
        KitState::Kept | KitState::Missing => (Kit::New, Msg::KitNew),
    };
    view! {
        <button type="button" class="button" on:click=move |_| app.kit.set(Some(dialog.clone()))>
            {app.t(label)}
        </button>
    }
}

fn storage(app: App) -> impl IntoView {
    let use_of_space = RwSignal::new(None::<Result<Reply, String>>);
    spawn_local(async move {
        let answer = engine::call(Command::Storage).await;
        let answer = answer.map_err(|fault| app.t(Msg::Fault(&fault)));
        use_of_space.try_set(Some(answer));
    });
    let shown = move || match use_of_space.get() {
        None => view! { <p class="hint">{app.t(Msg::Loading)}</p> }.into_any(),
        Some(Err(text)) => view! { <p class="error" role="alert">{text}</p> }.into_any(),
        Some(Ok(reply)) => {
            let Reply::Storage { device_used, device_quota, server_used, server_quota, persisted } =
                reply
            else {
                return ().into_any();
            };
            view! {
                <dl class="facts">
                    <dt>{app.t(Msg::OnThisDevice)}</dt>
                    <dd>{used(app, device_used, Some(device_quota))}</dd>
                    {server_used.map(|bytes| view! {
                        <dt>{app.t(Msg::OnTheServer)}</dt>
                        <dd>{used(app, bytes, server_quota)}</dd>
                    })}
                </dl>
                {(!persisted).then(|| view! { <p class="hint">{app.t(Msg::MayBeEvicted)}</p> })}
            }
            .into_any()
        }
    };
    view! {
        <section class="stack" aria-label=app.t(Msg::Space)>
            <h2>{app.t(Msg::Space)}</h2>
            {shown}
        </section>
    }
}

/// Offers everything as ordinary files.
fn export(app: App) -> impl IntoView {
    let all = || vec![NodeId::ROOT, NodeId::RECOVERED, NodeId::TRASH];
    view! {
        <section class="stack" aria-label=app.t(Msg::Everything)>
            <h2>{app.t(Msg::Everything)}</h2>
            <p class="hint">{app.t(Msg::ExportWhy)}</p>
            <div class="cluster">
                <button type="button" class="button" on:click=move |_| actions::download(app, all())>
                    {app.t(Msg::ExportAll)}
                </button>
            </div>
        </section>
    }
}

/// Shows what of the log was set aside, if anything was.
fn set_aside(app: App) -> impl IntoView {
    let found = RwSignal::new(None::<(Vec<SetAside>, u32)>);
    spawn_local(async move {
        if let Ok(Reply::SetAside { entries, count }) = engine::call(Command::SetAside).await {
            found.try_set((count > 0).then_some((entries, count)));
        }
    });
    move || {
        let (entries, count) = found.get()?;
        let of = |why| entries.iter().filter(move |entry| entry.why == why).map(|entry| entry.seq);
        let lines: Vec<_> = [WhySetAside::NotGenuine, WhySetAside::NotUnderstood]
            .into_iter()
            .filter_map(|why| {
                let places: Vec<String> =
                    of(why).take(PLACES_SHOWN).map(|seq| seq.to_string()).collect();
                (!places.is_empty()).then(|| {
                    view! { <li>{app.t(Msg::SetAsideWhy(why))} " (" {places.join(", ")} ")"</li> }
                })
            })
            .collect();
        Some(view! {
            <section class="stack" aria-label=app.t(Msg::SetAside)>
                <h2>{app.t(Msg::SetAside)}</h2>
                <p>{app.t(Msg::SetAsideCount(count))}</p>
                <ul>{lines}</ul>
            </section>
        })
    }
}

fn used(app: App, bytes: u64, quota: Option<u64>) -> String {
    let used = measure::bytes(bytes);
    match quota {
        Some(quota) if quota > 0 => {
            app.t(Msg::UsedOf { used: &used, quota: &measure::bytes(quota) })
        }
        Some(_) | None => used,
    }
}

fn language(app: App) -> impl IntoView {
    let choose = move |event| {
        let lang = Lang::from_tag(&event_target_value(&event));
        dom::keep_preference("offing.language", lang.tag());
        dom::set_language(lang.tag());
        app.lang.set(lang);
    };
    let current = app.lang.get_untracked();
    let options: Vec<_> = Lang::ALL
        .into_iter()
        .map(|lang| {
            view! { <option value=lang.tag() selected=lang == current>{lang.name()}</option> }
        })
        .collect();
    view! {
        <section class="field">
            <label for="language">{app.t(Msg::Language)}</label>
            <select id="language" class="input" on:change=choose>{options}</select>
        </section>
    }
}

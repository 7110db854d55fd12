//! Messages at the foot of the page, and the banners of what a person must know.

use leptos::prelude::*;

use super::icon::{button, icon};
use super::{app_version, restored};
use crate::app::{App, Kit, Toast, actions};
use crate::i18n::Msg;
use crate::platform::dom;
use offing_core::rpc::{Alarm, Session};

/// Shows the message. Both regions are always there, so that a screen reader hears
/// what comes into them.
pub(crate) fn toasts(app: App) -> impl IntoView {
    let one = move |failure: bool| {
        move || {
            app.toast.get().filter(|toast| toast.failure == failure).map(|toast| line(app, toast))
        }
    };
    view! {
        <div class="toasts">
            <div role="status" aria-label=app.t(Msg::Messages)>{one(false)}</div>
            <div role="alert">{one(true)}</div>
        </div>
    }
}

fn line(app: App, toast: Toast) -> impl IntoView {
    view! {
        <div class="toast">
            <span class="grow">{toast.text}</span>
            {toast.undo.map(|action| view! {
                <button type="button" class="button" on:click=move |_| {
                    actions::undo(app, action);
                    dom::focus_list();
                }>
                    {app.t(Msg::Undo)}
                </button>
            })}
            <button
                type="button"
                class="button quiet icon-only"
                aria-label=app.t(Msg::Dismiss)
                on:click=move |_| {
                    app.toast.set(None);
                    dom::focus_list();
                }
            >
                {icon("x")}
            </button>
        </div>
    }
}

/// Shows what a person must know, above everything else.
pub(crate) fn banners(app: App) -> impl IntoView {
    let alarms = move || {
        let lines: Vec<_> = app
            .alarms
            .get()
            .iter()
            .map(|alarm| {
                // A copy that became a device of its own is news, and a restored server a
                // question: no trouble.
                let asks = *alarm == Alarm::ServerRestored;
                let fails = *alarm == Alarm::StorageFailing;
                let quiet = asks || *alarm == Alarm::DeviceCopied;
                let (class, role) =
                    if quiet { ("banner", "status") } else { ("banner danger", "alert") };
                view! {
                    <div class=class role=role>
                        {icon("shield-alert")}
                        <span class="grow">{app.t(Msg::Alarm(alarm))}</span>
                        {asks.then(|| restored::ask(app))}
                        {fails.then(|| {
                            button(app.t(Msg::Download), "download", "button", || false, move || actions::download_unsynced(app))
                        })}
                    </div>
                }
            })
            .collect();
        lines
    };
    let account = move || {
        let Some(Session::SignedIn { kit, sign_in_again, taken_off, .. }) = app.session.get()
        else {
            return ().into_any();
        };
        let again = sign_in_again.then(|| {
            view! {
                <div class="banner" role="status">
                    <span class="grow">{app.t(Msg::sign_in_again(taken_off))}</span>
                    <a class="link" href="/settings">{app.t(Msg::SignIn)}</a>
                </div>
            }
        });
        let due = Kit::due(kit).filter(|_| app.kit.with(Option::is_none));
        let kit = due.map(|due| {
            view! {
                <div class="banner" role="status">
                    <span class="grow">{app.t(Msg::KitState(kit))}</span>
                    <button
                        type="button"
                        class="button"
                        on:click=move |_| app.kit.set(Some(due.clone()))
                    >
                        {app.t(Msg::RecoveryKit)}
                    </button>
                </div>
            }
        });
        (again, kit).into_any()
    };
    view! { <div>{alarms}{account}{app_version::region(app)}</div> }
}

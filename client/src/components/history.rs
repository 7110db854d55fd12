//! The dialog with what a file was before: a list of times, the difference to now, *Restore*.

use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use offing_core::rpc::{Command, Fault, Reply, Revision};

use super::icon::{button, icon};
use super::modal::modal;
use super::revision;
use crate::app::{App, actions};
use crate::i18n::Msg;
use crate::platform::engine;
use crate::state::measure;
use crate::state::revisions::stretches;

/// What is shown of a revision.
#[derive(Clone)]
enum Shown {
    Loading,
    Failed(Fault),
    Texts { then: String, now: String },
    Picture(web_sys::Blob),
    Nothing,
}

/// Shows the history of a file.
pub(crate) fn history(app: App, node: NodeId, name: String) -> AnyView {
    let found = RwSignal::new(None::<Result<Vec<Revision>, Fault>>);
    // The revision that is looked at, by its place.
    let at = RwSignal::new(0_usize);
    spawn_local(async move {
        let answer = match engine::call(Command::Revisions { node }).await {
            Ok(Reply::Revisions(revisions)) => Ok(revisions),
            Ok(_) => Err(Fault::Internal),
            Err(fault) => Err(fault),
        };
        if let Ok(revisions) = &answer {
            // What it was before the last change is what people look for.
            at.try_set(usize::from(revisions.len() > 1));
        }
        found.try_set(Some(answer));
    });
    let title = name.clone();
    let body = move || match found.get() {
        None => view! { <p class="hint">{app.t(Msg::Loading)}</p> }.into_any(),
        Some(Err(fault)) => {
            view! { <p class="error" role="alert">{app.t(Msg::Fault(&fault))}</p> }.into_any()
        }
        Some(Ok(revisions)) if revisions.is_empty() => {
            view! { <p class="hint">{app.t(Msg::NoVersions)}</p> }.into_any()
        }
        Some(Ok(revisions)) => panes(app, node, &name, revisions, at),
    };
    let content = view! {
        <p class="hint dialog-name">{title}</p>
        {body}
        <div class="dialog-actions">
            <button type="button" class="button" on:click=move |_| app.dialog.set(None)>
                {app.t(Msg::Close)}
            </button>
        </div>
    };
    modal(app.t(Msg::Versions), "dialog wide", move || app.dialog.set(None), content).into_any()
}

fn panes(
    app: App,
    node: NodeId,
    name: &str,
    revisions: Vec<Revision>,
    at: RwSignal<usize>,
) -> AnyView {
    let shown = RwSignal::new_local(Shown::Loading);
    let all = StoredValue::new(revisions);
    let file = StoredValue::new(name.to_owned());
    let now = StoredValue::new(None::<String>);
    Effect::new(move |_| {
        let place = at.get();
        let Some(revision) = all.with_value(|all| all.get(place).cloned()) else { return };
        shown.set(Shown::Loading);
        spawn_local(async move {
            let seen = look(node, &file.get_value(), &revision, all, now).await;
            // Another one may have been chosen meanwhile.
            if at.try_get_untracked() == Some(place) {
                shown.try_set(seen.unwrap_or_else(Shown::Failed));
            }
        });
    });
    let view = move || match shown.get() {
        Shown::Loading => view! { <p class="hint late">{app.t(Msg::Loading)}</p> }.into_any(),
        Shown::Failed(fault) => {
            view! { <p class="error" role="alert">{app.t(Msg::Fault(&fault))}</p> }.into_any()
        }
        Shown::Texts { then, now } => revision::difference(app, file.get_value(), then, now),
        Shown::Picture(blob) => revision::picture(app, &file.get_value(), &blob),
        Shown::Nothing => revision::none(app),
    };
    view! {
        <div class="history">
            {list(app, all, at)}
            <section class="history-view" aria-label=app.t(Msg::Preview)>
                {head(app, node, all, at)}
                {view}
            </section>
        </div>
    }
    .into_any()
}

async fn look(
    node: NodeId,
    name: &str,
    revision: &Revision,
    all: StoredValue<Vec<Revision>>,
    now: StoredValue<Option<String>>,
) -> Result<Shown, Fault> {
    if !revision.text {
        return Ok(match revision::is_picture(name, revision.size) {
            true => Shown::Picture(revision::read(node, revision.id).await?),
            false => Shown::Nothing,
        });
    }
    let then = revision::read_text(node, revision.id).await?;
    let current = all.try_with_value(|all| all.iter().find(|one| one.current).cloned()).flatten();
    let text = match (now.try_get_value().flatten(), current) {
        (Some(text), _) => text,
        (None, Some(current)) if current.text => revision::read_text(node, current.id).await?,
        // It is no text any more: nothing to compare with.
        (None, _) => then.clone(),
    };
    now.try_set_value(Some(text.clone()));
    Ok(Shown::Texts { then, now: text })
}

/// The times, newest first; what was typed in one go is one line.
fn list(app: App, all: StoredValue<Vec<Revision>>, at: RwSignal<usize>) -> impl IntoView {
    let lines: Vec<_> = all.with_value(|all| {
        let line = |stretch: std::ops::Range<usize>| {
            let first = &all[stretch.start];
            let more = stretch.len() as u32;
            let what = match first.size {
                _ if first.current => app.t(Msg::Now),
                Some(size) => measure::bytes(size),
                None => app.t(Msg::Edits(more)),
            };
            let (time, device) = (app.time(first.time_ms), first.device_name.clone());
            let start = stretch.start;
            let chosen = move || stretch.contains(&at.get());
            view! {
                <li>
                    <button
                        type="button"
                        class="choice"
                        aria-pressed=move || chosen().to_string()
                        on:click=move |_| at.set(start)
                    >
                        <span class="choice-time">{time}</span>
                        <span class="hint">{device} " · " {what}</span>
                    </button>
                </li>
            }
        };
        stretches(all).into_iter().map(line).collect()
    });
    view! { <ul class="history-list" aria-label=app.t(Msg::Versions)>{lines}</ul> }
}

/// What can be done with the revision that is looked at, and the way through its stretch.
fn head(
    app: App,
    node: NodeId,
    all: StoredValue<Vec<Revision>>,
    at: RwSignal<usize>,
) -> impl IntoView {
    let stretch = Memo::new(move |_| {
        let place = at.get();
        let found = all.with_value(|all| stretches(all));
        found.into_iter().find(|stretch| stretch.contains(&place)).unwrap_or(place..place + 1)
    });
    let current = move || all.with_value(|all| all.get(at.get()).is_some_and(|one| one.current));
    let says = move || {
        let text = all.with_value(|all| all.get(at.get()).is_some_and(|one| one.text));
        match (current(), text) {
            (true, _) => app.t(Msg::Now),
            (false, true) => app.t(Msg::SinceThen),
            (false, false) => app.t(Msg::AsItWas),
        }
    };
    let chosen = move || all.with_value(|all| all.get(at.get_untracked()).map(|one| one.id));
    let slider = move || {
        let stretch = stretch.get();
        let (count, last) = (stretch.len(), stretch.end - 1);
        // To the right is later. A stretch that is left behind shows its end.
        let number = move || last.saturating_sub(at.get()) + 1;
        (count > 1).then(|| {
            let counts = move || app.t(Msg::EditOf { at: number() as u32, count: count as u32 });
            view! {
                <label class="history-slider">
                    <span class="hint">{counts}</span>
                    <input
                        type="range"
                        min="1"
                        max=count.to_string()
                        prop:value=move || number().to_string()
                        on:change=move |event| {
                            let chosen: usize = event_target_value(&event).parse().unwrap_or(1);
                            at.set((last + 1).saturating_sub(chosen));
                        }
                    />
                </label>
            }
        })
    };
    let restore = move |_| {
        if let Some(revision) = chosen() {
            app.dialog.set(None);
            actions::change(app, Command::Revert { node, revision }, Msg::Restored);
        }
    };
    let save = move || {
        if let Some(revision) = chosen() {
            actions::download_revision(app, node, revision);
        }
    };
    view! {
        <div class="history-head">
            <span class="hint grow">{says}</span>
            {slider}
            {button(app.t(Msg::Download), "download", "button quiet icon-only", || false, save)}
            <button type="button" class="button primary" prop:disabled=current on:click=restore>
                {icon("rotate-ccw")}
                <span>{app.t(Msg::Restore)}</span>
            </button>
        </div>
    }
}

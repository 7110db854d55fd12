//! The dialog that makes a folder what it was: moments to choose from, and what going back
//! to one would do.

use js_sys::Date;
use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use offing_core::rpc::{Command, Fault, Moment, Reply, RewindStep, Rewound};

use super::icon::icon;
use super::modal::modal;
use crate::app::{App, actions};
use crate::i18n::Msg;
use crate::platform::engine;

/// What a rewinding would do.
#[derive(Clone)]
struct Plan {
    steps: Vec<RewindStep>,
    count: u32,
}

/// Asks to which moment a folder is rewound.
pub(crate) fn rewind(app: App, folder: NodeId, name: String) -> AnyView {
    let moments = RwSignal::new(None::<Result<Vec<Moment>, Fault>>);
    let at_ms = RwSignal::new(None::<i64>);
    spawn_local(async move {
        let answer = match engine::call(Command::Moments { folder }).await {
            Ok(Reply::Moments(moments)) => Ok(moments),
            Ok(_) => Err(Fault::Internal),
            Err(fault) => Err(fault),
        };
        if let Ok([first, ..]) = answer.as_deref() {
            at_ms.try_set(Some(first.from_ms - 1));
        }
        moments.try_set(Some(answer));
    });
    let body = move || match moments.get() {
        None => view! { <p class="hint">{app.t(Msg::Loading)}</p> }.into_any(),
        Some(Err(fault)) => failed(app, &fault),
        Some(Ok(moments)) => view! {
            <div class="history">
                <div class="stack">
                    {list(app, moments, at_ms)}
                    {free_choice(app, at_ms)}
                </div>
                {preview(app, folder, at_ms)}
            </div>
        }
        .into_any(),
    };
    let content = view! {
        <p class="hint dialog-name">{name}</p>
        <p class="hint">{app.t(Msg::RewindWhy)}</p>
        {body}
        <div class="dialog-actions">
            <button type="button" class="button" on:click=move |_| app.dialog.set(None)>
                {app.t(Msg::Close)}
            </button>
        </div>
    };
    let close = move || app.dialog.set(None);
    modal(app.t(Msg::RewindFolder), "dialog wide", close, content).into_any()
}

/// The stretches of time in which something was changed; each stands for the moment before.
fn list(app: App, moments: Vec<Moment>, at_ms: RwSignal<Option<i64>>) -> impl IntoView {
    let line = |moment: Moment| {
        let before = moment.from_ms - 1;
        let (time, changed) = (app.time(moment.from_ms), app.t(Msg::Changed(moment.count)));
        view! {
            <li>
                <button
                    type="button"
                    class="choice"
                    aria-pressed=move || (at_ms.get() == Some(before)).to_string()
                    on:click=move |_| at_ms.set(Some(before))
                >
                    <span class="choice-time">{app.t(Msg::Before(&time))}</span>
                    <span class="hint">{moment.device_name} " · " {changed}</span>
                </button>
            </li>
        }
    };
    let lines: Vec<_> = moments.into_iter().map(line).collect();
    view! { <ul class="history-list" aria-label=app.t(Msg::Moments)>{lines}</ul> }
}

fn free_choice(app: App, at_ms: RwSignal<Option<i64>>) -> impl IntoView {
    let choose = move |event| {
        // Without a zone, this is the person's own time.
        let chosen = Date::parse(&event_target_value(&event));
        if chosen.is_finite() {
            at_ms.set(Some(chosen as i64));
        }
    };
    view! {
        <div class="field">
            <label for="moment">{app.t(Msg::OtherMoment)}</label>
            <input id="moment" class="input" type="datetime-local" on:change=choose />
        </div>
    }
}

fn preview(app: App, folder: NodeId, at_ms: RwSignal<Option<i64>>) -> impl IntoView {
    let plan = RwSignal::new(None::<Result<Plan, Fault>>);
    Effect::new(move |_| {
        let Some(at) = at_ms.get() else { return };
        plan.set(None);
        spawn_local(async move {
            let answer = match engine::call(Command::PlanRewind { folder, at_ms: at }).await {
                Ok(Reply::Rewinding { steps, count }) => Ok(Plan { steps, count }),
                Ok(_) => Err(Fault::Internal),
                Err(fault) => Err(fault),
            };
            // Another moment may have been chosen meanwhile.
            if at_ms.try_get_untracked() == Some(Some(at)) {
                plan.try_set(Some(answer));
            }
        });
    });
    let count = move || plan.with(|plan| plan.as_ref()?.as_ref().ok().map(|plan| plan.count));
    let go = move |_| {
        if let Some(at_ms) = at_ms.get_untracked() {
            app.dialog.set(None);
            actions::change(app, Command::Rewind { folder, at_ms }, Msg::Rewound);
        }
    };
    let steps = move || match plan.get() {
        None if at_ms.get().is_none() => ().into_any(),
        None => view! { <p class="hint late">{app.t(Msg::Loading)}</p> }.into_any(),
        Some(Err(fault)) => failed(app, &fault),
        Some(Ok(plan)) => lines(app, &plan),
    };
    view! {
        <section class="history-view" aria-label=app.t(Msg::Preview)>
            <div class="history-head">
                <span class="hint grow">{move || count().map(|count| app.t(Msg::WouldChange(count)))}</span>
                <button
                    type="button"
                    class="button primary"
                    prop:disabled=move || count().is_none_or(|count| count == 0)
                    on:click=go
                >
                    {icon("rotate-ccw")}
                    <span>{app.t(Msg::RewindNow)}</span>
                </button>
            </div>
            {steps}
        </section>
    }
}

fn lines(app: App, plan: &Plan) -> AnyView {
    let line = |step: &RewindStep| {
        let look = match step.what {
            Rewound::Restored => "archive-restore",
            Rewound::Moved => "folder-input",
            Rewound::Renamed => "pencil",
            Rewound::Changed => "history",
            Rewound::Trashed => "trash-2",
        };
        view! { <li class="cluster">{icon(look)} <span class="grow">{app.t(Msg::WouldBe(step))}</span></li> }
    };
    let lines: Vec<_> = plan.steps.iter().map(line).collect();
    let more = plan.count.saturating_sub(plan.steps.len() as u32);
    view! {
        <ul class="rewind-steps" aria-label=app.t(Msg::WouldChange(plan.count))>{lines}</ul>
        {(more > 0).then(|| view! { <p class="hint">{app.t(Msg::AndMore(more))}</p> })}
    }
    .into_any()
}

fn failed(app: App, fault: &Fault) -> AnyView {
    view! { <p class="error" role="alert">{app.t(Msg::Fault(fault))}</p> }.into_any()
}

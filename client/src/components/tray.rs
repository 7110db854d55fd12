//! The tray of transfers: progress of each, and what can be done with it.

use leptos::prelude::*;
use offing_core::rpc::{Command, Transfer, TransferControl, TransferId};

use super::icon::{button, icon};
use crate::app::{App, actions};
use crate::i18n::Msg;
use crate::platform::dom;
use crate::state::{measure, transfers};

/// Lines shown at once; the others are counted.
const LINES_MAX: usize = 100;

/// Shows the tray while there is something in it.
pub(crate) fn tray(app: App) -> impl IntoView {
    // A phone has no room to show both the list and every transfer.
    let open = RwSignal::new(!dom::is_narrow());
    let some = Memo::new(move |_| app.transfers.with(|tray| !tray.is_empty()));
    let ids = Memo::new(move |_| app.transfers.with(transfers::Transfers::ids));
    let title = move || {
        let (sum, eta) = app.transfers.with(|tray| (tray.summary(), tray.eta_seconds()));
        app.t(Msg::TransfersSum { sum, eta: eta.map(measure::span) })
    };
    let clear = move || {
        app.transfers.update(transfers::Transfers::clear_ended);
        actions::ask(app, Command::ClearTransfers);
    };
    let lines = move || {
        open.get().then(|| {
            view! {
                <ul class="scroll tray-lines">
                    <For
                        each=move || ids.get().into_iter().take(LINES_MAX)
                        key=|id| *id
                        children=move |id| line(app, id)
                    />
                </ul>
                {move || {
                    let more = ids.with(Vec::len).saturating_sub(LINES_MAX);
                    (more > 0).then(|| view! { <p class="hint tray-more">{app.t(Msg::AndMore(more as u32))}</p> })
                }}
            }
        })
    };
    view! {
        <Show when=move || some.get()>
            <section class="tray" aria-label=app.t(Msg::Transfers)>
                <header class="spread tray-head">
                    <button
                        type="button"
                        class="button quiet grow tray-title"
                        aria-expanded=move || open.get().to_string()
                        on:click=move |_| open.update(|open| *open = !*open)
                    >
                        {move || if open.get() { icon("chevron-down").into_any() } else { icon("chevron-right").into_any() }}
                        <strong>{app.t(Msg::Transfers)}</strong>
                        <span class="hint" aria-live="polite">{title}</span>
                    </button>
                    <button type="button" class="button quiet" on:click=move |_| clear()>
                        {app.t(Msg::Clear)}
                    </button>
                </header>
                {lines}
            </section>
        </Show>
    }
}

fn line(app: App, id: TransferId) -> impl IntoView {
    let transfer = Memo::new(move |_| app.transfers.with(|tray| tray.transfer(id).cloned()));
    let field = move |read: fn(&Transfer) -> String| {
        move || transfer.with(|transfer| transfer.as_ref().map(read).unwrap_or_default())
    };
    let says = move || {
        transfer
            .with(|transfer| transfer.as_ref().map(|transfer| app.t(Msg::TransferState(transfer))))
    };
    let percent = move || {
        transfer.with(|transfer| {
            transfer.as_ref().map_or(0, |known| transfers::percent(known.done, known.size))
        })
    };
    let can = Memo::new(move |_| {
        transfer.with(|transfer| transfer.as_ref().map(|known| transfers::controls(&known.state)))
    });
    let control = move |name: Msg<'static>, look: &'static str, what: TransferControl| {
        button(
            app.t(name),
            look,
            "button quiet icon-only",
            || false,
            move || {
                actions::steer(app, id, what);
            },
        )
    };
    let controls = move || {
        can.get().map(|can| {
            view! {
                {can.pause.then(|| control(Msg::Pause, "pause", TransferControl::Pause))}
                {can.resume.then(|| control(Msg::Resume, "play", TransferControl::Resume))}
                {can.retry.then(|| control(Msg::Retry, "rotate-cw", TransferControl::Retry))}
                {can.cancel.then(|| control(Msg::Cancel, "x", TransferControl::Cancel))}
            }
        })
    };
    view! {
        <li class="row-line tray-line" aria-label=field(|transfer| transfer.name.clone())>
            <div class="grow">
                <p class="tray-name">{field(|transfer| transfer.name.clone())}</p>
                <progress class="progress" max="100" prop:value=percent aria-label=field(|transfer| transfer.name.clone())></progress>
                <p class="hint">{says}</p>
            </div>
            {controls}
        </li>
    }
}

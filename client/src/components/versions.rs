//! The dialog that shows two contents of one file side by side.

use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use offing_core::rpc::{Choice, Command, Reply, Version};

use super::modal::modal;
use crate::app::{App, actions};
use crate::i18n::Msg;
use crate::platform::engine;
use crate::state::measure;

/// Shows the versions of a file.
pub(crate) fn versions(app: App, node: NodeId, name: String) -> AnyView {
    let found = RwSignal::new(None::<Result<Vec<Version>, String>>);
    spawn_local(async move {
        let answer = match engine::call(Command::Versions { node }).await {
            Ok(Reply::Versions(versions)) => Ok(versions),
            Ok(_) => Ok(Vec::new()),
            Err(fault) => Err(app.t(Msg::Fault(&fault))),
        };
        found.try_set(Some(answer));
    });
    let settle = move |choice: Choice| {
        app.dialog.set(None);
        actions::change(app, Command::Settle { node, choice }, Msg::Settled);
    };
    let one = move |version: Version| {
        let (index, device) = (version.index, version.device_name.clone());
        view! {
            <section class="version stack" aria-label=device>
                <h3>{version.device_name}</h3>
                <p class="hint">
                    {app.time(version.modified_ms)} " · " {measure::bytes(version.size)}
                </p>
                {version.shown.then(|| view! { <p class="hint">{app.t(Msg::ShownInList)}</p> })}
                <pre class="excerpt">{version.excerpt.unwrap_or_else(|| app.t(Msg::NoExcerpt))}</pre>
                <button type="button" class="button" on:click=move |_| settle(Choice::Keep(index))>
                    {app.t(Msg::KeepThis)}
                </button>
            </section>
        }
    };
    let list = move || match found.get() {
        None => view! { <p class="hint">{app.t(Msg::Loading)}</p> }.into_any(),
        Some(Err(text)) => view! { <p class="error" role="alert">{text}</p> }.into_any(),
        Some(Ok(versions)) => {
            let sides: Vec<_> = versions.into_iter().map(one).collect();
            view! { <div class="versions">{sides}</div> }.into_any()
        }
    };
    let content = view! {
        <p>{app.t(Msg::TwoVersionsOf(&name))}</p>
        {list}
        <div class="dialog-actions">
            <button type="button" class="button" on:click=move |_| app.dialog.set(None)>
                {app.t(Msg::Later)}
            </button>
            <button type="button" class="button primary" autofocus=true on:click=move |_| settle(Choice::KeepBoth)>
                {app.t(Msg::KeepBoth)}
            </button>
        </div>
    };
    modal(app.t(Msg::TwoVersions), "dialog wide", move || app.dialog.set(None), content).into_any()
}

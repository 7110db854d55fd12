//! The path to a folder; every step is a link and a place to drop things on.

use leptos::prelude::*;
use offing_core::id::NodeId;
use offing_core::rpc::Crumb;

use super::drop_zone::{accept_over, drop_into};
use crate::app::App;
use crate::i18n::Msg;

/// Shows a path. The last step is where the person is.
pub(crate) fn crumbs(app: App, path: Signal<Vec<Crumb>>) -> impl IntoView {
    let steps = move || {
        let path = path.get();
        let last = path.len().saturating_sub(1);
        let steps: Vec<_> = path
            .into_iter()
            .enumerate()
            .map(|(place, crumb)| step(app, crumb, place == last, place == 0))
            .collect();
        steps
    };
    view! {
        <nav class="crumbs grow" aria-label=app.t(Msg::Breadcrumb)>
            <ol>{steps}</ol>
        </nav>
    }
}

/// What a step is called.
pub(crate) fn crumb_name(app: App, crumb: &Crumb) -> String {
    match crumb.node {
        NodeId::ROOT => app.t(Msg::Root),
        NodeId::TRASH => app.t(Msg::Trash),
        NodeId::RECOVERED => app.t(Msg::Recovered),
        _ => crumb.name.clone(),
    }
}

fn step(app: App, crumb: Crumb, current: bool, first: bool) -> impl IntoView {
    let over = RwSignal::new(false);
    let node = crumb.node;
    view! {
        <li>
            {(!first).then(|| view! { <span class="crumb-mark" aria-hidden="true">"/"</span> })}
            <a
                href=app.href(node)
                aria-current=current.then_some("page")
                class:is-target=move || over.get()
                on:dragover=move |event| over.set(accept_over(app, &event, node))
                on:dragleave=move |_| over.set(false)
                on:drop=move |event| {
                    over.set(false);
                    drop_into(app, &event, node);
                }
            >
                {crumb_name(app, &crumb)}
            </a>
        </li>
    }
}

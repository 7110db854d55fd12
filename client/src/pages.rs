//! The pages, one for each route.

pub(crate) mod account;
mod file;
mod folder;
mod settings;
mod text;

use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use offing_core::rpc::{Command, Fault, Kind, NodeView, Reply};

use crate::app::App;
use crate::components::listing;
use crate::i18n::Msg;
use crate::platform::engine;
use crate::state::route::Route;

/// Shows the page of a route to somebody who is signed in.
pub(crate) fn page(app: App, route: Route) -> AnyView {
    document().set_title("Offing");
    match route {
        Route::Node { vault, node } if untrack(|| app.vault()) == Some(vault) => {
            node_page(app, node)
        }
        Route::Trash => folder::trash(app),
        // A script of its own fills it (`www/labels`).
        Route::Labelled { label } => {
            view! { <section class="labelled grow scroll" data-label=label></section> }.into_any()
        }
        Route::Settings => settings::page(app),
        Route::Home | Route::Join { .. } | Route::Recover => {
            view! { <p class="hint page-pad late">{app.t(Msg::Loading)}</p> }.into_any()
        }
        Route::Node { .. } | Route::Unknown => lost(app, None),
    }
}

/// Says that there is nothing here, and shows the way home.
fn lost(app: App, fault: Option<&Fault>) -> AnyView {
    let text = fault.map_or_else(|| app.t(Msg::NoSuchPage), |fault| app.t(Msg::Fault(fault)));
    view! {
        <div class="empty grow">
            <p role="alert">{text}</p>
            <a class="button primary" href="/" on:click=move |event| {
                event.prevent_default();
                app.open(NodeId::ROOT);
            }>{app.t(Msg::GoHome)}</a>
        </div>
    }
    .into_any()
}

fn node_page(app: App, node: NodeId) -> AnyView {
    let found = RwSignal::new(app.first(node));
    if found.with_untracked(Option::is_none) {
        spawn_local(async move {
            let answer = match engine::call(Command::OpenNode(listing::wanted(node))).await {
                Ok(Reply::Node(view)) => Ok(view),
                Ok(_) => Err(Fault::Internal),
                Err(fault) => Err(fault),
            };
            // The page may have gone elsewhere meanwhile.
            if let Some(Some(Ok(unused))) = found.try_set(Some(answer)) {
                listing::close(unused.folder);
            }
        });
    }
    (move || match found.get() {
        None => view! { <p class="hint page-pad late" aria-busy="true">{app.t(Msg::Loading)}</p> }
            .into_any(),
        Some(Err(fault)) => lost(app, Some(&fault)),
        Some(Ok(NodeView { row, path, folder })) => match row.kind {
            Kind::Folder => folder::page(app, node, folder),
            Kind::Text => text::page(app, row),
            Kind::File => file::page(app, row, path),
        },
    })
    .into_any()
}

//! The frame around every page: bar, places, dialogs, tray and messages.

use leptos::prelude::*;
use offing_core::id::NodeId;
use offing_core::rpc::Session;

use super::{
    app_version, devices, drop_zone, folder_tree, help, history, icon, kit, naming, questions,
    restored, rewind, search, status, toasts, tray, versions,
};
use crate::app::{App, Dialog};
use crate::i18n::Msg;
use crate::pages;
use crate::state::route::Route;

/// What the frame shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    Broken,
    SignedOut,
    SignedIn,
}

/// Shows the page. All of it is made anew when the language changes.
pub(crate) fn frame(app: App) -> impl IntoView {
    let stage = Memo::new(move |_| {
        if app.broken.with(Option::is_some) {
            return Stage::Broken;
        }
        app.session.with(|session| match session {
            None => Stage::Starting,
            Some(Session::SignedOut) => Stage::SignedOut,
            Some(Session::SignedIn { .. }) => Stage::SignedIn,
        })
    });
    move || {
        app.lang.track();
        match stage.get() {
            Stage::SignedIn => inside(app).into_any(),
            Stage::SignedOut => outside(app).into_any(),
            Stage::Starting => starting(app).into_any(),
            Stage::Broken => {
                let fault = app.broken.get_untracked();
                let text = fault.map(|fault| app.t(Msg::Fault(&fault)));
                view! {
                    <main class="notice" role="alert">
                        <h1>{app.t(Msg::NotStarted)}</h1>
                        <p>{text}</p>
                        <p>{app.t(Msg::NotStartedHint)}</p>
                    </main>
                }
                .into_any()
            }
        }
    }
}

fn starting(app: App) -> impl IntoView {
    view! {
        <div class="shell" aria-busy="true">
            <header class="bar"><span class="brand">"Offing"</span></header>
            <main class="shell-rows" aria-label=app.t(Msg::Loading)>
                {(0..5).map(|_| view! { <div class="skeleton"></div> }).collect::<Vec<_>>()}
            </main>
        </div>
    }
}

fn outside(app: App) -> impl IntoView {
    view! {
        <div class="outside">
            <header class="bar"><a class="brand" href="/">"Offing"</a></header>
            {app_version::region(app)}
            <main class="outside-main scroll">{move || pages::account::page(app, app.route.get())}</main>
        </div>
        {toasts::toasts(app)}
        {dialogs(app)}
    }
}

fn inside(app: App) -> impl IntoView {
    // Pages that show the same node are not made anew.
    let route = Memo::new(move |_| app.route.get());
    view! {
        <div class="app">
            <header class="bar">
                <a class="brand" href="/" aria-label="Offing">"Offing"</a>
                {search::search(app)}
                {status::status(app)}
            </header>
            <nav class="side" aria-label=app.t(Msg::Places)>{places(app)}</nav>
            <main class="content">
                {toasts::banners(app)}
                {move || pages::page(app, route.get())}
            </main>
            {toasts::toasts(app)}
            {tray::tray(app)}
            <nav class="bottom-bar" aria-label=app.t(Msg::PlacesBelow)>{places(app)}</nav>
        </div>
        {drop_zone::drop_zone(app)}
        {dialogs(app)}
    }
}

fn places(app: App) -> impl IntoView {
    let place = move |route: Route, look: &'static str, name: Msg<'static>| {
        let href = route.href();
        let here = move || {
            let current = app.route.get();
            let inside = matches!((&current, &route), (Route::Node { .. }, Route::Node { .. }));
            (inside || current == route).then_some("page")
        };
        view! {
            <a href=href aria-current=here>
                {icon::icon(look)}
                <span>{app.t(name)}</span>
            </a>
        }
    };
    let root = untrack(|| app.vault())
        .map_or(Route::Home, |vault| Route::Node { vault, node: NodeId::ROOT });
    view! {
        {place(root, "folder", Msg::Root)}
        {place(Route::Labelled { label: String::new() }, "star", Msg::Starred)}
        {place(Route::Trash, "trash-2", Msg::Trash)}
        {place(Route::Settings, "settings", Msg::Settings)}
    }
}

fn dialogs(app: App) -> impl IntoView {
    let one = move || {
        app.dialog.get().map(|dialog| match dialog {
            Dialog::NewFolder(_) | Dialog::NewText(_) | Dialog::Rename(_) => {
                naming::naming(app, dialog)
            }
            Dialog::Move(nodes) => folder_tree::choose_folder(app, nodes, false),
            Dialog::Copy(nodes) => folder_tree::choose_folder(app, nodes, true),
            Dialog::Clash(names) => questions::clash(app, names),
            Dialog::Incomplete { nodes, paths, count } => {
                questions::incomplete(app, nodes, paths, count)
            }
            Dialog::Queue => questions::queue(app),
            Dialog::Versions(node, name) => versions::versions(app, node, name),
            Dialog::History(node, name) => history::history(app, node, name),
            Dialog::Rewind(folder, name) => rewind::rewind(app, folder, name),
            Dialog::Help => help::help(app),
            Dialog::SignOut(pending) => questions::sign_out_question(app, pending),
            Dialog::TakeOff(device) => devices::question(app, device),
            Dialog::Purge(fault) => questions::purge(app, fault),
            Dialog::Restored => restored::dialog(app),
        })
    };
    view! {
        {one}
        {move || app.kit.get().map(|code| kit::kit(app, code))}
    }
}

//! A folder: its path, what can be done, its list. The trash is a folder too.

use leptos::html;
use leptos::prelude::*;
use offing_core::id::NodeId;
use offing_core::rpc::{FolderView, Kind};

use crate::app::{App, Dialog, actions};
use crate::components::icon::{button, icon};
use crate::components::listing::{Act, Listing};
use crate::components::readme::readme;
use crate::components::{crumbs, grid, menu};
use crate::i18n::Msg;
use crate::platform::dom;
use crate::state::rows::Rows;
use crate::state::selection::Selection;

/// Shows a folder, with its list where that is open already.
pub(super) fn page(app: App, node: NodeId, folder: Option<FolderView>) -> AnyView {
    let listing = Listing::open(app, node, folder);
    app.folder.set(Some(node));
    on_cleanup(move || app.folder.set(None));
    title(listing);
    let at = RwSignal::new(None);
    view! {
        <div class="page-head">
            {crumbs::crumbs(app, listing.path.into())}
            {button(app.t(Msg::Rewind), "history", "button quiet icon-only", move || node == NodeId::RECOVERED, move || {
                let name = listing.path.with_untracked(|path| path.last().map(|crumb| crumbs::crumb_name(app, crumb)));
                app.dialog.set(Some(Dialog::Rewind(node, name.unwrap_or_default())));
            })}
        </div>
        {toolbar(listing)}
        {body(listing, at, Msg::FolderEmpty)}
        {readme(listing)}
        {menu::menu(listing, at)}
    }
    .into_any()
}

/// What an empty folder offers.
fn empty_folder(app: App) -> AnyView {
    view! {
        <button type="button" class="button" on:click=move |_| dom::click("input[type=file]")>
            {icon("upload")}
            <span>{app.t(Msg::ChooseFiles)}</span>
        </button>
    }
    .into_any()
}

/// What the empty trash offers.
fn empty_trash(app: App) -> AnyView {
    view! { <a class="button" href=app.href(NodeId::ROOT)>{app.t(Msg::GoHome)}</a> }.into_any()
}

/// Shows what was deleted.
pub(super) fn trash(app: App) -> AnyView {
    let first = app.first(NodeId::TRASH).and_then(Result::ok);
    let listing = Listing::open(app, NodeId::TRASH, first.and_then(|view| view.folder));
    let at = RwSignal::new(None);
    let none = move || listing.selection.with(Selection::is_empty);
    let restore = move || listing.act(Act::Restore);
    let purge = move || listing.act(Act::Purge);
    let nothing = move || listing.rows.with(|rows| rows.total() == 0);
    let empty = move || actions::purge(app, Vec::new());
    view! {
        <div class="page-head"><h1>{app.t(Msg::Trash)}</h1></div>
        <div class="toolbar" role="toolbar" aria-label=app.t(Msg::Toolbar)>
            <div class="tools">
                {button(app.t(Msg::Restore), "archive-restore", "button", none, restore)}
                {button(app.t(Msg::Purge), "trash-2", "button", none, purge)}
                {button(app.t(Msg::EmptyTrash), "trash-2", "button", nothing, empty)}
            </div>
            <p class="hint">{app.t(Msg::TrashWhy)}</p>
        </div>
        {body(listing, at, Msg::TrashEmpty)}
        {menu::menu(listing, at)}
    }
    .into_any()
}

fn title(listing: Listing) {
    Effect::new(move |_| {
        let name = listing
            .path
            .with(|path| path.last().map(|crumb| crumbs::crumb_name(listing.app, crumb)));
        if let Some(name) = name {
            document().set_title(&format!("{name} · Offing"));
        }
    });
}

fn body(
    listing: Listing,
    at: RwSignal<Option<menu::MenuAt>>,
    empty: Msg<'static>,
) -> impl IntoView {
    let app = listing.app;
    let trashed = listing.node == NodeId::TRASH;
    let is_empty = Memo::new(move |_| {
        listing.ready.get() && listing.rows.with(|rows: &Rows| rows.total() == 0)
    });
    view! {
        {move || listing.fault.get().map(|fault| view! {
            <div class="empty grow"><p role="alert">{app.t(Msg::Fault(&fault))}</p></div>
        })}
        <div class="list-frame grow">
            {grid::grid(listing, at)}
            {move || is_empty.get().then(|| view! {
                <div class="empty list-empty">
                    {icon(if trashed { "trash-2" } else { "folder-open" })}
                    <p>{app.t(empty)}</p>
                    {match listing.node {
                        NodeId::TRASH => empty_trash(app),
                        NodeId::RECOVERED => ().into_any(),
                        _ => empty_folder(app),
                    }}
                </div>
            })}
        </div>
    }
}

fn toolbar(listing: Listing) -> impl IntoView {
    let app = listing.app;
    let node = listing.node;
    let fixed = node == NodeId::RECOVERED;
    let files = NodeRef::<html::Input>::new();
    let folder = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        if let Some(input) = folder.get() {
            input.set_attribute("webkitdirectory", "").ok();
        }
    });
    let pick = move |input: NodeRef<html::Input>| {
        move || {
            if let Some(input) = input.get_untracked() {
                input.click();
            }
        }
    };
    let picked = move |input: NodeRef<html::Input>| {
        move |_| {
            let Some(input) = input.get_untracked() else {
                return;
            };
            if let Some(list) = input.files() {
                actions::upload_picked(app, node, &list);
            }
            // So that the same file can be picked again.
            input.set_value("");
        }
    };
    let count = Memo::new(move |_| listing.selection.with(Selection::len));
    let none = move || count.get() == 0;
    let not_one = move || count.get() != 1;
    let act = move |act: Act| move || listing.act(act);
    let keep = move || {
        (count.get() > 0).then(|| {
            let kept = listing.selection.with(|selection| selection.rows().all(|row| row.kept));
            let (name, look, what) = if kept {
                (Msg::LetGoOf, "cloud", Act::LetGo)
            } else {
                (Msg::KeepHere, "pin", Act::Keep)
            };
            button(app.t(name), look, "button quiet folds spare", || false, act(what))
        })
    };
    let two = move || {
        listing
            .selection
            .with(|selection| {
                selection.single().is_some_and(|row| row.two_versions && row.kind != Kind::Folder)
            })
            .then(|| {
                button(
                    app.t(Msg::TwoVersions),
                    "copy",
                    "button quiet folds",
                    || false,
                    act(Act::Versions),
                )
            })
    };
    view! {
        <div class="toolbar" role="toolbar" aria-label=app.t(Msg::Toolbar) class:has-picked=move || !none()>
            <div class="tools make">
                {button(app.t(Msg::NewFolder), "folder-plus", "button folds", move || fixed, move || app.dialog.set(Some(Dialog::NewFolder(node))))}
                {button(app.t(Msg::NewTextFile), "file-plus", "button folds", move || fixed, move || app.dialog.set(Some(Dialog::NewText(node))))}
                {button(app.t(Msg::UploadFiles), "upload", "button primary", move || fixed, pick(files))}
                {button(app.t(Msg::UploadFolder), "folder-up", "button folds", move || fixed, pick(folder))}
            </div>
            <div class="tools picked">
                {selected(listing, count)}
                {two}
                {keep}
                {button(app.t(Msg::Download), "download", "button quiet folds", none, act(Act::Download))}
                {button(app.t(Msg::Rename), "pencil", "button quiet folds", not_one, act(Act::Rename))}
                {button(app.t(Msg::MoveTo), "folder-input", "button quiet folds", none, act(Act::Move))}
                {button(app.t(Msg::Delete), "trash-2", "button quiet folds", none, act(Act::Delete))}
            </div>
            <input type="file" multiple=true hidden=true node_ref=files on:change=picked(files) aria-label=app.t(Msg::UploadFiles) />
            <input type="file" multiple=true hidden=true node_ref=folder on:change=picked(folder) aria-label=app.t(Msg::UploadFolder) />
        </div>
    }
}

/// How many are selected, and the button that lets go of them.
fn selected(listing: Listing, count: Memo<usize>) -> impl IntoView {
    let app = listing.app;
    let says = move || (count.get() > 0).then(|| app.t(Msg::Selected(count.get() as u32)));
    let some = Memo::new(move |_| count.get() > 0);
    view! {
        <span class="visually-hidden" aria-live="polite">{says}</span>
        {move || some.get().then(|| view! {
            <button
                type="button"
                class="button quiet"
                aria-label=app.t(Msg::KeyClear)
                title=app.t(Msg::KeyClear)
                on:click=move |_| listing.selection.update(Selection::clear)
            >
                {icon("x")}
                <span>{says}</span>
            </button>
        })}
    }
}

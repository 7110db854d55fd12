//! What the page asks of the engine on a person's behalf, with the message that follows.

use js_sys::Array;
use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use offing_core::rpc::{
    ActionId, Clash, Command, Fault, Kind, Reply, RevisionId, Sort, SortBy, TransferControl,
    TransferId,
};
use wasm_bindgen::JsCast;
use web_sys::ReadableStream;

use super::{App, Batch, Dialog, Toast};
use crate::components::sorting;
use crate::i18n::Msg;
use crate::platform::drop::{self, DropError};
use crate::platform::{download as saving, engine, timer};
use crate::state::route::Route;
use crate::state::transfers::Transfers;

/// The order that folder pickers use.
pub(crate) const BY_NAME: Sort = Sort { by: SortBy::Name, descending: false };

/// How long open editors are given to hand over what was typed, for each round.
const SETTLE_MS: u32 = 20;
/// Rounds of it at most.
const SETTLE_ROUNDS_MAX: u32 = 100;

/// Asks for a change and offers to undo it.
pub(crate) fn change(app: App, command: Command, said: fn(u32) -> Msg<'static>) {
    spawn_local(async move {
        match engine::call(command).await {
            Ok(Reply::Changed { action, count }) => app.done(said(count), Some(action)),
            Ok(_) => {}
            Err(fault) => app.failed(&fault),
        }
    });
}

/// Asks for something that has nothing to say when it worked.
pub(crate) fn ask(app: App, command: Command) {
    spawn_local(async move {
        if let Err(fault) = engine::call(command).await {
            app.failed(&fault);
        }
    });
}

/// Moves nodes.
pub(crate) fn move_to(app: App, nodes: Vec<NodeId>, to: NodeId) {
    if !nodes.is_empty() && !nodes.contains(&to) {
        change(app, Command::Move { nodes, to }, Msg::Moved);
    }
}

/// Copies nodes.
pub(crate) fn copy_to(app: App, nodes: Vec<NodeId>, to: NodeId) {
    if !nodes.is_empty() {
        change(app, Command::Copy { nodes, to }, Msg::Copied);
    }
}

/// Moves nodes to the trash.
pub(crate) fn trash(app: App, nodes: Vec<NodeId>) {
    if !nodes.is_empty() {
        change(app, Command::Trash { nodes }, Msg::Trashed);
    }
}

/// Takes nodes out of the trash.
pub(crate) fn restore(app: App, nodes: Vec<NodeId>) {
    if !nodes.is_empty() {
        change(app, Command::Restore { nodes }, Msg::Restored);
    }
}

/// Deletes for good, after a question that says how much; no nodes are all of the trash.
pub(crate) fn purge(app: App, nodes: Vec<NodeId>) {
    ask(app, Command::Purge { nodes, sure: false });
}

/// Takes an action back.
pub(crate) fn undo(app: App, action: ActionId) {
    app.toast.set(None);
    spawn_local(async move {
        match engine::call(Command::Undo { action }).await {
            Ok(_) => app.done(Msg::Undone, None),
            Err(fault) => app.failed(&fault),
        }
    });
}

/// Keeps nodes on this device, or lets go of them.
pub(crate) fn keep(app: App, nodes: Vec<NodeId>, keep: bool) {
    spawn_local(async move {
        match engine::call(Command::Keep { nodes, keep }).await {
            Ok(_) => app.done(if keep { Msg::KeptHere } else { Msg::LetGo }, None),
            Err(fault) => app.failed(&fault),
        }
    });
}

/// Saves what was typed and ends the engine, for a new version of the app to be loaded; says
/// whether that was possible now.
pub(crate) async fn settle_for_update(app: App) -> bool {
    if app.transfers.with_untracked(Transfers::has_unread) {
        let text = app.t(Msg::UpdateLater);
        app.toast(Toast { text, undo: None, failure: true });
        return false;
    }
    // Nothing is typed any more; editors hand over what they have.
    let session = app.session.get_untracked();
    app.session.set(None);
    if let Err(fault) = settle().await {
        // What cannot be saved now keeps the page as it is.
        app.session.set(session);
        app.failed(&fault);
        return false;
    }
    // An engine that goes on asking the server would keep an old service worker awake.
    engine::end();
    true
}

/// Has the engine save everything that was typed, what editors still hand over included.
async fn settle() -> Result<(), Fault> {
    for _ in 0..SETTLE_ROUNDS_MAX {
        match engine::call(Command::FlushAll).await {
            Ok(_) | Err(Fault::SignedOut) if engine::is_quiet() => break,
            Ok(_) | Err(Fault::SignedOut) => timer::pause(SETTLE_MS).await,
            Err(fault) => return Err(fault),
        }
    }
    // What is not answered by now waits for the network, and was not typed.
    Ok(())
}

/// Steers a transfer.
pub(crate) fn steer(app: App, transfer: TransferId, control: TransferControl) {
    ask(app, Command::Transfer { transfer, control });
}

/// Downloads nodes: one file as it is, anything else as a ZIP. Asks first where files
/// cannot be had now.
pub(crate) fn download(app: App, nodes: Vec<NodeId>) {
    if !nodes.is_empty() {
        spawn_local(save(app, nodes, false));
    }
}

/// Downloads what of these nodes can be had now.
pub(crate) fn download_rest(app: App, nodes: Vec<NodeId>) {
    spawn_local(save(app, nodes, true));
}

async fn save(app: App, nodes: Vec<NodeId>, anyway: bool) {
    let command = Command::Download { nodes: nodes.clone(), anyway };
    let answer = match engine::call_with(command, &Array::new()).await {
        Ok(answer) => answer,
        Err(Fault::Incomplete { paths, count }) => {
            return app.dialog.set(Some(Dialog::Incomplete { nodes, paths, count }));
        }
        Err(fault) => return app.failed(&fault),
    };
    save_stream(app, answer).await;
}

/// Saves a state that a file has or had.
pub(crate) fn download_revision(app: App, node: NodeId, revision: RevisionId) {
    save_opened(app, Command::OpenRevision { node, revision });
}

/// Downloads the files that are not on the server as they are here.
pub(crate) fn download_unsynced(app: App) {
    save_opened(app, Command::DownloadUnsynced);
}

fn save_opened(app: App, command: Command) {
    spawn_local(async move {
        match engine::call_with(command, &Array::new()).await {
            Ok(answer) => save_stream(app, answer).await,
            Err(fault) => app.failed(&fault),
        }
    });
}

async fn save_stream(app: App, answer: engine::Answer) {
    let Reply::Download { name, size } = answer.reply else {
        return;
    };
    let Ok(stream) = answer.extra.dyn_into::<ReadableStream>() else {
        return app.failed(&Fault::Internal);
    };
    if let Err(error) = saving::save(&name, size, stream).await {
        leptos::logging::error!("{error:?}");
        app.failed(&Fault::NotHere { name });
    }
}

/// Uploads what was dropped.
pub(crate) fn upload_drop(app: App, parent: NodeId, dropped: drop::Drop) {
    spawn_local(async move {
        match drop::walk(dropped).await {
            Ok(flat) => upload(app, Batch { parent, flat }, Clash::Ask).await,
            Err(error) => refuse(app, error),
        }
    });
}

/// Uploads what was picked.
pub(crate) fn upload_picked(app: App, parent: NodeId, list: &web_sys::FileList) {
    match drop::picked(list) {
        Ok(flat) => spawn_local(upload(app, Batch { parent, flat }, Clash::Ask)),
        Err(error) => refuse(app, error),
    }
}

/// Goes on with the batch that waited for an answer; nothing drops it.
pub(crate) fn answer_clash(app: App, clash: Option<Clash>) {
    app.dialog.set(None);
    let batch = app.batch.try_update_value(Option::take).flatten();
    if let (Some(batch), Some(clash)) = (batch, clash) {
        spawn_local(upload(app, batch, clash));
    }
}

fn refuse(app: App, error: DropError) {
    match error {
        DropError::TooMany => app.failed(&Fault::TooMany),
        DropError::Unreadable(name) => app.failed(&Fault::FileVanished { name }),
    }
}

async fn upload(app: App, batch: Batch, clash: Clash) {
    if !batch.flat.files().is_empty() {
        let (items, beside) = drop::describe(batch.flat.files());
        let command = Command::Upload { parent: batch.parent, items, clash };
        match engine::call_with(command, &beside).await.map(|answer| answer.reply) {
            Ok(Reply::Clashes(names)) => {
                app.batch.set_value(Some(batch));
                app.dialog.set(Some(Dialog::Clash(names)));
                return;
            }
            Ok(_) => {}
            Err(fault) => return app.failed(&fault),
        }
    }
    let paths = batch.flat.empty_folders().to_vec();
    if !paths.is_empty() {
        ask(app, Command::MakeFolders { parent: batch.parent, paths });
    }
}

/// Folders of a folder, a window of them.
pub(crate) struct Subfolders {
    /// Nodes with their names.
    pub(crate) folders: Vec<(NodeId, String)>,
    /// Where the next window begins, if there are more.
    pub(crate) next: Option<u32>,
}

/// Lists folders of a folder, from a place on.
pub(crate) async fn subfolders(parent: NodeId, start: u32) -> Result<Subfolders, Fault> {
    let command = Command::OpenFolder { node: parent, sort: BY_NAME, rows: 0 };
    let Reply::Folder(view) = engine::call(command).await? else {
        return Err(Fault::Internal);
    };
    let end = start + offing_core::limits::WINDOW_ROWS_MAX as u32;
    let answer = engine::call(Command::Window { view: view.view, start, end }).await;
    engine::tell(Command::CloseView { view: view.view });
    let Reply::Rows { rows, .. } = answer? else {
        return Err(Fault::Internal);
    };
    // Folders stand before files, so a window that ends with one may not be the last.
    let only_folders = rows.last().is_some_and(|row| row.kind == Kind::Folder);
    let next = (only_folders && end < view.total).then_some(end);
    let folders = rows.into_iter().filter(|row| row.kind == Kind::Folder);
    Ok(Subfolders { folders: folders.map(|row| (row.node, row.name)).collect(), next })
}

/// Goes from a file to the one before or after it in its folder.
pub(crate) fn walk(app: App, node: NodeId, forward: bool) {
    spawn_local(async move {
        let command = Command::Neighbour { node, sort: sorting::stored(), forward };
        if let Ok(Reply::Linked(Some(node))) = engine::call(command).await
            && let Some(vault) = untrack(|| app.vault())
        {
            app.redirect(Route::Node { vault, node });
        }
    });
}

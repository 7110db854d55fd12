//! What the page asks of the engine on a person's behalf, with the message that follows.

use js_sys::Array;
use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use offing_core::rpc::{
    ActionId, Clash, Command, Fault, Kind, Reply, Sort, SortBy, TransferControl, TransferId,
};
use wasm_bindgen::JsCast;
use web_sys::{File, ReadableStream};

use super::{App, Batch, Dialog};
use crate::i18n::Msg;
use crate::platform::drop::{self, DropError};
use crate::platform::{download as saving, engine};
use crate::state::drop_tree::Flat;

/// The order that folder pickers use.
pub(crate) const BY_NAME: Sort = Sort { by: SortBy::Name, descending: false };

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

/// Steers a transfer.
pub(crate) fn steer(app: App, transfer: TransferId, control: TransferControl) {
    ask(app, Command::Transfer { transfer, control });
}

/// Downloads nodes: one file as it is, anything else as a ZIP.
pub(crate) fn download(app: App, nodes: Vec<NodeId>) {
    if nodes.is_empty() {
        return;
    }
    spawn_local(async move {
        let answer = engine::call_with(Command::Download { nodes }, &Array::new()).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(fault) => return app.failed(&fault),
        };
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
    });
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
    if let Err(fault) = make_folders(batch.parent, &batch.flat).await {
        app.failed(&fault);
    }
}

/// Makes the folders of an upload that hold no file.
async fn make_folders(target: NodeId, flat: &Flat<File>) -> Result<(), Fault> {
    for path in flat.empty_folders() {
        let mut parent = target;
        for name in path {
            parent = match find_folder(parent, name).await? {
                Some(folder) => folder,
                None => {
                    let command = Command::CreateFolder { parent, name: name.clone() };
                    let Reply::Created { node, .. } = engine::call(command).await? else {
                        return Err(Fault::Internal);
                    };
                    node
                }
            };
        }
    }
    Ok(())
}

async fn find_folder(parent: NodeId, name: &str) -> Result<Option<NodeId>, Fault> {
    let folders = subfolders(parent).await?;
    Ok(folders.into_iter().find(|(_, known)| known == name).map(|(node, _)| node))
}

/// Lists the folders of a folder, as far as one window reaches.
pub(crate) async fn subfolders(parent: NodeId) -> Result<Vec<(NodeId, String)>, Fault> {
    let rows = offing_core::limits::WINDOW_ROWS_MAX as u32;
    let command = Command::OpenFolder { node: parent, sort: BY_NAME, rows };
    let Reply::Folder(view) = engine::call(command).await? else {
        return Err(Fault::Internal);
    };
    engine::tell(Command::CloseView { view: view.view });
    let folders = view.rows.into_iter().filter(|row| row.kind == Kind::Folder);
    Ok(folders.map(|row| (row.node, row.name)).collect())
}

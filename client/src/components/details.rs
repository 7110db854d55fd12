//! What a file or folder says of itself: a script of its own asks the engine and shows it.

use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use wasm_bindgen::prelude::*;

use crate::app::{App, Dialog};
use crate::editor::beside::beside;
use crate::platform::module;

/// Shows the details of a node that is in a folder.
pub(crate) fn show(app: App, node: NodeId, folder: NodeId) {
    // It leads to the dialog with what the file was, by the name that is shown.
    let history = move |name| app.dialog.set(Some(Dialog::History(node, name)));
    spawn_local(async move {
        if let Ok(shows) = module::load("details", "shows").await {
            let history = Closure::<dyn Fn(String)>::new(history).into_js_value();
            let (node, root) = (node.to_string().into(), app.href(NodeId::ROOT).into());
            // A picture is read there, and its copy put beside it.
            let beside = beside(app, folder, folder);
            shows.call4(&JsValue::NULL, &node, &root, &history, &beside).ok();
        }
    });
}

//! The preview of a file that the editor does not open.
//!
//! It is a script of its own, which comes with the first such file: this only opens the
//! file's content and hands over the port at which it is read.

use js_sys::{Array, Object, Reflect};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use offing_core::rpc::{Command, Fault, Reply};
use wasm_bindgen::prelude::*;
use web_sys::Element;

use super::details;
use crate::app::{App, actions};
use crate::i18n::Msg;
use crate::platform::engine::{self, Answer};
use crate::platform::{module, timer};

/// Shows what is in a file; what is taken out of it goes to `parent`. The viewer ends by
/// itself when its region leaves the page.
pub(crate) fn viewer(app: App, node: NodeId, parent: NodeId) -> impl IntoView {
    let region = NodeRef::<html::Section>::new();
    spawn_local(async move {
        let answer = engine::call_with(Command::OpenContent { node }, &Array::new()).await;
        let mount = module::load("viewer", "mount").await;
        // The element is there after the next turn of the page.
        timer::pause(0).await;
        if let (Some(Some(region)), Ok(mount)) = (region.try_get_untracked(), mount) {
            let options = options(app, node, parent, &region, answer);
            mount.call1(&JsValue::NULL, &options).ok();
        }
    });
    view! { <section class="viewer grow" aria-label=app.t(Msg::Preview) node_ref=region></section> }
}

/// What the viewer gets: where it is, the port, and the way to have the page do something.
fn options(
    app: App,
    node: NodeId,
    parent: NodeId,
    region: &Element,
    answer: Result<Answer, Fault>,
) -> Object {
    // One for everything: each kind of closure costs every visitor some hundred bytes.
    let act = Closure::<dyn Fn(u32, JsValue)>::new(move |act: u32, beside: JsValue| match act {
        0 => {
            app.reveal.set(Some(node));
            app.open(parent);
        }
        1 => actions::download(app, vec![node]),
        2 => actions::upload_picked(app, parent, beside.unchecked_ref()),
        3 => actions::walk(app, node, beside.is_truthy()),
        _ => details::show(app, node, parent),
    });
    let (name, size, port) = match answer {
        Ok(Answer { reply: Reply::Download { name, size }, extra }) => (name, size, extra),
        // Without a port the name is why there is none.
        Ok(_) => (app.t(Msg::Fault(&Fault::Internal)), None, JsValue::NULL),
        Err(fault) => (app.t(Msg::Fault(&fault)), None, JsValue::NULL),
    };
    let options = Object::new();
    for (key, value) in [
        ("parent", region.into()),
        ("port", port),
        ("name", name.into()),
        ("size", (size.unwrap_or_default() as f64).into()),
        ("act", act.into_js_value()),
    ] {
        // Setting a field of a plain object cannot fail.
        Reflect::set(&options, &key.into(), &value).ok();
    }
    options
}

//! Between the editor and the engine.
//!
//! The editor is a JavaScript module of its own, loaded when the first text is opened. It
//! keeps CodeMirror's collaboration protocol; this glue carries its updates to the engine
//! and back, and repeats a push that was lost.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Function, Object, Reflect};
use leptos::prelude::Update;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use offing_core::rpc::{Command, Event, OpenedText, Reply, SyncState, TextUpdate};
use wasm_bindgen::prelude::*;
use web_sys::Element;

use super::beside::beside;
use crate::app::App;
use crate::i18n::Msg;
use crate::platform::engine::ListenerId;
use crate::platform::{engine, module, timer};
use crate::state::collab::{Pushes, Todo};

#[wasm_bindgen]
extern "C" {
    /// The handle that `createEditor` answers.
    type Handle;
    #[wasm_bindgen(method, catch, js_name = receiveUpdates)]
    fn receive_updates(this: &Handle, version: u32, updates: &Array) -> Result<(), JsValue>;
    #[wasm_bindgen(method)]
    fn release(this: &Handle);
    #[wasm_bindgen(method)]
    fn focus(this: &Handle);
    #[wasm_bindgen(method, js_name = setReadOnly)]
    fn set_read_only(this: &Handle, read_only: bool);
    #[wasm_bindgen(method, js_name = showMerged)]
    fn show_merged(this: &Handle, shown: bool);
    #[wasm_bindgen(method, js_name = takeBackMerged)]
    fn take_back_merged(this: &Handle);
    #[wasm_bindgen(method, js_name = forgetMerged)]
    fn forget_merged(this: &Handle);
    #[wasm_bindgen(method)]
    fn sendable(this: &Handle) -> u32;
    #[wasm_bindgen(method)]
    fn leave(this: &Handle);
    #[wasm_bindgen(method)]
    fn destroy(this: &Handle);
}

/// An open editor.
pub(crate) struct TextEditor {
    app: App,
    node: NodeId,
    handle: RefCell<Option<Handle>>,
    pushes: RefCell<Pushes>,
    /// Hears the engine once the editor has left the page with edits to hand over.
    leaving: Cell<Option<ListenerId>>,
    /// Kept alive as long as the editor calls them.
    callbacks: RefCell<Vec<JsValue>>,
}

impl TextEditor {
    /// Opens the editor in an element. `changed` gets a function that reads the text; tasks are
    /// ticked in `preview`.
    pub(crate) async fn open(
        app: App,
        text: &OpenedText,
        parent: &Element,
        preview: JsValue,
        changed: impl Fn(Function) + 'static,
    ) -> Result<Rc<Self>, JsValue> {
        let create = module::load("editor", "createEditor").await?;
        let editor = Rc::new(Self {
            app,
            node: text.node,
            handle: RefCell::new(None),
            pushes: RefCell::default(),
            leaving: Cell::new(None),
            callbacks: RefCell::default(),
        });
        let weak = Rc::downgrade(&editor);
        let on_updates = Closure::<dyn Fn(u32, Array)>::new(move |version: u32, updates: Array| {
            if let Some(editor) = weak.upgrade() {
                editor.push(version, &updates);
            }
        })
        .into_js_value();
        let on_change = Closure::<dyn Fn(Function)>::new(changed).into_js_value();
        let node = text.node;
        let on_blur = Closure::<dyn Fn()>::new(move || engine::tell(Command::FlushText { node }))
            .into_js_value();
        let folder = text.path.last().map_or(NodeId::ROOT, |crumb| crumb.node);
        let beside = beside(app, folder, node);
        let options = Object::new();
        let client = format!("page-{:08x}", (js_sys::Math::random() * f64::from(u32::MAX)) as u32);
        for (key, value) in [
            ("parent", parent.into()),
            ("preview", preview),
            ("node", JsValue::from_str(&node.to_string())),
            ("doc", JsValue::from_str(&text.text)),
            ("version", JsValue::from_f64(f64::from(text.version))),
            ("clientId", JsValue::from_str(&client)),
            ("fileName", JsValue::from_str(&text.name)),
            ("readOnly", JsValue::from_bool(text.read_only.is_some())),
            ("label", JsValue::from_str(&app.t(Msg::Editor))),
            ("onUpdates", on_updates.clone()),
            ("onDocChange", on_change.clone()),
            ("onBlur", on_blur.clone()),
            ("beside", beside.clone()),
        ] {
            Reflect::set(&options, &key.into(), &value)?;
        }
        let handle = create.call1(&JsValue::NULL, &options)?.unchecked_into::<Handle>();
        editor.callbacks.replace(vec![on_updates, on_change, on_blur, beside]);
        editor.handle.replace(Some(handle));
        Ok(editor)
    }

    /// Gives the editor the focus.
    pub(crate) fn focus(&self) {
        self.with(Handle::focus);
    }

    /// Marks what other devices typed, and goes to the first of it.
    pub(crate) fn show_merged(&self, shown: bool) {
        self.with(|handle| handle.show_merged(shown));
    }

    /// Takes back what other devices typed, by a new edit.
    pub(crate) fn take_back_merged(&self) {
        self.with(Handle::take_back_merged);
    }

    /// Leaves alone what other devices typed so far.
    pub(crate) fn forget_merged(&self) {
        self.with(Handle::forget_merged);
    }

    /// Takes in what the engine accepted, from whoever it comes.
    pub(crate) fn receive(&self, version: u32, updates: &[TextUpdate]) {
        let list = Array::new();
        for update in updates {
            list.push(&to_js(update));
        }
        self.with(|handle| {
            if let Err(error) = handle.receive_updates(version, &list) {
                // Edits are missing in between: typing on would not be saved.
                leptos::logging::error!("{error:?}");
                handle.set_read_only(true);
                let text = self.app.t(Msg::EditorLost);
                self.app.toast(crate::app::Toast { text, undo: None, failure: true });
            }
        });
        self.finish_leaving();
    }

    /// Takes the editor off the page, saves and closes. What was typed while a push was
    /// under way goes with the next one, so until that is accepted the text stays open.
    pub(crate) fn close(self: &Rc<Self>) {
        self.with(Handle::leave);
        if self.is_drained() {
            engine::tell(Command::CloseText { node: self.node });
            if let Some(handle) = self.handle.take() {
                handle.destroy();
            }
            return;
        }
        let editor = Rc::clone(self);
        self.leaving.set(Some(engine::listen(move |event| match event {
            Event::TextUpdates { node, version, updates, .. } if *node == editor.node => {
                editor.receive(*version, updates);
            }
            _ => {}
        })));
    }

    /// Ends an editor that has left, once the engine has all of it. The text is not closed:
    /// it may be open in another editor by now.
    fn finish_leaving(&self) {
        if !self.is_drained() {
            return;
        }
        if let Some(listener) = self.leaving.take() {
            engine::unlisten(listener);
            engine::tell(Command::FlushText { node: self.node });
            if let Some(handle) = self.handle.borrow_mut().take() {
                handle.destroy();
            }
        }
    }

    fn is_drained(&self) -> bool {
        self.handle.borrow().as_ref().is_none_or(|handle| handle.sendable() == 0)
    }

    fn with(&self, use_it: impl FnOnce(&Handle)) {
        if let Some(handle) = self.handle.borrow().as_ref() {
            use_it(handle);
        }
    }

    fn push(self: &Rc<Self>, version: u32, updates: &Array) {
        let updates: Vec<TextUpdate> = updates.iter().map(|update| from_js(&update)).collect();
        let push = self.pushes.borrow_mut().begin();
        let editor = self.clone();
        // Said at once: what was typed is not saved before the engine says so.
        self.app.status.update(|status| status.state = SyncState::Saving);
        let command = Command::PushText { node: self.node, version, updates: updates.clone() };
        // Sent now, not in the task: what follows (a flush, a close) must come after it.
        let answer = engine::call(command);
        spawn_local(async move {
            let todo = match answer.await {
                Ok(Reply::TextAccepted { accepted }) => {
                    editor.pushes.borrow_mut().answered(accepted, updates.len())
                }
                Ok(_) => Todo::Ignore,
                Err(fault) => {
                    let todo = editor.pushes.borrow_mut().failed(push);
                    if matches!(todo, Todo::ReleaseAfter(_)) {
                        editor.app.failed(&fault);
                    }
                    todo
                }
            };
            match todo {
                Todo::Confirm(count) => editor.receive(version, &updates[..count]),
                Todo::Await | Todo::Ignore => {}
                Todo::ReleaseAfter(ms) => {
                    timer::pause(ms).await;
                    if editor.pushes.borrow().is_newest(push) {
                        editor.with(Handle::release);
                    }
                }
            }
        });
    }
}

fn to_js(update: &TextUpdate) -> Object {
    let object = Object::new();
    for (key, value) in [("clientID", &update.client), ("changes", &update.changes)] {
        // Setting a field of a plain object cannot fail.
        Reflect::set(&object, &key.into(), &JsValue::from_str(value)).ok();
    }
    object
}

fn from_js(update: &JsValue) -> TextUpdate {
    let field = |key: &str| {
        Reflect::get(update, &key.into())
            .ok()
            .and_then(|value| value.as_string())
            .unwrap_or_default()
    };
    TextUpdate { client: field("clientID"), changes: field("changes") }
}

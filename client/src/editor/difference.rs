//! The difference between two texts, drawn by the editor's module.

use js_sys::{Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::Element;

use crate::app::App;
use crate::i18n::Msg;
use crate::platform::module;

#[wasm_bindgen]
extern "C" {
    /// The handle that `createDifference` answers.
    type Handle;
    #[wasm_bindgen(method)]
    fn destroy(this: &Handle);
}

/// A difference that is shown.
pub(crate) struct Difference(Handle);

impl Difference {
    /// Shows in an element how a text became another.
    pub(crate) async fn open(
        app: App,
        parent: &Element,
        name: &str,
        before: &str,
        after: &str,
    ) -> Result<Self, JsValue> {
        let create = module::load("editor", "createDifference").await?;
        let options = Object::new();
        for (key, value) in [
            ("parent", parent.into()),
            ("before", JsValue::from_str(before)),
            ("after", JsValue::from_str(after)),
            ("fileName", JsValue::from_str(name)),
            ("label", JsValue::from_str(&app.t(Msg::Difference))),
            ("unchanged", JsValue::from_str(&app.t(Msg::UnchangedLines))),
        ] {
            Reflect::set(&options, &key.into(), &value)?;
        }
        Ok(Self(create.call1(&JsValue::NULL, &options)?.unchecked_into()))
    }
}

impl Drop for Difference {
    fn drop(&mut self) {
        self.0.destroy();
    }
}

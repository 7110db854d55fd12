//! Scripts of the page that come when they are needed.

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::dom;

#[wasm_bindgen(inline_js = "export function importModule(url) { return import(url); }")]
extern "C" {
    #[wasm_bindgen(js_name = importModule)]
    fn import_module(url: &str) -> Promise;
}

/// Loads a function of a module that the build wrote on `<html>`; the browser keeps it.
pub(crate) async fn load(module: &str, function: &str) -> Result<Function, JsValue> {
    let url = dom::asset(module).ok_or("the page does not name its module")?;
    let module = JsFuture::from(import_module(&url)).await?;
    Reflect::get(&module, &function.into())?.dyn_into()
}

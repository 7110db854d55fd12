//! Small tools for values of JavaScript that more than one module needs.

use js_sys::{Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Reads a property; `undefined` if the object has none.
pub fn property(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// Reads a property of the worker's global scope, if it is there.
pub fn global(name: &str) -> Option<JsValue> {
    let value = property(&js_sys::global(), name);
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

/// Makes an object of properties.
pub fn object(properties: &[(&str, JsValue)]) -> JsValue {
    let object = js_sys::Object::new();
    for (name, value) in properties {
        // A plain new object takes any property.
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object.into()
}

/// Calls a method with any number of arguments.
pub fn call(object: &JsValue, method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    let function: Function = property(object, method).dyn_into()?;
    let list: js_sys::Array = arguments.iter().collect();
    function.apply(object, &list)
}

/// Calls a method that answers a promise, and waits for it.
pub async fn call_async(
    object: &JsValue,
    method: &str,
    arguments: &[JsValue],
) -> Result<JsValue, JsValue> {
    let promise: Promise = call(object, method, arguments)?.dyn_into()?;
    JsFuture::from(promise).await
}

/// The name of an exception, such as `QuotaExceededError`.
pub fn error_name(error: &JsValue) -> String {
    property(error, "name").as_string().unwrap_or_else(|| "UnknownError".to_owned())
}

/// Copies bytes into a buffer of JavaScript's own.
///
/// Never hands out a view of wasm memory: it would break when the memory grows.
pub fn to_js(bytes: &[u8]) -> Uint8Array {
    Uint8Array::from(bytes)
}

/// Copies bytes out of an `ArrayBuffer` or a view of one.
pub fn to_bytes(value: &JsValue) -> Vec<u8> {
    Uint8Array::new(value).to_vec()
}

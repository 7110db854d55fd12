//! How much the browser lets the app store, and whether it may be dropped.

use super::js;

/// What the browser says about its storage.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    /// Bytes in use, all of the origin's storage together.
    pub usage_bytes: u64,
    /// Bytes that may be used.
    pub quota_bytes: u64,
}

fn manager() -> Option<wasm_bindgen::JsValue> {
    let storage = js::property(&js::global("navigator")?, "storage");
    (!storage.is_undefined()).then_some(storage)
}

/// Asks how much is used and how much there is; `None` where the browser does not tell.
pub async fn estimate() -> Option<Estimate> {
    let answer = js::call_async(&manager()?, "estimate", &[]).await.ok()?;
    let number = |name: &str| js::property(&answer, name).as_f64().map(|value| value as u64);
    Some(Estimate { usage_bytes: number("usage")?, quota_bytes: number("quota")? })
}

/// Says whether the browser promised not to drop the storage on its own.
pub async fn is_persistent() -> bool {
    ask("persisted").await
}

/// Asks the browser not to drop the storage on its own; some let only a page ask.
pub async fn persist() -> bool {
    ask("persist").await
}

async fn ask(method: &str) -> bool {
    let Some(manager) = manager() else {
        return false;
    };
    let answer = js::call_async(&manager, method, &[]).await;
    answer.ok().and_then(|answer| answer.as_bool()).unwrap_or(false)
}

//! The engine's module, run in a dedicated worker: one for each tab.

#[cfg(target_arch = "wasm32")]
mod worker {
    use offing_worker::engine::Engine;
    use wasm_bindgen::prelude::{Closure, wasm_bindgen};
    use wasm_bindgen::{JsCast, JsValue};
    use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

    /// Starts to answer the page.
    #[expect(unreachable_pub, reason = "JavaScript reaches it")]
    #[wasm_bindgen(start)]
    pub fn start() -> Result<(), JsValue> {
        let scope = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>()?;
        let engine = Engine::new(scope.clone());
        let hear = Closure::<dyn FnMut(MessageEvent)>::new(move |event| engine.hear(&event));
        scope.set_onmessage(Some(hear.as_ref().unchecked_ref()));
        // Heard for as long as the worker lives.
        hear.forget();
        Ok(())
    }
}

fn main() {}

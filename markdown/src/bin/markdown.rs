//! The renderer's module, run in a dedicated worker: one for each open preview.

#[cfg(target_arch = "wasm32")]
mod worker {
    use wasm_bindgen::prelude::wasm_bindgen;

    /// Renders a text; nothing if that would be too large.
    #[expect(unreachable_pub, reason = "JavaScript reaches it")]
    #[wasm_bindgen]
    pub fn render(text: &str) -> Option<Vec<u8>> {
        offing_markdown::parse::render(text)
    }
}

fn main() {}

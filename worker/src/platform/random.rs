//! Random bytes from the browser's generator.

use super::js;

/// Most bytes that one call to the browser gives.
const CALL_BYTES_MAX: usize = 65_536;

/// Fills a buffer with random bytes.
pub fn fill(bytes: &mut [u8]) {
    let crypto = js::property(&js_sys::global(), "crypto");
    for part in bytes.chunks_mut(CALL_BYTES_MAX) {
        let buffer = js_sys::Uint8Array::new_with_length(part.len() as u32);
        js::call(&crypto, "getRandomValues", &[buffer.clone().into()])
            .expect("every worker of a secure context has random numbers");
        buffer.copy_to(part);
    }
}

/// Makes an array of random bytes.
pub fn array<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

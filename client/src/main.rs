//! Starts the page in the browser.
//!
//! On the host there is nothing to start: the binary exists there only so that the
//! workspace builds as a whole.

#[cfg(target_arch = "wasm32")]
fn main() {
    offing_client::start();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("offing-client runs in a browser; `cargo xtask serve` builds and serves it");
}

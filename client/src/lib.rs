//! The page of Offing: shows what the engine says and sends it commands.
//!
//! `state` and `i18n` are plain Rust and are tested on the host; the rest needs a browser.
//! The page never sees a key or ciphertext, fetches nothing and stores nothing but two
//! preferences (the language and the order of lists): all else is asked of the engine
//! through `offing_core::rpc`.
//!
//! Invariants: no view waits for the network before it shows local data; no content ever
//! becomes markup by way of a string.
#![warn(missing_docs)]

pub mod i18n;
pub mod state;

#[cfg(target_arch = "wasm32")]
mod app;
#[cfg(target_arch = "wasm32")]
mod components;
#[cfg(target_arch = "wasm32")]
mod editor;
#[cfg(target_arch = "wasm32")]
mod pages;
#[cfg(target_arch = "wasm32")]
mod platform;

#[cfg(target_arch = "wasm32")]
pub use app::start;

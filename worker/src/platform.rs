//! The browser's services behind small functions: time, randomness, locks, files, crypto.
//!
//! Works in dedicated and service workers alike (no `window`); what a browser may lack is
//! asked for before use. Nothing here knows what it is used for.

#[cfg(target_arch = "wasm32")]
pub mod channel;
pub mod clock;
#[cfg(target_arch = "wasm32")]
pub mod files;
#[cfg(target_arch = "wasm32")]
pub mod identity;
#[cfg(target_arch = "wasm32")]
pub mod js;
#[cfg(target_arch = "wasm32")]
pub mod locks;
#[cfg(all(target_arch = "wasm32", feature = "engine"))]
pub mod opaque;
#[cfg(target_arch = "wasm32")]
pub mod port;
#[cfg(target_arch = "wasm32")]
pub mod quota;
#[cfg(target_arch = "wasm32")]
pub mod random;
#[cfg(target_arch = "wasm32")]
pub mod stream;
#[cfg(target_arch = "wasm32")]
pub mod timer;
#[cfg(target_arch = "wasm32")]
pub mod webcrypto;

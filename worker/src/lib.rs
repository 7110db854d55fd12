//! What runs off the page: the engine in a dedicated worker, one for each tab, and the
//! service worker.
//!
//! The library holds what both need: the local store, the browser's services, the calls
//! to the server, and the one way to push. Only `store` opens IndexedDB and only `net`
//! calls the server. The service worker links no replica and holds no key; what needs
//! either stands behind the feature `engine`.

#![warn(missing_docs)]

#[cfg(all(feature = "engine", target_arch = "wasm32"))]
pub mod engine;
#[cfg(feature = "engine")]
pub mod enrol;
#[cfg(feature = "engine")]
pub mod host;
pub mod net;
pub mod platform;
#[cfg(feature = "engine")]
pub mod proof;
pub mod push;
#[cfg(feature = "engine")]
pub mod replica;
#[cfg(all(feature = "engine", target_arch = "wasm32"))]
pub mod session;
pub mod store;

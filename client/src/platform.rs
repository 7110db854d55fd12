//! What the browser does for the page: the workers, addresses, downloads, drops.
//!
//! Only this module and the editor's glue talk to the browser beyond elements and events.

pub(crate) mod background;
pub(crate) mod dom;
pub(crate) mod download;
pub(crate) mod drop;
pub(crate) mod engine;
pub(crate) mod history;
pub(crate) mod module;
pub(crate) mod renderer;
pub(crate) mod timer;

//! The editor's glue, the difference of two texts, the rendered document.

pub(crate) mod difference;
pub(crate) mod glue;
pub(crate) mod preview;

//! The editor's glue, the files beside a text, the difference of two texts, the rendered document.

pub(crate) mod beside;
pub(crate) mod difference;
pub(crate) mod glue;
pub(crate) mod preview;

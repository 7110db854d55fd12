//! The editor's glue and the rendered document beside it.

pub(crate) mod glue;
pub(crate) mod preview;

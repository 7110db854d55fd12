//! The module of archives.

offing_preview::module!(offing_preview::archive::Archive, in pieces);

//! The module of pictures.

offing_preview::module!(offing_preview::picture::Picture);

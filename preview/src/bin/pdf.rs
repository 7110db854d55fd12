//! The module of PDF.

offing_preview::module!(offing_preview::pdf::Pdf);

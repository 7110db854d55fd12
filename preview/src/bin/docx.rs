//! The module of documents.

offing_preview::module!(offing_preview::docx::Document);

//! The module of books.

offing_preview::module!(offing_preview::epub::Book);

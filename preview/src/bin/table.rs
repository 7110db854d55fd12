//! The module of tables.

offing_preview::module!(offing_preview::table::Table);

//! The module of sheets.

offing_preview::module!(offing_preview::sheet::Workbook);

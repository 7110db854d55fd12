//! Which rows of a long list are in the document, and where.
//!
//! Rows have one height. Up to [`HEIGHT_PX_MAX`] the list is as tall as its rows; beyond
//! that browsers clip elements, so the scroll offset is mapped linearly onto the rows and
//! rows are placed relative to the offset. Only the visible rows and an overscan exist.

/// The tallest element that all browsers lay out.
pub const HEIGHT_PX_MAX: f64 = 15_000_000.0;
/// Rows kept above and below the visible ones.
pub const OVERSCAN_ROWS: u32 = 8;

/// The geometry of a windowed list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Rows in all.
    pub total: u32,
    /// Height of a row.
    pub row_px: f64,
    /// Height of what is visible.
    pub view_px: f64,
    /// How far it is scrolled.
    pub scroll_px: f64,
}

impl Window {
    /// Height of the element that scrolls.
    pub fn height_px(&self) -> f64 {
        self.full_px().min(HEIGHT_PX_MAX)
    }

    /// The rows to have in the document: first, and one past the last.
    pub fn range(&self) -> (u32, u32) {
        let first = (self.top_px() / self.row_px).floor().max(0.0) as u32;
        let shown = (self.view_px / self.row_px).ceil() as u32 + 1;
        let start = first.saturating_sub(OVERSCAN_ROWS).min(self.total);
        let end = first.saturating_add(shown).saturating_add(OVERSCAN_ROWS).min(self.total);
        (start, end.max(start))
    }

    /// Where a row is inside the element that scrolls.
    pub fn offset_px(&self, index: u32) -> f64 {
        f64::from(index) * self.row_px - self.top_px() + self.scroll_px
    }

    /// The scroll offset that shows a row with the least movement.
    pub fn scroll_to(&self, index: u32) -> f64 {
        let row_top = f64::from(index) * self.row_px;
        let top = self.top_px();
        let wanted = if row_top < top {
            row_top
        } else if row_top + self.row_px > top + self.view_px {
            row_top + self.row_px - self.view_px
        } else {
            return self.scroll_px;
        };
        wanted.max(0.0) / self.factor()
    }

    /// Rows that fit, at least one; what PageUp and PageDown move by.
    pub fn page_rows(&self) -> u32 {
        ((self.view_px / self.row_px).floor() as u32).max(1)
    }

    fn full_px(&self) -> f64 {
        f64::from(self.total) * self.row_px
    }

    /// Where the visible part starts among rows laid out in full.
    fn top_px(&self) -> f64 {
        let most = (self.full_px() - self.view_px).max(0.0);
        (self.scroll_px.max(0.0) * self.factor()).min(most)
    }

    fn factor(&self) -> f64 {
        let scrollable = self.height_px() - self.view_px;
        if self.full_px() <= HEIGHT_PX_MAX || scrollable <= 0.0 {
            return 1.0;
        }
        (self.full_px() - self.view_px) / scrollable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(total: u32, scroll_px: f64) -> Window {
        Window { total, row_px: 44.0, view_px: 440.0, scroll_px }
    }

    #[test]
    fn a_long_list_shows_only_what_is_visible_and_the_overscan() {
        let (start, end) = window(100_000, 44.0 * 500.0).range();
        assert_eq!((start, end), (492, 519));
    }

    #[test]
    fn the_ends_are_clamped() {
        assert_eq!(window(3, 0.0).range(), (0, 3));
        assert_eq!(window(0, 0.0).range(), (0, 0));
        let (_, end) = window(100, 1e9).range();
        assert_eq!(end, 100);
    }

    #[test]
    fn a_row_sits_at_its_natural_place() {
        assert!((window(1_000, 880.0).offset_px(25) - 25.0 * 44.0).abs() < 1e-6);
    }

    #[test]
    fn scrolling_shows_a_row_with_least_movement() {
        let list = window(1_000, 440.0);
        assert!((list.scroll_to(12) - 440.0).abs() < 1e-6);
        assert!((list.scroll_to(3) - 132.0).abs() < 1e-6);
        assert!((list.scroll_to(30) - (31.0 * 44.0 - 440.0)).abs() < 1e-6);
    }

    #[test]
    fn a_million_rows_reach_the_last_row_within_what_browsers_lay_out() {
        let mut list = window(1_000_000, 0.0);
        assert!(list.height_px() <= HEIGHT_PX_MAX);
        list.scroll_px = list.height_px() - list.view_px;
        let (start, end) = list.range();
        assert_eq!(end, 1_000_000);
        assert!(start > 999_900);
        let bottom = list.offset_px(999_999) + list.row_px;
        assert!((bottom - list.height_px()).abs() < 1.0);
        list.scroll_px = list.scroll_to(500_000);
        let (start, end) = list.range();
        assert!(start <= 500_000 && 500_000 < end);
    }
}

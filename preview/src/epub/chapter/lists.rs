//! Lists that are open, and what stands before their items.

use crate::{blocks::marks::counted, package::Element};

/// Lists go no deeper.
const DEPTH_MAX: usize = 9;

/// The lists that an element stands in, the innermost last.
#[derive(Default)]
pub(super) struct Lists {
    open: Vec<List>,
    /// The mark of an item that nothing was written in yet.
    mark: Option<String>,
}

struct List {
    /// How it counts, if it does.
    format: Option<&'static str>,
    next: i64,
    is_down: bool,
    /// An item of it is open.
    is_item: bool,
}

impl Lists {
    pub(super) fn open(&mut self, element: &Element<'_>) {
        let format = match element.attribute("type").as_deref() {
            Some("a") => "lowerLetter",
            Some("A") => "upperLetter",
            Some("i") => "lowerRoman",
            Some("I") => "upperRoman",
            _ => "decimal",
        };
        let format = (element.name() == "ol").then_some(format);
        let next = element.number("start").unwrap_or(1);
        let is_down = element.attribute("reversed").is_some();
        self.open.push(List { format, next, is_down, is_item: false });
    }

    pub(super) fn close(&mut self) {
        self.open.pop();
        self.mark = None;
    }

    pub(super) fn open_item(&mut self, element: &Element<'_>) {
        let depth = self.open.len();
        let Some(list) = self.open.last_mut() else { return };
        list.is_item = true;
        let number = element.number("value").unwrap_or(list.next);
        list.next = number.saturating_add(if list.is_down { -1 } else { 1 });
        self.mark = Some(match (list.format, u32::try_from(number)) {
            (None, _) => ["•", "◦", "▪"][(depth - 1) % 3].to_owned(),
            (Some(format), Ok(number)) => counted(format, number) + ".",
            (Some(_), Err(_)) => format!("{number}."),
        });
    }

    pub(super) fn close_item(&mut self) {
        if let Some(list) = self.open.last_mut() {
            list.is_item = false;
        }
        self.mark = None;
    }

    /// The place of a paragraph that begins: how deep in lists, and what stands before it.
    pub(super) fn place(&mut self) -> Option<(u8, String)> {
        let depth = self.open.len().checked_sub(1)?.min(DEPTH_MAX - 1);
        self.open.last()?.is_item.then(|| (depth as u8, self.mark.take().unwrap_or_default()))
    }
}

//! How a list gets its rows: windows of them, asked for as they are needed.

use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::limits;
use offing_core::rpc::{Command, Reply, Row};

use super::Listing;
use crate::platform::{dom, engine};
use crate::state::rows::Rows;
use crate::state::selection::Selection;

impl Listing {
    /// Asks for what is visible and not here; one question at a time.
    pub(super) fn fetch(self) {
        let (start, end) = untrack(|| self.window().range());
        let missing = self.rows.with_untracked(|rows| rows.missing(start, end));
        let (Some(missing), Some(view)) = (missing, self.view.get_untracked()) else {
            return;
        };
        if self.fetching.get_value() {
            return;
        }
        self.fetching.set_value(true);
        spawn_local(async move {
            let (start, end) = missing;
            let answer = engine::call(Command::Window { view, start, end }).await;
            if self.rows.is_disposed() {
                return;
            }
            self.fetching.set_value(false);
            // A view that was replaced meanwhile has other rows.
            let Ok(Reply::Rows { revision, start, rows }) = answer else {
                return if self.view.get_untracked() != Some(view) {
                    self.fetch()
                };
            };
            if self.view.get_untracked() != Some(view) {
                return self.fetch();
            }
            self.put(revision, start, rows);
            let (first, last) = untrack(|| self.window().range());
            if self.rows.with_untracked(|rows| rows.asks_again(first, last, missing, revision)) {
                self.fetch();
            }
        });
    }

    fn put(self, revision: u32, start: u32, rows: Vec<Row>) {
        let focus = self.selection.with_untracked(Selection::focus);
        let focused = self.rows.with_untracked(|known| known.row(focus).map(|row| row.node));
        self.selection.update(|selection| selection.refresh(&rows));
        self.rows.update(|known| known.put(revision, start, rows));
        let (total, place) = self
            .rows
            .with_untracked(|known| (known.total(), focused.and_then(|node| known.index_of(node))));
        self.selection.update(|selection| selection.settle(total, place));
        self.reveal();
    }

    /// Picks and shows the node that was just made, once its row is here.
    pub(super) fn reveal(self) {
        let Some(node) = self.app.reveal.get_untracked() else {
            return;
        };
        let found = self.rows.with_untracked(|rows| {
            rows.index_of(node).and_then(|index| Some((index, rows.row(index)?.clone())))
        });
        if let Some((index, row)) = found {
            self.app.reveal.set(None);
            self.selection.update(|selection| {
                if dom::is_for_fingers() {
                    selection.move_focus(index);
                } else {
                    selection.one(index, row);
                }
            });
            self.show_focus.update(|count| *count += 1);
        }
    }

    /// Brings rows here, window by window.
    pub(super) async fn load(self, start: u32, end: u32) -> Vec<Row> {
        let end = end.min(self.rows.with_untracked(Rows::total));
        let mut found: Vec<Row> = Vec::new();
        let mut at = start;
        while at < end {
            let known = self.rows.with_untracked(|rows| rows.row(at).cloned());
            if let Some(row) = known {
                found.push(row);
                at += 1;
                continue;
            }
            let Some(view) = self.view.get_untracked() else {
                return found;
            };
            let until = end.min(at + limits::WINDOW_ROWS_MAX as u32);
            let answer = engine::call(Command::Window { view, start: at, end: until }).await;
            if self.rows.is_disposed() {
                return found;
            }
            let Ok(Reply::Rows { revision, start, rows }) = answer else {
                return found;
            };
            if rows.is_empty() || start != at {
                return found;
            }
            at += rows.len() as u32;
            found.extend(rows.iter().cloned());
            self.put(revision, start, rows);
        }
        found
    }
}

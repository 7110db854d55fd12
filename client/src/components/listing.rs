//! One open list: its view at the engine, its rows here, what is selected.
//!
//! Made for a page and gone with it: the view is closed at the engine when the page's
//! owner is cleaned up, even if the engine answers only after that.

mod reading;

use leptos::prelude::*;
use leptos::task::spawn_local;
use offing_core::id::NodeId;
use offing_core::rpc::{
    Command, Crumb, Event, Fault, FolderView, Kind, Reply, Row, Sort, SortBy, ViewId, Wanted,
};

use super::{details, sorting};
use crate::app::{App, Clipboard, Dialog, actions};
use crate::i18n::Msg;
use crate::platform::{dom, engine, timer};
use crate::state::rows::Rows;
use crate::state::selection::Selection;
use crate::state::type_ahead::TypeAhead;
use crate::state::window::{OVERSCAN_ROWS, Window};

/// Most rows that a range picks at once.
const RANGE_MAX: u32 = 20_000;

/// An open list.
#[derive(Clone, Copy)]
pub(crate) struct Listing {
    /// The page.
    pub(crate) app: App,
    /// The folder.
    pub(crate) node: NodeId,
    /// The path to it.
    pub(crate) path: RwSignal<Vec<Crumb>>,
    /// Its rows.
    pub(crate) rows: RwSignal<Rows>,
    /// What is selected.
    pub(crate) selection: RwSignal<Selection>,
    /// The order.
    pub(crate) sort: RwSignal<Sort>,
    /// The first answer has come.
    pub(crate) ready: RwSignal<bool>,
    /// Why there is none.
    pub(crate) fault: RwSignal<Option<Fault>>,
    /// How far the list is scrolled and how much is visible.
    pub(crate) scroll_px: RwSignal<f64>,
    /// The height of what is visible.
    pub(crate) view_px: RwSignal<f64>,
    /// The height of a row.
    pub(crate) row_px: RwSignal<f64>,
    /// Counts up when the focused row is to be shown and given the focus.
    pub(crate) show_focus: RwSignal<u32>,
    view: RwSignal<Option<ViewId>>,
    fetching: StoredValue<bool>,
    typed: StoredValue<TypeAhead>,
}

/// What can be done in a list, by toolbar, menu or key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Opens the row.
    Open,
    /// Selects the row.
    Pick,
    /// Downloads what is selected.
    Download,
    /// Renames the row.
    Rename,
    /// Asks where to move to.
    Move,
    /// Asks where to copy to.
    Copy,
    /// Marks for a move.
    Cut,
    /// Marks for a copy.
    Mark,
    /// Moves or copies what is marked to here.
    Paste,
    /// Moves to the trash.
    Delete,
    /// Takes out of the trash.
    Restore,
    /// Asks whether to delete for good.
    Purge,
    /// Keeps on this device.
    Keep,
    /// Lets go of what is kept.
    LetGo,
    /// Shows the versions.
    Versions,
    /// Shows what it was before.
    History,
    /// Asks to which moment a folder is rewound.
    Rewind,
    /// Shows what the row says of itself.
    Details,
}

/// What to ask for to show a node: in the person's order, and as many rows as the window
/// can show.
pub(crate) fn wanted(node: NodeId) -> Wanted {
    let rows = (dom::height_px() / dom::row_px()).ceil() as u32 + 1 + OVERSCAN_ROWS;
    Wanted { node, sort: sorting::stored(), rows }
}

/// Lets go of a list that nobody shows.
pub(crate) fn close(folder: Option<FolderView>) {
    if let Some(FolderView { view, .. }) = folder {
        engine::tell(Command::CloseView { view });
    }
}

impl Listing {
    /// Opens a folder: takes its list over where there is one, else asks for it, and rows
    /// come when the engine answers.
    pub(crate) fn open(app: App, node: NodeId, folder: Option<FolderView>) -> Self {
        let listing = Self {
            app,
            node,
            path: RwSignal::new(Vec::new()),
            rows: RwSignal::new(Rows::default()),
            selection: RwSignal::new(Selection::default()),
            sort: RwSignal::new(sorting::stored()),
            ready: RwSignal::new(false),
            fault: RwSignal::new(None),
            scroll_px: RwSignal::new(0.0),
            view_px: RwSignal::new(600.0),
            row_px: RwSignal::new(dom::row_px()),
            show_focus: RwSignal::new(0),
            view: RwSignal::new(None),
            fetching: StoredValue::new(false),
            typed: StoredValue::new(TypeAhead::default()),
        };
        let listener = engine::listen(move |event| listing.hear(event));
        on_cleanup(move || engine::unlisten(listener));
        let view = listing.view;
        on_cleanup(move || {
            if let Some(view) = view.try_get_untracked().flatten() {
                engine::tell(Command::CloseView { view });
            }
        });
        match folder {
            Some(folder) => listing.take_over(folder),
            None => listing.reopen(),
        }
        Effect::new(move |_| {
            listing.range().get();
            listing.fetch();
        });
        // The row may be here before it is known that it is the one to show.
        Effect::new(move |_| {
            listing.app.reveal.track();
            listing.reveal();
        });
        listing
    }

    /// The geometry of the list.
    pub(crate) fn window(self) -> Window {
        Window {
            total: self.rows.with(Rows::total),
            row_px: self.row_px.get(),
            view_px: self.view_px.get(),
            scroll_px: self.scroll_px.get(),
        }
    }

    /// The rows that are in the document.
    pub(crate) fn range(self) -> Memo<(u32, u32)> {
        Memo::new(move |_| self.window().range())
    }

    /// Sorts by a column; by the same column again, the other way round.
    pub(crate) fn sort_by(self, by: SortBy) {
        let sort = self.sort.get_untracked();
        let descending = if sort.by == by { !sort.descending } else { by != SortBy::Name };
        let sort = Sort { by, descending };
        sorting::keep(sort);
        self.sort.set(sort);
        self.reopen();
    }

    /// Takes a key as a letter of a name; answers the letters typed so far.
    pub(crate) fn typed(self, key: &str) -> Option<String> {
        let now_ms = timer::now_ms();
        self.typed.try_update_value(|typed| typed.key(key, now_ms).map(str::to_owned)).flatten()
    }

    /// Picks the next row whose name starts so.
    pub(crate) async fn find(self, prefix: String) {
        let Some(view) = self.view.get_untracked() else {
            return;
        };
        let answer = engine::call(Command::TypeAhead { view, prefix }).await;
        if let Ok(Reply::Found(Some(index))) = answer
            && !self.rows.is_disposed()
        {
            self.pick(index, Selection::one).await;
        }
    }

    /// Says whether a name is being typed, so that a space belongs to it.
    pub(crate) fn is_typing(self) -> bool {
        self.typed.with_value(|typed| typed.is_typing(timer::now_ms()))
    }

    /// Picks one row by its place, in the way given.
    pub(crate) async fn pick(self, index: u32, how: fn(&mut Selection, u32, Row)) {
        let rows = self.load(index, index + 1).await;
        if let Some(row) = rows.into_iter().next()
            && !self.selection.is_disposed()
        {
            self.selection.update(|selection| how(selection, index, row));
            self.show_focus.update(|count| *count += 1);
        }
    }

    /// Picks the rows from the anchor to a place.
    pub(crate) async fn pick_range(self, index: u32) {
        let (start, end) = self.selection.with_untracked(|selection| selection.span(index));
        self.pick_span(start, end, index).await;
    }

    /// Picks all rows.
    pub(crate) async fn pick_all(self) {
        let focus = self.selection.with_untracked(Selection::focus);
        self.pick_span(0, self.rows.with_untracked(Rows::total), focus).await;
    }

    async fn pick_span(self, start: u32, end: u32, focus: u32) {
        if end.saturating_sub(start) > RANGE_MAX {
            return self.app.failed(&Fault::TooMany);
        }
        let rows = self.load(start, end).await;
        if !self.selection.is_disposed() {
            self.selection.update(|selection| selection.range(focus, rows));
            self.show_focus.update(|count| *count += 1);
        }
    }

    /// What an act works on: what is selected, or else the row that has the focus.
    pub(crate) fn picked(self) -> Vec<Row> {
        let selected: Vec<Row> =
            self.selection.with_untracked(|selection| selection.rows().cloned().collect());
        if !selected.is_empty() {
            return selected;
        }
        let focus = self.selection.with_untracked(Selection::focus);
        self.rows.with_untracked(|rows| rows.row(focus).cloned()).into_iter().collect()
    }

    /// Carries an act out.
    pub(crate) fn act(self, act: Act) {
        let app = self.app;
        let picked = self.picked();
        let nodes: Vec<NodeId> = picked.iter().map(|row| row.node).collect();
        match (act, picked.first()) {
            (Act::Paste, _) => self.paste(),
            (_, None) => {}
            (Act::Open, Some(row)) => self.open_row(row),
            (Act::Pick, Some(_)) => {
                let focus = self.selection.with_untracked(Selection::focus);
                spawn_local(self.pick(focus, Selection::one));
            }
            (Act::Rename, Some(row)) => app.dialog.set(Some(Dialog::Rename(row.clone()))),
            (Act::Versions, Some(row)) => {
                app.dialog.set(Some(Dialog::Versions(row.node, row.name.clone())));
            }
            (Act::History, Some(row)) => {
                app.dialog.set(Some(Dialog::History(row.node, row.name.clone())));
            }
            (Act::Rewind, Some(row)) => {
                app.dialog.set(Some(Dialog::Rewind(row.node, row.name.clone())));
            }
            (Act::Details, Some(row)) => details::show(app, row.node, self.node),
            (Act::Download, Some(_)) => actions::download(app, nodes),
            (Act::Move, Some(_)) => app.dialog.set(Some(Dialog::Move(nodes))),
            (Act::Copy, Some(_)) => app.dialog.set(Some(Dialog::Copy(nodes))),
            (Act::Cut | Act::Mark, Some(_)) => {
                let count = nodes.len() as u32;
                app.clipboard.set(Some(Clipboard { nodes, cut: act == Act::Cut }));
                app.done(if act == Act::Cut { Msg::Cut(count) } else { Msg::Marked(count) }, None);
            }
            (Act::Delete, Some(_)) => {
                self.selection.update(Selection::clear);
                actions::trash(app, nodes);
            }
            (Act::Restore, Some(_)) => {
                self.selection.update(Selection::clear);
                actions::restore(app, nodes);
            }
            (Act::Purge, Some(_)) => {
                self.selection.update(Selection::clear);
                actions::purge(app, nodes);
            }
            (Act::Keep, Some(_)) => actions::keep(app, nodes, true),
            (Act::LetGo, Some(_)) => actions::keep(app, nodes, false),
        }
    }

    /// Opens a row.
    pub(crate) fn open_row(self, row: &Row) {
        if self.node == NodeId::TRASH && row.kind == Kind::Folder {
            return;
        }
        if row.two_versions {
            self.app.dialog.set(Some(Dialog::Versions(row.node, row.name.clone())));
        } else {
            self.app.open(row.node);
        }
    }

    fn paste(self) {
        let Some(clipboard) = self.app.clipboard.get_untracked() else {
            return;
        };
        if clipboard.cut {
            self.app.clipboard.set(None);
            actions::move_to(self.app, clipboard.nodes, self.node);
        } else {
            actions::copy_to(self.app, clipboard.nodes, self.node);
        }
    }

    fn reopen(self) {
        let Wanted { node, rows, .. } = wanted(self.node);
        let command = Command::OpenFolder { node, sort: self.sort.get_untracked(), rows };
        spawn_local(async move {
            let answer = engine::call(command).await;
            if self.view.is_disposed() {
                if let Ok(Reply::Folder(unused)) = answer {
                    close(Some(unused));
                }
                return;
            }
            match answer {
                Ok(Reply::Folder(folder)) => self.take_over(folder),
                Ok(_) => self.fault.set(Some(Fault::Internal)),
                Err(fault) => self.fault.set(Some(fault)),
            }
        });
    }

    fn take_over(self, folder: FolderView) {
        if let Some(view) = self.view.get_untracked() {
            engine::tell(Command::CloseView { view });
        }
        self.view.set(Some(folder.view));
        self.path.set(folder.path);
        self.rows.set(Rows::open(folder.revision, folder.total, folder.rows));
        self.selection.update(|selection| selection.settle(folder.total, None));
        self.fault.set(None);
        let first = !self.ready.get_untracked();
        self.ready.set(true);
        self.reveal();
        self.fetch();
        if first {
            spawn_local(async move {
                // Two frames on, the first has been painted.
                timer::frame().await;
                timer::frame().await;
                dom::mark("offing:list");
            });
            // What had the focus went with the page before; keys go on in the list.
            self.keep_focus();
        }
    }

    fn hear(self, event: &Event) {
        let Event::ViewChanged { view, revision, total, path } = event else {
            return;
        };
        if self.view.try_get_untracked().flatten() != Some(*view) {
            return;
        }
        if self.path.with_untracked(|known| known != path) {
            self.path.set(path.clone());
        }
        let in_list = dom::focused()
            .is_some_and(|focused| focused.closest("[role=grid]").is_ok_and(|grid| grid.is_some()));
        self.rows.update(|rows| rows.changed(*revision, *total));
        self.fetch();
        if in_list {
            self.keep_focus();
        }
    }

    /// Gives the focus to a row that is still there, if what had it went away.
    fn keep_focus(self) {
        spawn_local(async move {
            timer::rendered().await;
            if !dom::is_idle() || self.selection.is_disposed() {
                return;
            }
            let total = self.rows.with_untracked(Rows::total);
            self.selection.update(|selection| selection.settle(total, None));
            self.show_focus.update(|count| *count += 1);
        });
    }
}

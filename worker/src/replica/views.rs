//! Views: folders that a page has open, listed from the index by windows.
//!
//! By name, a window is a scan of the listing and nothing else is loaded, however large
//! the folder. By size or time, the folder's keys are sorted once per change. A view's
//! revision grows with every change of its folder; the page then reads its window again.

use std::collections::HashMap;

use futures_util::future::{join, join3};
use offing_core::content::reference::ManifestRef;
use offing_core::id::NodeId;
use offing_core::limits;
use offing_core::name;
use offing_core::rpc::{
    Crumb, Event, Fault, FolderView, Kind, NodeView, Row, Saved, Sort, SortBy, SyncState, ViewId,
    Wanted,
};
use offing_core::tree::NodeRow;
use offing_core::tree::listing::{self, Listed};

use super::Replica;
use super::fault::from_store;
use super::text_store;
use crate::host::Host;
use crate::store::{Direction, Range, Store, Table};

mod neighbour;
mod search;
mod trash;

/// One open view.
#[derive(Debug)]
pub(super) struct View {
    node: NodeId,
    sort: Sort,
    revision: u32,
    /// The keys in order, where the listing's own order is not the one asked for.
    order: Option<Vec<Vec<u8>>>,
}

/// The open views of this tab.
#[derive(Debug, Default)]
pub(super) struct Views {
    last: ViewId,
    open: HashMap<ViewId, View>,
}

impl<H: Host> Replica<H> {
    /// Opens a view of a folder with its first rows.
    pub async fn open_folder(
        &self,
        node: NodeId,
        sort: Sort,
        rows: u32,
    ) -> Result<FolderView, Fault> {
        let order = self.order(node, sort).await?;
        let view = {
            let mut views = self.views.borrow_mut();
            views.last += 1;
            let id = views.last;
            views.open.insert(id, View { node, sort, revision: 1, order });
            id
        };
        // Side by side: each is a read of the store, and this is what a start waits for.
        let read = join3(self.path(node), self.total(node), self.window(view, 0, rows)).await;
        match read {
            (Ok(path), Ok(total), Ok((revision, rows))) => {
                Ok(FolderView { view, node, path, revision, total, rows })
            }
            (Err(fault), ..) | (_, Err(fault), _) | (.., Err(fault)) => {
                self.close_view(view);
                Err(fault)
            }
        }
    }

    /// Opens whatever an address names: a folder with its first rows, or what is known of
    /// a file.
    pub async fn open_node(&self, wanted: Wanted) -> Result<NodeView, Fault> {
        let Wanted { node, sort, rows } = wanted;
        let folder = self.open_folder(node, sort, rows.min(limits::WINDOW_ROWS_MAX as u32));
        let (described, folder) = join(self.describe(node), folder).await;
        match (described, folder) {
            (Ok((row, path)), Ok(folder)) if row.kind == Kind::Folder => {
                Ok(NodeView { row, path, folder: Some(folder) })
            }
            (Ok((row, path)), folder) => {
                if let Ok(FolderView { view, .. }) = folder {
                    self.close_view(view);
                }
                Ok(NodeView { row, path, folder: None })
            }
            (Err(fault), folder) => {
                if let Ok(FolderView { view, .. }) = folder {
                    self.close_view(view);
                }
                Err(fault)
            }
        }
    }

    /// Closes a view.
    pub fn close_view(&self, view: ViewId) {
        self.views.borrow_mut().open.remove(&view);
    }

    /// Reads rows of a view, and the revision they belong to.
    pub async fn window(
        &self,
        view: ViewId,
        start: u32,
        end: u32,
    ) -> Result<(u32, Vec<Row>), Fault> {
        let (node, sort, revision, keys) = {
            let views = self.views.borrow();
            let view = views.open.get(&view).ok_or(Fault::NotOpen)?;
            let keys = view.order.as_ref().map(|order| {
                let end = (end as usize).min(order.len());
                order.get(start as usize..end).map(<[_]>::to_vec).unwrap_or_default()
            });
            (view.node, view.sort, view.revision, keys)
        };
        let count = end.saturating_sub(start).min(limits::WINDOW_ROWS_MAX as u32);
        let has_recovered = self.shows_recovered(node).await?;
        // The folder of what was recovered stands before everything else in the root.
        let (start, count, first) = match (has_recovered, start) {
            (true, 0) => (0, count.saturating_sub(1), Some(builtin_row(NodeId::RECOVERED))),
            (true, start) => (start - 1, count, None),
            (false, start) => (start, count, None),
        };
        let listed = match keys {
            Some(keys) => self.listed(keys).await?,
            None => self.scan_by_name(node, sort.descending, start, count).await?,
        };
        let mut rows: Vec<Row> = first.into_iter().collect();
        rows.extend(self.decorate(listed).await?);
        if node == NodeId::TRASH {
            let times = self.trashed_ms(rows.iter().map(|row| row.node)).await?;
            rows.iter_mut().zip(times).for_each(|(row, time_ms)| row.trashed_ms = time_ms);
        }
        Ok((revision, rows))
    }

    /// Finds the first row whose name starts with `prefix`, in a view sorted by name.
    pub async fn type_ahead(&self, view: ViewId, prefix: &str) -> Result<Option<u32>, Fault> {
        let (node, sort) = {
            let views = self.views.borrow();
            let view = views.open.get(&view).ok_or(Fault::NotOpen)?;
            (view.node, view.sort)
        };
        let folded = name::fold(prefix);
        let total = self.total(node).await?;
        if sort.by == SortBy::Name && !sort.descending {
            let mut letters = name::sort_key(&folded);
            while letters.last() == Some(&0) {
                letters.pop();
            }
            for rank in [0, 1] {
                let mut from = rank_prefix(node, rank);
                from.extend_from_slice(&letters);
                let found = self.scan_listing(&Range::prefix(&from), 0, 1).await?;
                if !found.is_empty() {
                    let before = Range::between(node.0.to_vec(), from);
                    let before = self.count_listing(&before).await?;
                    let shift = u32::from(self.shows_recovered(node).await?);
                    return Ok(Some(before + shift));
                }
            }
            return Ok(None);
        }
        let mut start = 0;
        while start < total {
            let (_, rows) =
                self.window(view, start, start + limits::WINDOW_ROWS_MAX as u32).await?;
            let at = rows.iter().position(|row| name::fold(&row.name).starts_with(&folded));
            if let Some(at) = at {
                return Ok(Some(start + at as u32));
            }
            if rows.is_empty() {
                break;
            }
            start += rows.len() as u32;
        }
        Ok(None)
    }

    /// Tells what a node is and the path to it.
    pub(super) async fn describe(&self, node: NodeId) -> Result<(Row, Vec<Crumb>), Fault> {
        let (path, row) = join(self.path(node), self.row(node)).await;
        let path = path?;
        let row = match row? {
            Some(row) => {
                let key = listing::listing_key(&row);
                let value = listing::listing_value(&row);
                self.decorate(vec![(key, value)]).await?.pop().ok_or(Fault::NodeUnknown)?
            }
            None if node.is_builtin() => builtin_row(node),
            None => return Err(Fault::NodeUnknown),
        };
        Ok((row, parents_only(path)))
    }

    /// Tells the page that folders changed.
    pub(super) async fn refresh_views(&self, folders: &[NodeId]) -> Result<(), Fault> {
        if !folders.is_empty() {
            self.note_rows_changed();
        }
        if let Some(call) = self.lists_changed.borrow().as_ref().filter(|_| !folders.is_empty()) {
            call();
        }
        let open: Vec<(ViewId, NodeId, Sort)> = {
            let views = self.views.borrow();
            views.open.iter().map(|(id, view)| (*id, view.node, view.sort)).collect()
        };
        for (id, node, sort) in open {
            // A folder that was moved or trashed keeps its view; its path tells.
            let Ok(path) = self.path(node).await else {
                continue;
            };
            let concerned = folders.contains(&node)
                || (node == NodeId::ROOT && folders.contains(&NodeId::RECOVERED))
                || path.iter().any(|crumb| folders.contains(&crumb.node));
            if !concerned {
                continue;
            }
            let order = self.order(node, sort).await?;
            let total = self.total(node).await?;
            let revision = {
                let mut views = self.views.borrow_mut();
                let Some(view) = views.open.get_mut(&id) else {
                    continue;
                };
                view.order = order;
                view.revision += 1;
                view.revision
            };
            self.emit(Event::ViewChanged { view: id, revision, total, path });
        }
        Ok(())
    }

    /// Notes that rows, or what is here of them, may not be any more what the searcher was told.
    pub(super) fn note_rows_changed(&self) {
        self.rows_changed.set(self.rows_changed.get() + 1);
    }

    /// Tells the page that rows changed, wherever they are: what is here, for instance.
    pub(super) async fn refresh_all_views(&self) -> Result<(), Fault> {
        self.note_rows_changed();
        let open: Vec<NodeId> = {
            let views = self.views.borrow();
            views.open.values().map(|view| view.node).collect()
        };
        self.refresh_views(&open).await
    }

    /// The path from the root (or the trash) to the node itself.
    pub(super) async fn path(&self, node: NodeId) -> Result<Vec<Crumb>, Fault> {
        let mut path = Vec::new();
        let mut at = node;
        while !at.is_builtin() {
            if path.len() == limits::TREE_DEPTH_MAX {
                return Err(Fault::TooMany);
            }
            let row = self.row(at).await?.ok_or(Fault::NodeUnknown)?;
            path.push(Crumb { node: at, name: row.shown_name() });
            at = row.shown_parent;
        }
        if at == NodeId::GONE {
            return Err(Fault::NodeUnknown);
        }
        path.push(Crumb { node: at, name: String::new() });
        if at == NodeId::RECOVERED {
            path.push(Crumb { node: NodeId::ROOT, name: String::new() });
        }
        path.reverse();
        Ok(path)
    }

    /// Reads a node's row.
    pub(super) async fn row(&self, node: NodeId) -> Result<Option<NodeRow>, Fault> {
        let value =
            self.host.store().get(Table::Nodes, &node.0).await.map_err(|e| from_store(&e))?;
        value.map(|bytes| NodeRow::decode(&bytes).map_err(|_| Fault::Storage)).transpose()
    }

    /// A node's name, for messages about it.
    pub(super) async fn name_for_fault(&self, node: NodeId) -> String {
        match self.row(node).await {
            Ok(Some(row)) => row.shown_name(),
            Ok(None) | Err(_) => String::new(),
        }
    }

    async fn total(&self, node: NodeId) -> Result<u32, Fault> {
        let shown = self.count_listing(&Range::prefix(&node.0)).await?;
        Ok(shown + u32::from(self.shows_recovered(node).await?))
    }

    async fn shows_recovered(&self, node: NodeId) -> Result<bool, Fault> {
        if node != NodeId::ROOT {
            return Ok(false);
        }
        Ok(!self.scan_listing(&Range::prefix(&NodeId::RECOVERED.0), 0, 1).await?.is_empty())
    }

    /// Sorts a folder's keys, unless the listing has them in order already.
    async fn order(&self, node: NodeId, sort: Sort) -> Result<Option<Vec<Vec<u8>>>, Fault> {
        if sort.by == SortBy::Name {
            return Ok(None);
        }
        let rows = self.scan_listing(&Range::prefix(&node.0), 0, u32::MAX).await?;
        // The trash shows when something was put there, not when it was changed.
        let trashed = if node == NodeId::TRASH && sort.by == SortBy::Modified {
            self.trashed_ms(rows.iter().filter_map(|(key, _)| listing::node_of_key(key))).await?
        } else {
            Vec::new()
        };
        let mut keyed: Vec<(u8, i64, Vec<u8>)> = rows
            .into_iter()
            .enumerate()
            .filter_map(|(at, (key, value))| {
                let listed = Listed::decode(&value)?;
                let by = match sort.by {
                    SortBy::Size => i64::try_from(listed.size.unwrap_or(0)).unwrap_or(i64::MAX),
                    SortBy::Modified | SortBy::Name => {
                        trashed.get(at).copied().flatten().unwrap_or(listed.modified_ms)
                    }
                };
                Some((key.get(NodeId::LEN).copied()?, by, key))
            })
            .collect();
        keyed.sort_by(|(rank_a, a, key_a), (rank_b, b, key_b)| {
            let by = if sort.descending { b.cmp(a) } else { a.cmp(b) };
            rank_a.cmp(rank_b).then(by).then_with(|| key_a.cmp(key_b))
        });
        Ok(Some(keyed.into_iter().map(|(_, _, key)| key).collect()))
    }

    async fn scan_by_name(
        &self,
        node: NodeId,
        descending: bool,
        start: u32,
        count: u32,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Fault> {
        if !descending {
            return self.scan_listing(&Range::prefix(&node.0), start, count).await;
        }
        let folders = Range::prefix(&rank_prefix(node, 0));
        let files = Range::prefix(&rank_prefix(node, 1));
        let folder_count = self.count_listing(&folders).await?;
        let store = self.host.store();
        let backward = Direction::Backward;
        let mut rows = Vec::new();
        if start < folder_count {
            let found = store.scan(Table::Listing, &folders, start, count, backward).await;
            rows = found.map_err(|e| from_store(&e))?;
        }
        let left = count - rows.len() as u32;
        if left > 0 {
            let skip = start.saturating_sub(folder_count);
            let found = store.scan(Table::Listing, &files, skip, left, backward).await;
            rows.extend(found.map_err(|e| from_store(&e))?);
        }
        Ok(rows)
    }

    pub(super) async fn scan_listing(
        &self,
        range: &Range,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Fault> {
        let store = self.host.store();
        let rows = store.scan(Table::Listing, range, skip, limit, Direction::Forward).await;
        rows.map_err(|e| from_store(&e))
    }

    async fn count_listing(&self, range: &Range) -> Result<u32, Fault> {
        let count = self.host.store().count(Table::Listing, range).await;
        Ok(u32::try_from(count.map_err(|e| from_store(&e))?).unwrap_or(u32::MAX))
    }

    async fn listed(&self, keys: Vec<Vec<u8>>) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Fault> {
        let values = self.host.store().get_many(Table::Listing, &keys).await;
        let values = values.map_err(|e| from_store(&e))?;
        Ok(keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect())
    }

    /// Makes rows of the listing into rows for the page: where saved, whether here.
    pub(super) async fn decorate(
        &self,
        listed: Vec<(Vec<u8>, Vec<u8>)>,
    ) -> Result<Vec<Row>, Fault> {
        let moving = self.machine.borrow().status().state == SyncState::Syncing;
        let unsynced = if moving { Saved::Syncing } else { Saved::Here };
        let mut rows: Vec<Row> = listed
            .iter()
            .filter_map(|(key, value)| {
                let node = listing::node_of_key(key)?;
                let listed = Listed::decode(value)?;
                Some(Row {
                    node,
                    name: listed.name,
                    kind: listed.kind,
                    size: listed.size,
                    modified_ms: listed.modified_ms,
                    saved: if listed.synced { Saved::Server } else { unsynced },
                    local: true,
                    kept: self.kept.borrow().contains(&node),
                    two_versions: listed.two_versions,
                    trashed_ms: None,
                })
            })
            .collect();
        self.mark_local(&mut rows).await?;
        Ok(rows)
    }

    /// Finds out which files' contents are on this device: for the window, one read of the
    /// rows and one of each kind of thing that they name.
    async fn mark_local(&self, rows: &mut [Row]) -> Result<(), Fault> {
        let files: Vec<usize> = (0..rows.len()).filter(|i| rows[*i].kind != Kind::Folder).collect();
        let store = self.host.store();
        let nodes: Vec<Vec<u8>> = files.iter().map(|i| rows[*i].node.0.to_vec()).collect();
        let found = store.get_many(Table::Nodes, &nodes).await.map_err(|e| from_store(&e))?;
        let decode = |value: &Option<Vec<u8>>| NodeRow::decode(value.as_deref()?).ok();
        let found: Vec<Option<NodeRow>> = found.iter().map(decode).collect();
        // Only what was edited can have a document.
        let edited = found.iter().flatten().filter(|row| !row.texts.is_empty());
        let docs: Vec<Vec<u8>> =
            edited.map(|row| text_store::doc_key(row.node, row.base())).collect();
        let docs = store.get_many(Table::Texts, &docs).await.map_err(|e| from_store(&e))?;
        let mut docs = docs.into_iter();
        let (mut wanted, mut long) = (Vec::new(), Vec::new());
        let mut spans = Vec::with_capacity(files.len());
        for row in &found {
            let from = (wanted.len(), long.len());
            let was_edited = row.as_ref().is_some_and(|row| !row.texts.is_empty());
            let has_doc = was_edited && docs.next().flatten().is_some();
            if !has_doc && let Some(content) = row.as_ref().and_then(|row| row.contents.first()) {
                match ManifestRef::decode(&content.value.manifest) {
                    Ok(ManifestRef::Inline(manifest)) => wanted.extend(manifest.chunks()),
                    Ok(ManifestRef::Stored(id)) => long.push(id),
                    Err(_) => {}
                }
            }
            spans.push((from.0..wanted.len(), from.1..long.len()));
        }
        let (held, whole) = join(self.are_held(&wanted), self.are_whole(&long)).await;
        let (held, whole) = (held?, whole?);
        for (i, (wanted, long)) in files.into_iter().zip(spans) {
            rows[i].local = held[wanted].iter().chain(&whole[long]).all(|here| *here);
        }
        Ok(())
    }
}

fn rank_prefix(node: NodeId, rank: u8) -> Vec<u8> {
    [node.0.as_slice(), &[rank]].concat()
}

fn parents_only(mut path: Vec<Crumb>) -> Vec<Crumb> {
    path.pop();
    path
}

/// A built-in folder; the client names it.
fn builtin_row(node: NodeId) -> Row {
    Row {
        node,
        name: String::new(),
        kind: Kind::Folder,
        size: None,
        modified_ms: 0,
        saved: Saved::Server,
        local: true,
        kept: false,
        two_versions: false,
        trashed_ms: None,
    }
}

//! Links between files: names to go through, from a folder or the one that a text is in.
//!
//! Names of now come first, with their numbers where they are shown with one. Only where they
//! lead nowhere is it looked up what had them before ([`Formerly`]), and from the folders that
//! the text was in before; the text itself stays as its author wrote it.

use offing_core::id::NodeId;
use offing_core::limits;
use offing_core::name;
use offing_core::ordered;
use offing_core::rpc::{Fault, Kind};
use offing_core::tree::formerly::Formerly;
use offing_core::tree::{NodeRow, listing};

use super::Replica;
use super::fault::from_store;
use super::rewind::past_of;
use crate::host::Host;
use crate::store::{Direction, Range, Store, Table};

/// Nodes that each name of a link may lead to.
const WAYS_MAX: usize = 8;
/// Nodes whose rows are looked at for one name.
const SUSPECTS_MAX: usize = 1_024;
/// Transactions that are looked back through, newest first.
const PAST_ROWS_MAX: u32 = 16_384;
/// Transactions that are read at once.
const PAGE_ROWS: u32 = 2_048;

impl<H: Host> Replica<H> {
    /// Finds what a link in a text goes to, if there is such a thing, or was; from a folder, what
    /// is there now.
    pub async fn follow_link(
        &self,
        from: NodeId,
        path: &[String],
    ) -> Result<Option<NodeId>, Fault> {
        if path.len() > limits::TREE_DEPTH_MAX {
            return Ok(None);
        }
        let row = if from.is_builtin() { None } else { self.row(from).await? };
        let mut starts = match &row {
            Some(row) if !row.is_folder() => vec![row.shown_parent],
            Some(_) => vec![from],
            None if from.is_builtin() => vec![from],
            None => Vec::new(),
        };
        if let Some(found) = self.walk(starts.clone(), path, None).await? {
            return Ok(Some(found));
        }
        let Some(row) = row.filter(|row| !row.is_folder()) else {
            // Whoever asks a folder, for its README say, wants what it holds now.
            return Ok(None);
        };
        let formerly = self.look_formerly().await?;
        starts.extend(formerly.places(&row));
        starts.truncate(WAYS_MAX);
        self.walk(starts, path, Some(&formerly)).await
    }

    /// Goes through the names from each of these folders, the better way first.
    async fn walk(
        &self,
        starts: Vec<NodeId>,
        path: &[String],
        formerly: Option<&Formerly>,
    ) -> Result<Option<NodeId>, Fault> {
        let mut at = starts;
        for name in path {
            let mut next: Vec<NodeId> = Vec::new();
            for folder in at {
                let found = match name.as_str() {
                    "" => vec![NodeId::ROOT],
                    "." => vec![folder],
                    ".." => self.folder_of(folder).await?.into_iter().collect(),
                    name => self.ways_by(folder, name, formerly).await?,
                };
                for node in found {
                    if next.len() < WAYS_MAX && !next.contains(&node) {
                        next.push(node);
                    }
                }
            }
            at = next;
        }
        if formerly.is_none() {
            return Ok(at.first().copied());
        }
        // What is in the trash is better than nothing.
        let mut trashed = None;
        for node in at {
            match self.root_of(node).await? {
                Some(NodeId::TRASH) => trashed = trashed.or(Some(node)),
                Some(NodeId::GONE) | None => {}
                Some(_) => return Ok(Some(node)),
            }
        }
        Ok(trashed)
    }

    /// What has a name in a folder, and after it what had it.
    async fn ways_by(
        &self,
        folder: NodeId,
        name: &str,
        formerly: Option<&Formerly>,
    ) -> Result<Vec<NodeId>, Fault> {
        let mut found = Vec::new();
        for kind in [Kind::Folder, Kind::File] {
            found.extend(self.child(folder, name, kind).await?);
        }
        if found.is_empty() {
            found.extend(self.numbered(folder, name).await?);
        }
        let Some(formerly) = formerly else {
            found.truncate(1);
            return Ok(found);
        };
        let mut suspects = formerly.suspects(folder, name);
        ordered::sort(&mut suspects);
        suspects.truncate(SUSPECTS_MAX);
        let rows: Vec<NodeRow> = self.rows(&suspects).await?.into_iter().flatten().collect();
        found.extend(formerly.ranked(folder, name, &rows));
        Ok(found)
    }

    /// Finds what is shown with a number by the name that is shown.
    async fn numbered(&self, folder: NodeId, name: &str) -> Result<Option<NodeId>, Fault> {
        let Some((base, number)) = name::without_suffix(name) else { return Ok(None) };
        for prefix in listing::siblings_prefixes(&folder, &name::fold(&base)) {
            let prefix = [prefix.as_slice(), &number.to_be_bytes()].concat();
            let found = self.scan_listing(&Range::prefix(&prefix), 0, 1).await?;
            if let Some(node) = found.first().and_then(|(key, _)| listing::node_of_key(key)) {
                return Ok(Some(node));
            }
        }
        Ok(None)
    }

    /// Reads what was kept of places and names, by pages, newest first.
    async fn look_formerly(&self) -> Result<Formerly, Fault> {
        let mut formerly = Formerly::default();
        let mut range = Range::all();
        for _ in 0..PAST_ROWS_MAX / PAGE_ROWS {
            let store = self.host.store();
            let rows = store.scan(Table::Past, &range, 0, PAGE_ROWS, Direction::Backward).await;
            let rows = rows.map_err(|e| from_store(&e))?;
            let Some((last, _)) = rows.last() else { break };
            range.end = Some(last.clone());
            for (_, value) in &rows {
                past_of(value)?.into_iter().for_each(|op| formerly.add(op));
            }
        }
        Ok(formerly)
    }

    /// The built-in folder that a node is in, however deep; none for what is not there.
    async fn root_of(&self, node: NodeId) -> Result<Option<NodeId>, Fault> {
        let mut at = Some(node);
        for _ in 0..limits::TREE_DEPTH_MAX {
            match at {
                Some(node) if !node.is_builtin() => at = self.folder_of(node).await?,
                at => return Ok(at),
            }
        }
        Ok(None)
    }

    /// The folder that shows a node; none above the built-in ones.
    async fn folder_of(&self, node: NodeId) -> Result<Option<NodeId>, Fault> {
        if node.is_builtin() {
            return Ok(None);
        }
        Ok(self.row(node).await?.map(|row| row.shown_parent))
    }
}

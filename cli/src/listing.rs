//! Folders of the vault, listed whole, and the way from a path to a node.

use offing_core::id::NodeId;
use offing_core::limits;
use offing_core::name;
use offing_core::rpc::{Kind, Row, Sort, SortBy};
use offing_worker::host::Host;
use offing_worker::replica::Replica;

use crate::failure::Failure;

const BY_NAME: Sort = Sort { by: SortBy::Name, descending: false };

/// What a path leads to.
#[derive(Debug, Clone)]
pub enum Found {
    /// The root.
    Root,
    /// Anything else.
    Node(Row),
}

impl Found {
    /// The node.
    pub fn node(&self) -> NodeId {
        match self {
            Self::Root => NodeId::ROOT,
            Self::Node(row) => row.node,
        }
    }

    /// The folder; fails if it is none.
    pub fn folder(&self, path: &str) -> Result<NodeId, Failure> {
        match self {
            Self::Node(row) if row.kind != Kind::Folder => {
                Err(Failure::NotAFolder { path: path.to_owned() })
            }
            Self::Root | Self::Node(_) => Ok(self.node()),
        }
    }
}

/// Finds what a path leads to; names count without case where no other is meant.
pub async fn find<H: Host>(replica: &Replica<H>, path: &str) -> Result<Found, Failure> {
    let mut found = Found::Root;
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let missing = || Failure::NoSuchPath { path: path.to_owned() };
        let rows = list(replica, found.folder(path).map_err(|_| missing())?).await?;
        let folded = name::fold(segment);
        let exact = rows.iter().position(|row| row.name == segment);
        let alike = || rows.iter().position(|row| name::fold(&row.name) == folded);
        let at = exact.or_else(alike).ok_or_else(missing)?;
        found = Found::Node(rows.into_iter().nth(at).ok_or_else(missing)?);
    }
    Ok(found)
}

/// Lists a folder whole, as it is at one moment.
pub async fn list<H: Host>(replica: &Replica<H>, folder: NodeId) -> Result<Vec<Row>, Failure> {
    let step = limits::WINDOW_ROWS_MAX as u32;
    let opened = replica.open_folder(folder, BY_NAME, step).await?;
    let (view, mut revision, mut rows) = (opened.view, opened.revision, opened.rows);
    let listed = loop {
        let start = rows.len() as u32;
        match replica.window(view, start, start + step).await {
            // It changed meanwhile: from the start.
            Ok((now, _)) if now != revision => {
                revision = now;
                rows.clear();
            }
            Ok((_, more)) if more.is_empty() => break Ok(rows),
            Ok((_, more)) => rows.extend(more),
            Err(fault) => break Err(fault.into()),
        }
    };
    replica.close_view(view);
    listed
}

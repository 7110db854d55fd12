//! What a person does to the tree: make, rename, move, copy, trash, restore, undo.
//!
//! Each is one change, saved on this device before it answers. Undo is a new change that
//! takes the ops of an earlier one back where nobody has set the same field since.

use std::collections::{HashSet, VecDeque};
use std::rc::Rc;

use offing_core::content::manifest::{Extent, Manifest};
use offing_core::content::reference;
use offing_core::id::{Hash, NodeId};
use offing_core::rpc::{ActionId, Fault, Kind, Reply};
use offing_core::tree::edit::{self, Inverse};
use offing_core::tree::{Content, NodeRow};
use sha2::{Digest, Sha256};

use super::Replica;
use super::commit::{Committed, Extra};
use super::texts::Rewritten;
use crate::host::Host;

/// Actions that can be undone at any time.
const UNDO_MAX: usize = 100;
/// Nodes that one copy may make.
const COPY_NODES_MAX: usize = 10_000;

/// The last actions of this tab.
#[derive(Debug, Default)]
pub(super) struct UndoLog {
    last: ActionId,
    actions: VecDeque<(ActionId, Undo)>,
}

/// What takes an action back.
#[derive(Debug)]
pub(super) enum Undo {
    /// Ops that set what was before.
    Tree(Vec<Inverse>),
    /// An edit of a text.
    Text(Rewritten),
    /// Several actions, in the order in which they were done.
    Several(Vec<Self>),
}

/// A node to be copied.
struct ToCopy {
    node: NodeId,
    copy: NodeId,
    to: NodeId,
    content: Option<Content>,
}

impl Undo {
    /// What takes a change back.
    pub(super) fn of(done: &Committed) -> Self {
        Self::Tree(edit::invert(&done.ops, &done.before))
    }
}

impl<H: Host> Replica<H> {
    /// Makes a folder.
    pub async fn create_folder(
        self: &Rc<Self>,
        parent: NodeId,
        name: &str,
    ) -> Result<Reply, Fault> {
        let node = NodeId(self.host.random());
        let done = self
            .commit(Extra::default(), &|ops| ops.create_folder(node, parent, name.trim()))
            .await?;
        Ok(Reply::Created { node, action: self.remember(Undo::of(&done)) })
    }

    /// Makes an empty text file.
    pub async fn create_text(self: &Rc<Self>, parent: NodeId, name: &str) -> Result<Reply, Fault> {
        let node = NodeId(self.host.random());
        let done = self
            .commit(Extra::default(), &|ops| ops.create_text(node, parent, name.trim()))
            .await?;
        Ok(Reply::Created { node, action: self.remember(Undo::of(&done)) })
    }

    /// Renames a node.
    pub async fn rename(self: &Rc<Self>, node: NodeId, name: &str) -> Result<Reply, Fault> {
        let done = self.commit(Extra::default(), &|ops| ops.rename(node, name.trim())).await?;
        Ok(self.changed(&done, 1))
    }

    /// Moves nodes to a folder.
    pub async fn move_to(self: &Rc<Self>, nodes: &[NodeId], to: NodeId) -> Result<Reply, Fault> {
        let done = self
            .commit(Extra::about(nodes), &|ops| {
                nodes.iter().try_for_each(|node| ops.move_to(*node, to))
            })
            .await?;
        Ok(self.changed(&done, nodes.len()))
    }

    /// Moves nodes to the trash.
    pub async fn trash(self: &Rc<Self>, nodes: &[NodeId]) -> Result<Reply, Fault> {
        let done = self
            .commit(Extra::about(nodes), &|ops| nodes.iter().try_for_each(|node| ops.trash(*node)))
            .await?;
        Ok(self.changed(&done, nodes.len()))
    }

    /// Takes nodes out of the trash.
    pub async fn restore(self: &Rc<Self>, nodes: &[NodeId]) -> Result<Reply, Fault> {
        let done = self
            .commit(Extra::about(nodes), &|ops| {
                nodes.iter().try_for_each(|node| ops.restore(*node))
            })
            .await?;
        Ok(self.changed(&done, nodes.len()))
    }

    /// Copies nodes, with all below them, to a folder.
    pub async fn copy(self: &Rc<Self>, nodes: &[NodeId], to: NodeId) -> Result<Reply, Fault> {
        let _staging = self.staging().await;
        let mut all = Vec::new();
        for node in nodes {
            self.gather_copies(*node, to, &mut all).await?;
        }
        let about: Vec<NodeId> = all.iter().map(|copy| copy.node).collect();
        let done = self
            .commit(Extra::about(&about), &|ops| {
                all.iter().try_for_each(|c| ops.copy(c.node, c.copy, c.to, c.content.clone()))
            })
            .await?;
        Ok(self.changed(&done, nodes.len()))
    }

    /// Takes an action back.
    pub async fn undo(self: &Rc<Self>, action: ActionId) -> Result<Reply, Fault> {
        let undo = {
            let mut log = self.undo.borrow_mut();
            let at = log.actions.iter().position(|(id, _)| *id == action);
            at.and_then(|at| log.actions.remove(at)).ok_or(Fault::NotOpen)?.1
        };
        let (again, count) = self.take_back(undo).await?;
        Ok(Reply::Changed { action: self.remember(again), count: count as u32 })
    }

    /// Takes an action back; tells what takes that back, and how much it was.
    async fn take_back(self: &Rc<Self>, undo: Undo) -> Result<(Undo, usize), Fault> {
        let inverses = match undo {
            Undo::Tree(inverses) => inverses,
            Undo::Text(rewritten) => {
                self.write_back(&rewritten).await?;
                return Ok((Undo::Tree(Vec::new()), 1));
            }
            Undo::Several(actions) => {
                let (mut again, mut sum) = (Vec::new(), 0);
                for action in actions.into_iter().rev() {
                    let (one, count) = Box::pin(self.take_back(action)).await?;
                    again.push(one);
                    sum += count;
                }
                return Ok((Undo::Several(again), sum));
            }
        };
        let about: Vec<NodeId> = inverses.iter().map(|inverse| inverse.node).collect();
        let done = self
            .commit(Extra::about(&about), &|ops| {
                inverses.iter().try_for_each(|inverse| ops.take_back(inverse))
            })
            .await?;
        Ok((Undo::of(&done), inverses.len()))
    }

    pub(super) fn changed(&self, done: &Committed, count: usize) -> Reply {
        Reply::Changed { action: self.remember(Undo::of(done)), count: count as u32 }
    }

    pub(super) fn remember(&self, undo: Undo) -> ActionId {
        let mut log = self.undo.borrow_mut();
        log.last += 1;
        let id = log.last;
        log.actions.push_back((id, undo));
        if log.actions.len() > UNDO_MAX {
            log.actions.pop_front();
        }
        id
    }

    /// Lists what a copy makes, folders before what is in them, level by level.
    async fn gather_copies(
        self: &Rc<Self>,
        node: NodeId,
        to: NodeId,
        all: &mut Vec<ToCopy>,
    ) -> Result<(), Fault> {
        let mut copies = HashSet::new();
        let (mut level, mut into) = (vec![node], vec![to]);
        while !level.is_empty() {
            if all.len() + level.len() > COPY_NODES_MAX {
                return Err(Fault::TooMany);
            }
            let rows = self.rows(&level).await?;
            let (mut folders, mut below) = (Vec::new(), Vec::new());
            for ((node, to), row) in level.drain(..).zip(into.drain(..)).zip(rows) {
                let row = row.ok_or(Fault::NodeUnknown)?;
                let copy = NodeId(self.host.random());
                copies.insert(copy);
                let content = self.content_for_copy(&row, copy).await?;
                all.push(ToCopy { node, copy, to, content });
                if row.is_folder() {
                    folders.push(node);
                    below.push(copy);
                }
            }
            for (children, copy) in self.children_of(&folders).await?.into_iter().zip(below) {
                // A copy into the folder that is copied must not copy itself.
                let children = children.into_iter().filter(|child| !copies.contains(child));
                level.extend(children);
                into.resize(level.len(), copy);
            }
        }
        Ok(())
    }

    /// The content of a copy: the same chunks, or an edited text as it is now.
    async fn content_for_copy(
        &self,
        row: &NodeRow,
        copy: NodeId,
    ) -> Result<Option<Content>, Fault> {
        if row.is_folder() {
            return Ok(None);
        }
        if row.kind() == Kind::Text
            && let Some(text) = self.edited_text(row, row.base()).await?
        {
            return self.content_of_text(copy, &text).await.map(Some);
        }
        let Some(content) = row.contents.first() else {
            return Ok(None);
        };
        let mut manifest = self.manifest(row.node, &content.value).await?;
        manifest.file = copy;
        let thumb = reference::thumb(&content.value.manifest);
        self.make_content(&manifest, thumb, content.value.text).await.map(Some)
    }

    /// Seals a text as the content of a file.
    pub(super) async fn content_of_text(&self, node: NodeId, text: &str) -> Result<Content, Fault> {
        let bytes = text.as_bytes();
        let extents = if bytes.is_empty() {
            Vec::new()
        } else {
            let sealed = self.seal_and_keep(bytes).await?;
            let (chunk, key) = (sealed.chunk, sealed.key);
            vec![Extent { chunk, key, offset: 0, len: bytes.len() as u32 }]
        };
        let manifest = Manifest {
            file: node,
            size: bytes.len() as u64,
            mime: String::new(),
            modified_ms: self.host.now_ms(),
            extents,
            plain_hash: Hash(Sha256::digest(bytes).into()),
            signatures: None,
        };
        self.make_content(&manifest, None, true).await
    }
}

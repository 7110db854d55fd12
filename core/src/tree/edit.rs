//! What a person does, as ops.
//!
//! An [`Edit`] gathers the ops of one action: it reads the tree as it is, checks what is
//! asked and writes nothing. The caller applies the ops, seals them into an entry and
//! stores both in one transaction. Nodes made by an edit can be used by what follows in
//! the same edit, so that a whole folder is one action.

use std::collections::HashMap;

use crate::id::{DeviceId, Hash, NodeId};
use crate::limits;
use crate::name;
use crate::rpc::{Fault, Kind, NameReason};
use crate::tree::listing::DISPLACED;
use crate::tree::merge::Missing;
use crate::tree::op::{Content, Labelled, Op, OpId, TextEdit, Value};
use crate::tree::row::{NodeRow, Stamped};
use crate::tree::working_set::{Need, TreeReader};

/// Reports why an edit cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// Something has to be loaded first; the edit is to be begun anew.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// There is no such node, or not of the kind this needs, or it is in the trash.
    #[error("the node is gone")]
    NodeUnknown,
    /// A folder cannot go into itself or below itself.
    #[error("a folder cannot go into itself")]
    MoveIntoItself,
    /// A built-in folder cannot be changed.
    #[error("a built-in folder cannot be changed")]
    Builtin,
    /// The name is unfit.
    #[error("the name is unfit")]
    NameUnfit {
        /// The name.
        name: String,
        /// Why.
        reason: NameReason,
    },
    /// More at once, or deeper, than `limits` allow.
    #[error("too many at once")]
    TooMany,
}

impl EditError {
    /// What the page is told.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Missing(_) => Fault::Internal,
            Self::NodeUnknown => Fault::NodeUnknown,
            Self::MoveIntoItself => Fault::MoveIntoItself,
            Self::Builtin => Fault::Builtin,
            Self::NameUnfit { name, reason } => {
                Fault::NameUnfit { name: name.clone(), reason: *reason }
            }
            Self::TooMany => Fault::TooMany,
        }
    }
}

/// One thing that takes back one op, unless somebody has set the same field since.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Inverse {
    /// The node.
    pub node: NodeId,
    /// The op that is taken back.
    pub op: OpId,
    /// What the field was before.
    pub value: Value,
}

/// Works out what takes back an action, from its ops and the rows as they were before it.
pub fn invert(ops: &[Op], before: &[NodeRow]) -> Vec<Inverse> {
    let before: HashMap<NodeId, &NodeRow> = before.iter().map(|row| (row.node, row)).collect();
    let mut inverses: Vec<Inverse> = Vec::new();
    for op in ops {
        let row = before.get(&op.node);
        let value = match (&op.value, row) {
            (Value::Create { .. }, _) => Value::Trashed(true),
            (Value::Parent(_), Some(row)) => Value::Parent(row.placed_parent()),
            (Value::Name(_), Some(row)) => Value::Name(row.name.value.clone()),
            (Value::Content(_), Some(row)) => {
                // All that it took the place of: they may have been two versions.
                let replaced = row.contents.iter().filter(|old| op.supersedes.contains(&old.id));
                inverses.extend(replaced.map(|old| Inverse {
                    node: op.node,
                    op: op.id,
                    value: Value::Content(old.value.clone()),
                }));
                continue;
            }
            (Value::Trashed(trashed), Some(_)) => Value::Trashed(!trashed),
            (Value::Label(Labelled { label, on }), Some(_)) => {
                Value::Label(Labelled { label: label.clone(), on: !on })
            }
            (Value::Text(_) | Value::Purged, _) | (_, None) => continue,
        };
        inverses.push(Inverse { node: op.node, op: op.id, value });
    }
    inverses.reverse();
    inverses
}

/// The ops of one action, while they are gathered.
pub struct Edit<'a, R> {
    reader: &'a R,
    device: DeviceId,
    lamport: u64,
    ops: Vec<Op>,
    /// Folders and files made by this edit: whether a folder, and how deep.
    made: HashMap<NodeId, (bool, usize)>,
}

impl<'a, R: TreeReader> Edit<'a, R> {
    /// Begins an edit by `device`, whose clock (and all it has seen) stands at `lamport`.
    pub fn new(reader: &'a R, device: DeviceId, lamport: u64) -> Self {
        Self { reader, device, lamport, ops: Vec::new(), made: HashMap::new() }
    }

    /// Ends the edit.
    pub fn into_ops(self) -> Vec<Op> {
        self.ops
    }

    /// Makes a folder.
    pub fn create_folder(
        &mut self,
        node: NodeId,
        parent: NodeId,
        name: &str,
    ) -> Result<(), EditError> {
        self.create(node, parent, name, Kind::Folder)
    }

    /// Makes an empty text file.
    pub fn create_text(
        &mut self,
        node: NodeId,
        parent: NodeId,
        name: &str,
    ) -> Result<(), EditError> {
        self.create(node, parent, name, Kind::Text)
    }

    /// Makes a file with content.
    pub fn create_file(
        &mut self,
        node: NodeId,
        parent: NodeId,
        name: &str,
        content: Content,
    ) -> Result<(), EditError> {
        let kind = if content.text { Kind::Text } else { Kind::File };
        self.create(node, parent, name, kind)?;
        self.push(node, Value::Content(content), Vec::new())
    }

    /// Renames a node.
    pub fn rename(&mut self, node: NodeId, name: &str) -> Result<(), EditError> {
        check_name(name)?;
        let row = self.existing(&node)?;
        if row.name.value == name {
            return Ok(());
        }
        let supersedes = vec![row.name.id];
        self.push(node, Value::Name(name.to_owned()), supersedes)
    }

    /// Moves a node to a folder; out of the trash too.
    pub fn move_to(&mut self, node: NodeId, to: NodeId) -> Result<(), EditError> {
        let row = self.not_gone(&node)?;
        if node == to {
            return Err(EditError::MoveIntoItself);
        }
        self.depth_of_folder(&to, Some(&node))?;
        if row.self_trashed() {
            let supersedes = ids(&row.trashed);
            self.push(node, Value::Trashed(false), supersedes)?;
        } else if row.shown_parent == to {
            return Ok(());
        }
        self.push(node, Value::Parent(to), newest(&row.parents))
    }

    /// Puts a node in the trash, with all below it. What is gone stays so.
    pub fn trash(&mut self, node: NodeId) -> Result<(), EditError> {
        let row = self.existing(&node)?;
        if row.self_trashed() || self.is_gone(row)? {
            return Ok(());
        }
        let supersedes = ids(&row.trashed);
        self.push(node, Value::Trashed(true), supersedes)
    }

    /// Takes a node out of the trash, to where it was; where that is in the trash itself,
    /// to the nearest folder above that is not.
    pub fn restore(&mut self, node: NodeId) -> Result<(), EditError> {
        let row = self.not_gone(&node)?;
        if row.self_trashed() {
            let supersedes = ids(&row.trashed);
            self.push(node, Value::Trashed(false), supersedes)?;
        }
        let parent = row.placed_parent();
        let live = self.nearest_live(parent)?;
        if live == parent || (live == NodeId::RECOVERED && row.shown_parent == live) {
            return Ok(());
        }
        // Nobody can move things to `Recovered`; what was there returns to the root.
        let to = if live == NodeId::RECOVERED { NodeId::ROOT } else { live };
        self.push(node, Value::Parent(to), newest(&row.parents))
    }

    /// Takes back that a node was put in the trash, and leaves it in its folder, whatever
    /// became of that.
    pub fn untrash(&mut self, node: NodeId) -> Result<(), EditError> {
        let row = self.not_gone(&node)?;
        if !row.self_trashed() {
            return Ok(());
        }
        let supersedes = ids(&row.trashed);
        self.push(node, Value::Trashed(false), supersedes)
    }

    /// Deletes a node of the trash for good, with all below it. What is gone already stays so;
    /// what a cycle of moves keeps out of the node now, and would go back into it, keeps the
    /// node in the trash.
    pub fn purge(&mut self, node: NodeId) -> Result<(), EditError> {
        let row = self.existing(&node)?;
        if !row.self_trashed() {
            return Err(EditError::NodeUnknown);
        }
        if row.is_purged() || self.is_wanted_back(&node)? {
            return Ok(());
        }
        let supersedes = ids(&row.trashed);
        self.push(node, Value::Purged, supersedes)
    }

    /// Puts a label on a node or takes it off; does nothing where that is so already.
    pub fn label(&mut self, node: NodeId, labelled: Labelled) -> Result<(), EditError> {
        let row = self.not_gone(&node)?;
        let labels = row.labels();
        if labels.contains(&&labelled.label) == labelled.on {
            return Ok(());
        }
        if labelled.on && labels.len() >= limits::LABELS_MAX {
            return Err(EditError::TooMany);
        }
        labelled.label.check().map_err(|reason| EditError::NameUnfit {
            name: labelled.label.as_str().to_owned(),
            reason,
        })?;
        let supersedes = row.ops_of_label(&labelled.label).map(|op| op.id).collect();
        self.push(node, Value::Label(labelled), supersedes)
    }

    /// Gives a file whole new content, in place of all versions it has.
    pub fn set_content(&mut self, node: NodeId, content: Content) -> Result<(), EditError> {
        let row = self.file(&node)?;
        let supersedes = ids(&row.contents);
        self.push(node, Value::Content(content), supersedes)
    }

    /// Says that a file's text document was edited. Edits of other documents of the file
    /// that are versions still, or will be shown again, stay beside it. A text that is gone comes
    /// back by that: it may have been open.
    pub fn text_edited(&mut self, node: NodeId, edit: TextEdit) -> Result<(), EditError> {
        if self.made.get(&node) == Some(&(false, 0)) {
            return self.push(node, Value::Text(edit), Vec::new());
        }
        let row = self.existing_file(&node)?;
        let strays: Vec<Hash> = row.strays().into_iter().map(|stray| stray.value.base).collect();
        let stays = |base: Hash| {
            let shown = row.contents.iter().any(|content| content.value.base() == base);
            base != edit.base && (shown || strays.contains(&base))
        };
        let passed = row.texts.iter().filter(|old| !stays(old.value.base));
        let supersedes = passed.map(|old| old.id).collect();
        self.push(node, Value::Text(edit), supersedes)
    }

    /// Copies one node (not what is below it) to a folder, as the node `copy`.
    ///
    /// A file's copy has `content`, which the caller takes from the row or, for an edited
    /// text, makes of the document; `None` is an empty text.
    pub fn copy(
        &mut self,
        node: NodeId,
        copy: NodeId,
        to: NodeId,
        content: Option<Content>,
    ) -> Result<(), EditError> {
        let row = self.not_gone(&node)?;
        match content {
            _ if row.is_folder() => self.create_folder(copy, to, &row.name.value),
            Some(content) => self.create_file(copy, to, &row.name.value, content),
            None => self.create(copy, to, &row.name.value, row.kind()),
        }
    }

    /// Gives a file one more version, beside those that it has.
    pub fn add_version(&mut self, node: NodeId, content: Content) -> Result<(), EditError> {
        self.file(&node)?;
        self.push(node, Value::Content(content), Vec::new())
    }

    /// Settles versions of a file: a content takes the place of those that `settled` set.
    /// Versions that are not among them stay.
    pub fn settle(
        &mut self,
        node: NodeId,
        settled: &[OpId],
        content: Content,
    ) -> Result<(), EditError> {
        self.file(&node)?;
        self.push(node, Value::Content(content), settled.to_vec())
    }

    /// Takes back one op; does nothing where its field was set again since.
    pub fn take_back(&mut self, inverse: &Inverse) -> Result<(), EditError> {
        let row = self.existing(&inverse.node)?;
        if self.is_gone(row)? {
            return Ok(());
        }
        let has = |ids: Vec<OpId>| ids.contains(&inverse.op).then_some(ids);
        let supersedes = match &inverse.value {
            // A node was made; to take that back is to trash it.
            Value::Trashed(true) if row.created.id == inverse.op => Some(ids(&row.trashed)),
            Value::Trashed(_) => has(ids(&row.trashed)),
            Value::Parent(_) => has(newest(&row.parents)),
            Value::Name(_) => has(vec![row.name.id]),
            // Versions that came since stay.
            Value::Content(_) => has(ids(&row.contents)).map(|_| vec![inverse.op]),
            // Nothing is left of one that was taken off; the same that another device put on stays.
            Value::Label(Labelled { label, on: true }) if !row.labels().contains(&label) => {
                Some(row.ops_of_label(label).map(|op| op.id).collect())
            }
            Value::Label(Labelled { on: false, .. }) => {
                has(ids(&row.labels)).map(|_| vec![inverse.op])
            }
            Value::Create { .. } | Value::Text(_) | Value::Purged | Value::Label(_) => None,
        };
        let Some(supersedes) = supersedes else {
            return Ok(());
        };
        if let Value::Parent(to) = &inverse.value {
            // What was in `Recovered` cannot go back there by a move.
            let to = if *to == NodeId::RECOVERED { NodeId::ROOT } else { *to };
            self.depth_of_folder(&to, Some(&inverse.node))?;
            return self.push(inverse.node, Value::Parent(to), supersedes);
        }
        self.push(inverse.node, inverse.value.clone(), supersedes)
    }

    fn create(
        &mut self,
        node: NodeId,
        parent: NodeId,
        name: &str,
        kind: Kind,
    ) -> Result<(), EditError> {
        check_name(name)?;
        let depth = self.depth_of_folder(&parent, None)? + 1;
        let folder = kind == Kind::Folder;
        self.made.insert(node, (folder, if folder { depth } else { 0 }));
        self.push(node, Value::Create { kind, parent, name: name.to_owned() }, Vec::new())
    }

    fn push(&mut self, node: NodeId, value: Value, supersedes: Vec<OpId>) -> Result<(), EditError> {
        if self.ops.len() >= limits::CHANGE_OPS_MAX {
            return Err(EditError::TooMany);
        }
        self.lamport += 1;
        let id = OpId { lamport: self.lamport, device: self.device };
        self.ops.push(Op { id, node, value, supersedes });
        Ok(())
    }

    fn existing(&self, node: &NodeId) -> Result<&'a NodeRow, EditError> {
        if node.is_builtin() {
            return Err(EditError::Builtin);
        }
        let row = self.reader.row(node).ok_or_else(|| missing(*node))?;
        row.ok_or(EditError::NodeUnknown)
    }

    fn not_gone(&self, node: &NodeId) -> Result<&'a NodeRow, EditError> {
        let row = self.existing(node)?;
        if self.is_gone(row)? { Err(EditError::NodeUnknown) } else { Ok(row) }
    }

    /// Says whether a node was deleted for good, itself or with a folder above it.
    fn is_gone(&self, row: &NodeRow) -> Result<bool, EditError> {
        let mut at = row.shown_parent;
        while !at.is_builtin() {
            at = self.existing(&at)?.shown_parent;
        }
        Ok(at == NodeId::GONE)
    }

    /// Says whether something that a cycle displaced has its first place in or below a node:
    /// it is somewhere else only as long as the cycle is there.
    fn is_wanted_back(&self, node: &NodeId) -> Result<bool, EditError> {
        let needs = vec![Need::Children(DISPLACED)];
        let displaced = self.reader.children(&DISPLACED).ok_or(Missing { needs })?;
        for start in displaced {
            let mut at = *start;
            for _ in 0..limits::TREE_DEPTH_MAX {
                if at.is_builtin() {
                    break;
                }
                let row = self.reader.row(&at).ok_or_else(|| missing(at))?;
                at = row.map_or(NodeId::RECOVERED, |row| row.parents[0].value);
                if at == *node {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// A file that is not gone.
    fn file(&self, node: &NodeId) -> Result<&'a NodeRow, EditError> {
        let row = self.existing_file(node)?;
        if self.is_gone(row)? { Err(EditError::NodeUnknown) } else { Ok(row) }
    }

    fn existing_file(&self, node: &NodeId) -> Result<&'a NodeRow, EditError> {
        let row = self.existing(node)?;
        if row.is_folder() { Err(EditError::NodeUnknown) } else { Ok(row) }
    }

    /// Checks that a node can go into this folder; tells how deep it is.
    fn depth_of_folder(
        &self,
        folder: &NodeId,
        goes_in: Option<&NodeId>,
    ) -> Result<usize, EditError> {
        let (mut node, mut depth) = (*folder, 0);
        if node.is_trash() || node == NodeId::RECOVERED {
            return Err(EditError::Builtin);
        }
        match self.made.get(&node) {
            Some((true, depth)) if *depth >= limits::TREE_DEPTH_MAX => {
                return Err(EditError::TooMany);
            }
            Some((true, depth)) => return Ok(*depth),
            Some((false, _)) => return Err(EditError::NodeUnknown),
            None => {}
        }
        while !node.is_builtin() {
            if Some(&node) == goes_in {
                return Err(EditError::MoveIntoItself);
            }
            let row = self.existing(&node)?;
            if !row.is_folder() {
                return Err(EditError::NodeUnknown);
            }
            depth += 1;
            if depth >= limits::TREE_DEPTH_MAX {
                return Err(EditError::TooMany);
            }
            node = row.shown_parent;
        }
        if node.is_trash() { Err(EditError::NodeUnknown) } else { Ok(depth) }
    }

    /// The nearest folder, from this one up, that is not in the trash.
    fn nearest_live(&self, folder: NodeId) -> Result<NodeId, EditError> {
        let (mut node, mut live) = (folder, folder);
        while !node.is_builtin() {
            let row = self.existing(&node)?;
            node = row.shown_parent;
            if node.is_trash() {
                // All from `live` to here is in the trash; go on above it.
                node = row.placed_parent();
                live = node;
            }
        }
        Ok(live)
    }
}

fn missing(node: NodeId) -> EditError {
    Missing { needs: vec![Need::Row(node)] }.into()
}

fn check_name(name: &str) -> Result<(), EditError> {
    name::check(name).map_err(|reason| EditError::NameUnfit { name: name.to_owned(), reason })
}

fn ids<T>(register: &[Stamped<T>]) -> Vec<OpId> {
    register.iter().map(|op| op.id).collect()
}

fn newest<T>(register: &[Stamped<T>]) -> Vec<OpId> {
    register.iter().take(1).map(|op| op.id).collect()
}

#[cfg(test)]
mod tests;

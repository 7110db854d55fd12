//! Rows: the merged state of one node, and where it is shown.
//!
//! ```text
//! row = version u8 = 4 | postcard(NodeRow)
//! ```
//!
//! Version 3 ends before `labels` and version 2 before `purged`, each written where what it
//! lacks is empty: a row without labels that nobody deleted for good is byte for byte what it
//! always was.
//!
//! Fields where the greatest op simply wins keep that op; fields where concurrency counts
//! (`contents`, `texts`, `trashed`) keep every op that no known op supersedes, greatest
//! first. So do `labels`, but for one that was taken off: once that is in the log nothing is
//! left of it, since what comes later has it in view or stands beside it. `parents` keeps the
//! [`PARENTS_KEPT`] greatest, superseded or not, so that a node can fall back when moves form
//! a cycle. All are functions of the ops and their places alone. The `shown_parent`, `suffix`
//! and `fallback` are derived and kept up by `apply`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::id::{DeviceId, Hash, NodeId, Seq};
use crate::label::Label;
use crate::name;
use crate::rpc::Kind;
use crate::tree::op::{Content, Context, Labelled, NO_BASE, OpId, TextEdit, Value};

/// How many of a node's moves are remembered for falling back out of a cycle.
pub const PARENTS_KEPT: usize = 8;

const VERSION: u8 = 4;
/// A row without `labels`.
const VERSION_UNLABELLED: u8 = 3;
/// A row without `purged` either.
const VERSION_UNPURGED: u8 = 2;
/// An empty list, as it is encoded.
const EMPTY: u8 = 0;

/// A value with the op that set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamped<T> {
    /// The op.
    pub id: OpId,
    /// Where it stands in the log.
    pub context: Context,
    /// The value.
    pub value: T,
}

impl<T> Stamped<T> {
    /// Says whether the author of `later` had this op in view.
    pub fn seen_by<U>(&self, later: &Stamped<U>) -> bool {
        let own = self.id.device == later.id.device && self.id.lamport <= later.id.lamport;
        own || self.context.seq.is_some_and(|seq| seq <= later.context.seen_seq)
    }
}

/// The merged state of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRow {
    /// The node.
    pub node: NodeId,
    /// What it was made as.
    pub created: Stamped<Kind>,
    /// Where it was put, greatest first; never empty.
    pub parents: Vec<Stamped<NodeId>>,
    /// Its own name.
    pub name: Stamped<String>,
    /// Its contents; more than one are versions that nobody has settled.
    pub contents: Vec<Stamped<Content>>,
    /// The last edits of its text document.
    pub texts: Vec<Stamped<TextEdit>>,
    /// Whether it was trashed or restored; empty if neither.
    pub trashed: Vec<Stamped<bool>>,
    /// The last op of each device that is merged in here, so that repetition is harmless.
    pub applied: Vec<(DeviceId, u64)>,
    /// The folder that lists it, which may be `RECOVERED` or `TRASH`.
    pub shown_parent: NodeId,
    /// The number shown after its name among siblings of the same name; 0 for none.
    pub suffix: u32,
    /// How many of its parents a cycle has made it pass over.
    pub fallback: u8,
    /// The ops that delete it for good, each with the trashing in `trashed` that it is about.
    pub purged: Vec<Stamped<OpId>>,
    /// The labels that were put on, and those taken off that have no place in the log yet.
    pub labels: Vec<Stamped<Labelled>>,
}

impl NodeRow {
    /// Encodes the row.
    pub fn encode(&self) -> Vec<u8> {
        let version = self.version();
        let mut bytes =
            postcard::to_extend(self, vec![version]).expect("plain data always serialises");
        // Empty lists, each a byte.
        bytes.truncate(bytes.len() - usize::from(VERSION - version));
        bytes
    }

    fn version(&self) -> u8 {
        match (self.labels.is_empty(), self.purged.is_empty()) {
            (false, _) => VERSION,
            (true, false) => VERSION_UNLABELLED,
            (true, true) => VERSION_UNPURGED,
        }
    }

    /// Decodes a row.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let (version, rest) = bytes.split_first().ok_or(RowError::Malformed)?;
        let whole = match *version {
            VERSION => Cow::Borrowed(rest),
            VERSION_UNLABELLED => Cow::Owned([rest, &[EMPTY]].concat()),
            VERSION_UNPURGED => Cow::Owned([rest, &[EMPTY; 2]].concat()),
            version => return Err(RowError::UnknownVersion { version }),
        };
        let (row, rest) =
            postcard::take_from_bytes::<Self>(&whole).map_err(|_| RowError::Malformed)?;
        if !rest.is_empty() || row.parents.is_empty() || row.version() != *version {
            return Err(RowError::Malformed);
        }
        Ok(row)
    }

    /// Notes that the author of an op had verified more of the log, where its entry is
    /// written anew before anybody has read it.
    pub fn raise_seen(&mut self, op: OpId, seen_seq: Seq) {
        for (id, context) in self.contexts_mut() {
            if id == op {
                context.seen_seq = seen_seq;
            }
        }
    }

    /// How much of the log the author of an op of this node may say to have verified, who had
    /// verified it up to `seen`, where its entry is written anew before anybody has read it.
    ///
    /// What an op supersedes, it names. What its author had seen counts for two kinds beside:
    /// new content leaves nothing of a text that was typed in view, and so does the trash of
    /// a file, and of a folder of anything below, which is not looked at here.
    pub fn may_claim(&self, op: &OpId, value: &Value, seen: Seq) -> Seq {
        let contents = match value {
            Value::Content(_) => &[][..],
            Value::Trashed(true) if !self.is_folder() => &self.contents,
            Value::Trashed(true) | Value::Purged => return seen,
            Value::Create { .. }
            | Value::Parent(_)
            | Value::Name(_)
            | Value::Text(_)
            | Value::Label(_)
            | Value::Trashed(false) => return Seq::MAX,
        };
        let contents = contents.iter().map(|op| (op.id, op.context.seq));
        let edits = self.texts.iter().map(|op| (op.id, op.context.seq)).chain(contents);
        let of_others = edits.filter(|(id, _)| id.device != op.device);
        let unseen = of_others.filter_map(|(_, seq)| seq).filter(|seq| *seq > seen);
        unseen.min().map_or(Seq::MAX, |first| first - 1)
    }

    /// Where each op that it holds stands.
    pub(super) fn contexts_mut(&mut self) -> impl Iterator<Item = (OpId, &mut Context)> {
        fn of<T>(op: &mut Stamped<T>) -> (OpId, &mut Context) {
            (op.id, &mut op.context)
        }
        [of(&mut self.created), of(&mut self.name)]
            .into_iter()
            .chain(self.parents.iter_mut().map(of))
            .chain(self.contents.iter_mut().map(of))
            .chain(self.texts.iter_mut().map(of))
            .chain(self.trashed.iter_mut().map(of))
            .chain(self.purged.iter_mut().map(of))
            .chain(self.labels.iter_mut().map(of))
    }

    /// Says whether an op is merged in here.
    pub fn has_applied(&self, op: &OpId) -> bool {
        let known = |(device, last): &(DeviceId, u64)| *device == op.device && op.lamport <= *last;
        self.applied.iter().any(known)
    }

    /// Tells what the node is now.
    pub fn kind(&self) -> Kind {
        match (self.created.value, self.contents.first()) {
            (Kind::Folder, _) => Kind::Folder,
            (_, Some(content)) if content.value.text => Kind::Text,
            (_, Some(_)) => Kind::File,
            (kind, None) => kind,
        }
    }

    /// Says whether it is a folder, which never changes.
    pub fn is_folder(&self) -> bool {
        self.created.value == Kind::Folder
    }

    /// The op that puts it where it is, unless a cycle left none.
    pub fn placing(&self) -> Option<&Stamped<NodeId>> {
        self.parents.get(usize::from(self.fallback))
    }

    /// The folder it belongs to, before the trash is considered.
    pub fn placed_parent(&self) -> NodeId {
        self.placing().map_or(NodeId::RECOVERED, |op| op.value)
    }

    /// The name as shown among its siblings.
    pub fn shown_name(&self) -> String {
        match self.suffix {
            0 => self.name.value.clone(),
            n => name::with_suffix(&self.name.value, n),
        }
    }

    /// The content that is shown, as what its text document begins with.
    pub fn base(&self) -> Hash {
        self.contents.first().map_or(NO_BASE, |content| content.value.base())
    }

    /// The last edits of the documents that begin with this content.
    pub fn edits_of(&self, base: Hash) -> impl Iterator<Item = &Stamped<TextEdit>> {
        self.texts.iter().filter(move |edit| edit.value.base == base)
    }

    /// The edits of documents that begin with no content of this file any more and that
    /// nobody who gave it new content had seen, the greatest of each document: each such
    /// document is a version.
    pub fn strays(&self) -> Vec<&Stamped<TextEdit>> {
        let mut strays: Vec<&Stamped<TextEdit>> = Vec::new();
        if self.texts.is_empty() || self.contents.is_empty() {
            return strays;
        }
        let bases: Vec<Hash> = self.contents.iter().map(|content| content.value.base()).collect();
        for edit in &self.texts {
            let replaced = self.contents.iter().any(|content| edit.seen_by(content));
            let known = strays.iter().any(|stray| stray.value.base == edit.value.base);
            if !replaced && !known && !bases.contains(&edit.value.base) {
                strays.push(edit);
            }
        }
        strays
    }

    /// Its labels, each once. Of one that somebody put on while somebody else took it off, what
    /// was put on stays.
    pub fn labels(&self) -> Vec<&Label> {
        let mut labels: Vec<&Label> = Vec::new();
        for op in self.labels.iter().filter(|op| op.value.on) {
            // Few, so that sorting them would be more code than it is work.
            if let Err(at) = labels.binary_search(&&op.value.label) {
                labels.insert(at, &op.value.label);
            }
        }
        labels
    }

    /// The ops of one label that count.
    pub(super) fn ops_of_label(&self, label: &Label) -> impl Iterator<Item = &Stamped<Labelled>> {
        self.labels.iter().filter(move |op| op.value.label == *label)
    }

    /// Size in bytes and time of what is shown: of the text document that was edited, or of
    /// the content.
    fn latest(&self) -> Option<(u64, i64)> {
        let content = self.contents.first().map(|c| (c.value.size, c.value.modified_ms));
        if self.texts.is_empty() {
            return content;
        }
        let text = self.edits_of(self.base()).next();
        text.map(|t| (t.value.size, t.value.modified_ms)).or(content)
    }

    /// Bytes, for files.
    pub fn size(&self) -> Option<u64> {
        (!self.is_folder()).then(|| self.latest().map_or(0, |(size, _)| size))
    }

    /// Last change of its content, in milliseconds since 1970.
    pub fn modified_ms(&self) -> i64 {
        self.latest().map_or(self.created.context.time_ms, |(_, modified_ms)| modified_ms)
    }

    /// Says whether it has versions that nobody has settled: contents, or texts typed while
    /// others gave it new content.
    pub fn two_versions(&self) -> bool {
        self.contents.len() > 1 || !self.strays().is_empty()
    }

    /// Says whether all that is known of it has a place in the log.
    pub fn synced(&self) -> bool {
        self.contexts().all(|context| context.seq.is_some())
    }

    /// The greatest place in the log that counts here; `None` while some have none.
    pub fn last_seq(&self) -> Option<Seq> {
        self.contexts().map(|context| context.seq).try_fold(0, |last, seq| Some(last.max(seq?)))
    }

    fn contexts(&self) -> impl Iterator<Item = &Context> {
        let fixed = [&self.created.context, &self.name.context];
        let parents = self.parents.iter().map(|op| &op.context);
        let contents = self.contents.iter().map(|op| &op.context);
        let texts = self.texts.iter().map(|op| &op.context);
        let trashed = self.trashed.iter().map(|op| &op.context);
        let purged = self.purged.iter().map(|op| &op.context);
        let labels = self.labels.iter().map(|op| &op.context);
        let first = fixed.into_iter().chain(parents).chain(contents).chain(texts);
        first.chain(trashed).chain(purged).chain(labels)
    }

    /// Says whether the node was put in the trash itself, and stays there.
    ///
    /// Any restore that no trashing has seen wins, and so does any edit of the content.
    pub fn self_trashed(&self) -> bool {
        let trashed = !self.trashed.is_empty() && self.trashed.iter().all(|op| op.value);
        trashed
            && !self.contents.iter().any(|op| self.unseen_by_trash(op))
            && !self.texts.iter().any(|op| self.unseen_by_trash(op))
    }

    /// Says whether it was deleted for good: it is in the trash itself, every trashing that
    /// put it there is not to be taken back, and whoever said so knew of all its moves.
    pub fn is_purged(&self) -> bool {
        let knew = |purge: &Stamped<OpId>| self.parents.iter().all(|op| op.seen_by(purge));
        let for_good = |trash: OpId| self.purged.iter().any(|op| op.value == trash && knew(op));
        !self.purged.is_empty()
            && self.self_trashed()
            && self.trashed.iter().all(|trash| for_good(trash.id))
    }

    /// The folder in which it is listed if it was put in the trash itself.
    pub(super) fn trash_folder(&self) -> NodeId {
        if self.is_purged() { NodeId::GONE } else { NodeId::TRASH }
    }

    /// Says whether nobody who trashed this node had `op` in view.
    fn unseen_by_trash<T>(&self, op: &Stamped<T>) -> bool {
        self.trashed.iter().all(|trash| !op.seen_by(trash))
    }

    /// The device whose edit keeps the node out of the trash, although everybody who spoke
    /// last of it put it there: they had not seen that edit.
    pub fn kept_by(&self) -> Option<DeviceId> {
        if self.trashed.is_empty() || !self.trashed.iter().all(|op| op.value) {
            return None;
        }
        let contents = self.contents.iter().filter(|op| self.unseen_by_trash(op)).map(|op| op.id);
        let texts = self.texts.iter().filter(|op| self.unseen_by_trash(op)).map(|op| op.id);
        contents.chain(texts).max().map(|id| id.device)
    }

    /// The device that set something of the node last.
    pub fn last_device(&self) -> DeviceId {
        let contents = self.contents.iter().map(|op| op.id);
        let parents = self.parents.iter().map(|op| op.id);
        let last = contents.chain(parents).chain(self.texts.iter().map(|op| op.id)).max();
        last.unwrap_or(self.created.id).device
    }

    /// When the node was put in the trash, by the clock of whoever did.
    pub fn trashed_ms(&self) -> Option<i64> {
        let put = self.trashed.iter().filter(|op| op.value);
        put.map(|op| op.context.time_ms).max()
    }

    /// Says whether this node escapes the trashing of the folder `root` it is in: it was
    /// made, edited, restored or moved in, unknown to everyone who trashed that folder. If
    /// somebody deleted that for good, every move counts that any of them did not know of,
    /// and so does a cycle that left the node no other place.
    pub fn escapes(&self, root: &Self) -> bool {
        root.unseen_by_trash(&self.created)
            || self.placing().is_some_and(|op| root.unseen_by_trash(op))
            || self.contents.iter().any(|op| root.unseen_by_trash(op))
            || self.texts.iter().any(|op| root.unseen_by_trash(op))
            || self.trashed.iter().any(|op| !op.value && root.unseen_by_trash(op))
            || root
                .purged
                .iter()
                .any(|purge| self.fallback > 0 || self.parents.iter().any(|op| !op.seen_by(purge)))
    }
}

/// Reports bytes that are no row of this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// Written by a later version.
    #[error("unknown row version {version}")]
    UnknownVersion {
        /// The version.
        version: u8,
    },
    /// Cut short, too long or not a row.
    #[error("these bytes are not a row")]
    Malformed,
}

#[cfg(test)]
mod tests;

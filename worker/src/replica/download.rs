//! Downloads: a file as it is, or several nodes as a ZIP, piece by piece.
//!
//! A download is pulled: little is read before the reader has room, so it takes no more
//! memory than a few chunks. ZIP members are read in groups, those that share a chunk side
//! by side. They are stored, not compressed: most of what people keep is compressed already,
//! and time counts more than bytes that never travel. Before one begins, every file in it is
//! looked for, here and on the server, so that a person hears what it would lack while there
//! is a choice, and not by a download that breaks off.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use offing_core::content::manifest::Extent;
use offing_core::content::reference::ManifestRef;
use offing_core::id::{ChunkId, NodeId};
use offing_core::limits;
use offing_core::ordered;
use offing_core::rpc::{Fault, Kind, RevisionId};
use offing_core::tree::listing;
use offing_core::tree::{self, NodeRow};

mod archive;
mod names;
mod ranges;
mod reading;

use self::archive::Archive;
pub use self::ranges::OpenContent;
use self::reading::{Plan, Reading, Step};
use super::Replica;
use super::history::State;
use crate::host::Host;
use crate::net::Remote;
use crate::store::Range;

/// Bytes that one piece has at least, where more follow.
const PIECE_BYTES: usize = 256 * 1024;

/// Members of a ZIP whose rows are read at once.
const GROUP_MEMBERS: usize = 512;
/// Bytes of edited texts after which a group of members ends: they are held whole.
const GROUP_TEXT_BYTES: usize = 4 * 1024 * 1024;

/// A download under way.
pub struct Download<H: Host> {
    replica: Rc<Replica<H>>,
    name: String,
    size: Option<u64>,
    body: Body<H>,
}

enum Body<H: Host> {
    File(Reading<H>),
    Zip(Box<Zip<H>>),
}

/// The content of one file, not read yet.
struct Content {
    node: NodeId,
    parts: Vec<Part>,
    /// A long manifest and its chunks, which are all here when the last part was read.
    long: Option<(ChunkId, Vec<ChunkId>)>,
}

enum Part {
    Bytes(Vec<u8>),
    Extent(Extent),
}

/// A ZIP that is written while it is read.
struct Zip<H: Host> {
    members: std::vec::IntoIter<Member>,
    /// The group that is being read.
    group: Reading<H>,
    archive: Archive,
    /// The directory was written.
    ended: bool,
}

struct Member {
    path: String,
    node: NodeId,
    folder: bool,
}

impl<H: Host> Replica<H> {
    /// Opens a download of these nodes; what a ZIP would lack is a fault, or left out
    /// where it is wanted `anyway`.
    pub async fn download(
        self: &Rc<Self>,
        nodes: &[NodeId],
        anyway: bool,
    ) -> Result<Download<H>, Fault> {
        if let [node] = nodes
            && let Some(row) = self.row(*node).await?
            && !row.is_folder()
        {
            let content = self.content(&row).await?;
            self.reach(&content).await?;
            return Ok(self.download_of(row.shown_name(), content));
        }
        let mut tops = Vec::new();
        for node in nodes {
            tops.push(match builtin_name(*node) {
                Some(name) => name.to_owned(),
                None => self.row(*node).await?.ok_or(Fault::NodeUnknown)?.shown_name(),
            });
        }
        let mut members = Vec::new();
        for (node, top) in nodes.iter().zip(names::distinct(&tops)) {
            self.gather(*node, top, &mut members).await?;
        }
        let name = match nodes {
            [NodeId::ROOT, ..] => "My files".to_owned(),
            [_] => tops.concat(),
            _ => "Files".to_owned(),
        };
        let lacking = self.lacking(&members).await?;
        if !lacking.is_empty() && !anyway {
            let lacks = members.iter().filter(|member| lacking.contains(&member.node));
            let first = lacks.take(limits::FAULT_PATHS_MAX).map(|member| member.path.clone());
            let (paths, count) = (first.collect(), lacking.len() as u32);
            return Err(Fault::Incomplete { paths, count });
        }
        members.retain(|member| !lacking.contains(&member.node));
        let zip = Zip {
            members: members.into_iter(),
            group: Reading::new(self, Plan::default()),
            archive: Archive::new(),
            ended: false,
        };
        let body = Body::Zip(Box::new(zip));
        let (replica, name) = (Rc::clone(self), format!("{name}.zip"));
        Ok(Download { replica, name, size: None, body })
    }

    /// Opens a state that a file has or had.
    pub async fn open_revision(
        self: &Rc<Self>,
        node: NodeId,
        id: RevisionId,
    ) -> Result<Download<H>, Fault> {
        let row = self.row(node).await?.ok_or(Fault::NodeUnknown)?;
        let content = match self.state_of(&row, id).await? {
            State::Text(text) => Content::of_text(node, text),
            State::Content(content) => self.content_of(node, &content).await?,
        };
        self.reach(&content).await?;
        Ok(self.download_of(row.shown_name(), content))
    }

    fn download_of(self: &Rc<Self>, name: String, content: Content) -> Download<H> {
        let size = Some(content.size());
        let mut plan = Plan::default();
        plan.add(content);
        let body = Body::File(Reading::new(self, plan));
        Download { replica: Rc::clone(self), name, size, body }
    }

    /// The content of a file: its text as it is now, or its manifest's extents.
    async fn content(self: &Rc<Self>, row: &NodeRow) -> Result<Content, Fault> {
        let node = row.node;
        if row.kind() == Kind::Text
            && let Some(text) = self.edited_text(row, row.base()).await?
        {
            return Ok(Content::of_text(node, text));
        }
        let Some(content) = row.contents.first() else {
            return Ok(Content { node, parts: Vec::new(), long: None });
        };
        self.content_of(node, &content.value).await
    }

    /// The extents of a content's manifest.
    async fn content_of(&self, node: NodeId, content: &tree::Content) -> Result<Content, Fault> {
        let manifest = self.manifest(node, content).await?;
        let long = match ManifestRef::decode(&content.manifest) {
            Ok(ManifestRef::Stored(id)) => Some((id, manifest.chunks())),
            Ok(ManifestRef::Inline(_)) | Err(_) => None,
        };
        let parts = manifest.extents.into_iter().map(Part::Extent).collect();
        Ok(Content { node, parts, long })
    }

    /// Fetches the first piece that is not on this device, so that a server that is away
    /// is told in words and not by a download that breaks off.
    async fn reach(&self, content: &Content) -> Result<(), Fault> {
        let extents: Vec<&Extent> = content.extents().collect();
        let ids: Vec<_> = extents.iter().map(|extent| extent.chunk).collect();
        let held = self.are_held(&ids).await?;
        if let Some(missing) = held.iter().position(|held| !held) {
            self.extent(extents[missing], content.node).await?;
        }
        Ok(())
    }

    /// Finds the files whose content cannot be had: not all here, and the server away or
    /// without what is missing.
    async fn lacking(self: &Rc<Self>, members: &[Member]) -> Result<HashSet<NodeId>, Fault> {
        let mut lacking = HashSet::new();
        let mut wanted: Vec<(ChunkId, NodeId)> = Vec::new();
        for group in members.chunks(GROUP_MEMBERS) {
            let mut needed: Vec<(ChunkId, NodeId)> = Vec::new();
            for (member, row) in group.iter().zip(self.rows_of(group).await?) {
                if member.folder {
                    continue;
                }
                match self.content(&row.ok_or(Fault::NodeUnknown)?).await {
                    Ok(content) => {
                        needed.extend(content.extents().map(|extent| (extent.chunk, member.node)));
                    }
                    Err(Fault::Storage) => return Err(Fault::Storage),
                    Err(_) => {
                        lacking.insert(member.node);
                    }
                }
            }
            let ids: Vec<ChunkId> = needed.iter().map(|(id, _)| *id).collect();
            let held = self.are_held(&ids).await?;
            wanted.extend(needed.into_iter().zip(held).filter(|(_, held)| !held).map(|(id, _)| id));
        }
        for asked in wanted.chunks(limits::HAVE_IDS_MAX) {
            let ids: Vec<ChunkId> = asked.iter().map(|(id, _)| *id).collect();
            // Who cannot be asked has nothing to give.
            let have = self.host.server().have(self.vault, &ids).await;
            let have = have.unwrap_or_else(|_| vec![false; ids.len()]);
            let lost = asked.iter().zip(have).filter(|(_, has)| !has);
            lacking.extend(lost.map(|((_, node), _)| *node));
        }
        Ok(lacking)
    }

    async fn rows_of(&self, members: &[Member]) -> Result<Vec<Option<NodeRow>>, Fault> {
        let nodes: Vec<NodeId> = members.iter().map(|member| member.node).collect();
        self.rows(&nodes).await
    }

    /// Plans the next members of a ZIP: folders first, then files, those that share a chunk
    /// side by side, so that each chunk is opened once.
    async fn next_group(
        self: &Rc<Self>,
        members: &mut std::vec::IntoIter<Member>,
    ) -> Result<Reading<H>, Fault> {
        let coming = members.as_slice();
        let rows = self.rows_of(&coming[..coming.len().min(GROUP_MEMBERS)]).await?;
        let mut plan = Plan::default();
        let mut files: Vec<(usize, u32, String, Content)> = Vec::new();
        let mut first_use: HashMap<ChunkId, usize> = HashMap::new();
        let mut text_bytes = 0;
        for (place, row) in rows.into_iter().enumerate() {
            if text_bytes >= GROUP_TEXT_BYTES {
                break;
            }
            let Some(Member { path, folder, .. }) = members.next() else { break };
            if folder {
                plan.steps.push(Step::Folder(path));
                continue;
            }
            let content = self.content(&row.ok_or(Fault::NodeUnknown)?).await?;
            text_bytes += content.text_bytes();
            let (place, offset) = match content.extents().next() {
                Some(first) => (*first_use.entry(first.chunk).or_insert(place), first.offset),
                None => (place, 0),
            };
            files.push((place, offset, path, content));
        }
        ordered::sort_by_key(&mut files, |(place, offset, ..)| (*place, *offset));
        for (_, _, path, content) in files {
            plan.steps.push(Step::Begin(path));
            plan.add(content);
            plan.steps.push(Step::End);
        }
        Ok(Reading::new(self, plan))
    }

    /// Lists a node and all below it, folders before what is in them.
    async fn gather(
        &self,
        node: NodeId,
        top: String,
        members: &mut Vec<Member>,
    ) -> Result<(), Fault> {
        let mut seen = HashSet::new();
        let is_folder = match self.row(node).await? {
            Some(row) => row.is_folder(),
            None if node.is_builtin() => true,
            None => return Err(Fault::NodeUnknown),
        };
        if !is_folder {
            members.push(Member { path: top, node, folder: false });
            return Ok(());
        }
        let mut open = vec![(top, node)];
        while let Some((path, folder)) = open.pop() {
            if !seen.insert(folder) || members.len() > limits::ZIP_MEMBERS_MAX {
                return Err(Fault::TooMany);
            }
            let rows = self.scan_listing(&Range::prefix(&folder.0), 0, u32::MAX).await?;
            // Nothing was recovered or deleted, most of the time.
            if !rows.is_empty() || !folder.is_builtin() {
                members.push(Member { path: format!("{path}/"), node: folder, folder: true });
            }
            let mut children = Vec::with_capacity(rows.len());
            for (key, value) in rows {
                let node = listing::node_of_key(&key).ok_or(Fault::Storage)?;
                children.push((node, listing::Listed::decode(&value).ok_or(Fault::Storage)?));
            }
            let shown: Vec<String> =
                children.iter().map(|(_, listed)| listed.name.clone()).collect();
            for ((node, listed), name) in children.into_iter().zip(names::distinct(&shown)) {
                let inner = format!("{path}/{name}");
                if listed.kind == Kind::Folder {
                    open.push((inner, node));
                } else {
                    members.push(Member { path: inner, node, folder: false });
                }
            }
        }
        Ok(())
    }
}

/// What a built-in folder is called in a ZIP, in whichever language the app is used.
fn builtin_name(node: NodeId) -> Option<&'static str> {
    match node {
        NodeId::ROOT => Some("My files"),
        NodeId::RECOVERED => Some("Recovered"),
        NodeId::TRASH => Some("Trash"),
        _ => None,
    }
}

impl Content {
    fn of_text(node: NodeId, text: String) -> Self {
        Self { node, parts: vec![Part::Bytes(text.into_bytes())], long: None }
    }

    fn extents(&self) -> impl Iterator<Item = &Extent> {
        self.parts.iter().filter_map(|part| match part {
            Part::Extent(extent) => Some(extent),
            Part::Bytes(_) => None,
        })
    }

    fn size(&self) -> u64 {
        let extents: u64 = self.extents().map(|extent| u64::from(extent.len)).sum();
        extents + self.text_bytes() as u64
    }

    /// Bytes that are held already: those of an edited text.
    fn text_bytes(&self) -> usize {
        let sizes = self.parts.iter().map(|part| match part {
            Part::Bytes(bytes) => bytes.len(),
            Part::Extent(_) => 0,
        });
        sizes.sum()
    }
}

impl<H: Host> Download<H> {
    /// The name to save it under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its size, where that is known before.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// The next piece, never an empty one; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        match &mut self.body {
            Body::File(file) => {
                while let Some(step) = file.step() {
                    match step {
                        Step::Piece(piece) => {
                            let bytes = file.bytes(piece).await?;
                            if !bytes.is_empty() {
                                return Ok(Some(bytes));
                            }
                        }
                        Step::Whole { manifest, chunks } => {
                            self.replica.note_whole(manifest, &chunks).await?;
                        }
                        Step::Folder(_) | Step::Begin(_) | Step::End => {}
                    }
                }
                Ok(None)
            }
            Body::Zip(zip) => zip.next(&self.replica).await,
        }
    }
}

impl<H: Host> Zip<H> {
    async fn next(&mut self, replica: &Rc<Replica<H>>) -> Result<Option<Vec<u8>>, Fault> {
        loop {
            if self.archive.len() >= PIECE_BYTES || self.ended {
                let piece = self.archive.take();
                return Ok((!piece.is_empty()).then_some(piece));
            }
            self.step(replica).await?;
        }
    }

    /// Takes a step of the group, begins the next group, or ends the ZIP.
    async fn step(&mut self, replica: &Rc<Replica<H>>) -> Result<(), Fault> {
        match self.group.step() {
            Some(Step::Folder(path)) => self.archive.folder(&path).map_err(|_| Fault::TooMany)?,
            Some(Step::Begin(path)) => {
                self.archive.begin_file(path).map_err(|_| Fault::TooMany)?;
            }
            Some(Step::Piece(piece)) => self.archive.write(&self.group.bytes(piece).await?),
            Some(Step::Whole { manifest, chunks }) => replica.note_whole(manifest, &chunks).await?,
            Some(Step::End) => self.archive.end_file(),
            None if self.members.as_slice().is_empty() => {
                self.archive.finish();
                self.ended = true;
            }
            None => self.group = replica.next_group(&mut self.members).await?,
        }
        Ok(())
    }
}

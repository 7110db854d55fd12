//! Downloads: a file as it is, or several nodes as a ZIP, piece by piece.
//!
//! A download is pulled: nothing is read before the reader has room, so it takes no more
//! memory than a few extents. ZIP members are stored, not compressed: most of what people
//! keep is compressed already, and time counts more than bytes that never travel. Before one
//! begins, every file in it is looked for, here and on the server, so that a person hears
//! what it would lack while there is a choice, and not by a download that breaks off.

use std::collections::HashSet;
use std::rc::Rc;

use offing_core::content::manifest::Extent;
use offing_core::content::reference::ManifestRef;
use offing_core::id::{ChunkId, NodeId};
use offing_core::limits;
use offing_core::rpc::{Fault, Kind, RevisionId};
use offing_core::tree::listing;
use offing_core::tree::{self, NodeRow};

mod archive;
mod names;

use self::archive::Archive;
use super::Replica;
use super::history::State;
use crate::host::Host;
use crate::net::Remote;
use crate::store::Range;

/// Bytes that one piece has at least, where more follow.
const PIECE_BYTES: usize = 256 * 1024;

/// A download under way.
pub struct Download<H: Host> {
    replica: Rc<Replica<H>>,
    name: String,
    size: Option<u64>,
    body: Body,
}

enum Body {
    File(Content),
    Zip(Box<Zip>),
}

/// The content of one file, not read yet.
struct Content {
    node: NodeId,
    parts: std::vec::IntoIter<Part>,
    /// A long manifest and its chunks, which are all here when the last part was read.
    long: Option<(ChunkId, Vec<ChunkId>)>,
}

enum Part {
    Bytes(Vec<u8>),
    Extent(Extent),
}

/// A ZIP that is written while it is read.
struct Zip {
    members: std::vec::IntoIter<Member>,
    current: Option<Content>,
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
        let replica = Rc::clone(self);
        if let [node] = nodes
            && let Some(row) = self.row(*node).await?
            && !row.is_folder()
        {
            let content = self.content(&row).await?;
            self.reach(&content).await?;
            let name = row.shown_name();
            let size = content.known_size();
            return Ok(Download { replica, name, size, body: Body::File(content) });
        }
        let mut tops = Vec::new();
        for node in nodes {
            let row = self.row(*node).await?;
            tops.push(row.map_or_else(String::new, |row| row.shown_name()));
        }
        let mut members = Vec::new();
        for (node, top) in nodes.iter().zip(names::distinct(&tops)) {
            self.gather(*node, top, &mut members).await?;
        }
        let name = match nodes {
            [NodeId::ROOT] => "My files".to_owned(),
            [node] => self.row(*node).await?.ok_or(Fault::NodeUnknown)?.shown_name(),
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
            current: None,
            archive: Archive::new(),
            ended: false,
        };
        let body = Body::Zip(Box::new(zip));
        Ok(Download { replica, name: format!("{name}.zip"), size: None, body })
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
        let (name, size) = (row.shown_name(), content.known_size());
        Ok(Download { replica: Rc::clone(self), name, size, body: Body::File(content) })
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
            return Ok(Content { node, parts: Vec::new().into_iter(), long: None });
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
        let parts: Vec<Part> = manifest.extents.into_iter().map(Part::Extent).collect();
        Ok(Content { node, parts: parts.into_iter(), long })
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
        for member in members.iter().filter(|member| !member.folder) {
            let row = self.row(member.node).await?.ok_or(Fault::NodeUnknown)?;
            let content = match self.content(&row).await {
                Ok(content) => content,
                Err(Fault::Storage) => return Err(Fault::Storage),
                Err(_) => {
                    lacking.insert(member.node);
                    continue;
                }
            };
            let ids: Vec<ChunkId> = content.extents().map(|extent| extent.chunk).collect();
            let held = self.are_held(&ids).await?;
            let missing = ids.into_iter().zip(held).filter(|(_, held)| !held);
            wanted.extend(missing.map(|(id, _)| (id, member.node)));
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
            None if node == NodeId::ROOT => true,
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
            if !path.is_empty() {
                members.push(Member { path: format!("{path}/"), node: folder, folder: true });
            }
            let rows = self.scan_listing(&Range::prefix(&folder.0), 0, u32::MAX).await?;
            let mut children = Vec::with_capacity(rows.len());
            for (key, value) in rows {
                let node = listing::node_of_key(&key).ok_or(Fault::Storage)?;
                children.push((node, listing::Listed::decode(&value).ok_or(Fault::Storage)?));
            }
            let shown: Vec<String> =
                children.iter().map(|(_, listed)| listed.name.clone()).collect();
            for ((node, listed), name) in children.into_iter().zip(names::distinct(&shown)) {
                let inner = if path.is_empty() { name } else { format!("{path}/{name}") };
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

impl Content {
    fn of_text(node: NodeId, text: String) -> Self {
        let parts = vec![Part::Bytes(text.into_bytes())];
        Self { node, parts: parts.into_iter(), long: None }
    }

    fn extents(&self) -> impl Iterator<Item = &Extent> {
        self.parts.as_slice().iter().filter_map(|part| match part {
            Part::Extent(extent) => Some(extent),
            Part::Bytes(_) => None,
        })
    }

    fn known_size(&self) -> Option<u64> {
        let sizes = self.parts.as_slice().iter().map(|part| match part {
            Part::Bytes(bytes) => bytes.len() as u64,
            Part::Extent(extent) => u64::from(extent.len),
        });
        Some(sizes.sum())
    }

    async fn next<H: Host>(&mut self, replica: &Replica<H>) -> Result<Option<Vec<u8>>, Fault> {
        match self.parts.next() {
            None => {
                if let Some((id, chunks)) = self.long.take() {
                    replica.note_whole(id, &chunks).await?;
                }
                Ok(None)
            }
            Some(Part::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Part::Extent(extent)) => replica.extent(&extent, self.node).await.map(Some),
        }
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
            Body::File(content) => loop {
                match content.next(&self.replica).await? {
                    Some(bytes) if bytes.is_empty() => {}
                    piece => return Ok(piece),
                }
            },
            Body::Zip(zip) => zip.next(&self.replica).await,
        }
    }
}

impl Zip {
    async fn next<H: Host>(&mut self, replica: &Rc<Replica<H>>) -> Result<Option<Vec<u8>>, Fault> {
        loop {
            if self.archive.len() >= PIECE_BYTES || self.ended {
                let piece = self.archive.take();
                return Ok((!piece.is_empty()).then_some(piece));
            }
            self.step(replica).await?;
        }
    }

    /// Writes a piece of a member, begins the next one, or ends the ZIP.
    async fn step<H: Host>(&mut self, replica: &Rc<Replica<H>>) -> Result<(), Fault> {
        if let Some(content) = &mut self.current {
            match content.next(replica).await? {
                Some(bytes) => self.archive.write(&bytes),
                None => {
                    self.archive.end_file();
                    self.current = None;
                }
            }
            return Ok(());
        }
        let Some(member) = self.members.next() else {
            self.archive.finish();
            self.ended = true;
            return Ok(());
        };
        if member.folder {
            return self.archive.folder(&member.path).map_err(|_| Fault::TooMany);
        }
        let row = replica.row(member.node).await?.ok_or(Fault::NodeUnknown)?;
        let content = replica.content(&row).await?;
        self.archive.begin_file(member.path).map_err(|_| Fault::TooMany)?;
        self.current = Some(content);
        Ok(())
    }
}

//! The contents of files in order, read a little ahead of whoever takes them.
//!
//! Extents of one chunk that follow one another are one stretch, which is read and opened
//! once, whatever files they are of: the small files of a folder share chunks. A few
//! stretches are read at once, so memory holds a few chunks, however much is read.

use std::ops::Range;
use std::rc::Rc;
use std::vec;

use futures_util::stream::{self, LocalBoxStream, StreamExt};
use offing_core::content::manifest::Extent;
use offing_core::id::{ChunkId, NodeId};
use offing_core::rpc::Fault;

use super::{Content, Part};
use crate::host::Host;
use crate::replica::Replica;
use crate::replica::fault::corrupt;

/// Stretches that are read at once.
const READ_AHEAD: usize = 3;

/// What a download does next.
pub(super) enum Step {
    /// A folder of a ZIP comes.
    Folder(String),
    /// A file of a ZIP begins.
    Begin(String),
    /// Bytes of a file.
    Piece(Piece),
    /// All of a file with a long manifest was read, so all its chunks are here.
    Whole {
        /// The manifest.
        manifest: ChunkId,
        /// The chunks that it names.
        chunks: Vec<ChunkId>,
    },
    /// A file of a ZIP ends.
    End,
}

/// Bytes of a file.
pub(super) enum Piece {
    /// These.
    Bytes(Vec<u8>),
    /// A range of an opened stretch.
    Slice {
        /// Counted from the plan's first stretch.
        stretch: usize,
        /// Where in it.
        range: Range<usize>,
    },
}

/// Steps, and the stretches that they need, in the order they need them.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// Each with the file it was first needed for.
    stretches: Vec<(NodeId, Extent)>,
}

impl Plan {
    /// Adds the bytes of a file.
    pub(super) fn add(&mut self, content: Content) {
        for part in content.parts {
            let piece = match part {
                Part::Bytes(bytes) => Piece::Bytes(bytes),
                Part::Extent(extent) => self.slice(content.node, extent),
            };
            self.steps.push(Step::Piece(piece));
        }
        if let Some((manifest, chunks)) = content.long {
            self.steps.push(Step::Whole { manifest, chunks });
        }
    }

    /// Finds an extent in the last stretch, which grows to hold it, or in a new one.
    fn slice(&mut self, node: NodeId, extent: Extent) -> Piece {
        let (offset, len) = (extent.offset, extent.len as usize);
        let end = extent.offset.saturating_add(extent.len);
        match self.stretches.last_mut() {
            Some((_, last))
                if (last.chunk, last.key) == (extent.chunk, extent.key)
                    && last.offset <= extent.offset =>
            {
                last.len = last.len.max(end - last.offset);
            }
            Some(_) | None => self.stretches.push((node, extent)),
        }
        let stretch = self.stretches.len() - 1;
        let start = (offset - self.stretches[stretch].1.offset) as usize;
        Piece::Slice { stretch, range: start..start + len }
    }
}

/// A plan under way.
pub(super) struct Reading<H: Host> {
    replica: Rc<Replica<H>>,
    steps: vec::IntoIter<Step>,
    stretches: LocalBoxStream<'static, (NodeId, Result<Vec<u8>, Fault>)>,
    /// How many stretches were opened, and of the last one its file and plaintext.
    opened: usize,
    node: NodeId,
    plain: Vec<u8>,
}

impl<H: Host> Reading<H> {
    /// Begins; nothing is read before the first bytes are asked for.
    pub(super) fn new(replica: &Rc<Replica<H>>, plan: Plan) -> Self {
        let reader = Rc::clone(replica);
        let reads = stream::iter(plan.stretches).map(move |(node, extent)| {
            let replica = Rc::clone(&reader);
            async move { (node, replica.extent(&extent, node).await) }
        });
        Self {
            replica: Rc::clone(replica),
            steps: plan.steps.into_iter(),
            stretches: reads.buffered(READ_AHEAD).boxed_local(),
            opened: 0,
            node: NodeId::ROOT,
            plain: Vec::new(),
        }
    }

    /// The next step.
    pub(super) fn step(&mut self) -> Option<Step> {
        self.steps.next()
    }

    /// The bytes of a piece; pieces have to be asked for in their order.
    pub(super) async fn bytes(&mut self, piece: Piece) -> Result<Vec<u8>, Fault> {
        let (stretch, range) = match piece {
            Piece::Bytes(bytes) => return Ok(bytes),
            Piece::Slice { stretch, range } => (stretch, range),
        };
        while self.opened <= stretch {
            let Some((node, plain)) = self.stretches.next().await else {
                return Err(Fault::Internal);
            };
            self.opened += 1;
            (self.node, self.plain) = (node, plain?);
        }
        match self.plain.get(range) {
            Some(bytes) => Ok(bytes.to_vec()),
            None => Err(corrupt(self.replica.name_for_fault(self.node).await)),
        }
    }
}

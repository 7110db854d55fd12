//! The searcher: what it asks the engine next, and what it answers the page.
//!
//! Each round is a loop over questions to the engine that the worker drives, so that it can
//! pause between any two: [`Searcher::open`] until all that was kept is loaded,
//! [`Searcher::begin`] until all nodes are told, or [`Searcher::begin_if_changed`] with the mark of now, [`Searcher::seek`] until what other devices share
//! is taken, then [`Searcher::next`] for one file after the other, [`Searcher::keep`] whenever it
//! says so, and at last [`Searcher::share`]. What cannot be loaded is made again.
//!
//! ```text
//! place 0               postcard(version u8 = 1 | list of (id of a segment, its pieces)
//!                       | what is shared)
//! place id · 256 + n    piece n of a segment
//! ```

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use offing_core::id::NodeId;
use offing_core::limits;
use offing_core::rpc::index::{Ask, NodePage};
use offing_core::rpc::{self, Kind, Row};

use self::share::{Shared, Taking};
use crate::index::Index;
use crate::known::{FileKind, Known};
use crate::query;
use crate::segment::{Builder, File, Segment};
use crate::snippet;
use crate::words;

mod share;

const VERSION: u8 = 1;
/// How long a mark of the engine counts: of what another tab fetched it does not know.
const MARK_MS: u64 = 10 * 60 * 1_000;
const HEAD: u64 = 0;
/// Bytes of a piece of a segment.
const PIECE_BYTES: usize = 8 * 1024 * 1024;
/// Pieces that a segment may have.
const PIECES_MAX: u64 = 256;
/// Segments that are loaded.
const SEGMENTS_MAX: usize = 1_024;
/// Files, and bytes of their texts, that become a segment together.
const BATCH_FILES: usize = 64;
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// What a word in the name of a file adds to what the file is worth.
const NAME_WORTH: f32 = 0.5;

/// What is wanted beside the words.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The folder that it is below.
    pub folder: Option<NodeId>,
    /// It was changed since then, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// What kind of file it is.
    pub kind: Option<FileKind>,
    /// How large it is.
    pub bytes: Option<Range<u64>>,
    /// It is one of these, which have the labels that are wanted.
    pub within: Option<HashSet<NodeId>>,
}

impl Filter {
    fn fits(&self, row: &Row, path: &[NodeId]) -> bool {
        self.folder.is_none_or(|folder| path.contains(&folder))
            && self.since_ms.is_none_or(|since| row.modified_ms >= since)
            && self.kind.is_none_or(|kind| FileKind::of(row) == Some(kind))
            && self.bytes.as_ref().is_none_or(|bytes| bytes.contains(&row.size.unwrap_or(0)))
            && self.within.as_ref().is_none_or(|within| within.contains(&row.node))
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The file or folder as it is now.
    pub row: Row,
    /// The names of the folders from the root to it, without the root.
    pub path: Vec<String>,
}

/// The searcher.
#[derive(Debug, Default)]
pub struct Searcher {
    known: Known,
    /// The mark from before the nodes were told that are known, and when that was; then that of a
    /// telling that goes on.
    mark: Option<(Vec<u8>, u64)>,
    coming_mark: Option<(Vec<u8>, u64)>,
    index: Index,
    /// What of it is kept: segments, and how many pieces each has.
    kept: BTreeMap<u64, u64>,
    /// Nothing that is kept can be used.
    afresh: bool,
    /// Nothing is left of what was kept otherwise.
    swept: bool,
    /// What is shared, whether that is to be kept, and what of it is being taken.
    shared: Shared,
    tells: bool,
    taking: Option<Taking>,
    /// When the newest that is shared was asked for, in milliseconds since 1970.
    asked_ms: u64,
    /// What is being loaded, and what of it has come.
    loading: Vec<(u64, u64)>,
    pieces: (u64, Vec<u8>),
    /// Files whose words are to be taken, the next one last.
    queue: Vec<File>,
    batch: Builder,
    batch_bytes: usize,
    /// Files whose words could be taken, and of how many they are.
    readable: u32,
    read: u32,
    /// What the words of the last query stood for.
    wanted: Vec<Vec<String>>,
}

impl Searcher {
    /// Asks for what changes whenever something is kept.
    pub fn head_kept() -> Vec<u8> {
        rpc::encode(&Ask::Load { place: HEAD })
    }

    /// Begins to load what was kept.
    pub fn open(&mut self) -> Vec<u8> {
        let (known, asked_ms) = (std::mem::take(&mut self.known), self.asked_ms);
        *self = Self { known, asked_ms, ..Self::default() };
        Self::head_kept()
    }

    /// Takes what was kept at the place that was asked for; says what to ask next.
    pub fn loaded(&mut self, bytes: Option<&[u8]>) -> Option<Vec<u8>> {
        let next = if self.loading.is_empty() { self.head(bytes) } else { self.piece(bytes) };
        next.unwrap_or_else(|| {
            self.open();
            self.afresh = true;
            None
        })
    }

    fn head(&mut self, bytes: Option<&[u8]>) -> Option<Option<Vec<u8>>> {
        let (head, rest) = postcard::take_from_bytes(bytes?).ok()?;
        let (version, mut kept): (u8, Vec<(u64, u64)>) = head;
        let bounded = kept.iter().all(|(id, pieces)| {
            (1..u64::MAX / PIECES_MAX).contains(id) && (1..=PIECES_MAX).contains(pieces)
        });
        if version != VERSION || kept.len() > SEGMENTS_MAX || !bounded {
            return None;
        }
        self.shared = rpc::decode(rest).unwrap_or_default();
        self.kept = kept.iter().copied().collect();
        kept.reverse();
        self.loading = kept;
        Some(self.next_piece())
    }

    fn piece(&mut self, bytes: Option<&[u8]>) -> Option<Option<Vec<u8>>> {
        self.pieces.1.extend_from_slice(bytes?);
        self.pieces.0 += 1;
        let (id, pieces) = *self.loading.last()?;
        if self.pieces.0 == pieces {
            self.index.put(id, Segment::decode(&std::mem::take(&mut self.pieces).1).ok()?);
            self.loading.pop();
        }
        Some(self.next_piece())
    }

    fn next_piece(&self) -> Option<Vec<u8>> {
        let (id, _) = self.loading.last()?;
        Some(rpc::encode(&Ask::Load { place: id * PIECES_MAX + self.pieces.0 }))
    }

    /// Asks for the mark of the nodes as they are now.
    pub fn mark() -> Vec<u8> {
        rpc::encode(&Ask::Mark)
    }

    /// Begins to be told the nodes of the vault, unless the mark says that they are known as they
    /// are; nothing is asked then, and what was taken so far is found.
    pub fn begin_if_changed(&mut self, mark: Option<&[u8]>, now_ms: u64) -> Option<Vec<u8>> {
        let same = |(known, at): &(Vec<u8>, u64)| {
            mark == Some(known) && now_ms.checked_sub(*at).is_some_and(|age| age < MARK_MS)
        };
        if self.mark.as_ref().is_some_and(same) {
            self.flush();
            return None;
        }
        let question = self.begin();
        self.coming_mark = mark.map(|mark| (mark.to_vec(), now_ms));
        Some(question)
    }

    /// Begins to be told the nodes of the vault.
    pub fn begin(&mut self) -> Vec<u8> {
        // What is in no segment yet would be read again.
        self.flush();
        self.coming_mark = None;
        self.known.begin();
        rpc::encode(&Ask::Nodes { after: &[] })
    }

    /// Takes some nodes; says what to ask next. A page that cannot be read ends it, and what
    /// was known before goes on to count.
    pub fn told(&mut self, page: &[u8]) -> Option<Vec<u8>> {
        let page: NodePage = rpc::decode(page).ok()?;
        if let Some(after) = self.known.take(page) {
            return Some(rpc::encode(&Ask::Nodes { after: &after }));
        }
        self.mark = self.coming_mark.take();
        self.sort_out();
        None
    }

    /// Finds what of the nodes is read, and what is to be.
    fn sort_out(&mut self) {
        self.index.settle(|file| self.known.is_as(file));
        let readable = self.known.readable();
        self.readable = readable.len() as u32;
        let mut queue = Vec::new();
        for row in readable {
            let size = row.size.unwrap_or(0);
            let file = File { node: row.node, size, modified_ms: row.modified_ms, words: 0 };
            if !self.index.file(&row.node).is_some_and(|read| self.known.is_as(read)) {
                queue.push((row.local, file));
            }
        }
        self.read = self.readable - queue.len() as u32;
        self.queue = queue.into_iter().rev().filter_map(|(here, f)| here.then_some(f)).collect();
    }

    /// The next file whose words are to be taken.
    pub fn next(&self) -> Option<NodeId> {
        self.queue.last().map(|file| file.node)
    }

    /// Says of the next file what it is called, where its content is no text by itself.
    pub fn foreign(&self) -> Option<&str> {
        let row = self.known.row(&self.queue.last()?.node)?;
        (row.kind == Kind::File).then_some(row.name.as_str())
    }

    /// Takes the content that was asked for, or that it cannot be had now. What is no text is
    /// noted, so that it is not asked for again before it changes.
    pub fn take(&mut self, content: Option<&[u8]>) {
        let Some(file) = self.queue.pop() else { return };
        let Some(content) = content else { return };
        let content = &content[..content.len().min(limits::TEXT_BYTES_MAX)];
        self.batch.add(file, &String::from_utf8_lossy(content));
        self.batch_bytes += content.len();
        self.read += 1;
        if self.batch.len() >= BATCH_FILES
            || self.batch_bytes >= BATCH_BYTES
            || self.queue.is_empty()
        {
            self.flush();
        }
    }

    /// Makes a segment of what was taken.
    fn flush(&mut self) {
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        if !batch.is_empty() {
            self.index.add(batch.finish());
        }
        self.index.tidy(|node| self.known.is_there(node));
    }

    /// What the engine is to be asked, one after the other, so that all there is now is kept.
    /// What counted before is let go last, and with it whatever a tab that was killed has left.
    /// Where the engine refuses one, [`Self::kept`] is not called.
    pub fn keep(&self) -> Vec<Vec<u8>> {
        let parts = self.index.parts();
        let is_kept = |id: u64| self.kept.contains_key(&id) && !self.afresh;
        let all_kept = parts.iter().all(|part| is_kept(part.id)) && parts.len() == self.kept.len();
        let mut asks = Vec::new();
        if all_kept && self.swept && !self.tells {
            return asks;
        }
        let drop = |from, to| rpc::encode(&Ask::Drop { from, to });
        for part in parts.iter().filter(|part| !is_kept(part.id)) {
            let place = part.id * PIECES_MAX;
            asks.push(drop(place, place + PIECES_MAX));
            for (number, blob) in part.segment.encode().chunks(PIECE_BYTES).enumerate() {
                asks.push(rpc::encode(&Ask::Keep { place: place + number as u64, blob }));
            }
        }
        let pieces = self.pieces_of_parts();
        if !all_kept || self.tells {
            let head = (VERSION, pieces.iter().collect::<Vec<_>>(), &self.shared);
            asks.push(rpc::encode(&Ask::Keep { place: HEAD, blob: &rpc::encode(&head) }));
        }
        let mut end = HEAD + 1;
        for id in pieces.keys() {
            asks.push(drop(end, id * PIECES_MAX));
            end = (id + 1) * PIECES_MAX;
        }
        asks.push(drop(end, u64::MAX));
        asks
    }

    /// What [`Self::keep`] named is kept.
    pub fn kept(&mut self) {
        self.kept = self.pieces_of_parts();
        self.afresh = false;
        self.swept = true;
        self.tells = false;
    }

    fn pieces_of_parts(&self) -> BTreeMap<u64, u64> {
        let pieces = |bytes: usize| bytes.div_ceil(PIECE_BYTES) as u64;
        let parts = self.index.parts().iter();
        parts
            .map(|part| {
                let known = self.kept.get(&part.id).copied();
                (part.id, known.unwrap_or_else(|| pieces(part.segment.encode().len())))
            })
            .collect()
    }

    /// How many files are read, and how many could be.
    pub fn progress(&self) -> (u32, u32) {
        (self.read, self.readable)
    }

    /// The number of the latest segment.
    pub fn last_part(&self) -> u64 {
        self.index.last_id()
    }

    /// Finds files by what is in them.
    pub fn find(&mut self, query: &str, filter: &Filter, limit: usize) -> Vec<Hit> {
        let asked = query::parse(query);
        let weigh = |file: &File| {
            let row = self.known.row(&file.node)?;
            let path = self.known.path(&file.node)?;
            let mut worth = 1.0;
            words::words(&row.name, |word| {
                if asked.iter().any(|asked| word.text == asked.text) {
                    worth += NAME_WORTH;
                }
            });
            filter.fits(row, &path).then_some(worth)
        };
        let found = query::find(&self.index, &asked, &weigh, limit);
        self.wanted = found.words;
        found.files.iter().filter_map(|file| self.hit(&file.node)).collect()
    }

    /// Finds what is called so, or almost so, of these nodes where they are given.
    pub fn names(&self, query: &str, within: Option<&HashSet<NodeId>>, limit: usize) -> Vec<Hit> {
        let wants = |node: &NodeId| within.is_none_or(|within| within.contains(node));
        let found = self.known.named(query, wants, limit);
        found.iter().filter_map(|node| self.hit(node)).collect()
    }

    fn hit(&self, node: &NodeId) -> Option<Hit> {
        let row = self.known.row(node)?.clone();
        let folders = self.known.path(node)?;
        let names = folders.iter().filter_map(|folder| self.known.row(folder));
        Some(Hit { row, path: names.map(|row| row.name.clone()).collect() })
    }

    /// Takes from a content the snippet for the last query.
    pub fn snippet(&self, content: &[u8]) -> Vec<(String, bool)> {
        let content = &content[..content.len().min(limits::TEXT_BYTES_MAX)];
        snippet::snippet(&String::from_utf8_lossy(content), &self.wanted)
    }
}

#[cfg(test)]
mod tests;

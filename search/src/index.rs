//! The index: its segments, and which of them has the latest of a file.
//!
//! New files make a small segment; segments of about the same size become one when they are
//! eight, so a file is written anew a few times, however many there are. What a later segment
//! has again is dead in the earlier one, and goes when that is merged.

use std::collections::HashMap;

use offing_core::id::NodeId;

use crate::segment::{File, Segment};

/// Segments of one size before they become one.
const MERGE_COUNT: usize = 8;
/// Files of the smallest size of a segment.
const SMALL_FILES: usize = 64;

/// A segment with its number, and which of its files count.
#[derive(Debug)]
pub struct Part {
    /// Names it for ever.
    pub id: u64,
    /// The segment.
    pub segment: Segment,
    /// A sum of its bytes: what has the same is the same, on whichever device.
    pub sum: u64,
    lives: Vec<bool>,
}

impl Part {
    /// Says whether no later segment has a file of it.
    pub fn lives(&self, file: u32) -> bool {
        self.lives.get(file as usize).copied().unwrap_or(false)
    }

    /// How many files of it count.
    pub fn living(&self) -> usize {
        self.lives.iter().filter(|lives| **lives).count()
    }
}

/// All segments.
#[derive(Debug, Default)]
pub struct Index {
    parts: Vec<Part>,
    places: HashMap<NodeId, (u64, u32)>,
    last_id: u64,
}

impl Index {
    /// The segments.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// How many files are in it.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Says whether it has no file.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The number of the latest segment that was added.
    pub fn last_id(&self) -> u64 {
        self.last_id
    }

    /// A file as it was when its words were taken.
    pub fn file(&self, node: &NodeId) -> Option<&File> {
        let (id, place) = self.places.get(node)?;
        let part = self.parts.iter().find(|part| part.id == *id)?;
        part.segment.files.get(*place as usize)
    }

    /// Adds a segment that was kept, after all that were made before it.
    pub fn put(&mut self, id: u64, segment: Segment) {
        self.last_id = self.last_id.max(id);
        let (sum, lives) = (segment.sum(), vec![true; segment.files.len()]);
        self.parts.push(Part { id, segment, sum, lives });
        self.place(self.parts.len() - 1, |_| false);
    }

    /// Picks of each file anew which segment's counts: the latest that has it as it is now.
    pub fn settle(&mut self, is_now: impl Fn(&File) -> bool) {
        self.places.clear();
        for number in 0..self.parts.len() {
            self.parts[number].lives.fill(true);
            self.place(number, &is_now);
        }
    }

    /// Has the files of a segment count in the place of earlier ones, but of those that are as
    /// they are now, if they are not.
    fn place(&mut self, number: usize, is_now: impl Fn(&File) -> bool) {
        let id = self.parts[number].id;
        for place in 0..self.parts[number].segment.files.len() {
            let file = self.parts[number].segment.files[place];
            let before = self.places.insert(file.node, (id, place as u32));
            let Some((other, at)) = before else { continue };
            let Some(earlier) = self.parts.iter().position(|part| part.id == other) else {
                continue;
            };
            let stays = is_now(&self.parts[earlier].segment.files[at as usize]) && !is_now(&file);
            if stays {
                self.places.insert(file.node, (other, at));
                self.parts[number].lives[place] = false;
            } else {
                self.parts[earlier].lives[at as usize] = false;
            }
        }
    }

    /// Adds a new segment.
    pub fn add(&mut self, segment: Segment) {
        self.put(self.last_id + 1, segment);
    }

    /// Makes one of segments of the same size, and smaller ones of those that are mostly dead.
    /// Nothing that was deleted stays in them.
    pub fn tidy(&mut self, is_there: impl Fn(&NodeId) -> bool) {
        while let Some(ids) = self.to_merge() {
            let (merging, staying): (Vec<Part>, Vec<Part>) =
                std::mem::take(&mut self.parts).into_iter().partition(|p| ids.contains(&p.id));
            let segments: Vec<&Segment> = merging.iter().map(|part| &part.segment).collect();
            let merged = Segment::merge(&segments, |number, place| {
                let part = &merging[number];
                part.lives(place) && is_there(&part.segment.files[place as usize].node)
            });
            for part in &merging {
                for file in &part.segment.files {
                    if self.places.get(&file.node).is_some_and(|(id, _)| ids.contains(id)) {
                        self.places.remove(&file.node);
                    }
                }
            }
            self.parts = staying;
            if !merged.files.is_empty() {
                self.add(merged);
            }
        }
    }

    fn to_merge(&self) -> Option<Vec<u64>> {
        let mut sizes: HashMap<u32, Vec<u64>> = HashMap::new();
        for part in &self.parts {
            if part.living() * 2 < part.lives.len() || part.lives.is_empty() {
                return Some(vec![part.id]);
            }
            let size = (part.lives.len() / SMALL_FILES).max(1).ilog2() / MERGE_COUNT.ilog2();
            let ids = sizes.entry(size).or_default();
            ids.push(part.id);
            if ids.len() == MERGE_COUNT {
                return Some(ids.clone());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::Builder;

    fn segment(files: &[(u8, &str)]) -> Segment {
        let mut builder = Builder::default();
        for (number, text) in files {
            let node = NodeId([*number; 16]);
            builder.add(File { node, size: 1, modified_ms: 1, words: 0 }, text);
        }
        builder.finish()
    }

    fn has(index: &Index, word: &str) -> Vec<u8> {
        let mut found = Vec::new();
        for part in index.parts() {
            let Some(at) = part.segment.dictionary().get(word) else { continue };
            let living = part.segment.list(at).filter(|(file, _)| part.lives(*file));
            found.extend(living.map(|(file, _)| part.segment.files[file as usize].node.0[0]));
        }
        found.sort_unstable();
        found
    }

    #[test]
    fn a_file_that_comes_again_replaces_itself() {
        let mut index = Index::default();
        index.add(segment(&[(1, "tide"), (2, "tide")]));
        index.add(segment(&[(1, "wind")]));
        assert_eq!((has(&index, "tide"), has(&index, "wind")), (vec![2], vec![1]));
        assert_eq!(index.len(), 2);
    }

    #[test]
    fn many_small_segments_become_few_and_find_the_same() {
        let mut index = Index::default();
        for number in 0..100 {
            index.add(segment(&[(number, "tide"), (200, "wind")]));
            index.tidy(|_| true);
        }
        assert!(index.parts().len() <= 2 * MERGE_COUNT, "{}", index.parts().len());
        assert_eq!(has(&index, "tide"), (0..100).collect::<Vec<u8>>());
        assert_eq!(has(&index, "wind"), [200]);
        assert_eq!(index.len(), 101);
    }

    #[test]
    fn what_was_deleted_goes_with_a_merge() {
        let mut index = Index::default();
        for number in 0..8 {
            index.add(segment(&[(number, "tide")]));
        }
        index.tidy(|node| node.0[0] != 3);
        assert_eq!(has(&index, "tide"), [0, 1, 2, 4, 5, 6, 7]);
        assert!(index.file(&NodeId([3; 16])).is_none());
    }

    #[test]
    fn a_segment_of_which_little_lives_is_made_anew() {
        let mut index = Index::default();
        index.add(segment(&[(1, "a"), (2, "b"), (3, "c")]));
        index.add(segment(&[(1, "a"), (2, "b")]));
        index.tidy(|_| true);
        let files: usize = index.parts().iter().map(|part| part.segment.files.len()).sum();
        assert_eq!(files, 3);
    }
}

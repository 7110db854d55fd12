//! A segment: the index of some files, made once and never changed.
//!
//! ```text
//! segment  = "ofs" | version u8 = 1 | be32 length of files | be32 length of words
//!          | files | words | postings
//! files    = varint count | (node[16] | varint size | varint modified | varint words)*
//! words    = a transducer (`fst`) from word to offset in postings
//! postings = (varint count | (varint step | varint how often)*)*
//! ```
//!
//! A file without words was read and had none, or could not be read: it is not tried again
//! before it changes. What is read is checked as a whole before it is used, and then piece by
//! piece: damage is an error or finds less, and never panics. A transducer that somebody put together
//! with its checksum may do that, so what another device made is looked at once, by
//! [`Segment::is_sound`], where a panic ends no more than the looking.

use std::collections::{BTreeMap, HashMap};

use fst::{Map, MapBuilder, Streamer as _, map};
use offing_core::id::NodeId;

use crate::words;

const MAGIC: &[u8] = b"ofs\x01";
/// Most files of a segment.
const FILES_MAX: usize = 1 << 24;

/// Reports bytes that are no segment of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a segment of the index is damaged")]
pub struct SegmentError;

/// A file as it was when its words were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// The file.
    pub node: NodeId,
    /// Its size.
    pub size: u64,
    /// When it was changed, in milliseconds since 1970.
    pub modified_ms: i64,
    /// How many words it has; 0 if it could not be read.
    pub words: u32,
}

/// An index of some files.
#[derive(Debug)]
pub struct Segment {
    /// The files.
    pub files: Vec<File>,
    /// How many words they have together.
    pub words: u64,
    dictionary: Map<Vec<u8>>,
    postings: Vec<u8>,
}

/// The files and words from which a segment is made.
#[derive(Debug, Default)]
pub struct Builder {
    files: Vec<File>,
    lists: BTreeMap<String, Vec<(u32, u32)>>,
}

impl Builder {
    /// How many files it has.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Says whether it has none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Adds a file; `words` of it is counted here.
    pub fn add(&mut self, file: File, text: &str) {
        let mut counts: HashMap<String, u32> = HashMap::new();
        let mut all = 0u32;
        words::words(text, |word| {
            all = all.saturating_add(1);
            *counts.entry(word.text).or_default() += 1;
        });
        let place = self.files.len() as u32;
        for (word, count) in counts {
            self.lists.entry(word).or_default().push((place, count));
        }
        self.files.push(File { words: all, ..file });
    }

    /// Makes the segment.
    pub fn finish(self) -> Segment {
        let mut postings = Vec::new();
        let mut dictionary = MapBuilder::memory();
        for (word, list) in &self.lists {
            let at = postings.len() as u64;
            put_list(&mut postings, list);
            dictionary.insert(word, at).expect("a sorted map gives its keys in order");
        }
        Segment::of(self.files, dictionary, postings)
    }
}

impl Segment {
    fn of(files: Vec<File>, dictionary: MapBuilder<Vec<u8>>, postings: Vec<u8>) -> Self {
        let words = files.iter().map(|file| u64::from(file.words)).sum();
        Self { files, words, dictionary: dictionary.into_map(), postings }
    }

    /// Makes one segment of the files of several that `keeps` picks, by segment and place.
    pub fn merge(segments: &[&Self], keeps: impl Fn(usize, u32) -> bool) -> Self {
        let mut files = Vec::new();
        let mut moved: Vec<Vec<Option<u32>>> = Vec::new();
        for (number, segment) in segments.iter().enumerate() {
            let places = segment.files.iter().enumerate().map(|(place, file)| {
                keeps(number, place as u32).then(|| {
                    files.push(*file);
                    files.len() as u32 - 1
                })
            });
            moved.push(places.collect());
        }
        let mut all = map::OpBuilder::new();
        for segment in segments {
            all = all.add(&segment.dictionary);
        }
        let mut all = all.union();
        let mut dictionary = MapBuilder::memory();
        let mut postings = Vec::new();
        let mut list = Vec::new();
        while let Some((word, places)) = all.next() {
            list.clear();
            let mut places = places.to_vec();
            places.sort_by_key(|place| place.index);
            for place in places {
                let moved = &moved[place.index];
                let old = segments[place.index].list(place.value);
                list.extend(old.filter_map(|(file, count)| Some((moved[file as usize]?, count))));
            }
            if !list.is_empty() {
                let at = postings.len() as u64;
                put_list(&mut postings, &list);
                dictionary.insert(word, at).expect("a union gives its keys in order");
            }
        }
        Self::of(files, dictionary, postings)
    }

    /// The words, to be walked.
    pub fn dictionary(&self) -> &Map<Vec<u8>> {
        &self.dictionary
    }

    /// How many files have the word whose files are at an offset.
    pub fn count(&self, offset: u64) -> u32 {
        let mut bytes = self.postings.get(offset as usize..).unwrap_or_default();
        varint(&mut bytes).unwrap_or(0) as u32
    }

    /// The files that have the word at an offset, with how often they do, in order.
    pub fn list(&self, offset: u64) -> impl Iterator<Item = (u32, u32)> {
        let mut bytes = self.postings.get(offset as usize..).unwrap_or_default();
        let count = varint(&mut bytes).unwrap_or(0);
        let (mut place, files) = (0u64, self.files.len() as u64);
        (0..count).map_while(move |_| {
            place = place.checked_add(varint(&mut bytes)?)?;
            let often = varint(&mut bytes)?;
            (place < files).then_some((place as u32, often as u32))
        })
    }

    /// Encodes it.
    pub fn encode(&self) -> Vec<u8> {
        let mut files = Vec::new();
        put_varint(&mut files, self.files.len() as u64);
        for file in &self.files {
            files.extend_from_slice(&file.node.0);
            put_varint(&mut files, file.size);
            put_varint(&mut files, file.modified_ms as u64);
            put_varint(&mut files, u64::from(file.words));
        }
        let dictionary = self.dictionary.as_fst().as_bytes();
        let mut bytes = MAGIC.to_vec();
        for part in [&files[..], dictionary] {
            let len = u32::try_from(part.len()).expect("a segment is far below four gibibytes");
            bytes.extend_from_slice(&len.to_be_bytes());
        }
        bytes.extend_from_slice(&files);
        bytes.extend_from_slice(dictionary);
        bytes.extend_from_slice(&self.postings);
        bytes
    }

    /// A sum of its bytes (FNV-1a): tells segments apart, no more than that.
    pub fn sum(&self) -> u64 {
        let bytes = self.encode();
        let add = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, add)
    }

    /// Says whether it is what its own words and files make: then it was made by a program like this
    /// one, and nothing in it is walked that is not there. Ends, or panics, before its output is
    /// longer than what it reads.
    pub fn is_sound(&self) -> bool {
        let (mut dictionary, mut postings) = (MapBuilder::memory(), Vec::new());
        let mut words = self.dictionary.stream();
        while let Some((word, at)) = words.next() {
            let list: Vec<(u32, u32)> = self.list(at).collect();
            if at != postings.len() as u64 || list.is_empty() {
                return false;
            }
            put_list(&mut postings, &list);
            if postings.len() > self.postings.len() || dictionary.insert(word, at).is_err() {
                return false;
            }
        }
        let made = dictionary.into_map();
        postings == self.postings && made.as_fst().as_bytes() == self.dictionary.as_fst().as_bytes()
    }

    /// Decodes it.
    pub fn decode(bytes: &[u8]) -> Result<Self, SegmentError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(SegmentError)?;
        let (files_len, rest) = rest.split_first_chunk().ok_or(SegmentError)?;
        let (words_len, rest) = rest.split_first_chunk().ok_or(SegmentError)?;
        let len = |bytes: &[u8; 4]| u32::from_be_bytes(*bytes) as usize;
        let (files, rest) = rest.split_at_checked(len(files_len)).ok_or(SegmentError)?;
        let (words, postings) = rest.split_at_checked(len(words_len)).ok_or(SegmentError)?;
        let files = decode_files(files).ok_or(SegmentError)?;
        let dictionary = Map::new(words.to_vec()).map_err(|_| SegmentError)?;
        // A transducer that was made as a whole is walked without looking at each step.
        dictionary.as_fst().verify().map_err(|_| SegmentError)?;
        let words = files.iter().map(|file| u64::from(file.words)).sum();
        Ok(Self { files, words, dictionary, postings: postings.to_vec() })
    }
}

fn decode_files(mut bytes: &[u8]) -> Option<Vec<File>> {
    let bytes = &mut bytes;
    let count = varint(bytes)? as usize;
    // Each has its node and three numbers.
    if count > FILES_MAX || count > bytes.len() / (NodeId::LEN + 3) {
        return None;
    }
    let mut files = Vec::with_capacity(count);
    for _ in 0..count {
        let (node, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        let (size, modified_ms) = (varint(bytes)?, varint(bytes)? as i64);
        let words = u32::try_from(varint(bytes)?).ok()?;
        files.push(File { node: NodeId(*node), size, modified_ms, words });
    }
    bytes.is_empty().then_some(files)
}

fn put_list(out: &mut Vec<u8>, list: &[(u32, u32)]) {
    put_varint(out, list.len() as u64);
    let mut before = 0;
    for (place, count) in list {
        put_varint(out, u64::from(place - before));
        put_varint(out, u64::from(*count));
        before = *place;
    }
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(number: u8) -> File {
        File { node: NodeId([number; 16]), size: 9, modified_ms: -3, words: 0 }
    }

    fn segment(texts: &[&str]) -> Segment {
        let mut builder = Builder::default();
        for (number, text) in texts.iter().enumerate() {
            builder.add(file(number as u8), text);
        }
        builder.finish()
    }

    fn files_of(segment: &Segment, word: &str) -> Vec<(u32, u32)> {
        segment.dictionary().get(word).map_or(Vec::new(), |at| segment.list(at).collect())
    }

    #[test]
    fn a_segment_survives_its_bytes() {
        let made = segment(&["tide and tide", "", "潮汐 tide"]);
        let read = Segment::decode(&made.encode()).unwrap();
        assert_eq!(read.files, made.files);
        assert_eq!(files_of(&read, "tide"), [(0, 2), (2, 1)]);
        assert_eq!(files_of(&read, "潮汐"), [(2, 1)]);
        assert_eq!(read.encode(), made.encode());
    }

    #[test]
    fn segments_merge_without_what_is_let_go() {
        let (a, b) = (segment(&["tide", "buoy tide"]), segment(&["tide", "gull"]));
        let merged = Segment::merge(&[&a, &b], |number, place| (number, place) != (0, 0));
        assert_eq!(merged.files.len(), 3);
        assert_eq!(files_of(&merged, "tide"), [(0, 1), (1, 1)]);
        assert_eq!(files_of(&merged, "gull"), [(2, 1)]);
        let none = Segment::merge(&[&a, &b], |_, _| false);
        assert_eq!((none.files.len(), none.dictionary().len()), (0, 0));
    }

    /// Puts the checksum of its transducer on a segment, as a device does that lies.
    fn sums(mut bytes: Vec<u8>) -> Vec<u8> {
        let len = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let (start, words) = (12 + len(4), len(8));
        let Some(words) = bytes.get_mut(start..start + words).filter(|words| words.len() > 4)
        else {
            return bytes;
        };
        let (words, sum) = words.split_at_mut(words.len() - 4);
        let mut crc = !0u32;
        for byte in words.iter() {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0x82f6_3b78 * (crc & 1));
            }
        }
        let crc = !crc;
        let masked = crc.rotate_right(15).wrapping_add(0xa282_ead8);
        sum.copy_from_slice(&masked.to_le_bytes());
        bytes
    }

    #[test]
    fn what_is_sound_is_walked_without_a_panic_however_it_was_put_together() {
        let made = segment(&["tide and wind", "buoy harbour harbours 潮汐", "", "gull"]);
        let bytes = made.encode();
        assert_eq!(sums(bytes.clone()), bytes);
        assert!(Segment::decode(&bytes).unwrap().is_sound());
        assert!(Segment::merge(&[&made, &segment(&["gull"])], |_, _| true).is_sound());
        let mut refused = 0;
        for at in 4..bytes.len() {
            for bits in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut damaged = bytes.clone();
                damaged[at] ^= bits;
                let decoded = std::panic::catch_unwind(|| {
                    let read = Segment::decode(&sums(damaged)).ok()?;
                    read.is_sound().then_some(read)
                });
                let Ok(Some(read)) = decoded else {
                    refused += 1;
                    continue;
                };
                // A file's node, size or time, or how often it has a word.
                let mut words = read.dictionary().stream();
                while let Some((_, offset)) = words.next() {
                    read.list(offset).for_each(drop);
                }
                assert!(Segment::merge(&[&read, &read], |number, _| number == 0).is_sound());
            }
        }
        assert!(refused > 1_000, "{refused}");
    }

    #[test]
    fn a_torn_or_foreign_segment_is_refused_and_never_panics() {
        let bytes = segment(&["tide and wind", "buoy"]).encode();
        for end in 0..bytes.len() - 8 {
            if let Ok(read) = Segment::decode(&bytes[..end]) {
                // Only postings are missing: less is found.
                assert_eq!(read.files.len(), 2);
            }
        }
        assert!(Segment::decode(b"ofs\x02").is_err());
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x41;
            if let Ok(read) = Segment::decode(&damaged) {
                let mut words = read.dictionary().stream();
                while let Some((_, offset)) = words.next() {
                    read.list(offset).for_each(drop);
                }
            }
        }
    }
}

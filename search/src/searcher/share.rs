//! The index, shared with the person's other devices: when, and what is taken of theirs.
//!
//! A segment is the same wherever it is, and is known by a sum of its bytes. What another device
//! shares becomes segments of this one; of several that have a file the index picks the one that
//! read it as it is now ([`Index::settle`](crate::index::Index::settle)). What cannot be had is left
//! out.
//!
//! ```text
//! about = postcard(version u8 = 1 | list of (sum of a segment, its blobs))
//! ```

use std::collections::VecDeque;

use offing_core::limits;
use offing_core::rpc;
use offing_core::rpc::index::Ask;
use serde::{Deserialize, Serialize};

use super::{PIECES_MAX, SEGMENTS_MAX, Searcher};
use crate::segment::Segment;

const VERSION: u8 = 1;
/// Between two times that it is shared, and that the newest is asked for.
const SHARE_MS: u64 = 60 * 60 * 1_000;
const ASK_MS: u64 = 10 * 60 * 1_000;
/// It is shared when so many files are new, or so large a part of those that are shared.
const SHARE_FILES_MAX: usize = 256;
const SHARE_PART: usize = 16;

/// The newest index that is shared, as far as it is known here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shared {
    /// The sums of its segments.
    sums: Vec<u64>,
    /// When this device shared one last, in milliseconds since 1970.
    shared_ms: u64,
}

/// Segments that are being taken.
#[derive(Debug, Default)]
pub(super) struct Taking {
    /// Of each segment that is not here its blobs.
    rest: VecDeque<std::ops::Range<u32>>,
    /// What of the first has come.
    bytes: Vec<u8>,
}

impl Searcher {
    /// Asks for the newest shared index, if it is time: sooner where words are lacking.
    pub fn seek(&mut self, now_ms: u64) -> Option<Vec<u8>> {
        let lacks = self.read < self.readable;
        if now_ms.abs_diff(self.asked_ms) < if lacks { ASK_MS } else { SHARE_MS } {
            return None;
        }
        self.asked_ms = now_ms;
        self.taking = None;
        Some(rpc::encode(&Ask::Newest))
    }

    /// Takes what was asked for, or that it cannot be had; says what to ask next.
    pub fn found(&mut self, answer: Option<&[u8]>) -> Option<Vec<u8>> {
        match self.taking.take() {
            None => self.taking = Some(self.newest(answer?)?),
            Some(taking) => self.taking = Some(self.blob(taking, answer)),
        }
        let next = self.taking.as_ref().and_then(|taking| taking.rest.front());
        if let Some(blobs) = next {
            return Some(rpc::encode(&Ask::Take { blob: blobs.start }));
        }
        self.taking = None;
        self.sort_out();
        self.flush();
        None
    }

    /// What of the newest index is to be taken; nothing if it is of another version.
    fn newest(&mut self, about: &[u8]) -> Option<Taking> {
        // Where there is none, nothing of what was shared is there any more.
        let none = (VERSION, Vec::new());
        let (version, segments): (u8, Vec<(u64, u32)>) =
            if about.is_empty() { none } else { rpc::decode(about).ok()? };
        if version != VERSION || segments.len() > SEGMENTS_MAX {
            return None;
        }
        let mut taking = Taking::default();
        let mut at = 0;
        for (sum, blobs) in &segments {
            if !(1..=PIECES_MAX).contains(&u64::from(*blobs)) {
                return None;
            }
            if self.index.parts().iter().all(|part| part.sum != *sum) {
                taking.rest.push_back(at..at + blobs);
            }
            at += blobs;
        }
        let sums = segments.into_iter().map(|(sum, _)| sum).collect();
        let shared = Shared { sums, ..self.shared };
        self.tells |= self.shared != shared;
        self.shared = shared;
        Some(taking)
    }

    fn blob(&mut self, mut taking: Taking, answer: Option<&[u8]>) -> Taking {
        let Some(blobs) = taking.rest.front_mut() else { return taking };
        blobs.start += 1;
        taking.bytes.extend_from_slice(answer.unwrap_or_default());
        if answer.is_none() || blobs.start == blobs.end {
            taking.rest.pop_front();
            let bytes = std::mem::take(&mut taking.bytes);
            if answer.is_some()
                && let Ok(segment) = Segment::decode(&bytes)
                && segment.is_sound()
            {
                self.index.add(segment);
            }
        }
        taking
    }

    /// Has all that is kept shared, if it is time and enough of it is new.
    pub fn share(&self, now_ms: u64) -> Option<Vec<u8>> {
        let parts = self.index.parts();
        if !self.is_due(now_ms)
            || self.afresh
            || parts.iter().any(|part| !self.kept.contains_key(&part.id))
        {
            return None;
        }
        let mut about: Vec<(u64, u64)> = Vec::new();
        let mut places: Vec<u64> = Vec::new();
        for part in parts {
            let (start, blobs) = (part.id * PIECES_MAX, self.kept[&part.id]);
            about.push((part.sum, blobs));
            places.extend(start..start + blobs);
        }
        if places.len() > limits::INDEX_BLOBS_MAX {
            return None;
        }
        let about = rpc::encode(&(VERSION, about));
        Some(rpc::encode(&Ask::Share { about: &about, places }))
    }

    /// Takes that it is shared, or that this cannot be done now.
    pub fn shared(&mut self, answer: Option<&[u8]>, now_ms: u64) {
        if answer.is_none() {
            return;
        }
        let sums = self.index.parts().iter().map(|part| part.sum).collect();
        self.shared = Shared { sums, shared_ms: now_ms };
        self.tells = true;
    }

    fn is_due(&self, now_ms: u64) -> bool {
        let (mut shared, mut new) = (0, 0);
        for part in self.index.parts() {
            let files = if self.shared.sums.contains(&part.sum) { &mut shared } else { &mut new };
            *files += part.living();
        }
        let rests = now_ms.abs_diff(self.shared.shared_ms) < SHARE_MS;
        !rests && new >= (shared / SHARE_PART).clamp(1, SHARE_FILES_MAX)
    }
}

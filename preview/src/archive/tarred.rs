//! TAR: one header after the other, and each member's bytes where they lie.

use std::io::Read as _;
use std::ops::Range;

use tar::EntryType;

use super::ranges::{Ranges, Stop};
use super::{Kind, Member};
use crate::{Refusal, limits};

/// A TAR, as far as it was listed, or the one file that was packed alone.
pub(super) struct Tarred {
    ranges: Ranges,
    places: Vec<Range<u64>>,
    /// Where the next header is.
    next: u64,
}

/// Says whether the first header is one of a TAR.
pub(super) fn is_tar(bytes: &[u8]) -> bool {
    let Some(head) = bytes.get(..512) else { return false };
    if &head[257..262] == b"ustar" {
        return true;
    }
    // The oldest say nothing of themselves, but have a sum that fits, taken over spaces in its place.
    const SUM: Range<usize> = 148..156;
    let said = str::from_utf8(&head[SUM]).unwrap_or_default().trim_matches(['\0', ' ']);
    let byte = |(at, byte): (usize, &u8)| u32::from(if SUM.contains(&at) { b' ' } else { *byte });
    u32::from_str_radix(said, 8) == Ok(head.iter().enumerate().map(byte).sum())
}

impl Tarred {
    pub(super) fn new(ranges: Ranges) -> Self {
        Self { ranges, places: Vec::new(), next: 0 }
    }

    /// Lists members from where it stopped before.
    pub(super) fn list(&mut self, members: &mut Vec<Member>) -> Result<(), Stop> {
        let base = self.next;
        let reader = self.ranges.reader(base, limits::HEADER_BYTES_MAX);
        let mut archive = tar::Archive::new(reader.clone());
        for entry in archive.entries_with_seek().map_err(|_| Refusal::Broken)? {
            let entry = entry.map_err(|_| self.ranges.stop(Refusal::Broken))?;
            if members.len() == limits::MEMBERS_MAX {
                return Err(Refusal::Members.into());
            }
            let kind = entry.header().entry_type();
            // Of one with holes less is there than it says.
            let held =
                if kind.is_gnu_sparse() { entry.header().entry_size() } else { Ok(entry.size()) };
            let held = held.map_err(|_| Refusal::Broken)?.checked_next_multiple_of(BLOCK_BYTES);
            let next = held.and_then(|held| reader.place().checked_add(held));
            let kind = if kind == EntryType::Directory {
                Kind::Folder
            } else if [EntryType::Regular, EntryType::Continuous].contains(&kind) {
                Kind::File
            } else {
                Kind::Other
            };
            let start = base.saturating_add(entry.raw_file_position());
            // What is no file lies there otherwise, if at all: of holes only their size is told.
            let size = if kind == Kind::File { entry.size() } else { 0 };
            let end = start.saturating_add(size);
            // What the file is too short for is broken off.
            if end > self.ranges.size() {
                return Err(Refusal::Broken.into());
            }
            members.push(Member {
                path: String::from_utf8_lossy(&entry.path_bytes()).into_owned(),
                kind,
                size: entry.size(),
                ms: entry.header().mtime().ok().and_then(milliseconds),
                locked: false,
            });
            self.places.push(start..end);
            self.next = next.ok_or(Refusal::Broken)?;
            reader.allow(limits::HEADER_BYTES_MAX);
        }
        Ok(())
    }

    /// A file that was packed alone.
    pub(super) fn of_one(bytes: Vec<u8>, name: &str) -> (Self, Vec<Member>) {
        let size = bytes.len() as u64;
        let path = name.to_owned();
        let member = Member { path, kind: Kind::File, size, ms: None, locked: false };
        let place = 0..size;
        (Self { ranges: Ranges::of(bytes), places: vec![place], next: size }, vec![member])
    }

    pub(super) fn member(&self, index: usize) -> Result<Vec<u8>, Stop> {
        let place = self.places.get(index).cloned().ok_or(Refusal::Unknown)?;
        let size = place.end - place.start;
        if size > limits::ANSWER_BYTES_MAX as u64 {
            return Err(Refusal::Output.into());
        }
        self.ranges.want(place.clone())?;
        let mut bytes = Vec::with_capacity(size as usize);
        let read = self.ranges.reader(place.start, size).take(size).read_to_end(&mut bytes);
        read.map_err(|_| self.ranges.stop(Refusal::Broken))?;
        Ok(bytes)
    }
}

fn milliseconds(seconds: u64) -> Option<i64> {
    i64::try_from(seconds).ok()?.checked_mul(1000)
}

/// What headers and members are whole numbers of.
const BLOCK_BYTES: u64 = 512;

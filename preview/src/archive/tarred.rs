//! TAR: one header after the other, and each member's bytes where they lie.

use std::io::Cursor;
use std::ops::Range;

use tar::EntryType;

use super::{Kind, Member};
use crate::{Refusal, limits};

/// An open TAR, or the one file that was packed alone.
pub(super) struct Tarred {
    bytes: Vec<u8>,
    places: Vec<Range<usize>>,
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
    pub(super) fn open(bytes: Vec<u8>) -> Result<(Self, Vec<Member>), Refusal> {
        let (mut members, mut places) = (Vec::new(), Vec::new());
        let mut archive = tar::Archive::new(Cursor::new(bytes.as_slice()));
        for entry in archive.entries_with_seek().map_err(|_| Refusal::Broken)? {
            let entry = entry.map_err(|_| Refusal::Broken)?;
            if members.len() == limits::MEMBERS_MAX {
                return Err(Refusal::Members);
            }
            let kind = entry.header().entry_type();
            let kind = if kind == EntryType::Directory {
                Kind::Folder
            } else if [EntryType::Regular, EntryType::Continuous].contains(&kind) {
                Kind::File
            } else {
                Kind::Other
            };
            let start = entry.raw_file_position() as usize;
            // What is no file lies there otherwise, if at all: of holes only their size is told.
            let size = if kind == Kind::File { entry.size() as usize } else { 0 };
            let end = start.saturating_add(size);
            // What the file is too short for is broken off.
            if end > bytes.len() {
                return Err(Refusal::Broken);
            }
            members.push(Member {
                path: String::from_utf8_lossy(&entry.path_bytes()).into_owned(),
                kind,
                size: entry.size(),
                ms: entry.header().mtime().ok().and_then(milliseconds),
                locked: false,
            });
            places.push(start..end);
        }
        Ok((Self { bytes, places }, members))
    }

    /// A file that was packed alone.
    pub(super) fn of_one(bytes: Vec<u8>, name: &str) -> (Self, Vec<Member>) {
        let size = bytes.len() as u64;
        let path = name.to_owned();
        let member = Member { path, kind: Kind::File, size, ms: None, locked: false };
        let place = 0..bytes.len();
        (Self { bytes, places: vec![place] }, vec![member])
    }

    pub(super) fn member(&self, index: usize) -> Result<Vec<u8>, Refusal> {
        let place = self.places.get(index).cloned().ok_or(Refusal::Unknown)?;
        if place.len() > limits::ANSWER_BYTES_MAX {
            return Err(Refusal::Output);
        }
        self.bytes.get(place).map(<[u8]>::to_vec).ok_or(Refusal::Broken)
    }
}

fn milliseconds(seconds: u64) -> Option<i64> {
    i64::try_from(seconds).ok()?.checked_mul(1000)
}

//! WebP: chunks in a RIFF, whose head says how long all of it is and what there is.

use super::{Container, Split, What};

pub(super) const CONTAINER: Container = Container {
    fits: |bytes| bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
    split,
    wrap,
    finish,
};

/// Where the flags of an extended file are: its chunk is the first.
const FLAGS_AT: usize = 20;
const HAS_XMP: u8 = 4;
const HAS_EXIF: u8 = 8;

fn split(bytes: &[u8]) -> Split {
    let mut split = Split::default();
    let mut at = 12;
    split.add(What::Picture, 0..at);
    let all = le32(bytes, 4).and_then(|length| length.checked_add(8));
    let says = bytes.get(12..16) != Some(b"VP8X")
        || bytes.get(FLAGS_AT).is_some_and(|flags| flags & (HAS_XMP | HAS_EXIF) == 0);
    split.heard = says;
    while Some(at) != all {
        let Some((name, body, end)) = chunk(bytes, at) else { return split };
        if all.is_none_or(|all| end > all) {
            return split;
        }
        split.pixels = split.pixels.or_else(|| pixels(name, body));
        let known = match name {
            b"VP8X" | b"VP8 " | b"VP8L" | b"ALPH" | b"ANIM" | b"ICCP" => {
                split.add(What::Picture, at..end)
            }
            b"ANMF" => is_frame(body) && split.add(What::Picture, at..end),
            b"EXIF" => {
                let skip = if body.starts_with(b"Exif\0\0") { 6 } else { 0 };
                split.add(What::Exif, at + 8 + skip..at + 8 + body.len())
            }
            _ => split.add(What::Words, at + 8..at + 8 + body.len()),
        };
        if !known {
            return split;
        }
        at = end;
    }
    split.heard = true;
    split.end = Some(at);
    split
}

/// The chunk at a place, what is in it, and where the next one is.
fn chunk(bytes: &[u8], at: usize) -> Option<(&[u8], &[u8], usize)> {
    let name = bytes.get(at..at + 4)?;
    let length = le32(bytes, at + 4)?;
    let body = bytes.get(at + 8..(at + 8).checked_add(length)?)?;
    let end = at + 8 + length.next_multiple_of(2);
    (end <= bytes.len()).then_some((name, body, end))
}

/// Whether a frame of a moving picture holds nothing but what is drawn.
fn is_frame(body: &[u8]) -> bool {
    let mut at = 16;
    while let Some((b"ALPH" | b"VP8 " | b"VP8L", _, end)) = chunk(body, at) {
        at = end;
    }
    at == body.len()
}

fn pixels(name: &[u8], body: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize, bytes: usize| {
        let bytes = body.get(at..at + bytes)?;
        Some(bytes.iter().rev().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte)))
    };
    match name {
        b"VP8X" => Some((number(4, 3)? + 1, number(7, 3)? + 1)),
        b"VP8 " => Some((number(6, 2)? & 0x3fff, number(8, 2)? & 0x3fff)),
        b"VP8L" => {
            let bits = number(1, 4)?;
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        _ => None,
    }
}

fn le32(bytes: &[u8], at: usize) -> Option<usize> {
    let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(four)).ok()
}

fn wrap(exif: &[u8]) -> Vec<u8> {
    let length = (exif.len() as u32).to_le_bytes();
    let mut chunk = [b"EXIF", &length[..], exif].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

fn finish(file: &mut [u8], exif: bool) {
    let length = (file.len() as u32).wrapping_sub(8);
    file[4..8].copy_from_slice(&length.to_le_bytes());
    if file.get(12..16) == Some(b"VP8X") {
        file[FLAGS_AT] &= !(HAS_XMP | HAS_EXIF);
        file[FLAGS_AT] |= if exif { HAS_EXIF } else { 0 };
    }
}

//! PNG: chunks, each with a name and a checksum. Those stay that are drawn, or say how.

use super::{Container, Split, What};

pub(super) const CONTAINER: Container =
    Container { fits: |bytes| bytes.starts_with(&SIGNATURE), split, wrap, finish: |_, _| {} };

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// Chunks of the picture, moving ones too.
const PICTURE: [&[u8]; 18] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB",
    b"cICP", b"mDCV", b"cLLI", b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT",
];

fn split(bytes: &[u8]) -> Split {
    let mut split = Split::default();
    let mut at = SIGNATURE.len();
    split.add(What::Picture, 0..at);
    while let (Some(length), Some(name)) = (be32(bytes, at), bytes.get(at + 4..at + 8)) {
        let Some(end) = (at + 12).checked_add(length).filter(|end| *end <= bytes.len()) else {
            return split;
        };
        if name == b"IHDR" {
            let side = |at| be32(bytes, at).map(|side| side as u32);
            split.pixels = side(at + 8).zip(side(at + 12));
        }
        let known = if PICTURE.contains(&name) {
            split.add(What::Picture, at..end)
        } else if name == b"eXIf" {
            split.heard = true;
            split.add(What::Exif, at + 8..end - 4)
        } else if matches!(name, b"tEXt" | b"zTXt" | b"iTXt") {
            split.add(What::Words, at + 8..end - 4)
        } else {
            // Whoever does not know such a chunk cannot draw the picture.
            !name[0].is_ascii_uppercase()
        };
        if !known {
            return split;
        }
        if name == b"IEND" {
            split.heard = true;
            split.end = Some(end);
            return split;
        }
        at = end;
    }
    split
}

fn wrap(exif: &[u8]) -> Vec<u8> {
    let length = (exif.len() as u32).to_be_bytes();
    let body = [b"eXIf", exif].concat();
    let sum = crc32fast::hash(&body).to_be_bytes();
    [&length[..], &body, &sum].concat()
}

fn be32(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    four.iter().try_fold(0usize, |sum, byte| sum.checked_mul(256)?.checked_add(*byte as usize))
}

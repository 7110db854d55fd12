//! JPEG: segments, each behind a marker, and scans of packed pixels between them.
//!
//! Of the segments that programs add, those stay that say how colours are meant. What follows
//! the picture's end (other pictures, films) is no part of it.

use super::{Container, Split, What};

pub(super) const CONTAINER: Container = Container {
    fits: |bytes| bytes.starts_with(&[0xff, 0xd8, 0xff]),
    split,
    wrap,
    finish: |_, _| {},
};

const EXIF: &[u8] = b"Exif\0\0";

fn split(bytes: &[u8]) -> Split {
    let mut split = Split::default();
    let mut at = 2;
    split.add(What::Picture, 0..at);
    while let Some(&[0xff, marker]) = bytes.get(at..at + 2) {
        match marker {
            // Any number of these may stand before a marker.
            0xff => {
                at += 1;
                continue;
            }
            0xd9 => {
                split.heard = true;
                if split.add(What::Picture, at..at + 2) {
                    split.end = Some(at + 2);
                }
                return split;
            }
            0x00 | 0x01 | 0xd0..=0xd8 => return split,
            _ => {}
        }
        let Some(&[high, low]) = bytes.get(at + 2..at + 4) else { return split };
        let mut end = at + 2 + usize::from(u16::from_be_bytes([high, low]));
        let Some(body) = bytes.get(at + 4..end) else { return split };
        if is_frame(marker) {
            let Some(&[a, b, c, d]) = body.get(1..5) else { return split };
            let side = |two| u32::from(u16::from_be_bytes(two));
            split.pixels = Some((side([c, d]), side([a, b])));
        }
        let (what, from) = match marker {
            0xe1 if body.starts_with(EXIF) => (Some(What::Exif), at + 4 + EXIF.len()),
            0xe1 | 0xed | 0xfe => (Some(What::Words), at + 4),
            _ => (makes_picture(marker, body).then_some(What::Picture), at),
        };
        if marker == 0xda {
            split.heard = true;
            end += scan(&bytes[end..]);
        }
        if what.is_some_and(|what| !split.add(what, from..end)) {
            return split;
        }
        at = end;
    }
    split
}

/// Whether a segment changes how the picture looks.
fn makes_picture(marker: u8, body: &[u8]) -> bool {
    match marker {
        // Longer ones hold a small picture.
        0xe0 => body.starts_with(b"JFIF\0") && body.len() == 14,
        0xe2 => body.starts_with(b"ICC_PROFILE\0"),
        0xee => body.starts_with(b"Adobe") && body.len() == 12,
        0xc0..=0xc7 | 0xc9..=0xcf | 0xda..=0xdf => true,
        _ => false,
    }
}

/// Whether a segment begins a frame, and says its size.
fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

/// How long packed pixels are: up to a marker that is none of their own.
fn scan(bytes: &[u8]) -> usize {
    let ends = |two: &[u8]| two[0] == 0xff && !matches!(two[1], 0x00 | 0xd0..=0xd7 | 0xff);
    bytes.windows(2).position(ends).unwrap_or(bytes.len())
}

fn wrap(exif: &[u8]) -> Vec<u8> {
    let length = 2 + EXIF.len() + exif.len();
    // The fields that are kept are few and bounded.
    let length = u16::try_from(length).expect("what is kept of EXIF fits a segment");
    [&[0xff, 0xe1], &length.to_be_bytes()[..], EXIF, exif].concat()
}

//! How a chunk's plaintext is cut into frames, each sealed for itself.
//!
//! ```text
//! frame i = AES-256-GCM(key, nonce = be88(i) | last u8, aad, 64 KiB of plaintext)
//! ```
//!
//! The counter forbids reordering, the last flag truncation; a range opens without the
//! rest. Every frame but the last holds exactly `FRAME_PLAIN_BYTES`.

use std::ops::Range;

use crate::limits::FRAME_PLAIN_BYTES;

/// Bytes that sealing adds to a frame.
pub const TAG_BYTES: usize = 16;
/// Bytes of a full sealed frame.
pub const FRAME_SEALED_BYTES: usize = FRAME_PLAIN_BYTES + TAG_BYTES;

/// Which frames of a chunk some sealed bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Index of the first one.
    pub first: usize,
    /// The chunk's last frame is the last of them.
    pub ends: bool,
}

impl Span {
    /// All frames of a chunk.
    pub const WHOLE: Self = Self { first: 0, ends: true };
}

/// Returns the nonce of a frame; the key is used for one chunk only.
pub fn nonce(index: usize, last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&(index as u64).to_be_bytes());
    nonce[11] = u8::from(last);
    nonce
}

/// Counts the frames of a plaintext.
pub fn count_plain(plain_bytes: usize) -> usize {
    plain_bytes.div_ceil(FRAME_PLAIN_BYTES)
}

/// Returns the length of a plaintext's sealed frames.
pub fn sealed_bytes(plain_bytes: usize) -> usize {
    plain_bytes + count_plain(plain_bytes) * TAG_BYTES
}

/// Returns the length of the plaintext in this many sealed bytes; `None` if no plaintext
/// has that length.
pub fn plain_bytes(sealed_bytes: usize) -> Option<usize> {
    let full = sealed_bytes / FRAME_SEALED_BYTES;
    match sealed_bytes % FRAME_SEALED_BYTES {
        0 if full > 0 => Some(full * FRAME_PLAIN_BYTES),
        rest if rest > TAG_BYTES => Some(full * FRAME_PLAIN_BYTES + rest - TAG_BYTES),
        _ => None,
    }
}

/// The part of a chunk that must be read to open a range of its plaintext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Which frames these are.
    pub span: Span,
    /// Where they lie within all the sealed frames.
    pub sealed: Range<usize>,
    /// How many of their plaintext bytes come before the range.
    pub skip: usize,
}

/// Finds the frames that hold a plaintext range; `None` if it is empty or does not lie
/// within the chunk.
pub fn cut(sealed_bytes: usize, range: Range<usize>) -> Option<Cut> {
    let total = plain_bytes(sealed_bytes)?;
    if range.start >= range.end || range.end > total {
        return None;
    }
    let first = range.start / FRAME_PLAIN_BYTES;
    let end = range.end.div_ceil(FRAME_PLAIN_BYTES);
    Some(Cut {
        span: Span { first, ends: end == count_plain(total) },
        sealed: first * FRAME_SEALED_BYTES..(end * FRAME_SEALED_BYTES).min(sealed_bytes),
        skip: range.start - first * FRAME_PLAIN_BYTES,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_agree_in_both_directions() {
        for plain in [1, 2, 256, 65_535, 65_536, 65_537, 131_072, 1 << 20, (4 << 20) - 1] {
            assert_eq!(plain_bytes(sealed_bytes(plain)), Some(plain), "{plain}");
        }
    }

    #[test]
    fn a_length_that_no_plaintext_has_is_refused() {
        for sealed in [0, 1, 16, FRAME_SEALED_BYTES + 1, FRAME_SEALED_BYTES + 16] {
            assert_eq!(plain_bytes(sealed), None, "{sealed}");
        }
    }

    #[test]
    fn nonces_of_one_chunk_differ() {
        assert_ne!(nonce(0, false), nonce(0, true));
        assert_ne!(nonce(0, false), nonce(1, false));
        assert_eq!(nonce(0x0102, true), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 1]);
    }

    #[test]
    fn a_range_needs_only_its_frames() {
        let sealed = sealed_bytes(3 * FRAME_PLAIN_BYTES + 10);
        let middle = cut(sealed, 65_540..65_550).unwrap();
        assert_eq!(middle.span, Span { first: 1, ends: false });
        assert_eq!(middle.sealed, FRAME_SEALED_BYTES..2 * FRAME_SEALED_BYTES);
        assert_eq!(middle.skip, 4);
        let tail = cut(sealed, 3 * FRAME_PLAIN_BYTES..3 * FRAME_PLAIN_BYTES + 10).unwrap();
        assert_eq!(tail.span, Span { first: 3, ends: true });
        assert_eq!(tail.sealed.end, sealed);
        assert_eq!(cut(sealed, 5..5), None);
        assert_eq!(cut(sealed, 0..3 * FRAME_PLAIN_BYTES + 11), None);
    }
}

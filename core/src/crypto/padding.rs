//! Padmé: lengths rounded up so that they tell at most O(log log n) bits, for at most 12 %.
//!
//! Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with
//! PURBs", section 4. Padding is zeros; the true length sits inside what is sealed.

use crate::limits::PADDED_BYTES_MIN;

/// Rounds a length up by Padmé, to at least `PADDED_BYTES_MIN`.
pub fn padded_bytes(bytes: usize) -> usize {
    if bytes <= PADDED_BYTES_MIN {
        return PADDED_BYTES_MIN;
    }
    let exponent = bytes.ilog2();
    let kept_bits = exponent.ilog2() + 1;
    let mask = (1usize << (exponent - kept_bits)) - 1;
    (bytes + mask) & !mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_lengths_round_as_in_the_paper() {
        let table = [(0, 256), (1, 256), (256, 256), (257, 272), (1000, 1024), (9000, 9216)];
        for (bytes, padded) in table {
            assert_eq!(padded_bytes(bytes), padded, "{bytes}");
        }
        assert_eq!(padded_bytes(1 << 20), 1 << 20);
        assert_eq!(padded_bytes(4 << 20), 4 << 20);
    }

    #[test]
    fn padding_is_small_stable_and_monotone() {
        let mut last = 0;
        for bytes in (0..300_000).step_by(7) {
            let padded = padded_bytes(bytes);
            assert!(padded >= bytes && padded >= last);
            assert!(bytes < 256 || padded <= bytes + bytes / 8, "{bytes} → {padded}");
            assert_eq!(padded_bytes(padded), padded);
            last = padded;
        }
    }
}

//! The recovery code: 128 random bits as a person can copy them from paper.
//!
//! 128 bits and a checksum of 22 make 30 characters of Crockford's base32, printed as six
//! groups of five. Reading forgives case, spacing, hyphens, and `O`, `I`, `L` for `0`, `1`,
//! `1`; the checksum finds what is mistyped before the server is asked. The sixteen bytes,
//! not the text, are the secret that OPAQUE proves.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use zeroize::Zeroize;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHARS: usize = 30;
const GROUP_CHARS: usize = 5;
const CHECK_BITS: u32 = 22;

/// A recovery code; prints as six groups of five characters.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode([u8; 16]);

/// Reports text that is no recovery code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryCodeError {
    /// It has too few or too many characters.
    #[error("a recovery code has {CHARS} letters and digits")]
    Length,
    /// It has a character that no code has.
    #[error("a recovery code has no {character:?}")]
    Character {
        /// The character.
        character: char,
    },
    /// It is mistyped somewhere.
    #[error("the recovery code is mistyped")]
    Checksum,
}

impl RecoveryCode {
    /// Takes 16 random bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The secret to prove by OPAQUE.
    pub fn secret(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Drop for RecoveryCode {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

impl fmt::Display for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let high = u128::from_be_bytes(self.0);
        let check = u128::from(checksum(&self.0));
        for i in 0..CHARS {
            if i > 0 && i % GROUP_CHARS == 0 {
                f.write_str("-")?;
            }
            // Character i holds bits 5i.. of (128 bits | 22 bits), counted from the top.
            let below = 5 * (CHARS - 1 - i) as u32;
            let value = if below >= CHECK_BITS {
                high >> (below - CHECK_BITS)
            } else {
                (high << (CHECK_BITS - below)) | (check >> below)
            };
            write!(f, "{}", char::from(ALPHABET[(value & 31) as usize]))?;
        }
        Ok(())
    }
}

impl FromStr for RecoveryCode {
    type Err = RecoveryCodeError;

    fn from_str(text: &str) -> Result<Self, RecoveryCodeError> {
        let mut digits = Vec::with_capacity(CHARS);
        for character in text.chars() {
            if character.is_whitespace() || matches!(character, '-' | '–' | '.' | '_') {
                continue;
            }
            let digit = match character.to_ascii_uppercase() {
                'O' => Some(0),
                'I' | 'L' => Some(1),
                upper => ALPHABET.iter().position(|a| char::from(*a) == upper),
            };
            digits.push(digit.ok_or(RecoveryCodeError::Character { character })? as u128);
            if digits.len() > CHARS {
                return Err(RecoveryCodeError::Length);
            }
        }
        if digits.len() != CHARS {
            return Err(RecoveryCodeError::Length);
        }
        // 25 characters fill 125 bits; the 26th brings the last 3 and 2 of the checksum.
        let high = digits[..25].iter().fold(0, |acc, digit| (acc << 5) | digit);
        let code = Self(((high << 3) | (digits[25] >> 2)).to_be_bytes());
        let check = digits[26..].iter().fold(digits[25] & 3, |acc, digit| (acc << 5) | digit);
        if check == u128::from(checksum(&code.0)) {
            Ok(code)
        } else {
            Err(RecoveryCodeError::Checksum)
        }
    }
}

fn checksum(bytes: &[u8; 16]) -> u32 {
    let mut sha = Sha256::new();
    sha.update(b"of/recovery");
    sha.update(bytes);
    let hash = sha.finalize();
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) >> (32 - CHECK_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_code_forgives_case_spacing_and_lookalikes() {
        let code = RecoveryCode::new([0; 16]);
        let text = code.to_string();
        assert_eq!(text.len(), 35);
        let typed = text.to_lowercase().replace('-', " ").replace('0', "o");
        assert_eq!(typed.parse(), Ok(code));
    }

    #[test]
    fn text_that_is_no_code_says_what_is_wrong() {
        let text = RecoveryCode::new([7; 16]).to_string();
        assert_eq!(text[1..].parse::<RecoveryCode>(), Err(RecoveryCodeError::Length));
        assert_eq!((text.clone() + "0").parse::<RecoveryCode>(), Err(RecoveryCodeError::Length));
        assert_eq!(
            text.replacen(&text[..1], "U", 1).parse::<RecoveryCode>(),
            Err(RecoveryCodeError::Character { character: 'U' })
        );
    }

    proptest! {
        #[test]
        fn every_code_reads_back_and_every_single_typo_is_found(
            bytes: [u8; 16], at in 0usize..30, by in 1u8..32,
        ) {
            let code = RecoveryCode::new(bytes);
            let text: String = code.to_string().replace('-', "");
            prop_assert_eq!(text.parse(), Ok(code));
            let mut typo = text.into_bytes();
            let digit = ALPHABET.iter().position(|a| *a == typo[at]).unwrap();
            typo[at] = ALPHABET[(digit + by as usize) % 32];
            let typo = String::from_utf8(typo).unwrap();
            prop_assert_eq!(typo.parse::<RecoveryCode>(), Err(RecoveryCodeError::Checksum));
        }
    }
}

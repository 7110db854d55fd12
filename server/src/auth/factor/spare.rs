//! Spare codes: 80 random bits in sixteen characters of Crockford's base32, in groups of four.
//!
//! Reading forgives case, spacing, hyphens, and `O`, `I`, `L` for `0`, `1`, `1`, as with the recovery code. Nobody
//! guesses one, so wrong ones need no waiting.

use std::fmt;

use rand::RngCore as _;
use rand::rngs::OsRng;

/// A spare code.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SpareCode([u8; CHARS]);

impl SpareCode {
    /// Makes a new one.
    pub(super) fn generate() -> Self {
        let mut chars = [0; CHARS];
        OsRng.fill_bytes(&mut chars);
        Self(chars.map(|byte| ALPHABET[usize::from(byte & 31)]))
    }

    /// Reads what somebody typed.
    pub(super) fn read(typed: &str) -> Option<Self> {
        let typed = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let mut chars = [0; CHARS];
        let mut count = 0;
        for typed in typed {
            let folded = match typed.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let folded = u8::try_from(folded).ok().filter(|byte| ALPHABET.contains(byte))?;
            *chars.get_mut(count)? = folded;
            count += 1;
        }
        (count == CHARS).then_some(Self(chars))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for SpareCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, char) in self.0.iter().enumerate() {
            if at > 0 && at % GROUP_CHARS == 0 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(*char))?;
        }
        Ok(())
    }
}

impl fmt::Debug for SpareCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpareCode(…)")
    }
}

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHARS: usize = 16;
const GROUP_CHARS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_back_as_people_write_it() {
        let code = SpareCode::generate();
        let text = code.to_string();
        assert_eq!((text.len(), text.matches('-').count()), (19, 3));
        for typed in
            [text.clone(), text.to_lowercase(), text.replace('-', " "), format!(" {text} ")]
        {
            assert_eq!(SpareCode::read(&typed).as_ref(), Some(&code), "{typed}");
        }
        let (one, other) = ("OIL0-0000-0000-0000", "0110-0000-0000-0000");
        assert_eq!(SpareCode::read(one), SpareCode::read(other));
    }

    #[test]
    fn what_is_short_long_or_strange_is_none() {
        let text = SpareCode::generate().to_string();
        for typed in [
            "",
            "123456",
            &text[1..],
            &format!("{text}0"),
            &text.replacen(&text[..1], "U", 1),
            "é".repeat(16).as_str(),
        ] {
            assert_eq!(SpareCode::read(typed), None, "{typed}");
        }
    }
}

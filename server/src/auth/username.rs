//! Usernames: one spelling for one name.

use offing_core::limits;
use offing_core::proto::Code;
use unicode_normalization::UnicodeNormalization as _;

/// Brings a username into its one spelling (NFKC, lower case), or refuses it.
///
/// Letters and digits of any script and `. _ -` are allowed; the length counts characters.
pub(crate) fn normalise(given: &str) -> Result<String, Code> {
    // Bounded before the work: a character is at most four bytes, and NFKC of one character
    // is at most eighteen.
    if given.len() > 4 * limits::USERNAME_CHARS_MAX {
        return Err(Code::NameMalformed);
    }
    let folded: String = given.trim().nfkc().flat_map(char::to_lowercase).nfkc().collect();
    let chars = folded.chars().count();
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    if (limits::USERNAME_CHARS_MIN..=limits::USERNAME_CHARS_MAX).contains(&chars)
        && folded.chars().all(allowed)
    {
        Ok(folded)
    } else {
        Err(Code::NameMalformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_has_one_spelling() {
        for spelling in ["Zoe.B", " zoe.b ", "ｚｏｅ．Ｂ"] {
            assert_eq!(normalise(spelling).as_deref(), Ok("zoe.b"));
        }
        assert_eq!(normalise("Zoë").unwrap(), normalise("Zoe\u{308}").unwrap());
    }

    #[test]
    fn short_long_and_strange_names_are_refused() {
        for name in ["", "a", "a b", "a/b", "a@b", "\u{202e}ab", &"x".repeat(65), &"é".repeat(300)]
        {
            assert_eq!(normalise(name), Err(Code::NameMalformed), "{name:?}");
        }
        assert!(normalise(&"é".repeat(64)).is_ok());
    }
}

//! Canonical decomposition and composition (NFD, NFC), character by character.
//!
//! The iterators of `unicode-normalization` can do the compatible forms too and bring their
//! tables, 60 KiB that nothing here looks at, into the engine. Names are short, so a whole
//! one is worked on at a time.

use unicode_normalization::char::{canonical_combining_class, compose, decompose_canonical};

/// Decomposes a text canonically, with the marks of each letter in canonical order.
pub(super) fn decomposed(text: &str) -> Vec<char> {
    let mut chars = Vec::with_capacity(text.len());
    for c in text.chars() {
        decompose_canonical(c, |c| {
            let class = canonical_combining_class(c);
            let mut at = chars.len();
            // A mark goes before those of a greater class, and never before its letter.
            while class > 0 && at > 0 && canonical_combining_class(chars[at - 1]) > class {
                at -= 1;
            }
            chars.insert(at, c);
        });
    }
    chars
}

/// Composes a text canonically.
pub(super) fn composed(text: &str) -> String {
    let mut chars: Vec<char> = Vec::with_capacity(text.len());
    // Where the letter is that marks may become one with.
    let mut letter = None;
    for c in decomposed(text) {
        let class = canonical_combining_class(c);
        if let Some(letter) = letter {
            let (between, last) = (&chars[letter + 1..], chars[chars.len() - 1]);
            let reaches = between.is_empty() || canonical_combining_class(last) < class;
            if let Some(whole) = compose(chars[letter], c).filter(|_| reaches) {
                chars[letter] = whole;
                continue;
            }
        }
        if class == 0 {
            letter = Some(chars.len());
        }
        chars.push(c);
    }
    chars.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    #[track_caller]
    fn check(text: &str) {
        assert_eq!(decomposed(text), text.nfd().collect::<Vec<char>>(), "{text:?}");
        assert_eq!(composed(text), text.nfc().collect::<String>(), "{text:?}");
    }

    #[test]
    fn every_character_normalises_as_unicode_says() {
        // No character above has a decomposition or a class.
        for c in ('\0'..'\u{30000}').filter(|c| *c > '\u{bf}') {
            check(c.encode_utf8(&mut [0; 4]));
        }
    }

    #[test]
    fn marks_are_put_in_order_and_join_the_letter_that_they_reach() {
        for text in
            ["a\u{323}\u{307}", "a\u{307}\u{323}", "\u{307}a", "q\u{307}\u{323}", "각", "각"]
        {
            check(text);
        }
    }

    proptest! {
        #[test]
        fn every_text_normalises_as_unicode_says(
            text in "[ a-eA-EÀ-ÿΑ-ώА-яá-ẟ가-각힣ᄀ-나-ᅣᆧ-ᆩ\u{300}-\u{345}\u{591}-\u{5af}\u{915}-\u{94d}\u{9c7}-\u{9d7}\u{1100}-\u{11ff}\u{f71}-\u{f80}\u{f900}-\u{fa0d}]{0,16}"
        ) {
            check(&text);
        }
    }
}

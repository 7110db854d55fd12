//! Names of nodes: which are fit, when two are the same, and how they sort.
//!
//! Two names are the same when their *folded* forms are equal: canonically composed (NFC)
//! with the differences of case removed, which is what the strictest file systems do.
//! Names are kept as people typed them; folding is only for comparing. Nothing here knows
//! the tree.
//!
//! ```text
//! sort key = natural(plain letters) | 00 | folded name, if the first part lost something | 00
//! natural  = bytes, with each run of digits as '0' | count of digits u8 | digits
//! ```
//!
//! The key is injective on folded names and no key is a prefix of another, so a range of
//! keys stands for exactly one name.

mod marks;
mod normal;

use crate::limits;
use crate::rpc::NameReason;

/// Checks that a name can be used at all.
pub fn check(name: &str) -> Result<(), NameReason> {
    if name.is_empty() {
        return Err(NameReason::Empty);
    }
    if name == "." || name == ".." {
        return Err(NameReason::Dots);
    }
    if name.len() > limits::NAME_BYTES_MAX {
        return Err(NameReason::TooLong);
    }
    if name.chars().any(|c| c == '/' || c.is_control()) {
        return Err(NameReason::Character);
    }
    Ok(())
}

/// Folds a name for comparison.
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    // Upper and then lower case is full case folding for all but a few letters, and the
    // standard library has it; `ß` and `SS`, `ς` and `σ` become the same.
    let upper = normal::decomposed(name).into_iter().flat_map(char::to_uppercase);
    normal::composed(&upper.flat_map(char::to_lowercase).collect::<String>())
}

/// Composes a text canonically (NFC).
pub fn compose(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { normal::composed(text) }
}

/// Splits a name into its stem and its extension with the dot, which may be empty.
pub fn split_extension(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 => name.split_at(at),
        _ => (name, ""),
    }
}

/// Inserts ` (n)` before the extension.
pub fn with_suffix(name: &str, n: u32) -> String {
    let (stem, extension) = split_extension(name);
    format!("{stem} ({n}){extension}")
}

/// Undoes [`with_suffix`]: the name without ` (n)` and the number, if it has one of at
/// least 2.
pub fn without_suffix(name: &str) -> Option<(String, u32)> {
    let (stem, extension) = split_extension(name);
    let (base, digits) = stem.strip_suffix(')')?.rsplit_once(" (")?;
    if base.is_empty() || digits.len() > 9 || digits.starts_with('0') {
        return None;
    }
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n = digits.parse().ok().filter(|n| *n >= 2)?;
    let base = format!("{base}{extension}");
    (with_suffix(&base, n) == name).then_some((base, n))
}

/// Builds the sort key of a folded name.
pub fn sort_key(folded: &str) -> Vec<u8> {
    let plain: String = if folded.is_ascii() {
        folded.to_owned()
    } else {
        normal::decomposed(folded).into_iter().filter(|c| !marks::is_mark(*c)).collect()
    };
    let mut lossy = plain != folded;
    let mut key = Vec::with_capacity(folded.len() + 8);
    let bytes = plain.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            key.push(bytes[at]);
            at += 1;
            continue;
        }
        let end =
            bytes[at..].iter().position(|b| !b.is_ascii_digit()).map_or(bytes.len(), |n| at + n);
        let zeros = bytes[at..end - 1].iter().take_while(|b| **b == b'0').count();
        lossy |= zeros > 0;
        let digits = &bytes[at + zeros..end];
        key.push(b'0');
        key.push(u8::try_from(digits.len()).unwrap_or(u8::MAX));
        key.extend_from_slice(digits);
        at = end;
    }
    key.push(0);
    if lossy {
        key.extend_from_slice(folded.as_bytes());
    }
    key.push(0);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfit_names_are_refused_with_their_reason() {
        assert_eq!(check(""), Err(NameReason::Empty));
        assert_eq!(check(".."), Err(NameReason::Dots));
        assert_eq!(check("a/b"), Err(NameReason::Character));
        assert_eq!(check("a\0b"), Err(NameReason::Character));
        assert_eq!(check(&"x".repeat(256)), Err(NameReason::TooLong));
        assert_eq!(check(&"x".repeat(255)), Ok(()));
        assert_eq!(check("...hidden"), Ok(()));
    }

    #[test]
    fn case_and_composition_do_not_make_two_names() {
        assert_eq!(fold("Straße"), fold("STRASSE"));
        assert_eq!(fold("e\u{301}tude"), fold("Étude"));
        assert_eq!(fold("README.md"), fold("readme.MD"));
        assert_ne!(fold("a"), fold("á"));
    }

    #[test]
    fn a_suffix_goes_before_the_extension_and_comes_off_again() {
        for (name, suffixed) in
            [("a.txt", "a (2).txt"), ("a", "a (2)"), (".x", ".x (2)"), ("a.", "a (2).")]
        {
            assert_eq!(with_suffix(name, 2), suffixed);
            assert_eq!(without_suffix(suffixed), Some((name.to_owned(), 2)));
        }
        for name in ["a", "a (1)", "a (02)", " (2)", "a (2) b", "a.b (2)"] {
            assert_eq!(without_suffix(name), None, "{name}");
        }
    }

    #[test]
    fn names_sort_as_people_expect() {
        let mut names = ["b", "file 10", "Äpfel", "file 9", "a", "file 009", "apfel", "Zebra"];
        names.sort_by_key(|n| sort_key(&fold(n)));
        assert_eq!(names, ["a", "apfel", "Äpfel", "b", "file 9", "file 009", "file 10", "Zebra"]);
    }

    #[test]
    fn no_sort_key_is_a_prefix_of_another() {
        let names = ["a", "a1", "a01", "a 1", "á", "ab", "a1b", "1", "01", "0", "00", "a\u{327}"];
        for left in names {
            for right in names {
                let (l, r) = (sort_key(&fold(left)), sort_key(&fold(right)));
                assert!(left == right || !r.starts_with(&l), "{left} {right}");
            }
        }
    }
}

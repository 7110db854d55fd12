//! Words: what a text and a query are cut into.
//!
//! A word is a run of letters and digits, folded: case, compatibility forms and the accents of
//! Latin, Greek and Cyrillic make no difference. Chinese and Japanese write no spaces, so there
//! every two characters that follow one another are a word, and the last of a run is one by
//! itself; each character so begins a word, and any stretch of such a text is found by its
//! pairs. Pure; nothing here fails.

use std::ops::Range;

use crate::normal;

/// Most bytes of a word; what is longer is data and no language.
pub const WORD_BYTES_MAX: usize = 48;

/// What a word is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// Letters and digits between others.
    Spaced,
    /// Two characters of a run without spaces.
    Pair,
    /// The last character of such a run.
    Single,
}

/// A word with its place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word, folded.
    pub text: String,
    /// Where it stands, in bytes.
    pub at: Range<usize>,
    /// What it is made of.
    pub script: Script,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Unspaced,
    Between,
}

/// Cuts a text into words.
pub fn words(text: &str, mut found: impl FnMut(Word)) {
    let mut chars = text.char_indices().peekable();
    while let Some((start, first)) = chars.next() {
        let class = class(first);
        let mut run = vec![start];
        while let Some((at, _)) = chars.next_if(|(_, next)| self::class(*next) == class) {
            run.push(at);
        }
        let end = chars.peek().map_or(text.len(), |(at, _)| *at);
        match class {
            Class::Between => {}
            Class::Letter if end - start <= 2 * WORD_BYTES_MAX => {
                let word = fold(&text[start..end]);
                if !word.is_empty() && word.len() <= WORD_BYTES_MAX {
                    found(Word { text: word, at: start..end, script: Script::Spaced });
                }
            }
            Class::Letter => {}
            Class::Unspaced => pairs(text, &run, end, &mut found),
        }
    }
}

fn pairs(text: &str, run: &[usize], end: usize, found: &mut impl FnMut(Word)) {
    for (place, start) in run.iter().enumerate() {
        let (script, end) = match run.get(place + 1) {
            Some(next) => (Script::Pair, run.get(place + 2).copied().unwrap_or(end).max(*next)),
            None => (Script::Single, end),
        };
        found(Word { text: fold(&text[*start..end]), at: *start..end, script });
    }
}

/// Folds letters.
pub fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    if word.chars().all(normal::is_normal) {
        return word.to_owned();
    }
    let mut plain = normal::decomposed(word);
    // Marks of Japanese and of Indic scripts make other letters and stay.
    plain.retain(|letter| !('\u{300}'..='\u{36f}').contains(&letter));
    // Upper and then lower case makes `ß` and `SS` the same.
    let plain = normal::composed(plain);
    plain.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

fn class(letter: char) -> Class {
    match letter {
        '\u{3005}'
        | '\u{3040}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}'
        | '\u{20000}'..='\u{323af}' => Class::Unspaced,
        _ if letter.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&letter) => Class::Letter,
        _ => Class::Between,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        words(text, |word| all.push(word.text));
        all
    }

    #[test]
    fn case_accents_and_widths_make_no_difference() {
        assert_eq!(of("Café CAFE\u{301} ｃａｆｅ"), ["cafe", "cafe", "cafe"]);
        assert_eq!(of("Straße STRASSE"), ["strasse", "strasse"]);
        assert_eq!(of("Ärger, naïve!"), ["arger", "naive"]);
    }

    #[test]
    fn chinese_and_japanese_are_found_by_pairs() {
        assert_eq!(of("北京大学"), ["北京", "京大", "大学", "学"]);
        assert_eq!(of("潮 tide"), ["潮", "tide"]);
        assert_eq!(of("が か"), ["が", "か"]);
        assert_eq!(of("か\u{3099} ｶﾞ")[0], "が");
        assert_eq!(of("ｶﾞ")[0], "ガ");
    }

    #[test]
    fn a_word_knows_its_place() {
        let text = "— Über 潮汐!";
        let mut at = Vec::new();
        words(text, |word| at.push(text[word.at].to_owned()));
        assert_eq!(at, ["Über", "潮汐", "汐"]);
    }

    #[test]
    fn what_is_no_language_is_passed_over() {
        assert_eq!(of(&format!("a {} b", "x".repeat(60))), ["a", "b"]);
    }
}

//! Unicode's normal forms.
//!
//! In a browser they are the browser's: the tables for them would be more than half of the searcher's
//! module. Browsers of different years know different characters, so a word with one that is new may
//! be folded in two ways on two devices; then it is not found by its other spellings.

/// A word with its accents apart from its letters, and what is the same for whoever reads made the same (NFKD).
pub(crate) fn decomposed(word: &str) -> String {
    platform::normal(word, Form::Nfkd)
}

/// A word with its accents and letters together again (NFC).
pub(crate) fn composed(word: String) -> String {
    if word.is_ascii() { word } else { platform::normal(&word, Form::Nfc) }
}

/// Says whether a character, among others that are so, is what every normal form makes of it: those of
/// which Chinese and Japanese texts mostly consist. It spares them the way to the browser and back.
pub(crate) fn is_normal(letter: char) -> bool {
    matches!(letter,
        '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}')
}

#[derive(Clone, Copy)]
enum Form {
    Nfkd,
    Nfc,
}

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod platform {
    use js_sys::JsString;

    use super::Form;

    pub(super) fn normal(text: &str, form: Form) -> String {
        let form = match form {
            Form::Nfkd => "NFKD",
            Form::Nfc => "NFC",
        };
        JsString::from(text).normalize(form).into()
    }
}

#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
mod platform {
    use unicode_normalization::UnicodeNormalization as _;

    use super::Form;

    pub(super) fn normal(text: &str, form: Form) -> String {
        match form {
            Form::Nfkd => text.nfkd().collect(),
            Form::Nfc => text.nfc().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_normal_is() {
        for letter in ('\0'..=char::MAX).filter(|letter| is_normal(*letter)) {
            let text = letter.to_string();
            assert_eq!(composed(decomposed(&text)), text, "{letter:?}");
        }
        // What follows one in a word may be composed with it.
        assert!(!is_normal('\u{3099}') && !is_normal('\u{309a}'));
    }
}
